"""A last look at a finished site: nothing in it may tell more than its pages do.

A theme folder with a forgotten file in it, or a plugin that writes a path into its output, would publish secrets; so
every file is looked at by its name, and every text for paths of the machine that built it.
"""

import os
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path

import msgspec

from kb.errors import Problem

_FORBIDDEN_SUFFIXES = frozenset({
    ".bak", ".cfg", ".conf", ".crt", ".db", ".env", ".ini", ".key", ".lock", ".log", ".md", ".orig", ".p12", ".pem",
    ".pfx", ".po", ".pot", ".py", ".pyc", ".pyo", ".rej", ".sh", ".sql", ".sqlite", ".sqlite-shm", ".sqlite-wal",
    ".sqlite3", ".swp", ".tmp", ".toml", ".yaml", ".yml",
})  # fmt: skip
_FORBIDDEN_NAMES = frozenset({"id_rsa", "id_ed25519", "makefile", "dockerfile", "thumbs.db", "desktop.ini"})
_HIDDEN_ALLOWED = frozenset({".well-known", ".nojekyll"})
_TEXT_SUFFIXES = frozenset({
    ".atom", ".css", ".csv", ".htm", ".html", ".js", ".json", ".map", ".mjs", ".rss", ".svg", ".txt",
    ".webmanifest", ".xml", ".xsl",
})  # fmt: skip


def scan(
    site: Path,
    *,
    machine_paths: Sequence[Path] = (),
    known: Collection[str] = (),
    only: Iterable[str] | None = None,
) -> tuple[Problem, ...]:
    """What must not be published but is in ``site``: secrets, databases, logs, settings, links, and the
    ``machine_paths`` (content folder, home, environment) in any text. Paths are relative to the site; files at the
    addresses in ``known`` were looked over before. Whoever knows every file there is may name those to look at in
    ``only``."""
    traces = _traces(machine_paths)
    found: list[Problem] = []
    for address, path in _entries(site, known) if only is None else _named(site, only):
        name = os.path.basename(address).lower()
        if reason := _forbidden(name, path):
            hint = "remove it from the theme or the articles"
            found.append(Problem("output-forbidden", address, None, f"{reason} must not be published", hint))
        elif traces and os.path.splitext(name)[1] in _TEXT_SUFFIXES:
            with open(path, "rb") as file:
                found += _leaks(address, file.read(), traces)
    return tuple(found)


def _entries(site: Path, known: Collection[str]) -> Iterator[tuple[str, str]]:
    """Files, links and hidden folders, by address; what lies in a hidden folder is told by the folder."""
    top = len(str(site)) + 1
    for directory, folders, files in os.walk(site):
        here = directory[top:].replace(os.sep, "/")
        start = f"{here}/" if here else ""
        stop = [name for name in folders if _is_hidden(name) or os.path.islink(os.path.join(directory, name))]
        folders[:] = sorted(set(folders) - set(stop))
        for name in sorted([*stop, *files]):
            address = start + name
            if address not in known:
                yield address, os.path.join(directory, name)


def _named(site: Path, addresses: Iterable[str]) -> Iterator[tuple[str, str]]:
    """As :func:`_entries`, of files whose addresses are known."""
    hidden: set[str] = set()
    for address in sorted(addresses):
        folder = _hidden_folder(address)
        if not folder:
            yield address, f"{site}/{address}"
        elif folder not in hidden:
            hidden.add(folder)
            yield folder, f"{site}/{folder}"


def _hidden_folder(address: str) -> str:
    """The outermost hidden folder that a file lies in."""
    if "/." not in f"/{address}":
        return ""
    names = address.split("/")
    at = next((at for at, name in enumerate(names[:-1], start=1) if _is_hidden(name)), 0)
    return "/".join(names[:at])


def _forbidden(name: str, path: str) -> str:
    if os.path.islink(path):
        return "a symbolic link"
    if _is_hidden(name):
        return "a hidden file or folder"
    if name in _FORBIDDEN_NAMES or name.endswith("~") or os.path.splitext(name)[1] in _FORBIDDEN_SUFFIXES:
        return "a file of this kind"
    return ""


def _is_hidden(name: str) -> bool:
    return name.startswith(".") and name not in _HIDDEN_ALLOWED


class _Traces(msgspec.Struct, frozen=True):
    """``texts`` are looked for first: a pattern that looks behind takes a hundred times as long."""

    texts: tuple[bytes, ...]
    pattern: re.Pattern[bytes]

    def search(self, content: bytes) -> re.Match[bytes] | None:
        return self.pattern.search(content) if any(text in content for text in self.texts) else None


def _traces(paths: Sequence[Path]) -> _Traces | None:
    # "/app" alone may be an address of the site; only a longer path can be told from one.
    long = {str(path) for path in paths if len(path.parts) > 2}
    every = {text for path in long for text in (path, path.replace("\\", "/"), path.replace("\\", "\\\\"))}
    if not every:
        return None
    texts = tuple(text.encode() for text in sorted(every, key=len, reverse=True))
    # In "https://example.com/srv/help/" the same letters are part of an address.
    return _Traces(
        texts, re.compile(rb"(?<![\w.:~%-])(?:" + b"|".join(map(re.escape, texts)) + rb")(?![\w-])")
    )


def _leaks(address: str, content: bytes, traces: _Traces) -> Iterator[Problem]:
    match = traces.search(content)
    if match:
        line = content.count(b"\n", 0, match.start()) + 1
        message = (
            f"it names {match.group().decode('utf-8', 'replace')}, a path of the machine that built the site"
        )
        yield Problem(
            "output-machine-path", address, line, message, "look for a plugin or hook that writes it"
        )
