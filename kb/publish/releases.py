"""A web server's folder in which the site changes in one step, and can be changed back.

::

    help/
    ├── .babelfaq-releases               says that the folder is ours; the lock lies on it
    ├── current -> releases/20261121T231500Z-1f2e3d4c5b     what the web server serves
    └── releases/
        ├── 20261120T101500Z-0a1b2c3d4e/
        └── 20261121T231500Z-1f2e3d4c5b/

A release is copied under a hidden name, is safely on disk before it gets its own, and is served when the symbolic link
``current`` is replaced by a rename. Killed at whatever moment, ``current`` leads to one whole release. Files
that are the same as in the release before are hard links to it: they cost no room, and keep the time by which web
servers and browsers know that nothing has changed.
"""

import filecmp
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from secrets import token_hex

from kb.errors import BuildError
from kb.locks import lock_file
from kb.publish.release import is_site, sync, sync_folder

MARKER = ".babelfaq-releases"
CURRENT = "current"
RELEASES = "releases"
KEPT_RELEASES = 5

_MARKER_TEXT = "BabelFAQ releases, format 1\n"
_STAMP = "%Y%m%dT%H%M%SZ"
_NAME = re.compile(r"(\d{8}T\d{6}Z)(?:-([0-9a-f]{4,40}))?")
_UNFINISHED = ".unfinished-"
"""What begins so is being copied, or removed, and never served."""
_WITHDRAWN = ".withdrawn"
"""Ending of the empty file beside a release that somebody rolled back."""


@dataclass(frozen=True, slots=True)
class Release:
    """One published site. ``name`` is its folder's, and sorts by time; ``commit`` is empty outside git."""

    name: str
    time: datetime
    commit: str
    current: bool
    withdrawn: bool
    """Whether it was rolled back; a later rollback passes it over."""


def publish(
    site: Path, target: Path, *, keep: int = KEPT_RELEASES, commit: str = "", now: datetime | None = None
) -> Release:
    """Copy ``site`` into ``target`` as its newest release, serve it, and remove all but ``keep`` releases.

    ``now`` is an aware time; ``commit`` is hexadecimal and becomes part of the release's name.

    Raises:
        BuildError: ``site`` is no whole site, ``target`` is a folder of something else, or another process publishes.
    """
    site = site.resolve()
    if not is_site(site):
        raise BuildError(f"there is no whole site in {site}", hint="run 'kb build' first")
    with _opened(target, site=site) as folder:
        present = _list(folder)
        name = _next_name(present, commit, now or datetime.now(UTC))
        unfinished = folder / RELEASES / f"{_UNFINISHED}{token_hex(4)}"
        before = next((folder / RELEASES / each.name for each in present if each.current), None)
        _copy(site, unfinished, before)
        sync(unfinished)
        unfinished.rename(folder / RELEASES / name)
        sync_folder(folder / RELEASES)
        _serve(folder, name)
        _prune(folder, keep)
        return next(each for each in _list(folder) if each.name == name)


def rollback(target: Path) -> Release:
    """Serve the release before the current one, which counts as withdrawn from then on.

    Raises:
        BuildError: nothing was published to ``target``, or there is no release to go back to.
    """
    with _opened(target, site=None) as folder:
        present = _list(folder)
        current = next((each for each in present if each.current), None)
        if current is None:
            raise BuildError(f"{target} serves no release", hint="publish one: kb publish DIR")
        earlier = [each for each in present if each.name < current.name and not each.withdrawn]
        if not earlier:
            raise BuildError(
                f"there is no release before {current.name} in {target}",
                hint="check out an earlier commit, and publish that: kb build && kb publish DIR",
            )
        _withdrawn_file(folder, current.name).touch()
        _serve(folder, earlier[-1].name)
        return next(each for each in _list(folder) if each.current)


def releases(target: Path) -> tuple[Release, ...]:
    """The releases kept in ``target``, the oldest first.

    Raises:
        BuildError: ``target`` is a folder of something else.
    """
    _refuse_foreign(target)
    return tuple(_list(target))


def _list(folder: Path) -> list[Release]:
    served = _served(folder)
    found = []
    for entry in sorted((folder / RELEASES).glob("*")) if (folder / RELEASES).is_dir() else ():
        match = _NAME.fullmatch(entry.name)
        if match and entry.is_dir() and not entry.is_symlink():
            found.append(
                Release(
                    name=entry.name,
                    time=datetime.strptime(match[1], _STAMP).replace(tzinfo=UTC),
                    commit=match[2] or "",
                    current=entry.name == served,
                    withdrawn=_withdrawn_file(folder, entry.name).exists(),
                )
            )
    return found


def _served(folder: Path) -> str:
    """The name of the release that ``current`` leads to, or an empty string."""
    link = folder / CURRENT
    return Path(os.readlink(link)).name if link.is_symlink() and link.exists() else ""


def _withdrawn_file(folder: Path, name: str) -> Path:
    return folder / RELEASES / f"{name}{_WITHDRAWN}"


def _next_name(present: list[Release], commit: str, now: datetime) -> str:
    # A clock that was set back, or two releases in one second, must not make the newest release look like an older one.
    time = now.astimezone(UTC).replace(microsecond=0)
    if present:
        time = max(time, present[-1].time + timedelta(seconds=1))
    name = time.strftime(_STAMP) + (f"-{commit[:10]}" if commit else "")
    if not _NAME.fullmatch(name):
        raise BuildError(f"'{commit}' is not the id of a commit")
    return name


# ---------------------------------------------------------------- the folder


@contextmanager
def _opened(target: Path, *, site: Path | None) -> Iterator[Path]:
    """``target``, ours and locked; with a ``site`` to publish it is made when it is missing."""
    _refuse_foreign(target)
    folder = target.resolve()
    if site is None and not (folder / MARKER).is_file():
        raise BuildError(
            f"nothing was published to {target} yet", hint="kb publish DIR publishes the built site"
        )
    if site is not None and (folder.is_relative_to(site) or site.is_relative_to(folder)):
        raise BuildError(
            f"{target} and the site {site} lie one in the other", hint="publish to a folder of its own"
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        marker = (folder / MARKER).open("a+", encoding="utf-8")
    except OSError as error:
        raise BuildError(f"cannot write to {target}: {error.strerror}") from error
    with marker:
        if not lock_file(marker):
            raise BuildError(
                f"another process publishes to {target}", hint="wait until it is done, then try again"
            )
        if not marker.tell():
            marker.write(_MARKER_TEXT)
            marker.flush()
        (folder / RELEASES).mkdir(exist_ok=True)
        _clear(folder)
        try:
            yield folder
        except OSError as error:
            raise BuildError(
                f"the release could not be written to {target}: {error.strerror}; the current one is still served",
                hint="see that the disk has room and the folder can be written to, then publish again",
            ) from error
        finally:
            _clear(folder)


def _refuse_foreign(target: Path) -> None:
    """Publishing removes old releases; a mistyped folder must not lose anything."""
    if not target.exists():
        if target.is_symlink():
            raise BuildError(f"{target} is a symbolic link that leads nowhere")
        return
    if not target.is_dir():
        raise BuildError(f"{target} is a file", hint="name a folder to publish to")
    entries = {entry.name for entry in target.iterdir()}
    if not entries:
        return
    if MARKER not in entries:
        raise BuildError(
            f"{target} holds something else than releases of ours; nothing was changed",
            hint="name an empty or new folder; the web server then serves its subfolder 'current'",
        )
    text = (target / MARKER).read_text("utf-8", "replace")
    # A process that was killed right at the beginning leaves an empty one.
    if text not in ("", _MARKER_TEXT):
        raise BuildError(
            f"{target / MARKER} is of another version: {text.strip()[:80]!r}", hint="upgrade BabelFAQ"
        )
    if (target / CURRENT).exists() and not (target / CURRENT).is_symlink():
        raise BuildError(
            f"{target / CURRENT} is not the symbolic link it should be; nothing was changed",
            hint="move it away, then publish again",
        )


def _clear(folder: Path) -> None:
    """Remove what a killed run was copying or removing."""
    for entry in (folder / RELEASES).glob(f"{_UNFINISHED}*"):
        shutil.rmtree(entry, ignore_errors=True)
    for entry in folder.glob(f".{CURRENT}-*"):
        entry.unlink(missing_ok=True)


def _serve(folder: Path, name: str) -> None:
    link = folder / f".{CURRENT}-{token_hex(4)}"
    link.symlink_to(Path(RELEASES) / name)
    link.replace(folder / CURRENT)
    sync_folder(folder)


def _prune(folder: Path, keep: int) -> None:
    """Remove the oldest releases but ``keep``; what is served always stays."""
    old = _list(folder)[: -max(keep, 1)]
    for each in old:
        if not each.current:
            # Renamed first, so that half a release can never be gone back to.
            away = folder / RELEASES / f"{_UNFINISHED}{token_hex(4)}"
            (folder / RELEASES / each.name).rename(away)
            shutil.rmtree(away, ignore_errors=True)
            _withdrawn_file(folder, each.name).unlink(missing_ok=True)


# ---------------------------------------------------------------- copying


def _copy(site: Path, to: Path, before: Path | None) -> None:
    for directory, _, files in os.walk(site):
        here = Path(directory).relative_to(site)
        (to / here).mkdir()
        shutil.copymode(directory, to / here)
        for name in files:
            old = before / here / name if before else None
            if old is None or not _link_if_same(site / here / name, old, to / here / name):
                shutil.copy2(site / here / name, to / here / name, follow_symlinks=False)


def _link_if_same(new: Path, old: Path, to: Path) -> bool:
    try:
        if old.is_symlink() or not filecmp.cmp(new, old, shallow=False):
            return False
        os.link(old, to)
    except OSError:
        # Not there before, or a file system without hard links: it is copied.
        return False
    return True
