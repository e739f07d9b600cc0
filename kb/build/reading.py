"""All that a build reads, from the cache where the files have not changed.

A file is known by its content. To find what changed without reading ten thousand files, size, time and inode of each
are remembered: where these are the same, so is the content, unless the file was changed so shortly before it was last
looked at that its time could be the same; such a file is read again (the "racy git" rule of git-update-index). In a
fresh checkout every time differs, and all files are hashed, which costs a fraction of parsing them.
"""

import os
import stat
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from kb.build.cache import Cache, digest
from kb.build.checking import Checking, Given
from kb.config import Config
from kb.content import judgement, reader
from kb.content import media as media_files
from kb.content.article import Article, Catalog
from kb.content.media import Media, MediaFile
from kb.errors import Problem, ranked
from kb.publish import history
from kb.publish.history import History
from kb.publish.pages import RESERVED

if TYPE_CHECKING:
    from kb.language.memory import Memory

_TRANSLATION = ".po"
_RACY_NS = 2_000_000_000
"""File systems that keep whole seconds, or two, still tell a later change by this."""


class Content(msgspec.Struct, frozen=True):
    """Everything a build reads, before anything is written."""

    catalog: Catalog
    """All texts, hidden and translated ones too."""
    media: Media
    history: History
    problems: tuple[Problem, ...]
    hashes: Mapping[str, bytes] = msgspec.field(default_factory=dict)
    """Path of an article or other file → the hash of all that it says."""
    keys: Mapping[str, bytes] = msgspec.field(default_factory=dict)
    """Language → the hash of all that its folder says."""
    heads: Mapping[str, bytes] = msgspec.field(default_factory=dict)
    """Language → the hash of what its articles say above their text."""
    changed: int = 0
    """Files of the articles' folders that are not as the build before found them."""
    stale: tuple[Problem, ...] = ()
    """Pieces of translations that a check, but no build, points out: their source has changed since."""


class _Seen(msgspec.Struct, frozen=True, array_like=True, gc=False):
    size: int
    time: int
    inode: int
    hash: bytes


class _Snapshot(msgspec.Struct, frozen=True):
    """A folder's files as they were last looked at, at ``taken`` (nanoseconds of the clock of the file system)."""

    taken: int
    files: dict[str, _Seen]


class _Stored(msgspec.Struct, frozen=True, array_like=True):
    """A file beside the articles."""

    name: str
    path: str
    size: int


class _Loaded(msgspec.Struct, frozen=True, array_like=True):
    hash: bytes
    head: bytes
    article: Article
    problems: list[Problem]


class _Folder(msgspec.Struct, frozen=True):
    """What one language's folder says. ``key`` is the hash of all its names and contents, ``heads`` that of what stands
    above the articles' text, ``rules`` that of how they were read."""

    key: bytes
    heads: bytes
    rules: bytes
    loaded: dict[str, _Loaded]
    problems: list[Problem]
    media: list[_Stored]
    media_problems: list[Problem]


class _Translated(msgspec.Struct, frozen=True, array_like=True):
    """What one PO file adds: ``key`` covers the file and the text it translates."""

    hash: bytes
    key: bytes
    source: str
    read: list[Problem]
    article: Article | None
    problems: list[Problem]
    stale: list[Problem]


class _Past(msgspec.Struct, frozen=True):
    key: bytes
    history: History


def read(config: Config, *, today: date, cache: Cache | None = None) -> Content:
    """Articles, the files beside them, translations, history, and every finding about them."""
    return _Reading(config, today, cache).content()


def judge(config: Config, problems: Iterable[Problem]) -> list[Problem]:
    """The problems that count in this help centre, each as severe as it says."""
    known = (
        judgement.read_baseline(config.root / config.check.baseline) if config.check.baseline else frozenset()
    )
    return judgement.judged(problems, config.check.severity, known)


class _Reading:
    def __init__(self, config: Config, today: date, cache: Cache | None) -> None:
        self.config, self.today, self.cache = config, today, cache
        self.hashes: dict[str, bytes] = {}
        self.stale: list[Problem] = []
        self.rules = code(
            Path(__file__).parent.parent,
            "content",
            "language",
            "errors.py",
            "build/reading.py",
            "build/checking.py",
        )
        self.folders: dict[str, _Folder] = {}
        self.changed = 0
        self.of_translations: dict[str, list[bytes]] = {}
        """Language → hashes of its PO files and of what they translate."""
        self.heads: dict[str, list[bytes]] = {}
        """Language → hashes of what its translated articles say above their text."""

    def content(self) -> Content:
        config = self.config
        self.folders = {language: self.folder(language) for language in config.languages}
        texts = {
            language: {each.article.id: each.article for each in folder.loaded.values()}
            for language, folder in self.folders.items()
        }
        catalog, problems = reader.together(config.root, config.articles, config.languages, texts)
        problems += [
            p for folder in self.folders.values() for p in (*folder.problems, *folder.media_problems)
        ]
        problems += [
            p for folder in self.folders.values() for each in folder.loaded.values() for p in each.problems
        ]
        media = self.media()
        problems += self.checks(catalog, media)
        problems += _reserved(catalog)
        articles, found = self.translations(catalog)
        past, past_problems = self.history()
        problems += [*found, *past_problems]
        catalog = catalog.with_texts(articles) if articles else catalog
        counted = tuple(ranked(judge(config, problems)))
        return Content(
            catalog,
            media,
            past,
            counted,
            self.hashes,
            {
                language: digest(each.key, *self.of_translations[language])
                for language, each in self.folders.items()
            },
            {language: digest(each.heads, *self.heads[language]) for language, each in self.folders.items()},
            self.changed,
            tuple(self.stale),
        )

    # --- folders ---

    def folder(self, language: str) -> _Folder:
        files = self.snapshot(language)
        self.hashes |= {path: seen.hash for path, seen in files.items()}
        rules = digest(self.rules, self.config.articles, *self.config.languages)
        names = b"".join(
            b"%s\0%s" % (path.encode("utf-8", "surrogatepass"), s.hash) for path, s in files.items()
        )
        key = digest(rules, names)
        old = self.cache.read(f"folder-{language}", _Folder) if self.cache else None
        if old is not None and old.key == key:
            return old
        return self.load(language, key, rules, old.loaded if old and old.rules == rules else {})

    def load(self, language: str, key: bytes, rules: bytes, known: Mapping[str, _Loaded]) -> _Folder:
        config = self.config
        loaded: dict[str, _Loaded] = {}

        def load(entry: reader.Entry, languages: tuple[str, ...]) -> tuple[Article, list[Problem]]:
            hash = self.hashes.get(entry.path, b"")
            found = known.get(entry.path)
            if found is None or not hash or found.hash != hash:
                article, problems = reader.load(entry, languages)
                found = _Loaded(hash, head(article), article, problems)
            loaded[entry.path] = found
            return found.article, []

        _, problems = reader.read_language(
            config.root, config.articles, language, config.languages, load=load
        )
        media, media_problems = media_files.read(config.root, config.articles, [language])
        stored = [_Stored(file.name, file.path, file.size) for file in media.files[language].values()]
        heads = digest(*(each.head for each in loaded.values()))
        folder = _Folder(key, heads, rules, loaded, problems, stored, list(media_problems))
        if self.cache:
            self.cache.write(f"folder-{language}", folder)
        return folder

    def snapshot(self, language: str) -> dict[str, _Seen]:
        name = f"seen-{language}"
        taken = time.time_ns()
        old = self.cache.read(name, _Snapshot) if self.cache else None
        top = f"{self.config.articles}/{language}"
        files, fresh = _snapshot(self.config.root, top, old)
        before = {path: seen.hash for path, seen in old.files.items()} if fresh and old else {}
        self.changed += sum(before.get(path) != seen.hash for path, seen in files.items()) if fresh else 0
        if self.cache and (fresh or old is None or len(old.files) != len(files)):
            self.cache.write(name, _Snapshot(taken, files))
        return files

    def media(self) -> Media:
        root = self.config.root
        files = {
            language: {
                f.name: MediaFile(language, f.name, f.path, root / f.path, f.size) for f in folder.media
            }
            for language, folder in self.folders.items()
        }
        return Media(self.config.languages, files)

    # --- checks ---

    def checks(self, catalog: Catalog, media: Media) -> list[Problem]:
        config, folders = self.config, self.folders
        given = Given(
            self.cache,
            self.rules,
            strangers(config.articles_dir, config.languages),
            self.hashes,
            {language: folder.key for language, folder in folders.items()},
            {language: folder.heads for language, folder in folders.items()},
        )
        return Checking(given, catalog, media, self.today, config.articles_dir).found()

    # --- translations ---

    def translations(self, catalog: Catalog) -> tuple[list[Article], list[Problem]]:
        """Each PO file's text, from the cache where neither it nor the text it translates has changed."""
        articles: list[Article] = []
        problems: list[Problem] = []
        for language in self.config.languages:
            keys, heads = self.of_translations.setdefault(language, []), self.heads.setdefault(language, [])
            for path, each in self.translated(catalog, language).items():
                keys.append(each.key or each.hash)
                heads += [head(each.article)] if each.article else []
                problems += [*each.read, *each.problems]
                self.stale += each.stale
                # What its page says depends on the text it translates as well.
                self.hashes[path] = each.key or each.hash
                articles += [each.article] if each.article else []
        return articles, problems

    def translated(self, catalog: Catalog, language: str) -> Mapping[str, _Translated]:
        """The PO files of one language by path."""
        start, end = f"{self.config.articles}/{language}/", _TRANSLATION
        paths = [path for path in self.hashes if path.startswith(start) and path.endswith(end)]
        if not paths:
            return {}
        from kb.language import memory, translate  # its many patterns take long to compile
        from kb.language.memory import Memory

        config, review = self.config, self.config.translate.review
        known = (self.cache.read(f"po-{language}", dict[str, _Translated]) if self.cache else None) or {}
        made: dict[str, _Translated] = {}
        todo: list[Memory] = []
        for path in sorted(path for path in paths if not os.path.islink(config.root / path)):
            id, hash, old = path[len(start) : -len(end)], self.hashes[path], known.get(path)
            if (
                old
                and old.hash == hash
                and old.key == self.key(catalog, Memory(path, language, id, old.source))
            ):
                made[path] = old
                continue
            read, faults = memory.read(config.root / path, language=language, id=id, root=config.root)
            made[path] = _Translated(hash, b"", read.source if read else "", faults, None, [], [])
            todo += [read] if read else []
        found, problems = translate.translations(catalog, todo, review=review)
        texts, broken = translate.made(found)
        by_path = {article.path: article for article in texts}
        of_path, stale = _by_path([*problems, *broken]), _by_path(translate.stale(found))
        for each in todo:
            fresh, key, article = made[each.path], self.key(catalog, each), by_path.get(each.path)
            own, late = of_path.get(each.path, []), stale.get(each.path, [])
            made[each.path] = _Translated(fresh.hash, key, each.source, fresh.read, article, own, late)
        if self.cache and made != known:
            self.cache.write(f"po-{language}", made)
        return made

    def key(self, catalog: Catalog, memory: "Memory") -> bytes:
        """The hash of all that a PO file's text hangs on."""
        from kb.language import translate  # loaded by whoever has a memory

        review = self.config.translate.review
        base = translate.base_of(catalog, memory)
        source = catalog.sources.get(memory.id)
        return digest(
            self.rules,
            self.hashes[memory.path],
            translate.useless(catalog, memory, base),
            base.path if base else "",
            self.hashes.get(base.path, b"") if base else b"",
            str(source is not None and translate.is_held(source, review)),
            " ".join(base.related) if base else "",
        )

    # --- history ---

    def history(self) -> tuple[History, Sequence[Problem]]:
        key = _commit(self.config.root, self.config.articles) if self.cache else b""
        if self.cache is None or not key:
            return history.read(self.config.root, self.config.articles)
        old = self.cache.read("history", _Past)
        if old is not None and old.key == digest(self.rules, key):
            return old.history, ()
        found, problems = history.read(self.config.root, self.config.articles)
        if not problems:
            self.cache.write("history", _Past(digest(self.rules, key), found))
        return found, problems


def head(article: Article) -> bytes:
    """The hash of what an article says above its text."""
    above = article.text[: len(article.text) - len(article.body)] if article.body else article.text
    return digest(article.path, article.origin.value, " ".join(article.related), above)


def _snapshot(root: Path, top: str, old: _Snapshot | None) -> tuple[dict[str, _Seen], bool]:
    """Every entry below ``root/top`` in a stable order, and whether any of them is not as it was."""
    known = old.files if old else {}
    safe = old.taken - _RACY_NS if old else 0
    files: dict[str, _Seen] = {}
    fresh = False
    for path, entry in _entries(os.path.join(root, top), top):
        status = entry.stat(follow_symlinks=False)
        seen = known.get(path)
        if (
            seen is not None
            and seen.size == status.st_size
            and seen.time == status.st_mtime_ns
            and seen.inode == status.st_ino
            and status.st_mtime_ns < safe
        ):
            files[path] = seen
            continue
        fresh = True
        files[path] = _Seen(status.st_size, status.st_mtime_ns, status.st_ino, _hash(entry, status))
    return files, fresh


def _entries(folder: str, path: str) -> Iterator[tuple[str, "os.DirEntry[str]"]]:
    try:
        with os.scandir(folder) as found:
            entries = sorted(found, key=lambda entry: entry.name)
    except OSError:
        return
    for entry in entries:
        if entry.name.startswith("."):
            continue
        inner = f"{path}/{entry.name}"
        if entry.is_dir(follow_symlinks=False):
            yield from _entries(entry.path, inner)
        else:
            yield inner, entry


def _hash(entry: "os.DirEntry[str]", status: os.stat_result) -> bytes:
    if not stat.S_ISREG(status.st_mode):
        return digest("no file", str(stat.S_IFMT(status.st_mode)))
    try:
        with open(entry.path, "rb") as file:
            return sha256(file.read()).digest()[:16]
    except OSError as error:
        return digest("unreadable", str(error.errno))


def _strangers(articles: Path, languages: Sequence[str]) -> dict[str, _Seen]:
    """Files beside the language folders: snippets, glossaries."""
    found: dict[str, _Seen] = {}
    if not articles.is_dir():
        return found
    for name in sorted(os.listdir(articles)):
        if name not in languages and not name.startswith(".") and (articles / name).is_dir():
            files, _ = _snapshot(articles, name, None)
            found |= files
    return found


def strangers(articles: Path, languages: Sequence[str]) -> bytes:
    """The hash of all files beside the language folders, which articles may include as snippets."""
    return digest(
        *(part for name, seen in _strangers(articles, languages).items() for part in (name, seen.hash))
    )


def _commit(root: Path, articles: str) -> bytes:
    """What the history of the articles hangs on; empty outside a repository and in a shallow clone."""
    try:
        run = subprocess.run(
            ["git", "rev-parse", "--is-shallow-repository", "--show-prefix", "HEAD"],
            cwd=root,
            capture_output=True,
            check=False,
            timeout=60,
        )
    except (OSError, subprocess.TimeoutExpired):
        return b""
    if run.returncode or not run.stdout.startswith(b"false"):
        return b""
    return digest(run.stdout, articles)


def _by_path(problems: Iterable[Problem]) -> dict[str, list[Problem]]:
    found: dict[str, list[Problem]] = {}
    for each in problems:
        found.setdefault(each.path, []).append(each)
    return found


def _reserved(catalog: Catalog) -> Iterator[Problem]:
    for article in catalog:
        name = article.id.partition("/")[0]
        if name in RESERVED:
            yield Problem(
                "category-reserved",
                article.path,
                None,
                f"'{name}' is the address of a page of the site itself",
                "rename the folder, and keep its addresses with redirect_from",
            )


@lru_cache(maxsize=32)
def code(package: Path, *names: str) -> bytes:
    """The hash of the program's own files below ``package``: a new version remembers nothing wrong."""
    found = []
    for name in names:
        path = package / name
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            found += [file.relative_to(package).as_posix().encode(), file.read_bytes()]
    return digest(*found)
