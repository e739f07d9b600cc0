"""What earlier builds remembered: typed records and packs of pages, each under its hash.

The folder may be copied, shared between machines and deleted at any time: no path of a machine is in it, every record
and every entry of a pack carries its SHA-256, and what is damaged or of another version is as good as not there. A
damaged one is reported, so that a failing disk is noticed. Nothing read from it is ever executed.

A *record* is one value in one file, replaced in one step. A *pack* is a file that only grows, with many entries; a
record names the places of those that count, so a build that is killed leaves at most some bytes nobody asks for.
"""

import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import IO, Any, TypeVar

import msgspec

from kb.errors import BuildError, Problem
from kb.locks import lock_file

FORMAT = 1
_MAGIC = b"KBC1"
_HASH_BYTES = 32
_RECORD = ".record"
_PACK = ".pack"
_LOCK = "lock"

Value = TypeVar("Value")


class Slot(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Where an entry lies in its pack, and the hash of its bytes."""

    start: int
    length: int
    hash: bytes


def digest(*parts: str | bytes) -> bytes:
    """A hash of texts in their order; no two lists of texts have the same."""
    found = sha256()
    for part in parts:
        data = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        found.update(b"%d:" % len(data))
        found.update(data)
    return found.digest()[:16]


class Cache:
    """The folder of what is remembered. Used as a context manager it is held for one build at a time.

    Raises:
        BuildError: on entering, when another build holds it.
    """

    def __init__(self, folder: Path) -> None:
        self.base = folder
        self.folder = folder / f"v{FORMAT}"
        self.problems: list[Problem] = []
        self._lock: IO[bytes] | None = None

    def __enter__(self) -> "Cache":
        self.folder.mkdir(parents=True, exist_ok=True)
        ignore = self.base / ".gitignore"
        if not ignore.exists():
            ignore.write_text("*\n", "utf-8")
        self._lock = (self.folder / _LOCK).open("ab")
        if not lock_file(self._lock):
            self._lock.close()
            raise BuildError(
                f"another build uses the cache {self.base}",
                hint="wait for it, or give this one its own with KB_CACHE",
            )
        return self

    def __exit__(self, *_: object) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def clear(self) -> None:
        """Forget everything."""
        for entry in self.folder.iterdir():
            if entry.name != _LOCK:
                entry.unlink()

    def prune(self, keep: Iterable[str], *, keep_languages: Iterable[str] = ()) -> None:
        """Drop the records and packs whose name is not in ``keep`` and speaks of none of ``keep_languages``, and
        other versions of the format."""
        wanted, spared = set(keep), tuple(f"-{language}" for language in keep_languages)
        for entry in self.folder.iterdir():
            of_spared = entry.stem.endswith(spared) or entry.stem.rpartition("-")[0].endswith(spared)
            if (
                entry.suffix in (_RECORD, _PACK) and entry.stem not in wanted and not of_spared
            ) or entry.name.startswith("."):
                entry.unlink(missing_ok=True)
        for other in self.base.glob("v[0-9]*"):
            if other != self.folder and other.is_dir():
                for entry in other.iterdir():
                    entry.unlink(missing_ok=True)
                with suppress(OSError):
                    other.rmdir()

    def file_of(self, name: str) -> Path:
        """Where the record ``name`` lies."""
        return self.folder / f"{name}{_RECORD}"

    def read(self, name: str, kind: type[Value]) -> Value | None:
        """The record ``name`` as a ``kind``; None when there is none, or none that can be used."""
        file = self.file_of(name)
        try:
            data = file.read_bytes()
        except OSError:
            return None
        body = memoryview(data)[len(_MAGIC) + _HASH_BYTES :]
        if data[: len(_MAGIC)] != _MAGIC or sha256(body).digest() != data[len(_MAGIC) :][:_HASH_BYTES]:
            self.damaged(file.name)
            return None
        try:
            return msgspec.msgpack.decode(body, type=kind)
        except (msgspec.DecodeError, msgspec.ValidationError):
            # Whole, but of another version of ours: nothing is wrong with the disk.
            return None

    def write(self, name: str, value: Any) -> None:
        """Replace the record ``name`` in one step."""
        body = msgspec.msgpack.encode(value)
        file = self.file_of(name)
        new = self.folder / f".{name}.new"
        with new.open("wb") as out:
            out.write(_MAGIC + sha256(body).digest())
            out.write(body)
        os.replace(new, file)

    def damaged(self, what: str) -> None:
        """Note that something in the cache is not what was written."""
        self.problems.append(
            Problem(
                "cache-damaged",
                "(cache)",
                None,
                f"{what} in the cache is damaged; its pages were made anew",
                "if this happens again, look at the disk; 'kb build --clean' forgets everything",
                "warning",
            )
        )

    def pack(self, name: str) -> "Pack":
        return Pack(self, name)


class Pack:
    """Entries of bytes in one file. ``slots`` are kept by whoever writes, in a record of their own."""

    def __init__(self, cache: Cache, name: str) -> None:
        self.name = name
        self._cache = cache
        self._file = cache.folder / f"{name}{_PACK}"
        self._reader: IO[bytes] | None = None
        self._data: bytes | None = None

    def load(self) -> None:
        """Read the whole file at once: for whoever needs most of it."""
        try:
            self._data = self._file.read_bytes()
        except OSError:
            self._data = b""

    def get(self, slot: Slot) -> bytes | None:
        """An entry's bytes; None, with a report, when they are not what was written."""
        data = self._at(slot)
        if len(data) == slot.length and sha256(data).digest()[:16] == slot.hash:
            return data
        self._cache.damaged(f"an entry of {self._file.name}")
        return None

    def _at(self, slot: Slot) -> bytes:
        if self._data is not None:
            return self._data[slot.start : slot.start + slot.length]
        if self._reader is None:
            try:
                self._reader = self._file.open("rb")
            except OSError:
                return b""
        self._reader.seek(slot.start)
        return self._reader.read(slot.length)

    def append(self, entries: Mapping[str, bytes]) -> dict[str, Slot]:
        """Add entries at the end; returns where each lies."""
        if not entries:
            return {}
        return self._add((key, data, sha256(data).digest()[:16]) for key, data in entries.items())

    def take(self, other: "Pack", slots: Mapping[str, Slot]) -> dict[str, Slot]:
        """Add entries of another pack, as they are: whether one is damaged is seen when it is asked for."""
        return self._add((key, other._at(slot), slot.hash) for key, slot in slots.items())

    def _add(self, entries: Iterable[tuple[str, bytes, bytes]]) -> dict[str, Slot]:
        """Each entry is told by name, bytes and hash."""
        found = {}
        with self._file.open("ab") as out:
            start = out.seek(0, os.SEEK_END)
            for key, data, hash in entries:
                out.write(data)
                found[key] = Slot(start, len(data), hash)
                start += len(data)
        return found

    def size(self) -> int:
        try:
            return self._file.stat().st_size
        except OSError:
            return 0

    def remove(self) -> None:
        """Begin with an empty file."""
        self._file.unlink(missing_ok=True)

    def close(self) -> None:
        if self._reader is not None:
            self._reader.close()
            self._reader = None
        self._data = None
