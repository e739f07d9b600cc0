"""The form of a static site, where no desk answers: a mail, a program of the shop's own, Zendesk, Zammad. In a real
Chromium, with scripts and without, against stand-ins on another origin."""

import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from kb.resources import theme_dir
from tests import chromium
from tests.desk.harness import words
from tests.desk.receivers import Answerer, Receiver, receiver
from tests.desk.strangers import Program, ZammadForm, ZendeskRequests
from tests.desk.test_browser import SIZES, browser, check_accessibility
from tests.publish.shop import Shop as Centre

playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(chromium.PROGRAM is None, reason="Chromium is not installed"),
]
__all__ = ["browser"]
EMAIL = "help@shop.example"
REFUND = {
    "en": ("When do I get my money back?", "We return money to your card within three days."),
    "uk": ("Коли повернуть гроші?", "Ми повертаємо гроші на картку впродовж трьох днів."),
    "ar": ("متى أسترد نقودي؟", "نعيد النقود إلى بطاقتك خلال ثلاثة أيام."),
}


MAIL = "mail = true"
WEBHOOK = 'webhook = "URL/contact?shop=1"'
ZENDESK = """[tool.kb.contact.zendesk]
url = "URL"
ticket_form = 77
fields = { order = 360001, language = 360002 }
locales = { uk = 1217 }"""
ZAMMAD = '[tool.kb.contact.zammad]\nurl = "URL"'


class Static(SimpleHTTPRequestHandler):
    """A plain host that also sends the headers the build wrote for it."""

    policy = ""

    def end_headers(self) -> None:
        self.send_header("Content-Security-Policy", self.policy)
        super().end_headers()

    def log_message(self, *_: object) -> None:
        pass


class Site:
    """A help centre of three languages, built for one destination and served."""

    def __init__(self, root: Path, contact: str) -> None:
        centre = Centre(root, ("en", "uk", "ar"))
        general = f'email = "{EMAIL}"\nexpected_reply = {{ uk = "Завтра до обіду." }}'
        settings = '[tool.kb]\nlanguages = ["en", "uk", "ar"]\n[tool.kb.contact]'
        centre.write("pyproject.toml", f"{settings}\n{general}\n{contact}\n")
        for language, (title, text) in REFUND.items():
            centre.article(f"{language}/returns/index", title=f"Returns {language}")
            centre.article(f"{language}/returns/refund", text, title=title)
        centre.build()
        self.folder = centre.site
        headers = (centre.site / "_headers").read_text("utf-8").splitlines()
        policy = next(line for line in headers if "Content-Security-Policy" in line).partition(": ")[2]
        handler = type("Handler", (Static,), {"policy": policy})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(centre.site)))
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        self.url = f"http://localhost:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture(scope="module")
def there() -> Iterator[Receiver]:
    """The other system; each test says what it is, and its address stays."""
    with receiver(lambda request: (404, {})) as running:
        yield running


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, there: Receiver) -> Iterator[Callable[..., Site]]:
    """The site for a destination, built once; ``URL`` stands for the other system's address."""
    made: dict[str, Site] = {}

    def build(contact: str, answer: Answerer | None = None) -> Site:
        if contact not in made:
            made[contact] = Site(tmp_path_factory.mktemp("site"), contact.replace("URL", there.url))
        if answer is not None:
            there.answer = answer
        return made[contact]

    yield build
    for each in made.values():
        each.close()


@pytest.fixture
def visit(browser: Any) -> Iterator[Callable[..., Any]]:
    """Opens the contact page; at the end nothing may have been refused by its policy."""
    contexts = []

    def open(site: Site, language: str, *, size: str = "desktop", scripts: bool = True) -> Any:
        context = browser.new_context(viewport=SIZES[size], java_script_enabled=scripts)
        context.set_default_timeout(chromium.PATIENCE_MS)
        contexts.append(context)
        page = context.new_page()
        page.problems, page.went, page.asked = [], [], []
        page.on("pageerror", lambda error: page.problems.append(str(error)))
        page.on("console", lambda m: page.problems.append(m.text) if "Content Security" in m.text else None)
        page.on("request", lambda request: page.asked.append(request.url))
        inside = context.new_cdp_session(page)
        inside.send("Page.enable")
        inside.on("Page.frameRequestedNavigation", lambda event: page.went.append(event["url"]))
        page.goto(f"{site.url}/{language}/contact-us/")
        return page

    yield open
    for context in contexts:
        for page in context.pages:
            assert getattr(page, "problems", []) == []
        context.close()


def fill(
    page: Any, language: str, *, subject: str = "", message: str = "", email: str = "olena@customers.com"
) -> None:
    t = partial(words().text, language)
    page.get_by_label(t("label_subject")).fill(subject or REFUND[language][0])
    page.get_by_label(t("label_message"), exact=True).fill(message or "First line\nSecond <b> & line")
    page.get_by_label(t("label_email")).fill(email)
    page.get_by_label(t("label_order")).fill("OS-4821073")


def send(page: Any, language: str, key: str = "send") -> None:
    page.get_by_role("button", name=words().text(language, key), exact=True).click()


def mail_of(page: Any) -> tuple[str, dict[str, str]]:
    """The last mail the page asked for: its recipient, and what it was to hold."""
    until = time.monotonic() + chromium.PATIENCE_MS / 1000
    while time.monotonic() < until:
        if found := [url for url in page.went if url.startswith("mailto:")]:
            parts = urlsplit(found[-1])
            return unquote(parts.path), {name: value[0] for name, value in parse_qs(parts.query).items()}
        page.wait_for_timeout(50)
    raise AssertionError("no mail was composed")


def test_zendesk_makes_a_request_and_its_number_is_shown(site: Any, visit: Any) -> None:
    zendesk = ZendeskRequests()
    page = visit(site(ZENDESK, zendesk), "uk", size="phone")
    fill(page, "uk")
    page.get_by_label("Імʼя").fill("Олена")
    check_accessibility(page)
    send(page, "uk")
    expect(page.get_by_role("heading", name=words().text("uk", "filed_title"))).to_be_focused()
    expect(page.locator(".kb-desk-number")).to_have_text("35001")
    expect(page.locator("[data-kb-desk-form]")).to_be_hidden()
    expect(
        page.get_by_text(words().text("uk", "filed_elsewhere", email="olena@customers.com"))
    ).to_be_visible()
    expect(page.locator("[data-kb-after]").get_by_text("Завтра до обіду.")).to_be_visible()
    check_accessibility(page)
    (made,) = zendesk.requests
    assert made["requester"] == {"name": "Олена", "email": "olena@customers.com", "locale_id": 1217}
    assert (made["subject"], made["ticket_form_id"]) == (REFUND["uk"][0], 77)
    assert {f["id"]: f["value"] for f in made["custom_fields"]} == {360001: "OS-4821073", 360002: "uk"}
    text = made["comment"]["body"]
    assert text.startswith("First line\nSecond <b> & line\n")
    assert "Номер замовлення: OS-4821073" in text
    page.reload()
    expect(page.get_by_label(words().text("uk", "label_subject")), "what is sent is no draft").to_have_value(
        ""
    )


def test_what_zendesk_holds_back_is_sent_without_a_number(site: Any, visit: Any) -> None:
    zendesk = ZendeskRequests()
    zendesk.suspends = True
    page = visit(site(ZENDESK, zendesk), "en")
    fill(page, "en")
    send(page, "en")
    expect(page.get_by_role("heading", name=words().text("en", "filed_title"))).to_be_visible()
    expect(page.locator(".kb-desk-number")).to_have_count(0)


def test_zendesk_that_wants_registration_is_said_and_the_text_stays(site: Any, visit: Any) -> None:
    zendesk = ZendeskRequests()
    zendesk.open_to_anybody = False
    page = visit(site(ZENDESK, zendesk), "en")
    fill(page, "en")
    send(page, "en")
    status = page.locator("[data-kb-status]")
    expect(status).to_contain_text(words().text("en", "service_down"))
    mail = urlsplit(status.get_by_role("link", name=EMAIL).get_attribute("href"))
    assert "Second <b> & line" in parse_qs(mail.query)["body"][0]
    page.reload()
    expect(status).to_contain_text(words().text("en", "draft_restored"))
    expect(page.get_by_label(words().text("en", "label_order"))).to_have_value("OS-4821073")
    zendesk.open_to_anybody = True
    send(page, "en")
    expect(page.locator(".kb-desk-number")).to_have_text("35001")


def test_an_address_zendesk_refuses_is_marked(site: Any, visit: Any) -> None:
    zendesk = ZendeskRequests()
    page = visit(site(ZENDESK, zendesk), "en")
    fill(page, "en", email="olena@localhost")
    send(page, "en")
    expect(page.get_by_text(words().text("en", "invalid_email"))).to_be_visible()
    expect(page.get_by_label(words().text("en", "label_email"))).to_be_focused()
    assert zendesk.requests == []


@pytest.mark.parametrize("captcha", ["", "altcha"])
def test_zammad_makes_a_ticket_and_its_number_is_shown(site: Any, visit: Any, captcha: str) -> None:
    zammad = ZammadForm(captcha=captcha)
    page = visit(site(ZAMMAD, zammad), "ar")
    fill(page, "ar", email="olena@nowhere.example")
    send(page, "ar")
    expect(page.get_by_text(words().text("ar", "invalid_email"))).to_be_visible()
    page.get_by_label(words().text("ar", "label_email")).fill("olena@customers.com")
    send(page, "ar")
    expect(page.locator(".kb-desk-number")).to_have_text("31001")
    check_accessibility(page)
    (made,) = zammad.tickets
    assert (made["title"], made["name"]) == (REFUND["ar"][0], "olena@customers.com")
    assert made["body"].startswith("First line\nSecond <b> & line\n\n")


@pytest.mark.parametrize(
    "zammad", [ZammadForm(active=False), ZammadForm(captcha="turnstile")], ids=["off", "puzzle"]
)
def test_zammad_that_takes_no_form_is_said(site: Any, visit: Any, zammad: ZammadForm) -> None:
    page = visit(site(ZAMMAD, zammad), "en")
    fill(page, "en")
    send(page, "en")
    expect(page.locator("[data-kb-status]")).to_contain_text(words().text("en", "service_down"))
    expect(page.locator("[data-kb-status]").get_by_role("link", name=EMAIL)).to_be_visible()
    assert zammad.tickets == []


def test_a_program_that_knows_pages_answers_in_place(site: Any, visit: Any) -> None:
    program = Program(for_pages=True, number="A-7")
    page = visit(site(WEBHOOK, program), "en")
    fill(page, "en", message="When do I get money back on my card?\n<b>")
    page.locator("#kb-category").select_option("returns")
    expect(page.get_by_role("button", name=REFUND["en"][0])).to_be_visible()
    send(page, "en")
    expect(page.locator(".kb-desk-number")).to_have_text("A-7")
    (form,) = program.forms
    assert form["subject"] == REFUND["en"][0]
    assert form["message"].replace("\r\n", "\n") == "When do I get money back on my card?\n<b>"
    told = {name: form[name] for name in ("email", "order", "category", "language", "website")}
    assert told == {
        "email": "olena@customers.com",
        "order": "OS-4821073",
        "category": "returns",
        "language": "en",
        "website": "",
    }
    assert len(form["key"]) == 32
    assert form["shown"] == "returns/refund"


def test_a_program_that_knows_no_pages_gets_the_form_as_browsers_send_it_once(site: Any, visit: Any) -> None:
    program = Program(for_pages=False)
    page = visit(site(WEBHOOK, program), "uk")
    fill(page, "uk")
    send(page, "uk")
    expect(page.get_by_role("heading", name="Thank you, we have it")).to_be_visible()
    (form,) = program.forms
    assert form["message"].replace("\r\n", "\n") == "First line\nSecond <b> & line"
    assert form["language"] == "uk"
    assert len(form["key"]) == 32
    page.go_back()
    expect(page.locator("[data-kb-status]")).to_contain_text(words().text("uk", "draft_sent"))
    page.get_by_role("button", name=words().text("uk", "discard_draft")).click()
    page.reload()
    expect(page.get_by_label(words().text("uk", "label_subject"))).to_have_value("")


def test_a_program_that_is_down_gets_nothing_and_the_text_stays(site: Any, visit: Any) -> None:
    page = visit(site('webhook = "http://127.0.0.1:9/contact"'), "en")
    fill(page, "en")
    send(page, "en")
    expect(page.locator("[data-kb-status]")).to_contain_text(words().text("en", "service_down"))
    assert page.url.endswith("/en/contact-us/")
    page.context.set_offline(True)
    page.wait_for_function("() => !navigator.onLine")
    send(page, "en")
    expect(page.locator("[data-kb-status]")).to_contain_text(words().text("en", "offline"))
    assert page.get_by_label(words().text("en", "label_message"), exact=True).input_value()


def test_a_program_gets_the_form_without_scripts(site: Any, visit: Any) -> None:
    program = Program(for_pages=False)
    page = visit(site(WEBHOOK, program), "ar", scripts=False)
    fill(page, "ar")
    send(page, "ar")
    expect(page.get_by_role("heading", name="Thank you, we have it")).to_be_visible()
    (form,) = program.forms
    assert (form["subject"], form["language"], form["order"]) == (REFUND["ar"][0], "ar", "OS-4821073")
    assert form["message"].replace("\r\n", "\n") == "First line\nSecond <b> & line"


@pytest.mark.parametrize("size", SIZES)
def test_a_mail_holds_all_that_was_typed(site: Any, visit: Any, size: str) -> None:
    page = visit(site(MAIL), "en", size=size)
    fill(page, "en")
    page.locator("#kb-category").select_option("returns")
    send(page, "en", "compose")
    address, mail = mail_of(page)
    assert (address, mail["subject"]) == (EMAIL, REFUND["en"][0])
    assert mail["body"].startswith("First line\nSecond <b> & line\n\n")
    for fact in ("Order number: OS-4821073", "Topic: Returns en", "E-mail: olena@customers.com"):
        assert fact in mail["body"]
    status = page.locator("[data-kb-status]")
    expect(status).to_contain_text(words().text("en", "mail_opened"))
    check_accessibility(page)
    page.reload()
    order = page.get_by_label(words().text("en", "label_order"))
    expect(order, "whether the mail was sent only its writer knows").to_have_value("OS-4821073")
    status.get_by_role("button", name=words().text("en", "discard_draft")).click()
    expect(order).to_have_value("")


def test_a_long_mail_goes_over_the_clipboard(site: Any, visit: Any) -> None:
    page = visit(site(MAIL), "uk")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    fill(page, "uk", message="Дуже довге повідомлення. " * 40)
    send(page, "uk", "compose")
    _, mail = mail_of(page)
    assert mail["body"] == words().text("uk", "mail_paste_here")
    expect(page.locator("[data-kb-status]")).to_contain_text(words().text("uk", "mail_paste"))
    expect(page.locator("[data-kb-status]")).to_contain_text(words().text("uk", "filed_copied"))
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("Дуже довге повідомлення. " * 39)
    assert "OS-4821073" in copied


@pytest.mark.parametrize("contact", [MAIL, ZENDESK, ZAMMAD], ids=["mail", "zendesk", "zammad"])
def test_without_scripts_there_is_an_address_and_the_form_becomes_a_mail(
    site: Any, visit: Any, contact: str
) -> None:
    language = "en"
    page = visit(site(contact), language, scripts=False)
    expect(page.get_by_text(words().text(language, "without_script"))).to_be_visible()
    expect(page.locator("[data-kb-without-script]").get_by_role("link", name=EMAIL)).to_be_visible()
    fill(page, language, message="First line\nSecond <b> & 100 % line")
    send(page, language, "compose" if contact.startswith("mail") else "send")
    address, mail = mail_of(page)
    assert address == EMAIL
    assert mail["subject"] == REFUND["en"][0]
    assert mail["body"].replace("\r\n", "\n") == "First line\nSecond <b> & 100 % line"


@pytest.mark.parametrize("contact", [MAIL, ZAMMAD], ids=["mail", "zammad"])
def test_answers_come_from_the_browsers_own_index(site: Any, visit: Any, contact: str) -> None:
    page = visit(site(contact), "uk")
    title, text = REFUND["uk"]
    page.get_by_label(words().text("uk", "label_subject")).press_sequentially(
        "коли повернуть гроші на картку", delay=5
    )
    answer = page.get_by_role("button", name=title)
    expect(answer).to_contain_text(text)
    answer.click()
    page.get_by_role("button", name=words().text("uk", "this_solved_it")).click()
    expect(page.get_by_role("heading", name=words().text("uk", "solved_title"))).to_be_focused()
    assert {urlsplit(url).hostname for url in page.asked} == {"localhost"}, (
        "nothing leaves the page while typing"
    )


@pytest.mark.parametrize(
    ("contact", "connect", "form_action"),
    [(MAIL, "'self'", "'self' mailto:"), (WEBHOOK, "'self' URL/contact", "'self' URL/contact"),
     (ZENDESK, "'self' URL/api/v2/requests.json", "'self' mailto:")],
    ids=["mail", "webhook", "zendesk"],
)  # fmt: skip
def test_the_policy_allows_the_destination_and_nothing_else(
    site: Any, there: Receiver, contact: str, connect: str, form_action: str
) -> None:
    folder = site(contact).folder
    page = (folder / "en/contact-us/index.html").read_text("utf-8").replace("&#39;", "'")
    for text in (page, (folder / "_headers").read_text("utf-8")):
        assert f"connect-src {connect.replace('URL', there.url)}; " in text
        assert f"form-action {form_action.replace('URL', there.url)}; " in text
    other = (folder / "en/index.html").read_text("utf-8").replace("&#39;", "'")
    assert "connect-src 'self'; " in other
    assert "form-action 'self'; " in other


def test_the_other_systems_cost_nobody_else_anything() -> None:
    form = (theme_dir() / "assets/desk/form.js").read_text("utf-8")
    assert 'await import("./elsewhere.js")' in form, "loaded when somebody sends, not with the page"
