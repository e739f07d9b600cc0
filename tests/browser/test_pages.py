"""What every page keeps, whatever its kind, its language, the width of the window and the browser's settings."""

import re
from typing import Any

import pytest

from tests.browser.reading import KINDS, Reading
from tests.chromium import expect

LANGUAGES = ("en", "uk", "ar", "pt")


def overflow(page: Any) -> int:
    """Pixels by which the page is wider than the window."""
    width: int = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return width


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_sideways_scrolling_at_any_width(reading: Reading, language: str) -> None:
    page, wide = reading.window(width=320), {}
    for kind, address in KINDS.items():
        page.goto(f"{reading.base}{language}/{address}", wait_until="load")
        for width in (320, 360, 620, 960, 1220):
            page.set_viewport_size({"width": width, "height": 800})
            if overflow(page) > 0:
                wide[kind, width] = overflow(page)

    assert wide == {}


def test_the_site_asks_nothing_of_other_origins_and_finds_all_it_asks_for(reading: Reading) -> None:
    for address in KINDS.values():
        reading.open(f"uk/{address}").wait_for_load_state("networkidle")

    assert reading.requests
    assert all(
        url.startswith(reading.base) for url in reading.requests if not url.startswith(("data:", "blob:"))
    )


def test_pages_below_a_path_also_work_at_a_root(chromium: Any, bare_origin: str) -> None:
    session = Reading(chromium, f"{bare_origin}/")
    page = session.open("en/returns/everything/")

    page.locator(".kb-path a").first.click()

    expect(page).to_have_url(f"{bare_origin}/en/")
    expect(page.locator(".kb-cards a")).to_have_count(2)
    session.close()


def test_a_missing_page_is_whole_at_any_depth(reading: Reading) -> None:
    page = reading.window()
    page.goto(reading.base + "ar/404.html")
    page.evaluate("history.replaceState(null, '', 'very/deep/down/')")
    page.locator(".kb-page--narrow a.kb-button").click()

    expect(page).to_have_url(f"{reading.base}ar/")


class TestWithoutScripts:
    """Everything but the search is there."""

    def open(self, reading: Reading, path: str, **options: Any) -> Any:
        return reading.open(path, java_script_enabled=False, **options)

    def test_text_navigation_and_switcher(self, reading: Reading) -> None:
        page = self.open(reading, "en/returns/how-to-return/")

        assert page.get_by_text("Pack everything well.").is_visible()
        assert page.locator("#kb-nav").get_by_role("link", name="Everything a page can show").is_visible()
        page.locator(".kb-languages summary").click()
        page.get_by_role("link", name="Українська").click()
        expect(page).to_have_url(re.compile("/uk/returns/how-to-return/$"))

    def test_menu_of_a_phone(self, reading: Reading) -> None:
        page = self.open(reading, "en/returns/how-to-return/", width=360)

        assert not page.locator("#kb-nav").is_visible()
        page.locator(".kb-menu").click()
        page.locator("#kb-nav").get_by_role("link", name="Orders").click()
        expect(page).to_have_url(re.compile("/en/orders/$"))

    def test_topics(self, reading: Reading) -> None:
        page = self.open(reading, "ar/")

        page.locator(".kb-cards a").first.click()
        expect(page).to_have_url(re.compile("/ar/orders/$"))

    def test_the_search_says_what_to_do_instead(self, reading: Reading) -> None:
        page = self.open(reading, "en/")

        page.get_by_role("searchbox").fill("money back")
        page.keyboard.press("Enter")
        expect(page).to_have_url(re.compile(r"/en/search/\?q=money\+back$"))
        expect(page.locator("noscript")).to_have_count(1)
        expect(page.locator(".kb-cards a").first).to_be_visible()


class TestLanguages:
    def test_the_switcher_stays_on_the_article_and_tells_what_awaits(self, reading: Reading) -> None:
        page = reading.open("en/returns/how-to-return/")
        page.locator(".kb-languages summary").click()
        choices = {
            link.get_attribute("hreflang"): " ".join(link.inner_text().split())
            for link in page.locator(".kb-languages__list a").all()
        }

        assert choices == {
            "en": "English",
            "uk": "Українська",
            "ar": "العربية",
            "pt": "Português machine translation",
        }
        page.locator(".kb-languages__list a[hreflang=ar]").click()
        expect(page).to_have_url(re.compile("/ar/returns/how-to-return/$"))
        expect(page.locator("html")).to_have_attribute("lang", "ar")
        expect(page.locator("body")).to_have_css("direction", "rtl")

    def test_a_missing_translation_is_named(self, reading: Reading) -> None:
        page = reading.open("en/orders/track/")
        page.locator(".kb-languages summary").click()

        assert "not translated yet" in page.locator("a[hreflang=ar]").inner_text()

    @pytest.mark.parametrize(
        ("language", "notice"), [("pt", "ainda não está disponível"), ("ar", "غير متاحة بالعربية")]
    )
    def test_a_borrowed_text_says_so_and_runs_its_own_way(
        self, reading: Reading, language: str, notice: str
    ) -> None:
        page = reading.open(f"{language}/returns/everything/")
        answer = page.locator(".kb-answer")

        assert notice in page.get_by_role("note").inner_text()
        assert (answer.get_attribute("lang"), answer.get_attribute("dir")) == ("en", "ltr")
        assert page.locator("html").get_attribute("lang") == language
        assert page.locator("link[rel=canonical]").get_attribute("href") == (
            "https://shop.example/help/en/returns/everything/"
        )
        assert page.locator("meta[name=robots]").get_attribute("content") == "noindex"

    def test_marks_of_lists_stand_before_borrowed_text(self, reading: Reading) -> None:
        page = reading.open("ar/returns/everything/", width=360)
        edges = page.evaluate(
            """() => {
                const answer = document.querySelector(".kb-answer").getBoundingClientRect();
                const item = document.querySelector(".kb-answer ul li").getBoundingClientRect();
                const title = getComputedStyle(document.querySelector(".kb-answer .admonition-title"));
                const icon = getComputedStyle(document.querySelector(".kb-answer .admonition-title"), "::before");
                return [item.left - answer.left, answer.right - item.right, title.paddingLeft > title.paddingRight,
                        parseFloat(icon.left) < parseFloat(icon.right)];
            }"""
        )

        assert edges[0] > 15  # room for the bullet on the left
        assert edges[1] < 1
        assert edges[2:] == [True, True]

    def test_a_machine_translation_leads_to_its_source(self, reading: Reading) -> None:
        page = reading.open("pt/returns/how-to-return/")

        assert page.get_by_role("heading", name="Como devolver produtos").is_visible()
        page.get_by_role("note").get_by_role("link").click()
        expect(page).to_have_url(re.compile("/en/returns/how-to-return/$"))


def test_light_or_dark_is_remembered_in_every_language(reading: Reading) -> None:
    page = reading.open("en/returns/")
    body = page.locator("body")
    light = body.evaluate("(body) => getComputedStyle(body).backgroundColor")

    page.locator("label[for^=__palette]:visible").click()
    expect(body).to_have_attribute("data-md-color-scheme", "slate")
    expect(body).not_to_have_css("background-color", light)
    dark = body.evaluate("(body) => getComputedStyle(body).backgroundColor")
    page.goto(reading.base + "ar/")

    expect(body).to_have_css("background-color", dark)


class TestKeyboard:
    def focused(self, page: Any) -> str:
        found: str = page.evaluate(
            "document.activeElement.getAttribute('aria-label') || document.activeElement.innerText.trim()"
        )
        return found

    def test_the_first_stop_leads_past_the_header(self, reading: Reading) -> None:
        page = reading.open("en/returns/how-to-return/")

        page.keyboard.press("Tab")
        skip = page.get_by_role("link", name="Skip to content")
        expect(skip).to_be_focused()
        page.keyboard.press("Enter")
        # A browser goes to a place on the page when it draws the next picture of it.
        expect(skip).not_to_be_focused()
        page.keyboard.press("Tab")
        assert self.focused(page) == "Help centre"
        assert page.evaluate("document.activeElement.closest('.kb-path') !== null")

    def test_every_stop_can_be_seen(self, reading: Reading) -> None:
        page = reading.open("ar/returns/everything/")
        unseen, stops = [], 0
        for _ in range(80):
            page.keyboard.press("Tab")
            stop = page.evaluate(
                """() => {
                    const at = document.activeElement;
                    if (at === document.body) return null;
                    // A hidden radio button shows its focus on its label, content tabs below theirs.
                    const label = document.querySelector(`label[for="${CSS.escape(at.id)}"]:not([hidden])`);
                    const shown = at.type === "radio" ? at.nextElementSibling ?? label ?? at : at;
                    const style = getComputedStyle(shown), box = at.getBoundingClientRect();
                    const seen = at.type === "radio" || (style.outlineStyle !== "none" && box.width > 0);
                    return [at.outerHTML.slice(0, 120), seen];
                }"""
            )
            if stop is None:
                break
            stops += 1
            if not stop[1]:
                unseen.append(stop[0])

        assert stops > 20
        assert unseen == []

    def test_the_menu_opens_leads_on_and_closes(self, reading: Reading) -> None:
        page = reading.open("en/returns/how-to-return/", width=360)
        page.locator(".kb-menu").focus()
        page.keyboard.press("Enter")

        expect(page.locator("#kb-nav")).to_be_visible()
        page.keyboard.press("Tab")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.closest('#kb-nav') !== null")
        page.keyboard.press("Escape")
        expect(page.locator("#kb-nav")).to_be_hidden()
        expect(page.locator(".kb-menu")).to_be_focused()

    def test_languages_close_on_escape(self, reading: Reading) -> None:
        page = reading.open("en/")
        page.locator(".kb-languages summary").focus()
        page.keyboard.press("Enter")

        expect(page.locator(".kb-languages__list")).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.locator(".kb-languages__list")).to_be_hidden()

    def test_slash_leads_to_the_search(self, reading: Reading) -> None:
        page = reading.open("en/returns/how-to-return/")
        page.keyboard.press("/")

        expect(page.locator("#kb-header-search")).to_be_focused()


def test_targets_of_a_finger_are_large_enough(reading: Reading) -> None:
    page = reading.open("uk/returns/how-to-return/", width=360)
    page.locator(".kb-languages summary").click()
    expect(page.locator(".kb-languages__list")).to_be_visible()
    small = page.evaluate(
        """() => [...document.querySelectorAll("a, button, summary, input, label[for]")]
            .filter((e) => !e.closest(".kb-answer"))
            .filter((e) => e.checkVisibility({visibilityProperty: true, opacityProperty: true}))
            .map((e) => [e.outerHTML.slice(0, 90), e.getBoundingClientRect()])
            .filter(([, box]) => box.width > 1 && (box.width < 24 || box.height < 24)).map(([html]) => html)"""
    )

    assert small == []


def test_nothing_moves_while_a_page_loads(reading: Reading) -> None:
    page = reading.window(width=360)
    page.add_init_script(
        "window.shift = 0; new PerformanceObserver(list => list.getEntries().forEach(e => window.shift += e.value))"
        ".observe({type: 'layout-shift', buffered: true})"
    )
    moved = {}
    for kind, address in KINDS.items():
        page.goto(f"{reading.base}en/{address}", wait_until="networkidle")
        if (shift := page.evaluate("window.shift")) > 0.02:
            moved[kind] = shift

    assert moved == {}


def test_print_shows_the_answer_and_where_it_is_from(reading: Reading) -> None:
    page = reading.open("en/returns/everything/")
    page.emulate_media(media="print")

    expect(page.get_by_text("By parcel.")).to_be_visible()
    expect(page.get_by_text("Hidden at first.")).to_be_visible()
    expect(page.get_by_text("From https://shop.example/help/en/returns/everything/")).to_be_visible()
    for hidden in (".kb-header", "#kb-nav", ".kb-footer", ".kb-ask", ".kb-related"):
        expect(page.locator(hidden).first).to_be_hidden()


def test_each_block_of_code_is_copied_by_its_own_button_and_commands_without_prompts(
    reading: Reading,
) -> None:
    page = reading.open("en/returns/everything/", permissions=["clipboard-read", "clipboard-write"])
    buttons = page.locator(".md-code__button")
    expect(buttons).to_have_count(2)  # Material's script makes them once a block comes into view
    copied = []
    for button in buttons.all():
        page.evaluate("navigator.clipboard.writeText('')")
        button.click()
        page.wait_for_function("async () => await navigator.clipboard.readText() !== ''")
        copied.append(page.evaluate("navigator.clipboard.readText()").split())

    assert copied == [["ORDER-2026-000123"], ["curl", "https://shop.example/orders", "date"]]


class TestHostileText:
    def test_B2_a_title_with_markup_stays_text(self, reading: Reading) -> None:
        title = '"><img src=x onerror="window.pwned=1">'
        page = reading.open("en/returns/unsafe-title/")

        assert page.locator("h1").inner_text() == title
        for path in ("en/returns/", "en/returns/everything/", "ar/returns/unsafe-title/"):
            page.goto(reading.base + path)
            assert page.evaluate("window.pwned") is None
            assert page.locator("img[src=x]").count() == 0

    def test_B10_a_question_with_markup_stays_text(self, reading: Reading) -> None:
        question = '"><img src=x onerror=window.pwned=1><script>window.pwned=1</script>'
        page = reading.window()
        for path in ("en/search/", "ar/search/"):
            page.goto(f"{reading.base}{path}?q={question.replace('<', '%3C').replace('>', '%3E')}")
            page.locator(".kb-results__count").wait_for()
            page.wait_for_load_state("networkidle")

            assert page.evaluate("window.pwned") is None
            assert page.locator("img[src=x]").count() == 0
