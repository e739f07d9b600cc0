"""One task a language, in worker processes, with progress from all of them together."""

import os
import signal
import threading
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, TypeVar

from kb.errors import BuildError

Task = TypeVar("Task")
Result = TypeVar("Result")
Report = Callable[[int], None]
"""Receives the number of pages a task has done so far."""

_STEP_PAGES = 25
"""How often a worker tells how far it is: each time costs a lock."""
_POLL_SECONDS = 0.2


def run(
    tasks: Mapping[str, Task],
    function: Callable[[Task, Report], Result],
    *,
    workers: int = 0,
    progress: Report = lambda done: None,
) -> list[Result]:
    """``function`` of every task, in the order of ``tasks``. ``workers`` 0 means one a core.

    Each task has a process of its own, so that nothing piles up from one to the next, and what it takes is given back.
    Results must be picklable, where processes cannot be forked ``function`` and tasks too; the first task to fail ends
    the others, and its exception is raised.

    Raises:
        BuildError: a worker process died.
    """
    count = min(workers or os.cpu_count() or 1, len(tasks))
    if count <= 1:
        return _run_here(tasks, function, progress)
    import multiprocessing  # slow to load, and the build after an edit does without other processes

    # Forked workers share what the parent has read and imported; elsewhere they start anew.
    method = "fork" if "fork" in multiprocessing.get_all_start_methods() else "spawn"
    crew = _Crew(multiprocessing.get_context(method), function)
    try:
        return crew.results(list(tasks.values()), count, progress)
    except BaseException:
        crew.stop()
        raise


class _Crew:
    """The worker processes, and what they share: the pages done, and not 0 when the build is given up."""

    def __init__(self, context: Any, function: Callable[[Any, Report], Any]) -> None:
        self._context, self._function = context, function
        self._counter, self._stopped = context.Value("q", 0), context.Value("b", 0)
        self._working: dict[Any, tuple[int, Any]] = {}
        """Where a result will come from → the number of its task, and the process."""

    def results(self, tasks: Sequence[Any], count: int, progress: Report) -> list[Any]:
        from multiprocessing.connection import wait  # as above

        found: dict[int, Any] = {}
        while len(found) < len(tasks):
            for number in range(len(found) + len(self._working), len(tasks)):
                if len(self._working) == count:
                    break
                self._start(number, tasks[number])
            for ready in wait(list(self._working), timeout=_POLL_SECONDS):
                number, result = self._take(ready)
                found[number] = result
            progress(self._counter.value)
        return [found[number] for number in range(len(tasks))]

    def stop(self) -> None:
        # Workers look at it every few pages; what they were making is of no use any more.
        self._stopped.value = 1
        for connection, (_, process) in self._working.items():
            connection.close()
            process.join()

    def _start(self, number: int, task: Any) -> None:
        ours, theirs = self._context.Pipe(duplex=False)
        # A forked process has every end that is open here; a pipe of which somebody has the other end never breaks.
        inherited = [*self._working, ours] if self._context.get_start_method() == "fork" else []
        arguments = (self._function, task, theirs, inherited, self._counter, self._stopped)
        process = self._context.Process(target=_work, args=arguments)
        process.start()
        # With no other end left open here, a worker that dies is noticed at once.
        theirs.close()
        self._working[ours] = number, process

    def _take(self, connection: Any) -> tuple[int, Any]:
        """The number of a task and its result; or the exception that ended it is raised."""
        try:
            result, error = connection.recv()
        except EOFError:
            # It may have held the counter's lock, for which the others would wait for ever.
            for _, process in self._working.values():
                process.terminate()
            raise BuildError(
                "a worker process died; nothing was published",
                hint="the machine may be out of memory: try 'kb build -j 1'",
            ) from None
        if error is not None:
            raise error
        number, process = self._working.pop(connection)
        connection.close()
        process.join()
        return number, result


def _run_here(
    tasks: Mapping[str, Task], function: Callable[[Task, Report], Result], progress: Report
) -> list[Result]:
    results: list[Result] = []
    finished = 0
    for task in tasks.values():
        last = 0

        def report(done: int, before: int = finished) -> None:
            nonlocal last
            last = done
            progress(before + done)

        results.append(function(task, report))
        finished += last
    return results


_counter: Any = None
"""In a worker process: the pages done by all workers together."""
_stopped: Any = None
"""In a worker process: not 0 when the build was given up."""


def end_with_parent() -> None:
    """A worker whose parent was killed would wait for work, or for room in the pipe of results, for ever."""
    from multiprocessing import parent_process  # as above

    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _work(
    function: Callable[[Any, Report], Any],
    task: Any,
    results: Any,
    inherited: Sequence[Any],
    counter: Any,
    stopped: Any,
) -> None:
    global _counter, _stopped
    for connection in inherited:
        connection.close()
    # Ctrl-C reaches all processes of a terminal; the first one tells the others. How it ends is no matter of theirs.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=end_with_parent, daemon=True).start()
    _counter, _stopped = counter, stopped
    told = latest = 0
    answer: tuple[Any, Exception | None]

    def report(done: int) -> None:
        nonlocal told, latest
        latest = done
        if done - told >= _STEP_PAGES:
            _add(done - told)
            told = done

    try:
        result = function(task, report)
        _add(latest - told)
        answer = result, None
    except Exception as error:
        error.add_note(f"In a worker process:\n{traceback.format_exc()}")
        answer = None, error
    with suppress(BrokenPipeError):
        # Nobody waits for it any more.
        results.send(answer)


def _add(pages: int) -> None:
    if _stopped.value:
        raise BuildError("the build was given up")
    with _counter.get_lock():
        _counter.value += pages
