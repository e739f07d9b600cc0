"""Which findings count, and how much: what a help centre says of severity, and what it has known before.

Errors keep a site from being built because a build could not be trusted with them; only those in :data:`LOWERABLE` may
be made less, or be known.
"""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import cast, get_args

from kb.errors import ConfigError, Problem, Severity, did_you_mean

LOWERABLE = frozenset(
    {"golden-question", "image-missing", "link-dead", "secret", "translation-parity", "translation-required"}
)
"""Errors with which a site can be built: its pages are whole, but not as good as they should be."""
BASELINE_VERSION = 1
OFF = "off"


def fingerprint(problem: Problem) -> str:
    """Stays the same when lines above the finding come or go, so that known findings stay known."""
    return sha256(f"{problem.code}\0{problem.path}\0{problem.message}".encode()).hexdigest()[:32]


def judged(
    problems: Iterable[Problem], severity: Mapping[str, str], known: Collection[str] = ()
) -> list[Problem]:
    """The problems that count, each as severe as ``severity`` (code → level) says, without the ``known`` fingerprints.

    Raises:
        ConfigError: a level that does not exist, or an error lowered that may not be.
    """
    levels = (*get_args(Severity), OFF)
    for code, level in severity.items():
        if level not in levels:
            raise ConfigError(
                f"[tool.kb.check] severity: '{code}' is '{level}'", hint=did_you_mean(level, levels)
            )
    found = []
    for problem in problems:
        may = problem.severity != "error" or problem.code in LOWERABLE
        level = severity.get(problem.code, problem.severity)
        if level != "error" and not may:
            raise ConfigError(
                f"[tool.kb.check] severity: '{problem.code}' is an error that keeps a site from being built",
                hint=f"mend {problem.where()}; may be lowered: {', '.join(sorted(LOWERABLE))}",
            )
        if level != OFF and not (may and fingerprint(problem) in known):
            found.append(replace(problem, severity=cast(Severity, level)))
    return found


def read_baseline(file: Path) -> frozenset[str]:
    """The fingerprints in ``file``; none when it does not exist.

    Raises:
        ConfigError: it is damaged, or of another version.
    """
    try:
        data = json.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        return frozenset()
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"{file}: cannot be read: {error}", hint="'kb check --baseline' writes it anew"
        ) from None
    if not isinstance(data, dict) or data.get("version") != BASELINE_VERSION:
        raise ConfigError(
            f"{file}: not a baseline of this version", hint="'kb check --baseline' writes it anew"
        )
    return frozenset(each["fingerprint"] for each in data["findings"])


def baseline(problems: Iterable[Problem]) -> str:
    """The text of a baseline file: what can be known of ``problems``, in an order that makes small diffs."""
    known = [p for p in problems if p.severity != "error" or p.code in LOWERABLE]
    rows = sorted({(p.path, p.code, fingerprint(p)) for p in known})
    findings = [{"path": path, "code": code, "fingerprint": mark} for path, code, mark in rows]
    return (
        json.dumps({"version": BASELINE_VERSION, "findings": findings}, ensure_ascii=False, indent=1) + "\n"
    )
