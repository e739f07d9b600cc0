"""<kb-help> on a page of the shop: another origin, another style sheet, one script tag."""

import gzip
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from kb import config
from kb.build import steps
from kb.resources import theme_dir
from tests import chromium
from tests.browser.reading import answered
from tests.desk.harness import Shop, words
from tests.desk.live import Live
from tests.desk.test_browser import ANSWERS, SIZES, browser, check_accessibility, kept_in_the_end, suggest

playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(chromium.PROGRAM is None, reason="Chromium is not installed"),
]
__all__ = ["browser"]
HELP = Path(__file__).parent.parent / "browser" / "help"
FOUND = {
    "en": ("want my money back", "How to return goods", "Pack everything well."),
    "uk": ("хочу повернути гроші", "Як повернути товар", "Добре запакуйте."),
    "ar": ("استرداد نقودي", "كيف تُرجع منتجًا", "غلّف كل شيء جيدًا."),
}
"""Language → a question, the title of the article that answers it, and a sentence of its text."""
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
    expect(answer, "the shop's styles stay outside").to_have_css("font-size", "16px")
    expect(page.locator("h1"), "and ours inside").to_have_css("font-size", "40px")
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
    with page.expect_event("requestfailed", lambda request: request.url.endswith("/api/assets/kb-help.js")):
        page.goto(shop_url)
    page.wait_for_timeout(200)
    expect(page.get_by_label(words().text("en", "label_subject"))).to_have_count(0)
    page.close()
    live.stop()
    live.shop.runner.close()


@pytest.fixture(scope="module")
def centre(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A built help centre in English, Ukrainian and Arabic."""
    root = tmp_path_factory.mktemp("centre")
    shutil.copytree(HELP, root, dirs_exist_ok=True)
    report = steps.build(config.load(root, {}), today=date(2026, 11, 21), workers=1, languages=list(FOUND))
    return report.output


@pytest.fixture
def shop(tmp_path: Path, page_server: tuple[Path, str], centre: Path) -> Iterator["Embedding"]:
    """A page of the shop that takes in the help centre's search and form."""
    folder, shop_url = page_server
    (tmp_path / "data").mkdir()
    desk = Shop(tmp_path / "data", suggest=suggest, public_url="", origins=(shop_url,), site=centre)
    live = Live(desk)
    yield Embedding(folder, shop_url, live)
    live.stop()
    desk.runner.close()


@dataclass(frozen=True)
class Embedding:
    folder: Path
    url: str
    live: Live

    def page(self, language: str, *, head: str = "") -> str:
        """The address of the shop's page."""
        page = SHOP_PAGE.format(language=language, help=self.live.url)
        (self.folder / "index.html").write_text(page.replace("<style>", f"{head}<style>"), "utf-8")
        return self.url

    def open(self, browser: Any, language: str, *, size: str = "desktop", head: str = "") -> Any:
        opened = browser.new_page(viewport=SIZES[size])
        opened.goto(self.page(language, head=head))
        return opened


def events(shop: Embedding) -> list[str]:
    """What the desk was told about, oldest first."""
    return [row["kind"] for row in shop.live.shop.rows("SELECT kind FROM events ORDER BY seq")]


class TestSearch:
    @pytest.mark.parametrize("size", SIZES)
    @pytest.mark.parametrize("language", FOUND)
    def test_answers_while_typing_open_in_a_panel(
        self, shop: Embedding, browser: Any, language: str, size: str
    ) -> None:
        question, title, passage = FOUND[language]
        page = shop.open(browser, language, size=size)
        box = page.get_by_role("combobox")
        box.click()
        page.keyboard.type(question)
        answered(page, question)
        first = page.get_by_role("option").first
        expect(first).to_contain_text(title)
        expect(first.locator(".kb-hit__text")).to_be_visible()
        check_accessibility(page)
        expect(first).to_have_css("direction", "rtl" if language == "ar" else "ltr")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing sticks out"

        page.keyboard.press("ArrowDown")
        expect(first).to_have_attribute("aria-selected", "true")
        page.keyboard.press("Enter")
        panel = page.get_by_role("dialog")
        expect(panel).to_contain_text(title)
        expect(panel).to_contain_text(passage)
        check_accessibility(page)
        page.keyboard.press("Escape")
        expect(box).to_be_focused()
        assert len(page.context.pages) == 1
        assert page.url.rstrip("/") == shop.url, "the shop's page stays"
        page.close()

    def test_what_did_not_help_is_carried_into_the_form(self, shop: Embedding, browser: Any) -> None:
        t, (question, *_) = words(), FOUND["uk"]
        page = shop.open(browser, "uk")
        page.get_by_role("combobox").click()
        page.keyboard.type(question)
        answered(page, question)
        page.get_by_role("option").first.click()
        page.get_by_role("dialog").get_by_role("button", name=t.text("uk", "still_need_help")).click()
        expect(page.get_by_label(t.text("uk", "label_message"), exact=True)).to_have_value(question)
        expect(page.get_by_label(t.text("uk", "label_subject"))).to_be_focused()
        expect(page.locator(".kb-desk-unhelpful")).to_have_count(1)
        check_accessibility(page)
        page.keyboard.type("Гроші")
        page.get_by_label(t.text("uk", "label_email")).fill("olena@customers.com")
        page.get_by_role("button", name=t.text("uk", "send"), exact=True).click()
        expect(page.get_by_role("heading", name=t.text("uk", "filed_title"))).to_be_visible()
        (stored,) = shop.live.shop.stored()
        assert (stored.draft.language, stored.draft.body) == ("uk", question)
        page.close()

    def test_what_solved_it_is_told(self, shop: Embedding, browser: Any) -> None:
        t, (question, *_) = words(), FOUND["en"]
        page = shop.open(browser, "en")
        page.get_by_role("combobox").click()
        page.keyboard.type(question)
        answered(page, question)
        page.get_by_role("option").first.click()
        page.get_by_role("dialog").get_by_role("button", name=t.text("en", "this_solved_it")).click()
        expect(page.get_by_text(t.text("en", "solved_thanks"))).to_be_visible()
        kept_in_the_end(page, shop.live.shop, {"opened", "solved"})
        assert sorted(events(shop)) == ["opened", "solved"]
        page.close()

    def test_nothing_found_leads_to_the_form_with_the_text(self, shop: Embedding, browser: Any) -> None:
        page = shop.open(browser, "en")
        page.get_by_role("combobox").click()
        page.keyboard.type("zxqv wkrt")
        expect(page.get_by_text("Nothing found for “zxqv wkrt”")).to_be_visible()
        page.keyboard.press("Escape")
        page.get_by_role("button", name="Contact us").click()
        expect(page.get_by_label(words().text("en", "label_message"), exact=True)).to_have_value("zxqv wkrt")
        page.close()

    def test_where_the_shops_policy_keeps_workers_out_the_service_answers(
        self, shop: Embedding, browser: Any
    ) -> None:
        title, _, question = ANSWERS["en"]
        policy = f"default-src 'self' {shop.live.url}; style-src 'unsafe-inline' {shop.live.url}; worker-src 'none'"
        page = shop.open(
            browser, "en", head=f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        )
        page.get_by_role("combobox").click()
        page.keyboard.type(question)
        expect(page.get_by_role("option").first).to_contain_text(title)
        page.close()

    def test_little_is_loaded_before_first_use(self, shop: Embedding, browser: Any) -> None:
        answers: list[Any] = []
        page = browser.new_page(viewport=SIZES["desktop"])
        page.on("response", lambda answer: answers.append(answer))
        page.goto(shop.page("en"))
        expect(page.get_by_role("combobox")).to_be_visible()
        page.wait_for_load_state("networkidle")
        ours = {
            answer.url: len(gzip.compress(answer.body() if answer.ok else b""))
            for answer in answers
            if answer.url.startswith(shop.live.url)
        }

        assert len(ours) > 4
        assert sum(ours.values()) <= 25 * 1024, ours
        assert not [url for url in ours if "manifest" in url or "contact" in url], "what nobody has used yet"
        page.close()


def test_all_of_it_is_small() -> None:
    folder = theme_dir() / "assets" / "desk"
    files = [f for f in folder.iterdir() if f.name not in ("status.js", "status-main.js", "main.js")]
    assert sum(len(gzip.compress(f.read_bytes())) for f in files) <= 25 * 1024
