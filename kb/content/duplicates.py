"""Articles that say nearly the same: shared runs of words, found without comparing every pair.

Each text is a set of hashed runs of four words (shingles). Pairs that share several of a fixed
sample of them are compared in full by their Jaccard index (Broder, "On the resemblance and containment of
documents", 1997).
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import combinations, pairwise
from zlib import crc32

SAMPLE = 8
"""One shingle in this many is looked up; a power of two."""
SHORTEST = 25
"""Shingles; shorter texts are alike by chance."""
ALIKE = 0.6
_WORD = re.compile(r"\w+")
CROWD = 12
"""A shingle in more texts than this is boilerplate: only neighbours in it are compared."""


def near_duplicates(
    samples: Mapping[str, Iterable[int]], shingles: Callable[[str], frozenset[int]]
) -> Iterator[tuple[str, str, float]]:
    """(key, an earlier key, likeness from 0 to 1) for each text, given as its :func:`sample`, that is nearly an
    earlier one. ``shingles`` gives all of a text's, and is asked only where two texts may be alike."""
    earlier: dict[str, tuple[float, str]] = {}
    for first, second in _candidates(samples):
        a, b = shingles(first), shingles(second)
        likeness = len(a & b) / len(a | b)
        if likeness >= ALIKE and likeness > earlier.get(second, (0.0, ""))[0]:
            earlier[second] = (likeness, first)
    for key in samples:
        if key in earlier:
            likeness, first = earlier[key]
            yield key, first, likeness


class Numbers(dict[str, int]):
    """Word → its hash, the same in every run, unlike Python's own."""

    def __missing__(self, word: str) -> int:
        number = self[word] = crc32(word.encode())
        return number


def shingles(text: str, numbers: Numbers) -> frozenset[int]:
    """The hashed runs of words of a text. ``numbers`` remembers each word's hash from text to text."""
    # Ten thousand articles have two million runs: no step of Python for each. Tuples of numbers, unlike texts, have the
    # same hash in every run.
    words = list(map(numbers.__getitem__, _WORD.findall(text.lower())))
    return frozenset(map(hash, zip(words, words[1:], words[2:], words[3:], strict=False)))


def sample(shingles: frozenset[int]) -> tuple[int, ...]:
    """Those of a text's shingles by which it is looked up; none of a short text."""
    if len(shingles) < SHORTEST:
        return ()
    return tuple([number for number in shingles if not number & (SAMPLE - 1)])


def _candidates(samples: Mapping[str, Iterable[int]]) -> Iterable[tuple[str, str]]:
    holders: dict[int, list[str]] = {}
    for key, found in samples.items():
        for shingle in found:
            holders.setdefault(shingle, []).append(key)
    shared: Counter[tuple[str, str]] = Counter()
    for keys in holders.values():
        if len(keys) > 1:
            shared.update(pairwise(keys) if len(keys) > CROWD else combinations(keys, 2))
    return [pair for pair, count in shared.items() if count * SAMPLE * 3 >= SHORTEST]
