"""An engine's process: what it may do wrong, and what is said of it."""

import sys
import time
from collections.abc import Callable

import pytest

from kb.errors import EngineError
from kb.language.worker import Worker, command


def child(code: str) -> list[str]:
    """A process that runs `code` for each question; `say` answers."""
    frame = (
        "import json, sys, time, os\n"
        "def say(value): print(value if isinstance(value, str) else json.dumps(value), flush=True)\n"
        "for line in sys.stdin:\n"
        "    texts = json.loads(line)['texts']\n"
    )
    return [sys.executable, "-c", frame + "".join(f"    {line}\n" for line in code.splitlines())]


DONE = "say({'done': True})"


def test_answers_may_come_in_any_order_and_in_parts() -> None:
    backwards = "for i in reversed(range(len(texts))): say({'at': [i], 'texts': [texts[i].upper()]})"
    worker = Worker("echo", child(f"{backwards}\n{DONE}"))
    assert worker.ask(["a", "б", "c\nd"]) == ["A", "Б", "C\nD"]
    assert worker.ask([]) == []
    worker.close()


@pytest.mark.parametrize(
    ("code", "message", "hint"),
    [
        ("os._exit(3)", "died", ""),
        ("sys.exit('out of memory')", "died", "out of memory"),
        ("say({'error': 'no such file'})", "failed: no such file", ""),
        ("say('Segmentation fault')", "answered nonsense", ""),
        ("say({'at': [9], 'texts': ['x']})", "answered nonsense", ""),
        ("say({'done': True})", "answered 0 of 1 texts", ""),
        ("say({'at': [0], 'texts': [None]})\nsay({'done': True})", "answered 0 of 1 texts", ""),
    ],
)
def test_an_engine_that_fails_is_named(code: str, message: str, hint: str) -> None:
    worker = Worker("echo", child(code))
    with pytest.raises(EngineError, match=f"the engine 'echo' {message}") as caught:
        worker.ask(["a"])
    assert hint in caught.value.hint


def test_an_engine_that_hangs_is_ended() -> None:
    worker = Worker("echo", child("time.sleep(60)"), answer_seconds=0.3)
    before = time.monotonic()
    with pytest.raises(
        EngineError, match=r"the engine 'echo' did not answer within 0\.3 seconds and was ended"
    ):
        worker.ask(["a"])
    assert time.monotonic() - before < 30


def test_slow_answers_are_no_hang_while_some_come() -> None:
    slow = f"for i in range(len(texts)):\n    time.sleep(.25)\n    say({{'at': [i], 'texts': [texts[i]]}})\n{DONE}"
    worker = Worker("echo", child(slow), answer_seconds=5)
    assert worker.ask(["a", "b", "c"]) == ["a", "b", "c"]
    worker.close()


def test_a_program_that_is_not_there_is_named() -> None:
    with pytest.raises(EngineError, match="the engine 'echo' does not start"):
        Worker("echo", ["/nonexistent/engine"]).ask(["a"])


def test_a_failure_inside_our_own_child_is_an_answer() -> None:
    worker = Worker("argos", command("tests.language.test_worker", "model.bin"))
    with pytest.raises(EngineError, match=r"the engine 'argos' failed: FileNotFoundError: model\.bin"):
        worker.ask(["a"])


def open_session(reason: str) -> Callable[..., None]:
    """What the child of the test above loads."""
    raise FileNotFoundError(reason)
