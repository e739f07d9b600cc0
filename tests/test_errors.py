"""Findings and exceptions."""

import pickle

import pytest

from kb import cli
from kb.errors import ConfigError, ContentError, Problem, did_you_mean, ranked


def problem(severity: str, path: str = "a.md", line: int | None = 1) -> Problem:
    return Problem("code", path, line, "message", severity=severity)  # type: ignore[arg-type]


def test_findings_are_ranked_by_severity_and_place_without_repetition() -> None:
    later, first, warning = problem("error", "b.md"), problem("error", "a.md", 9), problem("warning")
    assert ranked([warning, later, first, later]) == [first, later, warning]


def test_finding_explains_itself() -> None:
    found = Problem("alt-missing", "articles/en/a.md", 3, "the image has no alt text", "describe it")
    assert str(found) == "articles/en/a.md:3: error: the image has no alt text (describe it) [alt-missing]"
    assert problem("info", line=None).where() == "a.md"


def test_nearest_name_is_suggested_and_else_all() -> None:
    assert did_you_mean("titel", ["title", "tags"]) == "did you mean 'title'?"
    assert did_you_mean("zzz", ["title", "tags"]) == "known: tags, title"


def test_exceptions_cross_processes_whole() -> None:
    error = pickle.loads(pickle.dumps(ContentError("bad", [problem("error")], hint="mend")))
    assert (type(error), str(error), error.hint, error.problems) == (
        ContentError,
        "bad",
        "mend",
        (problem("error"),),
    )
    assert pickle.loads(pickle.dumps(ConfigError("x"))).message == "x"


def test_ctrl_c_while_the_commands_are_loaded_is_no_fault(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(given: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "parser", interrupted)
    assert cli.main(["build"]) == 130
    assert "nothing half-done was published" in capsys.readouterr().err
