"""Answers while somebody types, and the page of results."""

import re
from typing import Any

import pytest

from tests.browser.reading import Reading, answered
from tests.browser.test_accessibility import axe, violations
from tests.chromium import expect

__all__ = ["axe"]


def typed(page: Any, box: str, text: str) -> Any:
    """Types ``text`` into ``box`` and gives the list of its answers once it is there."""
    page.locator(box).click()
    page.keyboard.type(text)
    answered(page, text)
    expect(page.locator(".kb-popup:visible")).to_be_visible()
    return page.locator(".kb-popup [role=option]")


def active(page: Any, box: str) -> str | None:
    """The title of the answer that the arrow keys have reached."""
    id = page.locator(box).get_attribute("aria-activedescendant")
    return page.locator(f"#{id}").inner_text().split("\n")[0] if id else None


class TestCombobox:
    @pytest.mark.parametrize(
        ("path", "box", "question", "title"),
        [
            ("en/", "#kb-hero-search", "want my money", "How to return goods"),
            ("uk/returns/how-to-return/", "#kb-header-search", "де моє замовлення", "Відстежити посилку"),
            ("ar/", "#kb-hero-search", "استرداد نقودي", "كيف تُرجع منتجًا"),
        ],
    )
    def test_the_article_that_answers_comes_first(
        self, reading: Reading, path: str, box: str, question: str, title: str
    ) -> None:
        page = reading.open(path)
        answers = typed(page, box, question)

        assert answers.first.inner_text().split("\n")[0] == title
        expect(page.locator(box)).to_have_attribute("aria-expanded", "true")

    def test_by_keyboard_alone(self, reading: Reading) -> None:
        page, box = reading.open("en/returns/"), "#kb-header-search"
        page.keyboard.press("/")
        expect(page.locator(box)).to_be_focused()
        page.keyboard.type("return goods")
        answered(page, "return goods")

        assert active(page, box) is None
        page.keyboard.press("ArrowDown")
        assert active(page, box) == "How to return goods"
        page.keyboard.press("ArrowUp")
        assert active(page, box) is None
        page.keyboard.press("ArrowUp")
        assert active(page, box) == "See all results"
        page.keyboard.press("ArrowDown")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        expect(page).to_have_url(re.compile("/en/returns/how-to-return/"))

    def test_escape_closes_then_empties(self, reading: Reading) -> None:
        page, box = reading.open("en/"), "#kb-hero-search"
        typed(page, box, "return goods")

        page.keyboard.press("Escape")
        expect(page.locator(".kb-popup")).to_be_hidden()
        assert page.locator(box).input_value() == "return goods"
        page.keyboard.press("Escape")
        expect(page.locator(box)).to_have_value("")

    def test_an_answer_that_comes_after_escape_opens_nothing(self, reading: Reading) -> None:
        page, held = reading.window(), list[Any]()
        page.route("**/en/search/index.*.bin", lambda route: held.append(route))
        page.goto(f"{reading.base}uk/")
        page.locator("#kb-hero-search").click()
        page.keyboard.type("return goods")
        expect(page.locator(".kb-popup__note:visible")).to_contain_text("«return goods»")
        page.keyboard.press("Escape")
        for route in held:
            route.continue_()

        answered(page, "return goods")
        popup = page.locator(".kb-popup", has=page.get_by_role("option", include_hidden=True))
        expect(popup).to_be_hidden()
        page.keyboard.press("ArrowDown")
        expect(popup).to_be_visible()
        expect(page.get_by_role("option").first).to_contain_text("Як повернути товар")

    def test_matched_words_are_marked_and_the_topic_is_named(self, reading: Reading) -> None:
        page = reading.open("en/")
        first = typed(page, "#kb-hero-search", "goods back").first

        assert "back" in [mark.lower() for mark in first.locator("mark").all_inner_texts()]
        assert first.locator(".kb-hit__meta").inner_text() == "Returns and refunds"

    def test_what_no_person_has_read_says_so(self, reading: Reading) -> None:
        page = reading.open("pt/")
        first = typed(page, "#kb-hero-search", "devolver produtos").first

        assert first.locator(".kb-hit__title").inner_text() == "Como devolver produtos"
        assert "tradução automática" in first.locator(".kb-hit__meta").inner_text()

    def test_the_number_of_answers_is_announced_politely(self, reading: Reading) -> None:
        page = reading.open("en/")
        answers = typed(page, "#kb-hero-search", "return goods")
        live = page.locator(".kb-search", has=page.locator("#kb-hero-search")).get_by_role("status")

        expect(live).to_have_text(re.compile(rf"^{answers.count() - 1} answers?$"))

    def test_answers_lie_over_the_page(self, reading: Reading) -> None:
        page = reading.open("en/", width=360)
        before = page.locator(".kb-cards").bounding_box()
        typed(page, "#kb-hero-search", "return goods")

        assert page.locator(".kb-cards").bounding_box() == before
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    def test_the_index_is_loaded_on_focus_and_not_before(self, reading: Reading) -> None:
        page = reading.open("en/")
        page.wait_for_load_state("networkidle")
        assert not [url for url in reading.requests if "manifest.json" in url or "/search/" in url]

        with page.expect_response(re.compile(r"/en/search/index\.\w+\.bin$")):
            page.locator("#kb-hero-search").focus()

    @pytest.mark.parametrize(("path", "question"), [("en/", "return goods"), ("ar/", "استرداد نقودي")])
    def test_axe_finds_nothing_in_the_open_list(
        self, reading: Reading, axe: str, path: str, question: str
    ) -> None:
        page = reading.open(path, reduced_motion="reduce")
        typed(page, "#kb-hero-search", question)
        page.keyboard.press("ArrowDown")

        assert violations(page, axe) == []

    def test_clearing_by_touch(self, reading: Reading) -> None:
        page = reading.open("en/", width=360, has_touch=True)
        typed(page, "#kb-hero-search", "return goods")
        page.get_by_role("button", name="Clear").tap()

        expect(page.locator("#kb-hero-search")).to_have_value("")
        expect(page.locator(".kb-popup")).to_be_hidden()


class TestResultsPage:
    def open(self, reading: Reading, address: str, **options: Any) -> Any:
        page = reading.open(address, **options)
        page.locator(".kb-results__count").wait_for()
        return page

    def test_an_address_with_a_question_shows_its_answers(self, reading: Reading) -> None:
        page = self.open(reading, "en/search/?q=return+goods")

        assert page.locator("h1").inner_text() == "Results for “return goods”"
        page.locator(".kb-hits a").first.click()
        expect(page).to_have_url(re.compile("/en/returns/how-to-return/"))

    def test_typing_changes_answers_and_address(self, reading: Reading) -> None:
        page = self.open(reading, "en/search/?q=return+goods")
        page.get_by_role("searchbox").fill("where is my order")
        page.locator(".kb-hits").get_by_text("Follow your parcel").first.wait_for()

        expect(page).to_have_url(re.compile(r"q=where\+is\+my\+order"))

    def test_a_topic_narrows_the_answers(self, reading: Reading) -> None:
        page = self.open(reading, "en/search/?q=order+number")
        page.locator(".kb-chip", has_text="Orders").click()
        page.locator(".kb-chip[aria-pressed=true]", has_text="Orders").wait_for()

        texts = page.locator(".kb-hits a").all_inner_texts()
        assert texts
        assert [text for text in texts if "Orders" not in text] == []
        expect(page).to_have_url(re.compile("in=orders"))

    def test_a_typing_error_is_mended_and_told(self, reading: Reading) -> None:
        page = self.open(reading, "en/search/?q=retrun+goods")

        assert page.locator(".kb-results__note").inner_text() == "Showing results for “return goods”"

    def test_nothing_found_offers_topics_and_the_contact_form_with_the_text(self, reading: Reading) -> None:
        page = self.open(reading, "en/search/?q=zxqv+wkrt")

        assert page.locator(".kb-results__count").inner_text() == "Nothing found for “zxqv wkrt”"
        expect(page.locator(".kb-cards a").first).to_be_visible()
        page.locator(".kb-ask a").click()
        expect(page).to_have_url(re.compile(r"/en/contact-us/\?text=zxqv\+wkrt$"))
        page.locator("a[href='mailto:help@shop.example?body=zxqv%20wkrt']").wait_for()

    def test_B10_markup_in_a_question_is_shown_as_text(self, reading: Reading) -> None:
        question = '"><img src=x onerror=window.pwned=1>'
        page = self.open(reading, "en/search/?q=%22%3E%3Cimg%20src=x%20onerror=window.pwned=1%3E")

        assert page.locator("h1").inner_text() == f"Results for “{question}”"
        assert page.evaluate("window.pwned") is None

    def test_B10_markup_in_an_article_is_shown_as_text(self, reading: Reading) -> None:
        page = self.open(reading, "en/search/?q=title+as+an+attacker+would+write")

        assert page.locator(".kb-hit__title").first.inner_text().startswith('"><img src=x')
        assert page.evaluate("window.pwned") is None
        assert page.locator("img[src=x]").count() == 0

    @pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
    def test_axe_finds_nothing(self, reading: Reading, axe: str, dark: bool) -> None:
        page = self.open(reading, "ar/search/?q=إرجاع", width=360, dark=dark, reduced_motion="reduce")

        assert violations(page, axe) == []


def test_a_search_that_cannot_be_loaded_says_so(reading: Reading) -> None:
    reading.expected = re.compile("manifest.json")
    page = reading.window()
    page.route("**/manifest.json", lambda route: route.fulfill(status=404))
    page.goto(f"{reading.base}en/search/?q=money")

    expect(page.get_by_role("alert")).to_contain_text("could not be loaded")
    expect(page.locator(".kb-cards a").first).to_be_visible()
