"""What happens when the machine misbehaves. KB_FAULT_ROUNDS raises the number of killed processes."""

import fcntl
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from kb.desk import tickets
from kb.desk.database import Database, UnavailableError
from kb.desk.tickets import Draft, Once
from tests.desk import powercut
from tests.desk.harness import Shop, ticket

ROUNDS = int(os.environ.get("KB_FAULT_ROUNDS", "12"))
DRAFT = Draft("en", "Subject", "Body", "a@b.com")
Open = Callable[..., Shop]
OTHERS = "pid <> pg_backend_pid() AND datname IS NOT NULL"
"""Connections of others to a PostgreSQL."""


def kill_while_filing(command: tuple[str, ...], delay_s: float, *, least: int = 1) -> list[str]:
    """Starts a process that files, kills it (-9) a while after it has acknowledged ``least`` keys; returns the keys it
    acknowledged. A count, and not the time alone, so that on a slow machine there is as much to lose."""
    process = subprocess.Popen([sys.executable, *command], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    first = "".join(process.stdout.readline() for _ in range(least))
    time.sleep(delay_s)
    process.send_signal(signal.SIGKILL)
    rest, _ = process.communicate()
    # A line cut in half was not said.
    lines = (first + rest).split("\n")[:-1]
    return lines


def kept(path: Path) -> list[str]:
    database = tickets.open_database(str(path))
    try:
        return [r["token"] for r in database.read(lambda tx: tx.rows(
            "SELECT i.token FROM idempotency i JOIN tickets t ON t.id = i.result"
        ))]  # fmt: skip
    finally:
        database.close()


def test_killed_while_writing_no_acknowledged_ticket_is_missing_and_none_doubled(tmp_path: Path) -> None:
    path, said, chance = tmp_path / "desk.sqlite", set[str](), random.Random(7)
    for round in range(ROUNDS):
        command = ("-m", "tests.desk.filer", str(path), f"round{round}")
        said |= set(kill_while_filing(command, chance.random() * 0.2, least=11))
        there = kept(path)
        assert said <= set(there), "an acknowledged ticket is missing"
        assert len(there) == len(set(there))
    with sqlite3.connect(path) as connection:
        total, keys = connection.execute(
            "SELECT (SELECT count(*) FROM tickets), (SELECT count(*) FROM idempotency)"
        ).fetchone()
    assert total == keys, "a ticket without its key would be filed again"
    assert len(said) > 10 * ROUNDS, "there was something to lose"


def test_the_check_notices_a_desk_that_answers_before_the_commit(tmp_path: Path) -> None:
    """A mutant: the future is done when the work has run, not when it is durable."""
    mutant = tmp_path / "mutant.py"
    mutant.write_text(
        "import sys\n"
        f"sys.path.insert(0, {os.getcwd()!r})\n"
        "from kb.desk import database\n"
        "run = database._Work.run\n"
        "def early(self, connection):\n"
        "    run(self, connection)\n"
        "    import time\n"
        "    self.finish()\n"
        "    time.sleep(0.01)\n"
        "database._Work.run, finish = early, database._Work.finish\n"
        "database._Work.finish = lambda self: None if self.done.done() else finish(self)\n"
        "from tests.desk.filer import main\n"
        "main(*sys.argv[1:])\n"
    )
    path, missing = tmp_path / "desk.sqlite", 0
    for round in range(10):
        said = kill_while_filing((str(mutant), str(path), f"round{round}"), 0.05)
        missing += len(set(said) - set(kept(path)))
        if missing:
            break
    assert missing, "killing finds what was acknowledged too early"


def cut_the_power(folder: Path, round: int, level: str = "") -> tuple[set[str], set[str]]:
    """What was acknowledged before a power cut, and what is there when power is back."""
    live, durable = folder / f"live{round}{level}", folder / f"durable{round}{level}"
    live.mkdir()
    durable.mkdir()
    command = ("-m", "tests.desk.powercut", str(live / "desk.sqlite"), str(durable), f"round{round}", level)
    said = kill_while_filing(command, random.Random(round).uniform(0.2, 0.6), least=11)
    return set(said), set(kept(durable / "desk.sqlite"))


needs_forgetful_disk = pytest.mark.skipif(bool(powercut.reason_without()), reason=powercut.reason_without())


@needs_forgetful_disk
def test_after_a_power_cut_no_acknowledged_ticket_is_missing(tmp_path: Path) -> None:
    for round in range(max(3, ROUNDS // 4)):
        said, there = cut_the_power(tmp_path, round)
        assert len(said) > 10
        assert said <= there, "an acknowledged ticket was not on disk"


@needs_forgetful_disk
def test_the_check_notices_a_desk_that_does_not_wait_for_the_disk(tmp_path: Path) -> None:
    """A mutant: synchronous=NORMAL, which syncs at checkpoints only."""
    missing: set[str] = set()
    for round in range(10):
        said, there = cut_the_power(tmp_path, round, "NORMAL")
        missing |= said - there
        if missing:
            break
    assert missing, "a power cut finds what was acknowledged before it was on disk"


@pytest.fixture
def small_disk(open_shop: Open) -> tuple[Shop, Callable[[bool], None]]:
    """A desk whose database can be told that the disk is full, the way SQLite itself reports it."""
    shop = open_shop()
    shop.file(subject="Before")

    def full(yes: bool) -> None:
        limit = 1 if yes else 1_000_000
        shop.database.write(lambda tx: tx.rows(f"PRAGMA max_page_count = {limit}"))

    return shop, full


def test_a_full_disk_is_said_and_forgotten(small_disk: tuple[Shop, Callable[[bool], None]]) -> None:
    shop, full = small_disk
    full(True)
    long = "x" * 9_000
    answers = [
        shop.post("/api/tickets", ticket(subject=f"s{n}", email=f"a{n}@b.com", message=long))
        for n in range(8)
    ]
    assert answers[-1].status == 503
    assert answers[-1].headers["retry-after"]
    page = shop.send("/api/contact", ticket(subject="n", email="q@b.com", message=f"keep me {long}"))
    assert page.status == 503
    assert "keep me" in page.text
    accepted = sum(a.status == 201 for a in answers) + 1
    assert len(shop.stored()) == accepted
    assert shop.get("/api/ready").status == 200, "reading goes on"
    full(False)
    assert shop.post("/api/tickets", ticket(subject="after", email="z@b.com", message=long)).status == 201
    assert len(shop.stored()) == accepted + 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a file system")
def test_a_really_full_file_system(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(disk)], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("this machine does not let us mount a tmpfs")
    shop = None
    try:
        shop = Shop(disk)
        statuses = []
        for n in range(60):
            sent = ticket(subject=f"s{n}", email=f"a{n}@b.com", message="x" * 9_000)
            statuses.append(shop.post("/api/tickets", sent, address=f"10.0.0.{n}").status)
        assert 503 in statuses
        assert set(statuses) <= {201, 503}
        assert len(shop.stored()) == statuses.count(201)
        subprocess.run(["mount", "-o", "remount,size=8m", str(disk)], check=True)
        assert shop.post("/api/tickets", ticket(subject="after", email="z@b.com")).status == 201
        assert len(shop.stored()) == statuses.count(201) + 1
    finally:
        if shop is not None:
            shop.close()
        subprocess.run(["umount", str(disk)], check=True)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kb.desk.sqlite.LOCK_WAIT_S", 0.3)


@pytest.mark.usefixtures("impatient")
def test_a_database_locked_by_a_stranger_is_said_and_waited_out(open_shop: Open) -> None:
    shop = open_shop()
    shop.file(subject="Before")
    stranger = sqlite3.connect(shop.path, isolation_level=None)
    stranger.execute("BEGIN IMMEDIATE")
    refused = shop.post("/api/tickets", ticket(subject="During", email="b@b.com"))
    assert refused.status == 503
    assert shop.get("/api/ready").status == 200
    assert len(shop.stored()) == 1
    stranger.execute("ROLLBACK")
    stranger.close()
    assert shop.post("/api/tickets", ticket(subject="During", email="b@b.com")).status == 201


@pytest.mark.usefixtures("impatient")
def test_a_command_line_that_hangs_while_writing_is_said_and_waited_out(open_shop: Open) -> None:
    shop = open_shop()
    other = os.open(f"{shop.path}.lock", os.O_RDWR)
    fcntl.flock(other, fcntl.LOCK_EX)
    assert shop.post("/api/tickets", ticket()).status == 503
    fcntl.flock(other, fcntl.LOCK_UN)
    os.close(other)
    assert shop.post("/api/tickets", ticket()).status == 201


def test_two_processes_write_side_by_side(tmp_path: Path) -> None:
    """The service and the team's commands: what SQLite before 3.51.3 is not safe against without our lock."""
    path = tmp_path / "desk.sqlite"
    tickets.open_database(str(path)).close()
    command = [sys.executable, "-m", "tests.desk.filer", str(path)]
    processes = [subprocess.Popen([*command, f"p{n}"], stdout=subprocess.PIPE, text=True) for n in range(2)]
    # Both are under way, however long a busy machine takes to start them.
    said = [process.stdout.readline() for process in processes if process.stdout]
    threads = [threading.Thread(target=lambda p=p: said.extend(p.stdout)) for p in processes]
    for thread in threads:
        thread.start()
    time.sleep(1.0)
    for process in processes:
        process.kill()
        process.wait()
    for thread in threads:
        thread.join()
    acknowledged = {line.strip() for line in said if line.endswith("\n")}
    assert {key.split("-")[0] for key in acknowledged} == {"p0", "p1"}
    assert acknowledged <= set(kept(path))


@pytest.mark.parametrize("index", ["missing", "broken", "slow to fail"])
def test_without_an_index_suggestions_are_quiet_and_filing_works(open_shop: Open, index: str) -> None:
    def broken(language: str, text: str, limit: int) -> list[object]:
        raise {"missing": FileNotFoundError, "broken": ValueError, "slow to fail": MemoryError}[index](
            "no index"
        )

    shop = open_shop(suggest=broken)
    assert shop.post("/api/suggest", {"language": "en", "text": "my money", "limit": 3}).json() == {
        "suggestions": []
    }
    assert shop.send("/api/contact", ticket()).status == 201
    shop.file(subject="Two", email="c@d.com")
    assert len(shop.stored()) == 2


def test_a_database_that_cannot_be_reached_says_so_without_its_password(postgresql_server: str) -> None:
    with pytest.raises(UnavailableError) as caught:
        tickets.open_database("postgresql://desk:hunter2@127.0.0.1:1/none")
    assert "hunter2" not in str(caught.value)


def test_a_lost_postgresql_connection_is_made_anew(postgresql_server: str) -> None:
    import psycopg

    database: Database = tickets.open_database(postgresql_server)
    once = [Once(f"lost-{os.urandom(4).hex()}", "file", "d") for _ in range(2)]
    database.write(lambda tx: tickets.file(tx, DRAFT, now=1, once=once[0]))
    with psycopg.connect(postgresql_server, autocommit=True) as stranger:
        stranger.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {OTHERS}")
        # The server is asked to end them, and does so when it gets to it.
        while stranger.execute(f"SELECT count(*) FROM pg_stat_activity WHERE {OTHERS}").fetchone() != (0,):
            time.sleep(0.01)
    with pytest.raises(UnavailableError):
        database.write(lambda tx: tickets.file(tx, DRAFT, now=1, once=once[1]))
    filed = database.write(lambda tx: tickets.file(tx, DRAFT, now=1, once=once[1]))
    assert database.read(lambda tx: tickets.by_number(tx, filed.number)) is not None
    database.close()
