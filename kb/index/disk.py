"""The index on disk, through Whoosh; no other module imports it.

Whoosh holds each article's stored fields and, for each term, the articles with it and how often. Ranking is
ours (:mod:`kb.index.ranking`), because the browser must reckon the same. Whoosh unpickles its own table of
contents, so an index is opened only from where the build wrote it.
"""

import json
import sys
from array import array
from collections.abc import Generator, Iterable, Mapping, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any

from whoosh import index
from whoosh.analysis import IDAnalyzer
from whoosh.fields import STORED, FieldType, Schema
from whoosh.formats import Frequency

from kb.errors import SearchIndexError
from kb.index.terms import TERMS_VERSION
from kb.index.vectors import Floats

FORMAT = 2
_ABOUT = "about.json"
_SHARES = "shares.bin"
_VECTORS = "vectors.bin"
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


def write(
    folder: Path,
    articles: Iterable[tuple[Mapping[str, int], Mapping[str, Any]]],
    about: Mapping[str, Any],
    shares: Iterable[Mapping[str, float]],
    *,
    vectors: bytes = b"",
) -> None:
    """An index in ``folder``, which must be empty or not exist: each article's term counts and stored fields.

    ``shares`` are the articles' weights of the same terms (:func:`kb.index.centroids.centroids`).
    ``vectors`` is the file of the table of word vectors.
    """
    folder.mkdir(parents=True, exist_ok=True)
    made = index.create_in(str(folder), Schema(article=STORED, terms=TermCounts()))
    writer = made.writer(limitmb=_WRITER_MEMORY_MB)
    for counts, stored in articles:
        writer.add_document(terms=counts, article=json.dumps(stored, ensure_ascii=False))
    writer.commit(merge=False)
    made.close()
    (folder / _SHARES).write_bytes(_by_term(shares))
    text = json.dumps({"format": FORMAT, "terms": TERMS_VERSION, **about}, ensure_ascii=False)
    if vectors:
        (folder / _VECTORS).write_bytes(vectors)
    (folder / _ABOUT).write_text(text, "utf-8")


def _by_term(shares: Iterable[Mapping[str, float]]) -> bytes:
    """For the terms in sorted order, the number of their articles; then, in that order, the articles' shares."""
    by_term: dict[str, list[float]] = {}
    for of_article in shares:
        for term, share in of_article.items():
            by_term.setdefault(term, []).append(share)
    ordered = [by_term[term] for term in sorted(by_term)]
    holders = array("I", map(len, ordered))
    return _little(holders) + _little(array("f", [share for of_term in ordered for share in of_term]))


def _little(vector: "array[Any]") -> bytes:
    if sys.byteorder == "big":
        vector = array(vector.typecode, vector)
        vector.byteswap()
    return vector.tobytes()


class DiskIndex:
    """An index opened for reading; terms are numbered in sorted order, articles as they were written."""

    def __init__(self, folder: Path) -> None:
        self.about = _about(folder)
        try:
            self._reader = index.open_dir(str(folder), readonly=True).reader()
        except (index.IndexError, OSError, ValueError) as error:
            raise SearchIndexError(f"{folder}: damaged search index: {error}", hint=_HINT) from error
        self._keys: list[bytes] = list(self._reader.lexicon("terms"))
        self.terms = [key.decode() for key in self._keys]
        self._folder = folder
        self._shares_from, self._shares = self._read_shares()
        vectors = folder / _VECTORS
        self.vectors = vectors.read_bytes() if vectors.is_file() else b""
        self._stored: dict[int, Mapping[str, Any]] = {}
        self._postings: dict[int, tuple[list[int], list[int]]] = {}
        self._shares_read: dict[int, list[float]] = {}

    def postings(self, term: int) -> tuple[list[int], list[int]]:
        """Articles with the term, ascending, and how often each has it."""
        found = self._postings.get(term)
        if found is None:
            found = self._postings[term] = self._read(self._keys[term])
        return found

    def shares(self, term: int) -> Sequence[float]:
        """What the term weighs in each of the articles of :meth:`postings`."""
        found = self._shares_read.get(term)
        if found is None:
            shares = self._shares[self._shares_from[term] : self._shares_from[term + 1]]
            found = self._shares_read[term] = shares.tolist()
        return found

    def article(self, number: int) -> Mapping[str, Any]:
        """What was stored of the article."""
        stored = self._stored.get(number)
        if stored is None:
            stored = self._stored[number] = json.loads(self._reader.stored_fields(number)["article"])
        return stored

    def close(self) -> None:
        self._reader.close()

    def _read_shares(self) -> tuple[Sequence[int], Floats]:
        data = (self._folder / _SHARES).read_bytes()
        holders, shares = array("I"), array("f")
        holders.frombytes(data[: holders.itemsize * len(self.terms)])
        shares.frombytes(data[holders.itemsize * len(self.terms) :])
        if sys.byteorder == "big":
            holders.byteswap()
            shares.byteswap()
        return [0, *accumulate(holders)], shares

    def _read(self, key: bytes) -> tuple[list[int], list[int]]:
        matcher = self._reader.postings("terms", key)
        articles, counts = [], []
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
