"""Findings in the formats that machines read: JSON, GitHub annotations, GitLab code quality, SARIF.

``prefix`` is the content folder's path within the repository: code hosts count paths from its root.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any
from urllib.parse import quote

import msgspec

from kb import __version__
from kb.content.findings import FINDINGS
from kb.content.judgement import fingerprint
from kb.errors import Problem

JSON_VERSION = 1
_SARIF_LEVELS = {"error": "error", "warning": "warning", "info": "note"}
SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def as_json(problems: Sequence[Problem], prefix: str = "") -> str:
    """``{"version": 1, "counts": {"error": …}, "problems": [{code, path, line, message, hint, severity}]}``."""
    severities = [p.severity for p in problems]
    return _dump(
        {
            "version": JSON_VERSION,
            "counts": {name: severities.count(name) for name in ("error", "warning", "info")},
            "problems": [{**msgspec.to_builtins(p), "path": prefix + p.path} for p in problems],
        }
    )


def as_github(problems: Sequence[Problem], prefix: str = "") -> str:
    """Workflow commands, which GitHub shows beside the changed lines.

    https://docs.github.com/actions/reference/workflow-commands-for-github-actions
    """
    levels = {"error": "error", "warning": "warning", "info": "notice"}
    lines = []
    for p in problems:
        where = f"file={_property(_file(p, prefix))}" + (f",line={p.line}" if p.line else "")
        text = f"{p.message} → {p.hint}" if p.hint else p.message
        lines.append(f"::{levels[p.severity]} {where},title={_property(p.code)}::{_data(text)}")
    return "\n".join(lines)


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def as_gitlab(problems: Sequence[Problem], prefix: str = "") -> str:
    """A code quality report. https://docs.gitlab.com/ci/testing/code_quality/"""
    levels = {"error": "major", "warning": "minor", "info": "info"}
    return _dump(
        [
            {
                "description": f"{p.message} → {p.hint}" if p.hint else p.message,
                "check_name": p.code,
                "fingerprint": mark,
                "severity": levels[p.severity],
                "location": {"path": _file(p, prefix), "lines": {"begin": p.line or 1}},
            }
            for p, mark in _marked(problems)
        ]
    )


def _marked(problems: Sequence[Problem]) -> Iterator[tuple[Problem, str]]:
    """Each finding with a fingerprint of its own: GitLab shows one of several that are alike, so repetitions in a file
    are numbered."""
    seen: Counter[str] = Counter()
    for problem in problems:
        mark = fingerprint(problem)
        seen[mark] += 1
        yield problem, mark if seen[mark] == 1 else sha256(f"{mark} {seen[mark]}".encode()).hexdigest()[:32]


def _file(problem: Problem, prefix: str) -> str:
    """The file a finding is shown at; those about no file, such as ``(git)``, are shown at the settings."""
    return prefix + ("pyproject.toml" if problem.path.startswith("(") else problem.path)


def as_sarif(problems: Sequence[Problem], prefix: str = "") -> str:
    """SARIF 2.1.0, for code scanning and editors."""
    codes = sorted({p.code for p in problems})
    results = [
        {
            "ruleId": p.code,
            "ruleIndex": codes.index(p.code),
            "level": _SARIF_LEVELS[p.severity],
            "message": {"text": f"{p.message} → {p.hint}" if p.hint else p.message},
            "partialFingerprints": {"kb/v1": mark},
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": {"uri": quote(_file(p, prefix))},
                        "region": {"startLine": p.line or 1},
                    }
                }
            ],
        }
        for p, mark in _marked(problems)
    ]
    driver = {"name": "kb", "version": __version__, "rules": [_rule(code) for code in codes]}
    return _dump(
        {
            "$schema": SARIF_SCHEMA,
            "version": "2.1.0",
            "runs": [{"tool": {"driver": driver}, "results": results}],
        }
    )


def _rule(code: str) -> dict[str, Any]:
    finding = FINDINGS.get(code)
    if finding is None:
        return {"id": code}
    return {
        "id": code,
        "shortDescription": {"text": finding.title},
        "fullDescription": {"text": finding.why},
        "help": {"text": f"{finding.why} Example: {finding.example}"},
        "defaultConfiguration": {"level": _SARIF_LEVELS[finding.severity]},
    }


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)


FORMATS: Mapping[str, Callable[[Sequence[Problem], str], str]] = {
    "json": as_json,
    "github": as_github,
    "gitlab": as_gitlab,
    "sarif": as_sarif,
}
"""Format → the report as text. ``text``, for people, is the console's."""
