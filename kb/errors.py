"""What can go wrong, as values and as one tree of exceptions.

A :class:`Problem` is a finding about the content: a run gathers all of them and reports them together.
An exception is raised when a step cannot go on at all::

    KbError
    ├── ConfigError      settings that cannot be used
    ├── ContentError     articles that cannot be published; carries the problems
    ├── ModelError       a translation model that is missing, damaged or not the pinned one
    ├── EngineError      a translation engine that died, hung or answered nonsense
    ├── SearchIndexError a search index that is missing, damaged or of another version
    ├── BuildError       a site that could not be built or published
    └── DeskError        a ticket service that cannot start or serve

Only :mod:`kb.cli` turns them into text and exit codes.
"""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Literal

import msgspec

Severity = Literal["error", "warning", "info"]
_RANK: dict[str, int] = {"error": 0, "warning": 1, "info": 2}


class Problem(msgspec.Struct, frozen=True):
    """One finding: what is wrong, where, and what to do about it.

    ``code`` is stable and machine-readable (``front-matter-unknown-key``); ``path`` is relative to the
    content folder with ``/`` as separator; ``line`` counts from 1, or is ``None`` when the finding is about
    the whole file.
    """

    code: str
    path: str
    line: int | None
    message: str
    hint: str = ""
    severity: Severity = "error"

    def where(self) -> str:
        """``path:line``, or the path alone."""
        return self.path if self.line is None else f"{self.path}:{self.line}"

    def __str__(self) -> str:
        hint = f" ({self.hint})" if self.hint else ""
        return f"{self.where()}: {self.severity}: {self.message}{hint} [{self.code}]"


def ranked(problems: Iterable[Problem]) -> list[Problem]:
    """The problems without repetitions, errors first, then by place."""
    return sorted(set(problems), key=lambda p: (_RANK[p.severity], p.path, p.line or 0, p.code, p.message))


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A sentence naming the known word nearest to ``word``, or all known words when none is near."""
    names = sorted(known)
    near = get_close_matches(word, names, n=1, cutoff=0.6)
    return f"did you mean '{near[0]}'?" if near else f"known: {', '.join(names)}"


class KbError(Exception):
    """Base of everything this package raises on purpose. ``hint`` says what to do next."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __reduce__(self) -> tuple[object, ...]:
        # Exceptions cross from worker processes; pickle would call __init__ with the message alone.
        return (_restored, (type(self), self.__dict__))


def _restored(kind: type[KbError], state: dict[str, object]) -> KbError:
    error = kind.__new__(kind, state["message"])
    error.__dict__.update(state)
    return error


class ConfigError(KbError):
    """Settings that cannot be used: an unknown key, a wrong type, a missing file."""


class ContentError(KbError):
    """Articles that cannot be published. ``problems`` holds every finding of the run."""

    def __init__(self, message: str, problems: Sequence[Problem], *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.problems = tuple(problems)


class ModelError(KbError):
    """A translation model that is missing, damaged, or not the one the lock file names."""


class EngineError(KbError):
    """A translation engine that died, hung, or answered something no engine should."""


class SearchIndexError(KbError):
    """A search index that is missing, damaged, or of another version."""


class BuildError(KbError):
    """A site that could not be built or published."""


class DeskError(KbError):
    """A ticket service that cannot start or serve."""
