"""Apertium, the rule-based translator, as a separate program in long-lived pipes.

Apertium is under the GPL, so nothing of it is imported; it is used where someone installed it. For close
languages it is good and fast. A pipeline is about ten programs, so one is kept open for each pair: with null
flushing an answer ends with a zero byte. Text in `[...]` passes untouched through every stage.
"""

import contextlib
import os
import queue
import re
import shutil
import signal
import subprocess
import threading
from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path

from kb.errors import EngineError
from kb.language.engine import Model, Pair
from kb.language.markup import TokenStyle
from kb.language.worker import ANSWER_SECONDS

NAME = "apertium"
TOKENS = TokenStyle("[t{}]")
"""A superblank, which Apertium carries through by its design."""
_CODES = {
    "afr": "af", "arg": "an", "bel": "be", "bul": "bg", "cat": "ca", "dan": "da", "eng": "en", "eus": "eu",
    "fra": "fr", "glg": "gl", "hin": "hi", "ind": "id", "isl": "is", "ita": "it", "mkd": "mk", "nld": "nl",
    "nno": "nn", "nob": "nb", "nor": "no", "oci": "oc", "pol": "pl", "por": "pt", "ron": "ro", "rus": "ru",
    "slv": "sl", "spa": "es", "srd": "sc", "swe": "sv", "ukr": "uk", "urd": "ur", "zlm": "ms",
}  # fmt: skip
_END = "[][\n]"  # closes a text as the program's own deformatter does, so that no stage waits for more
_RESERVED = re.compile(r"(\[t\d+\])|([\[\]{}\\^$<>/@])")
_ESCAPED = re.compile(r"\\(.)", re.S)
_TAGGER = re.compile(r"apertium-tagger [^|]*")
_GRAMMAR = re.compile(r"cg-proc [^|]*('[^'|]+')")
_RATE = 300.0  # segments a second, measured with Spanish and Catalan


def program_in(environ: Mapping[str, str]) -> str:
    """The path of the program, "" where it is not installed."""
    return shutil.which(NAME, path=environ.get("PATH", "")) or ""


def is_available() -> bool:
    """Whether what cuts texts into sentences for it is installed (extra `apertium`)."""
    return find_spec("sentencex") is not None


class Apertium:
    """The engine over the installed modes. `program` is the path of `apertium`, else found on the PATH."""

    name = NAME

    def __init__(
        self, environ: Mapping[str, str], *, program: str = "", answer_seconds: float = ANSWER_SECONDS
    ) -> None:
        self.program = program or program_in(environ)
        self.answer_seconds = answer_seconds
        self._pipes: dict[Pair, _Pipe] = {}

    @cached_property
    def modes(self) -> Mapping[Pair, Path]:
        """Mode file by pair, in two-letter codes; of variants (`spa-cat_valencia`) only the plain one."""
        folder = Path(self.program).parent.parent / "share" / "apertium" / "modes"
        found: dict[Pair, Path] = {}
        for mode in sorted(folder.glob("*.mode")) if self.program else ():
            parts = mode.stem.split("-")
            if len(parts) == 2 and "_" not in mode.stem:
                found[_CODES.get(parts[0], parts[0]), _CODES.get(parts[1], parts[1])] = mode
        return found

    @cached_property
    def version(self) -> str:
        match = re.search(r"\d+(?:\.\d+)+", self._run([self.program, "-V"]))
        return match.group() if match else "0"

    def pairs(self) -> Collection[Pair]:
        return self.modes.keys() if is_available() else ()

    def model(self, source: str, target: str) -> Model:
        identity = f"{NAME}/{self.modes[source, target].stem}-{self.version}"
        return Model(identity, TOKENS, calibrated=True, rate=_RATE)

    def translate(self, texts: Sequence[str], source: str, target: str) -> list[str]:
        """Raises EngineError when a program of the pipe dies, hangs, or answers nothing to words."""
        pair = source, target
        if pair not in self._pipes:
            self._pipes[pair] = self._open(pair, tagged=True)
        try:
            return self._pipes[pair].ask(texts)
        except _SilentError:
            # The statistical tagger of some pairs crashes, and the pipe goes on with nothing in it. The first
            # reading that the pair's constraint grammar leaves does nearly as well.
            self._pipes[pair].close()
            self._pipes[pair] = self._open(pair, tagged=False)
        try:
            return self._pipes[pair].ask(texts)
        except _SilentError as error:
            self._pipes.pop(pair).close()
            raise EngineError(
                f"the engine '{NAME}' answered nothing to a text ({self.modes[pair].stem})",
                hint=f"the text: {str(error)[:80]!r}; take another engine with --engine",
            ) from None

    def _open(self, pair: Pair, *, tagged: bool) -> "_Pipe":
        mode = self.modes[pair]
        builder = str(Path(self.program).with_name("apertium-wblank-mode"))
        pipeline = self._run([builder, "-z", str(mode)]).strip()
        if not pipeline:
            raise EngineError(f"the engine '{NAME}' does not start: no pipeline for {mode.stem}")
        grammar = _GRAMMAR.search(pipeline)
        if not tagged and grammar:
            pipeline = _TAGGER.sub(lambda _: f"cg-proc -z -w -n -1 {grammar[1]} ", pipeline)
        # The mode's two parameters: pass unknown words on unmarked, and no tracing of the tagger.
        return _Pipe(pipeline.replace("$1", "-n").replace("$2", ""), self.answer_seconds)

    def _run(self, command: Sequence[str]) -> str:
        try:
            return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False).stdout
        except (OSError, subprocess.TimeoutExpired) as error:
            raise EngineError(f"the engine '{NAME}' does not start: {error}") from None

    def forget(self) -> None:
        """Nothing is measured about its modes."""

    def close(self) -> None:
        for pipe in self._pipes.values():
            pipe.close()
        self._pipes.clear()


class _SilentError(Exception):
    """Nothing came back for a text with words; the text."""


class _Pipe:
    """One open pipeline."""

    def __init__(self, pipeline: str, answer_seconds: float) -> None:
        self.answer_seconds = answer_seconds
        self._answers: queue.Queue[bytes | None] = queue.Queue()
        # The shell keeps no end of the pipe, so it closes, and that is noticed, when one of the programs dies. It has a
        # session of its own, so that closing ends all the programs and Ctrl-C ends none of them.
        self._process = subprocess.Popen(
            ["/bin/sh", "-c", f"exec 3<&0; <&3 {pipeline} & exec 3<&- >&-; wait"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        threading.Thread(target=_read, args=(self._process, self._answers), daemon=True).start()

    def ask(self, texts: Sequence[str]) -> list[str]:
        threading.Thread(target=self._send, args=(texts,), daemon=True).start()
        return [self._answer(text) for text in texts]

    def _send(self, texts: Sequence[str]) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(OSError, ValueError):  # a dead pipe is noticed where its answer is missing
            for text in texts:
                self._process.stdin.write((escape(text) + _END).encode() + b"\0")
            self._process.stdin.flush()

    def _answer(self, text: str) -> str:
        try:
            answer = self._answers.get(timeout=self.answer_seconds)
        except queue.Empty:
            self.close()
            raise EngineError(
                f"the engine '{NAME}' did not answer within {self.answer_seconds:g} seconds and was ended",
                hint="run again; what was translated before is kept",
            ) from None
        translation = unescape((answer or b"").decode("utf-8", "replace").removesuffix(_END))
        if not translation.strip() and any(map(str.isalpha, text)):
            raise _SilentError(text)
        return translation

    def close(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):
                if stream:
                    stream.close()


def _read(process: "subprocess.Popen[bytes]", answers: "queue.Queue[bytes | None]") -> None:
    assert process.stdout is not None
    pending = b""
    with contextlib.suppress(OSError, ValueError):  # closed meanwhile
        while data := os.read(process.stdout.fileno(), 65536):
            *complete, pending = (pending + data).split(b"\0")
            for answer in complete:
                answers.put(answer)
    answers.put(None)


def escape(text: str) -> str:
    """`text` in Apertium's stream format: what is reserved there gets a backslash, tokens stay superblanks."""
    return _RESERVED.sub(lambda match: match[1] or f"\\{match[2]}", text)


def unescape(text: str) -> str:
    return _ESCAPED.sub(r"\1", text)
