"""Which findings count, and how much: what a help centre says of severity, and what it has known before.

Errors keep a site from being built because a build could not be trusted with them; only those in :data:`LOWERABLE` may
be made less, or be known.
"""

import json
import re
from collections.abc import Collection, Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import cast, get_args

from msgspec.structs import replace

from kb.content.findings import FINDINGS, OF_BUILDS
from kb.errors import ConfigError, Problem, Severity, did_you_mean

LOWERABLE = frozenset(
    {"golden-question", "image-missing", "link-dead", "secret", "translation-parity", "translation-required"}
)
"""Errors with which a site can be built: its pages are whole, but not as good as they should be."""
BASELINE_VERSION = 1
OFF = "off"
_PASSING = re.compile(r"\bin line \d+|^\d+%")
"""What a message says of other lines, and of likeness, changes with any edit."""


def fingerprint(problem: Problem) -> str:
    """Stays the same when lines above the finding come or go, so that known findings stay known."""
    message = _PASSING.sub("", problem.message)
    return sha256(f"{problem.code}\0{problem.path}\0{message}".encode()).hexdigest()[:32]


def judged(
    problems: Iterable[Problem], severity: Mapping[str, str], known: Collection[str] = ()
) -> list[Problem]:
    """The problems that count, each as severe as ``severity`` (code → level) says, without the ``known`` fingerprints.

    Raises:
        ConfigError: a code or level that does not exist, or an error lowered that may not be.
    """
    levels = (*get_args(Severity), OFF)
    for code, level in severity.items():
        if code not in FINDINGS:
            hint = did_you_mean(code, FINDINGS)
            raise ConfigError(f"[tool.kb.check] severity: '{code}' is no finding", hint=hint)
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
    return frozenset(mark for _, _, mark in _rows(file))


_Row = tuple[str, str, str]
"""Path, code and fingerprint."""


def _rows(file: Path) -> list[_Row]:
    hint = "'kb check --baseline' writes it anew"
    try:
        data = json.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as error:
        raise ConfigError(f"{file}: cannot be read: {error}", hint=hint) from None
    if not isinstance(data, dict) or data.get("version") != BASELINE_VERSION:
        raise ConfigError(f"{file}: not a baseline of this version", hint=hint)
    return [(each["path"], each["code"], each["fingerprint"]) for each in data["findings"]]


def write_baseline(file: Path, problems: Iterable[Problem]) -> None:
    """Make known in ``file`` what can be known of ``problems``, instead of what was known before; what only builds find
    stays known, since a check cannot tell whether it is still there."""
    try:
        kept = {row for row in _rows(file) if row[1] in OF_BUILDS}
    except ConfigError:
        kept = set()
    _write(file, kept | _known(problems))


def add_builds(file: Path, problems: Iterable[Problem]) -> None:
    """Make known as well what only a build can find among ``problems``."""
    found = {row for row in _known(problems) if row[1] in OF_BUILDS}
    _write(file, set(_rows(file)) | found)


def _known(problems: Iterable[Problem]) -> set[_Row]:
    known = (p for p in problems if p.severity != "error" or p.code in LOWERABLE)
    return {(p.path, p.code, fingerprint(p)) for p in known}


def _write(file: Path, rows: Iterable[_Row]) -> None:
    # In an order that makes small diffs.
    findings = [{"path": path, "code": code, "fingerprint": mark} for path, code, mark in sorted(rows)]
    text = json.dumps({"version": BASELINE_VERSION, "findings": findings}, ensure_ascii=False, indent=1)
    file.write_text(f"{text}\n", "utf-8")
