"""The index on disk, through Whoosh; no other module imports it.

Whoosh holds each article's stored fields and, for each term, the articles with it and how often. Ranking is
ours (:mod:`kb.index.ranking`), because the browser must reckon the same. Whoosh unpickles its own table of
contents, so an index is opened only from where the build wrote it.

Whoosh writes its files once. Articles that changed since then lie beside them in one small file, and are merged
as they are read, so that an edit costs what the edited article costs; when they grow to a share of all articles, the
whole is written again. What is read is the same either way. Files, beside Whoosh's own: ``articles.bin``, the articles
that Whoosh holds; ``changes.bin``, the order of today's articles and those that Whoosh does not hold; ``about.json``.
"""

import json
import re
import sys
from array import array
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from whoosh import index
from whoosh.analysis import IDAnalyzer
from whoosh.fields import STORED, FieldType, Schema
from whoosh.formats import Frequency

from kb.errors import SearchIndexError
from kb.index.centroids import centroids
from kb.index.linking import link_or_copy
from kb.index.terms import TERMS_VERSION

_T = TypeVar("_T")

FORMAT = 3
_ABOUT = "about.json"
_ARTICLES = "articles.bin"
_CHANGES = "changes.bin"
_VECTORS = "vectors.bin"
_WHOOSH = re.compile(r"_?MAIN_.*")
"""Its own files; they are never changed, as little as ``articles.bin``."""
_WRITER_MEMORY_MB = 64
_CHANGES_LEAST = 32
_CHANGES_SHARE = 8
"""Whoosh's files are written again when more articles than these, and one in so many, have changed."""


class TermCounts(FieldType):  # type: ignore[misc]  # Whoosh is not typed
    """A field whose value is a mapping of terms to counts: our terms, not an analyser's."""

    def __init__(self) -> None:
        super().__init__(Frequency(), IDAnalyzer())

    def index(
        self, value: Mapping[str, int], **options: Any
    ) -> Generator[tuple[bytes, int, float, bytes], Any, None]:
        for term, count in value.items():
            yield term.encode(), count, float(count), b""


class Content(msgspec.Struct, frozen=True, array_like=True):
    """An article as the index holds it."""

    texts: list[list[str]]
    """The terms of each of its texts, in order."""
    weights: list[int]
    """What a term counts in each text."""
    stored: str
    """JSON."""

    def counts(self) -> Counter[str]:
        """How often the article has each term."""
        counts: Counter[str] = Counter()
        for text, weight in zip(self.texts, self.weights, strict=True):
            for term in text:
                counts[term] += weight
        return counts


@dataclass(frozen=True, slots=True)
class Entry:
    """An article to be indexed; ``content`` is asked for only where it is not known. ``key`` is a hash of it and of the
    code that made it."""

    key: bytes
    content: Callable[[], Content]


class _Held(msgspec.Struct, frozen=True, array_like=True):
    """An article that Whoosh holds: the numbers of its texts' distinct terms in sorted order, and how often each."""

    key: bytes
    terms: list[bytes]
    times: list[bytes]


class _Changes(msgspec.Struct, frozen=True):
    """``order``: for each article its number in Whoosh, or, below zero, the place in ``added`` from its end."""

    order: list[int]
    keys: list[bytes]
    added: list[Content]


def write(
    folder: Path,
    entries: Sequence[Entry],
    about: Mapping[str, Any],
    *,
    vectors: bytes = b"",
    before: Path | None = None,
) -> None:
    """An index in ``folder``, which must be empty or not exist.

    ``vectors`` is the file of the table of word vectors. ``before`` is an index of earlier: its files
    are linked where few articles differ; they are never written to.
    """
    folder.mkdir(parents=True, exist_ok=True)
    changes = _changes(before, entries) if before else None
    if changes is None or before is None or not _linked(before, folder):
        for leftover in folder.iterdir():
            leftover.unlink()
        _write_all(folder, entries)
        changes = _Changes(list(range(len(entries))), [], [])
    (folder / _CHANGES).write_bytes(msgspec.msgpack.encode(changes))
    if vectors:
        (folder / _VECTORS).write_bytes(vectors)
    text = json.dumps({"format": FORMAT, "terms": TERMS_VERSION, **about}, ensure_ascii=False)
    (folder / _ABOUT).write_text(text, "utf-8")


def _write_all(folder: Path, entries: Sequence[Entry]) -> None:
    made = index.create_in(str(folder), Schema(article=STORED, terms=TermCounts()))
    writer = made.writer(limitmb=_WRITER_MEMORY_MB)
    texts: list[list[Counter[str]]] = []
    words: set[str] = set()
    for entry in entries:
        content = entry.content()
        texts.append([Counter(text) for text in content.texts])
        counts = content.counts()
        words.update(counts)
        writer.add_document(terms=counts, article=content.stored)
    writer.commit(merge=False)
    made.close()
    numbers = {
        term: number for number, term in enumerate(sorted(words))
    }  # as Whoosh sorts them: UTF-8 keeps the order
    held = [_held(entry.key, of_article, numbers) for entry, of_article in zip(entries, texts, strict=True)]
    (folder / _ARTICLES).write_bytes(msgspec.msgpack.encode(held))


def _held(key: bytes, texts: Sequence[Mapping[str, int]], numbers: Mapping[str, int]) -> _Held:
    return _Held(
        key,
        [_little([numbers[term] for term in text]) for text in texts],
        [_little(text.values()) for text in texts],
    )


def _changes(before: Path, entries: Sequence[Entry]) -> _Changes | None:
    """What differs from an index of earlier, or None when the index had better be written anew."""
    try:
        held = {each.key: number for number, each in enumerate(_read_held(before))}
        old = _decode(before / _CHANGES, _Changes)
        _about(before)
    except SearchIndexError:
        return None
    known = dict(zip(old.keys, old.added, strict=True))
    order: list[int] = []
    keys: list[bytes] = []
    added: list[Content] = []
    kept = 0
    for entry in entries:
        number = held.get(entry.key)
        if number is not None:
            order.append(number)
            kept += 1
            continue
        order.append(-1 - len(added))
        keys.append(entry.key)
        added.append(known.get(entry.key) or entry.content())
    differing = len(added) + len(held) - kept
    if differing > max(_CHANGES_LEAST, len(entries) // _CHANGES_SHARE):
        return None
    return _Changes(order, keys, added)


def _linked(before: Path, folder: Path) -> bool:
    try:
        for file in before.iterdir():
            if file.name == _ARTICLES or _WHOOSH.fullmatch(file.name):
                link_or_copy(file, folder / file.name)
    except OSError:
        return False
    return True


class DiskIndex:
    """An index opened for reading; terms are numbered in sorted order, articles as they were written.

    Raises:
        SearchIndexError: there is none, it is damaged, or another version made it.
    """

    def __init__(self, folder: Path) -> None:
        self.about = _about(folder)
        try:
            self._reader = index.open_dir(str(folder), readonly=True).reader()
        except (index.IndexError, OSError, ValueError) as error:
            raise SearchIndexError(f"{folder}: damaged search index: {error}", hint=_HINT) from error
        changes = _decode(folder / _CHANGES, _Changes)
        self._held = _read_held(folder)
        self._order, self._added = changes.order, changes.added
        self._place = {held: number for number, held in enumerate(self._order)}
        """Number in Whoosh, or place in what was added → article."""
        self._as_written = self._order == list(range(self._reader.doc_count_all()))
        self._new = self._postings_of_added()
        lexicon = [key.decode() for key in self._reader.lexicon("terms")]
        self._lexicon = lexicon
        self.terms: Sequence[str] = lexicon if self._as_written else self._present(lexicon)
        vectors = folder / _VECTORS
        self.vectors = vectors.read_bytes() if vectors.is_file() else b""
        self._stored: dict[int, Mapping[str, Any]] = {}
        self._postings: dict[int, tuple[list[int], list[int]]] = {}

    def postings(self, term: int) -> tuple[list[int], list[int]]:
        """Articles with the term, ascending, and how often each has it."""
        found = self._postings.get(term)
        if found is None:
            found = self._postings[term] = self._read(self.terms[term])
        return found

    def shares(self, term: int) -> Sequence[float]:
        """What the term weighs in each of the articles of :meth:`postings`."""
        return self._shares[term]

    def article(self, number: int) -> Mapping[str, Any]:
        """What was stored of the article."""
        stored = self._stored.get(number)
        if stored is None:
            held = self._order[number]
            text = self._added[-1 - held].stored if held < 0 else self._reader.stored_fields(held)["article"]
            stored = self._stored[number] = json.loads(text)
        return stored

    def close(self) -> None:
        self._reader.close()

    @cached_property
    def _shares(self) -> list["array[float]"]:
        """By term. Every article's depend on how many articles have each of its words, so no file could keep them."""
        numbers = {term: number for number, term in enumerate(self.terms)}
        now = [numbers.get(term, -1) for term in self._lexicon]
        held, self._held = self._held, []
        articles: list[list[dict[int, int]]] = []
        for at in self._order:
            if at < 0:
                texts = [Counter(text) for text in self._added[-1 - at].texts]
                articles.append([{numbers[term]: n for term, n in text.items()} for text in texts])
            else:
                pairs = zip(held[at].terms, held[at].times, strict=True)
                articles.append(
                    [
                        dict(zip(map(now.__getitem__, _numbers(terms)), _numbers(times), strict=True))
                        for terms, times in pairs
                    ]
                )
        shares = [array("f") for _ in self.terms]
        for of_article in centroids(articles):
            for term, share in of_article.items():
                shares[term].append(share)
        return shares

    def _postings_of_added(self) -> dict[str, list[tuple[int, int]]]:
        """Term → (article, how often), of the articles that Whoosh does not hold."""
        found: dict[str, list[tuple[int, int]]] = {}
        for place, content in enumerate(self._added):
            for term, count in content.counts().items():
                found.setdefault(term, []).append((self._place[-1 - place], count))
        return found

    def _present(self, lexicon: Sequence[str]) -> list[str]:
        """All terms of today's articles: an edit may have taken the last article of one."""
        gone: Counter[int] = Counter()
        for number, held in enumerate(self._held):
            if number not in self._place:
                gone.update({term for text in held.terms for term in _numbers(text)})
        lost = {
            lexicon[term]
            for term, holders in gone.items()
            if self._reader.doc_frequency("terms", lexicon[term].encode()) == holders
        }
        return sorted((set(lexicon) - lost) | set(self._new))

    def _read(self, term: str) -> tuple[list[int], list[int]]:
        found = self._read_whoosh(term.encode())
        if self._as_written:
            return found
        places = zip(map(self._place.get, found[0]), found[1], strict=True)
        merged = [(article, count) for article, count in places if article is not None]
        merged = sorted(merged + self._new.get(term, []))
        return [article for article, _ in merged], [count for _, count in merged]

    def _read_whoosh(self, key: bytes) -> tuple[list[int], list[int]]:
        articles: list[int] = []
        counts: list[int] = []
        if not self._as_written and ("terms", key) not in self._reader:
            return articles, counts
        matcher = self._reader.postings("terms", key)
        while matcher.is_active():
            articles.append(matcher.id())
            counts.append(int(matcher.weight()))
            matcher.next()
        return articles, counts


_HINT = "run 'kb build' to make it anew"


def _about(folder: Path) -> Mapping[str, Any]:
    try:
        about: Mapping[str, Any] = json.loads((folder / _ABOUT).read_text("utf-8"))
    except FileNotFoundError:
        raise SearchIndexError(f"{folder}: there is no search index here", hint=_HINT) from None
    except (OSError, ValueError) as error:
        raise SearchIndexError(f"{folder}: damaged search index: {error}", hint=_HINT) from error
    if about.get("format") != FORMAT or about.get("terms") != TERMS_VERSION:
        raise SearchIndexError(f"{folder}: a search index of another version", hint=_HINT)
    return about


def _read_held(folder: Path) -> list[_Held]:
    return _decode(folder / _ARTICLES, list[_Held])


def _decode(file: Path, kind: type[_T]) -> _T:
    try:
        return msgspec.msgpack.decode(file.read_bytes(), type=kind)
    except (OSError, msgspec.MsgspecError) as error:
        raise SearchIndexError(f"{file}: damaged search index: {error}", hint=_HINT) from error


def _little(numbers: Iterable[int]) -> bytes:
    return _turned(array("I", numbers)).tobytes()


def _numbers(data: bytes) -> "array[int]":
    return _turned(array("I", data))


def _turned(numbers: "array[int]") -> "array[int]":
    """Files are little-endian on every machine."""
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers
