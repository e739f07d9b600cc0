"""Mozilla's Firefox Translations models, run through fxtranslate: its only importer.

A model is a folder with `model.*.bin`, one or two vocabularies (`vocab.*.spm`, or `srcvocab` and `trgvocab`)
and mostly a shortlist (`lex.*.bin`). The library's translator panics when it crosses threads, and drops
characters outside its vocabulary and the end of long texts without a word: so it lives in a worker process,
the vocabulary is read here, and no text is longer than `_MAX_WORDS`.
"""

import json
import os
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from kb.errors import ModelError
from kb.language.engine import Model, Pair
from kb.language.pins import Pins, digest
from kb.language.vocabulary import Vocabulary
from kb.language.worker import ANSWER_SECONDS, Worker, command

NAME = "firefox"
METADATA = "metadata.json"
"""Written at installation: `{"from": "en", "to": "pt", "version": "2.0"}`; other programs' folders have none."""
_MAX_WORDS = 60  # text is lost from about 75 words on
_ARCHITECTURES = ("tiny", "base-memory", "base")
_GROUP = 64  # texts answered together
_PAIR_FOLDER = re.compile(r"([a-z]{2,3}(?:[-_][A-Za-z]+)?)-([a-z]{2,3}(?:[-_][A-Za-z]+)?)")


@dataclass(frozen=True)
class Files:
    """An installed model. `source_vocabulary` and `target_vocabulary` are one file for most pairs."""

    folder: Path
    source: str
    target: str
    model: Path
    source_vocabulary: Path
    target_vocabulary: Path
    shortlist: Path | None

    @cached_property
    def identity(self) -> str:
        """With the version given at installation, else the beginning of the model's hash."""
        try:
            version = str(json.loads((self.folder / METADATA).read_text("utf-8"))["version"])
        except (OSError, ValueError, KeyError, TypeError):
            version = digest(self.model)[:8]
        return f"{NAME}/{self.source}-{self.target}-{version}"

    @property
    def names(self) -> tuple[str, ...]:
        files = [self.model, self.source_vocabulary, self.target_vocabulary, self.shortlist]
        return tuple(dict.fromkeys(file.name for file in files if file))


def folders(environ: Mapping[str, str]) -> tuple[Path, ...]:
    """Where fxtranslate keeps the models it downloaded."""
    cache = environ.get("XDG_CACHE_HOME") or os.path.join(environ.get("HOME", ""), ".cache")
    return (Path(cache) / "fxtranslate" / "models",)


def models(folder: Path) -> Iterator[Files]:
    """The complete models below `folder`, whose folders are named by pair: `en-pt`."""
    for place in sorted(folder.glob("*-*")):
        match = _PAIR_FOLDER.fullmatch(place.name)
        if match and place.is_dir():
            try:
                yield read_files(place, match[1], match[2])
            except ModelError:
                continue


def read_files(folder: Path, source: str, target: str) -> Files:
    """The model in a folder. Raises ModelError when a file it needs is missing."""

    def one(pattern: str) -> Path | None:
        return next(iter(sorted(folder.glob(pattern))), None)

    model, shared = one("model.*.bin"), one("vocab.*.spm")
    source_vocabulary, target_vocabulary = one("srcvocab.*.spm") or shared, one("trgvocab.*.spm") or shared
    if model is None or source_vocabulary is None or target_vocabulary is None:
        what = "model.*.bin" if model is None else "vocab.*.spm"
        raise ModelError(
            f"{folder} is no Firefox model: {what} is missing", hint="unpack all files of the pair"
        )
    return Files(folder, source, target, model, source_vocabulary, target_vocabulary, one("lex.*.bin"))


def is_available() -> bool:
    """Whether the libraries are installed (extra `firefox`)."""
    return all(find_spec(name) is not None for name in ("fxtranslate", "sentencex"))


class Firefox:
    """The engine over the models of some folders; the first folder that has a pair wins."""

    name = NAME

    def __init__(self, places: Sequence[Path], pins: Pins, *, answer_seconds: float = ANSWER_SECONDS) -> None:
        self.places, self.pins, self.answer_seconds = tuple(places), pins, answer_seconds
        self._workers: dict[Pair, Worker] = {}
        self._models: dict[Pair, Model] = {}

    @cached_property
    def files(self) -> Mapping[Pair, Files]:
        found: dict[Pair, Files] = {}
        for folder in self.places:
            for files in models(folder):
                found.setdefault((files.source, files.target), files)
        return found

    def pairs(self) -> Collection[Pair]:
        return self.files.keys() if is_available() else ()

    def model(self, source: str, target: str) -> Model:
        pair = source, target
        if pair not in self._models:
            files = self.files[pair]
            pin = self.pins.get(files.identity)
            self._models[pair] = Model(
                identity=files.identity,
                tokens=pin.tokens,
                calibrated=pin.calibrated,
                encodable=vocabulary(files.source_vocabulary).encodable,
                max_words=_MAX_WORDS,
                rate=pin.rate,
            )
        return self._models[pair]

    def forget(self) -> None:
        """Read the pins anew at the next question, after a calibration."""
        self._models.clear()

    def translate(self, texts: Sequence[str], source: str, target: str) -> list[str]:
        """Raises ModelError when the model is damaged or not the pinned one, EngineError when it fails."""
        pair = source, target
        if pair not in self._workers:
            files = self.files[pair]
            self.pins.verify(files.identity, files.folder, files.names)
            arguments = [str(files.folder.resolve()), source, target]
            self._workers[pair] = Worker(
                NAME, command("kb.language.firefox", *arguments), answer_seconds=self.answer_seconds
            )
        return self._workers[pair].ask(texts)

    def close(self) -> None:
        for worker in self._workers.values():
            worker.close()
        self._workers.clear()


def vocabulary(file: Path) -> Vocabulary:
    try:
        return Vocabulary(file.read_bytes())
    except (OSError, ValueError) as error:
        raise ModelError(
            f"{file}: {error}", hint="install the model again with 'kb models install'"
        ) from None


# --- the index of Mozilla's models ---


@dataclass(frozen=True, slots=True)
class Record:
    """One file of one model, as Mozilla's settings service lists it; `location` is relative to its attachments."""

    name: str
    source: str
    target: str
    version: str
    architecture: str
    sha256: str
    location: str


def records_url() -> str:
    """Where the index is."""
    return str(_library().records_url())


def records(text: str) -> list[Record]:
    """The files in an index. Raises ModelError when it is none, or the library is missing."""
    try:
        listed = _library().parse_records(text)
    except ValueError as error:
        raise ModelError(f"not an index of Firefox models: {error}") from None
    return [
        Record(
            str(each["name"]),
            str(each["sourceLanguage"]),
            str(each["targetLanguage"]),
            str(each["version"]),
            each["architecture"] or "",
            each["decompressedHash"] or "",
            str(each["location"]),
        )
        for each in listed
    ]


def one_model(found: Sequence[Record]) -> list[Record]:
    """Of the files of one pair and version those of one architecture, the smallest there is: made for this use."""
    architectures = {record.architecture for record in found}
    order = [*_ARCHITECTURES, *sorted(architectures)]
    chosen = next(name for name in order if name in architectures)
    return [record for record in found if record.architecture == chosen]


def unpack(data: bytes, record: Record) -> bytes:
    """The file itself. Raises ModelError when it is damaged or not the one the index names."""
    try:
        return bytes(_library().verify_and_decompress(data, record.sha256 or None))
    except ValueError as error:
        raise ModelError(f"{record.name} is damaged: {error}", hint="run again") from None


def _library() -> Any:
    if not is_available():
        raise ModelError(
            "Firefox models need the package fxtranslate", hint="pip install 'babelfaq[firefox]'"
        )
    from fxtranslate import discovery

    return discovery


# --- inside the worker ---


class Session:
    """A loaded model; what `kb.language.worker` runs."""

    def __init__(self, files: Files) -> None:
        import fxtranslate

        self._translator = fxtranslate.Translator(
            files.model.read_bytes(),
            files.source_vocabulary.read_bytes(),
            files.target_vocabulary.read_bytes(),
            files.shortlist.read_bytes() if files.shortlist else None,
        )
        self._vocabulary = Vocabulary(files.source_vocabulary.read_bytes())

    def translate(self, texts: Sequence[str]) -> Iterator[tuple[Sequence[int], Sequence[str]]]:
        for start in range(0, len(texts), _GROUP):
            group = range(start, min(start + _GROUP, len(texts)))
            yield group, [self._one(texts[index]) for index in group]

    def _one(self, text: str) -> str:
        plain = self._vocabulary.simplified(text)
        return self._translator.translate_long(plain).strip() if plain.strip() else ""


def open_session(folder: str, source: str, target: str) -> Session:
    """The worker's entry."""
    return Session(read_files(Path(folder), source, target))
