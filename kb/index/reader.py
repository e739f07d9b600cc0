"""A question → suggestions, from the index on disk."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from kb.index.disk import DiskIndex
from kb.index.document import Answer, Passage, Section, Suggestion
from kb.index.passages import MARK_FROM, Likeness, best
from kb.index.ranking import Ranker, Slot
from kb.index.rules import Rules
from kb.index.terms import terms
from kb.index.understanding import Reader

THRESHOLD = 0.2
"""Score from which an article is worth suggesting; see ``kb eval`` for what it keeps and lets through."""
SCORE_DECIMALS = 6
"""Scores are compared rounded: the two engines add the same numbers in another order."""


class Index:
    """One language's index, open for questions."""

    def __init__(self, disk: DiskIndex) -> None:
        self._disk = disk
        about = disk.about
        self.language: str = about["language"]
        self.threshold: float = about["threshold"] or THRESHOLD
        self.lengths: Sequence[int] = about["lengths"]
        self.terms: Sequence[str] = disk.terms
        self.postings = disk.postings
        rules = Rules(
            frozenset(about["stop"]),
            tuple(tuple(tuple(phrase.split(" ")) for phrase in group) for group in about["synonyms"]),
        )
        self._reader = Reader(self, self.language, rules)
        self._ranker = Ranker(self, self._reader.view)
        self._terms = lru_cache(maxsize=20_000)(lambda chunk: tuple(terms(chunk, self.language)))

    def search(self, text: str, *, limit: int = 10, category: str = "", typing: bool = False) -> Answer:
        """The best articles for a question, whatever their score; empty for a question without words."""
        question = self._reader.read(text, typing=typing)
        scores = self._ranker.scores(question.slots)
        ranked = sorted((-round(score, SCORE_DECIMALS), number) for number, score in scores.items())
        likeness = self._likeness(question.slots)
        found: list[Suggestion] = []
        for score, number in ranked:
            if len(found) >= limit:
                break
            stored = self._disk.article(number)
            if not category or stored["category"] == category:
                found.append(self._suggestion(stored, -score, likeness, question.why))
        return Answer(tuple(found), question.shown, question.why)

    def suggest(
        self, text: str, limit: int = 3, *, category: str = "", threshold: float | None = None
    ) -> tuple[Suggestion, ...]:
        """The articles good enough to be shown before a question is sent."""
        least = self.threshold if threshold is None else threshold
        found = self.search(text, limit=limit, category=category).suggestions
        return tuple(suggestion for suggestion in found if suggestion.score >= least)

    def close(self) -> None:
        self._disk.close()

    def _suggestion(
        self, stored: Mapping[str, object], score: float, likeness: Likeness, why: tuple[str, ...]
    ) -> Suggestion:
        sections = [Section(*parts) for parts in stored["sections"]]  # type: ignore[attr-defined]
        passage = best(sections, likeness, self._terms) if sections else Passage("")
        return Suggestion(
            id=str(stored["id"]),
            url=str(stored["url"]),
            title=str(stored["title"]),
            category=str(stored["category"]),
            passage=passage,
            score=score,
            language=self.language,
            matched=self.language,
            origin=str(stored["origin"]),
            why=why,
        )

    def _likeness(self, slots: Sequence[Slot]) -> Likeness:
        """Which terms answer which slot, for marking them."""
        found: dict[str, tuple[int, float]] = {}
        for number, slot in enumerate(slots):
            for discount, words in slot.choices:
                for word in words:
                    match = self._ranker.match(word, skeletons=slot.skeletons)
                    worth = discount * slot.weight * match.words_most
                    for term, alike in match.alike.items():
                        value = alike * worth
                        name = self.terms[term]
                        if alike >= MARK_FROM and value > found.get(name, (0, 0.0))[1]:
                            found[name] = (number, value)
        return found


def open(folder: Path) -> Index:
    """The index in ``folder``.

    Raises:
        SearchIndexError: there is none, it is damaged, or it was made by another version.
    """
    return Index(DiskIndex(folder))
