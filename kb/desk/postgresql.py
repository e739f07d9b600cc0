"""PostgreSQL, by address: the only importer of ``psycopg``."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, LiteralString, TypeVar, cast

from kb.desk.database import ConflictError, Connection, Row, Tx, UnavailableError
from kb.errors import DeskError

if TYPE_CHECKING:
    import psycopg

T = TypeVar("T")
CONNECT_TIMEOUT_S = 5
_STATEMENT_TIMEOUT_MS = 10_000


class PostgreSQL:
    """A PostgreSQL database."""

    serial = "BIGSERIAL PRIMARY KEY"
    name = "postgresql"

    def __init__(self, address: str) -> None:
        try:
            import psycopg
        except ImportError:
            raise DeskError(
                "PostgreSQL needs the 'postgresql' extra", hint="pip install 'babelfaq[postgresql]'"
            ) from None
        self._address = address
        self._readers = threading.local()
        self._all_readers: list[psycopg.Connection[Row]] = []

    def writer(self) -> Connection:
        connection = self._connect()
        wrapped = _Connection(connection)
        wrapped.execute("SET synchronous_commit = on")
        return wrapped

    @contextmanager
    def reader(self) -> Iterator[Tx]:
        tx: _Connection | None = getattr(self._readers, "open", None)
        if tx is None or not tx.alive():
            connection = self._connect()
            self._all_readers.append(connection)
            self._readers.open = tx = _Connection(connection)
        tx.execute("BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        try:
            yield tx
        finally:
            tx.rollback()

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        # PostgreSQL takes any number of writers; unique keys keep them honest.
        yield

    def close(self) -> None:
        for connection in self._all_readers:
            connection.close()

    def _connect(self) -> "psycopg.Connection[Row]":
        import psycopg
        from psycopg.rows import dict_row

        try:
            return _driver(
                lambda: cast(
                    "psycopg.Connection[Row]",
                    psycopg.connect(
                        self._address,
                        autocommit=True,
                        row_factory=cast(Any, dict_row),
                        connect_timeout=CONNECT_TIMEOUT_S,
                        options=f"-c statement_timeout={_STATEMENT_TIMEOUT_MS}",
                    ),
                )
            )
        except UnavailableError as error:
            # The driver's own words may repeat the address, with its password.
            raise UnavailableError(
                f"no connection to PostgreSQL ({type(error.__cause__).__name__})",
                hint="does the server run, and does KB_DESK_DATABASE name it: postgresql://user@host/database",
            ) from error


class _Connection:
    """One connection, with the driver's errors turned into ours."""

    def __init__(self, connection: "psycopg.Connection[Row]") -> None:
        self._connection = connection

    def execute(self, sql: str, values: Sequence[object] = ()) -> int:
        return _driver(lambda: self._connection.execute(_placeholders(sql), values).rowcount)

    def rows(self, sql: str, values: Sequence[object] = ()) -> list[Row]:
        return _driver(lambda: self._connection.execute(_placeholders(sql), values).fetchall())

    def one(self, sql: str, values: Sequence[object] = ()) -> Row | None:
        return _driver(lambda: self._connection.execute(_placeholders(sql), values).fetchone())

    def begin(self) -> None:
        self.execute("BEGIN")

    def commit(self) -> None:
        self.execute("COMMIT")

    def rollback(self) -> None:
        self.execute("ROLLBACK")

    def alive(self) -> bool:
        return not self._connection.broken and not self._connection.closed

    def close(self) -> None:
        self._connection.close()


def _placeholders(sql: str) -> LiteralString:
    # Our statements hold neither % nor ? but as placeholders; values never become part of them.
    return sql.replace("?", "%s")


def _driver(call: Callable[[], T]) -> T:
    import psycopg

    try:
        return call()
    except psycopg.IntegrityError as error:
        raise ConflictError(str(error)) from None
    except psycopg.Error as error:
        raise UnavailableError(f"PostgreSQL: {type(error).__name__}") from error
