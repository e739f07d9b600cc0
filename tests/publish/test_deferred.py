"""What extensions make late is what they would have made at once."""

import re

import markdown
import pytest
from pymdownx import delimiterprocessor

from kb.publish import deferred

EXTENSIONS = ["pymdownx.caret", "pymdownx.mark", "pymdownx.tilde", "pymdownx.betterem"]
MARKED = (
    "~~gone~~, ^^added^^ and ==marked==",
    "H~2~O and 2^10^; *one*, **two**, ***both***",
    "^^a ==b ~~c~~ d== e^^, ==(x)== and «==y==», ~a b~ ^a\\ b^",
    "~~~three~~~ ^^^three^^^ ===three=== ~~ ^^ == \\~x\\~ a = b, ~5 and 3^",
    "в оплаті ~~старе~~ — ==нове==…",
)


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The long patterns that are compiled while extensions defer theirs."""
    found: list[str] = []
    ordinary = re._compile  # type: ignore[attr-defined]

    def noted(pattern: object, flags: int) -> object:
        if isinstance(pattern, str) and len(pattern) > 1_000:
            found.append(pattern)
        return ordinary(pattern, flags)

    monkeypatch.setattr(delimiterprocessor, "re", re)
    deferred.defer()
    monkeypatch.setattr(re, "_compile", noted)
    return found


def instance(*extensions: str) -> markdown.Markdown:
    return markdown.Markdown(extensions=list(extensions))


def test_a_text_without_marks_compiles_no_long_pattern(compiled: list[str]) -> None:
    md = instance("pymdownx.caret", "pymdownx.mark", "pymdownx.tilde")
    assert "<strong>two</strong>" in md.convert(
        "Plain *one* and **two**: [a link](https://example.com/?a=b)."
    )
    assert compiled == []
    assert "<del>gone</del>" in md.convert(MARKED[0])
    assert compiled != []


@pytest.mark.parametrize("text", MARKED)
def test_marks_mean_what_they_mean_without_waiting(text: str, compiled: list[str]) -> None:
    late = instance(*EXTENSIONS)
    assert compiled == []
    deferred.load(lambda: instance(*EXTENSIONS), icons=True)
    assert compiled != [], "processes that are forked find them"
    del compiled[:]
    at_once = instance(*EXTENSIONS)
    assert compiled != []
    assert late.convert(text) == at_once.convert(text)
    assert late.reset().convert(text) == at_once.convert(text)
