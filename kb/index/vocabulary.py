"""The tokens of a language's articles, and the numbers under which the browser's file has them.

A token's number is its place among all tokens in sorted order, so one new word moves the numbers of half of them.
Articles are therefore kept in *signs*, one character a token, which stay with their tokens; and the file has its
articles in parts, each with numbers of its own, which follow from the articles in it alone.
"""

import codecs
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, count
from operator import sub
from typing import Any

import msgspec

COMMON = 128
"""Numbers below are one byte; those from here on two, or three."""
_SHARED_LIMIT = 60
_END = "\0"
"""The sign that ends a field; its number is 0."""
_STEP_MOST = 255
_CODEC = "utf-16-le"
_SURROGATES = range(0xD800, 0xE000)
"""No characters of their own: they cannot be written."""


class Words(msgspec.Struct, frozen=True, array_like=True):
    """All tokens, sorted, with the sign of each."""

    tokens: list[str]
    signs: str
    coded: list[str]
    """Each token with the number of characters it shares with the one before it, and without these."""

    def dictionary(self) -> bytes:
        """As the file has it."""
        return "\n".join(self.coded).encode()

    def steps(self, parts: Iterable[str]) -> bytes:
        """The words of parts, each part told by its signs: of each word, by how many numbers it comes after the one
        before. 0 stands for 255, and the step goes on; the common words of a part and the others begin at 0 each."""
        number = dict(zip(self.signs, count(1), strict=False)).__getitem__
        runs = (run for signs in parts for run in (signs[: COMMON - 1], signs[COMMON - 1 :]))
        return b"".join([_steps(list(map(number, run))) for run in runs])


class Vocabulary:
    """Gives signs to tokens; those of ``before`` keep theirs."""

    def __init__(self, before: Words) -> None:
        self._before = before
        self._signs = _Signs(before)
        self._tokens: dict[str, str] = {}

    def text(self, fields: Sequence[Sequence[str]]) -> bytes:
        """An article's tokens in signs."""
        sign = self._signs.__getitem__
        texts = ["".join(map(sign, tokens)) for tokens in fields]
        return _END.join([*texts, ""]).encode(_CODEC)

    def numbered(self, texts: Iterable[bytes]) -> tuple[str, bytes]:
        """Some articles as a part: the signs of its words in the order of their numbers, and the numbers in bytes."""
        text = b"".join(texts).decode(_CODEC)
        counts = Counter(text)
        del counts[_END]
        if len(self._tokens) < len(self._signs):
            self._tokens = {sign: token for token, sign in self._signs.items()}
        ordered = sorted(counts, key=self._tokens.__getitem__)
        if len(ordered) >= COMMON:
            common = set(sorted(ordered, key=counts.__getitem__, reverse=True)[: COMMON - 1])
            ordered = [s for s in ordered if s in common] + [s for s in ordered if s not in common]
        # A codec whose table is ours: nothing else in Python maps a text as fast.
        numbers: Any = dict(zip(map(ord, [_END, *ordered]), _codes(), strict=False))
        return "".join(ordered), codecs.charmap_encode(text, "strict", numbers)[0]

    def words(self, parts: Iterable[str]) -> Words:
        """All tokens of some parts, each told by its signs."""
        before, live = self._before, set().union(*parts)
        if len(live) == len(before.signs) and live.issuperset(before.signs):
            return before
        signs = self._signs
        tokens = sorted([token for token, sign in signs.items() if sign in live])
        coded = _front_coded(tokens, before.tokens, before.coded)
        return Words(tokens, "".join(map(signs.__getitem__, tokens)), coded)


class _Signs(dict[str, str]):
    """Token → sign; a new one gets one that is free."""

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


def _steps(numbers: Sequence[int]) -> bytes:
    steps = list(map(sub, numbers, [0, *numbers]))
    if max(steps, default=0) <= _STEP_MOST:
        return bytes(steps)
    return b"".join(bytes((step - 1) // _STEP_MOST) + bytes(((step - 1) % _STEP_MOST + 1,)) for step in steps)


def _front_coded(tokens: Sequence[str], known: Sequence[str], coded: Sequence[str]) -> list[str]:
    """``tokens`` as :attr:`Words.coded`; ``coded`` are the ``known`` ones in the same way."""
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
