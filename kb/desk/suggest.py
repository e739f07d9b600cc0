"""What the desk needs of the search index: a question in, a few passages out."""

import json
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kb.index.library import Library

log = logging.getLogger("kb.desk")


@dataclass(frozen=True, slots=True)
class Suggestion:
    """An article that may answer. ``url`` is a path of the help centre; ``score`` is between 0 and 1;
    ``language`` is that of the text, which may differ from the one asked for."""

    article: str
    title: str
    passage: str
    url: str
    language: str
    score: float


Suggest = Callable[[str, str, int], Sequence[Suggestion]]
"""Language, text, at most how many → suggestions, best first; empty when nothing is good enough."""


def nothing(language: str, text: str, limit: int) -> Sequence[Suggestion]:
    """No index: no suggestions."""
    return ()


LOOK_AGAIN_S = 10.0
"""How often is looked whether a build made the index anew."""


def from_index(folder: Path) -> Suggest:
    """Suggestions from the built site's indexes below ``folder``, one folder a language; a new build is noticed.

    What is returned raises SearchIndexError while there is no usable index, and is for one thread only.
    """
    built = _Built(folder)
    return built.suggest


class _Built:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._library: Library | None = None
        self._stamp: tuple[int, ...] = ()
        self._looked = float("-inf")

    def suggest(self, language: str, text: str, limit: int) -> Sequence[Suggestion]:
        found = self._current().suggest(text, language, limit)
        return [
            Suggestion(
                article=s.id,
                title=s.title,
                passage=s.passage.text,
                url=f"/{s.language}/{s.url}" + (f"#{s.passage.anchor}" if s.passage.anchor else ""),
                language=s.language,
                score=s.score,
            )
            for s in found
        ]

    def _current(self) -> "Library":
        # Whoosh is slow to load, and the rest of the desk does without it.
        from kb.index.library import Library

        now = time.monotonic()
        if self._library is None or now - self._looked > LOOK_AGAIN_S:
            self._looked = now
            stamp = tuple(sorted(f.stat().st_mtime_ns for f in self._folder.glob("*/about.json")))
            if self._library is None or stamp != self._stamp:
                old, self._library = self._library, None
                if old is not None:
                    old.close()
                self._library, self._stamp = Library(self._folder), stamp
        return self._library


def built_commit(file: Path, *, otherwise: str = "") -> Callable[[], str]:
    """The commit of the articles that customers see, as the last build left it in ``file``; ``otherwise`` where it
    left none. A new build is noticed."""
    known: tuple[int, str] = (0, otherwise)

    def commit() -> str:
        nonlocal known
        try:
            stamp = file.stat().st_mtime_ns
            if stamp != known[0]:
                known = (stamp, str(json.loads(file.read_text("utf-8"))["commit"]))
        except (OSError, ValueError, KeyError, TypeError):
            return otherwise
        return known[1]

    return commit


def quiet(suggest: Suggest) -> Suggest:
    """The same, but a broken index answers nothing: a ticket can be filed without suggestions."""

    def asked(language: str, text: str, limit: int) -> Sequence[Suggestion]:
        try:
            return suggest(language, text, limit)
        except Exception as error:  # Whatever is wrong with an index, filing goes on; the log names the kind.
            log.warning("suggestions are off", extra={"error": type(error).__name__})
            return ()

    return asked
