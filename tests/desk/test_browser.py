"""The form and the status page in a real Chromium: with scripts and without, in three languages, small and large."""

import re
import time
from collections.abc import Callable, Iterator, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from kb.desk import tickets
from kb.desk.suggest import Suggestion
from tests import chromium
from tests.desk.harness import Shop
from tests.desk.live import Live

playwright = pytest.importorskip("playwright.sync_api")
Page = playwright.Page
expect = playwright.expect
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(chromium.PROGRAM is None, reason="Chromium is not installed"),
]
SIZES = {"phone": {"width": 360, "height": 740}, "desktop": {"width": 1280, "height": 900}}
ANSWERS = {
    "en": ("When do I get my money back?", "We return money within three days.", "refund money back card"),
    "uk": (
        "Коли повернуть гроші?",
        "Ми повертаємо гроші впродовж трьох днів.",
        "коли повернуть мої гроші на картку",
    ),
    "ar": ("متى أسترد نقودي؟", "نعيد النقود خلال ثلاثة أيام.", "متى أسترد نقودي على البطاقة"),
}


def suggest(language: str, text: str, limit: int) -> Sequence[Suggestion]:
    """Knows one article, and one more that exists in English only."""
    title, passage, question = ANSWERS[language]
    found = []
    if len(set(question.split()) & set(text.lower().split())) >= 3:
        found.append(
            Suggestion("returns/refund", title, passage, f"/{language}/returns/refund/", language, 0.8)
        )
    if "OS-" in text:
        found.append(
            Suggestion("delivery/late", ANSWERS["en"][0], "A late parcel.", "/en/delivery/late/", "en", 0.5)
        )
    return found[:limit]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium.chromium() as running:
        yield running


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Live]:
    site = tmp_path / "site"
    for language, (title, passage, _) in ANSWERS.items():
        page = site / language / "returns" / "refund" / "index.html"
        page.parent.mkdir(parents=True)
        page.write_text(
            f'<html><body><nav>menu</nav><article><h1>{title}</h1><p id="a">{passage}</p><p>The whole story.</p>'
            "<script>document.title = 'hacked'</script></article></body></html>"
        )
    (tmp_path / "data").mkdir()
    categories = {language: {"returns": "Returns", "delivery": "Delivery"} for language in ANSWERS}
    shop = Shop(
        tmp_path / "data", suggest=suggest, site=site, public_url="", categories=categories,
        fallback_email="help@shop.example",
    )  # fmt: skip
    running = Live(shop)
    yield running
    running.stop()
    shop.runner.close()


@pytest.fixture
def visit(browser: Any, live: Live) -> Iterator[Callable[..., Any]]:
    """Opens a page in a browser of its own."""
    contexts = []

    def open(path: str, *, size: str = "desktop", scripts: bool = True) -> Any:
        context = browser.new_context(viewport=SIZES[size], java_script_enabled=scripts)
        context.set_default_timeout(chromium.PATIENCE_MS)
        contexts.append(context)
        page = context.new_page()
        problems: list[str] = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda m: problems.append(m.text) if "Content Security Policy" in m.text else None)
        page.problems = problems
        page.goto(f"{live.url}{path}")
        return page

    yield open
    for context in contexts:
        for page in context.pages:
            assert getattr(page, "problems", []) == []
        context.close()


def kept_in_the_end(page: Any, shop: Shop, kinds: set[str]) -> None:
    """Wait until the desk has been told of events of all these kinds: a page tells them and does not wait."""

    def told() -> set[str]:
        return {row["kind"] for row in shop.rows("SELECT kind FROM events")}

    until = time.monotonic() + chromium.PATIENCE_MS / 1000
    while not kinds <= told() and time.monotonic() < until:
        page.wait_for_timeout(50)
    assert kinds <= told()


def words(language: str) -> Callable[..., str]:
    from tests.desk.harness import words as strings

    return lambda key, **values: strings().text(language, key, **values)


def check_accessibility(page: Any) -> None:
    """axe finds nothing."""
    axe = resources.files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")
    page.evaluate(axe)
    found = page.evaluate(
        "async () => (await axe.run()).violations.map(v => [v.id, v.nodes.map(n => n.html)])"
    )
    assert found == []


def fill(
    page: Any, language: str, *, subject: str, message: str = "...", email: str = "olena@customers.com"
) -> None:
    t = words(language)
    page.get_by_label(t("label_subject")).fill(subject)
    page.get_by_label(t("label_message"), exact=True).fill(message)
    page.get_by_label(t("label_email")).fill(email)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("language", ANSWERS)
def test_a_question_is_answered_and_no_ticket_is_filed(
    visit: Any, live: Live, language: str, size: str
) -> None:
    t, (title, passage, question) = words(language), ANSWERS[language]
    page = visit(f"/api/contact?lang={language}", size=size)
    assert page.locator("html").get_attribute("dir") == ("rtl" if language == "ar" else "ltr")
    subject = page.get_by_label(t("label_subject"))
    subject.press_sequentially(question, delay=10)
    answer = page.get_by_role("button", name=title)
    expect(answer).to_be_visible()
    expect(answer).to_contain_text(passage)
    expect(page.get_by_text(t("suggestions_count", count=1))).to_be_attached()
    check_accessibility(page)
    answer.click()
    panel = page.get_by_role("dialog")
    expect(panel).to_contain_text("The whole story.")
    assert page.title() != "hacked"
    expect(panel.get_by_role("button", name=t("this_solved_it"))).to_be_in_viewport()
    check_accessibility(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing sticks out sideways"
    panel.get_by_role("button", name=t("this_solved_it")).click()
    expect(page.get_by_role("heading", name=t("solved_title"))).to_be_focused()
    expect(page.locator("[data-kb-desk-form]")).to_be_hidden()
    check_accessibility(page)
    assert live.shop.stored() == []
    kept_in_the_end(page, live.shop, {"opened", "solved"})
    page.reload()
    expect(subject, "what is solved is no draft any more").to_have_value("")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("language", ANSWERS)
def test_a_ticket_is_filed_followed_answered_and_closed(
    visit: Any, live: Live, language: str, size: str
) -> None:
    t, (title, _, question) = words(language), ANSWERS[language]
    page = visit(f"/api/contact?lang={language}", size=size)
    fill(page, language, subject=question, message="OS-4821073 <b>&amp;</b>")
    # What is said of the subject alone comes first.
    expect(page.locator(".kb-desk-suggestion")).to_have_count(2)
    page.get_by_role("button", name=title).first.click()
    page.get_by_role("button", name=t("still_need_help")).click()
    expect(page.get_by_label(t("label_message"), exact=True)).to_be_focused()
    page.get_by_role("button", name=t("send"), exact=True).click()
    expect(page.get_by_role("heading", name=t("filed_title"))).to_be_focused()
    expect(page.locator("[data-kb-desk-form]")).to_be_hidden()
    check_accessibility(page)
    (stored,) = live.shop.stored()
    assert page.locator(".kb-desk-number").inner_text() == stored.number
    whole = live.shop.database.read(lambda tx: tickets.by_id(tx, stored.id))
    assert whole is not None
    assert whole.draft.language == language
    assert whole.draft.category == "returns", "guessed from what was suggested"
    assert [(s.article, s.opened, s.unhelpful) for s in whole.draft.shown] == [
        ("returns/refund", True, True), ("delivery/late", False, False),
    ]  # fmt: skip

    page.locator(".kb-desk-code a").click()
    expect(page.get_by_role("heading", name=stored.number)).to_be_visible()
    expect(page.locator("[data-kb-code-form]")).to_be_hidden()
    expect(page.get_by_text("OS-4821073 <b>&amp;</b>")).to_be_visible()
    expect(page.get_by_text(t("state_open"))).to_be_visible()
    check_accessibility(page)
    answer = tickets.Message("team", "Here is the answer.\nSee https://shop.example/a?b=1&c.", language)
    live.shop.database.write(lambda tx: tickets.add_message(tx, whole, answer, now=live.shop.desk.now()))
    page.reload()
    expect(page.get_by_text("Here is the answer.")).to_be_visible()
    link = page.get_by_role("link", name="https://shop.example/a?b=1&c")
    expect(link).to_have_attribute("href", "https://shop.example/a?b=1&c")
    expect(page.get_by_text(t("state_answered"))).to_be_visible()
    page.get_by_label(t("label_reply")).fill("Thank you, one more thing")
    page.get_by_role("button", name=t("reply"), exact=True).click()
    expect(page.get_by_text("Thank you, one more thing")).to_be_visible()
    page.get_by_role("button", name=t("close"), exact=True).click()
    expect(page.get_by_text(t("state_closed"))).to_be_visible()
    expect(page.get_by_role("button", name=t("reopen"), exact=True)).to_be_visible()
    assert live.shop.stored()[0].state == "closed"
    check_accessibility(page)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("language", ANSWERS)
def test_everything_works_without_scripts(visit: Any, live: Live, language: str, size: str) -> None:
    t, (title, passage, question) = words(language), ANSWERS[language]
    page = visit(f"/api/contact?lang={language}", size=size, scripts=False)
    fill(page, language, subject=question, message="First line\nSecond <line>")
    page.get_by_role("button", name=t("send"), exact=True).click()
    expect(page.get_by_role("link", name=title)).to_be_visible()
    expect(page.get_by_text(passage)).to_be_visible()
    expect(page.get_by_text("Second <line>")).to_be_visible()
    page.get_by_role("button", name=t("change_text")).click()
    expect(page.get_by_label(t("label_message"), exact=True)).to_have_value("First line\nSecond <line>")
    page.get_by_role("button", name=t("send"), exact=True).click()
    page.get_by_role("button", name=t("send_anyway")).click()
    expect(page.get_by_role("heading", name=t("filed_title"))).to_be_visible()
    (stored,) = live.shop.stored()
    assert stored.draft.body == "First line\nSecond <line>"
    page.reload()
    assert len(live.shop.stored()) == 1, "sending the page again files nothing more"
    answer = tickets.Message("team", "The answer. <b> https://shop.example/a?b=1&c.", language)
    live.shop.database.write(lambda tx: tickets.add_message(tx, stored, answer, now=live.shop.desk.now()))
    page.get_by_role("button", name=t("open_status")).click()
    expect(page.get_by_text("The answer. <b>")).to_be_visible()
    link = page.get_by_role("link", name="https://shop.example/a?b=1&c")
    expect(link).to_have_attribute("href", "https://shop.example/a?b=1&c")
    page.get_by_label(t("label_reply")).fill("My reply")
    page.get_by_role("button", name=t("reply"), exact=True).click()
    expect(page.get_by_text("My reply")).to_be_visible()
    page.get_by_role("button", name=t("close"), exact=True).click()
    expect(page.get_by_text(t("state_closed"))).to_be_visible()


def test_solved_without_scripts(visit: Any, live: Live) -> None:
    t, (_, _, question) = words("en"), ANSWERS["en"]
    page = visit("/api/contact?lang=en", scripts=False)
    fill(page, "en", subject=question)
    page.get_by_role("button", name=t("send"), exact=True).click()
    page.get_by_role("button", name=t("this_solved_it")).click()
    expect(page.get_by_role("heading", name=t("solved_title"))).to_be_visible()
    assert live.shop.stored() == []
    assert [row["kind"] for row in live.shop.rows("SELECT kind FROM events")] == ["solved"]


def test_with_the_service_stopped_the_text_stays_and_an_address_is_offered(visit: Any, live: Live) -> None:
    t = words("en")
    page = visit("/api/contact?lang=en")
    fill(page, "en", subject="My parcel", message="It is late")
    live.stop()
    page.get_by_role("button", name=t("send"), exact=True).click()
    status = page.locator("[data-kb-status]")
    expect(status).to_contain_text(t("service_down"))
    mail = status.get_by_role("link", name="help@shop.example").get_attribute("href")
    assert "subject=My%20parcel" in mail
    assert "It%20is%20late" in mail
    assert page.get_by_label(t("label_message"), exact=True).input_value() == "It is late"


def test_a_network_cut_in_the_middle_loses_nothing_and_files_once(visit: Any, live: Live) -> None:
    t = words("en")
    page = visit("/api/contact?lang=en")
    fill(page, "en", subject="My parcel", message="It is late")
    lost = []

    def answer_lost(route: Any) -> None:
        route.fetch()
        lost.append(1)
        route.abort()

    page.route("**/api/tickets?*", answer_lost, times=1)
    send = page.get_by_role("button", name=t("send"), exact=True)
    send.click()
    expect(page.locator("[data-kb-status]")).to_contain_text(t("service_down"))
    assert lost
    assert len(live.shop.stored()) == 1
    page.context.set_offline(True)
    page.wait_for_function("() => !navigator.onLine")
    send.click()
    expect(page.locator("[data-kb-status]")).to_contain_text(t("offline"))
    page.context.set_offline(False)
    page.wait_for_function("() => navigator.onLine")
    page.reload()
    expect(page.locator("[data-kb-status]")).to_contain_text(t("draft_restored"))
    expect(page.get_by_label(t("label_message"), exact=True)).to_have_value("It is late")
    send.click()
    expect(page.get_by_role("heading", name=t("filed_title"))).to_be_visible()
    assert len(live.shop.stored()) == 1, "the same text under the same key is the same ticket"


def test_a_draft_survives_a_change_of_language(visit: Any) -> None:
    page = visit("/api/contact?lang=en")
    fill(page, "en", subject="My parcel", message="It is late")
    page.goto(page.url.replace("lang=en", "lang=uk"))
    t = words("uk")
    expect(page.get_by_label(t("label_message"), exact=True)).to_have_value("It is late")
    page.get_by_role("button", name=t("discard_draft")).click()
    expect(page.get_by_label(t("label_subject"))).to_have_value("")
    page.reload()
    expect(page.get_by_label(t("label_subject"))).to_have_value("")


def test_what_is_written_before_the_script_comes_is_answered_and_kept(visit: Any) -> None:
    t, (title, _, question) = words("en"), ANSWERS["en"]
    page = visit("/api/contact?lang=en")
    held: list[Any] = []
    page.route("**/form.js", lambda route: held.append(route))
    page.reload(wait_until="commit")
    page.get_by_label(t("label_subject")).fill(question)
    while not held:
        page.wait_for_timeout(20)
    held[0].continue_()
    expect(page.get_by_role("button", name=title)).to_be_visible()
    page.unroute("**/form.js")
    page.reload()
    expect(page.get_by_label(t("label_subject"))).to_have_value(question)


def test_what_the_server_refuses_is_said_beside_the_field(visit: Any, live: Live) -> None:
    t = words("en")
    page = visit("/api/contact?lang=en")
    page.get_by_role("button", name=t("send"), exact=True).click()
    expect(page.get_by_label(t("label_subject"))).to_be_focused()
    fill(page, "en", subject="My parcel", email="a@localhost")
    page.get_by_role("button", name=t("send"), exact=True).click()
    expect(page.get_by_label(t("label_email"))).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_text(t("invalid_email"))).to_be_visible()
    check_accessibility(page)
    page.get_by_label(t("label_email")).fill("olena@customers.com")
    expect(page.get_by_text(t("invalid_email"))).to_have_count(0)
    page.get_by_role("button", name=t("send"), exact=True).click()
    expect(page.get_by_role("heading", name=t("filed_title"))).to_be_visible()
    assert len(live.shop.stored()) == 1


def test_suggestions_move_nothing_and_wait_while_somebody_points_at_them(visit: Any) -> None:
    t, (title, _, question) = words("en"), ANSWERS["en"]
    page = visit("/api/contact?lang=en")
    subject, send = (
        page.get_by_label(t("label_subject")),
        page.get_by_role("button", name=t("send"), exact=True),
    )
    subject.press_sequentially("a")
    expect(page.locator("[data-kb-suggestions]"), "there is room for them").to_have_class(
        re.compile("kb-desk-ready")
    )
    before = send.bounding_box()
    subject.fill(question)
    answer = page.get_by_role("button", name=title)
    expect(answer).to_be_visible()
    assert send.bounding_box() == before
    answer.evaluate("node => { node.marked = true }")
    with page.expect_response(re.compile("/api/suggest")) as suggested:
        subject.fill(f"{question} please")
    suggested.value.finished()
    page.wait_for_timeout(200)
    assert answer.evaluate("node => node.marked === true"), (
        "the same suggestion is the same element: no flicker"
    )
    answer.hover()
    subject.evaluate(
        "node => { node.value = 'x'; node.dispatchEvent(new Event('input', { bubbles: true })) }"
    )
    page.wait_for_timeout(600)
    expect(answer).to_be_visible()
    page.mouse.move(0, 0)
    expect(answer).to_have_count(0)
    assert send.bounding_box() == before


def test_a_closed_panel_takes_no_focus_back_from_who_went_on(visit: Any, live: Live) -> None:
    t, (title, _, question) = words("en"), ANSWERS["en"]
    page = visit("/api/contact?lang=en")
    page.get_by_label(t("label_subject")).fill(question)
    answer = page.get_by_role("button", name=title)
    answer.click()
    expect(page.get_by_role("dialog")).to_be_visible()
    # The browser says that a dialog is closed in a task of its own: what somebody does next may come before it.
    page.get_by_label(t("label_email")).evaluate(
        """email => new Promise(resolve => {
            const dialog = document.querySelector('dialog');
            dialog.addEventListener('close', () => setTimeout(resolve));
            dialog.close();
            email.focus();
        })"""
    )
    expect(page.locator("dialog")).to_have_count(0)
    expect(page.get_by_label(t("label_email"))).to_be_focused()


def test_answers_beneath_an_open_panel_stay(visit: Any, live: Live) -> None:
    t, (title, _, question) = words("en"), ANSWERS["en"]
    page = visit("/api/contact?lang=en")
    subject = page.get_by_label(t("label_subject"))
    subject.fill(question)
    answer = page.get_by_role("button", name=title)
    answer.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    with page.expect_response(lambda answer: "/api/" in answer.url and "suggest" in answer.url):
        subject.evaluate(
            "node => { node.value = 'x y z u v w'; node.dispatchEvent(new Event('input', { bubbles: true })) }"
        )
    page.wait_for_timeout(200)
    page.keyboard.press("Escape")
    expect(answer).to_be_focused()
    page.keyboard.press("Tab")
    expect(answer).to_have_count(0)


def test_by_keyboard_alone(visit: Any, live: Live) -> None:
    t, (title, _, question) = words("en"), ANSWERS["en"]
    page = visit("/api/contact?lang=en")
    page.get_by_label(t("label_subject")).focus()
    page.keyboard.type(question)
    answer = page.get_by_role("button", name=title)
    expect(answer).to_be_visible()
    page.keyboard.press("Tab")
    page.keyboard.type("hello")
    page.keyboard.press("Tab")
    expect(answer).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(answer).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.type("olena@customers.com")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=t("filed_title"))).to_be_focused()
    assert len(live.shop.stored()) == 1
