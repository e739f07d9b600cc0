"""A bound on the time one article may take to render."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

RENDER_LIMIT_SECONDS = 8.0
"""User CPU seconds; an ordinary article takes a few thousandths."""


class RenderTimeoutError(Exception):
    """Rendering took longer than :data:`RENDER_LIMIT_SECONDS`."""


@contextmanager
def bounded(seconds: float | None = None) -> Iterator[None]:
    """Raise :class:`RenderTimeoutError` inside the block after ``seconds`` of the process's own CPU time
    (:data:`RENDER_LIMIT_SECONDS` when not given).

    CPU time, so that a busy machine fails nothing. Only in the main thread and where the platform has
    interval timers (not on Windows); elsewhere the block is unbounded.
    """
    try:
        previous = signal.signal(signal.SIGVTALRM, _expired)
    except (AttributeError, ValueError):
        yield
        return
    signal.setitimer(signal.ITIMER_VIRTUAL, RENDER_LIMIT_SECONDS if seconds is None else seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, previous)


def _expired(signum: int, frame: FrameType | None) -> None:
    raise RenderTimeoutError
