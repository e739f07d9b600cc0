"""What strangers may not do to the desk: the run-side rules, each under its id."""

import json
import logging
from collections.abc import Callable
from dataclasses import replace
from html import unescape

import pytest

from kb.cli.desk_team import as_csv
from kb.desk.database import UnavailableError
from kb.desk.mail import TeamMail
from kb.desk.outbox import Letter
from kb.desk.parcels import Parcel
from kb.desk.service import own_path
from kb.desk.settings import Limits, MailSettings
from kb.desk.suggest import Suggestion
from tests.desk.harness import HOST, PUBLIC_URL, REFUND, Shop, ticket

MAIL = MailSettings("mail.shop.example", "Shop <help@shop.example>", team="team@shop.example")
DAY_S = 86_400
Open = Callable[..., Shop]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("subject", "Hello\r\nBcc: everyone@shop.example"),
        ("subject", "Hello\nthere"),
        ("name", "Eve\r\nBcc: x@y.com"),
        ("name", "Eve\u2028x"),
        ("order", "1\n2"),
        ("email", "a@b.com,d@e.com"),
        ("email", "a@b.com\r\nBcc: d@e.com"),
        ("email", "a@b.com d@e.com"),
        ("email", "<a@b.com>"),
    ],
)
def test_R1_line_breaks_and_several_addresses_are_refused(shop: Shop, field: str, value: str) -> None:
    answer = shop.post("/api/tickets", ticket(**{field: value}))
    assert answer.status == 422
    assert list(answer.json()["fields"]) == [field]
    assert answer.json()["fields"][field]["message"]
    assert shop.stored() == []


def test_R1_the_page_without_scripts_keeps_the_text(shop: Shop) -> None:
    sent = ticket(email="a@b.com,d@e.com", message="A long story\nof two lines & more")
    answer = shop.send("/api/contact", sent)
    assert answer.status == 422
    assert "A long story\nof two lines & more" in unescape(answer.text)
    assert 'id="kb-email-problem"' in answer.text


def test_R2_a_mailbox_gets_one_automatic_mail_a_day(open_shop: Open) -> None:
    shop = open_shop(mail=MAIL, limits=Limits(tickets_per_mailbox_day=100))
    for n in range(5):
        shop.file(email="victim@customers.com", subject=f"Buy pills {n}", message=f"Buy pills now {n}")
    receipts = "SELECT * FROM outbox WHERE kind = 'receipt'"
    assert len(shop.rows(receipts)) == 1
    shop.clock.forward(DAY_S)
    shop.file(email="victim@customers.com", subject="Again", message="And again")
    assert len(shop.rows(receipts)) == 2


def test_R2_all_automatic_mails_of_a_day_have_a_cap(open_shop: Open) -> None:
    shop = open_shop(mail=MAIL, limits=Limits(receipts_per_day=3))
    for n in range(6):
        shop.file(
            email=f"victim{n}@customers.com", subject=f"Pills {n}", message=f"Many {n}", address=f"10.9.0.{n}"
        )
    assert len(shop.rows("SELECT * FROM outbox WHERE kind = 'receipt'")) == 3
    assert len(shop.stored()) == 6


def test_R2_an_automatic_mail_holds_nothing_that_was_typed(open_shop: Open) -> None:
    from kb.desk.mail import CustomerMail

    shop = open_shop(mail=MAIL)
    shop.file(subject="CHEAP PILLS", message="VISIT EVIL", name="EVE", order="ORDER-77", page="/evilpage/")
    stored = shop.stored()[0]
    letter = Letter(1, "id1", stored.id, "mail", "receipt", "{}", "waiting", 0, 0, 0, "")
    parcel = Parcel(letter, stored, None, "", shop.desk.link(stored), "Soon.")
    mail = CustomerMail(MAIL, shop.desk.strings, "Shop").compose(parcel)
    text = mail.as_string() + "".join(part.get_content() for part in mail.iter_parts())
    for typed in ("PILLS", "EVIL", "EVE", "ORDER-77", "evilpage"):
        assert typed not in text
    assert stored.number in text


def test_R4_unknown_number_and_wrong_secret_get_the_same_answer(shop: Shop) -> None:
    filed = shop.file()
    wrong = shop.post("/api/tickets/status", {"number": filed["number"], "secret": "a" * 32})
    unknown = shop.post("/api/tickets/status", {"number": "ACDEFGHJ", "secret": filed["secret"]})
    assert wrong.status == unknown.status == 404
    assert wrong.body == unknown.body
    assert wrong.headers == unknown.headers
    right = shop.post("/api/tickets/status", {"number": filed["number"], "secret": filed["secret"]})
    assert right.status == 200


def test_R4_secrets_are_compared_in_constant_time(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    import hmac

    compared: list[tuple[bytes, bytes]] = []
    real = hmac.compare_digest

    def spy(a: bytes, b: bytes) -> bool:
        compared.append((a, b))
        return real(a, b)

    monkeypatch.setattr("kb.desk.keys.hmac.compare_digest", spy)
    shop.post("/api/tickets/status", {"number": "ACDEFGHJ", "secret": "x"})
    assert compared, "an unknown number is compared as well"


@pytest.mark.parametrize("path", ["/api/tickets/status", "/api/tickets/close", "/api/tickets/reopen"])
@pytest.mark.parametrize("how", ["empty", "blank", "shortened", "lengthened", "upper"])
def test_R5_an_incomplete_secret_opens_nothing(shop: Shop, path: str, how: str) -> None:
    filed = shop.file()
    secret = filed["secret"]
    given = {
        "empty": "", "blank": "   ", "shortened": secret[:-1], "lengthened": f"{secret}a", "upper": secret.upper(),
    }[how]  # fmt: skip
    assert shop.post(path, {"number": filed["number"], "secret": given}).status == 404
    assert shop.stored()[0].state == "open"


def test_R6_the_secret_is_in_no_log_and_in_no_path(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    from kb.desk.observe import JsonLines

    caplog.set_level(logging.DEBUG)
    filed = shop.file()
    link = {"number": filed["number"], "secret": filed["secret"]}
    shop.post("/api/tickets/status", link)
    shop.post("/api/tickets/reply", {**link, "message": "more"})
    shop.get(f"/api/status?secret={filed['secret']}")
    shop.get(f"/api/{filed['secret']}")
    shop.send("/api/status", {"code": f"{filed['number']}.{filed['secret']}"})
    lines = [JsonLines().format(record) for record in caplog.records]
    assert lines, "requests are logged"
    assert not [line for line in lines if filed["secret"] in line]
    before, _, fragment = filed["link"].partition("#")
    assert filed["secret"] not in before
    assert filed["secret"] in fragment
    assert shop.get("/api/status").headers["referrer-policy"] == "same-origin"


def test_R6_a_link_expires_after_the_last_change(open_shop: Open) -> None:
    shop = open_shop(link_days=90)
    filed = shop.file()
    link = {"number": filed["number"], "secret": filed["secret"]}
    shop.clock.forward(89 * DAY_S)
    assert shop.post("/api/tickets/status", link).status == 200
    shop.post("/api/tickets/reply", {**link, "message": "Anything new?"})
    shop.clock.forward(89 * DAY_S)
    assert shop.post("/api/tickets/status", link).status == 200
    shop.clock.forward(2 * DAY_S)
    assert shop.post("/api/tickets/status", link).status == 404


def test_R10_markup_in_a_ticket_stays_text(open_shop: Open) -> None:
    shop = open_shop(mail=MAIL)
    evil = "<script>alert(1)</script> {{7*7}} ${7*7} {% raw %}"
    filed = shop.file(subject=evil, message=evil, name=evil[:90])
    page = shop.send("/api/status", {"code": f"{filed['number']}.{filed['secret']}"}).text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "{{7*7}}" in page
    stored = shop.stored()[0]
    letter = Letter(1, "id1", stored.id, "team-mail", "created", "{}", "waiting", 0, 0, 0, "")
    mail = TeamMail(MAIL, shop.desk.strings, "Shop", "en").compose(Parcel(letter, stored, None, "", "", ""))
    assert mail.get_content_type() == "text/plain"
    assert evil in mail.get_content()


@pytest.mark.parametrize("cell", ["=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(A1)", "\t=1", " =1+1"])
def test_R11_no_cell_of_the_export_is_a_formula(shop: Shop, cell: str) -> None:
    import csv
    import io

    shop.file()
    stored = shop.stored()[0]
    table = as_csv([replace(stored, draft=replace(stored.draft, subject=cell, name=cell))])
    row = next(csv.DictReader(io.StringIO(table)))
    assert row["subject"] == f"'{cell}"
    assert row["name"] == f"'{cell}"


@pytest.mark.parametrize("text", ["100% _ * sure", '"', "NEAR(", "[", "a AND b OR (", "\\", "' OR 1=1 --"])
def test_R12_a_query_is_taken_literally(open_shop: Open, text: str) -> None:
    asked: list[str] = []

    def suggest(language: str, question: str, limit: int) -> list[Suggestion]:
        asked.append(question)
        return [REFUND]

    shop = open_shop(suggest=suggest)
    answer = shop.post("/api/suggest", {"language": "en", "text": text, "limit": 3})
    assert answer.status == 200
    assert asked == [text]
    assert answer.json()["suggestions"][0]["article"] == "returns/refund"


@pytest.mark.parametrize(
    "field", ["number", "state", "links", "id", "review", "score", "assignee", "created"]
)
def test_R13_fields_that_are_ours_cannot_be_sent(shop: Shop, field: str) -> None:
    answer = shop.post("/api/tickets", ticket(**{field: "closed"}))
    assert answer.status == 422
    assert answer.json()["fields"][field]["code"] == "unknown"
    assert shop.stored() == []


def test_R14_one_key_fifty_times_at_once_files_one_ticket(shop: Shop) -> None:
    request = {"method": "POST", "path": "/api/tickets", "value": ticket(),
               "headers": {"Idempotency-Key": "k" * 20}}  # fmt: skip
    answers = shop.together([request] * 50)
    assert {a.status for a in answers} == {201}
    assert len({a.body for a in answers}) == 1
    assert len(shop.stored()) == 1


def test_R14_a_key_belongs_to_one_request(shop: Shop) -> None:
    headers = {"Idempotency-Key": "k" * 20}
    filed = shop.post("/api/tickets", ticket(), headers=headers)
    assert shop.post("/api/tickets", ticket(subject="Another"), headers=headers).status == 422
    link = {key: filed.json()[key] for key in ("number", "secret")}
    elsewhere = shop.post("/api/tickets/reply", {**link, "message": "hello"}, headers=headers)
    assert elsewhere.status == 422
    assert elsewhere.json()["code"] == "key_reused"
    assert len(shop.stored()) == 1
    assert shop.rows("SELECT * FROM messages") == []


def scored(number: str) -> bytes:
    """A ticket that saw an article with this score."""
    return (
        json.dumps(ticket(shown=[{"article": "a", "language": "en", "score": "?"}]))
        .replace('"?"', number)
        .encode()
    )


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"x" * (64 * 1024 + 1), 413),
        (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, 400),
        (b"[" * 30_000, 400),
        (b'{"subject": "\\u0000"}', 422),
        (json.dumps(ticket(subject="a\0b")).encode(), 422),
        (b'{"language":"en","subject":"\\ud800","message":"x","email":"a@b.com"}', 422),
        (scored("9" * 400), 422),
        (scored("1e999"), 422),
        (b'{"subject": NaN}', 400),
        (b"9" * 5_000, 400),
        (b'{"subject": "a", "subject": "b"}', 400),
        (b"\xff\xfe", 400),
        (b"", 400),
        (b"null", 422),
        (b"[]", 422),
    ],
)  # fmt: skip
def test_R15_odd_bodies_are_refused_and_never_break_it(shop: Shop, body: bytes, status: int) -> None:
    answer = shop.call("POST", "/api/tickets", body=body, headers={"content-type": "application/json"})
    assert answer.status == status
    assert shop.stored() == []


def test_R15_a_body_must_say_how_long_it_is(shop: Shop) -> None:
    no_length = {"content-type": "application/json", "content-length": ""}
    assert shop.call("POST", "/api/tickets", body=b"{}", headers=no_length).status == 411
    for length in ("-1", "1e3", "9" * 400, "٣"):
        headers = {"content-type": "application/json", "content-length": length.encode().decode("latin-1")}
        assert shop.call("POST", "/api/tickets", body=b"{}", headers=headers).status in (411, 413)


@pytest.mark.parametrize(
    "body", [b"a=b&" * 10_000, b"&" * 60_000, b"&".join(b"f%d=1" % n for n in range(100_000))]
)
def test_R16_a_form_with_too_many_fields_is_refused(shop: Shop, body: bytes) -> None:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    assert shop.call("POST", "/api/contact", body=body, headers=headers).status == 413


@pytest.mark.parametrize(
    "host", ["evil.example", "help.shop.example.evil.example", "", "help.shop.example@evil"]
)
def test_R17_a_foreign_host_is_refused(shop: Shop, host: str) -> None:
    assert shop.get("/api/health", host=host).status == 400


def test_R17_the_own_host_is_served_on_any_port(shop: Shop) -> None:
    assert shop.get("/api/health", host=f"{HOST}:8443").status == 200


def test_R17_an_absolute_form_request_is_refused(shop: Shop) -> None:
    assert shop.get("http://evil.example/api/health").status == 400


def test_R17_a_strangers_forwarding_header_is_ignored(open_shop: Open) -> None:
    shop = open_shop(limits=Limits(reads_per_address_minute=2))
    asked = {"language": "en", "text": "hello there", "limit": 1}
    statuses = [
        shop.post("/api/suggest", asked, headers={"x-forwarded-for": f"198.51.100.{n}"}).status
        for n in range(3)
    ]
    assert statuses == [200, 200, 429]


def test_R17_a_trusted_proxy_is_believed_up_to_the_first_stranger(open_shop: Open) -> None:
    shop = open_shop(limits=Limits(reads_per_address_minute=1), trusted_proxies=("127.0.0.0/8",))
    asked = {"language": "en", "text": "hello there", "limit": 1}

    def status(forwarded: str) -> int:
        headers = {"x-forwarded-for": forwarded}
        return shop.post("/api/suggest", asked, headers=headers, address="127.0.0.1").status

    assert [status("198.51.100.1"), status("198.51.100.2")] == [200, 200]
    assert status("1.2.3.4, 198.51.100.1") == 429, "what the customer claims about itself does not count"


@pytest.mark.parametrize(
    "path",
    ["//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)", "\\\\evil", "/a\nb"],
)
def test_R18_the_way_back_stays_on_the_own_site(shop: Shop, path: str) -> None:
    assert own_path(path) == ""
    answer = shop.send("/api/contact", ticket(page=path.replace("\n", "")))
    assert answer.status == 201
    assert "evil" not in answer.text
    assert "javascript:" not in answer.text


def test_R18_a_page_of_the_site_is_kept(shop: Shop) -> None:
    assert 'href="/en/returns/refund/"' in shop.send("/api/contact", ticket(page="/en/returns/refund/")).text


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "null", "sec-fetch-site": "cross-site"},
        {"origin": f"{PUBLIC_URL}.evil.example"},
    ],
)
@pytest.mark.parametrize("path", ["/api/tickets", "/api/contact", "/api/events", "/api/status"])
def test_R20_another_site_may_not_post(shop: Shop, path: str, headers: dict[str, str]) -> None:
    assert shop.post(path, ticket(), headers=headers).status == 403
    assert shop.stored() == []


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": PUBLIC_URL, "sec-fetch-site": "same-origin"},
        {"origin": "null", "sec-fetch-site": "same-origin"},
        {},
    ],
)
def test_R20_the_own_site_may(shop: Shop, headers: dict[str, str]) -> None:
    assert shop.post("/api/tickets", ticket(), headers=headers).status == 201


def test_R20_a_site_that_embeds_the_form_may_and_is_told_so(open_shop: Open) -> None:
    shop = open_shop(origins=("https://shop.example",))
    headers = {"origin": "https://shop.example", "sec-fetch-site": "same-site"}
    answer = shop.post("/api/tickets", ticket(), headers=headers)
    assert answer.status == 201
    assert answer.headers["access-control-allow-origin"] == "https://shop.example"
    assert shop.call("OPTIONS", "/api/tickets", headers=headers).status == 204
    other = shop.call("OPTIONS", "/api/tickets", headers={"origin": "https://evil.example"})
    assert "access-control-allow-origin" not in other.headers


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "", "application/jsonp"])
def test_R20_json_must_say_that_it_is_json(shop: Shop, kind: str) -> None:
    body = json.dumps(ticket()).encode()
    assert shop.call("POST", "/api/tickets", body=body, headers={"content-type": kind}).status == 415


def test_R21_a_broken_database_tells_nothing_about_itself(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise UnavailableError("postgresql://user:hunter2@10.0.0.5/desk: /var/lib/secret")

    monkeypatch.setattr(shop.database, "read", broken)
    monkeypatch.setattr(shop.database, "submit", broken)
    for answer in (
        shop.post("/api/tickets", ticket()),
        shop.send("/api/contact", ticket()),
        shop.get("/api/ready"),
        shop.get("/metrics"),
    ):
        assert answer.status == 503
        assert answer.headers["retry-after"]
        for hint in ("postgres", "hunter2", "10.0.0.5", "/var", "Traceback", "kb.desk", str(shop.path)):
            assert hint not in answer.text


def test_R21_an_error_of_our_own_tells_nothing(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from kb.desk.observe import JsonLines

    def broken(*_: object) -> None:
        raise RuntimeError("olena@customers.com wrote /var/lib/secret")

    monkeypatch.setattr(shop.desk, "draft", broken)
    answer = shop.post("/api/tickets", ticket())
    assert answer.status == 500
    assert "olena" not in answer.text
    logged = "\n".join(JsonLines().format(r) for r in caplog.records)
    assert "RuntimeError" in logged
    assert "olena" not in logged


@pytest.mark.parametrize(
    "path", ["/api/nothing", "/.env", "/api/assets/../settings.py", "/api/assets/nothing.js", "/"]
)
def test_R21_an_unknown_page_tells_nothing(shop: Shop, path: str) -> None:
    answer = shop.get(path)
    assert answer.status == 404
    assert "starlette" not in answer.text.lower()
    assert path not in answer.text or path == "/"


@pytest.mark.parametrize("path", ["/api/tickets", "/api/contact", "/api/status"])
def test_R22_uploads_are_refused(shop: Shop, path: str) -> None:
    body = b'--x\r\nContent-Disposition: form-data; name="f"; filename="a.exe"\r\n\r\nMZ\r\n--x--\r\n'
    headers = {"content-type": "multipart/form-data; boundary=x"}
    answer = shop.call("POST", path, body=body, headers=headers)
    assert answer.status == 415


def test_R24_a_burst_from_one_address_waits_and_others_do_not(open_shop: Open) -> None:
    shop = open_shop(limits=Limits(tickets_per_address_hour=5))
    many = [shop.post("/api/tickets", ticket(subject=f"s{n}", email=f"a{n}@b.com")) for n in range(8)]
    assert [a.status for a in many] == [201] * 5 + [429] * 3
    assert int(many[-1].headers["retry-after"]) > 0
    assert shop.post("/api/tickets", ticket(), address="198.51.100.9").status == 201
    assert (
        shop.send("/api/contact", ticket(email="x@y.com", subject="n"), address="198.51.100.10").status == 201
    )


def test_R24_ipv6_addresses_of_one_customer_count_together(open_shop: Open) -> None:
    shop = open_shop(limits=Limits(tickets_per_address_hour=2))
    statuses = [
        shop.post(
            "/api/tickets", ticket(subject=f"s{n}", email=f"a{n}@b.com"), address=f"2001:db8:1:1{n}::{n}"
        ).status
        for n in range(3)
    ]
    assert statuses == [201, 201, 429]


def test_R24_one_mailbox_from_many_addresses_waits(open_shop: Open) -> None:
    shop = open_shop(limits=Limits(tickets_per_mailbox_day=3))
    statuses = [
        shop.post("/api/tickets", ticket(subject=f"s{n}"), address=f"198.51.100.{n}").status for n in range(5)
    ]
    assert statuses == [201] * 3 + [429] * 2


def test_R24_a_flood_from_a_thousand_addresses_leaves_room_for_people(open_shop: Open) -> None:
    shop = open_shop(limits=Limits(tickets_per_minute=50))
    flood = [
        {"method": "POST", "path": "/api/tickets", "value": ticket(subject=f"s{n}", email=f"a{n}@b.com"),
         "address": f"10.{n // 250}.{n % 250}.1"}
        for n in range(1_000)
    ]  # fmt: skip
    answers = shop.together(flood[:100]) + [shop.call(**request) for request in flood[100:]]
    refused = [a for a in answers if a.status == 429]
    assert sum(a.status == 201 for a in answers) == 50
    assert len(refused) == 950
    assert all(a.headers["retry-after"] for a in refused)
    # Without scripts: its own share. With scripts: the browser proves work by itself.
    assert shop.send("/api/contact", ticket(email="p@q.com"), address="192.0.2.1").status == 201
    proof = solve(refused[-1].json()["proof"])
    person = ticket(email="r@q.com", subject="A person", proof=proof)
    assert shop.post("/api/tickets", person, address="192.0.2.2").status == 201
    again = ticket(email="r2@q.com", subject="The same proof", proof=proof)
    assert shop.post("/api/tickets", again, address="192.0.2.3").status == 429


def solve(task: dict[str, object]) -> str:
    """The browser's work."""
    import hashlib

    n, bits = 0, int(str(task["bits"]))
    while True:
        proof = f"{task['challenge']}:{n}"
        if int.from_bytes(hashlib.sha256(proof.encode()).digest(), "big") >> (256 - bits) == 0:
            return proof
        n += 1
