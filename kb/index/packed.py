"""The browser's index: one file with the texts of all articles, from which ``search/engine.js`` rebuilds the rest.

Postings and features follow from the texts, so only the texts are sent, as numbers of tokens. Layout, before
it is compressed as raw deflate behind the four bytes ``KBS1`` (by us, so that its size does not depend on what a
host makes of an unknown file type)::

    u32 length of header | header, JSON | dictionary, UTF-8 | tokens

A token is the core of a chunk (white space apart), punctuation bound to its left or right, or the end of a line.
Numbers below ``COMMON`` are the commonest tokens, one byte; the rest are sorted, with the number of leading
characters each shares with the one before it. Number 0 ends a field; an article's fields are title, tags,
questions, then heading and text of each section.

The file follows from its articles alone. What it was packed from is kept in parts (:class:`Packed`), so that the
next one costs what changed: articles as characters of an alphabet of their own, in which a token keeps its character
while its number changes; the streams of numbers; and the stretches that were compressed, which end where an article
says so, not at a distance from the beginning.
"""

import json
import re
import unicodedata
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from struct import pack
from typing import Any

import msgspec

from kb.index.document import Document
from kb.index.terms import TERMS_VERSION, WORD, normalise, terms
from kb.index.vocabulary import Vocabulary, Words

MAGIC = b"KBS1"
FORMAT = 1
_LEVEL = 6
"""Of compression; 9 takes twice as long for a file 0.3 % smaller."""
_MEMORY_LEVEL = 9
_WINDOW = 1 << 15
_STRETCH = 1 << 15
"""Bytes that are compressed as one, at least. Shorter ones take longer; these are smaller by 1 % than the whole as one
would be, since each has codes of its own."""
_ENDS_STRETCH = 8
"""One in so many pieces may end a stretch, by its hash: so the others begin where they did, whatever was edited."""
_LAST_BLOCK = b"\x03\x00"
"""An empty one, which ends a deflate stream."""
_ZLIB = zlib.ZLIB_RUNTIME_VERSION.encode()
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
                row = known.get(chunk)
                if row is None:
                    row = known[chunk] = (_tokens(chunk), tuple(terms(chunk, self.language)))
                tokens += row[0]
                found += row[1]
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


class Row(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An article of the file. ``key`` is a hash of all it follows from."""

    key: bytes
    length: int
    """Its terms."""
    columns: list[bytes]
    """What the header says of it: JSON behind a comma, in the order of :data:`_COLUMNS`."""
    text: str
    """Its tokens, as :class:`Vocabulary` writes them."""


class Packed(msgspec.Struct, frozen=True, array_like=True):
    """A file's parts, for the next one to be packed from."""

    rows: list[Row]
    words: Words
    streams: list[bytes]
    """Each article's tokens as numbers."""
    stretches: dict[bytes, bytes]
    """Hash of some bytes, and of those before them → these bytes compressed."""


@dataclass(frozen=True, slots=True)
class Cut:
    """A document cut into the tokens of each of its fields; ``length`` is its number of terms."""

    document: Document
    tokens: Sequence[Sequence[str]]
    length: int


def pack_index(
    keys: Sequence[bytes],
    cut: Callable[[int], Cut],
    header: Mapping[str, Any],
    before: Packed | None = None,
) -> tuple[bytes, Packed]:
    """The file's bytes, and its parts.

    ``keys`` are those of the articles, in their order; ``cut`` is asked by number for those that are not ``before``.
    """
    before = before or Packed([], Words([], "", [], [], []), [], {})
    vocabulary = Vocabulary(before.words)
    known = {row.key: at for at, row in enumerate(before.rows)}
    places = [known.pop(key, None) for key in keys]
    rows = [
        before.rows[at] if at is not None else _row(key, cut(number), vocabulary)
        for number, (key, at) in enumerate(zip(keys, places, strict=True))
    ]
    # Whatever was not taken over: of articles with the same key, all but one are.
    for at in set(range(len(before.rows))).difference(places):
        vocabulary.drop(before.rows[at].text)
    words = vocabulary.words()
    encode = words.encoder()
    if words.numbered_as(before.words):
        streams = [
            before.streams[at] if at is not None else encode(row.text)
            for at, row in zip(places, rows, strict=True)
        ]
    else:
        streams = [encode(row.text) for row in rows]
    dictionary = words.dictionary()
    about = {
        "format": FORMAT,
        "terms": TERMS_VERSION,
        **header,
        "dictionary": len(dictionary),
        "tokens": sum(map(len, streams)),
    }
    columns = _columns(rows)
    head = json.dumps(about, ensure_ascii=False, separators=(",", ":")).encode()[:-1]
    length = len(head) + sum(map(len, columns))
    parts = ([pack("<I", length), head], columns, [dictionary], streams)
    stretches = [found for part in parts for found in _compressed(part, before.stretches)]
    data = b"".join([MAGIC, *(packed for _, packed in stretches), _LAST_BLOCK])
    return data, Packed(rows, words, streams, dict(stretches))


def _row(key: bytes, cut: Cut, vocabulary: Vocabulary) -> Row:
    columns = [b"," + _JSON(value(cut.document)).encode() for value in _COLUMNS.values()]
    return Row(key, cut.length, columns, vocabulary.take(cut.tokens))


_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_COLUMNS: Mapping[str, Callable[[Document], object]] = {
    "id": lambda d: d.id,
    "url": lambda d: "" if d.url == f"{d.id}/" else d.url,
    "category": lambda d: "" if d.category == d.id.rpartition("/")[0] else d.category,
    "origin": lambda d: "" if d.origin == "written" else d.origin,
    "questions": lambda d: len(d.questions),
    "anchors": lambda d: [s.anchor for s in d.sections],
}
"""What the texts do not say; an address or language that follows from the rest is left empty."""


def _columns(rows: Sequence[Row]) -> list[bytes]:
    """The end of the header."""
    pieces = [b',"articles":{']
    for at, name in enumerate(_COLUMNS):
        values = [row.columns[at] for row in rows]
        values[:1] = [first[1:] for first in values[:1]]
        pieces += [b'%s"%s":[' % (b"," if at else b"", name.encode()), *values, b"]"]
    return [*pieces, b"}}"]


def _compressed(pieces: Iterable[bytes], known: Mapping[bytes, bytes]) -> Iterator[tuple[bytes, bytes]]:
    """Stretches of deflate blocks that end at a byte, each under its hash."""
    window = b""
    for data in _stretches(pieces):
        key = sha256(b"%s %d " % (_ZLIB, len(window)) + window + data).digest()[:16]
        yield key, known.get(key) or _deflated(data, window)
        window = data[-_WINDOW:]


def _stretches(pieces: Iterable[bytes]) -> Iterator[bytes]:
    gathered: list[bytes] = []
    size = 0
    for piece in pieces:
        gathered.append(piece)
        size += len(piece)
        if size >= _STRETCH and zlib.crc32(piece) % _ENDS_STRETCH == 0:
            yield b"".join(gathered)
            gathered, size = [], 0
    yield b"".join(gathered)


def _deflated(data: bytes, window: bytes) -> bytes:
    compress = zlib.compressobj(_LEVEL, zlib.DEFLATED, -15, _MEMORY_LEVEL, zlib.Z_DEFAULT_STRATEGY, window)
    return compress.compress(data) + compress.flush(zlib.Z_SYNC_FLUSH)
