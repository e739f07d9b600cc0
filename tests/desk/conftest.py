"""Desks to try things on."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

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
