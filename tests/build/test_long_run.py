"""The law of incremental builds on real content: one long run of edits over the example help centre, and one over
imported pages. A few edits by default; ``KB_LONG_RUN=60 pytest tests/build/test_long_run.py`` runs them at length."""

import os
import random
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from kb.errors import ContentError
from tests.build.test_incremental import assert_same, build_at, tree, twin

EDITS = int(os.environ.get("KB_LONG_RUN", "3"))
COMPARED_EVERY = 10
REPOSITORY = Path(__file__).parents[2]
IMPORTED = REPOSITORY.parent / "shared" / "corpora" / "duckduckgo-help" / "_docs"
SETTINGS = '[tool.kb]\nlanguages = ["en", "uk"]\n[tool.kb.search]\nvectors = false\n'


class Editor:
    """Somebody who writes, retitles, adds, renames and deletes articles, at random but the same each time."""

    def __init__(self, root: Path) -> None:
        self.root, self.chance = root, random.Random(7)
        self.added = 0

    def edit(self) -> None:
        kinds: list[Callable[[], None]] = [
            self.body, self.body, self.title, self.add, self.rename, self.delete, self.translation, self.words,
            self.synonyms,
        ]  # fmt: skip
        self.chance.choice(kinds)()

    def article(self, pattern: str = "*.md") -> Path:
        language = self.chance.choice(["en", "uk"])
        found = sorted((self.root / "articles" / language).rglob(pattern))
        return self.chance.choice(found or sorted((self.root / "articles/en").rglob("*.md")))

    def body(self) -> None:
        with self.article().open("a", encoding="utf-8") as file:
            file.write(f"\n## Part {self.chance.random()}\n\nMore *words* of [ours](https://example.com/).\n")

    def title(self) -> None:
        file = self.article()
        number = self.chance.randint(1, 9)
        # Before the quote that ends it, if one does.
        text = re.sub(
            r"""(?m)^(title: .*?)(["']?)$""", rf"\g<1> {number}\g<2>", file.read_text("utf-8"), count=1
        )
        file.write_text(text, "utf-8")

    def add(self) -> None:
        self.added += 1
        text = (
            f"---\ntitle: Added {self.added}\nquestions: [What is {self.added}?]\n---\nText {self.added}.\n"
        )
        self.article("index.md").with_name(f"added-{self.added}.md").write_text(text, "utf-8")

    def rename(self) -> None:
        file = self.article("added-*.md")
        if file.name.startswith("added-"):
            self.added += 1
            file.rename(file.with_name(f"added-{self.added}.md"))

    def delete(self) -> None:
        file = self.article("added-*.md")
        if file.name.startswith("added-"):
            file.unlink()

    def translation(self) -> None:
        file = self.article("*.po")
        if file.suffix == ".po":
            file.write_text(file.read_text("utf-8").replace('msgstr "', 'msgstr "° ', 3), "utf-8")

    def words(self) -> None:
        folder = self.root / "look" / "strings"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "en.yml").write_text(f"home: Start {self.chance.randint(1, 9)}\n", "utf-8")

    def synonyms(self) -> None:
        folder = self.root / "search" / "uk"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "synonyms.yml").write_text(f"- [посилка, пакунок{self.chance.randint(1, 9)}]\n", "utf-8")


def settle(root: Path) -> None:
    mkdocs = (
        (REPOSITORY / "mkdocs.yml")
        .read_text("utf-8")
        .replace("name: material", "name: material\n  custom_dir: look", 1)
    )
    (root / "mkdocs.yml").write_text(mkdocs, "utf-8")
    (root / "pyproject.toml").write_text(SETTINGS, "utf-8")
    (root / "look").mkdir(exist_ok=True)


def run(root: Path) -> None:
    editor, built = Editor(root), 0
    build_at(root, clean=True)
    for number in range(1, EDITS + 1):
        editor.edit()
        try:
            build_at(root)
        except ContentError:
            # An editor may well break something; the next edits and builds go on from there.
            continue
        built += 1
        if number % COMPARED_EVERY == 0 or number == EDITS:
            compare(root)
    assert built > EDITS // 2


def compare(root: Path) -> None:
    clean = twin(root)
    build_at(clean)
    assert_same(tree(root / "site"), tree(clean / "site"))


def test_long_run_over_the_example(tmp_path: Path) -> None:
    root = tmp_path / "centre"
    shutil.copytree(REPOSITORY / "articles", root / "articles")
    settle(root)
    run(root)


def test_long_run_over_imported_pages(tmp_path: Path) -> None:
    if not IMPORTED.is_dir():
        pytest.skip("the corpora are not on this machine")
    from kb.cli import main

    root = tmp_path / "centre"
    # Some pages of the source are broken: it says so, and imports the rest.
    main(["import", str(IMPORTED.parent), str(root), "--from", "jekyll"])
    settle(root)
    run(root)
