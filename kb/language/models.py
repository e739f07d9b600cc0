"""Installing models: from a file, or from their index by network; only what is needed, checked before it is written.

Models are strangers' files. An archive is looked through before anything of it is written: a path that leads
out, a link or a bomb refuses all of it; of a package only the files a translation is made from are unpacked
(sentence splitters in pickled form, which some carry, are not). Then every file's hash is pinned.
"""

import json
import re
import shutil
import stat
import tempfile
import urllib.error
import urllib.parse
import urllib.request
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from kb.errors import ModelError
from kb.language import argos, firefox
from kb.language.pins import Pin, Pins, digest

ARGOS_INDEX = "https://raw.githubusercontent.com/argosopentech/argospm-index/main/index.json"
ENTRY_LIMIT = 2_000
"""Files in an archive; real packages have fewer than 200."""
UNPACKED_LIMIT_BYTES = 4_000_000_000
RATIO_LIMIT = 100
"""Unpacked to packed size; models hardly compress, but their vocabularies do."""
DOWNLOAD_LIMIT_BYTES = 2_000_000_000
INDEX_LIMIT_BYTES = 20_000_000
TIMEOUT_SECONDS = 30
_CHUNK_BYTES = 1 << 18
_PAIR = re.compile(
    r"([A-Za-z]{2,3}(?:[-_][A-Za-z]{2,4})??)(?:-|_|→|:|>)([A-Za-z]{2,3}(?:[-_][A-Za-z]{2,4})?)"
)
_FIREFOX_FILE = re.compile(r"(?:model|lex|vocab|srcvocab|trgvocab)\.[\w.]+\.(?:bin|spm)")
_FIREFOX_MODEL = re.compile(r"model\.([a-z]{2})([a-z]{2})\.[\w.]+\.bin")
_ARGOS_KEPT = frozenset((*argos.FILES, *argos.VOCABULARIES, "bpe.model", "README.md"))
_FOLDER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")

Progress = Callable[[int, int, str], None]
"""Called with bytes done, bytes in all (0 when unknown), and what is being loaded."""


@dataclass(frozen=True, slots=True)
class Installed:
    """A model there is. `ours` tells whether it lies in the project's folder, where it can be removed."""

    identity: str
    engine: str
    source: str
    target: str
    folder: Path
    size_bytes: int
    ours: bool
    pin: Pin


def installed(models: Path, environ: Mapping[str, str], pins: Pins) -> list[Installed]:
    """All models of the project and of the engines' own programs."""
    found: list[Installed] = []
    for folder in (models / argos.NAME, *argos.folders(environ)):
        for package in argos.packages(folder):
            pair = package.source, package.target
            found.append(_installed(package.identity, argos.NAME, pair, package.folder, models, pins))
    for folder in (models / firefox.NAME, *firefox.folders(environ)):
        for files in firefox.models(folder):
            pair = files.source, files.target
            found.append(_installed(files.identity, firefox.NAME, pair, files.folder, models, pins))
    return found


def _installed(
    identity: str, engine: str, pair: tuple[str, str], folder: Path, models: Path, pins: Pins
) -> Installed:
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    ours = folder.is_relative_to(models)
    return Installed(identity, engine, *pair, folder, size, ours, pins.get(identity))


def remove(model: Installed, pins: Pins) -> None:
    """Delete a model of the project's folder, and its pin.

    Raises:
        ModelError: another program installed it.
    """
    if not model.ours:
        raise ModelError(
            f"{model.identity} was installed by another program, in {model.folder}",
            hint="remove it with that program",
        )
    shutil.rmtree(model.folder)
    pins.remove(model.identity)


def parse_pair(text: str) -> tuple[str, str] | None:
    """`en-pt`, `en_pt`, `en→pt` → (en, pt)."""
    match = _PAIR.fullmatch(text.strip())
    return (match[1], match[2]) if match else None


# --- from a file ---


def install_file(file: Path, models: Path, pins: Pins, *, origin: str = "") -> str:
    """Install an Argos package (a zip), or a Firefox model (a zip or a folder of its files); its identity.

    Raises:
        ModelError: the file is none, is damaged or dangerous, or is not the one the lock file names.
    """
    if file.is_dir():
        return _install_firefox(_folder_files(file), file.name, models, pins, origin or file.name)
    if not file.is_file():
        raise ModelError(f"there is no file {file}", hint="name a .argosmodel file, or a pair such as en-pt")
    try:
        with zipfile.ZipFile(file) as archive:
            entries = list(_checked(archive, file.name))
            with tempfile.TemporaryDirectory(dir=_made(models), prefix=".install-") as space:
                return _install_archive(archive, entries, Path(space), models, pins, origin or file.name)
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
        raise ModelError(f"{file.name} is not a model archive, or is damaged: {error}") from None


def _made(models: Path) -> Path:
    models.mkdir(parents=True, exist_ok=True)
    ignore = models / ".gitignore"
    if not ignore.exists():
        # Models are large and can be had again; what they have to be is in the lock file.
        ignore.write_text("*\n!.gitignore\n!lock.json\n", "utf-8")
    return models


def _checked(archive: zipfile.ZipFile, name: str) -> Iterator[zipfile.ZipInfo]:
    """The files of an archive, or ModelError for an archive no honest packer makes."""

    def refuse(why: str) -> ModelError:
        return ModelError(
            f"{name} is refused: {why}", hint="nothing of it was unpacked; get it from its maker"
        )

    entries = archive.infolist()
    if len(entries) > ENTRY_LIMIT:
        raise refuse(f"it has {len(entries)} entries, more than {ENTRY_LIMIT}")
    if sum(entry.file_size for entry in entries) > UNPACKED_LIMIT_BYTES:
        raise refuse("it would unpack to more than 4 GB")
    seen: set[str] = set()
    for entry in entries:
        path = PurePosixPath(entry.filename)
        kind = stat.S_IFMT(entry.external_attr >> 16)
        if path.is_absolute() or ".." in path.parts or "\\" in entry.filename or ":" in entry.filename:
            raise refuse(f"the path {entry.filename!r} leads out of its folder")
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise refuse(f"{entry.filename!r} is a link or a device")
        if entry.flag_bits & 1:
            raise refuse(f"{entry.filename!r} is encrypted")
        if entry.file_size > RATIO_LIMIT * max(entry.compress_size, 1000):
            raise refuse(
                f"{entry.filename!r} unpacks to {entry.file_size:,} bytes from {entry.compress_size:,}"
            )
        if path.as_posix().lower() in seen:
            raise refuse(f"{entry.filename!r} is in it twice")
        seen.add(path.as_posix().lower())
        if not entry.is_dir():
            yield entry


def _install_archive(
    archive: zipfile.ZipFile,
    entries: Sequence[zipfile.ZipInfo],
    space: Path,
    models: Path,
    pins: Pins,
    origin: str,
) -> str:
    tops = {PurePosixPath(entry.filename).parts[0] for entry in entries}
    metadata = [entry for entry in entries if PurePosixPath(entry.filename).name == "metadata.json"]
    if len(tops) == 1 and any(len(PurePosixPath(entry.filename).parts) == 2 for entry in metadata):
        wanted = {entry: "/".join(PurePosixPath(entry.filename).parts[1:]) for entry in entries}
        unpacked = _unpack(archive, {e: n for e, n in wanted.items() if n in _ARGOS_KEPT}, space)
        return _install_argos(unpacked, models, pins, origin)
    flat = {entry: PurePosixPath(entry.filename).name for entry in entries}
    unpacked = _unpack(archive, {e: n for e, n in flat.items() if _FIREFOX_FILE.fullmatch(n)}, space)
    return _install_firefox(_folder_files(unpacked), "", models, pins, origin)


def _unpack(archive: zipfile.ZipFile, names: Mapping[zipfile.ZipInfo, str], space: Path) -> Path:
    folder = space / "model"
    for entry, name in names.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        with archive.open(entry) as data, target.open("wb") as out:
            # The declared size was checked; a member that goes on beyond it is cut off by its checksum.
            shutil.copyfileobj(data, out, _CHUNK_BYTES)
    folder.mkdir(exist_ok=True)
    return folder


def _install_argos(unpacked: Path, models: Path, pins: Pins, origin: str) -> str:
    package = argos.read_package(unpacked)
    if package is None:
        raise ModelError(
            "this Argos package is not a translation model", hint="packages of type 'translate' are"
        )
    argos.check_complete(package)
    argos.vocabulary(unpacked / "sentencepiece.model")
    name = package.identity.removeprefix(f"{argos.NAME}/")
    _place(unpacked, models / argos.NAME, name, package.identity, package.files, pins, origin)
    return package.identity


def _folder_files(folder: Path) -> dict[str, Path]:
    return {file.name: file for file in sorted(folder.iterdir()) if _FIREFOX_FILE.fullmatch(file.name)}


def _install_firefox(
    files: Mapping[str, Path],
    folder_name: str,
    models: Path,
    pins: Pins,
    origin: str,
    *,
    pair: tuple[str, str] | None = None,
    version: str = "",
) -> str:
    named = next((match for name in files if (match := _FIREFOX_MODEL.fullmatch(name))), None)
    pair = pair or (parse_pair(folder_name) if named is None else (named[1], named[2]))
    if pair is None:
        raise ModelError(
            "this is neither an Argos package nor a Firefox model",
            hint="a package has metadata.json; a Firefox model has model.enpt.intgemm.alphas.bin and vocab.enpt.spm",
        )
    with tempfile.TemporaryDirectory(dir=_made(models), prefix=".install-") as space:
        unpacked = Path(space) / "-".join(pair)
        unpacked.mkdir()
        for name, file in files.items():
            if file.is_symlink() or not file.is_file():
                raise ModelError(f"{file} is a link or no file", hint="copy the file itself")
            shutil.copyfile(file, unpacked / name)
        model = firefox.read_files(unpacked, *pair)
        firefox.vocabulary(model.source_vocabulary)
        data = {"from": pair[0], "to": pair[1], "version": version or digest(model.model)[:8]}
        (unpacked / firefox.METADATA).write_text(json.dumps(data) + "\n", "utf-8")
        model = firefox.read_files(unpacked, *pair)
        identity = model.identity
        _place(unpacked, models / firefox.NAME, "-".join(pair), identity, model.names, pins, origin)
    return identity


def _place(
    unpacked: Path, home: Path, name: str, identity: str, files: Sequence[str], pins: Pins, origin: str
) -> None:
    """Move a checked model to its place, and pin it; one that is pinned already has to be the same."""
    if not _FOLDER_NAME.fullmatch(name):
        raise ModelError(f"'{name}' cannot be the name of a folder", hint="its metadata.json is damaged")
    pins.verify(identity, unpacked, files)
    pins.put(identity, replace(pins.get(identity), origin=origin))
    home.mkdir(parents=True, exist_ok=True)
    target = home / name
    if target.exists():
        shutil.rmtree(target)
    unpacked.rename(target)


# --- by network ---


def install_pair(
    source: str, target: str, models: Path, pins: Pins, *, engine: str, index: str = "", progress: Progress
) -> str:
    """Download and install the model of a pair; its identity. A download that was cut off goes on where it ended.

    Raises:
        ModelError: there is no network, no such model, or what came is not what the index promised.
    """
    if engine == argos.NAME:
        return _argos_pair(source, target, models, pins, index or ARGOS_INDEX, progress)
    return _firefox_pair(source, target, models, pins, index, progress)


def _argos_pair(source: str, target: str, models: Path, pins: Pins, index: str, progress: Progress) -> str:
    packages = _json(index)
    if not isinstance(packages, list):
        raise ModelError(f"{index} is not an index of Argos packages")
    fitting = [
        package
        for package in packages
        if isinstance(package, dict)
        and (package.get("from_code"), package.get("to_code")) == (source, target)
        and package.get("type", "translate") == "translate"
    ]
    if not fitting:
        raise ModelError(
            f"the index has no Argos package from '{source}' to '{target}'",
            hint="packages go mostly from and to English; a pivot over it is found by itself",
        )
    newest = max(fitting, key=lambda package: _numbers(str(package.get("package_version", "0"))))
    links = [link for link in newest.get("links", []) if isinstance(link, str) and _is_http(link)]
    if not links:
        raise ModelError(f"the index names no address for the package from '{source}' to '{target}'")
    errors = []
    for link in links:
        try:
            file = download(link, _made(models) / ".downloads", progress=progress)
        except ModelError as error:
            errors.append(error)
            continue
        identity = install_file(file, models, pins, origin=link)
        file.unlink()
        return identity
    raise errors[-1]


def _firefox_pair(source: str, target: str, models: Path, pins: Pins, index: str, progress: Progress) -> str:
    index = index or firefox.records_url()
    listed = firefox.records(_bytes(index, INDEX_LIMIT_BYTES).decode("utf-8", "replace"))
    fitting = [record for record in listed if (record.source, record.target) == (source, target)]
    if not fitting:
        raise ModelError(
            f"there is no Firefox model from '{source}' to '{target}'",
            hint="most models go from and to English; a pivot over it is found by itself",
        )
    version = max((record.version for record in fitting), key=_numbers)
    base = _attachments(index)
    downloads = _made(models) / ".downloads"
    with tempfile.TemporaryDirectory(dir=models, prefix=".install-") as space:
        for record in firefox.one_model([r for r in fitting if r.version == version]):
            if not _FIREFOX_FILE.fullmatch(record.name):
                raise ModelError(f"the index names a file {record.name!r}, which no model has")
            packed = download(urllib.parse.urljoin(base, record.location), downloads, progress=progress)
            data = firefox.unpack(packed.read_bytes(), record)
            (Path(space) / record.name).write_bytes(data)
            packed.unlink()
        files = _folder_files(Path(space))
        return _install_firefox(
            files, "", models, pins, f"{base} {version}", pair=(source, target), version=version
        )


def _attachments(index: str) -> str:
    """Where the settings service that answers at `index` keeps its files; it says so at its root."""
    root = index.partition("buckets/")[0]
    try:
        return str(_json(root)["capabilities"]["attachments"]["base_url"])
    except (KeyError, TypeError):
        raise ModelError(f"{root} does not say where its files are") from None


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version))


def download(url: str, folder: Path, *, progress: Progress) -> Path:
    """The file at `url` in `folder`. What is there of an earlier, broken download is kept and continued.

    Raises:
        ModelError: the address does not answer, or answers with something else.
    """
    folder.mkdir(parents=True, exist_ok=True)
    name = re.sub(r"[^A-Za-z0-9._-]", "_", PurePosixPath(urllib.parse.urlsplit(url).path).name) or "model"
    target, part, tag = folder / name, folder / f"{name}.part", folder / f"{name}.tag"
    request = urllib.request.Request(url, headers={"User-Agent": "babelfaq"})
    have = part.stat().st_size if part.exists() and tag.exists() else 0
    if have:
        request.add_header("Range", f"bytes={have}-")
        # Another file at the same address would be glued to the first half of this one.
        request.add_header("If-Range", tag.read_text("utf-8"))
    try:
        with _open(request) as answer:
            resumed = answer.status == 206
            have = have if resumed else 0
            total = have + int(answer.headers.get("Content-Length") or 0)
            tag.write_text(answer.headers.get("ETag") or answer.headers.get("Last-Modified") or "-", "utf-8")
            with part.open("ab" if resumed else "wb") as out:
                while data := answer.read(_CHUNK_BYTES):
                    out.write(data)
                    have += len(data)
                    progress(have, total, name)
                    if have > DOWNLOAD_LIMIT_BYTES:
                        raise ModelError(f"{url} is larger than 2 GB")
    except (OSError, ValueError) as error:
        raise _unreachable(url, error) from None
    if total and have != total:
        raise ModelError(
            f"{url} broke off after {have:,} of {total:,} bytes", hint="run again; it goes on from there"
        )
    part.replace(target)
    tag.unlink(missing_ok=True)
    return target


def _open(request: urllib.request.Request) -> Any:
    if not _is_http(request.full_url):
        raise ModelError(f"{request.full_url} is not a web address")
    return urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS)


def _is_http(url: str) -> bool:
    return urllib.parse.urlsplit(url).scheme in ("http", "https")


def _bytes(url: str, limit: int) -> bytes:
    try:
        with _open(urllib.request.Request(url, headers={"User-Agent": "babelfaq"})) as answer:
            data: bytes = answer.read(limit + 1)
    except (OSError, ValueError) as error:
        raise _unreachable(url, error) from None
    if len(data) > limit:
        raise ModelError(f"{url} is larger than {limit:,} bytes")
    return data


def _json(url: str) -> Any:
    try:
        return json.loads(_bytes(url, INDEX_LIMIT_BYTES))
    except ValueError as error:
        raise ModelError(f"{url} is not valid JSON: {error}") from None


def _unreachable(url: str, error: Exception) -> ModelError:
    plain = isinstance(error, urllib.error.URLError) and not isinstance(error, urllib.error.HTTPError)
    reason = error.reason if plain else error  # type: ignore[attr-defined]
    return ModelError(
        f"{url} cannot be loaded: {reason}",
        hint="get the file on another machine and install it: kb models install FILE",
    )
