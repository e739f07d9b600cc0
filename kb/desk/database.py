"""Where tickets are kept: one small interface over SQLite and PostgreSQL.

Writing goes through one thread, which puts many transactions into one commit: the price of making a ticket
durable is paid once for all that arrived meanwhile. Each piece of work runs in its own savepoint, so one
that fails takes nothing else with it, and nobody is told of success before the commit has returned.

SQL is written once, with ``?`` for values, in what both databases understand. Times are whole milliseconds
since 1970.
"""

import queue
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager, suppress
from typing import Any, Protocol, TypeVar

from kb.errors import DeskError

T = TypeVar("T")
Row = dict[str, Any]
QUEUE_LIMIT = 1_000
"""Pieces of work that may wait for the writer; more are refused at once, so that memory stays bounded."""
BATCH_LIMIT = 200


class UnavailableError(DeskError):
    """The database cannot be used just now (locked, full, gone). Nothing of the work was kept."""


class BusyError(UnavailableError):
    """More work is waiting than will be taken."""


class ConflictError(DeskError):
    """Another process wrote the same unique value first. Doing the work again will see it."""


class Tx(Protocol):
    """One transaction. Usable only inside the function that received it."""

    def execute(self, sql: str, values: Sequence[object] = ()) -> int:
        """Runs a statement; returns how many rows it changed."""
        ...

    def rows(self, sql: str, values: Sequence[object] = ()) -> list[Row]: ...

    def one(self, sql: str, values: Sequence[object] = ()) -> Row | None: ...


class Connection(Tx, Protocol):
    """A connection that writes. Errors of the driver leave it as :class:`UnavailableError` or
    :class:`ConflictError`."""

    def begin(self) -> None: ...

    def commit(self) -> None: ...

    def rollback(self) -> None: ...

    def alive(self) -> bool:
        """False when the transaction is lost and the connection must be made anew."""
        ...

    def close(self) -> None: ...


class Engine(Protocol):
    """One kind of database."""

    serial: str
    """Type of a column that counts by itself."""
    name: str
    """For logs: neither path nor address."""

    def writer(self) -> Connection: ...

    def reader(self) -> AbstractContextManager[Tx]:
        """A read-only view for the calling thread."""
        ...

    def exclusive(self) -> AbstractContextManager[None]:
        """Held while writing: keeps other processes' writers out where the database needs that."""
        ...

    def close(self) -> None: ...


class Database:
    """The writer thread, and reading beside it."""

    def __init__(self, engine: Engine, *, start: bool = True) -> None:
        self._engine = engine
        self.name = engine.name
        self._waiting: queue.Queue[_Work | None] = queue.Queue(QUEUE_LIMIT)
        self._connection: Connection | None = None
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="desk-writer", daemon=True)
        if start:
            self._thread.start()

    def submit(self, work: Callable[[Tx], T]) -> "Future[T]":
        """Queues ``work``; the future is done once it is durable.

        Raises:
            BusyError: too much is waiting.
        """
        if self._closed:
            raise UnavailableError("the desk is shutting down")
        job: _Work = _Work(work)
        try:
            self._waiting.put_nowait(job)
        except queue.Full:
            raise BusyError("more is waiting to be written than will be taken") from None
        return job.done

    def write(self, work: Callable[[Tx], T]) -> T:
        """Runs ``work`` in a transaction and waits until it is durable."""
        return self.submit(work).result()

    def read(self, work: Callable[[Tx], T]) -> T:
        """Runs ``work`` on what is committed, on the calling thread."""
        with self._engine.reader() as tx:
            return work(tx)

    def waiting(self) -> int:
        return self._waiting.qsize()

    def close(self) -> None:
        """Finishes what waits, then lets go."""
        if self._closed:
            return
        self._closed = True
        if self._thread.is_alive():
            self._waiting.put(None)
            self._thread.join()
        self._engine.close()

    def _run(self) -> None:
        while True:
            batch = self._next_batch()
            work = [job for job in batch if job is not None]
            if work:
                self._commit_together(work)
            if len(work) < len(batch):
                self._disconnect()
                return

    def _next_batch(self) -> "list[_Work | None]":
        batch = [self._waiting.get()]
        while batch[-1] is not None and len(batch) < BATCH_LIMIT:
            try:
                batch.append(self._waiting.get_nowait())
            except queue.Empty:
                break
        return batch

    def _commit_together(self, batch: "list[_Work]") -> None:
        try:
            with self._engine.exclusive():
                connection = self._connected()
                connection.begin()
                for job in batch:
                    job.run(connection)
                connection.commit()
        except BaseException as error:
            self._abandon()
            for job in batch:
                job.fail(error if isinstance(error, DeskError) else UnavailableError("the database failed"))
            return
        for job in batch:
            job.finish()

    def _connected(self) -> Connection:
        if self._connection is None:
            self._connection = self._engine.writer()
        return self._connection

    def _abandon(self) -> None:
        if self._connection is None:
            return
        with suppress(DeskError):
            self._connection.rollback()
        if not self._connection.alive():
            self._disconnect()

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with self._engine.exclusive():
                connection.close()


class _Work:
    """A function, and the future of what it returns."""

    def __init__(self, work: Callable[[Tx], Any]) -> None:
        self._work = work
        self.done: Future[Any] = Future()
        self._value: Any = None
        self._error: Exception | None = None

    def run(self, connection: Connection) -> None:
        """Runs in a savepoint. Raises only when the whole transaction is lost."""
        connection.execute("SAVEPOINT work")
        try:
            self._value = self._work(connection)
        except UnavailableError:
            raise
        except Exception as error:
            self._error = error
            connection.execute("ROLLBACK TO SAVEPOINT work")
        connection.execute("RELEASE SAVEPOINT work")

    def finish(self) -> None:
        if self.done.cancelled():
            return
        if self._error is not None:
            self.done.set_exception(self._error)
        else:
            self.done.set_result(self._value)

    def fail(self, error: BaseException) -> None:
        if not self.done.cancelled():
            self.done.set_exception(error)


def migrate(engine: Engine, migrations: Sequence[Iterable[str]]) -> None:
    """Brings the schema forward, each step in one transaction.

    Raises:
        DeskError: the data was written by a newer program.
    """
    with engine.exclusive():
        connection = engine.writer()
        try:
            _step(connection, ("CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL)",))
            version = _version(connection)
            if version > len(migrations):
                raise DeskError(
                    f"the desk's data is of version {version}, this program knows up to {len(migrations)}",
                    hint="run the newer kb that wrote it, or restore the backup made before the upgrade",
                )
            for number, statements in enumerate(migrations[version:], start=version + 1):
                filled = [s.replace("{SERIAL}", engine.serial) for s in statements]
                _step(
                    connection,
                    [
                        *filled,
                        "DELETE FROM schema_version",
                        f"INSERT INTO schema_version (version) VALUES ({number})",
                    ],
                )
        finally:
            connection.close()


def _step(connection: Connection, statements: Iterable[str]) -> None:
    connection.begin()
    try:
        for statement in statements:
            connection.execute(statement)
        connection.commit()
    except BaseException:
        connection.rollback()
        raise


def _version(connection: Connection) -> int:
    connection.begin()
    row = connection.one("SELECT max(version) AS version FROM schema_version")
    connection.rollback()
    return int(row["version"]) if row and row["version"] is not None else 0
