"""Commands, run as a person runs them, in a fresh help centre."""

from collections.abc import Callable
from pathlib import Path

import pytest

from kb.cli import main

ARTICLE = "---\ntitle: Swap a size\nquestions: [Too small]\n---\nSee [this](gone.md).\n"


@pytest.fixture
def run(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[int, str, str]]:
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)

    def call(*arguments: object) -> tuple[int, str, str]:
        code = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def centre(tmp_path: Path, run: Run) -> Path:
    """A fresh help centre in English and Ukrainian."""
    folder = tmp_path / "help"
    assert run("init", folder, "--languages", "en,uk", "--name", "Oselya")[0] == 0
    return folder


@pytest.fixture
def broken(centre: Path) -> Path:
    """The same with one dead link, in line 5 of an article."""
    (centre / "articles/en/returns/size.md").write_text(ARTICLE)
    return centre
