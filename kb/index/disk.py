"""The index on disk, through Whoosh; no other module imports it.

Whoosh holds each article's stored fields and, for each term, the articles with it and how often. Ranking is
ours (:mod:`kb.index.ranking`), because the browser must reckon the same. Whoosh unpickles its own table of
contents, so an index is opened only from where the build wrote it.

Whoosh writes its files once. Articles that changed since then lie beside them in one small file, and are merged
as they are read, so that an edit costs what the edited article costs; when they grow to a share of all articles, the
whole is written again. What is read is the same either way. Files, beside Whoosh's own: ``articles.bin``, the articles
that Whoosh holds, and those of :mod:`kb.index.changes`.
"""

import json
import sys
from array import array
from collections import Counter
from collections.abc import Generator, Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec
from whoosh import index
from whoosh.analysis import IDAnalyzer
from whoosh.fields import STORED, FieldType, Schema
from whoosh.formats import Frequency

from kb.index import changes
from kb.index.centroids import centroids
from kb.index.changes import Changes, Entry

_ARTICLES = "articles.bin"
_WRITER_MEMORY_MB = 64


class TermCounts(FieldType):  # type: ignore[misc]  # Whoosh is not typed
    """A field whose value is a mapping of terms to counts: our terms, not an analyser's."""

    def __init__(self) -> None:
        super().__init__(Frequency(), IDAnalyzer())

    def index(
        self, value: Mapping[str, int], **options: Any
    ) -> Generator[tuple[bytes, int, float, bytes], Any, None]:
        for term, count in value.items():
            yield term.encode(), count, float(count), b""


class _Held(msgspec.Struct, frozen=True, array_like=True):
    """An article that Whoosh holds: the numbers of its texts' distinct terms in sorted order, and how often each."""

    terms: list[bytes]
    times: list[bytes]


def write(folder: Path, entries: Sequence[Entry], about: Mapping[str, Any], *, vectors: bytes = b"") -> None:
    """A new index in ``folder``; what is there is removed. ``vectors`` is the file of the table of word vectors."""
    folder.mkdir(parents=True, exist_ok=True)
    for leftover in folder.iterdir():
        leftover.unlink()
    _write_all(folder, entries)
    keys, order = [entry.key for entry in entries], list(range(len(entries)))
    changes.save(folder, Changes(keys, changes.lasting(folder), order, [], []), about, vectors=vectors)


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
    held = [_held(of_article, numbers) for of_article in texts]
    (folder / _ARTICLES).write_bytes(msgspec.msgpack.encode(held))


def _held(texts: Sequence[Mapping[str, int]], numbers: Mapping[str, int]) -> _Held:
    return _Held(
        [_little([numbers[term] for term in text]) for text in texts],
        [_little(text.values()) for text in texts],
    )


class DiskIndex:
    """An index opened for reading; terms are numbered in sorted order, articles as they were written.

    Raises:
        SearchIndexError: there is none, it is damaged, or another version made it.
    """

    def __init__(self, folder: Path) -> None:
        self.about = changes.read_about(folder)
        try:
            self._reader = index.open_dir(str(folder), readonly=True).reader()
        except (index.IndexError, OSError, ValueError) as error:
            raise changes.damaged(folder, error) from error
        since = changes.read(folder)
        self._held = changes.decode(folder / _ARTICLES, list[_Held])
        self._order, self._added = since.order, since.contents(folder)
        self._place = {held: number for number, held in enumerate(self._order)}
        """Number in Whoosh, or place in what was added → article."""
        self._as_written = self._order == list(range(self._reader.doc_count_all()))
        self._new = self._postings_of_added()
        lexicon = [key.decode() for key in self._reader.lexicon("terms")]
        self._lexicon = lexicon
        self.terms: Sequence[str] = lexicon if self._as_written else self._present(lexicon)
        vectors = folder / changes.VECTORS
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


def _little(numbers: Iterable[int]) -> bytes:
    return _turned(array("I", numbers)).tobytes()


def _numbers(data: bytes) -> "array[int]":
    return _turned(array("I", data))


def _turned(numbers: "array[int]") -> "array[int]":
    """Files are little-endian on every machine."""
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers
