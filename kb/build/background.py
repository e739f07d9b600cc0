"""Builds in a process of their own, one after another, while another process serves what they make.

The process is started anew rather than forked: whoever asks for builds has threads. It ends with the one that started
it, however that ends.
"""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from kb import config as configuration
from kb.build.parallel import end_with_parent
from kb.errors import KbError, Problem

_PROGRESS_SECONDS = 0.1
_NICE = 10
_PATIENCE_SECONDS = 5.0
"""So long a build may take to leave tidily; it may be ended at any moment."""


@dataclass(frozen=True, slots=True)
class Progress:
    done: int
    total: int
    what: str


@dataclass(frozen=True, slots=True)
class Built:
    """The site is published, from the files as they were when build ``number`` was asked for, or later."""

    number: int
    problems: tuple[Problem, ...]
    made: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Failed:
    """Nothing was published."""

    number: int
    error: KbError


@dataclass(frozen=True, slots=True)
class Died:
    """The process ended; the next request starts another."""


Message = Progress | Built | Failed | Died


class Builder:
    """Builds the site of ``root`` when asked, and tells ``report`` from a thread of its own."""

    def __init__(self, root: Path, report: Callable[[Message], None]) -> None:
        self._root, self._report = root, report
        self._process: Any = None
        self._connection: Connection | None = None
        self._reader: threading.Thread | None = None

    def request(self, number: int, *, today: date) -> None:
        """Ask for a build; those that wait are done one after another."""
        if self._process is None or not self._process.is_alive():
            self._start()
        assert self._connection is not None
        with suppress(OSError):
            # It died this moment: the reader tells.
            self._connection.send((number, today))

    def stop(self) -> None:
        """End the process and what it started; the published site stays whole."""
        process, connection = self._process, self._connection
        if process is None or connection is None:
            return
        self._process = self._connection = None
        process.terminate()
        process.join(_PATIENCE_SECONDS)
        if process.is_alive():
            process.kill()
            process.join()
        if self._reader is not None:
            self._reader.join(_PATIENCE_SECONDS)
        connection.close()

    def _start(self) -> None:
        self.stop()
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_work, args=(self._root, theirs), name="kb build")
        with _deaf_to_ctrl_c():
            self._process.start()
        theirs.close()
        self._reader = threading.Thread(target=self._read, args=(self._connection,), daemon=True)
        self._reader.start()

    def _read(self, connection: Connection) -> None:
        while True:
            try:
                message = connection.recv()
            except (EOFError, OSError):
                if connection is self._connection:
                    self._report(Died())
                return
            self._report(message)


@contextmanager
def _deaf_to_ctrl_c() -> Iterator[None]:
    """Ctrl-C reaches all processes of a terminal; those started in this block leave it to the first one."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


class _Stopped(BaseException):
    """The process was asked to end. No ``Exception``: nothing may take it for a fault of a page."""


def _stop(*_: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise _Stopped


def _work(root: Path, connection: Connection) -> None:
    threading.Thread(target=end_with_parent, daemon=True).start()
    # EOFError and OSError: nobody listens any more.
    with suppress(_Stopped, EOFError, OSError):
        signal.signal(signal.SIGTERM, _stop)
        if hasattr(os, "nice"):
            # The browser and the one page somebody waits for come first.
            os.nice(_NICE)
        from kb.build import steps  # slow to load, and the thread above must be there first

        while True:
            number, today = connection.recv()
            connection.send(_built(steps, root, number, today, connection))


def _built(steps: Any, root: Path, number: int, today: date, connection: Connection) -> Built | Failed:
    started = last = time.monotonic()

    def progress(done: int, total: int, what: str) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= _PROGRESS_SECONDS:
            last = now
            connection.send(Progress(done, total, what))

    try:
        config = configuration.load(root, os.environ)
        report = steps.build(config, today=today, warm=True, progress=progress)
    except KbError as error:
        return Failed(number, error)
    return Built(number, report.problems, len(report.made), time.monotonic() - started)
