"""Tasks in worker processes: results in order, one failure ends all, progress adds up."""

import os
import time
from collections.abc import Callable

import pytest

from kb.build import parallel
from kb.errors import BuildError, ContentError


def double(task: int, report: Callable[[int], None]) -> int:
    for done in range(1, task + 1):
        report(done)
    return 2 * task


def fail(task: int, report: Callable[[int], None]) -> int:
    if task == 1:
        raise ContentError("an article has an error", [])
    time.sleep(0.05)
    return task


def die(task: int, report: Callable[[int], None]) -> int:
    os._exit(9)


TASKS = {"en": 40, "uk": 3, "ru": 77}


@pytest.mark.parametrize("workers", [1, 2])
def test_results_come_in_the_order_of_the_tasks_with_all_pages_counted(workers: int) -> None:
    seen: list[int] = []
    assert parallel.run(TASKS, double, workers=workers, progress=seen.append) == [80, 6, 154]
    assert seen == sorted(seen)
    assert seen[-1] == sum(TASKS.values())


@pytest.mark.parametrize("workers", [1, 2])
def test_exception_of_a_task_is_raised(workers: int) -> None:
    with pytest.raises(ContentError, match="an article has an error"):
        parallel.run({"en": 1, "uk": 2, "ru": 3}, fail, workers=workers)


def test_death_of_a_worker_is_explained() -> None:
    with pytest.raises(BuildError, match="worker process died"):
        parallel.run({"en": 1, "uk": 2}, die, workers=2)


def test_no_tasks_have_no_results() -> None:
    assert parallel.run({}, double) == []


def own_process(task: Callable[[], int], report: Callable[[int], None]) -> tuple[int, int]:
    return task(), os.getpid()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes cannot be forked here")
def test_every_task_has_a_process_of_its_own_which_inherits_it() -> None:
    # A local function cannot be pickled.
    results = parallel.run({str(n): lambda n=n: n for n in range(5)}, own_process, workers=2)
    assert [number for number, _ in results] == list(range(5))
    assert len({process for _, process in results} - {os.getpid()}) == 5


def large(task: int, report: Callable[[int], None]) -> bytes:
    if task == 1:
        raise ContentError("an article has an error", [])
    time.sleep(0.2)
    return bytes(10_000_000)


def test_result_that_nobody_waits_for_holds_nothing_up() -> None:
    with pytest.raises(ContentError):
        parallel.run({"en": 1, "uk": 2, "ru": 3}, large, workers=3)


def broken(task: int, report: Callable[[int], None]) -> None:
    raise KeyError(task)


def test_fault_tells_where_in_the_worker_it_was() -> None:
    with pytest.raises(KeyError) as caught:
        parallel.run({"en": 1, "uk": 2}, broken, workers=2)
    assert "in broken" in "".join(caught.value.__notes__)
