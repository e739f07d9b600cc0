"""A real PostgreSQL for the tests, where Debian's package is installed."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def binaries() -> Path | None:
    """The folder of the newest installed PostgreSQL server, or nothing."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parts[4]))
    return found[-1].parent if found else None


@contextmanager
def postgresql(folder: Path) -> Iterator[str]:
    """A server of its own on a socket in a new folder; yields the address of an empty database."""
    # A socket's path may have a hundred characters, and another user has to reach it: pytest's folders are neither.
    home = Path(tempfile.mkdtemp(prefix="kb-pg-", dir="/tmp"))
    # PostgreSQL refuses to run as root.
    as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    if as_user:
        shutil.chown(home, "postgres")
    data = home / "data"

    def run(*command: str) -> None:
        subprocess.run([*as_user, *command], check=True, capture_output=True, cwd=home)

    run(
        str(folder / "initdb"),
        "-D",
        str(data),
        "-U",
        "desk",
        "-A",
        "trust",
        "-E",
        "UTF8",
        "--locale=C",
        "--no-sync",
    )
    options = f"-c listen_addresses='' -c unix_socket_directories={home}"
    run(
        str(folder / "pg_ctl"),
        "-D",
        str(data),
        "-o",
        options,
        "-l",
        str(home / "log"),
        "-w",
        "-t",
        "300",
        "start",
    )
    try:
        yield f"postgresql://desk@/postgres?host={home}"
    finally:
        run(str(folder / "pg_ctl"), "-D", str(data), "-m", "immediate", "stop")
        shutil.rmtree(home)


def reason_without() -> str:
    """Why there is no PostgreSQL to test with; nothing when there is."""
    if binaries() is None:
        return "Debian's package postgresql is not installed"
    try:
        import psycopg  # noqa: F401
    except ImportError:
        return "psycopg is not installed"
    if os.geteuid() == 0:
        try:
            pwd.getpwnam("postgres")
        except KeyError:
            return "there is no user postgres to run the server as"
    return ""
