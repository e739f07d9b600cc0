"""Documents → the index on disk and the browser's file."""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from kb.index.changes import Content, Entry, follow
from kb.index.document import Document
from kb.index.packed import Cut, Packed, Tokens, pack_index
from kb.index.rules import Rules
from kb.index.vectors import Text, available, make

MANIFEST = "manifest.json"
FOLDER = "search"


class Source(msgspec.Struct, frozen=True):
    """A document that is made only where it is asked for. ``key`` is a hash of all that it follows from, and of the
    code that makes it and reads it."""

    key: bytes
    document: Callable[[], Document]


class Before(msgspec.Struct, frozen=True):
    """What the same code wrote before: the parts of the browser's file, where there was one, and the index on disk."""

    packed: Packed | None
    index_dir: Path


class Written(msgspec.Struct, frozen=True):
    """What was written. ``files`` are the browser's, relative to the language's folder of the site."""

    articles: int
    files: tuple[str, ...]
    size: int
    """Bytes of the browser's index as it travels."""
    packed: Packed | None
    """For :class:`Before` of the next time."""


def source(document: Document, made_by: bytes = b"") -> Source:
    """A document at hand. ``made_by`` is a hash of the code that reads it."""
    key = hashlib.sha256(made_by + msgspec.msgpack.encode(document)).digest()[:16]
    return Source(key, lambda: document)


def sources(documents: Iterable[Document]) -> list[Source]:
    """Documents that are all at hand."""
    return [source(document) for document in documents]


def write(
    sources: Sequence[Source],
    *,
    language: str,
    rules: Rules,
    site_dir: Path | None = None,
    index_dir: Path | None = None,
    languages: Sequence[str] = (),
    threshold: float = 0.0,
    vectors: Path | None = None,
    before: Before | None = None,
) -> Written:
    """The indexes of one language.

    ``site_dir`` is the language's folder of the site (``site/uk``): it receives ``search/index.<hash>.bin``,
    which never changes under its name, and ``search/manifest.json``, which names it. ``index_dir``, empty or
    not there yet, receives the index on disk. Either may be None. ``languages`` are all the site's. The same documents
    give the same bytes for the browser. ``vectors`` is a folder that keeps encoded words: where it is given and the
    library is installed, a table of word vectors is written beside both. ``before`` spares the work on documents that
    are as they were.
    """
    reading = _Reading(sources, language)
    about = _about(language, rules, threshold)
    table = b""
    if vectors is not None and available(language):
        # Every article has a part in the table.
        texts = [reading.texts(number) for number in range(len(sources))]
        table = make(reading.surfaces(), language, vectors, texts, rules.stop)
    files: tuple[str, ...] = ()
    size = 0
    packed = None
    if site_dir is not None:
        known = before.packed if before else None
        data, packed = pack_index([each.key for each in sources], reading.cut, about, known)
        size = len(data)
        files = _publish(site_dir / FOLDER, data, table, language, languages)
    if index_dir is not None:
        if packed is not None:
            lengths = [row.length for row in packed.rows]
        else:
            lengths = [reading.cut(number).length for number in range(len(sources))]
        entries = [Entry(each.key, partial(reading.content, n)) for n, each in enumerate(sources)]
        _to_disk(index_dir, entries, about | {"lengths": lengths}, table, before)
    return Written(len(sources), files, size, packed)


class _Reading:
    """Documents as they are asked for, cut into tokens and terms."""

    def __init__(self, sources: Sequence[Source], language: str) -> None:
        self._sources = sources
        self._tokens = Tokens(language)
        self._documents: dict[int, Document] = {}
        self._terms: dict[int, list[str]] = {}
        """Of each field; as terms have no white space, they are kept in one string."""

    def document(self, number: int) -> Document:
        found = self._documents.get(number)
        if found is None:
            found = self._documents[number] = self._sources[number].document()
        return found

    def cut(self, number: int) -> Cut:
        document = self.document(number)
        fields = [self._tokens.read(text) for text in document.fields()]
        self._terms[number] = [" ".join(terms) for _, terms in fields]
        return Cut(document, [tokens for tokens, _ in fields], sum(len(terms) for _, terms in fields))

    def terms(self, number: int) -> list[list[str]]:
        if number not in self._terms:
            self.cut(number)
        return [of_field.split() for of_field in self._terms[number]]

    def texts(self, number: int) -> list[Text]:
        pairs = zip(self.document(number).fields(), self.terms(number), strict=True)
        return [Text(written, terms) for written, terms in pairs]

    def content(self, number: int) -> Content:
        document = self.document(number)
        stored = json.dumps(_stored(document), ensure_ascii=False)
        return Content(self.terms(number), list(document.weights()), stored)

    def surfaces(self) -> dict[str, str]:
        return self._tokens.surfaces()


def _about(language: str, rules: Rules, threshold: float) -> dict[str, Any]:
    return {
        "language": language,
        "threshold": threshold,
        "stop": sorted(rules.stop),
        "synonyms": [[" ".join(phrase) for phrase in group] for group in rules.synonyms],
    }


def _publish(
    folder: Path, data: bytes, table: bytes, language: str, languages: Sequence[str]
) -> tuple[str, ...]:
    folder.mkdir(parents=True, exist_ok=True)
    manifest = {
        "format": 1,
        "language": language,
        "index": _hashed(folder, "index", data),
        "vectors": _hashed(folder, "vectors", table) if table else "",
        "languages": list(languages),
    }
    (folder / MANIFEST).write_text(json.dumps(manifest, ensure_ascii=False) + "\n", "utf-8")
    names = [name for name in (manifest["index"], manifest["vectors"], MANIFEST) if name]
    return tuple(f"{FOLDER}/{name}" for name in names)


def _hashed(folder: Path, kind: str, data: bytes) -> str:
    name = f"{kind}.{hashlib.sha256(data).hexdigest()[:16]}.bin"
    (folder / name).write_bytes(data)
    return name


def _to_disk(
    folder: Path,
    entries: Sequence[Entry],
    about: Mapping[str, Any],
    table: bytes,
    before: Before | None,
) -> None:
    if before is None or not follow(folder, entries, about, vectors=table, before=before.index_dir):
        from kb.index import disk  # Whoosh takes long to import, and most builds do without

        disk.write(folder, entries, about, vectors=table)


def _stored(document: Document) -> dict[str, Any]:
    return {
        "id": document.id,
        "url": document.url,
        "title": document.title,
        "category": document.category,
        "origin": document.origin,
        "language": document.language,
        "sections": [(s.anchor, _spaced(s.heading), _spaced(s.text)) for s in document.sections],
    }


def _spaced(text: str) -> str:
    """The text as the browser's file holds it: single spaces, line ends kept."""
    return "\n".join(" ".join(line.split()) for line in text.strip().split("\n"))
