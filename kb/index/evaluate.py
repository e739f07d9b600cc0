"""How well search finds: measures over questions with known answers, typing errors, golden questions."""

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from kb.errors import ContentError, Problem

KEPT_SHARE = 0.9
"""Of the questions answered in the first three, those whose score the threshold must let through."""
RANKS = (1, 3, 5)
_FIELDS = 3
_TYPO_SHARE = 0.2
_TYPO_FROM = 4


@dataclass(frozen=True, slots=True)
class Asked:
    """A question of a file, and the article that answers it; ``expected`` is empty where none does."""

    language: str
    text: str
    expected: str
    line: int


@dataclass(frozen=True, slots=True)
class Found:
    """What search gave: article ids, best first, and the best one's score."""

    ids: tuple[str, ...]
    score: float


@dataclass(frozen=True, slots=True)
class Measures:
    """Shares lie between 0 and 1; None where the questions do not allow the measure."""

    questions: int
    recall: Mapping[int, float | None]
    mrr: float | None
    auroc: float | None
    out_of_scope_suggested: float | None
    threshold: float | None
    """The score that lets ``KEPT_SHARE`` of the questions answered in the first three through."""

    def as_json(self) -> dict[str, float | int | None]:
        """The documented names of ``kb eval --format json``."""
        shares = {f"recall@{rank}": self.recall[rank] for rank in RANKS}
        return {
            "questions": self.questions,
            **shares,
            "mrr": self.mrr,
            "auroc": self.auroc,
            "out_of_scope_suggested": self.out_of_scope_suggested,
            "threshold": self.threshold,
        }


def read_questions(path: Path) -> tuple[Asked, ...]:
    """The questions of a tab-separated file: language, question, expected article id (or nothing).

    Raises:
        ContentError: the file is missing, not UTF-8, or a line has other columns.
    """
    try:
        lines = path.read_text("utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ContentError(f"{path}: cannot be read: {error}", []) from None
    asked, problems = [], []
    for number, line in enumerate(lines, 1):
        columns = line.rstrip("\r").split("\t")
        if not line.strip() or line.startswith("#"):
            continue
        if len(columns) not in (_FIELDS - 1, _FIELDS) or not columns[0].strip() or not columns[1].strip():
            problems.append(
                Problem(
                    "questions-columns",
                    path.name,
                    number,
                    f"{len(columns)} columns, not three",
                    "write language, question and article id, separated by tabs",
                )
            )
            continue
        expected = columns[2].strip() if len(columns) == _FIELDS else ""
        asked.append(Asked(columns[0].strip(), columns[1].strip(), expected, number))
    if problems:
        raise ContentError(f"{path}: not a list of questions", problems)
    return tuple(asked)


def measure(asked: Sequence[Asked], found: Sequence[Found]) -> Measures:
    """Recall, mean reciprocal rank, and how well the best score tells questions with an answer from those without."""
    inside = [(a, f) for a, f in zip(asked, found, strict=True) if a.expected]
    outside = [f.score for a, f in zip(asked, found, strict=True) if not a.expected]
    ranks = [f.ids.index(a.expected) + 1 if a.expected in f.ids else 0 for a, f in inside]
    recall = {r: _share(sum(0 < rank <= r for rank in ranks), len(ranks)) for r in RANKS}
    mrr = sum(1 / rank for rank in ranks if rank) / len(ranks) if ranks else None
    hits = sorted(f.score for (_, f), rank in zip(inside, ranks, strict=True) if 0 < rank <= 3)
    threshold = hits[int(len(hits) * (1 - KEPT_SHARE))] if hits else None
    suggested = None
    if outside and threshold is not None:
        suggested = sum(score >= threshold for score in outside) / len(outside)
    scores = [f.score for _, f in inside]
    return Measures(len(asked), recall, mrr, _auroc(scores, outside), suggested, threshold)


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _auroc(inside: Sequence[float], outside: Sequence[float]) -> float | None:
    """The chance that a question with an answer scores higher than one without; ties count half."""
    if not inside or not outside:
        return None
    ranked = sorted([(score, True) for score in inside] + [(score, False) for score in outside])
    wins = 0.0
    below = 0
    position = 0
    while position < len(ranked):
        end = position
        while end < len(ranked) and ranked[end][0] == ranked[position][0]:
            end += 1
        positive = sum(kind for _, kind in ranked[position:end])
        negative = end - position - positive
        wins += positive * (below + negative / 2)
        below += negative
        position = end
    return wins / (len(inside) * len(outside))


def golden(asked: Iterable[Asked], path: str, search: Callable[[Asked], Found], within: int) -> list[Problem]:
    """A problem for each question whose article is not among the first ``within``."""
    problems = []
    for question in asked:
        if not question.expected:
            continue
        ids = search(question).ids[:within]
        if question.expected not in ids:
            instead = f"found {', '.join(ids)}" if ids else "nothing was found"
            problems.append(
                Problem(
                    "golden-question",
                    path,
                    question.line,
                    f"'{question.text}' no longer finds {question.expected}",
                    f"{instead}; add the customer's words to the article's 'questions' or to synonyms.yml",
                )
            )
    return problems


_KEYBOARDS = (
    "qwertyuiop asdfghjkl zxcvbnm",
    "йцукенгшщзхї фівапролджє ячсмитьбю",
    "йцукенгшщзхъ фывапролджэ ячсмитьбю",
    "ضصثقفغعهخحجد شسيبلاتنمكط ئءؤرلاىةوزظ",
)


def with_typos(text: str, seed: int) -> str:
    """The text with typing errors: one in about every fifth word of four letters or more, at least one in all.

    Errors are a letter left out, doubled, swapped with the next, or replaced by its neighbour on the keyboard; the
    first letter stays. The same seed and text give the same errors.
    """
    chance = random.Random(f"{seed}\0{text}")
    words = text.split(" ")
    long = [i for i, word in enumerate(words) if len(word) >= _TYPO_FROM and word.isalpha()]
    if not long:
        return text
    struck = {i for i in long if chance.random() < _TYPO_SHARE} or {chance.choice(long)}
    return " ".join(_mistyped(w, chance) if i in struck else w for i, w in enumerate(words))


def _mistyped(word: str, chance: random.Random) -> str:
    at = chance.randrange(1, len(word))
    kind = chance.choice(("omit", "double", "swap", "neighbour"))
    if kind == "swap" and at + 1 < len(word) and word[at] != word[at + 1]:
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    if kind == "double":
        return word[:at] + word[at] + word[at:]
    near = _neighbours(word[at]) if kind == "neighbour" else ""
    if near:
        return word[:at] + chance.choice(near) + word[at + 1 :]
    return word[:at] + word[at + 1 :]


def _neighbours(letter: str) -> str:
    for rows in _KEYBOARDS:
        at = rows.find(letter)
        if at >= 0:
            return (rows[at - 1 : at] + rows[at + 1 : at + 2]).replace(" ", "")
    return ""
