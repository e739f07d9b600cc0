"""Articles that say nearly the same: shared runs of words, found without comparing every pair.

Each text is a set of hashed runs of :data:`WORDS` words (shingles). Pairs that share several of a fixed
sample of them are compared in full by their Jaccard index (Broder, "On the resemblance and containment of
documents", 1997).
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from zlib import crc32

WORDS = 4
SAMPLE = 8
"""One shingle in this many is looked up."""
SHORTEST = 25
"""Shingles; shorter texts are alike by chance."""
ALIKE = 0.6
CROWD = 12
"""A shingle in more texts than this is boilerplate: only neighbours in it are compared."""


def near_duplicates(texts: Mapping[str, str]) -> Iterator[tuple[str, str, float]]:
    """(key, an earlier key, likeness from 0 to 1) for each text that is nearly an earlier one."""
    shingles = {key: _shingles(text) for key, text in texts.items()}
    shingles = {key: found for key, found in shingles.items() if len(found) >= SHORTEST}
    earlier: dict[str, tuple[float, str]] = {}
    for first, second in _candidates(shingles):
        a, b = shingles[first], shingles[second]
        likeness = len(a & b) / len(a | b)
        if likeness >= ALIKE and likeness > earlier.get(second, (0.0, ""))[0]:
            earlier[second] = (likeness, first)
    for key in shingles:
        if key in earlier:
            likeness, first = earlier[key]
            yield key, first, likeness


def _shingles(text: str) -> frozenset[int]:
    words = re.findall(r"\w+", text.lower())
    return frozenset(crc32(" ".join(words[i : i + WORDS]).encode()) for i in range(len(words) - WORDS + 1))


def _candidates(shingles: Mapping[str, frozenset[int]]) -> Iterable[tuple[str, str]]:
    holders: dict[int, list[str]] = {}
    for key, found in shingles.items():
        for shingle in found:
            if shingle % SAMPLE == 0:
                holders.setdefault(shingle, []).append(key)
    shared: dict[tuple[str, str], int] = {}
    for keys in holders.values():
        for i, first in enumerate(keys):
            for second in keys[i + 1 : i + 2 if len(keys) > CROWD else None]:
                shared[first, second] = shared.get((first, second), 0) + 1
    return [pair for pair, count in shared.items() if count * SAMPLE * 3 >= SHORTEST]
