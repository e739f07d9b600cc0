import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from kb import resources
from kb.index.library import Library

from . import help_centre


@pytest.fixture(scope="session")
def indexed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return help_centre.write(tmp_path_factory.mktemp("help-centre"))


@pytest.fixture(scope="session")
def library(indexed: Path) -> Iterator[Library]:
    opened = Library(indexed)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def engine() -> Path:
    """The browser engine's folder, where there is Node to run it; ``kb eval`` tests the way through Chromium."""
    if not shutil.which("node"):
        pytest.skip("no Node on this machine")
    return resources.search_dir()
