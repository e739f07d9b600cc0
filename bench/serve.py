"""``kb serve``: from a saved file to the new text on the screen, in Chromium, by the wall clock.

    python -m bench.serve                                 a site of 1,000 articles, in one language and in three
    python -m bench.serve --articles 200 --languages 10   another size

Each kind of change is saved some times, with a pause in which the whole site is built behind it; the last one is saved
while that build runs. Needs Playwright and Chromium.
"""

import argparse
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bench import corpus, measure
from bench.build import LANGUAGES

SAVES = 15
PAUSE_SECONDS = 1.0
WAIT_SECONDS = 120.0
ARTICLE = "topic-000/answer-00003"
_MARK = "measured-"
_WATCH = """
(() => {
  let last = "";
  const look = () => {
    const found = document.querySelector(".kb-answer")?.textContent.match(/measured-\\d+/);
    if (!found || found[0] === last) return;
    last = found[0];
    // The first message after a frame comes when the frame is painted.
    requestAnimationFrame(() => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => painted(found[0], performance.timeOrigin + performance.now());
      port2.postMessage(0);
    });
  };
  new MutationObserver(look).observe(document, { subtree: true, childList: true, characterData: true });
})();
"""


def main(argv: Sequence[str] = ()) -> None:
    parser = argparse.ArgumentParser(description="How soon a saved file is on the screen.")
    parser.add_argument("--articles", type=int, default=1000)
    parser.add_argument("--languages", type=int, nargs="+", default=[1, 3])
    parser.add_argument("--saves", type=int, default=SAVES)
    args = parser.parse_args(argv)
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        print("not measured: Playwright is not installed")
        return
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if not chromium:
        print("not measured: Chromium is not installed")
        return
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for count in args.languages:
            with tempfile.TemporaryDirectory() as folder:
                root = Path(folder) / "shop"
                corpus.write(root, articles=args.articles, languages=LANGUAGES[:count])
                rows = served(root, browser, args.saves)
            measure.table(
                f"Saved → painted, {args.articles:,} articles in {count} {'language' if count == 1 else 'languages'}",
                ["change", "saves", "median", "95th percentile", "slowest", "demanded"],
                rows,
            )
        browser.close()


def served(root: Path, browser: Any, saves: int) -> list[list[str]]:
    command = [sys.executable, "-m", "kb", "serve", "--port", "0"]
    process = subprocess.Popen(command, cwd=root, stderr=subprocess.PIPE, text=True)
    try:
        return measured(root, browser, address(process), saves)
    finally:
        process.terminate()
        process.wait()


def address(process: "subprocess.Popen[str]") -> str:
    assert process.stderr is not None
    for line in process.stderr:
        found = re.search(r"http://\S+/", line)
        if found:
            return found[0]
    raise SystemExit("kb serve ended without serving")


def measured(root: Path, browser: Any, site: str, saves: int) -> list[list[str]]:
    painted: dict[str, float] = {}
    page = browser.new_page()
    page.expose_function("painted", lambda mark, at: painted.setdefault(mark, at))
    page.add_init_script(_WATCH)
    page.goto(f"{site}en/{ARTICLE}/", wait_until="load")
    file = root / "articles" / "en" / f"{ARTICLE}.md"
    text = file.read_text("utf-8")
    head, body = text.split("\n---\n", 1)
    number = 0

    def save(change: Callable[[str], str], pause: float) -> float:
        nonlocal number
        number += 1
        time.sleep(pause)
        mark = f"{_MARK}{number}"
        before = time.time()
        file.write_text(change(mark), "utf-8")
        until = time.monotonic() + WAIT_SECONDS
        while mark not in painted:
            if time.monotonic() > until:
                raise SystemExit(f"{mark} was not shown in {WAIT_SECONDS:.0f} s")
            page.wait_for_timeout(5)
        return painted[mark] / 1000 - before

    def in_body(mark: str) -> str:
        return f"{head}\n---\n{mark}\n\n{body}"

    def in_title(mark: str) -> str:
        return f"{re.sub('(?m)^title: ', f'title: {mark} ', head, count=1)}\n---\n{body}"

    kinds = [
        ("the text of an article", in_body, PAUSE_SECONDS, "≤ 0.5 s"),
        ("the same, during the build after the last", in_body, 0.2, "≤ 0.5 s"),
        ("the title of an article", in_title, PAUSE_SECONDS, ""),
    ]
    save(in_body, PAUSE_SECONDS)
    rows = []
    for name, change, pause, demanded in kinds:
        times = sorted(save(change, pause) for _ in range(saves))
        late = times[min(len(times) - 1, round(0.95 * len(times)))]
        shown = (statistics.median(times), late, times[-1])
        rows.append([name, str(saves), *(f"{seconds * 1000:.0f} ms" for seconds in shown), demanded])
    page.close()
    return rows


if __name__ == "__main__":
    main(sys.argv[1:])
