"""Documents → the index on disk and the browser's file."""

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kb.index.centroids import centroids
from kb.index.document import Document
from kb.index.packed import Tokens, pack_index
from kb.index.rules import Rules
from kb.index.vectors import Text, available, make

MANIFEST = "manifest.json"
FOLDER = "search"


@dataclass(frozen=True, slots=True)
class Written:
    """What was written. ``files`` are the browser's, relative to the language's folder of the site."""

    articles: int
    files: tuple[str, ...]
    size: int
    """Bytes of the browser's index as it travels."""


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
) -> Written:
    """The indexes of one language.

    ``site_dir`` is the language's folder of the site (``site/uk``): it receives ``search/index.<hash>.bin``,
    which never changes under its name, and ``search/manifest.json``, which names it. ``index_dir``, empty or
    not there yet, receives the index on disk. Either may be None. ``languages`` are all the site's. The same documents
    give the same bytes for the browser. ``vectors`` is a folder that keeps encoded words: where it is given and the
    library is installed, a table of word vectors is written beside both.
    """
    reader = Tokens(language)
    tokens: list[list[list[str]]] = []
    counts: list[Counter[str]] = []
    lengths: list[int] = []
    texts: list[list[list[str]]] = []
    for document in documents:
        fields = [reader.read(text) for text in document.fields()]
        tokens.append([of_field for of_field, _ in fields])
        texts.append([of_field for _, of_field in fields])
        counts.append(_counted(texts[-1], document.weights()))
        lengths.append(sum(len(of_field) for _, of_field in fields))
    about = _about(language, rules, threshold)
    table = b""
    if vectors is not None and available(language):
        articles = [
            [Text(written, read) for written, read in zip(document.fields(), of_article, strict=True)]
            for document, of_article in zip(documents, texts, strict=True)
        ]
        table = make(reader.surfaces(), language, vectors, articles, rules.stop)
    files: tuple[str, ...] = ()
    size = 0
    if site_dir is not None:
        data = pack_index(documents, tokens, about)
        size = len(data)
        files = _publish(site_dir / FOLDER, data, table, language, languages)
    if index_dir is not None:
        about |= {"lengths": lengths}
        _to_disk(index_dir, documents, counts, texts, about, table)
    return Written(len(documents), files, size)


def _counted(fields: Sequence[Sequence[str]], weights: Sequence[int]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for of_field, weight in zip(fields, weights, strict=True):
        for term in of_field:
            counts[term] += weight
    return counts


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
    documents: Sequence[Document],
    counts: Sequence[Counter[str]],
    texts: Sequence[Sequence[Sequence[str]]],
    about: dict[str, Any],
    table: bytes,
) -> None:
    from kb.index import disk  # Whoosh takes long to import, and a build for the browser alone does without

    disk.write(
        folder,
        ((count, _stored(document)) for count, document in zip(counts, documents, strict=True)),
        about,
        centroids(texts),
        vectors=table,
    )


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
