"""Putting files into the site that is being made, and keeping what is there already.

Beside the published site lies its *twin*: the same files once more, as hard links. A build makes of the twin what the
new site is to be, and the two change places; so what is as it was costs nothing, whatever the size of the site. What
the twin holds is never believed: every name, size and time in it is compared with what was published, and what differs
is put right. Linked files are never opened for writing: a file is always written under a name that is new.
"""

import os
import shutil
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import cached_property, partial
from hashlib import sha256
from pathlib import Path

import msgspec

from kb.build.cache import digest
from kb.errors import Problem

ROOT = ""
"""Group of the files outside the languages' pages: shared files, feeds, former addresses. Others are languages."""


class Signature(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A published file as it was written: as long as size and time (in nanoseconds) are these, so is its hash."""

    size: int
    time: int
    hash: bytes


Signatures = Mapping[str, Signature]
"""By address: for a language below its folder, else below the root of the site."""


def hashed(data: bytes) -> bytes:
    """The hash of a file's bytes, as signatures have it."""
    return sha256(data).digest()[:16]


class Summary(msgspec.Struct, frozen=True):
    """What a build tells of a language. ``key`` is the hash of all that shapes it, ``search`` that of what its index is
    made of; ``scripts`` and ``styles`` are the inline code its pages have, ``records`` the names in the cache that are
    in use."""

    key: bytes
    search: bytes
    pages: int
    problems: tuple[Problem, ...]
    scripts: tuple[str, ...]
    styles: tuple[str, ...]
    records: tuple[str, ...]


class Published(msgspec.Struct, frozen=True):
    """The site as it was published. ``place`` is the hash of where it was built; ``files`` are the
    :data:`Signatures` of each group, ``marks`` the hash of everything below the folder of each; ``languages`` says more
    of those groups that are languages."""

    place: bytes
    marks: dict[str, bytes]
    files: dict[str, msgspec.Raw]
    languages: dict[str, Summary]

    def signatures(self, group: str) -> dict[str, Signature]:
        """The group's files; none when there is no such group."""
        return _signatures(self.files.get(group))


def _signatures(raw: msgspec.Raw | None) -> dict[str, Signature]:
    return _SIGNATURES.decode(raw) if raw is not None else {}


_SIGNATURES = msgspec.msgpack.Decoder(dict[str, Signature])
_ENCODER = msgspec.msgpack.Encoder()


class Ground(msgspec.Struct, frozen=True, dict=True):
    """What one group of files begins with: ``read`` gives those published below ``published``. ``twin`` says that all
    of them lie in ``out`` already, but for the ``missing``; ``summary`` tells of a language that was published."""

    out: str
    published: str
    read: Callable[[], Signatures]
    twin: bool = False
    missing: frozenset[str] = frozenset()
    summary: Summary | None = None

    @cached_property
    def known(self) -> Signatures:
        """The files as published; to decode them takes as long as to look at all of them."""
        return self.read()

    @property
    def is_whole(self) -> bool:
        """Whether every published file is there."""
        return self.twin and self.summary is not None and not self.missing


class Place:
    """Puts one group's files where they belong, and notes what was put there.

    What was there before and nobody asks for is taken away by :meth:`settle`.
    """

    def __init__(self, ground: Ground) -> None:
        self.out, self.published, self.known = ground.out, ground.published, ground.known
        self.signatures: dict[str, Signature] = {}
        self.linked: set[str] = set()
        """Those that are as they were published."""
        self._waiting = set(ground.known).difference(ground.missing) if ground.twin else set()
        self._made: set[str] = set()
        self._folders: set[str] = set()
        self._emptied: set[str] = set()

    def link(self, file: str, hash: bytes) -> bool:
        """Take the published file, if it still is what was published."""
        signature = self.known.get(file)
        if signature is None or signature.hash != hash:
            return False
        if file in self._waiting:
            self._waiting.discard(file)
        elif file not in self.signatures and not self._linked(file, signature):
            return False
        self.signatures[file] = signature
        self.linked.add(file)
        return True

    def _linked(self, file: str, signature: Signature) -> bool:
        source = f"{self.published}/{file}"
        try:
            status = os.stat(source, follow_symlinks=False)
            if status.st_size != signature.size or status.st_mtime_ns != signature.time:
                return False
            self._folder(file)
            os.link(source, f"{self.out}/{file}")
        except OSError:
            return False
        self._made.add(file)
        return True

    def write(self, file: str, data: bytes) -> None:
        self.free(file)
        self._folder(file)
        with open(f"{self.out}/{file}", "xb") as out:
            out.write(data)
        self.written(file, hashed(data))

    def copy(self, file: str, source: Path, hash: bytes) -> None:
        self.free(file)
        self._folder(file)
        shutil.copyfile(source, f"{self.out}/{file}")
        self.written(file, hash)

    def written(self, file: str, hash: bytes | None) -> None:
        """Note what somebody else wrote; ``hash`` None means that it is to be read."""
        path = f"{self.out}/{file}"
        try:
            status = os.stat(path)
        except FileNotFoundError:
            return
        if hash is None:
            with open(path, "rb") as opened:
                hash = hashed(opened.read())
        self.signatures[file] = Signature(status.st_size, status.st_mtime_ns, hash)
        self._made.add(file)
        self._folders.add(file.rpartition("/")[0])

    def remove(self, file: str) -> None:
        """Take a file away again."""
        if self.signatures.pop(file, None):
            self.linked.discard(file)
            self._unlink(file)

    def free(self, file: str) -> None:
        """See to it that nothing is at an address somebody wants to write to."""
        if file in self._waiting:
            self._waiting.discard(file)
            self._unlink(file)

    def keep(self, files: Iterable[str]) -> None:
        """Let files that are there stay."""
        self._waiting.difference_update(files)

    def expect(self, files: Iterable[str]) -> None:
        """Let the folders stay that files are going to be put into."""
        self._folders.update(file.rpartition("/")[0] for file in files)

    def give_up(self) -> None:
        """Take away again what was put there, as far as it was not there before."""
        for file in self._made:
            self._unlink(file)

    def start_again(self) -> None:
        """Take everything away."""
        for file in self.signatures:
            self._unlink(file)
        self.settle()
        self.tidy()
        self.signatures, self.linked, self._made = {}, set(), set()
        self._folders.clear()

    @property
    def is_unchanged(self) -> bool:
        """Whether the files are those that were published, all of them and no other."""
        return not self._made and not self._waiting and len(self.signatures) == len(self.known)

    def settle(self) -> None:
        """Take away what was there before and has not been asked for."""
        for file in self._waiting:
            self._unlink(file)
        self._waiting.clear()

    def tidy(self) -> None:
        """Take away the folders that are empty now."""
        _remove_empty(self.out, self._emptied, self._folders)
        self._emptied.clear()

    def rest(self) -> None:
        """Note whatever else is in the folder: plugins write what they like."""
        for directory, _, names in os.walk(self.out):
            for name in names:
                file = os.path.relpath(os.path.join(directory, name), self.out).replace(os.sep, "/")
                if file not in self.signatures:
                    self.written(file, None)

    def _unlink(self, file: str) -> None:
        with suppress(FileNotFoundError):
            os.unlink(f"{self.out}/{file}")
        self._emptied.add(file.rpartition("/")[0])

    def _folder(self, file: str) -> None:
        folder = file.rpartition("/")[0]
        if folder not in self._folders:
            os.makedirs(f"{self.out}/{folder}", exist_ok=True)
            self._folders.add(folder)


class Tree(msgspec.Struct, frozen=True):
    """What a build found in the folder that becomes the site. ``missing``: group → addresses that are not there, or
    not as they were published; where ``twin`` is False, nothing is there."""

    out: Path
    published: Path
    before: Published | None
    twin: bool
    missing: Mapping[str, frozenset[str]]

    def is_whole(self, group: str) -> bool:
        """Whether every published file of the group is there."""
        return self.twin and group in self.files and not self.missing.get(group)

    @property
    def files(self) -> Collection[str]:
        """The groups of the published site."""
        return self.before.files if self.before else ()

    def ground(self, group: str) -> Ground:
        """What the files of a group begin with."""
        before = self.before
        return Ground(
            str(self.out / group),
            str(self.published / group),
            partial(_signatures, before.files.get(group) if before else None),
            self.twin,
            self.missing.get(group, frozenset()),
            before.languages.get(group) if before else None,
        )


def look(out: Path, published: Path, before: Published | None, groups: Sequence[str]) -> Tree:
    """Compare what is in ``out`` with what was published of the languages ``groups``, and take away all that differs or
    is of no group."""
    if before is None or not os.listdir(out):
        for name in os.listdir(out):
            _remove(out / name)
        return Tree(out, published, before, False, {})
    languages = frozenset(before.files) - {ROOT}
    missing: dict[str, frozenset[str]] = {}
    root: dict[str, Signature] = {}
    for group in (*languages, ROOT):
        if group and group not in groups:
            _remove(out / group)
            lines = []
        else:
            lines = _listing(str(out / group), languages if group == ROOT else frozenset())
        if _mark(lines) == before.marks.get(group):
            continue
        root = root or before.signatures(ROOT)
        own = before.signatures(group) if group else {}
        shared = _of(group, root, languages)
        sound = _sound(str(out / group), lines, {**shared, **own})
        missing[group] = frozenset(own.keys() - sound) | missing.get(group, frozenset())
        lost = frozenset(_address(group, name) for name in shared.keys() - sound)
        missing[ROOT] = missing.get(ROOT, frozenset()) | lost
    return Tree(out, published, before, True, missing)


def published(
    place: bytes,
    before: Published | None,
    files: Mapping[str, Signatures | None],
    root: Signatures,
    languages: Mapping[str, Summary],
) -> Published:
    """What is published now: ``files`` of each of the ``languages``, None where they are as they were ``before``."""
    old = before.files if before else {}
    raw = {
        group: old[group] if found is None else msgspec.Raw(_ENCODER.encode(found))
        for group, found in files.items()
    }
    raw[ROOT] = msgspec.Raw(_ENCODER.encode(root))
    root_before = before.signatures(ROOT) if before else {}
    marks = {}
    for group in (*files, ROOT):
        own, shared = files.get(group), _of(group, root, files)
        if before and group and own is None:
            if shared == _of(group, root_before, files):
                marks[group] = before.marks[group]
                continue
            own = before.signatures(group)
        marks[group] = _mark([_line(name, each) for name, each in {**(own or {}), **shared}.items()])
    return Published(place, marks, raw, dict(languages))


def follow(former: Path, site: Path, before: Published | None, now: Published) -> None:
    """Make of a ``former`` site, or an empty folder, the twin of ``site``.

    Raises:
        OSError: no more links can be made.
    """
    if before is None:
        for name in os.listdir(former):
            _remove(former / name)
    todo: list[str] = []
    for group in dict.fromkeys((*(before.files if before else ()), *now.files)):
        old, new = before.files.get(group) if before else None, now.files.get(group)
        if new is None:
            _remove(former / group)
        elif old is None or memoryview(old) != memoryview(new):
            was = before.signatures(group) if before else {}
            wanted = now.signatures(group)
            here = Place(Ground(str(former / group), "", was.copy, twin=True))
            same = {name for name, each in wanted.items() if was.get(name) == each}
            here.keep(same)
            here.expect(wanted)
            here.settle()
            here.tidy()
            todo += [_address(group, name) for name in wanted if name not in same]
    for address in todo:
        source, target = f"{site}/{address}", f"{former}/{address}"
        try:
            os.link(source, target)
        except FileNotFoundError:
            # Most folders are there: they were before.
            os.makedirs(os.path.dirname(target), exist_ok=True)
            os.link(source, target)
        except FileExistsError:
            os.unlink(target)
            os.link(source, target)


def _address(group: str, name: str) -> str:
    return f"{group}/{name}" if group else name


def _of(group: str, root: Signatures, languages: Collection[str]) -> dict[str, Signature]:
    """Those of the root's files that lie in a language's folder, or, for the root itself, in none."""
    if group:
        start = f"{group}/"
        return {name[len(start) :]: each for name, each in root.items() if name.startswith(start)}
    return {name: each for name, each in root.items() if name.partition("/")[0] not in languages}


def _listing(folder: str, skipped: Collection[str] = ()) -> list[str]:
    """A line for every file below ``folder``; one that ends in a slash for an empty folder."""
    lines: list[str] = []
    folders = [("", folder)]
    while folders:
        start, path = folders.pop()
        empty = bool(start)
        try:
            entries = os.scandir(path)
        except OSError:
            continue
        with entries:
            for entry in entries:
                empty = False
                name = start + entry.name
                if entry.is_dir(follow_symlinks=False):
                    if name not in skipped:
                        folders.append((f"{name}/", entry.path))
                elif entry.is_file(follow_symlinks=False):
                    status = entry.stat(follow_symlinks=False)
                    lines.append(f"{name}\0{status.st_size}\0{status.st_mtime_ns}")
                else:
                    lines.append(f"{name}\0")
        if empty:
            lines.append(start)
    return lines


def _line(name: str, signature: Signature) -> str:
    return f"{name}\0{signature.size}\0{signature.time}"


def _mark(lines: list[str]) -> bytes:
    return digest("\n".join(sorted(lines)))


def _sound(folder: str, lines: Iterable[str], expected: Signatures) -> set[str]:
    """The files that are as expected; all others are taken away."""
    sound: set[str] = set()
    emptied: set[str] = set()
    for line in lines:
        name = line.partition("\0")[0]
        signature = expected.get(name)
        if signature is not None and line == _line(name, signature):
            sound.add(name)
        else:
            if not name.endswith("/"):
                os.unlink(f"{folder}/{name}")
            emptied.add(name.rpartition("/")[0])
    _remove_empty(folder, emptied)
    return sound


def _remove_empty(base: str, folders: Iterable[str], spared: Collection[str] = ()) -> None:
    for folder in folders:
        while folder and folder not in spared:
            try:
                os.rmdir(f"{base}/{folder}")
            except OSError:
                break
            folder = folder.rpartition("/")[0]


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
