"""The models' lock file: the hash of every file a model is loaded from, and what was measured about the model.

A model is pinned when it is installed, or when it is first met where another program installed it. From
then on it is loaded only if its files are the same. The file is committed: everyone uses the same models.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import file_digest
from pathlib import Path
from typing import Any

from kb.errors import ModelError
from kb.language.markup import TokenStyle
from kb.language.memory import save

LOCK_FILE = "lock.json"
VERSION = 1
_HEX = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Pin:
    """One model: SHA-256 by file name, where it came from, the tokens it copies, its speed (segments a second)."""

    files: Mapping[str, str] = field(default_factory=dict)
    origin: str = ""
    tokens: TokenStyle | None = None
    calibrated: bool = False
    rate: float = 0.0


class Pins:
    """The lock file of a models folder, read once and written when something is added."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / LOCK_FILE
        self._pins = dict(_read(self.file))
        self.new: list[str] = []
        """Models pinned in this run because nothing was known of them."""

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._pins))

    def get(self, identity: str) -> Pin:
        return self._pins.get(identity, Pin())

    def verify(self, identity: str, folder: Path, files: Sequence[str]) -> None:
        """Compare the model's files with their pin; pin them when there is none.

        Raises:
            ModelError: a file is missing, added or another one than was pinned.
        """
        found = {name: digest(folder / name) for name in files}
        pin = self.get(identity)
        if not pin.files:
            self.put(identity, replace(pin, files=found))
            self.new.append(identity)
            return
        wrong = sorted(name for name in {*found, *pin.files} if found.get(name) != pin.files.get(name))
        if wrong:
            raise ModelError(
                f"the model {identity} is not the pinned one: {wrong[0]} differs from {self.file.name}",
                hint="'kb models remove' and 'kb models install' replace it on purpose",
            )

    def put(self, identity: str, pin: Pin) -> None:
        self._pins[identity] = pin
        self._save()

    def remove(self, identity: str) -> None:
        if self._pins.pop(identity, None) is not None:
            self._save()

    def _save(self) -> None:
        models = {identity: _written(self._pins[identity]) for identity in sorted(self._pins)}
        save(self.file, json.dumps({"version": VERSION, "models": models}, indent=1) + "\n")


def digest(file: Path) -> str:
    """SHA-256 in hexadecimal. Raises ModelError when the file is missing."""
    try:
        with file.open("rb") as data:
            return file_digest(data, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(f"{file}: {error.strerror}", hint="install the model again") from None


def _written(pin: Pin) -> dict[str, Any]:
    data: dict[str, Any] = {"files": dict(sorted(pin.files.items()))}
    if pin.origin:
        data["origin"] = pin.origin
    if pin.calibrated:
        tokens = pin.tokens
        data["tokens"] = _written_tokens(tokens) if tokens else None
    if pin.rate:
        data["segments_per_second"] = round(pin.rate, 1)
    return data


def _written_tokens(tokens: TokenStyle) -> dict[str, Any]:
    data = {"template": tokens.template, "first": tokens.first}
    return data if tokens.steady else {**data, "steady": False}


def _read(file: Path) -> Iterator[tuple[str, Pin]]:
    try:
        data = json.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        return
    except ValueError as error:
        raise ModelError(f"{file}: not valid JSON: {error}", hint="restore it from git") from None
    if not isinstance(data, dict) or data.get("version") != VERSION:
        raise ModelError(f"{file}: not a lock file of version {VERSION}", hint="restore it from git")
    try:
        for identity, model in data["models"].items():
            yield identity, _pin(model)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ModelError(f"{file}: not a lock file: {error}", hint="restore it from git") from None


def _pin(data: Mapping[str, Any]) -> Pin:
    files = {str(name): str(value) for name, value in data["files"].items()}
    if not all(_HEX.fullmatch(value) for value in files.values()):
        raise ValueError("a hash is not 64 hexadecimal digits")
    tokens = data.get("tokens")
    return Pin(
        files=files,
        origin=str(data.get("origin", "")),
        tokens=_tokens(tokens) if tokens else None,
        calibrated="tokens" in data,
        rate=float(data.get("segments_per_second", 0)),
    )


def _tokens(data: Mapping[str, Any]) -> TokenStyle:
    steady = bool(data.get("steady", True))
    return TokenStyle(str(data["template"]), first=int(data["first"]), steady=steady)
