"""The store: what is kept, on SQLite and on a real PostgreSQL."""

import os
import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import wait
from pathlib import Path

import pytest

from kb.desk import outbox, retention, tickets
from kb.desk.database import BusyError, Database, Tx, UnavailableError, migrate
from kb.desk.engines import open_engine
from kb.desk.schema import MIGRATIONS
from kb.desk.settings import Settings
from kb.desk.tickets import (
    Draft,
    Filter,
    Judgement,
    KeyReusedError,
    Message,
    Notices,
    Once,
    Shown,
    TooLongError,
)
from kb.errors import DeskError
from tests.desk.harness import Shop

DAY = tickets.DAY_MS
DRAFT = Draft(
    language="uk", subject="Де посилка?", body="Мала бути в понеділок.\n'; DROP TABLE tickets; --", email="o@b.com",
    name="Олена", order_number="OS-1", category="delivery", page="/uk/delivery/", articles_commit="ab12", session="s1",
    shown=(Shown("delivery/track", "uk", 0.75, True, True), Shown("delivery/late", "en", 0.5)),
)  # fmt: skip


@pytest.fixture
def database(address: str) -> Iterator[Database]:
    found = tickets.open_database(address)
    yield found
    found.close()


def file(database: Database, *, now: int = 1, once: Once | None = None, **changes: object) -> tickets.Ticket:
    from dataclasses import replace

    draft = replace(DRAFT, **changes)  # type: ignore[arg-type]
    return database.write(lambda tx: tickets.file(tx, draft, now=now, once=once))


def test_a_ticket_comes_back_as_it_was_filed(database: Database) -> None:
    filed = file(database, now=1_780_000_000_123)
    found = database.read(lambda tx: tickets.by_number(tx, filed.number))
    assert found == filed
    assert found is not None
    assert found.draft == DRAFT
    assert database.read(lambda tx: tickets.by_number(tx, "NOTTHERE")) is None


def test_numbers_have_no_characters_that_people_confuse(database: Database) -> None:
    for n in range(30):
        number = file(database, subject=str(n)).number
        assert len(number) == 8
        assert not set(number) & set("0O1IL5S8B2ZU")


def test_filing_twice_yields_one_ticket(database: Database) -> None:
    once = Once("key-1", "file", "digest-1")
    first, second = file(database, once=once), file(database, once=once, now=99)
    assert first == second
    assert database.read(lambda tx: tickets.counts(tx)) == {"open": 1, "review": 0}


@pytest.mark.parametrize("other", [Once("key-1", "file", "digest-2"), Once("key-1", "reply", "digest-1")])
def test_a_key_stands_for_one_request(database: Database, other: Once) -> None:
    file(database, once=Once("key-1", "file", "digest-1"))
    with pytest.raises(KeyReusedError):
        file(database, once=other)


def test_ticket_key_and_letters_are_written_together_or_not_at_all(database: Database) -> None:
    def work(tx: Tx) -> None:
        tickets.file(tx, DRAFT, now=1, once=Once("k", "file", "d"), notices=Notices(("webhook",)))
        raise RuntimeError("the process stumbles")

    with pytest.raises(RuntimeError):
        database.write(work)
    for table in ("tickets", "idempotency", "outbox", "shown"):
        assert database.read(lambda tx, t=table: tx.rows(f"SELECT * FROM {t}")) == []  # type: ignore[misc]
    assert file(database, once=Once("k", "file", "d")).number


def test_what_fails_in_a_batch_takes_nothing_else_with_it(database: Database) -> None:
    gate = threading.Event()
    slow = database.submit(lambda tx: gate.wait(10))

    def failing(tx: Tx) -> None:
        tickets.file(tx, DRAFT, now=1)
        raise ValueError("this one only")

    futures = [
        database.submit(failing if n % 2 else lambda tx: tickets.file(tx, DRAFT, now=1)) for n in range(10)
    ]
    gate.set()
    wait([slow, *futures], timeout=20)
    assert [isinstance(f.exception(), ValueError) for f in futures] == [bool(n % 2) for n in range(10)]
    assert len(database.read(lambda tx: tickets.find(tx, Filter()))) == 5


def test_a_conversation_opens_answers_and_closes(database: Database) -> None:
    ticket = file(database, now=1_000)
    answered = database.write(
        lambda tx: tickets.add_message(tx, ticket, Message("team", "Hello", "uk"), now=2_000)
    )
    assert (answered.state, answered.first_reply) == ("answered", 2_000)
    reopened = database.write(
        lambda tx: tickets.add_message(
            tx, ticket, Message("customer", "But", "uk"), now=3_000, team=("webhook",)
        )
    )
    assert [m.body for m in reopened.messages] == ["Hello", "But"]
    assert (reopened.state, reopened.first_reply) == ("open", 2_000)
    closed = database.write(lambda tx: tickets.set_state(tx, ticket, "closed", now=4_000, team=("webhook",)))
    again = database.write(lambda tx: tickets.set_state(tx, ticket, "closed", now=5_000, team=("webhook",)))
    assert (closed.closed, again.closed) == (4_000, 4_000)
    letters = database.read(lambda tx: outbox.undelivered(tx))
    assert [(x.target, x.kind) for x in letters] == [
        ("mail", "answer"),
        ("webhook", "replied"),
        ("webhook", "closed"),
    ]


def test_a_conversation_has_an_end(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tickets, "MESSAGES_LIMIT", 2)
    ticket = file(database)
    for n in range(2):
        database.write(
            lambda tx, n=n: tickets.add_message(tx, ticket, Message("customer", str(n), "uk"), now=n)
        )  # type: ignore[misc]
    with pytest.raises(TooLongError):
        database.write(lambda tx: tickets.add_message(tx, ticket, Message("customer", "x", "uk"), now=9))


def test_tickets_are_found_by_what_they_are(database: Database) -> None:
    one = file(database, now=100, category="returns", language="en")
    two = file(database, now=200)
    database.write(lambda tx: tickets.assign(tx, two, "Ira", now=300))
    database.write(lambda tx: tickets.file(tx, DRAFT, now=300, judgement=Judgement(100, ("honeypot",), True)))

    def numbers(**wanted: object) -> list[str]:
        return [t.number for t in database.read(lambda tx: tickets.find(tx, Filter(**wanted)))]  # type: ignore[arg-type]

    assert len(numbers()) == 3
    assert numbers(category="returns") == numbers(language="en") == numbers(until=200) == [one.number]
    assert numbers(assignee="Ira") == numbers(since=150, review=False) == [two.number]
    assert numbers(states=("closed",)) == []
    assert numbers(category="returns' OR 1=1 --") == []


def test_erasing_leaves_numbers_and_takes_the_person(database: Database) -> None:
    filed = file(database, once=Once("k", "file", "d"), now=10)
    database.write(lambda tx: tickets.add_message(tx, filed, Message("customer", "My secret", "uk"), now=11))
    kept = database.read(lambda tx: tickets.export(tx, "O@B.com"))
    assert kept[0]["body"] == DRAFT.body
    assert kept[0]["messages"][0]["body"] == "My secret"
    assert kept[0]["shown"][0]["article"] == "delivery/track"
    erased = database.write(lambda tx: tickets.erase(tx, tickets.of_address(tx, "O@B.com"), now=12))
    assert erased == 1
    tables = ("tickets", "messages", "shown", "idempotency", "outbox", "remotes", "receipts", "events")
    everything = str([database.read(lambda tx, t=t: tx.rows(f"SELECT * FROM {t}")) for t in tables])  # type: ignore[misc]
    for trace in ("o@b.com", "Олена", "Мала бути", "My secret", "OS-1", "Де посилка"):
        assert trace not in everything
    assert database.read(lambda tx: tickets.export(tx, "o@b.com")) == []


def test_retention_erases_what_is_old_and_closed(database: Database) -> None:
    old, open_one, fresh = file(database, now=1), file(database, now=1), file(database, now=1)
    database.write(lambda tx: tickets.set_state(tx, old, "closed", now=1))
    database.write(lambda tx: tickets.set_state(tx, fresh, "closed", now=300 * DAY))
    settings = Settings(languages=("en",), default_language="en", keep_days=365)
    assert retention.forget(database, settings, 366 * DAY + 10) == 1
    assert {t.number for t in database.read(lambda tx: tickets.find(tx, Filter()))} == {
        open_one.number,
        fresh.number,
    }


def test_more_work_than_can_wait_is_refused_at_once(database: Database) -> None:
    gate = threading.Event()
    futures = [database.submit(lambda tx: gate.wait(20))]

    def flood() -> None:
        for _ in range(5_000):
            futures.append(database.submit(lambda tx: True))

    with pytest.raises(BusyError):
        flood()
    assert len(futures) <= 1_300
    gate.set()
    wait(futures, timeout=20)
    assert file(database).number


def test_two_processes_file_with_one_key_and_one_ticket_comes_out(address: str) -> None:
    first, second = tickets.open_database(address), tickets.open_database(address)
    once = Once("same", "file", "digest")
    try:
        futures = [
            d.submit(lambda tx: tickets.file(tx, DRAFT, now=1, once=once)) for d in (first, second) * 10
        ]
        wait(futures, timeout=30)
        kept = first.read(lambda tx: tx.rows("SELECT id FROM tickets"))
        assert len(kept) == 1
        assert all(f.exception() is None or isinstance(f.exception(), DeskError) for f in futures)
        assert {f.result().id for f in futures if f.exception() is None} == {kept[0]["id"]}
    finally:
        first.close()
        second.close()


# The schema


def test_migrations_run_once_and_keep_the_data(address: str) -> None:
    first = tickets.open_database(address)
    number = file(first).number
    first.close()
    engine = open_engine(address)
    migrate(engine, [*MIGRATIONS, ("ALTER TABLE tickets ADD COLUMN mood TEXT NOT NULL DEFAULT 'calm'",)])
    database = Database(engine)
    row = database.read(lambda tx: tx.one("SELECT mood FROM tickets WHERE number = ?", (number,)))
    assert row == {"mood": "calm"}
    database.close()


def test_data_of_a_newer_program_is_refused(address: str) -> None:
    engine = open_engine(address)
    migrate(engine, [*MIGRATIONS, ("CREATE TABLE later (a TEXT)",)])
    engine.close()
    with pytest.raises(DeskError, match="version 2, this program knows up to 1"):
        tickets.open_database(address)


def test_a_migration_that_fails_leaves_the_old_schema(address: str) -> None:
    tickets.open_database(address).close()
    engine = open_engine(address)
    with pytest.raises(DeskError):
        migrate(engine, [*MIGRATIONS, ("CREATE TABLE half (a TEXT)", "CREATE NONSENSE")])
    engine.close()
    database = tickets.open_database(address)
    with pytest.raises(UnavailableError):
        database.read(lambda tx: tx.rows("SELECT * FROM half"))
    assert file(database).number
    database.close()


# SQLite's own


def test_sqlite_is_durable_and_private(tmp_path: Path) -> None:
    path = tmp_path / "desk.sqlite"
    engine = open_engine(str(path))
    writer = engine.writer()
    assert writer.one("PRAGMA journal_mode") == {"journal_mode": "wal"}
    assert writer.one("PRAGMA synchronous") == {"synchronous": 2}, (
        "NORMAL loses acknowledged tickets in a power cut"
    )
    assert writer.one("PRAGMA foreign_keys") == {"foreign_keys": 1}
    assert os.stat(path).st_mode & 0o077 == 0
    writer.close()
    engine.close()


def test_sqlite_readers_cannot_write(tmp_path: Path) -> None:
    database = tickets.open_database(str(tmp_path / "desk.sqlite"))
    with pytest.raises(UnavailableError):
        database.read(lambda tx: tx.execute("DELETE FROM tickets"))
    database.close()


@pytest.mark.parametrize("damage", ["garbage", "page"])
def test_a_damaged_sqlite_file_is_refused_at_start(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "desk.sqlite"
    database = tickets.open_database(str(path))
    for n in range(200):
        file(database, subject=f"{n} " + "x" * 100)
    database.close()
    data = bytearray(path.read_bytes())
    if damage == "garbage":
        data[:100] = b"x" * 100
    else:
        data[8192 : 8192 + 4096] = os.urandom(4096)
    path.write_bytes(data)
    with pytest.raises(DeskError):
        tickets.open_database(str(path))


def test_a_backup_by_sqlite_itself_is_whole(tmp_path: Path) -> None:
    database = tickets.open_database(str(tmp_path / "desk.sqlite"))
    number = file(database).number
    with (
        sqlite3.connect(tmp_path / "desk.sqlite") as source,
        sqlite3.connect(tmp_path / "backup.sqlite") as target,
    ):
        source.backup(target)
    database.close()
    restored = tickets.open_database(str(tmp_path / "backup.sqlite"))
    assert restored.read(lambda tx: tickets.by_number(tx, number)) is not None
    restored.close()


def test_the_whole_desk_runs_on_either_database(address: str, tmp_path: Path) -> None:
    shop = Shop(tmp_path, database=address)
    filed = shop.file(subject="Чи є ще?", language="uk")
    link = {"number": filed["number"], "secret": filed["secret"]}
    assert shop.post("/api/tickets/reply", {**link, "message": "Ще питання"}).status == 200
    assert shop.post("/api/tickets/close", link).json()["state"] == "closed"
    event = {"session": "abcdefgh", "kind": "opened", "language": "uk", "article": "returns/refund"}
    assert shop.post("/api/events", event).status == 204
    assert "kb_desk_tickets" in shop.get("/metrics").text
    assert shop.get("/api/ready").status == 200
    shop.close()
