"""The tokens of all articles of a language, counted and numbered; what changes with an article costs what changes.

A token's number follows from all tokens together, so one new word moves the numbers of half of them. Articles are
therefore kept in characters, one a token, which stay with their tokens; and these are put into numbers all at once.
"""

import codecs
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, count, islice
from typing import Any

import msgspec

COMMON = 128
_TWO_BYTES = COMMON + (1 << 14)
_SHARED_LIMIT = 60
_END = "\0"
"""The character that ends a field; its number is 0."""
_SURROGATES = range(0xD800, 0xE000)
"""No characters of their own: they cannot be written."""


class Words(msgspec.Struct, frozen=True, array_like=True):
    """A vocabulary as it is kept. ``tokens`` are sorted; ``signs`` are their characters, ``counts`` how often each is
    there."""

    tokens: list[str]
    signs: str
    counts: list[int]
    common: list[str]
    """The commonest tokens, sorted: those of one byte."""
    rest: list[str]
    """All others, sorted, each with the number of characters it shares with the one before it."""

    def numbered_as(self, other: "Words") -> bool:
        """Whether both have the same tokens under the same numbers."""
        return self.common == other.common and self.tokens == other.tokens

    def dictionary(self) -> bytes:
        """As the file has it."""
        return "\n".join([*self.common, *self.rest]).encode()

    def encoder(self) -> Callable[[str], bytes]:
        """What puts texts of characters into numbers."""
        signs = dict(zip(self.tokens, self.signs, strict=True))
        common = set(self.common)
        ordered = [_END, *(signs[token] for token in self.common)]
        ordered += [sign for token, sign in signs.items() if token not in common]
        # A codec whose tables are ours: nothing else in Python maps a text as fast.
        numbers: Any = dict(zip(map(ord, ordered), _codes(), strict=False))
        return lambda text: codecs.charmap_encode(text, "strict", numbers)[0]


class Vocabulary:
    """Takes articles in and lets them go."""

    def __init__(self, before: Words | None = None) -> None:
        self._before = before or Words([], "", [], [], [])
        self._signs = _Signs(self._before)
        self._counts: Counter[str] = Counter(dict(zip(self._before.signs, self._before.counts, strict=True)))

    def take(self, fields: Sequence[Sequence[str]]) -> str:
        """An article's tokens in characters."""
        sign = self._signs.__getitem__
        text = "".join([part for tokens in fields for part in (*map(sign, tokens), _END)])
        self._counts.update(text)
        return text

    def drop(self, text: str) -> None:
        """Forget an article; ``text`` is what :meth:`take` gave."""
        self._counts.subtract(text)

    def words(self) -> Words:
        """All tokens of the articles that are here now."""
        before, signs, counts = self._before, self._signs, self._counts
        tokens = before.tokens
        if len(signs) > len(tokens) or not all(map(counts.__getitem__, before.signs)):
            tokens = sorted(token for token, sign in signs.items() if counts[sign])
        own = "".join(map(signs.__getitem__, tokens))
        times = list(map(counts.__getitem__, own))
        common = _commonest(tokens, times)
        rest = before.rest
        if tokens is not before.tokens or common != before.common:
            rest = _front_coded(_others(tokens, common), _others(before.tokens, before.common), before.rest)
        return Words(tokens, own, times, common, rest)


class _Signs(dict[str, str]):
    """Token → character; a new one gets a character that is free."""

    def __init__(self, before: Words) -> None:
        super().__init__(zip(before.tokens, before.signs, strict=True))
        self._free = _free(before.signs)

    def __missing__(self, token: str) -> str:
        sign = self[token] = next(self._free)
        return sign


def _free(signs: str) -> Iterator[str]:
    used = set(signs)
    for number in count(1):
        if number not in _SURROGATES and (sign := chr(number)) not in used:
            yield sign


def _commonest(tokens: Sequence[str], times: Sequence[int]) -> list[str]:
    """Those of one byte; of equally common ones the first."""
    room = COMMON - 1
    if len(tokens) <= room:
        return list(tokens)
    least = sorted(times, reverse=True)[room - 1]
    above = [token for token, number in zip(tokens, times, strict=True) if number > least]
    equal = (token for token, number in zip(tokens, times, strict=True) if number == least)
    return sorted([*above, *islice(equal, room - len(above))])


def _others(tokens: Sequence[str], common: Iterable[str]) -> list[str]:
    without = set(common)
    return [token for token in tokens if token not in without]


def _front_coded(tokens: Sequence[str], known: Sequence[str], coded: Sequence[str]) -> list[str]:
    """``tokens`` without what each shares with the one before; ``coded`` are the ``known`` ones in the same way."""
    of_pair = dict(zip(_pairs(known), coded, strict=True))
    return [of_pair.get(pair) or _front(*pair) for pair in _pairs(tokens)]


def _pairs(tokens: Sequence[str]) -> Iterable[tuple[str, str]]:
    return zip(chain([""], tokens), tokens, strict=False)


def _front(before: str, token: str) -> str:
    shared = 0
    # Stops before characters that JavaScript counts as two.
    for own, other in zip(token[:_SHARED_LIMIT], before, strict=False):
        if own != other or own >= "\ud800":
            break
        shared += 1
    return chr(0x20 + shared) + token[shared:]


def _codes() -> Iterator[bytes]:
    """The numbers 0, 1 and so on, in bytes."""
    last = [bytes((number,)) for number in range(256)]
    yield from last[:COMMON]
    for first in last[0x80:0xC0]:
        yield from map(first.__add__, last)
    for first in last[0xC0:]:
        for second in last:
            for third in last:
                yield first + second + third
