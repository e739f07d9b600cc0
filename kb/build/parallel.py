"""One task a language, in worker processes, with progress from all of them together."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
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

    ``function`` and tasks must be picklable; the first task to fail ends the others, and its exception is raised.

    Raises:
        BuildError: a worker process died.
    """
    count = min(workers or os.cpu_count() or 1, len(tasks))
    if count <= 1:
        return _run_here(tasks, function, progress)
    # Forked workers share what the parent has read and imported; elsewhere they start anew.
    method = "fork" if "fork" in multiprocessing.get_all_start_methods() else "spawn"
    context = multiprocessing.get_context(method)
    counter, stopped = context.Value("q", 0), context.Value("b", 0)
    shared = (counter, stopped)
    with ProcessPoolExecutor(count, mp_context=context, initializer=_share, initargs=shared) as pool:
        futures = [pool.submit(_work, function, task) for task in tasks.values()]
        try:
            _follow(futures, counter, progress)
            return [future.result() for future in futures]
        except BrokenProcessPool as error:
            raise BuildError(
                "a worker process died; nothing was published",
                hint="the machine may be out of memory: try 'kb build -j 1'",
            ) from error
        except BaseException:
            # Workers look at it every few pages; what they were making is of no use any more.
            stopped.value = 1
            pool.shutdown(wait=True, cancel_futures=True)
            raise


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


def _follow(futures: Sequence[Future[Any]], counter: Any, progress: Report) -> None:
    while True:
        done, waiting = wait(futures, timeout=_POLL_SECONDS, return_when=FIRST_EXCEPTION)
        progress(counter.value)
        if not waiting or any(future.exception() for future in done):
            return


_counter: Any = None
"""In a worker process: the pages done by all workers together."""
_stopped: Any = None
"""In a worker process: not 0 when the build was given up."""


def _share(counter: Any, stopped: Any) -> None:
    global _counter, _stopped
    _counter, _stopped = counter, stopped
    # Ctrl-C reaches all processes of a terminal; the first one tells the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=end_with_parent, daemon=True).start()


def end_with_parent() -> None:
    """A worker whose parent was killed would wait for work, or for room in the pipe of results, for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _work(function: Callable[[Any, Report], Any], task: Any) -> Any:
    told = latest = 0

    def report(done: int) -> None:
        nonlocal told, latest
        latest = done
        if done - told >= _STEP_PAGES:
            _add(done - told)
            told = done

    result = function(task, report)
    _add(latest - told)
    return result


def _add(pages: int) -> None:
    if _stopped.value:
        raise BuildError("the build was given up")
    with _counter.get_lock():
        _counter.value += pages
