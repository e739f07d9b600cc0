"""From what was typed to what was meant: layouts, transliteration, spelling and synonyms.

Twin of the part of ``search/engine.js`` with the same name.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from kb.index.ranking import Postings, Slot, View
from kb.index.rules import Rules
from kb.index.scripts import is_latin, other_layouts, script_of, skeleton_of_cyrillic, skeleton_of_latin
from kb.index.spelling import Vocabulary
from kb.index.terms import features, is_plain, terms

QUERY_LIMIT = 2000
"""Characters of a question that are read."""
WORDS_LIMIT = 64
"""Distinct words of a question that count."""
STOP_WEIGHT = 0.7
SYNONYM_DISCOUNT = 0.8
CORRECTION_DISCOUNT = (1.0, 0.95, 0.85)
"""By distance."""
CORRECTIONS_LIMIT = 3
DOUBTED_LIMIT = 8
"""Words of a question that are looked for among those they are like: of all that takes the longest."""
_CORRECTED_FROM = 4
_CORRECTED_FROM_WITH_WORDS = 3
"""Where it is known which short words there are."""
_KNOWN_ENOUGH = 0.75
_MARGIN = 0.25
_LEAST_COVERAGE = 0.5


@dataclass(frozen=True, slots=True)
class Question:
    """A question ready for ranking; ``shown`` is empty when it was taken as typed."""

    slots: tuple[Slot, ...]
    shown: str = ""
    why: tuple[str, ...] = ()


class Reader:
    """Understands questions to one index."""

    def __init__(
        self,
        index: Postings,
        language: str,
        rules: Rules,
        *,
        others: Collection[str] = (),
    ) -> None:
        """``others`` are words of the language, among them such as the index lacks."""
        self._index = index
        self._others = others
        self._corrected_from = _CORRECTED_FROM_WITH_WORDS if others else _CORRECTED_FROM
        self.language = language
        self._rules = rules
        self._cyrillic = script_of(language) == "cyrillic"
        self.views: dict[bool, View] = {False: View(index.terms)}
        self._synonyms = _by_first_word(rules)

    def view(self, skeletons: bool) -> View:
        if skeletons not in self.views:
            self.views[skeletons] = View([skeleton_of_cyrillic(term) for term in self._index.terms])
        return self.views[skeletons]

    def read(self, text: str, *, typing: bool = False) -> Question:
        """The question in ``text``. With ``typing``, its last word may still be going on."""
        text = text[:QUERY_LIMIT]
        chunks = text.split()
        plain = [terms(chunk, self.language) for chunk in chunks]
        if self._coverage(plain, False) < _KNOWN_ENOUGH:
            changed = self._other_script(chunks, plain)
            if changed is not None:
                return changed
        words = list(dict.fromkeys(word for chunk in plain for word in chunk))[:WORDS_LIMIT]
        partial = typing and bool(text) and bool(chunks) and not text[-1].isspace()
        last = plain[-1][-1] if partial and plain[-1] else ""
        slots, corrections = self._slots(words, last)
        if not corrections:
            return Question(slots)
        return Question(slots, _replaced(chunks, plain, corrections), ("corrected",))

    # ── other layouts and scripts ──

    def _coverage(self, chunks: Sequence[Sequence[str]], skeletons: bool) -> float:
        """The share of the words' letters that the index knows; 1 when there is nothing to judge."""
        view = self.view(skeletons)
        known = total = 0.0
        for chunk in chunks:
            for word in chunk:
                if is_plain(word):
                    known += len(word) * self._known_share(view, word)
                    total += len(word)
        return known / total if total else 1.0

    def _known_share(self, view: View, word: str) -> float:
        if view.known(word) or (view is self.views[False] and word in self._rules.stop):
            return 1.0
        grams = [f for f in features(word) if f[0] not in "=^"]
        return sum(f in view.having for f in grams) / len(grams) if len(word) > 2 else 0.0

    def _other_script(self, chunks: Sequence[str], plain: Sequence[list[str]]) -> Question | None:
        """The question read as typed with another layout, or in Latin letters, where that explains it better."""
        least = max(_LEAST_COVERAGE, self._coverage(plain, False) + _MARGIN)
        best: tuple[float, str, Sequence[str], Sequence[list[str]]] | None = None
        for layout in self._layouts(chunks):
            typed = [self._in_layout(layout, chunk) for chunk in chunks]
            words = [terms(chunk, self.language) for chunk in typed]
            coverage = self._coverage(words, False)
            if coverage >= least and (best is None or coverage > best[0]):
                best = (coverage, "layout", typed, words)
        if self._cyrillic and any(is_latin(w) for chunk in plain for w in chunk):
            words = [[skeleton_of_latin(w) if is_latin(w) else w for w in chunk] for chunk in plain]
            coverage = self._coverage(words, True)
            if coverage >= least and (best is None or coverage > best[0]):
                best = (coverage, "transliterated", chunks, words)
        if best is None:
            return None
        if best[1] == "layout":
            return self._with_layout(chunks, plain, best[2], best[3])
        return self._transliterated(chunks, plain)

    def _layouts(self, chunks: Sequence[str]) -> list[tuple[str, int]]:
        """Layout and reading number of every variant any chunk has."""
        found: dict[tuple[str, int], None] = {}
        for chunk in chunks:
            counts: dict[str, int] = {}
            for name, _ in other_layouts(chunk, self.language):
                found[name, counts.get(name, 0)] = None
                counts[name] = counts.get(name, 0) + 1
        return list(found)

    def _in_layout(self, layout: tuple[str, int], chunk: str) -> str:
        readings = [text for name, text in other_layouts(chunk, self.language) if name == layout[0]]
        return readings[min(layout[1], len(readings) - 1)] if readings else chunk

    def _with_layout(
        self,
        chunks: Sequence[str],
        plain: Sequence[list[str]],
        typed: Sequence[str],
        words: Sequence[list[str]],
    ) -> Question:
        kept_chunks, kept = [], []
        for chunk, as_typed, other, as_other in zip(chunks, plain, typed, words, strict=True):
            own = self._coverage([as_typed], False) if any(map(is_plain, as_typed)) else 0.0
            better = own <= self._coverage([as_other], False)
            kept_chunks.append(other if better else chunk)
            kept.append(as_other if better else as_typed)
        found = list(dict.fromkeys(word for chunk in kept for word in chunk))[:WORDS_LIMIT]
        slots, corrections = self._slots(found, "")
        return Question(slots, _replaced(kept_chunks, kept, corrections), ("layout",))

    def _transliterated(self, chunks: Sequence[str], plain: Sequence[list[str]]) -> Question:
        slots: list[Slot] = []
        corrections: dict[str, str] = {}
        for word in list(dict.fromkeys(w for chunk in plain for w in chunk))[:WORDS_LIMIT]:
            if not is_latin(word) or self.views[False].known(word):
                slots.append(Slot(((1.0, (word,)),)))
                continue
            skeleton = skeleton_of_latin(word)
            original = self._commonest(skeleton)
            if original:
                corrections[word] = original
                slots += self._slots([original], "")[0]
            elif skeleton:
                slots.append(Slot(((1.0, (skeleton,)),), skeletons=True))
        return Question(tuple(slots), _replaced(chunks, plain, corrections), ("transliterated",))

    def _commonest(self, skeleton: str) -> str:
        """The index's or the stop list's word with this skeleton; of several, the one most articles have."""
        numbers = self.view(True).having.get("=" + skeleton, [])
        if numbers:
            best = max(numbers, key=lambda n: (len(self._index.postings(n)[0]), -n))
            return self._index.terms[best]
        return self._stop_skeletons.get(skeleton, "")

    @cached_property
    def _stop_skeletons(self) -> Mapping[str, str]:
        return {skeleton_of_cyrillic(word): word for word in sorted(self._rules.stop)}

    # ── slots ──

    def _slots(self, words: Sequence[str], last: str) -> tuple[tuple[Slot, ...], dict[str, str]]:
        slots: list[Slot] = []
        corrections: dict[str, str] = {}
        doubted = [word for word in words if word != last and self._is_doubted(word)][:DOUBTED_LIMIT]
        for position, word in enumerate(words):
            partial = word == last
            others = self._corrections(word) if word in doubted else []
            if others and self._is_told(word, others[0][1][0]):
                corrections[word] = others[0][1][0]
            choices = [*others, (1.0 if not others else 0.9, (word,))]
            choices += self._meant(words, position)
            weight = STOP_WEIGHT if word in self._rules.stop else 1.0
            slots.append(Slot(tuple(choices), weight, False, partial))
        return tuple(slots), corrections

    def _meant(self, words: Sequence[str], position: int) -> list[tuple[float, tuple[str, ...]]]:
        """The synonyms of phrases that begin at this word."""
        found: dict[tuple[str, ...], None] = {}
        for phrase, group in self._synonyms.get(words[position], ()):
            if tuple(words[position : position + len(phrase)]) == phrase:
                found.update((other, None) for other in group if other != phrase)
        return [(SYNONYM_DISCOUNT, other) for other in found]

    def _is_doubted(self, word: str) -> bool:
        """Whether the word may be a typing error."""
        if len(word) < self._corrected_from or not is_plain(word) or word in self._synonyms:
            return False
        return not (self.views[False].known(word) or word in self._rules.stop or word in self._others)

    def _corrections(self, word: str) -> list[tuple[float, tuple[str, ...]]]:
        words, count = self._vocabulary.words, len(self._index.terms)
        far, numbers = self._vocabulary.near(word)
        ranked = sorted(
            (words[n][0] != word[0], -len(self._index.postings(n)[0]) if n < count else 0, n) for n in numbers
        )
        return [(CORRECTION_DISCOUNT[far], (words[n],)) for _, _, n in ranked[:CORRECTIONS_LIMIT]]

    def _is_told(self, word: str, meant: str) -> bool:
        """Short names and abbreviations are like many words: of those that no article has none is said to be meant."""
        return len(word) >= _CORRECTED_FROM or self.views[False].known(meant)

    @cached_property
    def _vocabulary(self) -> Vocabulary:
        """The words that people may have meant: the terms by their numbers, then other words of the language."""
        known = self.views[False].known
        return Vocabulary([*self._index.terms, *sorted(word for word in self._others if not known(word))])


def _by_first_word(
    rules: Rules,
) -> dict[str, list[tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]]]:
    found: dict[str, list[tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]]] = {}
    for group in rules.synonyms:
        for phrase in group:
            found.setdefault(phrase[0], []).append((phrase, group))
    return found


_EDGES = re.compile(r"^([^\w]*)(.*?)([^\w]*)$", re.S)


def _replaced(chunks: Sequence[str], plain: Sequence[Sequence[str]], corrections: Mapping[str, str]) -> str:
    """The question with corrected words, and the punctuation around them as it was."""
    shown = []
    for chunk, words in zip(chunks, plain, strict=True):
        if len(words) == 1 and words[0] in corrections:
            edges = _EDGES.match(chunk)
            assert edges is not None
            shown.append(edges[1] + corrections[words[0]] + edges[3])
        else:
            shown.append(
                " ".join(corrections.get(w, w) for w in words) if _any(words, corrections) else chunk
            )
    return " ".join(shown)


def _any(words: Sequence[str], corrections: Mapping[str, str]) -> bool:
    return any(word in corrections for word in words)
