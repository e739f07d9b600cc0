"""What git knows of the articles: when each last changed, what it was called, which are gone.

One ``git log`` of the content folder answers all three. Outside a repository, or in a shallow clone, there is less to
know; a site is built all the same, without dates and without the redirects that only history remembers.
"""

import os
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from kb.errors import Problem

_TIMEOUT_SECONDS = 120
_COMMIT = "\x1e"


class History(msgspec.Struct, frozen=True):
    """``updated``, ``created``: path → day of its last and first commit. ``renamed``: former path → path it
    has now, or had last.
    ``removed``: paths that existed once and have no successor. Paths are relative to the content folder."""

    updated: Mapping[str, date] = msgspec.field(default_factory=dict)
    created: Mapping[str, date] = msgspec.field(default_factory=dict)
    renamed: Mapping[str, str] = msgspec.field(default_factory=dict)
    removed: frozenset[str] = frozenset()
    commit: str = ""
    """The commit the articles are at; empty outside a repository."""


def read(root: Path, articles: str) -> tuple[History, tuple[Problem, ...]]:
    """The history of ``articles`` below the content folder ``root``."""
    if _git(root, "rev-parse", "--is-inside-work-tree") is None:
        return History(), ()
    log = _git(
        root,
        "log",
        "--no-show-signature",
        f"--format={_COMMIT}%ct",
        "--name-status",
        "--find-renames",
        "--relative",
        "-z",
        "--",
        articles,
    )
    if log is None:
        return History(), ()
    problems = []
    if (_git(root, "rev-parse", "--is-shallow-repository") or "").strip() == "true":
        problems.append(
            Problem(
                "history-shallow",
                "(git)",
                None,
                "this is a shallow clone: dates of articles and redirects from history are incomplete",
                "fetch the whole history (actions/checkout: fetch-depth: 0; GitLab: GIT_DEPTH: 0)",
                "warning",
            )
        )
    commit = (_git(root, "rev-parse", "HEAD") or "").strip()
    return _from_log(log, commit), tuple(problems)


def uncommitted(root: Path, articles: str) -> Mapping[str, str]:
    """What was renamed since the last commit, added to git or not: former path → path now."""
    listed = _git(root, "rev-parse", "--git-path", "objects")
    if listed is None:
        return {}
    with TemporaryDirectory() as scratch:
        # Git itself finds renames, given an index; what it stores meanwhile goes where nobody keeps it.
        around = {
            "GIT_INDEX_FILE": f"{scratch}/index",
            "GIT_OBJECT_DIRECTORY": scratch,
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": str((root / listed.strip()).resolve()),
        }
        if _git(root, "read-tree", "HEAD", environ=around) is None:
            return {}
        _git(root, "add", "--all", "--", articles, environ=around)
        names = (
            "diff",
            "--cached",
            "--find-renames",
            "--name-status",
            "--relative",
            "-z",
            "HEAD",
            "--",
            articles,
        )
        found = _git(root, *names, environ=around) or ""
    statuses = _statuses(date.min, found.split("\0"))
    return {former: path for _, _, path, former in statuses if former is not None}


def _git(root: Path, *args: str, environ: Mapping[str, str] | None = None) -> str | None:
    try:
        run = subprocess.run(
            ["git", "-c", "core.quotePath=false", *args],
            cwd=root,
            env={**os.environ, **environ} if environ else None,
            capture_output=True,
            timeout=_TIMEOUT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return run.stdout.decode("utf-8", "replace") if run.returncode == 0 else None


def _from_log(log: str, commit: str) -> History:
    """Read ``git log --name-status -z`` from the newest commit to the oldest."""
    updated: dict[str, date] = {}
    created: dict[str, date] = {}
    current: dict[str, str] = {}
    renamed: dict[str, str] = {}
    removed: set[str] = set()
    for day, status, path, former in _changes(log):
        # Older entries of a renamed file stand under its former name.
        name = current.get(path, path)
        if name not in updated:
            updated[name] = day
            if status == "D":
                removed.add(name)
        created[name] = day
        if former is not None:
            current[former] = name
            if former not in updated:
                renamed[former] = name
    return History(updated, created, renamed, frozenset(removed), commit)


def _changes(log: str) -> Iterator[tuple[date, str, str, str | None]]:
    for entry in log.split(_COMMIT)[1:]:
        stamp, *fields = entry.split("\0")
        day = datetime.fromtimestamp(int(stamp.strip()), UTC).date()
        yield from _statuses(day, iter(fields))


def _statuses(day: date, fields: Iterable[str]) -> Iterator[tuple[date, str, str, str | None]]:
    rest = iter(fields)
    for raw in rest:
        status = raw.strip()[:1]
        if status in {"R", "C"}:
            former, path = next(rest), next(rest)
            yield day, status, path, former if status == "R" else None
        elif status:
            yield day, status, next(rest), None
