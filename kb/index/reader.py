"""A question → suggestions, from the index on disk."""

from collections.abc import Mapping, Sequence
from functools import cached_property, lru_cache
from pathlib import Path

from kb.index.disk import DiskIndex
from kb.index.document import Answer, Passage, Section, Suggestion
from kb.index.passages import MARK_FROM, Likeness, best
from kb.index.ranking import Ranker, Slot
from kb.index.rules import Rules
from kb.index.terms import terms
from kb.index.understanding import Reader
from kb.index.vectors import SHARE, STOP_WEIGHT, Table, dot, unit, weight

THRESHOLD = 0.21
"""Score from which an article is worth suggesting; see ``kb eval`` for what it keeps and lets through."""
THRESHOLD_WITH_VECTORS = 0.31
SCORE_DECIMALS = 6
"""Scores are compared rounded: the two engines add the same numbers in another order."""
_STAND_INS = 3


class Index:
    """One language's index, open for questions."""

    def __init__(self, disk: DiskIndex) -> None:
        self._disk = disk
        about = disk.about
        self.language: str = about["language"]
        self._table = Table(disk.vectors) if disk.vectors else None
        self._vectors = self._table.articles if self._table else []
        usual = THRESHOLD_WITH_VECTORS if self._table else THRESHOLD
        self.threshold: float = about["threshold"] or usual
        self.lengths: Sequence[int] = about["lengths"]
        self.terms: Sequence[str] = disk.terms
        self.postings = disk.postings
        self.shares = disk.shares
        rules = Rules(
            frozenset(about["stop"]),
            tuple(tuple(tuple(phrase.split(" ")) for phrase in group) for group in about["synonyms"]),
        )
        self._stop = rules.stop
        others = self._table.words if self._table else ()
        self._reader = Reader(self, self.language, rules, others=others)
        self._ranker = Ranker(self, self._reader.view)
        self._terms = lru_cache(maxsize=20_000)(lambda chunk: tuple(terms(chunk, self.language)))

    def search(self, text: str, *, limit: int = 10, category: str = "", typing: bool = False) -> Answer:
        """The best articles for a question, whatever their score; empty for a question without words."""
        question = self._reader.read(text, typing=typing)
        scores = self._with_meaning(self._ranker.scores(question.slots), question.slots)
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

    def present(self, id: str) -> Suggestion | None:
        """The article as this language's readers get it, without a question; None when they do not."""
        number = self._numbers.get(id)
        return None if number is None else self._suggestion(self._disk.article(number), 0.0, {}, ())

    @cached_property
    def _numbers(self) -> Mapping[str, int]:
        return {str(self._disk.article(n)["id"]): n for n in range(len(self.lengths))}

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

    def _with_meaning(self, scores: dict[int, float], slots: Sequence[Slot]) -> dict[int, float]:
        """The scores, and how near the articles' meaning is to the question's, in one number up to 1."""
        if self._table is None:
            return scores
        meant = self._meaning(self._table, slots)
        if not any(meant):
            return {number: score / (1 + SHARE) for number, score in scores.items()}
        found: dict[int, float] = {}
        for number, vector in enumerate(self._vectors):
            score = scores.get(number, 0.0) + SHARE * max(0.0, dot(meant, vector))
            if score > 0:
                found[number] = score / (1 + SHARE)
        return found

    def _meaning(self, table: Table, slots: Sequence[Slot]) -> list[float]:
        """The question's unit vector, or zeros."""
        total = [0.0] * table.dimensions
        for slot in slots:
            for word in slot.choices[0][1]:
                for term, share in self._in_table(table, slot, word):
                    stop = STOP_WEIGHT if term in self._stop else 1.0
                    worth = share * stop * weight(self._holders(term), len(self.lengths))
                    total = [a + worth * b for a, b in zip(total, table.vector(term), strict=True)]
        return unit(total)

    def _in_table(self, table: Table, slot: Slot, word: str) -> list[tuple[str, float]]:
        """The word itself, or where the table lacks it the terms most like it, with their shares."""
        if not slot.skeletons and word in table:
            return [(word, 1.0)]
        alike = self._ranker.match(word, skeletons=slot.skeletons).alike
        near = [(value, n) for n, value in alike.items() if value >= MARK_FROM and self.terms[n] in table]
        chosen = sorted(near, key=lambda found: (-found[0], found[1]))[:_STAND_INS]
        whole = sum(value for value, _ in chosen)
        return [(self.terms[n], value * value / whole) for value, n in chosen]

    def _holders(self, term: str) -> int:
        numbers = self._reader.views[False].having.get("=" + term)
        return len(self.postings(numbers[0])[0]) if numbers else 0

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
