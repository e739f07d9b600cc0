"""Desks to try things on."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.desk import servers
from tests.desk.harness import Shop


@pytest.fixture
def open_shop(tmp_path: Path) -> Iterator[Callable[..., Shop]]:
    """Makes desks with settings of the test's own choosing."""
    opened: list[Shop] = []

    def make(**settings: Any) -> Shop:
        folder = tmp_path / str(len(opened))
        folder.mkdir()
        opened.append(Shop(folder, **settings))
        return opened[-1]

    yield make
    for one in opened:
        one.close()


@pytest.fixture
def shop(open_shop: Callable[..., Shop]) -> Shop:
    """A desk with default settings."""
    return open_shop()


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """The address of a real PostgreSQL."""
    folder, reason = servers.binaries(), servers.reason_without()
    if reason or folder is None:
        pytest.skip(reason)
    with servers.postgresql(folder) as address:
        yield address


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of either kind."""
    if request.param == "sqlite":
        return str(tmp_path / "desk.sqlite")
    import psycopg

    server: str = request.getfixturevalue("postgresql_server")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    return server
