"""Which database an address means."""

from kb.desk.database import Engine
from kb.desk.postgresql import PostgreSQL
from kb.desk.sqlite import SQLite


def open_engine(where: str) -> Engine:
    """The engine for ``where``: the path of a SQLite file, or a ``postgresql://`` address."""
    if where.startswith(("postgresql://", "postgres://")):
        return PostgreSQL(where)
    return SQLite(where)
