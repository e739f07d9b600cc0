"""From a finished build to the published site, in one step that nothing can stop halfway.

A build writes into a workspace beside the site (``.site.kb-build`` for ``site``), so that both lie on one file
system. When all is safely on disk, the two folders change places in one system call; a build that is killed or runs
out of disk leaves the site as it was, and the next one clears what it left. Whoever wants to build on it keeps the
former site in the workspace, as the *twin* of the published one.
"""

import ctypes
import errno
import os
import shutil
import stat
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from typing import IO

from kb.errors import BuildError
from kb.locks import lock_file
from kb.publish.outputscan import scan

GENERATOR = "BabelFAQ"
"""Content of the root page's ``generator`` meta tag, by which a release knows a folder as a site of ours."""

__all__ = ["is_site", "publish", "scan", "staging", "sync", "sync_folder"]

_PREVIOUS = "previous"
"""Where the old site waits, inside the workspace, on systems that cannot exchange two folders."""
_TWIN = "twin"
"""Where, inside the workspace, a former site waits to become the next one."""
_IGNORE = ".gitignore"
_LOCK = "lock"
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_NO_EXCHANGE = {errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP}
_AT_FDCWD = -100
_RENAME_EXCHANGE = 2
_RENAME_SWAP = 2
"""linux/fs.h and macOS sys/stdio.h: both two."""
_SYS_RENAMEAT2 = {"x86_64": 316, "aarch64": 276, "riscv64": 276, "ppc64le": 357, "s390x": 347, "armv7l": 382}
"""Number of the system call, for C libraries without a function for it (older musl)."""
_GENERATOR_TAG = f'<meta name="generator" content="{GENERATOR}">'.encode()
_HEAD_BYTES = 4096


@contextmanager
def staging(output: Path, *, reuse: bool = False) -> Iterator[Path]:
    """A fresh folder beside ``output``, on its file system, for one build at a time.

    With ``reuse`` it holds what :func:`publish` kept, if that is there: a site of some earlier time, whose files may be
    links to published ones and must never be opened for writing.

    Entering takes the lock, finishes or clears what a killed build left, and refuses an ``output`` that is not a
    site of ours. Leaving removes whatever was not published. Use::

        with release.staging(config.output_dir) as site:
            ...write the whole site below `site`...
            problems = release.scan(site, machine_paths=[config.root])
            release.publish(site, config.output_dir)

    Raises:
        BuildError: another build is running, ``output`` is a folder of something else, or the disk is full.
    """
    output = output.resolve()
    _refuse_foreign(output)
    workspace = output.with_name(f".{output.name}.kb-build")
    with _full_disk_explained(output), _locked(workspace):
        _recover(workspace, output)
        site, twin = workspace / f"site-{token_hex(4)}", workspace / _TWIN
        reused = reuse and twin.is_dir() and not twin.is_symlink()
        if reused:
            twin.rename(site)
        else:
            _remove(twin)
            site.mkdir()
        try:
            yield site
        finally:
            if reused and site.exists() and not twin.exists():
                site.rename(twin)
            _clear(workspace)


def publish(staged: Path, output: Path, *, keep: Callable[[Path], None] | None = None) -> None:
    """Make ``staged`` the site at ``output`` in one switch, after it is safe on disk; then remove the old one.

    ``keep`` is given the folder of the old site, or an empty one where there was none, and brings it up to date; it is
    kept for the next build then, unless ``keep`` raises an :class:`OSError`.

    Raises:
        BuildError: ``output`` is a folder of something else, or cannot be replaced.
    """
    output = output.resolve()
    _refuse_foreign(output)
    if not is_site(staged):
        raise BuildError(f"{staged} is not a whole site: it has no index.html of ours")
    if output.exists():
        staged.chmod(stat.S_IMODE(output.stat().st_mode))
    sync(staged)
    try:
        _switch(staged, output)
    except OSError as error:
        raise BuildError(
            f"{output} cannot be replaced: {error.strerror}",
            hint="it must be an ordinary folder whose parent folder can be written to; not a mount point itself",
        ) from error
    sync_folder(output.parent)
    sync_folder(staged.parent)
    if keep is None or not _kept(staged, keep):
        _remove(staged)


def _kept(former: Path, keep: Callable[[Path], None]) -> bool:
    try:
        former.mkdir(exist_ok=True)
        keep(former)
        (former.parent / _IGNORE).write_text("*\n", "utf-8")
        former.rename(former.with_name(_TWIN))
    except OSError:
        # The site is published; the next build only takes a little longer.
        return False
    return True


def is_site(folder: Path) -> bool:
    """Whether ``folder`` holds a site that this program made: its root page names its generator."""
    try:
        with (folder / "index.html").open("rb") as page:
            return _GENERATOR_TAG in page.read(_HEAD_BYTES)
    except OSError:
        return False


def _refuse_foreign(output: Path) -> None:
    """Replacing a folder deletes what is in it; a mistyped setting must not delete somebody's work."""
    if not output.exists() or is_site(output):
        return
    if not output.is_dir():
        raise BuildError(f"the output {output} is a file", hint="name a folder with [tool.kb] output")
    if any(output.iterdir()):
        raise BuildError(
            f"the output folder {output} holds something else than a site of ours; nothing was changed",
            hint="name another folder with [tool.kb] output, or move this one away",
        )


@contextmanager
def _locked(workspace: Path) -> Iterator[None]:
    """Hold the workspace for this process; the system lets go when the process ends, however it ends."""
    with _once_in_this_process(workspace):
        lock = _take(workspace)
        try:
            yield
        finally:
            (workspace / _LOCK).unlink(missing_ok=True)
            lock.close()
            # Another build may have entered by now; then the folder is its own.
            with suppress(OSError):
                workspace.rmdir()


_held: set[Path] = set()
_held_guard = threading.Lock()


@contextmanager
def _once_in_this_process(workspace: Path) -> Iterator[None]:
    # A process never stands in the way of its own file locks, and loses them when it closes the file a second time.
    with _held_guard:
        if workspace in _held:
            raise _busy(str(os.getpid()))
        _held.add(workspace)
    try:
        yield
    finally:
        with _held_guard:
            _held.remove(workspace)


def _busy(owner: str) -> BuildError:
    return BuildError(
        f"another build is writing this site{f' (process {owner})' if owner else ''}",
        hint="wait until it is done, or stop it",
    )


def _take(workspace: Path) -> IO[str]:
    while True:
        try:
            workspace.mkdir(parents=True, exist_ok=True)
            lock = (workspace / _LOCK).open("a+", encoding="utf-8")
        except FileNotFoundError:
            continue  # The last build removed the folder in between.
        except OSError as error:
            raise BuildError(f"no place to build beside the site: {workspace}: {error.strerror}") from error
        if not lock_file(lock):
            lock.seek(0)
            owner = lock.read().strip()
            lock.close()
            raise _busy(owner)
        if _is_still_there(lock, workspace / _LOCK):
            lock.truncate(0)
            lock.write(str(os.getpid()))
            lock.flush()
            return lock
        lock.close()


def _is_still_there(lock: IO[str], path: Path) -> bool:
    """False when the build before removed the lock between our opening and locking it."""
    try:
        return os.path.samestat(os.fstat(lock.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _recover(workspace: Path, output: Path) -> None:
    """Put back a site that a build had moved aside when it was killed, then clear the workspace."""
    previous = workspace / _PREVIOUS
    if previous.exists() and not output.exists():
        previous.rename(output)
    _clear(workspace)


def _clear(workspace: Path) -> None:
    kept = {_LOCK, _TWIN, _IGNORE} if (workspace / _TWIN).exists() else {_LOCK}
    for entry in workspace.iterdir():
        if entry.name not in kept:
            _remove(entry)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


@contextmanager
def _full_disk_explained(output: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise BuildError(
            f"no room to write the site: {error.strerror}; {output} is unchanged",
            hint="a build needs room for a second copy of the site beside the first",
        ) from error


def _switch(staged: Path, output: Path) -> None:
    if not output.exists():
        staged.rename(output)
        return
    try:
        _exchange(staged, output)
    except OSError as error:
        if error.errno not in _NO_EXCHANGE:
            raise
        _replace(staged, output)


def _exchange(one: Path, other: Path) -> None:
    """Let two folders change places in one step.

    Raises:
        OSError: it failed; ``ENOSYS`` or the like where the system or file system cannot do it.
    """
    if (number := _exchange_call(os.fsencode(one), os.fsencode(other))) != 0:
        raise OSError(number, os.strerror(number))


def _exchange_call(one: bytes, other: bytes) -> int:
    """The system call; its error number, 0 for success."""
    if sys.platform not in {"linux", "darwin"}:
        return errno.ENOSYS
    libc = ctypes.CDLL(None, use_errno=True)
    if sys.platform == "darwin":
        result = libc.renamex_np(one, other, _RENAME_SWAP)
    elif hasattr(libc, "renameat2"):
        result = libc.renameat2(_AT_FDCWD, one, _AT_FDCWD, other, _RENAME_EXCHANGE)
    elif os.uname().machine in _SYS_RENAMEAT2:
        call = _SYS_RENAMEAT2[os.uname().machine]
        result = libc.syscall(call, _AT_FDCWD, one, _AT_FDCWD, other, _RENAME_EXCHANGE)
    else:
        return errno.ENOSYS
    return 0 if result == 0 else ctypes.get_errno()


def _replace(staged: Path, output: Path) -> None:
    """In two steps: for a moment there is no site, and a build killed in it is mended by the next."""
    previous = staged.with_name(_PREVIOUS)
    output.rename(previous)
    try:
        staged.rename(output)
    except OSError:
        previous.rename(output)
        raise
    previous.rename(staged)


def sync(folder: Path) -> None:
    """Have everything below ``folder`` on disk before its name changes: a power cut may reorder the two."""
    if sys.platform == "linux" and _sync_file_system(folder):
        return
    for directory, _, files in os.walk(folder):
        for name in files:
            _sync_path(os.path.join(directory, name), os.O_RDWR)
        sync_folder(Path(directory))


def _sync_file_system(folder: Path) -> bool:
    """One syncfs(2) costs far less than an fsync for each of thousands of files."""
    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "syncfs"):
        return False
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        return int(libc.syncfs(descriptor)) == 0
    finally:
        os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """Have the names in ``folder`` on disk."""
    # Windows knows no descriptor of a folder.
    if os.name == "posix":
        _sync_path(str(folder), os.O_RDONLY)


def _sync_path(path: str, mode: int) -> None:
    descriptor = os.open(path, mode)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
