"""How well an article answers: the mathematics of search, the same as in ``search/engine.js``.

Three readings of a question are averaged, because their mistakes differ, each between 0 and 1, so that one threshold
serves every question. The first two are BM25 (Robertson and Zaragoza 2009) over all of an article's text as one field,
divided by the most the question could reach:

* *grams*: every feature of every word of the question counts by itself;
* *words*: each word of the question is one term, whose frequency in an article is that of all the words like it, each
  multiplied by its likeness, the share of the question word's features (by rarity) that it has;
* *texts*: the cosine of the question's words and the article's place among its texts (:mod:`kb.index.centroids`), where
  likeness counts as well.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from math import log, sqrt
from typing import Protocol

from kb.index.terms import EXACT_WEIGHT, features

K1 = 2.0
B = 0.75
SCALE = K1 + 1
GRAM_SHARE = 0.5
TEXTS_SHARE = 0.25
"""What the third reading counts, against 1 for the first two."""
LIKENESS_FLOOR = 0.15
"""Likeness below which a word is another word."""
COMPLETION_LIKENESS = 0.9
COMPLETIONS_LIMIT = 200
_CACHED_VALUES = 1_000_000
"""Values kept of words and features that questions repeat: some 100 MB."""


class Postings(Protocol):
    """What ranking needs of an index; terms are numbered in sorted order, articles in their own."""

    @property
    def terms(self) -> Sequence[str]: ...

    @property
    def lengths(self) -> Sequence[int]: ...

    def postings(self, term: int) -> tuple[Sequence[int], Sequence[int]]: ...

    def shares(self, term: int) -> Sequence[float]: ...


@dataclass(frozen=True, slots=True)
class Match:
    """What one word of a question finds: values by article for the readings, with the most they could be."""

    grams: dict[int, float]
    grams_most: float
    words: dict[int, float]
    words_most: float
    texts: dict[int, float]
    """Weighted by ``words_most``."""
    alike: dict[int, float]
    """Term numbers and their likeness."""


@dataclass(frozen=True, slots=True)
class Slot:
    """One place of the question: what was typed there, or any of what may have been meant instead."""

    choices: tuple[tuple[float, tuple[str, ...]], ...]
    """(discount, words); the first choice gives the slot its weight."""
    weight: float = 1.0
    skeletons: bool = False
    """Whether the words are skeletons of a transliteration rather than words."""
    partial: bool = False
    """Whether the last word may still be going on."""


class View:
    """The index's terms under some spelling (their own, or skeletons), and the features they have."""

    def __init__(self, forms: Sequence[str]) -> None:
        self.forms = forms
        self.having: dict[str, list[int]] = {}
        having = self.having
        for number, form in enumerate(forms):
            for feature in features(form):
                if feature in having:
                    having[feature].append(number)
                else:
                    having[feature] = [number]

    def rarity(self, feature: str) -> float:
        n = len(self.having.get(feature, ()))
        weight = EXACT_WEIGHT if feature[0] == "=" else 1.0
        return weight * log(1 + (len(self.forms) + 0.5) / (n + 0.5))

    def known(self, form: str) -> bool:
        return "=" + form in self.having


@dataclass
class Ranker:
    """Scores articles. Results of words and features are kept, because questions repeat them."""

    index: Postings
    view: Callable[[bool], View]
    """The view for :attr:`Slot.skeletons`."""
    _matches: dict[tuple[bool, bool, str], Match] = field(default_factory=dict)
    _features: dict[tuple[bool, str], tuple[list[tuple[int, float]], float]] = field(default_factory=dict)
    _kept: int = 0

    def __post_init__(self) -> None:
        lengths = self.index.lengths
        self.count = len(lengths)
        average = sum(lengths) / max(1, len(lengths)) or 1.0
        self._saturation = [K1 * (1 - B + B * length / average) for length in lengths]
        self._idf_absent = log(1 + (self.count + 0.5) / 0.5)

    def scores(self, slots: Sequence[Slot]) -> dict[int, float]:
        """Article numbers and their scores, for articles that share anything with the question."""
        grams: dict[int, float] = {}
        words: dict[int, float] = {}
        texts: dict[int, float] = {}
        grams_most = words_most = length = 0.0
        for slot in slots:
            choices = [(discount, self._choice(slot, found)) for discount, found in slot.choices]
            first = choices[0][1]
            grams_most += slot.weight * first.grams_most
            words_most += slot.weight * first.words_most
            _add(grams, [(d, c.grams, c.grams_most) for d, c in choices], slot.weight * first.grams_most)
            weight = slot.weight * first.words_most
            length += weight * weight
            _add(words, [(d, c.words, c.words_most) for d, c in choices], weight)
            _add(texts, [(d, c.texts, c.words_most) for d, c in choices], weight)
        blended = self._blend(grams, grams_most, words, words_most)
        return _with_texts(blended, texts, sqrt(length))

    def match(self, word: str, *, skeletons: bool = False, partial: bool = False) -> Match:
        """What a word finds."""
        key = (skeletons, partial, word)
        found = self._matches.get(key)
        if found is None:
            found = self._match(self.view(skeletons), key)
            self._make_room(len(found.grams) + len(found.words) + len(found.texts))
            self._matches[key] = found
        return found

    def _make_room(self, values: int) -> None:
        """Forget everything when what is kept has become too much."""
        self._kept += values
        if self._kept > _CACHED_VALUES:
            self._matches.clear()
            self._features.clear()
            self._kept = values

    def _choice(self, slot: Slot, words: tuple[str, ...]) -> Match:
        last = len(words) - 1
        matches = [
            self.match(word, skeletons=slot.skeletons, partial=slot.partial and i == last)
            for i, word in enumerate(words)
        ]
        return matches[0] if len(matches) == 1 else _sum(matches)

    def _blend(
        self, grams: dict[int, float], grams_most: float, words: dict[int, float], words_most: float
    ) -> dict[int, float]:
        g = GRAM_SHARE / (SCALE * grams_most) if grams_most else 0.0
        w = (1 - GRAM_SHARE) / (SCALE * words_most) if words_most else 0.0
        return {n: grams.get(n, 0.0) * g + words.get(n, 0.0) * w for n in grams.keys() | words.keys()}

    def _match(self, view: View, key: tuple[bool, bool, str]) -> Match:
        skeletons, partial, word = key
        wanted = _begun(view, word) if partial else features(word)
        completions = self._completions(word) if partial and not skeletons else range(0)
        grams: dict[int, float] = {}
        grams_most = 0.0
        for feature in wanted:
            values, most = self._feature(view, skeletons, feature)
            grams_most += most
            for article, value in values:
                grams[article] = grams.get(article, 0.0) + value
        alike = self._alike(view, wanted)
        if completions:
            frequency = self._frequency(completions)
            values, most = self._bm25(frequency, len(frequency), EXACT_WEIGHT)
            grams_most += most
            for article, value in values:
                grams[article] = grams.get(article, 0.0) + value
            for number in completions:
                alike[number] = max(alike.get(number, 0.0), COMPLETION_LIKENESS)
        frequency, best, places = self._by_words(alike)
        values, most = self._bm25(frequency, sum(best.values()), 1.0)
        texts = {article: most * place for article, place in places.items()}
        return Match(grams, grams_most, dict(values), most, texts, alike)

    def _feature(self, view: View, skeletons: bool, feature: str) -> tuple[list[tuple[int, float]], float]:
        """BM25 of one feature by article, and its weight."""
        key = (skeletons, feature)
        found = self._features.get(key)
        if found is None:
            frequency = self._frequency(view.having.get(feature, ()))
            weight = EXACT_WEIGHT if feature[0] == "=" else 1.0
            found = self._bm25(frequency, len(frequency), weight)
            self._make_room(len(frequency))
            self._features[key] = found
        return found

    def _alike(self, view: View, wanted: Sequence[str]) -> dict[int, float]:
        shared: dict[int, float] = {}
        most = 0.0
        for feature in wanted:
            rarity = view.rarity(feature)
            most += rarity
            for number in view.having.get(feature, ()):
                shared[number] = shared.get(number, 0.0) + rarity
        floor = LIKENESS_FLOOR * most
        return {number: value / most for number, value in shared.items() if value > floor}

    def _frequency(self, numbers: Iterable[int]) -> dict[int, float]:
        """Frequency of terms by article."""
        frequency: dict[int, float] = {}
        for number in numbers:
            articles, counts = self.index.postings(number)
            for article, count in zip(articles, counts, strict=True):
                frequency[article] = frequency.get(article, 0.0) + count
        return frequency

    def _by_words(
        self, alike: dict[int, float]
    ) -> tuple[dict[int, float], dict[int, float], dict[int, float]]:
        """By article, of terms by likeness: frequency, the greatest likeness, and what they weigh in its texts."""
        frequency: dict[int, float] = {}
        best: dict[int, float] = {}
        places: dict[int, float] = {}
        for number, likeness in alike.items():
            articles, counts = self.index.postings(number)
            for article, count, share in zip(articles, counts, self.index.shares(number), strict=True):
                if article in frequency:
                    frequency[article] += likeness * count
                    places[article] += likeness * share
                    if likeness > best[article]:
                        best[article] = likeness
                else:
                    frequency[article] = likeness * count
                    places[article] = likeness * share
                    best[article] = likeness
        return frequency, best, places

    def _bm25(
        self, frequency: dict[int, float], holders: float, weight: float
    ) -> tuple[list[tuple[int, float]], float]:
        idf = weight * log(1 + (self.count - holders + 0.5) / (holders + 0.5))
        top, saturation = idf * (K1 + 1), self._saturation
        return [(a, top * f / (f + saturation[a])) for a, f in frequency.items()], idf

    def _completions(self, word: str) -> range:
        forms = self.index.terms
        first = _first_at_least(forms, word)
        last = first
        while last < len(forms) and last - first < COMPLETIONS_LIMIT and forms[last].startswith(word):
            last += 1
        return range(first, last)


def _with_texts(blended: dict[int, float], texts: dict[int, float], length: float) -> dict[int, float]:
    """The average of the first two readings and the third; articles of the third are among the others'."""
    found = {}
    for article, value in blended.items():
        cosine = min(1.0, texts.get(article, 0.0) / length) if length else 0.0
        found[article] = (value + TEXTS_SHARE * cosine) / (1 + TEXTS_SHARE)
    return found


def _begun(view: View, word: str) -> list[str]:
    """The features of a word that may still be going on: none that claims to know its end."""
    exact = view.known(word)
    return [f for f in features(word) if f[-1] != ">" and (exact or f[0] != "=")]


def _first_at_least(forms: Sequence[str], word: str) -> int:
    low, high = 0, len(forms)
    while low < high:
        middle = (low + high) // 2
        if forms[middle] < word:
            low = middle + 1
        else:
            high = middle
    return low


def _add(
    total: dict[int, float], choices: Sequence[tuple[float, dict[int, float], float]], weight: float
) -> None:
    """Add to each article the best of the choices, each as a share of its own most."""
    if len(choices) == 1:
        discount, values, most = choices[0]
        factor = discount * weight / most if most else 0.0
        for article, value in values.items():
            total[article] = total.get(article, 0.0) + factor * value
        return
    best: dict[int, float] = {}
    for discount, values, most in choices:
        factor = discount * weight / most if most else 0.0
        for article, value in values.items():
            if factor * value > best.get(article, 0.0):
                best[article] = factor * value
    for article, value in best.items():
        total[article] = total.get(article, 0.0) + value


def _sum(matches: Sequence[Match]) -> Match:
    grams: dict[int, float] = {}
    words: dict[int, float] = {}
    texts: dict[int, float] = {}
    alike: dict[int, float] = {}
    for match in matches:
        for article, value in match.grams.items():
            grams[article] = grams.get(article, 0.0) + value
        for article, value in match.words.items():
            words[article] = words.get(article, 0.0) + value
        for article, value in match.texts.items():
            texts[article] = texts.get(article, 0.0) + value
        for number, value in match.alike.items():
            alike[number] = max(alike.get(number, 0.0), value)
    grams_most, words_most = sum(m.grams_most for m in matches), sum(m.words_most for m in matches)
    return Match(grams, grams_most, words, words_most, texts, alike)
