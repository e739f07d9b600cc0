"""The browser's index: one file with the texts of all articles, from which ``search/engine.js`` rebuilds the rest.

Postings and features follow from the texts, so only the texts are sent, as numbers of tokens. Layout, before
it is compressed as raw deflate behind the four bytes ``KBS1`` (by us, so that its size does not depend on what a
host makes of an unknown file type)::

    u32 length of header | header, JSON | dictionary, UTF-8 | words of each part | tokens of each part

A token is the core of a chunk (white space apart), punctuation bound to its left or right, or the end of a line. The
dictionary has them all in sorted order, one a line, each behind the number of leading characters it shares with the one
before. A part is some articles with numbers of their own for their tokens: below ``COMMON`` its commonest ones, in one
byte, the others from there on; the part's words say which are meant (:meth:`Words.steps`). Number 0 ends a field; an
article's fields are title, tags, questions, then heading and text of each section. The header's ``parts`` are, of each,
its number of words and its bytes of tokens; its ``anchors`` are 1 where they follow from the heading.

The file follows from its articles alone. What it was packed from is kept (:class:`Packed`), so that the next one
costs what changed: parts, and the stretches of the header that were compressed, end where the id of an article says
so, not at a distance from the beginning.
"""

import re
import unicodedata
import zlib
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from hashlib import sha256
from itertools import accumulate
from struct import pack
from typing import Any

import msgspec

from kb.index.document import Document, Section
from kb.index.terms import TERMS_VERSION, normalise, terms, word_in
from kb.index.vocabulary import Vocabulary, Words

MAGIC = b"KBS1"
FORMAT = 2
_LEVEL = 7
"""Of compression; more takes longer than it saves."""
_MEMORY_LEVEL = 9
_WINDOW = 1 << 15
_STRETCH = 1 << 15
"""Bytes of the header that are compressed as one, at least."""
_PART = 50_000
"""Tokens of a part, at least: with fewer the words of the parts take more room, with more an edit takes longer."""
_ENDS_STRETCH, _ENDS_PART = 8, 16
"""One in so many pieces may end a stretch, and articles a part, by a hash: so the others begin where they did."""
_LAST_BLOCK = b"\x03\x00"
"""An empty one, which ends a deflate stream."""
_ZLIB = zlib.ZLIB_RUNTIME_VERSION.encode()
_TO_LEFT, _TO_RIGHT, _LINE_END = "\x02", "\x03", "\x04"
_BINDING = str.maketrans(dict.fromkeys((_TO_LEFT, _TO_RIGHT, _LINE_END), ""))
_PLAIN = re.compile("[ -~À-ÖØ-öø-įĲ-ňŊ-žЀ-ӿא-תء-غف-ي،؛؟«»‘-„…–—]*")
_NO_SLUG = re.compile(r"[!-,./:-@\[-^`{-~،؛؟«»‘-„…–—]")
"""What anchors have not of their headings; ``search/packed.js`` has the same."""


@cache
def _edges(word: str) -> re.Pattern[str]:
    return re.compile(rf"^((?:(?!{word}).)*)(.*{word})((?:(?!{word}).)*)$", re.S)


class Tokens(msgspec.Struct):
    """Cuts texts into tokens and terms, each distinct chunk once."""

    language: str
    _chunks: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = msgspec.field(default_factory=dict)

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
    match = _edges(word_in(chunk)).match(chunk)
    if match is None:
        return (chunk,) if chunk else ()
    left, core, right = match.groups()
    if any(not edge.isascii() and _has_word(normalise(edge)) for edge in (left, right)):
        return (chunk,)  # such as ℃: no letter as it stands, but one when normalised
    return tuple(part for part in (left and _TO_RIGHT + left, core, right and _TO_LEFT + right) if part)


def _has_word(text: str) -> bool:
    return re.search(word_in(text), text) is not None


class Row(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An article of the file. ``key`` is a hash of all it follows from."""

    key: bytes
    length: int
    """Its terms."""
    columns: list[bytes]
    """What the header says of it: JSON behind a comma, in the order of :data:`_COLUMNS`."""
    size: int
    """Its tokens."""
    text: bytes
    """They, as :class:`Vocabulary` writes them."""


class Part(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Some articles. ``key`` is the hash of theirs."""

    key: bytes
    signs: str
    """Its words in the order of their numbers."""
    size: int
    """Bytes of its tokens."""
    packed: bytes
    """Its tokens, compressed."""


class Packed(msgspec.Struct, frozen=True, array_like=True):
    """What a file was packed from, for the next one."""

    rows: list[Row]
    words: Words
    parts: list[Part]
    stretches: dict[bytes, bytes]
    """Hash of some bytes, and of those before them → these bytes compressed."""


class Cut(msgspec.Struct, frozen=True):
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
    before = before or Packed([], Words([], "", []), [], {})
    vocabulary = Vocabulary(before.words)
    known = {row.key: row for row in before.rows}
    rows = [known.get(key) or _row(key, cut(number), vocabulary) for number, key in enumerate(keys)]
    parts = _parts(rows, vocabulary, before.parts)
    words = vocabulary.words(part.signs for part in parts)
    dictionary, steps = words.dictionary(), words.steps([part.signs for part in parts])
    about = {
        "format": FORMAT,
        "terms": TERMS_VERSION,
        **header,
        "dictionary": len(dictionary),
        "words": len(steps),
        "parts": [(len(part.signs), part.size) for part in parts],
    }
    columns = _columns(rows)
    head = msgspec.json.encode(about)[:-1]
    length = pack("<I", len(head) + sum(map(len, columns)))
    sections: list[list[bytes]] = [[length, head], columns, [dictionary], [steps]]
    stretches = [found for section in sections for found in _compressed(section, before.stretches)]
    packed = [*(data for _, data in stretches), *(part.packed for part in parts)]
    data = b"".join([MAGIC, *packed, _LAST_BLOCK])
    return data, Packed(rows, words, parts, dict(stretches))


def _parts(rows: Sequence[Row], vocabulary: Vocabulary, before: Iterable[Part]) -> list[Part]:
    known = {part.key: part for part in before}
    found: list[Part] = []
    for some in _grouped(rows):
        key = sha256(b"%s %d " % (_ZLIB, len(some)) + b"".join([row.key for row in some])).digest()[:16]
        part = known.get(key)
        if part is None:
            signs, data = vocabulary.numbered(row.text for row in some)
            part = Part(key, signs, len(data), _deflated(data))
        found.append(part)
    return found


def _grouped(rows: Sequence[Row]) -> Iterator[list[Row]]:
    gathered: list[Row] = []
    size = 0
    for row in rows:
        gathered.append(row)
        size += row.size
        if size >= _PART and zlib.crc32(row.columns[0]) % _ENDS_PART == 0:
            yield gathered
            gathered, size = [], 0
    if gathered:
        yield gathered


def _row(key: bytes, cut: Cut, vocabulary: Vocabulary) -> Row:
    columns = [b"," + msgspec.json.encode(value(cut.document)) for value in _COLUMNS.values()]
    size = sum(map(len, cut.tokens))
    return Row(key, cut.length, columns, size, vocabulary.text(cut.tokens))


_COLUMNS: Mapping[str, Callable[[Document], object]] = {
    "id": lambda d: d.id,
    "url": lambda d: "" if d.url == f"{d.id}/" else d.url,
    "category": lambda d: "" if d.category == d.id.rpartition("/")[0] else d.category,
    "origin": lambda d: "" if d.origin == "written" else d.origin,
    "questions": lambda d: len(d.questions),
    "anchors": lambda d: [int(follows(s)) or s.anchor for s in d.sections],
}
"""What the texts do not say; an address or category that follows from the rest is left empty."""


def follows(section: Section) -> bool:
    """Whether the browser can tell a section's anchor from its heading.

    It can where both know what the small letters are: runtimes of different age disagree on some.
    """
    anchor, heading = section.anchor, section.heading
    if not anchor:
        return False
    heading = " ".join((heading if heading.isascii() else unicodedata.normalize("NFC", heading)).split())
    return anchor == _NO_SLUG.sub("", heading.lower()).replace(" ", "-") and bool(_PLAIN.fullmatch(heading))


def _columns(rows: Sequence[Row]) -> list[bytes]:
    """The end of the header."""
    pieces = [b',"articles":{']
    for at, name in enumerate(_COLUMNS):
        values = [row.columns[at] for row in rows]
        values[:1] = [first[1:] for first in values[:1]]
        pieces += [b'%s"%s":[' % (b"," if at else b"", name.encode()), *values, b"]"]
    return [*pieces, b"}}"]


def _compressed(pieces: Sequence[bytes], known: Mapping[bytes, bytes]) -> Iterator[tuple[bytes, bytes]]:
    """Stretches of deflate blocks that end at a byte, each under its hash."""
    window = b""
    for data in _stretches(pieces):
        key = sha256(b"%s %d " % (_ZLIB, len(window)) + window + data).digest()[:16]
        yield key, known.get(key) or _deflated(data, window)
        window = data[-_WINDOW:]


def _stretches(pieces: Sequence[bytes]) -> Iterator[bytes]:
    data = b"".join(pieces)
    ends = list(accumulate(map(len, pieces)))
    start = at = 0
    # Most pieces end no stretch because it is too short: they are not looked at.
    while (at := bisect_left(ends, start + _STRETCH, at)) < len(pieces):
        if zlib.crc32(pieces[at]) % _ENDS_STRETCH == 0:
            yield data[start : ends[at]]
            start = ends[at]
        at += 1
    yield data[start:]


def _deflated(data: bytes, window: bytes = b"") -> bytes:
    compress = zlib.compressobj(_LEVEL, zlib.DEFLATED, -15, _MEMORY_LEVEL, zlib.Z_DEFAULT_STRATEGY, window)
    return compress.compress(data) + compress.flush(zlib.Z_SYNC_FLUSH)
