"""Looking at a help centre while it is written: what is served, what is told to open pages, what is watched."""

import json
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import pytest

from kb import preview
from kb.errors import BuildError, Problem
from tests.publish.shop import Shop

WAIT_SECONDS = 60


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
    with serving(shop.site, preview.Board()) as address:
        assert preview.SCRIPT in read(f"{address}/en/returns/size/")
        assert "EventSource" in read(address + preview.SCRIPT)
    assert not [name for name in shop.files() if name.endswith(".html") and "__kb" in shop.page(name)]


def test_without_a_board_pages_are_served_as_they_are(shop: Shop) -> None:
    with serving(shop.site, None) as address:
        assert read(f"{address}/en/returns/size/") == shop.page("en/returns/size")


def test_page_ahead_of_the_build_is_served_until_the_build_is_there(shop: Shop, tmp_path: Path) -> None:
    board, ahead = preview.Board(), tmp_path / "ahead.html"
    ahead.write_text("<body>Newer</body>", "utf-8")
    with serving(shop.site, board) as address:
        board.show({"en/returns/size/index.html": ahead})
        assert "Newer" in read(f"{address}/en/returns/size/")
        board.forget_ahead()
        assert "Before." in read(f"{address}/en/returns/size/")


def test_only_open_pages_that_changed_are_told_to_load_again() -> None:
    board = preview.Board()
    size, refunds = board.listen("/en/returns/size/"), board.listen("/en/returns/refunds/")
    next(size), next(refunds)
    assert board.pages() == {"en": ["returns/refunds/", "returns/size/"]}
    board.tell_changed({"en/returns/size/index.html": None})
    board.tell_problems([Problem("x", "articles/en/a.md", 3, "wrong", "mend it")])
    assert next(size).startswith("event: reload")
    told = next(refunds)
    assert told.startswith("event: problems")
    assert json.loads(told.partition("data: ")[2])[0]["where"] == "articles/en/a.md:3"


def test_page_opened_after_an_error_is_told_of_it() -> None:
    board = preview.Board()
    board.tell_problems([Problem("x", "articles/en/a.md", 3, "wrong")])
    page = board.listen("/en/")
    next(page)
    assert "wrong" in next(page)


def test_missing_site_is_refused_with_advice(tmp_path: Path) -> None:
    with pytest.raises(BuildError) as refused:
        preview.server(tmp_path, "127.0.0.1", 0)
    assert "kb build" in refused.value.hint


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
        for _ in watch.changes():
            seen.set()

    beside = tmp_path / ".site.kb-build"
    with preview.Watch([tmp_path], ignored=[site, beside]) as watch:
        threading.Thread(target=follow, args=(watch,), daemon=True).start()
        time.sleep(0.1)
        beside.mkdir()
        (beside / "index.html").write_text("made", "utf-8")
        site.rename(beside / "before")
        beside.rename(site)
        assert not seen.wait(1.2)
        (articles / "a.md").write_text("changed", "utf-8")
        assert seen.wait(WAIT_SECONDS)


@pytest.mark.browser
def test_saved_article_is_on_screen_with_its_scroll_position(shop: Shop) -> None:
    sync_api = pytest.importorskip("playwright.sync_api", reason="needs Playwright")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not chromium:
        pytest.skip("needs Chromium")
    command = [sys.executable, "-m", "kb", "--root", str(shop.root), "serve", "--port", "0"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        address = served_at(process)
        with sync_api.sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            page = browser.new_page()
            page.goto(f"{address}/en/returns/size/")
            page.wait_for_function(
                "performance.getEntriesByType('resource').some(e => e.name.includes('__kb/'))"
            )
            page.evaluate("scrollTo(0, 900)")
            shop.article("en/returns/size", "After.\n\n" + "Long text.\n\n" * 200, title="Size")
            page.get_by_text("After.").wait_for(timeout=WAIT_SECONDS * 1000)
            page.wait_for_function("scrollY > 800")
            shop.article("en/returns/size", "[dead](nowhere.md)", title="Size")
            page.locator("#kb-preview-problems").wait_for(timeout=WAIT_SECONDS * 1000)
            assert "nowhere.md" in page.locator("#kb-preview-problems").inner_text()
            assert page.get_by_text("After.").count() == 1
            browser.close()
    finally:
        process.terminate()
        process.wait()


def served_at(process: "subprocess.Popen[str]") -> str:
    assert process.stderr is not None
    for line in process.stderr:
        if "serving http" in line:
            return line.split()[1].rstrip("/")
    raise AssertionError("kb serve ended without serving")
