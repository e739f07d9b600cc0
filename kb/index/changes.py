"""What changed since Whoosh last wrote an index on disk, in files of our own beside Whoosh's.

:mod:`kb.index.disk` writes an index anew and reads it; here one of earlier is followed up by few edits, without Whoosh,
which takes long to import. Files: ``changes.bin``, the order of today's articles and those that Whoosh does not hold;
``about.json``; ``vectors.bin``. All others are never changed, and are linked from index to index.
"""

import json
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from kb.errors import SearchIndexError
from kb.index.linking import link_or_copy
from kb.index.terms import TERMS_VERSION

_T = TypeVar("_T")

FORMAT = 4
VECTORS = "vectors.bin"
_ABOUT = "about.json"
_CHANGES = "changes.bin"
_LASTING = ("articles.bin", "MAIN_", "_MAIN_")
"""How the names of files begin that are never changed."""
_LEAST = 32
_SHARE = 8
"""An index is written anew when more articles than these, and one in so many, have changed."""
_HINT = "run 'kb build' to make it anew"


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


class Entry(msgspec.Struct, frozen=True):
    """An article to be indexed; ``content`` is asked for only where it is not known. ``key`` is a hash of it and of the
    code that made it."""

    key: bytes
    content: Callable[[], Content]


class Changes(msgspec.Struct, frozen=True, array_like=True):
    """``order``: for each article its number in Whoosh, or, below zero, the place in ``added`` from its end."""

    held: list[bytes]
    """The keys of the articles that Whoosh holds, in its order."""
    lasting: dict[str, int]
    """The sizes of the files that are never changed."""
    order: list[int]
    keys: list[bytes]
    """Of those in ``added``."""
    added: list[msgspec.Raw]
    """Each a :class:`Content`; who writes the next index need not know what is in it."""

    def contents(self, folder: Path) -> list[Content]:
        """What is in ``added``.

        Raises:
            SearchIndexError: the index, which is in ``folder``, is damaged.
        """
        try:
            return [msgspec.msgpack.decode(each, type=Content) for each in self.added]
        except msgspec.MsgspecError as error:
            raise damaged(folder / _CHANGES, error) from error


def follow(
    folder: Path, entries: Sequence[Entry], about: Mapping[str, Any], *, vectors: bytes, before: Path
) -> bool:
    """Have an index of ``entries`` in ``folder``, from the one in ``before``, whose files are not written to.

    False, with something left in ``folder``, when the index had better be written anew.
    """
    try:
        old = read(before)
        read_about(before)
        changes = _changes(old, entries)
        if changes is None or lasting(before) != old.lasting:
            return False
        folder.mkdir(parents=True, exist_ok=True)
        for name in old.lasting:
            link_or_copy(before / name, folder / name)
    except (SearchIndexError, OSError, ValueError):
        return False
    save(folder, changes, about, vectors=vectors)
    return True


def _changes(old: Changes, entries: Sequence[Entry]) -> Changes | None:
    held = {key: number for number, key in enumerate(old.held)}
    numbers = [held.get(entry.key) for entry in entries]
    new = [entry for entry, number in zip(entries, numbers, strict=True) if number is None]
    differing = len(new) + len(held) - (len(entries) - len(new))
    if differing > max(_LEAST, len(entries) // _SHARE):
        return None
    places = count(-1, -1)
    order = [next(places) if number is None else number for number in numbers]
    known = dict(zip(old.keys, old.added, strict=True))
    added = [known.get(entry.key) or msgspec.Raw(msgspec.msgpack.encode(entry.content())) for entry in new]
    return Changes(old.held, old.lasting, order, [entry.key for entry in new], added)


def lasting(folder: Path) -> dict[str, int]:
    """The files in ``folder`` that are never changed, with their sizes in bytes."""
    found = os.scandir(folder)
    return {entry.name: entry.stat().st_size for entry in found if entry.name.startswith(_LASTING)}


def save(folder: Path, changes: Changes, about: Mapping[str, Any], *, vectors: bytes) -> None:
    """Write what is written each time."""
    (folder / _CHANGES).write_bytes(msgspec.msgpack.encode(changes))
    if vectors:
        (folder / VECTORS).write_bytes(vectors)
    text = json.dumps({"format": FORMAT, "terms": TERMS_VERSION, **about}, ensure_ascii=False)
    (folder / _ABOUT).write_text(text, "utf-8")


def read(folder: Path) -> Changes:
    """What changed.

    Raises:
        SearchIndexError: it is not there, or damaged.
    """
    return decode(folder / _CHANGES, Changes)


def read_about(folder: Path) -> Mapping[str, Any]:
    """What :func:`save` was given.

    Raises:
        SearchIndexError: there is no index in ``folder``, it is damaged, or another version made it.
    """
    try:
        about: Mapping[str, Any] = json.loads((folder / _ABOUT).read_text("utf-8"))
    except FileNotFoundError:
        raise SearchIndexError(f"{folder}: there is no search index here", hint=_HINT) from None
    except (OSError, ValueError) as error:
        raise damaged(folder, error) from error
    if about.get("format") != FORMAT or about.get("terms") != TERMS_VERSION:
        raise SearchIndexError(f"{folder}: a search index of another version", hint=_HINT)
    return about


def decode(file: Path, kind: type[_T]) -> _T:
    """One of an index's own files.

    Raises:
        SearchIndexError: it is not there, or damaged.
    """
    try:
        return msgspec.msgpack.decode(file.read_bytes(), type=kind)
    except (OSError, msgspec.MsgspecError) as error:
        raise damaged(file, error) from error


def damaged(path: Path, error: Exception) -> SearchIndexError:
    """An index that cannot be used."""
    return SearchIndexError(f"{path}: damaged search index: {error}", hint=_HINT)
