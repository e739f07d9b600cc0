"""Argos Translate packages, run through ctranslate2 and sentencepiece: the only importer of both.

A package is a folder with `metadata.json`, `model/` (CTranslate2) and `sentencepiece.model`. Argos
Translate's own code is not needed to run one, and not loaded: it wants either a sentence splitter under the
AGPL, which it downloads at first use, or PyTorch. It translates one text at a time, in batches of 32 tokens;
here all texts of a run are translated together, in batches of 2,048 tokens sorted by length.
"""

import json
import os
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from kb.errors import ModelError
from kb.language.engine import Model, Pair
from kb.language.pins import Pins
from kb.language.vocabulary import Vocabulary
from kb.language.worker import ANSWER_SECONDS, Worker, command

NAME = "argos"
FILES = ("metadata.json", "sentencepiece.model", "model/config.json", "model/model.bin")
"""What every package has; the vocabulary's name differs (see `VOCABULARIES`)."""
VOCABULARIES = (
    "model/shared_vocabulary.json",
    "model/shared_vocabulary.txt",
    "model/source_vocabulary.json",
    "model/source_vocabulary.txt",
    "model/target_vocabulary.json",
    "model/target_vocabulary.txt",
)
BEAM_SIZE = 2
"""Hypotheses kept while decoding: 4, as Argos Translate has it, takes twice the time for 0.2 chrF."""
BATCH_TOKENS = 2048
_ROUND_TOKENS = (
    4 * BATCH_TOKENS
)  # texts answered together: often enough to show progress, few enough to stay fast
_MAX_WORDS = 70
_UNSPACED = ("zh", "zt", "ja", "th", "lo", "km", "my")


@dataclass(frozen=True)
class Package:
    """An installed package."""

    folder: Path
    source: str
    target: str
    version: str

    @property
    def identity(self) -> str:
        return f"{NAME}/translate-{self.source}_{self.target}-{self.version}"

    @cached_property
    def files(self) -> tuple[str, ...]:
        """The files a translation is made from, below the folder; nothing else of a package is ever opened."""
        optional = [*VOCABULARIES, "bpe.model"]
        return tuple(name for name in (*FILES, *optional) if (self.folder / name).is_file())


def folders(environ: Mapping[str, str]) -> tuple[Path, ...]:
    """Where Argos Translate keeps its packages, without asking it: importing its settings makes folders."""
    named = environ.get("ARGOS_PACKAGES_DIR")
    data = environ.get("XDG_DATA_HOME") or os.path.join(environ.get("HOME", ""), ".local", "share")
    return (Path(named) if named else Path(data) / "argos-translate" / "packages",)


def packages(folder: Path) -> Iterator[Package]:
    """The translation packages below `folder`; what is none is passed over."""
    for metadata in sorted(folder.glob("*/metadata.json")):
        try:
            package = read_package(metadata.parent)
        except ModelError:
            continue
        if package is not None:
            yield package


def read_package(folder: Path) -> Package | None:
    """The package of a folder; None when it is of another kind (sentence splitters have packages too).

    Raises:
        ModelError: `metadata.json` cannot be read.
    """
    try:
        data: Any = json.loads((folder / "metadata.json").read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{folder}: metadata.json cannot be read: {error}") from None
    values = [data.get(key) if isinstance(data, dict) else None for key in ("from_code", "to_code")]
    source, target = values
    if (
        not isinstance(source, str)
        or not isinstance(target, str)
        or data.get("type", "translate") != "translate"
    ):
        return None
    return Package(folder, source, target, str(data.get("package_version", "0")))


def is_available() -> bool:
    """Whether the libraries are installed (extra `argos`)."""
    return all(find_spec(name) is not None for name in ("ctranslate2", "sentencepiece", "sentencex"))


class Argos:
    """The engine over the packages of some folders; the first folder that has a pair wins, there the newest version."""

    name = NAME

    def __init__(
        self,
        places: Sequence[Path],
        pins: Pins,
        *,
        beam_size: int = BEAM_SIZE,
        answer_seconds: float = ANSWER_SECONDS,
    ) -> None:
        self.places, self.pins = tuple(places), pins
        self.beam_size, self.answer_seconds = beam_size, answer_seconds
        self._workers: dict[Pair, Worker] = {}
        self._models: dict[Pair, Model] = {}

    @cached_property
    def packages(self) -> Mapping[Pair, Package]:
        found: dict[Pair, Package] = {}
        for folder in self.places:
            newest: dict[Pair, Package] = {}
            for package in packages(folder):
                pair = package.source, package.target
                if pair not in newest or _version(newest[pair]) < _version(package):
                    newest[pair] = package
            found = {**newest, **found}
        return found

    def pairs(self) -> Collection[Pair]:
        return self.packages.keys() if is_available() else ()

    def model(self, source: str, target: str) -> Model:
        pair = source, target
        if pair not in self._models:
            self._models[pair] = self._model(self.packages[pair])
        return self._models[pair]

    def _model(self, package: Package) -> Model:
        pin = self.pins.get(package.identity)
        return Model(
            identity=package.identity,
            tokens=pin.tokens,
            calibrated=pin.calibrated,
            encodable=vocabulary(package.folder / "sentencepiece.model").encodable,
            max_words=_MAX_WORDS,
            rate=pin.rate,
        )

    def forget(self) -> None:
        """Read the pins anew at the next question, after a calibration."""
        self._models.clear()

    def translate(self, texts: Sequence[str], source: str, target: str) -> list[str]:
        """Raises ModelError when the package is damaged or not the pinned one, EngineError when it fails."""
        pair = source, target
        if pair not in self._workers:
            package = self.packages[pair]
            check_complete(package)
            self.pins.verify(package.identity, package.folder, package.files)
            arguments = [str(package.folder.resolve()), source, target, str(self.beam_size)]
            self._workers[pair] = Worker(
                NAME, command("kb.language.argos", *arguments), answer_seconds=self.answer_seconds
            )
        return self._workers[pair].ask(texts)

    def close(self) -> None:
        for worker in self._workers.values():
            worker.close()
        self._workers.clear()


def _version(package: Package) -> tuple[int, ...]:
    return tuple(int(part) if part.isdigit() else 0 for part in package.version.split("."))


def check_complete(package: Package) -> None:
    """Raises ModelError when a file of the package is missing, or it is of the older kind."""
    missing = [name for name in FILES if name not in package.files]
    if "sentencepiece.model" in missing and "bpe.model" in package.files:
        raise ModelError(
            f"{package.folder.name} uses the older 'bpe.model', which is not supported",
            hint=f"install a newer package: kb models install {package.source}-{package.target}",
        )
    if missing or not set(VOCABULARIES) & set(package.files):
        what = missing[0] if missing else "its vocabulary"
        raise ModelError(
            f"{package.folder.name} is damaged: {what} is missing",
            hint=f"install it again: kb models install {package.source}-{package.target}",
        )


def vocabulary(file: Path) -> Vocabulary:
    """Raises ModelError when the file is missing or damaged."""
    try:
        return Vocabulary(file.read_bytes())
    except (OSError, ValueError) as error:
        raise ModelError(
            f"{file}: {error}", hint="install the model again with 'kb models install'"
        ) from None


# --- inside the worker ---


class Session:
    """A loaded package; what `kb.language.worker` runs."""

    def __init__(self, folder: Path, source: str, target: str, *, beam_size: int = BEAM_SIZE) -> None:
        # ctranslate2 loads PyTorch when it finds it, for conversions that are never made here. With it would
        # come a second, pickled kind of model file; a name that cannot be imported keeps it out.
        for name in ("torch", "transformers"):
            sys.modules.setdefault(name, None)  # type: ignore[arg-type]
        import ctranslate2  # type: ignore[import-untyped]
        import sentencepiece

        threads = min(4, os.cpu_count() or 1)
        self._translator = ctranslate2.Translator(
            str(folder / "model"), device="cpu", inter_threads=threads, intra_threads=1
        )
        self._pieces = sentencepiece.SentencePieceProcessor(model_file=str(folder / "sentencepiece.model"))
        self._vocabulary = Vocabulary((folder / "sentencepiece.model").read_bytes())
        self._source, self._beam = source, beam_size
        self._glue = "" if target in _UNSPACED else " "

    def translate(self, texts: Sequence[str]) -> Iterator[tuple[Sequence[int], Sequence[str]]]:
        """Longest first, so that a batch's texts are of one length and the expected time is honest."""
        sentences = [self.sentences(text) for text in texts]
        tokens = [self._pieces.encode(list(parts), out_type=str) for parts in sentences]
        order = sorted(range(len(texts)), key=lambda i: -sum(map(len, tokens[i])))
        for group in _groups(order, [sum(map(len, parts)) + len(parts) for parts in tokens]):
            flat = [sentence for index in group for sentence in tokens[index]]
            answers = iter(self._decode(flat))
            yield group, [self._glue.join(next(answers) for _ in tokens[index]) for index in group]

    def sentences(self, text: str) -> list[str]:
        """The text's sentences, as packages were trained on them; split without a network."""
        import sentencex  # type: ignore[import-untyped]

        plain = self._vocabulary.simplified(text)
        return [part.strip() for part in sentencex.segment(self._source, plain) if part.strip()]

    def _decode(self, tokens: Sequence[Sequence[str]]) -> list[str]:
        if not tokens:
            return []
        results = self._translator.translate_batch(
            [list(sentence) for sentence in tokens],
            beam_size=self._beam,
            max_batch_size=BATCH_TOKENS,
            batch_type="tokens",
            max_decoding_length=2 * max(map(len, tokens)) + 20,
            replace_unknowns=True,
            length_penalty=0.2,
        )
        return [self._pieces.decode(result.hypotheses[0]).strip() for result in results]


def _groups(order: Sequence[int], sizes: Sequence[int]) -> Iterator[list[int]]:
    group: list[int] = []
    tokens = 0
    for index in order:
        if group and tokens + sizes[index] > _ROUND_TOKENS:
            yield group
            group, tokens = [], 0
        group.append(index)
        tokens += sizes[index]
    if group:
        yield group


def open_session(folder: str, source: str, target: str, beam_size: str) -> Session:
    """The worker's entry."""
    return Session(Path(folder), source, target, beam_size=int(beam_size))
