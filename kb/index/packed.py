"""The browser's index: one file with the texts of all articles, from which ``search/engine.js`` rebuilds the rest.

Postings and features follow from the texts, so only the texts are sent, as numbers of tokens. Layout, before
it is compressed as raw deflate behind the four bytes ``KBS1`` (by us, so that its size does not depend on what a
host makes of an unknown file type)::

    u32 length of header | header, JSON | dictionary, UTF-8 | tokens

A token is the core of a chunk (white space apart), punctuation bound to its left or right, or the end of a line.
Numbers below ``COMMON`` are the commonest tokens, one byte; the rest are sorted, with the number of leading
characters each shares with the one before it. Number 0 ends a field; an article's fields are title, tags,
questions, then heading and text of each section.
"""

import json
import re
import unicodedata
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from struct import pack
from typing import Any

from kb.index.document import Document
from kb.index.terms import TERMS_VERSION, WORD, normalise, terms

MAGIC = b"KBS1"
FORMAT = 1
COMMON = 128
_TWO_BYTES = COMMON + (1 << 14)
_SHARED_LIMIT = 60
_LEVEL = 6
"""Of compression; 9 takes twice as long for a file 0.3 % smaller."""
_END = ""
_TO_LEFT, _TO_RIGHT, _LINE_END = "\x02", "\x03", "\x04"
_BINDING = str.maketrans(dict.fromkeys((_TO_LEFT, _TO_RIGHT, _LINE_END), ""))
_EDGES = re.compile(rf"^((?:(?!{WORD}).)*)(.*{WORD})((?:(?!{WORD}).)*)$", re.S)
_WORD = re.compile(WORD)


@dataclass(slots=True)
class Tokens:
    """Cuts texts into tokens and terms, each distinct chunk once."""

    language: str
    _chunks: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = field(default_factory=dict)

    def read(self, text: str) -> tuple[list[str], list[str]]:
        """The tokens and the terms of a text, in order."""
        tokens: list[str] = []
        found: list[str] = []
        known = self._chunks
        if not text.isascii():
            text = unicodedata.normalize("NFC", text)
        for line in text.strip().split("\n"):
            if tokens:
                tokens.append(_LINE_END)
            for chunk in line.split():
                entry = known.get(chunk)
                if entry is None:
                    entry = known[chunk] = (_tokens(chunk), tuple(terms(chunk, self.language)))
                tokens += entry[0]
                found += entry[1]
        return tokens, found

    def surfaces(self) -> dict[str, str]:
        """Term → how it is written, for each chunk that is one word."""
        found: dict[str, str] = {}
        for tokens, of_chunk in self._chunks.values():
            if len(of_chunk) == 1:
                word = next((t for t in tokens if t[0] > _LINE_END), "").lower()
                if word and word < found.get(of_chunk[0], "\U0010ffff"):
                    found[of_chunk[0]] = word
        return found


def _tokens(chunk: str) -> tuple[str, ...]:
    chunk = chunk.translate(_BINDING)
    match = _EDGES.match(chunk)
    if match is None:
        return (chunk,) if chunk else ()
    left, core, right = match.groups()
    if any(not edge.isascii() and _WORD.search(normalise(edge)) for edge in (left, right)):
        return (chunk,)  # such as ℃: no letter as it stands, but one when normalised
    return tuple(part for part in (left and _TO_RIGHT + left, core, right and _TO_LEFT + right) if part)


def pack_index(
    documents: Sequence[Document],
    tokens: Sequence[Sequence[Sequence[str]]],
    header: Mapping[str, Any],
) -> bytes:
    """The file's bytes. ``tokens`` are those of each document's fields, as :meth:`Tokens.read` gave them."""
    flat: list[str] = []
    for fields in tokens:
        for of_field in fields:
            flat += of_field
            flat.append(_END)
    counts = Counter(flat)
    del counts[_END]
    ranked = sorted(counts, key=lambda token: (-counts[token], token))
    common, rest = ranked[: COMMON - 1], sorted(ranked[COMMON - 1 :])
    codes = {token: _code(number) for number, token in enumerate([*common, *rest], 1)}
    codes[_END] = _code(0)
    stream = b"".join(map(codes.__getitem__, flat))
    dictionary = "\n".join([*common, *_front_coded(rest)]).encode()
    about = {
        "format": FORMAT,
        "terms": TERMS_VERSION,
        **header,
        "dictionary": len(dictionary),
        "tokens": len(stream),
        "articles": _columns(documents),
    }
    head = json.dumps(about, ensure_ascii=False, separators=(",", ":")).encode()
    compress = zlib.compressobj(_LEVEL, zlib.DEFLATED, -15, 9)
    payload = pack("<I", len(head)) + head + dictionary + stream
    return MAGIC + compress.compress(payload) + compress.flush()


def _columns(documents: Sequence[Document]) -> Mapping[str, Any]:
    """What the texts do not say; an address or language that follows from the rest is left empty."""
    return {
        "id": [d.id for d in documents],
        "url": ["" if d.url == f"{d.id}/" else d.url for d in documents],
        "category": ["" if d.category == d.id.rpartition("/")[0] else d.category for d in documents],
        "origin": ["" if d.origin == "written" else d.origin for d in documents],
        "questions": [len(d.questions) for d in documents],
        "anchors": [[s.anchor for s in d.sections] for d in documents],
    }


def _code(number: int) -> bytes:
    if number < COMMON:
        return bytes((number,))
    if number < _TWO_BYTES:
        rest = number - COMMON
        return bytes((0x80 | rest >> 8, rest & 0xFF))
    rest = number - _TWO_BYTES
    return bytes((0xC0 | rest >> 16, rest >> 8 & 0xFF, rest & 0xFF))


def _front_coded(tokens: Sequence[str]) -> list[str]:
    found = []
    before = ""
    for token in tokens:
        shared = 0
        # Stops before characters that JavaScript counts as two.
        for own, other in zip(token[:_SHARED_LIMIT], before, strict=False):
            if own != other or own >= "\ud800":
                break
            shared += 1
        found.append(chr(0x20 + shared) + token[shared:])
        before = token
    return found
