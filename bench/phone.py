"""From the last key to the first answer on the screen, on a phone: a real Chromium slowed down, 1,000 articles.

    python -m bench.phone [--articles 1000] [--questions 60] [--slower 4]

The page is slowed by the debugger (Emulation.setCPUThrottlingRate), which leaves workers alone; so the worker's script
is given a wait after each answer that makes its work take as many times longer. Both together are what a slow device
does. Times are the page's own, from the key's event to the frame after the list has changed. On a busy machine they
grow: the last line says how much longer a fixed piece of work took than in its best run.
"""

import argparse
import random
import shutil
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench import corpus, measure
from kb import preview

WIDTH, HEIGHT = 360, 740
KEY_MS = 100
"""Between two keys: a quick thumb."""
REST_MS = 600
"""Nothing is typed so long after a question, so that what is measured is done."""
DEMANDED_MS = 100

WATCH = """
window.keys = []; window.painted = []; window.longest = 0;
addEventListener("input", (event) => keys.push(event.timeStamp), true);
addEventListener("DOMContentLoaded", () => {
  const list = document.querySelector(".kb-popup [role=listbox]");
  if (!list) return setTimeout(() => dispatchEvent(new Event("DOMContentLoaded")), 20);
  new MutationObserver(() => requestAnimationFrame(() => {
    const { port1, port2 } = new MessageChannel();
    port2.onmessage = () => painted.push(performance.now());
    port1.postMessage(0);
  })).observe(list, { childList: true });
});
"""
SLOW_WORKER = """
let kbBegan = 0, kbBusy = 0;
const kbPost = self.postMessage.bind(self);
addEventListener("message", () => { kbBegan = performance.now(); });
self.postMessage = (message) => {
  const took = performance.now() - kbBegan;
  while (performance.now() - kbBegan < SLOWER * took);
  kbPost({ ...message, took });
};
"""
CALIBRATION = """() => {
  const start = performance.now();
  let sum = 0;
  for (let i = 0; i < 1e7; i++) sum += i % 7;
  return performance.now() - start;
}"""


def main(argv: Sequence[str] = ()) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--articles", type=int, default=1000)
    parser.add_argument("--questions", type=int, default=60)
    parser.add_argument("--slower", type=int, default=4)
    parser.add_argument("--language", default="en")
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="kb-phone-") as folder:
        root = Path(folder) / "centre"
        corpus.write(root, articles=args.articles, languages=[args.language])
        measure.kb("build", cwd=root)
        server = preview.server(root / "site", "127.0.0.1", 0)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_address[1]}/{args.language}/"
        try:
            report(args, timed(address, questions(root, args), args))
        finally:
            server.shutdown()


def questions(root: Path, args: argparse.Namespace) -> list[str]:
    """Two to six words of one article each."""
    chance = random.Random(5)
    files = sorted((root / "articles" / args.language).rglob("answer-*.md"))
    found = []
    for _ in range(args.questions):
        words = [
            word
            for word in chance.choice(files).read_text("utf-8").split("---")[-1].split()
            if word.isalpha()
        ]
        start = chance.randrange(max(1, len(words) - 6))
        found.append(" ".join(words[start : start + chance.randint(2, 6)]).lower())
    return found


def timed(address: str, asked: Sequence[str], args: argparse.Namespace) -> dict[str, list[float]]:
    """``shown``: ms of each question; ``calibration``: ms of a fixed piece of work, not slowed, before each;
    ``spent``: CPU ms of the page's own thread, not slowed."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        raise SystemExit("playwright is not installed: pip install playwright") from None
    found: dict[str, list[float]] = {"shown": [], "calibration": [], "spent": []}
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(
            viewport={"width": WIDTH, "height": HEIGHT}, has_touch=True, is_mobile=True, device_scale_factor=2
        )
        page.route("**/search/worker.js", lambda route: _slowed(route, args.slower))
        page.add_init_script(WATCH)
        page.goto(address, wait_until="networkidle")
        box = page.locator("#kb-hero-search")
        box.tap()
        page.wait_for_timeout(3000)
        session = page.context.new_cdp_session(page)
        session.send("Performance.enable", {"timeDomain": "threadTicks"})
        found["spent"] = [_spent(page, session, question) for question in asked]
        for question in asked:
            found["calibration"].append(page.evaluate(CALIBRATION))
            session.send("Emulation.setCPUThrottlingRate", {"rate": args.slower})
            box.fill("")
            page.wait_for_timeout(300)
            page.evaluate("() => { keys.length = painted.length = 0; }")
            page.keyboard.type(question, delay=KEY_MS)
            page.wait_for_timeout(REST_MS)
            found["shown"].append(page.evaluate("() => painted.at(-1) - keys.at(-1)"))
            session.send("Emulation.setCPUThrottlingRate", {"rate": 1})
        browser.close()
    return found


def _spent(page: Any, session: Any, question: str) -> float:
    """CPU ms of the page's own thread for the last key of a question, its answer drawn."""

    def ticks() -> float:
        found = session.send("Performance.getMetrics")["metrics"]
        return 1000 * next(float(each["value"]) for each in found if each["name"] == "TaskDuration")

    page.locator("#kb-hero-search").fill(question[:-1])
    page.wait_for_timeout(REST_MS)
    before = ticks()
    page.keyboard.type(question[-1])
    page.wait_for_timeout(REST_MS)
    return ticks() - before


def _slowed(route: Any, slower: int) -> None:
    answer = route.fetch()
    route.fulfill(response=answer, body=SLOW_WORKER.replace("SLOWER", str(slower)) + answer.text())


def report(args: argparse.Namespace, found: dict[str, list[float]]) -> None:
    ranked = sorted(found["shown"])
    measure.table(
        f"Last key to first answer on the screen, CPU {args.slower} times slower (demanded: ≤ {DEMANDED_MS} ms)",
        ["articles", "questions", "median", "p75", "p95", "worst"],
        [
            [f"{args.articles:,}", str(len(ranked)), *(f"{ranked[min(len(ranked) - 1, int(q * len(ranked)))]:.0f} ms"
             for q in (0.5, 0.75, 0.95, 1))]
        ],
    )  # fmt: skip
    spent = sorted(found["spent"])
    print(
        f"\nOf it the page's own thread: {args.slower} × {spent[len(spent) // 2]:.1f} ms CPU in the middle, "
        f"{args.slower} × {spent[int(0.95 * len(spent))]:.1f} ms at p95, whatever else the machine does."
    )
    best = min(found["calibration"])
    worse = sorted(found["calibration"])[len(found["calibration"]) // 2] / best
    print(
        f"\nA fixed piece of work took {worse:.2f} times as long in the middle as in its best run ({best:.0f} ms)."
    )


if __name__ == "__main__":
    main(sys.argv[1:])
