"""What the desk needs of the search index: a question in, a few passages out."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

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


def quiet(suggest: Suggest) -> Suggest:
    """The same, but a broken index answers nothing: a ticket can be filed without suggestions."""

    def asked(language: str, text: str, limit: int) -> Sequence[Suggestion]:
        try:
            return suggest(language, text, limit)
        except Exception as error:  # Whatever is wrong with an index, filing goes on; the log names the kind.
            log.warning("suggestions are off", extra={"error": type(error).__name__})
            return ()

    return asked
