"""The pages without scripts, words, reply times, retention of drafts."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from types import MappingProxyType

import pytest
import yaml

from kb.desk.abuse import Buckets, Signs, TooManyError, address_block, for_logs, judge
from kb.desk.hours import expected_by, working_time
from kb.desk.settings import MailSettings, WorkingHours
from kb.desk.tickets import Draft
from kb.resources import theme_dir
from tests.desk.harness import REFUND, Shop, ticket

Open = Callable[..., Shop]
STRINGS = theme_dir() / "strings" / "desk"
LANGUAGES = sorted(file.stem for file in STRINGS.parent.glob("*.yml"))
"""Those of the site's own pages: the form speaks each of them."""
WEEK = WorkingHours(
    "Europe/Kyiv",
    MappingProxyType({day: (time(9), time(18)) for day in range(5)}),
    frozenset({date(2026, 12, 25)}),
)


def table(language: str) -> dict[str, str]:
    found: dict[str, str] = yaml.safe_load((STRINGS / f"{language}.yml").read_text("utf-8"))
    return found


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_word_with_the_same_placeholders(language: str) -> None:
    english, own = table("en"), table(language)
    assert list(own) == list(english)
    for key, text in own.items():
        assert text.strip(), key
        assert sorted(re.findall(r"\{\w+\}", text)) == sorted(re.findall(r"\{\w+\}", english[key])), key


def test_every_word_that_templates_scripts_and_code_use_exists() -> None:
    known = set(table("en"))
    used: set[str] = set()
    for file in (theme_dir() / "desk").glob("*.html"):
        used |= set(re.findall(r"\bt\.(\w+)", file.read_text("utf-8")))
    words = (theme_dir() / "desk" / "words.html").read_text("utf-8")
    listed = set(re.findall(r'"(\w+)"', words.partition("[")[2].partition("]")[0]))
    for file in (theme_dir() / "assets" / "desk").glob("*.js"):
        text = file.read_text("utf-8")
        said = set(re.findall(r'words\("(\w+)"', text))
        assert said <= listed, f"{file.name} says words that its page does not carry"
    code = Path(__file__).parents[2] / "kb" / "desk"
    for module in ("mail.py", "refusals.py", "service.py"):
        used |= set(re.findall(r'(?:text\(\w+, |words\[)"(\w+)"', (code / module).read_text("utf-8")))
    assert used | listed <= known


def test_every_refusal_has_words() -> None:
    code = Path(__file__).parents[2] / "kb" / "desk"
    text = "".join(file.read_text("utf-8") for file in code.glob("*.py"))
    codes = set(re.findall(r'RefusedError\(\d+, "(\w+)"\)', text)) | set(
        re.findall(r'\(\d{3}, "(\w+)"\)', text)
    )
    wrong = set(re.findall(r'_WrongError\("(\w+)"', text)) | {"unknown", "required", "too_short"}
    assert len(codes) > 6
    for language in LANGUAGES:
        assert {f"error_{c}" for c in codes} | {f"invalid_{w}" for w in wrong} <= set(table(language))


@pytest.mark.parametrize("language", ["en", "uk", "ar"])
def test_pages_speak_the_language_asked_for(shop: Shop, language: str) -> None:
    page = shop.get(f"/api/contact?lang={language}").text
    assert f'<html lang="{language}" dir="{"rtl" if language == "ar" else "ltr"}">' in page
    assert table(language)["contact_title"] in page


def test_an_unknown_language_gets_the_default(shop: Shop) -> None:
    assert '<html lang="en"' in shop.get("/api/contact?lang=%22%3E%3Cscript%3E").text


def test_pages_hold_no_inline_script_or_style(open_shop: Open) -> None:
    shop = open_shop(suggest=lambda *_: [REFUND])
    filed = shop.file()
    pages = [
        shop.get("/api/contact").text, shop.get("/api/status").text, shop.send("/api/contact", ticket()).text,
        shop.send("/api/contact", {**ticket(subject="Two"), "step": "send"}).text,
        shop.send("/api/status", {"code": f"{filed['number']}.{filed['secret']}"}).text,
    ]  # fmt: skip
    for page in pages:
        assert "<style" not in page
        assert not re.search(r"<[^>]*\sstyle=", page)
        assert not re.search(r"<[^>]*\son\w+=", page)
        assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", page))


def test_scripts_and_styles_are_served_and_nothing_else(shop: Shop) -> None:
    script = shop.get("/api/assets/main.js")
    assert script.headers["content-type"].startswith("text/javascript")
    assert shop.get("/api/assets/desk.css").headers["content-type"].startswith("text/css")
    tag = script.headers["etag"]
    assert shop.get("/api/assets/main.js", headers={"if-none-match": tag}).status == 304


def test_sending_twice_without_scripts_files_once(shop: Shop) -> None:
    first, second = shop.send("/api/contact", ticket()), shop.send("/api/contact", ticket())
    assert first.status == second.status == 201
    assert len(shop.stored()) == 1
    shop.send("/api/contact", ticket(message="Something else"))
    assert len(shop.stored()) == 2


def test_what_was_suggested_is_kept_with_the_ticket(open_shop: Open) -> None:
    shop = open_shop(suggest=lambda *_: [REFUND])
    answer = shop.send("/api/contact", ticket())
    assert answer.status == 200
    assert REFUND.passage in answer.text
    assert shop.stored() == []
    shop.send("/api/contact", {**ticket(), "step": "send"})
    (row,) = shop.rows("SELECT * FROM shown")
    assert (row["article"], row["unhelpful"]) == ("returns/refund", 1)
    assert shop.stored()[0].draft.category == "returns"


def test_the_receipt_is_promised_only_where_mail_is_sent(open_shop: Open) -> None:
    with_mail = open_shop(mail=MailSettings("m.example", "help@shop.example")).send("/api/contact", ticket())
    without = open_shop().send("/api/contact", ticket())
    assert table("en")["filed_mailed"] in with_mail.text
    assert table("en")["filed_mailed"] not in without.text


# When the customer hears back


def kyiv(day: int, hour: int, minute: int = 0) -> datetime:
    from zoneinfo import ZoneInfo

    return datetime(2026, 12, day, hour, minute, tzinfo=ZoneInfo("Europe/Kyiv"))


def ms(when: datetime) -> int:
    return int(when.timestamp() * 1000)


@pytest.mark.parametrize(
    ("start", "end", "hours"),
    [
        (kyiv(21, 10), kyiv(21, 12), 2),
        (kyiv(21, 17), kyiv(22, 10), 2),
        (kyiv(18, 17), kyiv(21, 10), 2),  # over a weekend
        (kyiv(24, 17), kyiv(28, 10), 2),  # over a holiday and a weekend
        (kyiv(19, 10), kyiv(20, 10), 0),
        (kyiv(21, 12), kyiv(21, 10), 0),  # a clock that was set back
    ],
)
def test_only_working_hours_count(start: datetime, end: datetime, hours: int) -> None:
    assert working_time(start, end, WEEK) == timedelta(hours=hours)


def test_the_expectation_is_the_median_laid_over_working_hours() -> None:
    replies = [(ms(kyiv(21, 9)), ms(kyiv(21, 9 + n))) for n in (1, 2, 3, 4, 8)]
    assert expected_by(replies, WEEK, kyiv(21, 10)) == kyiv(21, 13)
    assert expected_by(replies, WEEK, kyiv(24, 17)) == kyiv(28, 11), "Christmas and the weekend do not count"
    assert expected_by(replies, WorkingHours(), kyiv(21, 10)) == kyiv(21, 13)


def test_nothing_is_promised_from_a_few_replies() -> None:
    assert expected_by([(0, 3_600_000)] * 4, WorkingHours(), datetime.now(UTC)) is None


def test_the_customer_is_told_in_their_language(open_shop: Open) -> None:
    shop = open_shop(hours=WEEK)
    shop.clock.now = kyiv(21, 10).timestamp()
    from kb.desk import tickets

    for n in range(5):
        shop.file(subject=f"s{n}", email=f"a{n}@b.com")
    shop.clock.forward(3 * 3600)
    message = tickets.Message("team", "Hello", "en")
    for stored in shop.stored():
        shop.database.write(lambda tx, s=stored: tickets.add_message(tx, s, message, now=shop.desk.now()))  # type: ignore[misc]
    shop.desk._reply_times = (float("-inf"), [])
    said = shop.post(
        "/api/tickets", ticket(language="uk", subject="new", email="z@b.com"), address="10.0.0.1"
    ).json()
    assert said["expected"] == "Найімовірніше, ми відповімо до: понеділок 21 грудня, 16:00."


def test_a_configured_sentence_wins(open_shop: Open) -> None:
    shop = open_shop(expected_reply={"en": "Within one working day."})
    assert shop.file()["expected"] == "Within one working day."


# Spam without third parties


@pytest.mark.parametrize(
    ("draft", "signs", "review"),
    [
        (Draft("en", "s", "Where is my parcel?", "a@b.com"), Signs(False, 30, 0, 0), False),
        (Draft("en", "s", "Where is my parcel?", "a@b.com"), Signs(False, None, 0, 0), False),
        (Draft("en", "s", "See https://shop.example/x", "a@b.com"), Signs(False, 30, 0, 0), False),
        (Draft("en", "s", "Where is my parcel?", "a@b.com"), Signs(False, 10 * 86_400, 0, 0), False),
        (Draft("en", "s", "Where is my parcel?", "a@b.com"), Signs(False, -2 * 86_400, 0, 0), False),
        (Draft("en", "s", "x", "a@b.com"), Signs(True, 30, 0, 0), True),
        (Draft("en", "s", "http://a http://b http://c http://d", "a@b.com"), Signs(False, 30, 0, 0), True),
        (Draft("en", "s", "same", "a@b.com"), Signs(False, 30, 1, 1), True),
        (Draft("en", "s", "same", "a@b.com"), Signs(False, 30, 3, 0), True),
        (Draft("en", "s", "http://a http://b", "a@b.com"), Signs(False, 1, 0, 0), False),
        (Draft("en", "s", "http://a http://b http://c", "a@b.com"), Signs(False, 1, 0, 0), True),
    ],
)
def test_what_looks_like_spam_waits_for_a_person(draft: Draft, signs: Signs, review: bool) -> None:
    assert judge(draft, signs).review is review


def test_a_honeypot_tells_the_robot_nothing(shop: Shop) -> None:
    caught = shop.post("/api/tickets", ticket(website="x"))
    assert caught.status == 201
    assert set(caught.json()) == {"number", "secret", "link", "expected"}
    assert shop.stored()[0].review


def test_a_forged_form_age_counts_as_none(shop: Shop) -> None:
    for token in ("", "1780000000-aa.0000", "x", "1780000000-aa." + "0" * 40):
        shop.file(subject=f"s{token}", email=f"a{len(token)}@b.com", token=token)
    assert {t.reasons for t in shop.stored()} == {("no-form",)}
    shop.file(subject="good", email="g@b.com", token=shop.get("/api/form").json()["token"])
    assert {t.reasons for t in shop.stored()} == {("no-form",), ("too-fast",)}


def test_buckets_fill_again_and_stay_bounded() -> None:
    now = [0.0]
    buckets = Buckets(2, 60, lambda: now[0], most=3)
    buckets.take("a")
    buckets.take("a")
    with pytest.raises(TooManyError) as caught:
        buckets.take("a")
    assert caught.value.wait_s == 30
    now[0] += 31
    buckets.take("a")
    for n in range(100):
        buckets.take(str(n))
    assert len(buckets._levels) <= 3


def test_addresses_are_cut_before_they_are_logged() -> None:
    assert for_logs("203.0.113.77") == "203.0.113.0"
    assert for_logs("2001:db8:1:2:3:4:5:6") == "2001:db8:1::"
    assert for_logs("nonsense") == "-"
    assert address_block("::ffff:203.0.113.77") == "203.0.113.77"
