"""``kb check``, run as a person or a pipeline runs it: what it finds, what counts, and in which form it is told."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

import kb.cli
from kb.build.cache import Cache
from kb.cli import reports
from kb.content.findings import FINDINGS
from kb.errors import Problem

from .conftest import ARTICLE, Run

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
    settings.write_text(f'{before}\n[tool.kb.check]\nseverity = {{ lnik-dead = "off" }}\n', "utf-8")
    code, _, err = run("--root", broken, "check")
    assert code == 2
    assert "did you mean 'link-dead'?" in err


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
    not_of_content = {"build-failed"}
    assert len(reported) > 20
    assert reported - not_of_content <= set(FINDINGS)


def test_check_does_not_wait_for_a_build(broken: Path, run: Run) -> None:
    with Cache(broken / ".kb/cache"):
        code, out, _ = run("--root", broken, "check")
    assert code == 1
    assert "link-dead" in out


def test_severity_and_baseline_apply_to_what_only_a_build_finds(centre: Path, run: Run) -> None:
    """A site without an address is a warning of builds; here it is nothing, an error, and known."""
    settings, mkdocs = centre / "pyproject.toml", centre / "mkdocs.yml"
    mkdocs.write_text(re.sub(r"^site_url:.*$", "", mkdocs.read_text("utf-8"), flags=re.M), "utf-8")
    before = settings.read_text("utf-8")
    build = ("--root", centre, "build", "--lang", "en", "-j", "1", "--strict")
    assert run(*build)[0] == 1
    for level, code in (("off", 0), ("info", 0), ("error", 1)):
        settings.write_text(
            f'{before}\n[tool.kb.check]\nseverity = {{ site-url-missing = "{level}" }}\n', "utf-8"
        )
        assert run(*build)[0] == code, level
    settings.write_text(before, "utf-8")
    assert run(*build, "--baseline")[0] == 0
    assert run(*build)[0] == 0
    (centre / "articles/en/returns/size.md").write_text("---\ntitle: Size\n---\nText\n")
    run("--root", centre, "check", "--baseline")
    assert run(*build)[0] == 0, "a check forgets nothing of builds"


def test_check_reads_the_glossary_and_holds_texts_to_it(centre: Path, run: Run) -> None:
    (centre / "articles/glossary").mkdir()
    file = centre / "articles/glossary/uk.yml"
    file.write_text("order: { use: замовлення, avoid: [повернення] }\n", "utf-8")
    code, out, _ = run("--root", centre, "check")
    assert code == 0
    assert "glossary-term" in out
    assert "is a word to avoid: 'order' is 'замовлення' in the glossary" in out
    file.write_text("- order\n")
    code, out, _ = run("--root", centre, "check")
    assert code == 1
    assert "articles/glossary/uk.yml" in out
