"""Where all output goes: results to standard output, everything else to standard error."""

import argparse
import json
import shlex
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

from kb.errors import ConfigError, KbError, Problem

_COLOURS = {"error": "31", "warning": "33", "info": "36", "good": "32", "dim": "2", "bold": "1"}


class Console:
    """Messages for people, with colour on a terminal only (``NO_COLOR`` and ``FORCE_COLOR`` are honoured)."""

    def __init__(self, out: TextIO, err: TextIO, environ: Mapping[str, str]) -> None:
        self.out, self.err, self.environ = out, err, environ
        forced = bool(environ.get("FORCE_COLOR"))
        self.colour = forced or (err.isatty() and not environ.get("NO_COLOR"))
        self.live = err.isatty() and environ.get("TERM") != "dumb"
        self._status_shown = False
        self._last_status = 0.0

    def paint(self, text: str, style: str) -> str:
        return f"\033[{_COLOURS[style]}m{text}\033[0m" if self.colour else text

    def print(self, text: str = "") -> None:
        """A line of the result, on standard output."""
        self._clear()
        print(text, file=self.out, flush=True)

    def json(self, value: Any) -> None:
        print(json.dumps(value, ensure_ascii=False, indent=2), file=self.out, flush=True)

    def note(self, text: str) -> None:
        """A line about the run, on standard error."""
        self._clear()
        print(text, file=self.err, flush=True)

    def error(self, error: KbError) -> None:
        self.note(f"{self.paint('error:', 'error')} {error.message}")
        if error.hint:
            self.note(f"  {self.paint('→', 'dim')} {error.hint}")

    def problems(self, problems: Sequence[Problem], *, as_result: bool = False) -> None:
        """Each finding with its place, what it is and how to mend it, grouped by file. ``as_result`` writes them to
        standard output: for commands that are asked for them."""
        path, write = None, self.print if as_result else self.note
        for problem in problems:
            if problem.path != path:
                path = problem.path
                write(self.paint(path or "(site)", "bold"))
            line = f"{problem.line}:" if problem.line else ""
            severity = self.paint(problem.severity, problem.severity)
            write(f"  {line:>5} {severity} {problem.message} {self.paint(problem.code, 'dim')}")
            if problem.hint:
                write(f"        {self.paint('→', 'dim')} {problem.hint}")

    def progress(self, done: int, total: int, what: str) -> None:
        """A live status line on a terminal; elsewhere a line now and then, so that logs show life."""
        now = time.monotonic()
        if self.live:
            if now - self._last_status >= 0.1 or done >= total:
                self._last_status = now
                self.err.write(f"\r\033[K{done}/{total} {what}")
                self.err.flush()
                self._status_shown = True
        elif done >= total or now - self._last_status >= 10:
            self._last_status = now
            self.note(f"{done}/{total} {what}")

    def _clear(self) -> None:
        if self._status_shown:
            self.err.write("\r\033[K")
            self._status_shown = False


def count(problems: Iterable[Problem]) -> str:
    """``2 errors, 1 warning``."""
    severities = [p.severity for p in problems]
    parts = []
    for name in ("error", "warning"):
        n = severities.count(name)
        if n:
            parts.append(f"{n} {name}{'s' if n > 1 else ''}")
    return ", ".join(parts) or "no problems"


def counted(n: int, thing: str) -> str:
    """``1 segment``, ``2 segments``."""
    return f"{n} {thing}{'' if n == 1 else 's'}"


def edit(file: Path, editor: str) -> None:
    """Have a person write in a file with the editor of their choice.

    Raises:
        ConfigError: there is no such program, or it ended with an error: what it left is nobody's decision.
    """
    try:
        code = subprocess.run([*shlex.split(editor), str(file)], check=False).returncode
    except OSError as error:
        raise ConfigError(
            f"the editor '{editor}' cannot be started: {error.strerror}", hint="name one in EDITOR"
        ) from None
    if code:
        raise ConfigError(f"the editor '{editor}' ended with code {code}; its text was not taken")


class Help(argparse.HelpFormatter):
    """Long names of commands on one line with what they do; argparse forgets that they are indented."""

    def add_argument(self, action: argparse.Action) -> None:
        super().add_argument(action)
        if isinstance(action, argparse._SubParsersAction):
            self._action_max_length += self._indent_increment


def interactive() -> bool:
    """Whether a person can be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()
