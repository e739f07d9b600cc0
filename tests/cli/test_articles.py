"""The editor's commands, run as a person runs them: arguments in, files and messages out."""

import io
import json
import re
from pathlib import Path

import pytest

import kb.cli
from kb.cli import articles

from .conftest import Run

# ---------------------------------------------------------------- init


@pytest.mark.parametrize("languages", ["en", "uk,en", "pt,ar,ru", "de"])
def test_a_new_help_centre_has_no_findings(tmp_path: Path, run: Run, languages: str) -> None:
    code, _, err = run("init", tmp_path / "x", "--languages", languages, "--name", 'The "Shop": #1')
    assert code == 0
    assert ("there are no example articles" in err) == (languages == "de")
    code, out, err = run("--root", tmp_path / "x", "check", "--strict")
    assert (code, out) == (0, "")
    assert "no problems" in err


def test_init_writes_what_an_editor_needs(centre: Path) -> None:
    assert 'site_name: "Oselya"' in (centre / "mkdocs.yml").read_text()
    assert 'languages = ["en", "uk"]' in (centre / "pyproject.toml").read_text()
    assert (centre / "README.md").read_text().startswith("# Oselya: help centre")
    assert "/site/" in (centre / ".gitignore").read_text()
    assert (centre / "articles/uk/returns/how-to-return.md").is_file()


def test_init_refuses_a_folder_that_is_in_use(tmp_path: Path, run: Run) -> None:
    (tmp_path / "file").touch()
    assert run("init", tmp_path)[0] == 2
    assert run("init", tmp_path / "file")[0] == 2
    (tmp_path / "clone" / ".git").mkdir(parents=True)
    assert run("init", tmp_path / "clone")[0] == 0


@pytest.mark.parametrize("languages", ["english language", "../x", "en,en", ",", "e"])
def test_init_refuses_what_is_no_language(tmp_path: Path, run: Run, languages: str) -> None:
    assert run("init", tmp_path / "x", "--languages", languages)[0] == 2
    assert not (tmp_path / "x").exists()


def test_init_asks_on_a_terminal(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(articles, "interactive", lambda: True)
    monkeypatch.setattr("sys.stdin", io.StringIO("uk, en\n\n"))
    code, _, err = run("init", tmp_path / "my-shop")
    assert code == 0
    assert "Languages, the main one first [en]:" in err
    assert 'languages = ["uk", "en"]' in (tmp_path / "my-shop/pyproject.toml").read_text()
    assert 'site_name: "My shop"' in (tmp_path / "my-shop/mkdocs.yml").read_text()


# ---------------------------------------------------------------- new


def test_a_new_article_is_a_draft_without_findings(centre: Path, run: Run) -> None:
    code, out, _ = run("--root", centre, "new", "returns/exchange-size")
    assert (code, out) == (0, "articles/en/returns/exchange-size.md\n")
    text = (centre / "articles/en/returns/exchange-size.md").read_text()
    assert 'title: "Exchange size"' in text
    assert "draft: true" in text
    assert run("--root", centre, "check", "--strict")[:2] == (0, "")


def test_an_article_in_a_new_category_asks_for_the_categorys_own_page(centre: Path, run: Run) -> None:
    assert "kb new payment/index" in run("--root", centre, "new", "payment/cards")[2]
    code, out, err = run("--root", centre, "new", "payment/index")
    assert (code, out) == (0, "articles/en/payment/index.md\n")
    assert "new" not in err
    text = (centre / "articles/en/payment/index.md").read_text()
    assert 'title: "Payment"' in text
    assert "icon:" in text
    assert "questions" not in text
    assert "kb new" not in run("--root", centre, "new", "payment/invoices")[2]
    assert run("--root", centre, "check", "--strict")[:2] == (0, "")


def test_a_new_translation_holds_the_source_text(centre: Path, run: Run) -> None:
    (centre / "articles/uk/returns/how-to-return.md").unlink()
    assert (
        run("--root", centre, "new", "/returns/how-to-return/", "--lang", "uk", "--title", "Повернення")[0]
        == 0
    )
    text = (centre / "articles/uk/returns/how-to-return.md").read_text()
    assert "translation of articles/en/returns/how-to-return.md" in text
    assert 'title: "Повернення"' in text
    assert "{ #how-long }" in text
    assert run("--root", centre, "check")[0] == 0


def test_new_never_overwrites(centre: Path, run: Run) -> None:
    before = (centre / "articles/en/returns/how-to-return.md").read_text()
    code, _, err = run("--root", centre, "new", "returns/how-to-return")
    assert code == 1
    assert "exists already" in err
    assert (centre / "articles/en/returns/how-to-return.md").read_text() == before


@pytest.mark.parametrize(
    ("id", "hint"),
    [
        ("size", "general/size"),
        ("returns/My size", "my-size"),
        ("../x/y", "returns/exchange-size"),
        ("returns/con", "con-article"),
        ("https://x.example/y", "returns/exchange-size"),
    ],
)
def test_new_refuses_what_cannot_be_an_id(centre: Path, run: Run, id: str, hint: str) -> None:
    code, _, err = run("--root", centre, "new", id)
    assert code == 2
    assert hint in err


def test_new_refuses_an_unknown_language(centre: Path, run: Run) -> None:
    code, _, err = run("--root", centre, "new", "a/b", "--lang", "ua")
    assert code == 2
    assert "known: en, uk" in err


# ---------------------------------------------------------------- import


@pytest.fixture
def old(tmp_path: Path) -> Path:
    source = tmp_path / "old"
    (source / "pay").mkdir(parents=True)
    (source / "pay" / "cards.md").write_text("---\ntitle: Cards\nicon: x\n---\nText\n")
    (source / "pay" / "cash.md").write_text(
        "---\ntitle: Cash\n---\n[cards](/pay/cards/) {% include x.md %}\n"
    )
    return source


def test_import_makes_a_help_centre_that_passes_the_check(tmp_path: Path, old: Path, run: Run) -> None:
    code, out, err = run("import", old, tmp_path / "new", "--from", "jekyll", "--lang", "uk")
    assert code == 1, "there was something to look at"
    assert "pay/cash.md\n     4: warning the file of {% include x.md %}" in out
    assert "pages: 2, articles: 3, categories: 1" in err
    assert 'languages = ["uk"]' in (tmp_path / "new/pyproject.toml").read_text()
    assert "[cards](cards.md)" in (tmp_path / "new/articles/uk/pay/cash.md").read_text()
    assert run("--root", tmp_path / "new", "check")[0] == 0


def test_import_into_a_help_centre_overwrites_nothing(centre: Path, old: Path, run: Run) -> None:
    for _ in range(2):
        run("import", old, centre, "--from", "jekyll")
    files = sorted(file.name for file in (centre / "articles/en/pay").iterdir())
    assert files == ["cards.md", "cash.md", "index.md", "pay-cards.md", "pay-cash.md"]


def test_import_without_anything_to_look_at_is_fine(tmp_path: Path, old: Path, run: Run) -> None:
    (old / "pay" / "cash.md").unlink()
    code, out, _ = run("import", old, tmp_path / "new", "--from", "jekyll", "--format", "json")
    report = json.loads(out)
    assert code == 0
    assert report["version"] == 1
    assert report["summary"]["articles"] == 2
    assert [(p["code"], p["line"]) for p in report["problems"]] == [("import-key", 3)]


def test_import_refuses_a_folder_in_use_and_an_unknown_language(centre: Path, old: Path, run: Run) -> None:
    assert run("import", old, old, "--from", "markdown")[0] == 2
    assert run("import", old, centre, "--from", "markdown", "--lang", "de")[0] == 2
    assert run("import", centre / "none", centre, "--from", "markdown")[0] == 2


def test_kb_alone_says_how_to_begin(run: Run) -> None:
    code, _, err = run()
    assert code == 2
    assert "kb init my-help" in err


def test_the_commands_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        kb.cli.main(["--help"])
    out = capsys.readouterr().out
    assert all(re.search(rf"^    {command} ", out, re.M) for command in ("init", "new", "check", "import"))
