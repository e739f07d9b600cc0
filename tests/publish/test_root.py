"""The pages outside any language, in a real browser: choosing a language, following moved addresses, getting lost."""

import re
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from kb.publish.history import History
from tests import chromium as browsers
from tests.chromium import PATIENCE_MS, expect
from tests.publish.shop import Shop
from tests.publish.surroundings import Surroundings

LANGUAGES = ("en", "uk", "pt", "ar", "zh-Hant")
PATH = "/help/"

Open = Callable[..., Any]


@pytest.fixture(scope="module")
def around(tmp_path_factory: pytest.TempPathFactory) -> Surroundings:
    shop = Shop(tmp_path_factory.mktemp("shop"), LANGUAGES)
    shop.article("en/returns/size", title="Exchange", redirect_from="[old/size]")
    renamed = History(removed=frozenset({"articles/en/returns/gone.md"}))
    return Surroundings(shop, LANGUAGES, url=f"https://oselya.example{PATH}", default="uk", history=renamed)


class Host(SimpleHTTPRequestHandler):
    """A file server that shows the root's 404 page, as hosts do."""

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        page = Path(self.directory, PATH.strip("/"), "404.html").read_bytes()
        self.send_response(code)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, format: str, *args: object) -> None:
        """Stay silent."""


@pytest.fixture(scope="module")
def host(around: Surroundings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of the site, served below a path."""
    folder = tmp_path_factory.mktemp("www")
    around.write(folder / PATH.strip("/"))
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Host, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}{PATH}"
    server.shutdown()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with browsers.chromium() as browser:
        yield browser


@pytest.fixture
def page(chromium: Any, host: str) -> Iterator[Open]:
    """``page("uk/…", languages=[…], **options)`` opens an address in a fresh browser; whatever it complains about fails
    the test, and so does a request to another origin."""
    contexts: list[Any] = []
    complaints: list[str] = []

    def open_page(
        address: str,
        *,
        languages: list[str] | None = None,
        chosen: str = "",
        missing: bool = False,
        **options: Any,
    ) -> Any:
        context = chromium.new_context(**options)
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        setup = []
        if languages is not None:
            setup.append(
                f"Object.defineProperty(Navigator.prototype, 'languages', {{get: () => {languages}}});"
            )
        if chosen:
            setup.append(f"localStorage.setItem('kb.language', '{chosen}');")
        if setup:
            context.add_init_script("\n".join(setup))
        tab = context.new_page()
        tab.on(
            "console",
            lambda m: complaints.append(m.text) if m.type == "error" and "404" not in m.text else None,
        )
        tab.on("pageerror", lambda error: complaints.append(str(error)))
        tab.on(
            "request", lambda r: None if r.url.startswith(host) else complaints.append(f"request to {r.url}")
        )
        answer = tab.goto(host + address)
        assert (answer.status == 404) == missing
        return tab

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


def test_root_page_lists_languages_in_their_own_words(around: Surroundings) -> None:
    html = around.standalone.root_pages()["index.html"]
    links = re.findall(r'<a href="([^"]+)" lang="([^"]+)" dir="([^"]+)" hreflang="([^"]+)">([^<]+)</a>', html)
    assert links == [
        ("en/", "en", "ltr", "en", "English"),
        ("uk/", "uk", "ltr", "uk", "Українська"),
        ("pt/", "pt", "ltr", "pt", "Português"),
        ("ar/", "ar", "rtl", "ar", "العربية"),
        ("zh-Hant/", "zh-Hant", "ltr", "zh-Hant", "中文 (繁體)"),
    ]
    assert "Оберіть мову" in html


def test_root_page_tells_search_engines_its_versions(around: Surroundings) -> None:
    html = around.standalone.root_pages()["index.html"]
    url = f"https://oselya.example{PATH}"
    assert f'<link rel="canonical" href="{url}">' in html
    alternates = re.findall(r'<link rel="alternate" hreflang="([^"]+)" href="([^"]+)">', html)
    assert alternates == [*((language, f"{url}{language}/") for language in LANGUAGES), ("x-default", url)]


def test_pages_have_no_inline_code(around: Surroundings) -> None:
    for name, html in around.standalone.root_pages().items():
        assert "script-src 'self';" in html, name
        assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", html), name


def test_root_of_a_site_without_an_address(shop: Shop) -> None:
    shop.article("en/returns/size")
    pages = Surroundings(shop, url="").standalone.root_pages()
    assert "canonical" not in pages["index.html"]
    assert 'href="en/"' in pages["index.html"]
    assert 'href="/en/"' in pages["404.html"]


def test_B2_name_of_the_site_stays_text(shop: Shop) -> None:
    shop.article("en/returns/size")
    around = Surroundings(shop, name="<img src=x onerror=alert(1)>")
    for html in around.standalone.root_pages().values():
        assert "<img" not in html


@pytest.mark.browser
@pytest.mark.parametrize(
    ("preferred", "expected"),
    [
        (["en-GB"], "en"),
        (["pt-PT"], "pt"),
        (["pt-BR", "en"], "pt"),
        (["de-DE", "ar-EG", "en"], "ar"),
        (["zh-Hant-TW"], "zh-Hant"),
        (["zh-TW"], "zh-Hant"),
        (["UK-ua"], "uk"),
        (["en-u-ca-buddhist"], "en"),
        (["de", "fr"], "uk"),
        ([], "uk"),
    ],
)
def test_root_leads_to_the_preferred_language(page: Open, preferred: list[str], expected: str) -> None:
    tab = page("", languages=preferred)
    tab.wait_for_url(re.compile(rf"{PATH}{expected}/$"))


@pytest.mark.browser
def test_root_leads_to_the_language_chosen_before(page: Open) -> None:
    page("", languages=["en"], chosen="ar").wait_for_url(re.compile(f"{PATH}ar/$"))


@pytest.mark.browser
def test_root_ignores_a_remembered_language_that_is_gone(page: Open) -> None:
    page("", languages=["en"], chosen="ru").wait_for_url(re.compile(f"{PATH}en/$"))


@pytest.mark.browser
def test_root_takes_query_and_fragment_along_and_stays_out_of_history(page: Open) -> None:
    tab = page("en/", languages=["uk"])
    tab.goto(tab.url.replace("/en/", "/?from=mail#top"))
    tab.wait_for_url(re.compile(rf"{PATH}uk/\?from=mail#top$"))
    tab.go_back()
    expect(tab).to_have_url(re.compile("/en/$"))


@pytest.mark.browser
def test_root_shows_nothing_while_it_leaves(chromium: Any, host: str) -> None:
    context = chromium.new_context(locale="uk")
    context.set_default_timeout(PATIENCE_MS)
    tab = context.new_page()
    tab.clock.install()
    # "No content" keeps a browser where it is: as on a line so slow that the next page never comes.
    context.route(f"{host}uk/", lambda route: route.fulfill(status=204))
    with tab.expect_request(f"{host}uk/"):
        tab.goto(host, wait_until="commit")
    assert tab.evaluate("getComputedStyle(document.documentElement).display") == "none"
    tab.clock.run_for(3_000)
    # After a while the list must be there.
    expect(tab.get_by_role("link", name="English")).to_be_visible()
    context.close()


@pytest.mark.browser
def test_root_without_scripts_is_a_list_of_links(page: Open) -> None:
    tab = page("", java_script_enabled=False)
    assert tab.get_by_role("heading", level=1).inner_text() == "Oselya"
    tab.get_by_role("link", name="Português").click()
    tab.wait_for_url(re.compile(f"{PATH}pt/$"))


@pytest.mark.browser
def test_moved_address_keeps_query_and_fragment(page: Open) -> None:
    tab = page("en/", languages=["uk"])
    tab.goto(tab.url.replace("/en/", "/uk/old/size/?from=mail#step-2"))
    tab.wait_for_url(re.compile(rf"{PATH}uk/returns/size/\?from=mail#step-2$"))
    tab.go_back()
    expect(tab).to_have_url(re.compile("/en/$"))


@pytest.mark.browser
def test_moved_address_works_without_scripts(page: Open) -> None:
    tab = page("ar/old/size/", java_script_enabled=False)
    tab.wait_for_url(re.compile(rf"{PATH}ar/returns/size/$"))


@pytest.mark.browser
def test_gone_address_leads_on(page: Open) -> None:
    tab = page("uk/returns/gone/")
    assert tab.get_by_role("heading", level=1).inner_text() == "Цієї статті більше немає"
    tab.get_by_role("link", name="Exchange").click()
    tab.wait_for_url(re.compile(rf"{PATH}uk/returns/size/$"))


@pytest.mark.browser
@pytest.mark.parametrize(
    ("address", "language", "direction", "heading"),
    [
        ("uk/nothing/here/at/all", "uk", "ltr", "Сторінку не знайдено"),
        ("ar/nothing/", "ar", "rtl", "الصفحة غير موجودة"),
        ("nothing", "pt", "ltr", "Página não encontrada"),
        ("nothing/deep/below/", "pt", "ltr", "Página não encontrada"),
    ],
)
def test_missing_page_speaks_the_language_of_the_address_or_the_reader(
    page: Open, address: str, language: str, direction: str, heading: str
) -> None:
    tab = page(address, languages=["de", "pt-BR"], missing=True)
    expect(tab.locator("h2:visible")).to_have_text([heading])
    expect(tab.locator("html")).to_have_attribute("lang", language)
    expect(tab.locator("html")).to_have_attribute("dir", direction)
    expect(tab).to_have_title(f"{heading} · Oselya")
    tab.get_by_role("link").click()
    tab.wait_for_url(re.compile(f"{PATH}{language}/$"))


@pytest.mark.browser
def test_missing_page_remembers_the_language_chosen_before(page: Open) -> None:
    tab = page("nothing", languages=["pt"], chosen="en", missing=True)
    assert tab.locator("h2:visible").all_inner_texts() == ["Page not found"]


@pytest.mark.browser
def test_missing_page_without_scripts_speaks_all_languages(page: Open) -> None:
    tab = page("deep/below/nothing", java_script_enabled=False, missing=True)
    assert len(tab.locator("h2:visible").all()) == len(LANGUAGES)
    tab.get_by_role("link", name="Help centre").first.click()
    tab.wait_for_url(re.compile(f"{PATH}en/$"))


@pytest.mark.browser
@pytest.mark.parametrize("width", [320, 1280])
def test_pages_are_styled_at_any_depth_and_fit_the_screen(page: Open, width: int) -> None:
    for address, missing in (("", False), ("uk/returns/gone/", False), ("a/b/c", True)):
        tab = page(
            address,
            missing=missing,
            java_script_enabled=False,
            color_scheme="dark",
            viewport={"width": width, "height": 700},
        )
        link = tab.get_by_role("link").first
        assert link.evaluate("e => getComputedStyle(e).color") == "rgb(79, 209, 189)", address
        assert tab.evaluate("document.documentElement.scrollWidth") <= width, address


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_meet_wcag_by_axe(chromium: Any, host: str, scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    context = chromium.new_context(color_scheme=scheme)
    # Without its script the root stays where it is; so does a moved page.
    context.route(re.compile(r"(root|moved)\.js$"), lambda route: route.fulfill(body=""))
    tab = context.new_page()
    for address in ("", "uk/old/size/", "ar/returns/gone/", "uk/nothing", "nothing"):
        tab.goto(host + address)
        found = axe.run(tab).response["violations"]
        assert [(each["id"], each["nodes"][0]["html"]) for each in found] == [], address
    context.close()
