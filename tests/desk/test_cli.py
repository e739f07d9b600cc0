"""The team's commands, run as the team runs them."""

import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kb.cli import main
from kb.desk import tickets
from kb.desk.tickets import Draft, Judgement, Message, Shown

ARTICLES = {
    "en/returns/refund.md": "---\ntitle: Refunds\n---\nMoney is back **within 3 days**.\n\n## How\n\nBy card.\n",
    "uk/returns/refund.md": "---\ntitle: Повернення грошей\n---\nГроші повернуться **за 3 дні**.\n",
    "en/returns/index.md": "---\ntitle: Returns\n---\nAll about returns.\n",
}
Run = Callable[..., str]


@pytest.fixture
def help_centre(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("KB_DESK_DATABASE", raising=False)
    (tmp_path / "pyproject.toml").write_text(
        '[tool.kb]\nlanguages = ["en", "uk"]\n[tool.kb.desk]\npublic_url = "https://help.shop.example"\n'
        '[tool.kb.desk.mail]\nhost = "mail.shop.example"\nsender = "help@shop.example"\n'
    )
    for name, text in ARTICLES.items():
        file = tmp_path / "articles" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
    return tmp_path


@pytest.fixture
def kb(help_centre: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*arguments: str, code: int = 0) -> str:
        capsys.readouterr()
        assert main(["--root", str(help_centre), "desk", *arguments]) == code
        captured = capsys.readouterr()
        return captured.out + captured.err

    return run


@pytest.fixture
def filed(help_centre: Path) -> list[str]:
    """Three tickets: English, Ukrainian, and one under review. Their numbers."""
    database = tickets.open_database(str(help_centre / ".kb/desk.sqlite"))
    import time

    now = int(time.time() * 1000)
    drafts = [
        Draft("en", "Where is my parcel?", "Help \x1b[31mme", "anna@customers.com", "Anna", "OS-1", "delivery",
              shown=(Shown("returns/refund", "en", 0.5, True, True),)),
        Draft("uk", "Де посилка?", "Допоможіть", "olena@customers.com", category="delivery"),
        Draft("en", "=cmd()", "spam spam", "spam@customers.com", category="returns"),
    ]  # fmt: skip
    found = []
    for n, draft in enumerate(drafts):
        judgement = Judgement(100, ("honeypot",), True) if n == 2 else Judgement()
        kept = database.write(
            lambda tx, d=draft, j=judgement, n=n: tickets.file(tx, d, now=now + n, judgement=j)
        )  # type: ignore[misc]
        found.append(kept.number)
    database.close()
    return found


def stored(root: Path, number: str) -> Any:
    database = tickets.open_database(str(root / ".kb/desk.sqlite"))
    try:
        return database.read(lambda tx: tickets.by_number(tx, number))
    finally:
        database.close()


def test_list_shows_what_waits(kb: Run, filed: list[str]) -> None:
    text = kb("list")
    assert all(number in text for number in filed)
    assert "open?" in text, "the one under review is marked"
    assert filed[0] not in kb("list", "--language", "uk")
    assert kb("list", "--review").count("open?") == 1
    assert "0 tickets" in kb("list", "--older", "1h")
    assert "3 tickets" in kb("list", "--since", "1h")
    data = json.loads(kb("list", "--format", "json", "--category", "delivery"))
    assert data["version"] == 1
    assert [t["number"] for t in data["tickets"]] == filed[:2]


def test_show_tells_everything_and_steers_no_terminal(kb: Run, filed: list[str]) -> None:
    text = kb("show", filed[0].lower())
    assert "Anna <anna@customers.com>" in text
    assert "returns/refund [en] 0.50 (opened, did not help)" in text
    assert "\x1b[31m" not in text
    assert json.loads(kb("show", filed[0], "--format", "json"))["order"] == "OS-1"
    assert "there is no ticket" in kb("show", "NOTTHERE", code=1)


def test_reply_quotes_the_article_in_the_customers_language(
    kb: Run, filed: list[str], help_centre: Path
) -> None:
    kb("reply", filed[1], "--article", "returns/refund")
    ticket = stored(help_centre, filed[1])
    assert ticket.state == "answered"
    (message,) = ticket.messages
    assert message.body == (
        "Повернення грошей\n\nГроші повернуться за 3 дні.\nhttps://help.shop.example/uk/returns/refund/"
    )
    assert (message.language, message.article, message.machine) == ("uk", "returns/refund", False)
    assert "not delivered: answer to mail" in kb("show", filed[1])
    kb("reply", filed[0], "--message", "Hello Anna", "--article", "returns/refund")
    body = stored(help_centre, filed[0]).messages[0].body
    assert body.startswith("Hello Anna\n\nRefunds\n\nMoney is back within 3 days.\nhttps://")


def test_reply_says_when_no_mail_will_take_it(kb: Run, filed: list[str], help_centre: Path) -> None:
    (help_centre / "pyproject.toml").write_text('[tool.kb]\nlanguages = ["en", "uk"]\n')
    assert "no mail is configured" in kb("reply", filed[0], "--message", "Hello Anna")


def test_an_article_is_linked_where_the_site_says_it_is(kb: Run, filed: list[str], help_centre: Path) -> None:
    (help_centre / "pyproject.toml").write_text('[tool.kb]\nlanguages = ["en", "uk"]\n')
    (help_centre / "mkdocs.yml").write_text("site_name: Shop\nsite_url: https://shop.example/help/\n")
    kb("reply", filed[1], "--article", "returns/refund")
    assert (
        stored(help_centre, filed[1])
        .messages[0]
        .body.endswith("\nhttps://shop.example/help/uk/returns/refund/")
    )


def test_reply_to_many_previews_asks_and_sends_once(kb: Run, filed: list[str], help_centre: Path) -> None:
    many = ("reply", "--where", "category=delivery", "--since", "2h", "--message", "The courier failed.")
    preview = kb(*many, "--dry-run")
    assert filed[0] in preview
    assert "The courier failed." in preview
    assert "this needs a yes" in kb(*many, code=2)
    assert stored(help_centre, filed[0]).messages == ()
    assert "answered 2 tickets, 0" in kb(*many, "--yes")
    for number in filed[:2]:
        assert [m.body for m in stored(help_centre, number).messages] == ["The courier failed."]
    assert stored(help_centre, filed[2]).messages == ()
    assert "no ticket matches" in kb(*many, "--yes")


def test_a_run_that_is_repeated_sends_nothing_twice(kb: Run, filed: list[str], help_centre: Path) -> None:
    many = ("reply", "--where", "category=delivery", "--message", "The courier failed.", "--yes")
    kb(*many)
    database = tickets.open_database(str(help_centre / ".kb/desk.sqlite"))
    ticket = database.read(lambda tx: tickets.by_number(tx, filed[0]))
    assert ticket is not None
    database.write(lambda tx: tickets.set_state(tx, ticket, "open", now=1))
    database.close()
    assert "answered 0 tickets, 1 had this answer already" in kb(*many)


def test_machine_translation_needs_an_engine(kb: Run, filed: list[str], help_centre: Path) -> None:
    (help_centre / "pyproject.toml").write_text(
        '[tool.kb]\nlanguages = ["en", "uk"]\n[tool.kb.translate]\nengines = []\n'
    )
    text = kb("reply", filed[1], "--message", "Hello", "--lang", "en", "--translate", code=1)
    assert "no installed engine translates from 'en' to 'uk'" in text
    assert stored(help_centre, filed[1]).messages == ()


def test_what_was_translated_by_machine_says_so(
    kb: Run, filed: list[str], help_centre: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kb.language import engines

    monkeypatch.setattr(engines, "available", lambda *_: [])
    monkeypatch.setattr(
        engines, "translate_text", lambda text, source, target, _: (f"{target}:{text}", "model")
    )
    assert "machine translation" in kb("reply", filed[1], "--message", "Hello", "--lang", "en", "--translate")
    (message,) = stored(help_centre, filed[1]).messages
    assert (message.body, message.language, message.machine) == ("uk:Hello", "uk", True)
    assert "en:Де посилка?" in kb("show", filed[1], "--lang", "en")


def test_close_assign_accept(kb: Run, filed: list[str], help_centre: Path) -> None:
    kb("close", filed[0], filed[1])
    assert {stored(help_centre, n).state for n in filed[:2]} == {"closed"}
    kb("assign", filed[2], "Ira")
    assert filed[2] in kb("list", "--assignee", "Ira")
    kb("accept", filed[2])
    assert not stored(help_centre, filed[2]).review
    assert "receipt" in kb("outbox"), "now the customer is told"


def test_outbox_lists_dead_letters_and_sends_them_again(kb: Run, filed: list[str], help_centre: Path) -> None:
    kb("reply", filed[0], "--message", "Hello")
    database = tickets.open_database(str(help_centre / ".kb/desk.sqlite"))
    database.write(lambda tx: tx.execute("UPDATE outbox SET state = 'dead', error = 'answered 500'"))
    database.close()
    assert "answered 500" in kb("outbox", code=1)
    assert "due again: 1 letter" in kb("outbox", "--retry", "all")
    assert "waiting" in kb("outbox")


def test_export_and_erase(kb: Run, filed: list[str], help_centre: Path) -> None:
    exported = json.loads(kb("export", "--email", "Anna@customers.com"))
    assert [t["number"] for t in exported["tickets"]] == [filed[0]]
    assert exported["tickets"][0]["body"].startswith("Help")
    assert "'=cmd()" in kb("export")
    assert "this needs a yes" in kb("erase", "--email", "anna@customers.com", code=2)
    assert "erased the texts and addresses of 1 ticket" in kb(
        "erase", "--email", "anna@customers.com", "--yes"
    )
    assert "anna" not in kb("list", "--state", "all", "--format", "json")
    assert json.loads(kb("export", "--email", "anna@customers.com"))["tickets"] == []


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("reply",), "name one ticket"),
        (("reply", "AAAAAAAA", "--where", "state=open"), "name one ticket"),
        (("reply", "--where", "colour=red", "--message", "x"), "--where colour=red"),
        (("list", "--since", "yesterday"), "is no age"),
    ],
)
def test_wrong_use_is_explained(kb: Run, arguments: tuple[str, ...], problem: str) -> None:
    assert problem in kb(*arguments, code=2)


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ('[tool.kb.desk]\nproof_of_work = "sometimes"', "proof_of_work"),
        ('[tool.kb.desk.mail]\nhost = "m"\nsecurity = "ssl"\nsender = "a@b.c"', "security"),
        ('[tool.kb.desk.mail]\nhost = "m"', "sender"),
        ('[tool.kb.desk.webhook]\nurl = "https://x.example"', "KB_DESK_WEBHOOK_SECRET"),
        ('[tool.kb.desk.zendesk]\nurl = "https://x.example"', "KB_DESK_ZENDESK_TOKEN"),
        ('[tool.kb.desk.zammad]\nurl = "https://x.example"', "KB_DESK_ZAMMAD_TOKEN"),
        ('[tool.kb.desk.hours]\ntimezone = "Mars/Base"', "Mars/Base"),
        ('[tool.kb.desk.hours]\ndays = {mon = "9 to 5"}', "9 to 5"),
        ('[tool.kb.desk.hours]\ndays = {mon = "9:00-25:00"}', "9:00-25:00"),
        ('[tool.kb.desk.hours]\nholidays = ["Christmas"]', "holidays"),
        ('[tool.kb.desk]\ndatabse = "x"', "database"),
    ],
)
def test_settings_that_cannot_be_are_explained(help_centre: Path, kb: Run, table: str, problem: str) -> None:
    (help_centre / "pyproject.toml").write_text(f'[tool.kb]\nlanguages = ["en"]\n{table}\n')
    assert problem in kb("list", code=2)


def test_secrets_come_from_files_and_a_key_is_made_once(help_centre: Path, kb: Run) -> None:
    from kb.desk.keys import load_keyring, secret

    file = help_centre / "token"
    file.write_text("s3cret\n")
    assert secret({"KB_X_FILE": str(file)}, "KB_X") == "s3cret"
    assert secret({"KB_X": "direct", "KB_X_FILE": str(file)}, "KB_X") == "direct"
    kb("list")
    key = help_centre / ".kb/desk.key"
    assert key.stat().st_mode & 0o077 == 0
    first = load_keyring({}, key).ticket_secret("x")
    assert load_keyring({}, key).ticket_secret("x") == first
    assert load_keyring({"KB_DESK_KEY": "another key of decent length"}, key).ticket_secret("x") != first


def test_a_reply_from_the_command_line_reaches_the_running_service(
    help_centre: Path, kb: Run, filed: list[str]
) -> None:
    service = tickets.open_database(str(help_centre / ".kb/desk.sqlite"))
    kb("reply", filed[0], "--message", "Hello from the team")
    ticket = service.read(lambda tx: tickets.by_number(tx, filed[0]))
    assert ticket is not None
    assert [m.body for m in ticket.messages] == ["Hello from the team"]
    again = service.write(
        lambda tx: tickets.add_message(tx, ticket, Message("customer", "Thanks", "en"), now=9)
    )
    assert [m.author for m in again.messages] == ["team", "customer"]
    service.close()


def test_serve_says_which_port_is_taken(kb: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        said = kb("serve", "--port", str(taken.getsockname()[1]), code=1)
    assert "choose another --port" in said
