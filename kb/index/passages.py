"""The part of an article that answers, with the words that made it so marked. Twin of ``search/passages.js``."""

import re
from collections.abc import Callable, Mapping, Sequence

from kb.index.document import Passage, Section
from kb.index.terms import WORD

LENGTH = 180
"""Characters a passage has at least, where its section has as many."""
LENGTH_LIMIT = 280
MARK_FROM = 0.5
HEADING_SHARE = 0.5
_SENTENCE_LIMIT_CHUNKS = 40
_ENDS = tuple(".!?…。！？؟।")
_PAUSES = (*_ENDS, ":", ";", ",", "،", "؛")
_CORE = re.compile(rf"{WORD}(?:.*{WORD})?", re.S)
_CHUNK = re.compile(r"\S+")

Likeness = Mapping[str, tuple[int, float]]
"""Term → (slot it matches, its value: likeness × rarity); of several slots, the most valuable."""


def best(
    sections: Sequence[Section], likeness: Likeness, to_terms: Callable[[str], Sequence[str]]
) -> Passage:
    """The sentence with most of what was asked for, and what follows it up to a readable length."""
    found: tuple[float, int, int] | None = None
    cut = [_sentences(section.text) for section in sections]
    for number, section in enumerate(sections):
        heading = HEADING_SHARE * _value(section.heading, likeness, to_terms)
        for position, (start, end) in enumerate(cut[number]):
            value = heading + _value(section.text[start:end], likeness, to_terms)
            if found is None or value > found[0] + 1e-9:
                found = (value, number, position)
    if found is None:
        return Passage("", *((sections[0].anchor, sections[0].heading) if sections else ("", "")))
    _, number, position = found
    section = sections[number]
    text = _extended(section.text, cut[number], position)
    return Passage(text, section.anchor, section.heading, _marks(text, likeness, to_terms))


def _sentences(text: str) -> list[tuple[int, int]]:
    spans: list[tuple[int, int]] = []
    start, end, count = -1, 0, 0
    for match in _CHUNK.finditer(text):
        if start < 0:
            start = match.start()
        end = match.end()
        count += 1
        ended = text[end : end + 1] == "\n" or match.group().rstrip("\"')»”’]").endswith(_ENDS)
        if ended or count >= _SENTENCE_LIMIT_CHUNKS:
            spans.append((start, end))
            start, count = -1, 0
    if start >= 0:
        spans.append((start, end))
    return spans


def _value(text: str, likeness: Likeness, to_terms: Callable[[str], Sequence[str]]) -> float:
    values: dict[int, float] = {}
    for chunk in text.split():
        for term in to_terms(chunk):
            if term in likeness:
                slot, value = likeness[term]
                if value > values.get(slot, 0.0):
                    values[slot] = value
    return sum(values.values())


def _extended(text: str, spans: Sequence[tuple[int, int]], position: int) -> str:
    start, end = spans[position]
    for _, following in spans[position + 1 :]:
        if end - start >= LENGTH or following - start > LENGTH_LIMIT:
            break
        end = following
    passage = _in_one_line(text[start:end])
    if len(passage) <= LENGTH_LIMIT:
        return passage
    space = passage.rfind(" ", 0, LENGTH_LIMIT)
    return passage[: space if space > LENGTH else LENGTH_LIMIT].rstrip() + "…"


def _in_one_line(text: str) -> str:
    """List items and rows that end without a full stop would run together."""
    first, *others = text.split("\n")
    for line in others:
        ended = first.rstrip("\"')»”’]").endswith(_PAUSES)
        first += (" " if ended else " • ") + line
    return first


def _marks(
    text: str, likeness: Likeness, to_terms: Callable[[str], Sequence[str]]
) -> tuple[tuple[int, int], ...]:
    marks = []
    for match in _CHUNK.finditer(text):
        if any(term in likeness for term in to_terms(match.group())):
            core = _CORE.search(match.group())
            if core:
                marks.append((match.start() + core.start(), match.start() + core.end()))
    return tuple(marks)
