"""Documents → the index on disk and the browser's file."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from kb.index.document import Document
from kb.index.packed import Tokens, pack_index
from kb.index.rules import Rules
from kb.index.vectors import Text, available, make

MANIFEST = "manifest.json"
FOLDER = "search"


class Prepared(msgspec.Struct, frozen=True, array_like=True):
    """A document cut into tokens and terms. Neither holds white space: a field's are kept in one string."""

    tokens: list[str]
    terms: list[str]


@dataclass(frozen=True, slots=True)
class Before:
    """What the build before left: the ``prepared`` documents by their hash, and its index on disk."""

    prepared: Mapping[bytes, Prepared]
    index_dir: Path


@dataclass(frozen=True, slots=True)
class Written:
    """What was written. ``files`` are the browser's, relative to the language's folder of the site."""

    articles: int
    files: tuple[str, ...]
    size: int
    """Bytes of the browser's index as it travels."""
    prepared: Mapping[bytes, Prepared]
    """For :class:`Before` of the next time."""


def write(
    documents: Sequence[Document],
    *,
    language: str,
    rules: Rules,
    site_dir: Path | None = None,
    index_dir: Path | None = None,
    languages: Sequence[str] = (),
    threshold: float = 0.0,
    vectors: Path | None = None,
    made_by: bytes = b"",
    before: Before | None = None,
) -> Written:
    """The indexes of one language.

    ``site_dir`` is the language's folder of the site (``site/uk``): it receives ``search/index.<hash>.bin``,
    which never changes under its name, and ``search/manifest.json``, which names it. ``index_dir``, empty or
    not there yet, receives the index on disk. Either may be None. ``languages`` are all the site's. The same documents
    give the same bytes for the browser. ``vectors`` is a folder that keeps encoded words: where it is given and the
    library is installed, a table of word vectors is written beside both. ``before`` spares the work on documents that
    are as they were and were prepared by the same code, of which ``made_by`` is a hash.
    """
    reader = Tokens(language)
    with_vectors = vectors is not None and available(language)
    known = before.prepared if before and not with_vectors else {}
    keys = [_key(document, made_by) for document in documents]
    prepared = {
        key: known.get(key) or _prepared(document, reader)
        for key, document in zip(keys, documents, strict=True)
    }
    about = _about(language, rules, threshold)
    table = b""
    if vectors is not None and with_vectors:
        articles = [
            [
                Text(written, read.split())
                for written, read in zip(document.fields(), prepared[key].terms, strict=True)
            ]
            for key, document in zip(keys, documents, strict=True)
        ]
        table = make(reader.surfaces(), language, vectors, articles, rules.stop)
    files: tuple[str, ...] = ()
    size = 0
    if site_dir is not None:
        tokens = [[of_field.split() for of_field in prepared[key].tokens] for key in keys]
        data = pack_index(documents, tokens, about)
        size = len(data)
        files = _publish(site_dir / FOLDER, data, table, language, languages)
    if index_dir is not None:
        lengths = [
            sum(of_field.count(" ") + bool(of_field) for of_field in prepared[key].terms) for key in keys
        ]
        _to_disk(
            index_dir,
            [(key, document, prepared[key]) for key, document in zip(keys, documents, strict=True)],
            about | {"lengths": lengths},
            table,
            before.index_dir if before else None,
        )
    return Written(len(documents), files, size, prepared)


def _key(document: Document, made_by: bytes) -> bytes:
    return hashlib.sha256(made_by + msgspec.msgpack.encode(document)).digest()[:16]


def _prepared(document: Document, reader: Tokens) -> Prepared:
    fields = [reader.read(text) for text in document.fields()]
    return Prepared([" ".join(tokens) for tokens, _ in fields], [" ".join(terms) for _, terms in fields])


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
    articles: Sequence[tuple[bytes, Document, Prepared]],
    about: Mapping[str, Any],
    table: bytes,
    before: Path | None,
) -> None:
    from kb.index import disk  # Whoosh takes long to import, and a build for the browser alone does without

    def content(document: Document, prepared: Prepared) -> disk.Content:
        stored = json.dumps(_stored(document), ensure_ascii=False)
        return disk.Content(
            [of_field.split() for of_field in prepared.terms], list(document.weights()), stored
        )

    entries = [disk.Entry(key, partial(content, document, prepared)) for key, document, prepared in articles]
    disk.write(folder, entries, about, vectors=table, before=before)


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
