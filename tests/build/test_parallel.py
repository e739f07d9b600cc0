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
