"""<kb-help> on a page of the shop: another origin, another style sheet, one script tag."""

import gzip
import shutil
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from kb.resources import theme_dir
from tests.desk.harness import Shop, words
from tests.desk.live import Live
from tests.desk.test_browser import ANSWERS, browser, check_accessibility, suggest

playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(shutil.which("chromium") is None, reason="chromium is not installed"),
]
__all__ = ["browser"]
SHOP_PAGE = """<!doctype html><html lang="{language}"><head><meta charset="utf-8"><title>Shop</title>
<style>
* {{ color: red !important; font-size: 40px !important }} button {{ display: none !important }} p {{ margin: 99px }}
</style>
<script type="module" src="{help}/api/assets/kb-help.js"></script></head>
<body><main><h1>Checkout</h1><kb-help></kb-help></main></body></html>"""


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def page_server(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A shop's own web server: a folder and its address."""
    folder = tmp_path / "shop"
    folder.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield folder, f"http://localhost:{server.server_port}"
    server.shutdown()
    server.server_close()


def opened(tmp_path: Path, *, origins: tuple[str, ...]) -> Live:
    data = tmp_path / "data"
    data.mkdir()
    return Live(Shop(data, suggest=suggest, public_url="", origins=origins))


@pytest.mark.parametrize("language", ["uk", "ar"])
def test_a_page_of_the_shop_takes_in_the_form(
    tmp_path: Path, page_server: tuple[Path, str], browser: Any, language: str
) -> None:
    folder, shop_url = page_server
    live = opened(tmp_path, origins=(shop_url,))
    (folder / "index.html").write_text(SHOP_PAGE.format(language=language, help=live.url), "utf-8")
    t, (title, passage, question) = words(), ANSWERS[language]
    page = browser.new_page()
    page.goto(shop_url)
    subject = page.get_by_label(t.text(language, "label_subject"))
    subject.fill(question)
    answer = page.get_by_role("button", name=title)
    expect(answer).to_contain_text(passage)
    assert answer.evaluate("node => getComputedStyle(node).fontSize") == "16px", (
        "the shop's styles stay outside"
    )
    assert page.locator("h1").evaluate("node => getComputedStyle(node).fontSize") == "40px", "and ours inside"
    answer.focus()
    page.keyboard.press("Enter")
    panel = page.get_by_role("dialog")
    expect(panel).to_be_visible()
    link = panel.get_by_role("link").last.get_attribute("href")
    assert link == f"{live.url}/{language}/returns/refund/"
    check_accessibility(page)
    page.keyboard.press("Escape")
    expect(answer).to_be_focused()
    page.get_by_label(t.text(language, "label_message"), exact=True).fill("From the shop")
    page.get_by_label(t.text(language, "label_email")).fill("olena@customers.com")
    page.get_by_role("button", name=t.text(language, "send"), exact=True).click()
    expect(page.get_by_role("heading", name=t.text(language, "filed_title"))).to_be_visible()
    (stored,) = live.shop.stored()
    assert (stored.draft.language, stored.draft.body, stored.draft.page) == (language, "From the shop", "/")
    assert (
        page.locator(".kb-desk-code a")
        .get_attribute("href")
        .startswith(f"{live.url}/api/status?lang={language}#")
    )
    page.close()
    live.stop()
    live.shop.runner.close()


def test_a_site_that_is_not_named_gets_a_link_only(
    tmp_path: Path, page_server: tuple[Path, str], browser: Any
) -> None:
    folder, shop_url = page_server
    live = opened(tmp_path, origins=("https://another.example",))
    (folder / "index.html").write_text(SHOP_PAGE.format(language="en", help=live.url), "utf-8")
    page = browser.new_page()
    page.goto(shop_url)
    page.wait_for_timeout(500)
    expect(page.get_by_label(words().text("en", "label_subject"))).to_have_count(0)
    page.close()
    live.stop()
    live.shop.runner.close()


def test_all_of_it_is_small() -> None:
    folder = theme_dir() / "assets" / "desk"
    files = [f for f in folder.iterdir() if f.name not in ("status.js", "status-main.js", "main.js")]
    assert sum(len(gzip.compress(f.read_bytes())) for f in files) <= 25 * 1024
