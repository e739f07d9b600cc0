"""Looking at a help centre while it is written: what is served, what is told to open pages, what is watched."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import SimpleQueue
from typing import Any
from urllib.request import urlopen

import pytest

from kb import preview
from kb.errors import BuildError, Problem
from tests import chromium
from tests.chromium import expect
from tests.publish.shop import Shop

WAIT_SECONDS = 300


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    shop = Shop(tmp_path, ("en",))
    shop.article("en/returns/index", title="Returns")
    shop.article("en/returns/size", "Before.\n\n" + "Long text.\n\n" * 200, title="Size")
    shop.build()
    return shop


@contextmanager
def serving(folder: Path, board: preview.Board | None) -> Iterator[str]:
    server = preview.server(folder, "127.0.0.1", 0, board)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def read(address: str) -> str:
    with urlopen(address, timeout=WAIT_SECONDS) as answer:
        return str(answer.read().decode())


def test_script_is_in_served_pages_and_in_no_file(shop: Shop) -> None:
    with serving(shop.site, preview.Board(shop.site)) as address:
        assert preview.SCRIPT in read(f"{address}/en/returns/size/")
        assert "EventSource" in read(address + preview.SCRIPT)
    assert not [name for name in shop.files() if name.endswith(".html") and "__kb" in shop.page(name)]


def test_without_a_board_pages_are_served_as_they_are(shop: Shop) -> None:
    with serving(shop.site, None) as address:
        assert read(f"{address}/en/returns/size/") == shop.page("en/returns/size")


def test_page_and_file_ahead_of_the_build_are_served_until_it_is_there(shop: Shop, tmp_path: Path) -> None:
    board, style = preview.Board(shop.site), tmp_path / "new.css"
    style.write_text("p { color: red }", "utf-8")
    with serving(shop.site, board) as address:
        board.show(2, {"en/returns/size/index.html": b"<body>Newer</body>"}, {"assets/new.css": style})
        assert "Newer" in read(f"{address}/en/returns/size/")
        assert "red" in read(f"{address}/assets/new.css")
        board.published(1)
        assert "Newer" in read(f"{address}/en/returns/size/")
        board.published(2)
        assert "Before." in read(f"{address}/en/returns/size/")


def test_page_that_is_as_published_again_is_served_from_the_site(shop: Shop) -> None:
    board = preview.Board(shop.site)
    board.show(1, {"en/returns/size/index.html": b"Newer"})
    board.show(2, {}, {}, again=["en/returns/size/index.html"])
    assert b"Before." in board.page("/en/returns/size/")[1]


def test_only_open_pages_that_differ_are_told(shop: Shop) -> None:
    board = preview.Board(shop.site)
    size = open_page(board, "/en/returns/size/")
    returns = open_page(board, "/en/returns/")
    assert board.looked_at() == {"en": ["returns/", "returns/size/"]}
    board.show(1, {"en/returns/size/index.html": b"Newer"})
    board.tell_problems([Problem("x", "articles/en/a.md", 3, "wrong", "mend it")])
    assert next(size).startswith("event: changed")
    told = next(returns)
    assert told.startswith("event: problems")
    assert json.loads(told.partition("data: ")[2])[0]["where"] == "articles/en/a.md:3"


def test_page_that_changed_while_it_was_loading_is_told(shop: Shop) -> None:
    page = preview.Board(shop.site).listen("/en/returns/size/", "an older version")
    next(page)
    assert next(page).startswith("event: changed")


def test_page_opened_after_an_error_is_told_of_it(shop: Shop) -> None:
    board = preview.Board(shop.site)
    board.tell_problems([Problem("x", "articles/en/a.md", 3, "wrong")])
    assert "wrong" in next(open_page(board, "/en/"))


def test_page_outside_the_site_is_missing(shop: Shop) -> None:
    board = preview.Board(shop.site)
    shop.write("secret.html", "secret")
    (shop.site / "out.html").symlink_to(shop.root / "secret.html")
    for address in ("/../secret.html", "/%2e%2e/secret.html", "/out.html", "/en/%00/"):
        status, html = board.page(address)
        assert status == 404
        assert html != b"secret"


def open_page(board: preview.Board, address: str) -> Iterator[str]:
    """A page that listens."""
    found = board.listen(address, preview.version_of(board.page(address)[1]))
    next(found)
    return found


def test_missing_site_is_refused_with_advice(tmp_path: Path) -> None:
    with pytest.raises(BuildError) as refused:
        preview.server(tmp_path, "127.0.0.1", 0)
    assert "kb build" in refused.value.hint


def test_a_file_that_goes_away_while_it_is_looked_at_stops_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a.md", "b.md", "below/c.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("before", "utf-8")
    watch = preview.Watch([tmp_path], ignored=[])
    concerns = watch.concerns

    def goes_away(path: str) -> bool:
        if path.endswith("a.md"):
            (tmp_path / "a.md").unlink()
            shutil.rmtree(tmp_path / "below")
        return concerns(path)

    monkeypatch.setattr(watch, "concerns", goes_away)
    assert str(tmp_path / "b.md") in watch._state()


@pytest.mark.parametrize("way", ["_observe", "_poll"])
def test_changes_are_noticed_but_not_those_a_build_makes(
    tmp_path: Path, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    articles, site = tmp_path / "articles", tmp_path / "site"
    articles.mkdir()
    site.mkdir()
    if way == "_poll":
        monkeypatch.setattr(
            preview.Watch, "_observe", lambda self: (_ for _ in ()).throw(OSError("no watches left"))
        )
    seen = threading.Event()

    def follow(watch: preview.Watch) -> None:
        for files in watch.changes():
            assert articles / "a.md" in files
            seen.set()

    beside = tmp_path / ".site.kb-build"
    with preview.Watch([tmp_path], ignored=[site, beside]) as watch:
        threading.Thread(target=follow, args=(watch,), daemon=True).start()
        beside.mkdir()
        (beside / "index.html").write_text("made", "utf-8")
        (tmp_path / ".site.docs").mkdir()
        site.rename(beside / "before")
        beside.rename(site)
        assert not seen.wait(1.2)
        (articles / "a.md").write_text("changed", "utf-8")
        assert seen.wait(WAIT_SECONDS)


def save_like_vim(file: Path, text: str) -> None:
    """The old file gets another name, a new one is written."""
    backup = file.with_name(f"{file.name}~")
    file.rename(backup)
    file.write_text(text, "utf-8")
    backup.unlink()


def save_like_code(file: Path, text: str) -> None:
    """In place: emptied, then written."""
    with file.open("w", encoding="utf-8") as out:
        out.flush()
        out.write(text)


def save_atomically(file: Path, text: str) -> None:
    """Another file takes the name."""
    new = file.with_name(f".{file.name}.swp")
    new.write_text(text, "utf-8")
    new.replace(file)


@pytest.mark.parametrize("save", [save_like_vim, save_like_code, save_atomically])
def test_a_save_is_one_change_whatever_the_editor_does(
    tmp_path: Path, save: Callable[[Path, str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Between two steps of a save this process may have to wait for others, longer than any editor takes.
    monkeypatch.setattr(preview, "_DEBOUNCE_SECONDS", 1.0)
    monkeypatch.setattr(preview, "_GONE_SECONDS", 1.0)
    file = tmp_path / "articles/en/a.md"
    file.parent.mkdir(parents=True)
    file.write_text("Before.", "utf-8")
    seen: SimpleQueue[str] = SimpleQueue()

    def follow(watch: preview.Watch) -> None:
        for files in watch.changes():
            if file in files:
                seen.put(file.read_text("utf-8"))

    with preview.Watch([tmp_path], ignored=[]) as watch:
        threading.Thread(target=follow, args=(watch,), daemon=True).start()
        save(file, "After.")
        assert seen.get(timeout=WAIT_SECONDS) == "After."


@pytest.fixture
def served(shop: Shop) -> Iterator[str]:
    """The address of ``kb serve`` in the shop's folder."""
    process = start(shop.root)
    try:
        yield served_at(process)
    finally:
        process.terminate()
        process.wait()


@pytest.fixture
def page(served: str) -> Iterator[Any]:
    """The article in Chromium, listening, with the scroll bar moved."""
    with chromium.chromium() as browser:
        page = browser.new_page()
        page.set_default_timeout(WAIT_SECONDS * 1000)
        with page.expect_request(lambda request: preview.EVENTS in request.url):
            page.goto(f"{served}/en/returns/size/")
        scroll(page)
        yield page


def scroll(page: Any) -> None:
    page.evaluate("scrollTo(0, 900)")
    page.wait_for_function("() => scrollY > 800")


LONG = "\n\nLong text." * 200


@pytest.mark.browser
def test_saved_text_is_on_screen_in_place_with_its_scroll_position(page: Any, shop: Shop) -> None:
    shop.article("en/returns/size", f"After.\n\n## New\n\n## Newer{LONG}", title="Size")
    page.get_by_text("After.").wait_for()
    scroll(page)
    page.evaluate("window.loadedOnce = true")
    shop.article("en/returns/size", f"Again.\n\n## New\n\n## Newest{LONG}", title="Size")
    page.get_by_text("Again.").wait_for()
    expect(page.locator(".kb-toc").get_by_text("Newest")).to_have_count(1)
    assert page.evaluate("scrollY") > 800
    # The whole build, a second later, makes the same page: nothing is loaded again.
    wait_for_text(shop, "Again.")
    assert page.evaluate("window.loadedOnce")


@pytest.mark.browser
def test_saved_title_and_words_of_the_theme_load_the_page_again_with_its_scroll_position(
    page: Any, shop: Shop
) -> None:
    shop.article("en/returns/size", f"Before.{LONG}", title="Another size")
    page.get_by_role("heading", name="Another size").wait_for()
    page.wait_for_function("() => scrollY > 800")
    shop.write("mkdocs.yml", shop.mkdocs("theme: {name: material, custom_dir: look}"))
    shop.write("look/strings/en.yml", "home: The very beginning\n")
    page.get_by_role("link", name="The very beginning").first.wait_for()
    # The folder is new since the preview began.
    shop.write("look/strings/en.yml", "home: The beginning\n")
    page.get_by_role("link", name="The beginning").first.wait_for()


@pytest.mark.browser
def test_errors_are_shown_over_the_last_good_page_until_they_are_mended(page: Any, shop: Shop) -> None:
    shop.article("en/returns/size", "[dead](nowhere.md)", title="Size")
    problems = page.locator("#kb-preview-problems")
    expect(problems).to_contain_text("nowhere.md")
    expect(page.get_by_text("Before.")).to_have_count(1)
    shop.article("en/returns/size", "Mended.", title="Size")
    page.get_by_text("Mended.").wait_for()
    problems.wait_for(state="detached")


@pytest.mark.browser
def test_deleted_article_is_missing_and_comes_back(page: Any, shop: Shop) -> None:
    file = shop.root / "articles/en/returns/size.md"
    text = file.read_text("utf-8")
    file.unlink()
    page.locator(".kb-at-missing").wait_for()
    file.write_text(text, "utf-8")
    page.get_by_text("Before.").wait_for()


def test_hook_is_loaded_anew_with_the_modules_it_imports(shop: Shop) -> None:
    mkdocs = (shop.root / "mkdocs.yml").read_text("utf-8")
    shop.write("mkdocs.yml", f"{mkdocs}\nhooks: [hooks.py]\n")
    shop.write("words.py", "WORD = 'first'\n")
    shop.write(
        "hooks.py",
        "import pathlib, sys\nsys.path.insert(0, str(pathlib.Path(__file__).parent))\nimport words\n"
        "def on_page_content(html, **_):\n    return html + '<p>' + words.WORD + '</p>'\n",
    )
    process = start(shop.root)
    try:
        served_at(process)
        wait_for_text(shop, "<p>first</p>")
        shop.write("words.py", "WORD = 'second'\n")
        wait_for_text(shop, "<p>second</p>")
    finally:
        process.terminate()
        process.wait()


@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_process_is_left_however_it_ends(shop: Shop, sent: signal.Signals) -> None:
    process = start(shop.root)
    served_at(process)
    wait_for(lambda: len(family(process.pid)) > 1)
    started = family(process.pid)
    shop.article("en/returns/size", "A build is running.", title="Other")
    process.send_signal(sent)
    code = process.wait(WAIT_SECONDS)
    assert code == (0 if sent == signal.SIGINT else -sent)
    wait_for(lambda: not [pid for pid in started if is_alive(pid)])
    assert (shop.site / "index.html").is_file()


def start(root: Path) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "kb", "--root", str(root), "serve", "--port", "0"]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)


def served_at(process: "subprocess.Popen[str]") -> str:
    assert process.stderr is not None
    for line in process.stderr:
        if "serving http" in line:
            return line.split()[1].rstrip("/")
    raise AssertionError("kb serve ended without serving")


def wait_for_text(shop: Shop, text: str) -> None:
    """Until the published article has it; while two folders change places, there may be none."""

    def there() -> bool:
        with suppress(FileNotFoundError):
            return text in shop.page("en/returns/size")
        return False

    wait_for(there)


def wait_for(done: Callable[[], bool]) -> None:
    until = time.monotonic() + WAIT_SECONDS
    while not done():
        assert time.monotonic() < until
        time.sleep(0.05)


def family(pid: int) -> set[int]:
    """A process and all that it started."""
    listed = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    parents = {int(line.split()[0]): int(line.split()[1]) for line in listed.splitlines()}
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def is_alive(pid: int) -> bool:
    state = subprocess.run(["ps", "-o", "state=", "-p", str(pid)], capture_output=True, text=True).stdout
    return bool(state.strip()) and not state.startswith("Z")
