"""Mistakes of every kind, planted in one help centre, and what each format makes of them."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from kb.cli import check, reports
from kb.config import load
from kb.content.findings import FINDINGS, OF_BUILDS
from kb.errors import Problem

from .conftest import Run

TEXT = (
    "Take the parcel to any branch of the carrier and show the code from your message to the person at the desk. "
    "They print the label for you, weigh the box and hand you a receipt, which you keep until the money is back. "
)
HEAD = "title: T\nquestions: [Q]\n"
PLANTED: dict[str, str | bytes] = {
    # Each of these has its line; what follows the hyphens is the file.
    "returns/syntax.md": "---\ntitle: a: b\n---\nText\n",
    "returns/unclosed.md": "---\ntitle: a\n",
    "returns/none.md": "# Title\n",
    "returns/list.md": "---\njust a sentence\n---\nText\n",
    "returns/deep.md": f"---\ntags: {'[' * 200}\n---\nText\n",
    "returns/tag.md": "---\ntitle: !!python/object/apply:os.system [id]\n---\nText\n",
    "returns/alias.md": "---\ntitle: &a x\ntags: *a\n---\nText\n",
    "returns/details.md": (
        "---\ntitle: D\ntitle: E\ntitel: F\nquestions: one\naudience: staff\nreview_by: 2027-02-30\n"
        "related: ['https://shop.example/x']\n---\nText\n"
    ),
    "returns/untitled.md": "---\ntags: [x]\n---\nText\n",
    "returns/windows.md": "---\ntitle: Де\n---\nТекст\n".encode("cp1251"),
    "returns/zero.md": f"---\n{HEAD}---\nA\0B\n",
    "returns/mac.md": f"---\n{HEAD}---\nA\rB\n",
    "returns/huge.md": f"---\n{HEAD}---\n" + "x" * 1_000_001,
    "returns/con.md": f"---\n{HEAD}---\nText\n",
    "returns/Size.md": f"---\n{HEAD}---\nText\n",
    "returns/Old.md": f"---\n{HEAD}---\nText\n",
    "returns/size/index.md": f"---\n{HEAD}---\nText\n",
    "loose.md": f"---\n{HEAD}---\nText\n",
    "returns/page.html": "<p>x</p>",
    "returns/photo.png": "<html>",
    "returns/big.jpg": b"\xff\xd8\xff" + b"\0" * 1_100_000,
    "returns/bad.svg": '<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>',
    "returns/links.md": (
        "---\ntitle: 'Links, and % signs: все'\nquestions: [Links]\nrelated: [returns/links, returns/nothing]\n"
        "redirect_from: [returns/how-to-return, 'old/x']\n---\n"
        "[a](gone.md) [a](gone.md)\n\n[a](gone.md)\n\n[b](../../../etc/x) [c](/returns/how-to-return/)\n"
        "[d](javascript:x) [e][nowhere] [f](hidden.md) [g](how-to-return.md#nowhere) ![h](no.png) ![i](https://a.example/x.png)\n"
        '![](big.jpg)\n\n--8<-- "/etc/passwd"\n\n--8<-- "_no.md"\n'
    ),
    "returns/hidden.md": "---\ntitle: Hidden\ndraft: true\n---\nText\n",
    "returns/old.md": f"---\n{HEAD}review_by: 2024-01-31\nexpires: 2024-12-31\nredirect_from: ['old/x']\n---\nText\n",
    "returns/bare.md": "---\ntitle: Bare\n---\n",
    "returns/copy.md": f"---\ntitle: Copy\nquestions: [Q]\n---\n{TEXT}\n",
    "returns/copied.md": f"---\ntitle: Copy\nquestions: [Q]\n---\n{TEXT}And more.\n",
    "returns/headings.md": "---\ntitle: Headings\nquestions: [H]\n---\n# Top\n\n#### Deep\n",
    "returns/secret.md": "---\ntitle: Secret\nquestions: [S]\n---\nAKIA" + "A" * 16 + "\n",
    "search/index.md": f"---\n{HEAD}---\nText\n",
    "loose-ends/x.md": "---\ntitle: Loose\nquestions: [L]\n---\nText\n",
    "../ua/a/b.md": f"---\n{HEAD}---\nText\n",
    "../uk/returns/size.po": 'msgid "x"\n',
    "../uk/returns/conflict.po": "<<<<<<< HEAD\n",
    "../uk/returns/cp1251.po": 'msgid ""\nmsgstr "Де"\n'.encode("cp1251"),
    "../uk/returns/plural.po": 'msgid "a"\nmsgid_plural "b"\nmsgstr[0] "c"\n',
    "../uk/returns/twice.po": 'msgid "a"\nmsgstr "b"\n\nmsgid "a"\nmsgstr "c"\n',
    "../glossary/uk.yml": "- x\n",
    "../../search/en/questions.tsv": "where is it\n",
    "../../search/uk/synonyms.yml": "a: b\n",
    "../../search/uk/questions.tsv": "uk\tДе це?\treturns/how-to-return\n",
}
ELSEWHERE = {
    # Planted where it takes more than a file: another site, an engine, git, a folder nobody may read.
    "articles-missing", "external-link-moved", "external-link-dead", "external-link-unanswered", "history-shallow",
    "no-engine", "translation-refused", "translation-breaks-page", "translation-stale", "unreadable", "require-unknown",
    "golden-question", "questions-unreadable", "glossary-term", "translation-required",
}  # fmt: skip


@pytest.fixture(scope="module")
def spoilt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from kb.cli import main

    root = tmp_path_factory.mktemp("formats") / "help"
    assert main(["init", str(root), "--languages", "en,uk", "--name", "Shop"]) == 0
    for path, content in PLANTED.items():
        file = (root / "articles/en").resolve() / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
    (root / "articles/en/returns/link.md").symlink_to("/etc/passwd")
    settings = root / "pyproject.toml"
    before = settings.read_text("utf-8")
    settings.write_text(before.replace("[tool.kb]\n", '[tool.kb]\nparity = ["uk"]\n'), "utf-8")
    return root


@pytest.fixture(scope="module")
def found(spoilt: Path) -> tuple[Problem, ...]:
    return check.look(load(spoilt, {})).problems


def test_each_kind_of_mistake_is_found(found: tuple[Problem, ...]) -> None:
    expected = set(FINDINGS) - OF_BUILDS - ELSEWHERE
    assert sorted(expected - {problem.code for problem in found}) == []


def test_text_groups_findings_by_file(spoilt: Path, found: tuple[Problem, ...], run: Run) -> None:
    code, out, err = run("--root", spoilt, "check")
    assert code == 1
    assert all(f" {problem.code}\n" in out for problem in found)
    assert re.search(r"^\d+ errors, \d+ warnings$", err, re.M)
    assert "\033" not in out


def test_json_says_everything(spoilt: Path, found: tuple[Problem, ...], run: Run) -> None:
    report = json.loads(run("--root", spoilt, "check", "--format", "json")[1])
    assert report["version"] == 1
    assert sum(report["counts"].values()) == len(report["problems"]) == len(found)
    assert {p["code"] for p in report["problems"]} == {p.code for p in found}


COMMAND = re.compile(r"::(error|warning|notice) ([^\r\n]*?)::([^\r\n]*)")
"""https://github.com/actions/toolkit/blob/main/packages/core/src/command.ts"""


def test_github_reads_back_what_was_said(spoilt: Path, found: tuple[Problem, ...], run: Run) -> None:
    lines = run("--root", spoilt, "check", "--format", "github")[1].splitlines()
    assert len(lines) == len(found)
    for line, problem in zip(lines, found, strict=True):
        match = COMMAND.fullmatch(line)
        assert match, line
        properties = dict(pair.split("=", 1) for pair in match[2].split(","))
        assert _read(properties["file"]) == problem.path
        assert properties.get("line") == (str(problem.line) if problem.line else None)
        assert properties["title"] == problem.code
        assert _read(match[3]).startswith(problem.message)


def _read(text: str) -> str:
    for code, sign in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        text = text.replace(code, sign)
    return text


def test_gitlab_has_what_it_requires_and_no_fingerprint_twice(spoilt: Path, run: Run) -> None:
    rows = json.loads(run("--root", spoilt, "check", "--format", "gitlab")[1])
    for row in rows:
        assert row["description"]
        assert row["check_name"] in FINDINGS
        assert row["severity"] in ("info", "minor", "major", "critical", "blocker")
        assert re.fullmatch(r"[^/].*", row["location"]["path"])
        assert row["location"]["lines"]["begin"] >= 1
    marks = [row["fingerprint"] for row in rows]
    assert len(set(marks)) == len(marks)
    same = [row for row in rows if "gone.md" in row["description"]]
    assert [row["location"]["lines"]["begin"] for row in same] == [7, 9]


SARIF: dict[str, Any] = {
    "type": "object",
    "required": ["version", "runs"],
    "properties": {
        "$schema": {"type": "string", "format": "uri"},
        "version": {"const": "2.1.0"},
        "runs": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/run"}},
    },
    "$defs": {
        "run": {
            "type": "object",
            "required": ["tool"],
            "properties": {
                "tool": {
                    "type": "object",
                    "required": ["driver"],
                    "properties": {"driver": {"$ref": "#/$defs/driver"}},
                },
                "results": {"type": "array", "items": {"$ref": "#/$defs/result"}},
            },
        },
        "driver": {
            "type": "object",
            "required": ["name"],
            "properties": {
                "name": {"type": "string", "minLength": 1},
                "version": {"type": "string"},
                "rules": {"type": "array", "uniqueItems": True, "items": {"$ref": "#/$defs/rule"}},
            },
        },
        "rule": {
            "type": "object",
            "required": ["id"],
            "properties": {
                "shortDescription": {"$ref": "#/$defs/text"},
                "fullDescription": {"$ref": "#/$defs/text"},
                "help": {"$ref": "#/$defs/text"},
                "defaultConfiguration": {"properties": {"level": {"$ref": "#/$defs/level"}}},
            },
        },
        "text": {"type": "object", "required": ["text"], "properties": {"text": {"type": "string"}}},
        "level": {"enum": ["none", "note", "warning", "error"]},
        "result": {
            "type": "object",
            "required": ["message", "ruleId", "locations"],
            "properties": {
                "ruleIndex": {"type": "integer", "minimum": 0},
                "level": {"$ref": "#/$defs/level"},
                "message": {"$ref": "#/$defs/text"},
                "partialFingerprints": {"type": "object", "additionalProperties": {"type": "string"}},
                "locations": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/location"}},
            },
        },
        "location": {
            "type": "object",
            "required": ["physicalLocation"],
            "properties": {
                "physicalLocation": {
                    "required": ["artifactLocation"],
                    "properties": {
                        "artifactLocation": {
                            # A reference of RFC 3986: other letters and signs are written as %XX.
                            "properties": {
                                "uri": {"pattern": r"^[A-Za-z0-9._~/-](?:[A-Za-z0-9._~/-]|%[0-9A-F]{2})*$"}
                            }
                        },
                        "region": {"properties": {"startLine": {"type": "integer", "minimum": 1}}},
                    },
                }
            },
        },
    },
}
"""What SARIF 2.1.0 requires of the parts that are written.
https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json"""


def test_sarif_is_what_the_standard_requires(spoilt: Path, run: Run) -> None:
    log = json.loads(run("--root", spoilt, "check", "--format", "sarif")[1])
    jsonschema.Draft202012Validator(SARIF).validate(log)
    (only,) = log["runs"]
    rules = only["tool"]["driver"]["rules"]
    assert all(rules[result["ruleIndex"]]["id"] == result["ruleId"] for result in only["results"])
    place = only["results"][0]["locations"][0]["physicalLocation"]
    place["artifactLocation"]["uri"] = "articles/uk/дім.md"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(SARIF).validate(log)


@pytest.mark.parametrize("report", [reports.as_gitlab, reports.as_sarif, reports.as_github])
def test_what_belongs_to_no_file_is_shown_at_the_settings(report: Any) -> None:
    text = report([Problem("history-shallow", "(git)", None, "cut off", severity="warning")], "help/")
    assert "help/pyproject.toml" in text
    assert "(git)" not in text


def test_fingerprints_stay_when_lines_move(spoilt: Path, found: tuple[Problem, ...]) -> None:
    before = {reports.fingerprint(p) for p in found if p.path.endswith(".md")}
    moved = []
    for file in sorted((spoilt / "articles").rglob("*.md")):
        data = b"" if file.is_symlink() else file.read_bytes()
        if data.startswith(b"---\n"):
            moved.append((file, data))
            file.write_bytes(b"---\n# A comment.\n\n" + data[4:])
    try:
        after = check.look(load(spoilt, {})).problems
    finally:
        for file, data in moved:
            file.write_bytes(data)
    assert {p.line for p in after if p.code == "related-unknown"} != {
        p.line for p in found if p.code == "related-unknown"
    }
    assert {reports.fingerprint(p) for p in after if p.path.endswith(".md")} == before
