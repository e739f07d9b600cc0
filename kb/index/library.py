"""All of a site's indexes: a question in another of its languages finds the article in the reader's own."""

from collections.abc import Sequence
from pathlib import Path

from msgspec.structs import replace

from kb.errors import SearchIndexError
from kb.index import reader
from kb.index.document import Answer, Suggestion
from kb.index.languages import candidates
from kb.index.reader import Index
from kb.index.understanding import QUERY_LIMIT

TRANSLATED_DISCOUNT = 0.95
"""Of two articles that answer alike, the one met in the reader's own language comes first."""


class Library:
    """The indexes below one folder, a folder for each language; each is opened when it is first needed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open: dict[str, Index] = {}
        found = sorted(path.parent.name for path in folder.glob("*/about.json"))
        if not found:
            raise SearchIndexError(
                f"{folder}: there is no search index here", hint="run 'kb build' to make it"
            )
        self.languages: tuple[str, ...] = tuple(found)

    def index(self, language: str) -> Index:
        """One language's index.

        Raises:
            SearchIndexError: the site has no such language.
        """
        if language not in self.languages:
            raise SearchIndexError(
                f"there is no search index for '{language}'", hint=f"there are: {', '.join(self.languages)}"
            )
        if language not in self._open:
            self._open[language] = reader.open(self._folder / language)
        return self._open[language]

    def search(
        self, text: str, language: str, *, limit: int = 10, category: str = "", typing: bool = False
    ) -> Answer:
        """The best articles for readers of ``language``, in whichever of the site's languages the question is."""
        text = text[:QUERY_LIMIT]
        own = self.index(language)
        answer = own.search(text, limit=limit, category=category, typing=typing)
        if answer.why and answer.why[0] != "corrected":
            return answer
        for other in candidates(text, language, self.languages):
            index = self.index(other)
            found = index.search(text, limit=limit, category=category, typing=typing)
            answer = merged(answer, found, own, index.threshold, limit)
        return answer

    def suggest(
        self, text: str, language: str, limit: int = 3, *, threshold: float | None = None
    ) -> tuple[Suggestion, ...]:
        """The articles good enough to be shown before a question is sent."""
        least = self.index(language).threshold if threshold is None else threshold
        found = self.search(text, language, limit=limit).suggestions
        return tuple(suggestion for suggestion in found if suggestion.score >= least)

    def close(self) -> None:
        for index in self._open.values():
            index.close()
        self._open.clear()


def merged(answer: Answer, other: Answer, own: Index, threshold: float, limit: int) -> Answer:
    """Both answers, each article once, the other's opened in the language of ``own``.

    ``threshold`` is the other index's: where one of the two has word vectors, their scores are of two sizes.
    """
    share = TRANSLATED_DISCOUNT * own.threshold / threshold
    best = {suggestion.id: suggestion for suggestion in answer.suggestions}
    foreign = False
    for suggestion in other.suggestions:
        score = min(1.0, round(suggestion.score * share, reader.SCORE_DECIMALS))
        before = best.get(suggestion.id)
        if before is not None and before.score >= score:
            continue
        here = own.present(suggestion.id)
        if here is not None:
            foreign = True
            best[suggestion.id] = replace(
                here, score=score, matched=suggestion.matched, why=(*suggestion.why, "translated")
            )
    ranked: Sequence[Suggestion] = sorted(best.values(), key=lambda s: -s.score)[:limit]
    changed = foreign and ranked and "translated" in ranked[0].why
    return Answer(
        tuple(ranked), other.shown if changed else answer.shown, ranked[0].why if changed else answer.why
    )
