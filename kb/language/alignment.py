"""Where the words of a marked phrase went in a translation that was made without the marks.

A model translates a sentence best as a whole and in plain words. A phrase of it translated apart mostly comes
back in the same words as in the sentence, so it can be found there: exactly, or in another inflection.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

LIKE = 0.72
"""So alike are two inflections of a phrase; from 0 to 1."""
LESS_LIKE = 0.12
"""So much less alike must the second best place be."""
_ARTICLE_LETTERS = 3
_ENDS = " .,;:!?…\"'“”()"

Place = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Phrase:
    """`words` begin at `start` of the source; `translation` is what they became apart, "" for what is no word."""

    start: int
    words: str
    translation: str

    @property
    def place(self) -> Place:
        return self.start, self.start + len(self.words)


def find(source: str, translation: str, phrases: Sequence[Phrase]) -> list[Place] | None:
    """Where each phrase is in the translation, in the phrases' order; None when one cannot be told for sure.

    A phrase is found where its words come as often in the translation as in the source: the first is the first.
    """
    found: dict[int, Place] = {}
    longest_first = sorted(range(len(phrases)), key=lambda number: -len(phrases[number].words))
    for number in longest_first:
        others = [phrases[other].place for other in found]
        place = _exact(source, others, translation, list(found.values()), phrases[number])
        place = place or _similar(source, others, translation, list(found.values()), phrases[number])
        if place is None:
            return None
        found[number] = place
    return [found[number] for number in range(len(phrases))]


def _exact(
    source: str, others: Sequence[Place], translation: str, taken: Sequence[Place], phrase: Phrase
) -> Place | None:
    for flags in (re.RegexFlag(0), re.IGNORECASE):
        before = _places(source, phrase.words, others, flags)
        for candidate in _candidates(phrase):
            after = _places(translation, candidate, taken, flags)
            if len(after) == len(before) and phrase.place in before:
                return after[before.index(phrase.place)]
    return None


def _candidates(phrase: Phrase) -> Iterator[str]:
    """What to look for: the translation, the same without an article the model put before it, the words themselves."""
    whole = phrase.translation.strip(_ENDS)
    if whole:
        yield whole
        yield whole[0].swapcase() + whole[1:]
    first, _, rest = whole.partition(" ")
    if rest and len(first) <= _ARTICLE_LETTERS:
        yield rest
    yield phrase.words


def _places(text: str, words: str, taken: Sequence[Place], flags: re.RegexFlag) -> list[Place]:
    found = re.finditer(rf"(?<!\w){re.escape(words)}(?!\w)", text, flags)
    return [match.span() for match in found if _is_free(match.span(), taken)]


def _is_free(place: Place, taken: Sequence[Place]) -> bool:
    return all(place[1] <= start or end <= place[0] for start, end in taken)


def _similar(
    source: str, others: Sequence[Place], translation: str, taken: Sequence[Place], phrase: Phrase
) -> Place | None:
    """The most similar run of words, when no other is nearly as similar and the source has the phrase once."""
    wanted = phrase.translation.strip(_ENDS).casefold()
    if len(wanted) <= _ARTICLE_LETTERS or len(_places(source, phrase.words, others, re.IGNORECASE)) != 1:
        return None
    scored = sorted(
        (
            (SequenceMatcher(None, wanted, translation[start:end].casefold()).ratio(), (start, end))
            for start, end in _runs(translation, len(wanted.split()))
            if _is_free((start, end), taken)
        ),
        reverse=True,
    )
    if not scored or scored[0][0] < LIKE:
        return None
    score, best = scored[0]
    rival = next((other for other, place in scored if _is_free(place, [best])), 0.0)
    return best if rival <= score - LESS_LIKE else None


def _runs(text: str, size: int) -> Iterator[Place]:
    """Runs of about `size` words within a clause."""
    words = [match.span() for match in re.finditer(r"\w+(?:[-'’.]\w+)*", text)]
    for first, (start, _) in enumerate(words):
        for _, end in words[first + max(1, size - 1) - 1 : first + size + 1]:
            if re.search(r"[,;:.!?()]\s", text[start:end]):
                break
            yield start, end
