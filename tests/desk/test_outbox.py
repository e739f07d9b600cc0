"""Delivering: retries, order, dead letters, and what each target receives."""

import asyncio
import base64
import json
import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from standardwebhooks import Webhook

from kb.desk import outbox, tickets
from kb.desk.outward import Outward, OutwardError
from kb.desk.settings import MailSettings, WebhookSettings, ZammadSettings, ZendeskSettings
from tests.desk import receivers
from tests.desk.harness import Shop
from tests.desk.receivers import Request, mail_server, raw_receiver, receiver

Open = Callable[..., Shop]
SECRET = base64.b64encode(b"a secret that both sides know").decode()
LOCAL = ("127.0.0.0/8",)
HOUR_S = 3_600


def ok(request: Request) -> tuple[int, Any]:
    return 200, {}


def link_of(filed: dict[str, Any]) -> dict[str, str]:
    return {"number": filed["number"], "secret": filed["secret"]}


def run(shop: Shop, *, rounds: int = 200, step_s: float = 3_600) -> None:
    """Lets simulated time pass until nothing waits."""
    for _ in range(rounds):
        while shop.deliver():
            pass
        if not [x for x in shop.database.read(lambda tx: outbox.undelivered(tx)) if x.state == "waiting"]:
            return
        shop.clock.forward(step_s)


# Where deliveries may go


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "localhost", "0.0.0.0", "169.254.169.254", "10.0.0.1", "192.168.1.1", "100.64.0.1", "[::1]",
        "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[fe80::1]", "[fd00::1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]",
        "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "[::]", "224.0.0.1",
    ],
)  # fmt: skip
def test_R7_addresses_that_are_not_public_are_refused(host: str) -> None:
    with receiver(ok) as inside:
        port = inside.url.rpartition(":")[2]
        with pytest.raises(OutwardError):
            asyncio.run(Outward().send("POST", f"http://{host}:{port}/", {}, b"{}"))
        assert inside.requests == []


@pytest.mark.parametrize(
    "addresses", [["127.0.0.1"], ["93.184.216.34", "127.0.0.1"], ["::ffff:10.0.0.1"], []]
)
def test_R7_every_address_of_a_name_is_checked(addresses: list[str]) -> None:
    async def resolve(host: str, port: int) -> Sequence[str]:
        return addresses

    with pytest.raises(OutwardError):
        asyncio.run(Outward(resolve=resolve).send("POST", "http://shop.example/", {}, b"{}"))


def test_R7_a_name_that_changes_its_mind_is_asked_once() -> None:
    asked: list[str] = []

    async def rebinding(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["93.184.216.34"]

    with receiver(ok) as inside:
        port = inside.url.rpartition(":")[2]
        outward = Outward(["127.0.0.1"], resolve=rebinding)
        answer = asyncio.run(outward.send("POST", f"http://rebind.example:{port}/hook", {}, b"{}"))
        assert answer.status == 200
        assert asked == ["rebind.example"], "the connection went to the address that was checked"
        assert inside.requests[0].headers["host"] == f"rebind.example:{port}"


@pytest.mark.parametrize("allowed", ["127.0.0.1", "127.0.0.0/8", "localhost"])
def test_R7_named_networks_are_allowed(allowed: str) -> None:
    with receiver(ok) as inside:
        port = inside.url.rpartition(":")[2]
        host = "localhost" if allowed == "localhost" else "127.0.0.1"

        async def resolve(host: str, port: int) -> Sequence[str]:
            return ["127.0.0.1"]

        outward = Outward([allowed], resolve=resolve)
        assert asyncio.run(outward.send("POST", f"http://{host}:{port}/", {}, b"{}")).status == 200


@pytest.mark.parametrize(
    "url", ["ftp://shop.example/", "file:///etc/passwd", "gopher://x/", "http://", "shop.example"]
)
def test_R7_only_http_is_spoken(url: str) -> None:
    with pytest.raises(OutwardError):
        asyncio.run(Outward().send("POST", url, {}, b"{}"))


def test_R8_a_redirect_is_not_followed() -> None:
    with receiver(ok) as elsewhere, receiver(lambda r: (302, b"")) as first:
        answer = asyncio.run(Outward(LOCAL).send("POST", first.url, {}, b"{}"))
        assert answer.status == 302
        assert elsewhere.requests == []


def test_R8_a_huge_answer_is_cut() -> None:
    def flood(connection: Any) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        while True:
            connection.sendall(b"x" * 65536)

    with raw_receiver(flood) as url:
        answer = asyncio.run(Outward(LOCAL).send("POST", url, {}, b"{}"))
    assert answer.status == 200
    assert len(answer.body) == 4 * 1024


def test_R8_endless_headers_are_refused() -> None:
    def flood(connection: Any) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        while True:
            connection.sendall(b"X-A: " + b"x" * 1000 + b"\r\n")

    with raw_receiver(flood) as url, pytest.raises(OutwardError):
        asyncio.run(Outward(LOCAL).send("POST", url, {}, b"{}"))


@pytest.mark.parametrize("how", ["nothing", "trickle"])
def test_R8_a_slow_answer_is_given_up(how: str) -> None:
    def slow(connection: Any) -> None:
        for _ in range(600):
            connection.sendall(b"H" if how == "trickle" else b"")
            time.sleep(0.05)

    with raw_receiver(slow) as url, pytest.raises(OutwardError, match="no answer"):
        asyncio.run(Outward(LOCAL).send("POST", url, {}, b"{}", timeout_s=0.3))


def test_R8_the_limits_are_five_seconds_and_four_kilobytes() -> None:
    from kb.desk import outward

    assert (outward.TIMEOUT_S, outward.ANSWER_LIMIT_BYTES) == (5.0, 4096)


# How letters flow


def test_a_webhook_is_signed_as_the_standard_says(open_shop: Open) -> None:
    with receiver(ok) as inside:
        shop = open_shop(webhook=WebhookSettings(f"{inside.url}/hook", SECRET), allowed_networks=LOCAL)
        filed = shop.file(order="OS-1", message="Де моя посилка?", language="uk")
        shop.clock.now = time.time()
        assert shop.deliver() == 1
        request = inside.requests[0]
        body = Webhook(SECRET).verify(request.body, request.headers)
    assert body["type"] == "ticket.created"
    assert body["data"]["number"] == filed["number"]
    assert body["data"]["message"] == "Де моя посилка?"
    assert filed["secret"] not in request.body.decode()


def test_a_receiver_that_is_down_for_hours_loses_nothing_and_ids_stay(open_shop: Open) -> None:
    down_until = [0.0]
    seen: list[str] = []

    def sometimes(request: Request) -> tuple[int, Any]:
        seen.append(request.headers["webhook-id"])
        return (200, {}) if shop.clock.now > down_until[0] else (503, {})

    with receiver(sometimes) as inside:
        shop = open_shop(webhook=WebhookSettings(inside.url, SECRET), allowed_networks=LOCAL)
        down_until[0] = shop.clock.now + HOUR_S
        for n in range(5):
            shop.file(subject=f"Ticket {n}", email=f"a{n}@b.com")
        run(shop, step_s=60)
    assert len(set(seen)) == 5
    assert shop.rows("SELECT DISTINCT state FROM outbox") == [{"state": "sent"}]
    assert len(seen) > 5, "there were retries"
    assert len(seen) <= 5 * 8, "with waiting in between"


@pytest.mark.parametrize(
    "lie", [b"<html>not json</html>", b"", b'{"ticket": null}', b'{"ticket": {"id": "x"}}']
)
def test_a_receiver_that_lies_is_not_believed(open_shop: Open, lie: bytes) -> None:
    with receiver(lambda r: (200, lie)) as inside:
        settings = ZendeskSettings(inside.url, "agent@shop.example", "t")
        shop = open_shop(zendesk=settings, allowed_networks=LOCAL)
        shop.file()
        shop.deliver()
        letter = shop.database.read(lambda tx: outbox.undelivered(tx))[0]
        assert letter.state == "waiting"
        inside.answer = receivers.Zendesk("agent@shop.example", "t")
        run(shop)
        assert len(inside.answer.tickets) == 1
    assert shop.rows("SELECT state FROM outbox") == [{"state": "sent"}]


def test_what_is_never_taken_becomes_a_dead_letter_that_can_be_sent_again(open_shop: Open) -> None:
    with receiver(lambda r: (500, {})) as inside:
        shop = open_shop(webhook=WebhookSettings(inside.url, SECRET), allowed_networks=LOCAL)
        shop.file()
        run(shop)
        dead = shop.database.read(lambda tx: outbox.undelivered(tx, dead_only=True))
        assert [letter.error for letter in dead] == ["answered 500"]
        assert len(inside.requests) == len(outbox.BACKOFF_S) + 1
        inside.answer = ok
        assert shop.database.write(lambda tx: outbox.revive(tx, now=shop.desk.now())) == 1
        run(shop)
    assert shop.rows("SELECT state FROM outbox") == [{"state": "sent"}]
    assert len({r.headers["webhook-id"] for r in inside.requests}) == 1


@pytest.mark.parametrize(
    "poison",
    [
        "UPDATE outbox SET payload = '{broken' WHERE seq = 1",
        "UPDATE outbox SET payload = '{\"position\": 99}' WHERE seq = 1",
        "UPDATE outbox SET payload = '[]' WHERE seq = 1",
        "UPDATE outbox SET target = 'nowhere' WHERE seq = 1",
        "UPDATE tickets SET reasons = '', created = -99999999999999999 WHERE number = ?",
    ],
)
def test_R25_one_poisonous_letter_stops_nobody(open_shop: Open, poison: str) -> None:
    with receiver(ok) as inside:
        shop = open_shop(webhook=WebhookSettings(inside.url, SECRET), allowed_networks=LOCAL)
        first = shop.file(subject="First", email="a@b.com")
        for n in range(3):
            shop.file(subject=f"Other {n}", email=f"a{n}@b.com")
        values = (first["number"],) if "?" in poison else ()
        shop.database.write(lambda tx: tx.execute(poison, values))
        shop.deliver()
        arrived = {r.json()["data"]["subject"] for r in inside.requests}
        assert arrived >= {"Other 0", "Other 1", "Other 2"}
        run(shop)
    states = [row["state"] for row in shop.rows("SELECT state FROM outbox ORDER BY seq")]
    assert states[1:] == ["sent"] * 3
    if values == ():
        listed = shop.database.read(lambda tx: outbox.undelivered(tx, dead_only=True))
        assert [letter.seq for letter in listed] == [1]


def test_a_crash_in_the_middle_gives_the_letter_back(open_shop: Open) -> None:
    with receiver(ok) as inside:
        shop = open_shop(webhook=WebhookSettings(inside.url, SECRET), allowed_networks=LOCAL)
        shop.file()
        shop.database.write(lambda tx: outbox.claim(tx, now=shop.desk.now()))
        assert shop.deliver() == 0, "it belongs to the attempt that died"
        shop.clock.forward(outbox.LEASE_MS / 1000 + 1)
        assert shop.deliver() == 1
    assert len(inside.requests) == 1


def test_letters_about_one_ticket_arrive_in_order(open_shop: Open) -> None:
    with receiver(lambda r: (503, {})) as inside:
        shop = open_shop(webhook=WebhookSettings(inside.url, SECRET), allowed_networks=LOCAL)
        filed = shop.file()
        shop.post("/api/tickets/reply", {**link_of(filed), "message": "more"})
        shop.post("/api/tickets/close", link_of(filed))
        shop.deliver()
        inside.answer = ok
        inside.requests.clear()
        run(shop, step_s=60)
    kinds = [r.json()["type"] for r in inside.requests]
    assert kinds == ["ticket.created", "ticket.replied", "ticket.closed"]


def test_R27_a_clock_that_jumps_loses_nothing_and_doubles_nothing(open_shop: Open) -> None:
    day = 86_400
    with receiver(lambda r: (503, {})) as inside:
        shop = open_shop(webhook=WebhookSettings(inside.url, SECRET), allowed_networks=LOCAL)
        key = {"Idempotency-Key": "k" * 20}
        request = {
            "path": "/api/tickets",
            "value": {"language": "en", "subject": "s", "message": "m", "email": "a@b.com"},
        }
        first = shop.call("POST", headers=key, **request)
        shop.deliver()
        shop.clock.forward(2 * day)
        assert shop.call("POST", headers=key, **request).json()["number"] == first.json()["number"]
        shop.deliver()
        shop.clock.forward(-4 * day)
        assert shop.call("POST", headers=key, **request).json()["number"] == first.json()["number"]
        link = {k: first.json()[k] for k in ("number", "secret")}
        assert shop.post("/api/tickets/status", link).status == 200
        inside.answer = ok
        run(shop, step_s=600)
        assert len(shop.stored()) == 1
        assert len(
            [
                r
                for r in inside.requests
                if shop.rows("SELECT 1 AS x FROM outbox WHERE id = ?", r.headers["webhook-id"])
            ]
        ) == len(inside.requests)
        assert shop.rows("SELECT state FROM outbox") == [{"state": "sent"}]
        assert shop.clock.now < 1_780_000_000 + day, "it did not wait for the old future"
        shop.clock.forward(2 * day)
        shop.database.write(lambda tx: tickets.forget_keys(tx, now=shop.desk.now()))
        assert shop.rows("SELECT token FROM idempotency") != []
        shop.clock.forward(10 * day)
        shop.database.write(lambda tx: tickets.forget_keys(tx, now=shop.desk.now()))
        assert shop.rows("SELECT token FROM idempotency") == []


# What each target receives


def test_zendesk_gets_ticket_reply_and_state(open_shop: Open) -> None:
    zendesk = receivers.Zendesk("agent@shop.example", "token1")
    with receiver(zendesk) as inside:
        settings = ZendeskSettings(inside.url, "agent@shop.example", "token1")
        shop = open_shop(zendesk=settings, allowed_networks=LOCAL)
        filed = shop.file(category="returns", order="OS-9", language="uk", subject="Повернення")
        run(shop)
        shop.post("/api/tickets/reply", {**link_of(filed), "message": "And one more thing"})
        shop.post("/api/tickets/close", link_of(filed))
        run(shop)
    (ticket,) = zendesk.tickets.values()
    assert ticket["external_id"] == filed["number"]
    assert ticket["subject"] == "Повернення"
    assert ticket["requester"]["email"] == "olena@customers.com"
    assert ticket["comments"][1:] == ["And one more thing"]
    assert ticket["status"] == "solved"
    assert shop.rows("SELECT DISTINCT state FROM outbox") == [{"state": "sent"}]


def test_zendesk_makes_no_second_ticket_when_its_answer_is_lost(open_shop: Open) -> None:
    zendesk = receivers.Zendesk("a@shop.example", "t")
    tried: list[Request] = []

    def losing(request: Request) -> tuple[int, Any]:
        tried.append(request)
        answer = zendesk(request)
        return answer if len(tried) > 1 else (502, {})

    with receiver(losing) as inside:
        shop = open_shop(zendesk=ZendeskSettings(inside.url, "a@shop.example", "t"), allowed_networks=LOCAL)
        shop.file()
        run(shop)
    assert len(tried) == 2
    assert len(zendesk.tickets) == 1
    assert shop.rows("SELECT state FROM outbox") == [{"state": "sent"}]


def test_zammad_gets_ticket_reply_and_state(open_shop: Open) -> None:
    zammad = receivers.Zammad("token2", ("Support",))
    with receiver(zammad) as inside:
        shop = open_shop(zammad=ZammadSettings(inside.url, "token2", "Support"), allowed_networks=LOCAL)
        filed = shop.file()
        run(shop)
        shop.post("/api/tickets/reply", {**link_of(filed), "message": "More"})
        shop.post("/api/tickets/close", link_of(filed))
        shop.post("/api/tickets/reopen", link_of(filed))
        run(shop)
    (ticket,) = zammad.tickets.values()
    assert ticket["customer"] == "guess:olena@customers.com"
    assert [a["body"] for a in ticket["articles"][1:]] == ["More"]
    assert filed["number"] in ticket["articles"][0]["body"]
    assert ticket["state"] == "open"


def test_mail_reaches_customer_and_team(open_shop: Open) -> None:
    with mail_server() as mailbox:
        mail = MailSettings(
            "127.0.0.1", "Shop help <help@shop.example>", mailbox.port, "none", team="team@shop.example"
        )
        shop = open_shop(mail=mail)
        filed = shop.file(language="ar", subject="أين طلبي؟", message="<b>لم يصل</b>")
        run(shop)
        stored = shop.stored()[0]
        message = tickets.Message("team", "Price < 5 & more\nSecond line", "ar")
        shop.database.write(lambda tx: tickets.add_message(tx, stored, message, now=shop.desk.now()))
        run(shop)
    mails = {(to, mail["Subject"]): mail for to, mail in mailbox.mails}
    assert sorted(to for to, _ in mails) == [
        "olena@customers.com",
        "olena@customers.com",
        "team@shop.example",
    ]
    receipt = mails["olena@customers.com", f"[{filed['number']}] وصلتنا رسالتك"]
    assert receipt["Auto-Submitted"] == "auto-generated"
    assert filed["link"] in receipt.get_body(("plain",)).get_content()
    html = receipt.get_body(("html",)).get_content()
    assert 'dir="rtl"' in html
    answer = mails["olena@customers.com", f"[{filed['number']}] ردنا"]
    assert "Price < 5 & more\nSecond line" in answer.get_body(("plain",)).get_content().replace("\r\n", "\n")
    assert "Price &lt; 5 &amp; more<br>Second line" in answer.get_body(("html",)).get_content()
    team = next(mail for to, mail in mailbox.mails if to == "team@shop.example")
    assert team["Reply-To"] == "olena@customers.com"
    assert team.get_content_type() == "text/plain"
    assert len({mail["Message-ID"] for _, mail in mailbox.mails}) == 3


def test_a_mailbox_that_does_not_exist_is_not_tried_for_days(open_shop: Open) -> None:
    with mail_server() as mailbox:
        mailbox.refuse = {"gone@customers.com": "550 no such user", "busy@customers.com": "451 try later"}
        shop = open_shop(mail=MailSettings("127.0.0.1", "help@shop.example", mailbox.port, "none"))
        shop.file(email="gone@customers.com", subject="One")
        shop.file(email="busy@customers.com", subject="Two")
        shop.file(email="here@customers.com", subject="Three")
        shop.deliver()
        states = {x.ticket: x.state for x in shop.database.read(lambda tx: outbox.undelivered(tx))}
        by_address = {t.draft.email: states.get(t.id, "sent") for t in shop.stored()}
        assert by_address == {
            "gone@customers.com": "dead", "busy@customers.com": "waiting", "here@customers.com": "sent",
        }  # fmt: skip
        mailbox.refuse = {}
        run(shop, step_s=60)
    assert [to for to, _ in mailbox.mails] == ["here@customers.com", "busy@customers.com"]


def test_a_ticket_under_review_is_told_to_nobody_until_accepted(open_shop: Open) -> None:
    with receiver(ok) as inside:
        shop = open_shop(webhook=WebhookSettings(inside.url, SECRET), allowed_networks=LOCAL)
        shop.file(website="http://spam.example")
        run(shop)
        assert inside.requests == []
        stored = shop.stored()[0]
        assert stored.review
        notices = tickets.Notices(("webhook",))
        shop.database.write(lambda tx: tickets.accept(tx, stored, notices, now=shop.desk.now()))
        run(shop)
        assert [json.loads(r.body)["type"] for r in inside.requests] == ["ticket.created"]
