"""What git tells about articles."""

import os
import subprocess
from datetime import date
from pathlib import Path

import pytest

from kb.publish import history
from kb.publish.history import History


class Repository:
    """``commit(day, changes)``: path → text, or ``None`` to remove; a tuple ``(old, new)`` renames."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *args: str, **env: str) -> None:
        identity = {
            f"GIT_{who}_{what}": "a@example.com"
            for who in ("AUTHOR", "COMMITTER")
            for what in ("NAME", "EMAIL")
        }
        subprocess.run(
            ["git", *args],
            cwd=self.root,
            check=True,
            capture_output=True,
            env={**os.environ, **identity, **env},
        )

    def commit(self, day: str, *changes: tuple[str, str | None]) -> None:
        for path, content in changes:
            file = self.root / path
            if content is None:
                file.unlink()
            else:
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(content)
        self.git("add", "--all")
        stamp = f"{day}T12:00:00+00:00"
        self.git(
            "commit",
            "--quiet",
            "--allow-empty",
            "--message=x",
            GIT_AUTHOR_DATE=stamp,
            GIT_COMMITTER_DATE=stamp,
        )

    def rename(self, day: str, old: str, new: str) -> None:
        (self.root / new).parent.mkdir(parents=True, exist_ok=True)
        self.git("mv", old, new)
        self.commit(day)

    def read(self) -> History:
        found, _ = history.read(self.root, "articles")
        return found


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path)


A, B, C = "articles/en/r/a.md", "articles/en/r/b.md", "articles/en/r/c.md"
TEXT = "".join(f"Line {n} of an article long enough to be recognised after a rename.\n" for n in range(9))


def test_article_was_updated_on_the_day_of_its_last_commit(repository: Repository) -> None:
    repository.commit("2026-01-05", (A, TEXT), (B, "b"))
    repository.commit("2026-03-07", (A, TEXT + "more\n"))
    found = repository.read()
    assert found.updated == {A: date(2026, 3, 7), B: date(2026, 1, 5)}
    assert found.created[A] == date(2026, 1, 5)
    assert len(found.commit) == 40


def test_renamed_article_is_known_by_all_its_former_names(repository: Repository) -> None:
    repository.commit("2026-01-05", (A, TEXT))
    repository.rename("2026-02-05", A, B)
    repository.rename("2026-03-05", B, C)
    found = repository.read()
    assert found.renamed == {A: C, B: C}
    assert found.removed == frozenset()
    assert found.created[C] == date(2026, 1, 5)


def test_removed_article_is_remembered(repository: Repository) -> None:
    repository.commit("2026-01-05", (A, TEXT), (B, "b"))
    repository.commit("2026-02-05", (A, None))
    assert repository.read().removed == {A}


def test_article_written_again_is_not_removed(repository: Repository) -> None:
    repository.commit("2026-01-05", (A, TEXT))
    repository.commit("2026-02-05", (A, None))
    repository.commit("2026-03-05", (A, "new"))
    assert repository.read().removed == frozenset()


def test_article_removed_after_a_rename_is_removed_under_its_last_name(repository: Repository) -> None:
    repository.commit("2026-01-05", (A, TEXT))
    repository.rename("2026-02-05", A, B)
    repository.commit("2026-03-05", (B, None))
    found = repository.read()
    assert found.removed == {B}
    assert found.renamed == {A: B}


def test_new_article_under_a_former_name_is_not_a_former_name(repository: Repository) -> None:
    repository.commit("2026-01-05", (A, TEXT))
    repository.rename("2026-02-05", A, B)
    repository.commit("2026-03-05", (A, "another article"))
    assert repository.read().renamed == {}


def test_names_in_other_alphabets_are_read_as_they_are(repository: Repository) -> None:
    repository.commit("2026-01-05", ("articles/uk/r/обмін розміру.md", "x"))
    assert list(repository.read().updated) == ["articles/uk/r/обмін розміру.md"]


def test_content_below_the_top_of_the_repository_has_relative_paths(repository: Repository) -> None:
    repository.commit("2026-01-05", (f"help/{A}", TEXT))
    found, _ = history.read(repository.root / "help", "articles")
    assert list(found.updated) == [A]


def test_folder_outside_git_has_no_history(tmp_path: Path) -> None:
    assert history.read(tmp_path, "articles") == (History(), ())


def test_repository_without_commits_has_no_history(repository: Repository) -> None:
    assert repository.read() == History()


def test_shallow_clone_is_reported(repository: Repository, tmp_path: Path) -> None:
    repository.commit("2026-01-05", (A, TEXT))
    repository.commit("2026-02-05", (A, TEXT + "more"))
    clone = tmp_path / "clone"
    repository.git("clone", "--quiet", "--depth=1", f"file://{repository.root}", str(clone))
    _, problems = history.read(clone, "articles")
    assert [p.code for p in problems] == ["history-shallow"]
