"""Which of the words it knows a mistyped one may be. Twin of ``search/spelling.js``."""

from collections.abc import Sequence

from kb.index.terms import is_plain

LONG_FROM = 8
"""Letters from which a word may have two errors."""
_LEAST = 3


class Vocabulary:
    """Words by length, each with its letters as bits, by which most are told from a word at once."""

    def __init__(self, words: Sequence[str]) -> None:
        """``words`` are numbered as they are."""
        self.words = words
        self._by_length: dict[int, list[tuple[int, int]]] = {}
        for number, word in enumerate(words):
            if len(word) >= _LEAST and is_plain(word):
                self._by_length.setdefault(len(word), []).append((_signature(word), number))

    def near(self, word: str) -> tuple[int, list[int]]:
        """The distance of the nearest words, 1 or for long words 2, and their numbers, ascending; none when farther."""
        for limit in (1, 2) if len(word) >= LONG_FROM else (1,):
            found = self._within(word, limit)
            if found:
                return limit, found
        return 0, []

    def _within(self, word: str, limit: int) -> list[int]:
        own, most, words = _signature(word), 2 * limit, self.words
        close = [
            number
            for length in range(len(word) - limit, len(word) + limit + 1)
            for signature, number in self._by_length.get(length, ())
            if (own ^ signature).bit_count() <= most
        ]
        if limit == 1:
            return sorted(number for number in close if _is_next(word, words[number]))
        return sorted(number for number in close if distance(word, words[number], limit) <= limit)


def _signature(word: str) -> int:
    bits = 0
    for letter in word:
        bits |= 1 << (ord(letter) & 31)
    return bits


def _is_next(a: str, b: str) -> bool:
    """Whether two different words are one edit apart."""
    if len(a) > len(b):
        a, b = b, a
    i = 0
    while i < len(a) and a[i] == b[i]:
        i += 1
    if len(a) < len(b):
        return a[i:] == b[i + 1 :]
    return a[i + 1 :] == b[i + 1 :] or (a[i : i + 2] == b[i : i + 2][::-1] and a[i + 2 :] == b[i + 2 :])


def distance(a: str, b: str, limit: int) -> int:
    """Edits between two words, swapped neighbours counting as one (optimal string alignment); at most ``limit`` + 1."""
    if abs(len(a) - len(b)) > limit:
        return limit + 1
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        last, row, earlier = row, [i], before
        for j, y in enumerate(b, 1):
            cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                cost = min(cost, earlier[j - 2] + 1)
            row.append(cost)
        before = last
        if min(row) > limit:
            return limit + 1
    return min(row[-1], limit + 1)
