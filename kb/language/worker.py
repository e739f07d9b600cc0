"""A translation model in a process of its own: it may hang or crash without taking the run along.

Parent and child exchange JSON lines over pipes. The parent sends `{"texts": [...]}`; the child answers with
any number of `{"at": [indexes], "texts": [...]}` and `{"done": true}`, or with `{"error": "…"}`.
"""

import contextlib
import importlib
import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from typing import IO, Any, NoReturn, Protocol

from kb.errors import EngineError

ANSWER_SECONDS = 120.0
"""How long an engine may be silent: loading a model, or translating one batch of about 2,000 tokens."""
_CLOSE_SECONDS = 2.0


class Session(Protocol):
    """A loaded model, inside the child."""

    def translate(self, texts: Sequence[str]) -> Iterator[tuple[Sequence[int], Sequence[str]]]:
        """Answers as they get ready: the indexes of some texts, and their translations."""


def command(module: str, *arguments: str) -> list[str]:
    """The child that calls `module.open_session(*arguments)`."""
    return [sys.executable, "-m", "kb.language.worker", module, *arguments]


class Worker:
    """The parent's side; the child starts with the first question. `name` is what errors call the engine."""

    def __init__(self, name: str, command: Sequence[str], *, answer_seconds: float = ANSWER_SECONDS) -> None:
        self.name, self.command, self.answer_seconds = name, list(command), answer_seconds
        self._process: subprocess.Popen[str] | None = None
        self._lines: queue.Queue[str] = queue.Queue()
        self._errors: IO[str] | None = None

    def ask(self, texts: Sequence[str]) -> list[str]:
        """The texts' translations, in order.

        Raises:
            EngineError: the child died, was silent for `answer_seconds`, or answered something else.
        """
        answers: list[str | None] = [None] * len(texts)
        self._send({"texts": list(texts)})
        while not (message := self._receive()).get("done"):
            if "error" in message:
                self._fail(f"failed: {message['error']}")
            try:
                for index, text in zip(message["at"], message["texts"], strict=True):
                    answers[index] = text
            except (KeyError, IndexError, TypeError, ValueError):
                self._fail(f"answered nonsense: {str(message)[:80]}")
        complete = [answer for answer in answers if isinstance(answer, str)]
        if len(complete) != len(texts):
            self._fail(f"answered {len(complete)} of {len(texts)} texts")
        return complete

    def close(self) -> None:
        """End the child, kindly at first."""
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(OSError):
            if process.stdin:
                process.stdin.close()
        try:
            process.wait(_CLOSE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if self._errors:
            self._errors.close()

    def _send(self, message: dict[str, Any]) -> None:
        process = self._process or self._start()
        assert process.stdin is not None
        try:
            process.stdin.write(json.dumps(message) + "\n")
            process.stdin.flush()
        except OSError:
            self._fail("died")

    def _start(self) -> subprocess.Popen[str]:
        errors = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115 - closed in close
        pipe = subprocess.PIPE
        try:
            process = subprocess.Popen(
                self.command, stdin=pipe, stdout=pipe, stderr=errors, text=True, encoding="utf-8"
            )
        except OSError as error:
            errors.close()
            raise EngineError(f"the engine '{self.name}' does not start: {error}") from None
        self._process, self._errors, self._lines = process, errors, queue.Queue()
        threading.Thread(target=_read, args=(process, self._lines), daemon=True).start()
        return process

    def _receive(self) -> dict[str, Any]:
        try:
            line = self._lines.get(timeout=self.answer_seconds)
        except queue.Empty:
            self._fail(f"did not answer within {self.answer_seconds:g} seconds and was ended")
        if not line:
            self._fail("died")
        try:
            message = json.loads(line)
        except ValueError:
            message = None
        if not isinstance(message, dict):
            self._fail(f"answered nonsense: {line[:80]!r}")
        return message

    def _fail(self, what: str) -> NoReturn:
        process, last = self._process, ""
        if process is not None:
            process.kill()
            code = process.wait()
            what += f" (signal {-code})" if what == "died" and code < 0 and code != -signal.SIGKILL else ""
        if self._errors:
            self._errors.seek(0)
            lines = [line.strip() for line in self._errors if line.strip()]
            last = lines[-1] if lines else ""
        self.close()
        hint = f"its last words: {last}" if last else "run again; what was translated before is kept"
        raise EngineError(f"the engine '{self.name}' {what}", hint=hint)


def _read(process: subprocess.Popen[str], lines: "queue.Queue[str]") -> None:
    assert process.stdout is not None
    for line in process.stdout:
        lines.put(line)
    lines.put("")


def main(arguments: Sequence[str]) -> int:
    """The child's side."""
    # Ctrl-C reaches the whole process group; the parent decides, and closes this one's input.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Whatever a library prints must not get between the answers.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

    def say(message: dict[str, Any]) -> None:
        answers.write(json.dumps(message) + "\n")
        answers.flush()

    module, *rest = arguments
    try:
        session: Session = importlib.import_module(module).open_session(*rest)
        for line in sys.stdin:
            for at, texts in session.translate(json.loads(line)["texts"]):
                say({"at": list(at), "texts": list(texts)})
            say({"done": True})
    except Exception as error:  # the border of a process: every failure becomes an answer
        say({"error": f"{type(error).__name__}: {error}"})
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
