"""The editor's commands, run as a person runs them: arguments in, files and messages out."""

import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import kb.cli
from kb.build.cache import Cache
from kb.cli import articles, main, reports
from kb.content.findings import FINDINGS
from kb.errors import Problem

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


# ---------------------------------------------------------------- check


def test_check_says_what_where_and_how_to_mend_it(broken: Path, run: Run) -> None:
    code, out, err = run("--root", broken, "check")
    assert code == 1
    assert out.startswith(
        "articles/en/returns/size.md\n     5: error the link 'gone.md' leads to no article link-dead\n"
    )
    assert "→" in out
    assert err == "1 error\n"


def test_warnings_alone_are_fine_unless_strict(centre: Path, run: Run) -> None:
    (centre / "articles/en/returns/size.md").write_text("---\ntitle: Size\n---\nText\n")
    assert run("--root", centre, "check")[0] == 0
    assert run("--root", centre, "check", "--strict")[0] == 1


def test_check_can_be_limited_to_files_and_folders(
    broken: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("--root", broken, "check", "articles/en/orders")[0] == 0
    assert run("--root", broken, "check", broken / "articles/en/returns/size.md")[0] == 1
    monkeypatch.chdir(broken / "articles")
    assert run("--root", "..", "check", "en/returns")[0] == 1
    assert run("--root", "..", "check", "uk")[0] == 0
    assert run("--root", "..", "check", "nowhere")[0] == 2
    assert run("--root", "..", "check", "/etc")[0] == 2


def test_check_as_json(broken: Path, run: Run) -> None:
    report = json.loads(run("--root", broken, "check", "--format", "json")[1])
    assert report["version"] == 1
    assert report["counts"] == {"error": 1, "warning": 0, "info": 0}
    (problem,) = report["problems"]
    assert problem["code"] == "link-dead"
    assert problem["path"] == "articles/en/returns/size.md"
    assert (problem["line"], problem["severity"]) == (5, "error")
    assert problem["hint"]


def test_check_as_github_annotations_counts_paths_from_the_repository(
    broken: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(broken.parent)
    _, out, _ = run("--root", "help", "check", "--format", "github")
    assert out.startswith(
        "::error file=help/articles/en/returns/size.md,line=5,title=link-dead::the link 'gone.md'"
    )


def test_a_sound_folder_gives_empty_machine_reports(centre: Path, run: Run) -> None:
    assert run("--root", centre, "check", "--format", "github")[1] == ""
    assert json.loads(run("--root", centre, "check", "--format", "gitlab")[1]) == []
    assert json.loads(run("--root", centre, "check", "--format", "sarif")[1])["runs"][0]["results"] == []


def test_check_outside_a_content_folder_says_so(tmp_path: Path, run: Run) -> None:
    code, _, err = run("--root", tmp_path, "check")
    assert code == 2
    assert "kb init" in err


# ---------------------------------------------------------------- reports

PROBLEMS = [
    Problem("link-dead", "articles/en/a.md", 5, "100 % dead:\nreally", "mend it", "error"),
    Problem("title-twice", "articles/en/b,c.md", None, "twice", "", "warning"),
    Problem("site-only", "mkdocs.yml", None, "elsewhere", "", "info"),
]


def test_github_commands_are_escaped() -> None:
    assert reports.as_github(PROBLEMS, "x/").split("\n") == [
        "::error file=x/articles/en/a.md,line=5,title=link-dead::100 %25 dead:%0Areally → mend it",
        "::warning file=x/articles/en/b%2Cc.md,title=title-twice::twice",
        "::notice file=x/mkdocs.yml,title=site-only::elsewhere",
    ]


def test_gitlab_reports_have_what_gitlab_requires() -> None:
    found: list[dict[str, Any]] = json.loads(reports.as_gitlab(PROBLEMS, "x/"))
    assert [each["severity"] for each in found] == ["major", "minor", "info"]
    assert found[0]["location"] == {"path": "x/articles/en/a.md", "lines": {"begin": 5}}
    assert found[1]["location"]["lines"]["begin"] == 1
    assert len({each["fingerprint"] for each in found}) == 3
    assert all(each["description"] and each["check_name"] for each in found)


def test_sarif_names_its_rules() -> None:
    log = json.loads(reports.as_sarif(PROBLEMS))
    (result_run,) = log["runs"]
    rules = result_run["tool"]["driver"]["rules"]
    assert log["version"] == "2.1.0"
    for result in result_run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
    assert rules[0]["fullDescription"]["text"] == FINDINGS["link-dead"].why
    assert [result["level"] for result in result_run["results"]] == ["error", "warning", "note"]


def test_a_finding_keeps_its_fingerprint_when_lines_move() -> None:
    first = Problem("link-dead", "a.md", 5, "dead")
    assert reports.fingerprint(first) == reports.fingerprint(Problem("link-dead", "a.md", 9, "dead"))
    assert reports.fingerprint(first) != reports.fingerprint(Problem("link-dead", "b.md", 5, "dead"))


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


def test_the_commands_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        kb.cli.main(["--help"])
    out = capsys.readouterr().out
    assert all(re.search(rf"^    {command} ", out, re.M) for command in ("init", "new", "check", "import"))


# ---------------------------------------------------------------- what counts


def test_severity_is_the_help_centres_own(broken: Path, run: Run) -> None:
    settings = broken / "pyproject.toml"
    before = settings.read_text("utf-8")
    for level, code in (("warning", 0), ("off", 0), ("error", 1)):
        settings.write_text(f'{before}\n[tool.kb.check]\nseverity = {{ link-dead = "{level}" }}\n', "utf-8")
        assert run("--root", broken, "check")[0] == code, level
    settings.write_text(f'{before}\n[tool.kb.check]\nseverity = {{ link-dead = "loud" }}\n', "utf-8")
    code, _, err = run("--root", broken, "check")
    assert code == 2
    assert "'link-dead' is 'loud'" in err


def test_errors_that_no_site_can_be_built_with_stay_errors(broken: Path, run: Run) -> None:
    (broken / "articles/en/returns/size.md").write_text("---\ntitel: Size\n---\nText\n")
    with (broken / "pyproject.toml").open("a", encoding="utf-8") as settings:
        settings.write('\n[tool.kb.check]\nseverity = { front-matter-unknown-key = "warning" }\n')
    code, _, err = run("--root", broken, "check")
    assert code == 2
    assert "keeps a site from being built" in err
    assert "articles/en/returns/size.md:2" in err


def test_baseline_lets_an_old_site_start_and_new_findings_through(broken: Path, run: Run) -> None:
    assert run("--root", broken, "check")[0] == 1
    code, out, err = run("--root", broken, "check", "--baseline")
    assert (code, out) == (0, "")
    assert "kb-baseline.json written" in err
    first = (broken / "kb-baseline.json").read_text("utf-8")
    assert run("--root", broken, "check", "--strict")[:2] == (0, "")
    (broken / "articles/en/returns/size.md").write_text(ARTICLE.replace("See", "Line before.\n\nSee"))
    assert run("--root", broken, "check")[0] == 0, "a line more above it does not make it new"
    (broken / "articles/en/returns/size.md").write_text(ARTICLE + "See [that](lost.md).\n")
    code, out, _ = run("--root", broken, "check")
    assert code == 1
    assert "lost.md" in out
    assert "gone.md" not in out
    (broken / "articles/en/returns/size.md").write_text(ARTICLE)
    run("--root", broken, "check", "--baseline")
    assert (broken / "kb-baseline.json").read_text("utf-8") == first


def test_baseline_knows_nothing_that_no_site_can_be_built_with(broken: Path, run: Run) -> None:
    (broken / "articles/en/returns/size.md").write_text("---\ntitel: Size\n---\nText\n")
    code, out, _ = run("--root", broken, "check", "--baseline")
    assert code == 1
    assert "front-matter-unknown-key" in out


@pytest.mark.parametrize("text", ["[", '{"version": 2, "findings": []}', "[]"])
def test_damaged_baseline_is_refused(broken: Path, run: Run, text: str) -> None:
    (broken / "kb-baseline.json").write_text(text)
    code, _, err = run("--root", broken, "check")
    assert code == 2
    assert "kb check --baseline" in err


def test_check_finds_languages_that_fall_behind(centre: Path, run: Run) -> None:
    (centre / "articles/uk/returns/how-to-return.md").unlink()
    assert run("--root", centre, "check", "--strict")[0] == 0
    settings = (centre / "pyproject.toml").read_text("utf-8")
    (centre / "pyproject.toml").write_text(
        settings.replace("[tool.kb]\n", '[tool.kb]\nparity = ["uk"]\n'), "utf-8"
    )
    code, out, _ = run("--root", centre, "check")
    assert code == 1
    assert "translation-parity" in out
    (centre / "pyproject.toml").write_text(
        settings.replace("[tool.kb]\n", '[tool.kb]\nrequire = { uk = "reviewed" }\n'), "utf-8"
    )
    assert "translation-required" in run("--root", centre, "check")[1]


def test_check_asks_golden_questions(centre: Path, run: Run) -> None:
    questions = centre / "search/en/questions.tsv"
    questions.parent.mkdir(parents=True)
    questions.write_text("en\tHow do I get my money back?\treturns/how-to-return\n", "utf-8")
    assert run("--root", centre, "check", "--strict")[:2] == (0, "")
    (centre / "articles/en/returns/how-to-return.md").rename(centre / "articles/en/returns/send-back.md")
    for path in centre.glob("articles/*/*/*.md"):
        path.write_text(
            path.read_text("utf-8").replace("returns/how-to-return", "returns/send-back"), "utf-8"
        )
    (centre / "articles/uk/returns/how-to-return.md").rename(centre / "articles/uk/returns/send-back.md")
    for path in centre.glob("articles/*/index.md"):
        path.write_text(
            path.read_text("utf-8").replace("returns/how-to-return", "returns/send-back"), "utf-8"
        )
    code, out, _ = run("--root", centre, "check")
    assert code == 1
    assert "golden-question" in out


def test_second_check_finds_the_same_from_what_it_remembers(broken: Path, run: Run) -> None:
    first = run("--root", broken, "check")
    assert run("--root", broken, "check") == first
    (broken / "articles/en/returns/size.md").write_text(ARTICLE.replace("gone.md", "how-to-return.md"))
    assert run("--root", broken, "check")[0] == 0


@pytest.mark.parametrize(
    ("path", "content", "code"),
    [
        ("search/en/questions.tsv", b"where is it\n", "questions-columns"),
        ("search/en/questions.tsv", b"en\t\xff\torders/order-status\n", "questions-unreadable"),
        ("search/en/synonyms.yml", b"parcel: package\n", "search-rules"),
    ],
)
def test_check_reads_what_editors_keep_for_search(
    centre: Path, run: Run, path: str, content: bytes, code: str
) -> None:
    (centre / "search/en").mkdir(parents=True)
    (centre / "search/en/questions.tsv").write_text("en\tWhere is my order?\torders/order-status\n")
    (centre / path).write_bytes(content)
    exit_code, out, _ = run("--root", centre, "check")
    assert exit_code == 1
    assert code in out
    assert path in out


def test_every_finding_that_the_code_reports_is_in_the_table() -> None:
    reported: set[str] = set()
    for file in Path(kb.cli.__file__).parents[1].rglob("*.py"):
        reported |= set(re.findall(r"(?<!\.)\bProblem\(\s*\"([a-z-]+)\"", file.read_text("utf-8")))
    not_of_content = {"cache-damaged", "build-failed"}
    assert len(reported) > 20
    assert reported - not_of_content <= set(FINDINGS)


def test_check_does_not_wait_for_a_build(broken: Path, run: Run) -> None:
    with Cache(broken / ".kb/cache"):
        code, out, _ = run("--root", broken, "check")
    assert code == 1
    assert "link-dead" in out
