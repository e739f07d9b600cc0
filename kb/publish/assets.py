"""Files shared by all languages, written once below ``assets/`` with names that change with their content.

Material's own files carry a hash in their name already. Ours go into one folder named after the hash of
everything in it,
so that modules may import one another by relative path and a host may cache them for ever.
"""

import shutil
from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path

import msgspec

_SKIPPED_SUFFIXES = (".map",)
_SKIPPED_PARTS = ("lunr", "workers")
"""Material's search and its dictionaries, whose place ours takes."""


class Assets(msgspec.Struct, frozen=True):
    """``files``: name as templates write it (``assets/kb.css``) → address relative to the site's root."""

    files: Mapping[str, str]
    folder: str
    """The versioned folder of our own files: ``assets/kb-1a2b3c4d``."""

    def address(self, name: str) -> str:
        """Address of ``assets/…`` relative to the site's root; unknown names stay as they are."""
        return self.files.get(name, name)


def collect(
    theme_dirs: Iterable[Path], ours: Path, extra: Mapping[str, Path]
) -> tuple[Assets, dict[str, Path]]:
    """The assets of a theme, and where each comes from: address → file.

    ``theme_dirs`` come winner first; ``ours`` is the one among them whose files are versioned, with ``extra``
    (name below the
    versioned folder → file) beside them.
    """
    versioned = dict(_files(ours / "assets")) | dict(extra)
    folder = f"assets/kb-{_digest(versioned)}"
    sources: dict[str, Path] = {}
    names: dict[str, str] = {}
    for directory in reversed(list(theme_dirs)):
        if directory == ours:
            continue
        for name, path in _files(directory / "assets"):
            if not _is_skipped(name):
                sources[f"assets/{name}"] = path
    for name, path in versioned.items():
        sources[f"{folder}/{name}"] = path
        names[f"assets/{name}"] = f"{folder}/{name}"
    return Assets(names, folder), sources


def write(sources: Mapping[str, Path], out: Path) -> None:
    """Copy every asset below ``out``."""
    for address, path in sources.items():
        target = out / address
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)


def _files(folder: Path) -> list[tuple[str, Path]]:
    if not folder.is_dir():
        return []
    return [(p.relative_to(folder).as_posix(), p) for p in sorted(folder.rglob("*")) if p.is_file()]


def _is_skipped(name: str) -> bool:
    return name.endswith(_SKIPPED_SUFFIXES) or any(part in _SKIPPED_PARTS for part in name.split("/"))


def _digest(files: Mapping[str, Path]) -> str:
    digest = sha256()
    for name, path in sorted(files.items()):
        content = path.read_bytes()
        digest.update(f"{name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()[:12]
