"""What the tests of translation speak of: a small help centre, and engines that answer in known ways."""

from collections.abc import Callable, Sequence
from pathlib import Path

from kb.content import reader
from kb.content.article import Catalog
from kb.language import memory, run
from kb.language.engine import Model
from kb.language.markup import TokenStyle

RETURNS = """---
title: How to return goods
description: Three steps to send goods back.
questions:
  - I want my money back
---
Send the goods back within 14 days.

Pack everything well.

## Refunds

The bank pays within 7 days.

Write to us about anything else.
"""


class Echo:
    """An engine that translates each word into another one, so that every gate passes; it counts its calls."""

    name = "echo"

    def __init__(self, *pairs: tuple[str, str], version: str = "1") -> None:
        self._pairs = set(pairs or {("en", "pt")})
        self.version = version
        self.calls = 0
        self.texts: list[str] = []

    def pairs(self) -> set[tuple[str, str]]:
        return self._pairs

    def model(self, source: str, target: str) -> Model:
        return Model(f"{self.name}/{source}-{target}-{self.version}", TokenStyle("T.{}"), calibrated=True)

    def translate(self, texts: Sequence[str], source: str, target: str) -> list[str]:
        self.calls += 1
        self.texts += texts
        return [self.answer(text) for text in texts]

    def answer(self, text: str) -> str:
        return " ".join(echoed(word) for word in text.split(" "))

    def forget(self) -> None:
        pass

    def close(self) -> None:
        pass


def echoed(word: str) -> str:
    core = word.strip(".,;:!?\"'()[]")
    return word.replace(core, core[1:] + core[0] + "a") if core.isalpha() else word


class Answering(Echo):
    """An engine whose answers a test gives."""

    def __init__(self, answer: Callable[[str], str]) -> None:
        super().__init__()
        self._answer = answer

    def answer(self, text: str) -> str:
        return self._answer(text)


def write(root: Path, **files: str) -> None:
    """Article files by id, with `__` for `/`: `en__returns__how`."""
    for name, text in files.items():
        file = root / "articles" / f"{name.replace('__', '/')}.md"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")


def catalog_of(root: Path, languages: Sequence[str] = ("en", "pt")) -> Catalog:
    catalog, problems = reader.read(root, "articles", languages)
    assert not [str(p) for p in problems if p.severity == "error"]
    return catalog


def translate(
    root: Path,
    engine: Echo,
    *,
    languages: Sequence[str] = ("en", "pt"),
    targets: Sequence[str] = ("pt",),
    render: Callable[[str], str] | None = None,
    options: run.Options | None = None,
    on_step: Callable[[run.Step], None] = lambda step: None,
) -> run.Report:
    """One run of `kb translate` without its command line."""
    memories, problems = memory.load(root / "articles", languages, root=root)
    assert not problems
    plan = run.plan(catalog_of(root, languages), memories, targets, [engine], options=options)
    return run.run(plan, root, render=render, options=options, on_step=on_step)


def po(root: Path, id: str = "returns/how", language: str = "pt") -> memory.Memory:
    file = root / "articles" / language / f"{id}.po"
    found, problems = memory.read(file, language=language, id=id, root=root)
    assert found is not None
    assert not problems
    return found


def entry(root: Path, beginning: str, id: str = "returns/how", language: str = "pt") -> memory.Entry:
    """The entry whose source begins so."""
    return next(e for e in po(root, id, language).entries if e.source.startswith(beginning))
