"""SQLite, the default: the only importer of ``sqlite3``.

WAL with ``synchronous=FULL``: with NORMAL, a power cut loses tickets that were already acknowledged. SQLite
before 3.51.3 can damage a WAL file when several connections write or checkpoint at the same instant, and
Debian ships 3.40: so there is one writing connection a process, and a lock file lets only one process
(service or command line) write or checkpoint at a time. Readers open the file read-only and never checkpoint.
"""

import fcntl
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

from kb.desk.database import ConflictError, Connection, Row, Tx, UnavailableError
from kb.errors import DeskError

T = TypeVar("T")
LOCK_WAIT_S = 5.0
_LOCK_POLL_S = 0.002
_WAL_LIMIT_BYTES = 64 * 1024 * 1024


class SQLite:
    """A SQLite file, made when missing, checked when opened."""

    serial = "INTEGER PRIMARY KEY AUTOINCREMENT"
    name = "sqlite"

    def __init__(self, path: str) -> None:
        self._path = Path(path)
        self._readers = threading.local()
        self._all_readers: list[sqlite3.Connection] = []
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            # Tickets are customers' letters: nobody but the service's user reads them.
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600))
            self._lock = os.open(f"{self._path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise DeskError(f"cannot use {path} for the desk's data: {error.strerror}") from None
        with self.exclusive():
            self._check()

    def writer(self) -> Connection:
        connection = _driver(
            lambda: sqlite3.connect(
                self._path, isolation_level=None, check_same_thread=False, timeout=LOCK_WAIT_S
            )
        )
        connection.row_factory = sqlite3.Row
        wrapped = _Connection(connection)
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            f"journal_size_limit={_WAL_LIMIT_BYTES}",
        ):
            wrapped.rows(f"PRAGMA {pragma}")
        return wrapped

    @contextmanager
    def reader(self) -> Iterator[Tx]:
        if getattr(self._readers, "open", None) is None:
            address = f"file:{quote(str(self._path))}?mode=ro"
            connection = _driver(
                lambda: sqlite3.connect(
                    address, uri=True, isolation_level=None, check_same_thread=False, timeout=LOCK_WAIT_S
                )
            )
            connection.row_factory = sqlite3.Row
            self._readers.open = _Connection(connection)
            self._all_readers.append(connection)
        tx: _Connection = self._readers.open
        # One transaction, so that all queries of a reading see the same state.
        tx.execute("BEGIN")
        try:
            yield tx
        finally:
            tx.rollback()

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        deadline = time.monotonic() + LOCK_WAIT_S
        while True:
            try:
                # Not kb.locks: its locks belong to a process and end when any descriptor of the file is closed. Here
                # two desks of one process have to keep out of each other's way as well.
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise UnavailableError("another process keeps the desk's data locked") from None
                time.sleep(_LOCK_POLL_S)
        try:
            yield
        finally:
            fcntl.flock(self._lock, fcntl.LOCK_UN)

    def close(self) -> None:
        for connection in self._all_readers:
            connection.close()
        os.close(self._lock)

    def _check(self) -> None:
        try:
            connection = self.writer()
            found = [row["quick_check"] for row in connection.rows("PRAGMA quick_check")]
            connection.close()
        except UnavailableError as error:
            found = [error.message]
        if found != ["ok"]:
            raise DeskError(
                f"the desk's data in {self._path} is damaged: {found[0]}", hint="restore the last backup"
            )


class _Connection:
    """One connection, with the driver's errors turned into ours."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def execute(self, sql: str, values: Sequence[object] = ()) -> int:
        return _driver(lambda: self._connection.execute(sql, values).rowcount)

    def rows(self, sql: str, values: Sequence[object] = ()) -> list[Row]:
        return _driver(lambda: [dict(r) for r in self._connection.execute(sql, values)])

    def one(self, sql: str, values: Sequence[object] = ()) -> Row | None:
        found = self.rows(sql, values)
        return found[0] if found else None

    def begin(self) -> None:
        self.execute("BEGIN IMMEDIATE")

    def commit(self) -> None:
        self.execute("COMMIT")

    def rollback(self) -> None:
        if self._connection.in_transaction:
            self.execute("ROLLBACK")

    def alive(self) -> bool:
        return True

    def close(self) -> None:
        self._connection.close()


def _driver(call: Callable[[], T]) -> T:
    try:
        return call()
    except sqlite3.IntegrityError as error:
        raise ConflictError(str(error)) from None
    except sqlite3.Error as error:
        # Locked, full, read-only, no longer there: whatever it is, this transaction is over.
        raise UnavailableError(f"SQLite: {error}") from error
