"""Measuring a command: user CPU and peak memory of the process and of its children."""

import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Usage:
    """``user_seconds`` of the command and all its children; ``peak_mib`` of the largest single process among them, and
    ``together_mib`` of all at once, memory that processes share counted once; 0 where the system does not tell."""

    user_seconds: float
    peak_mib: float
    together_mib: float = 0


_SAMPLE_SECONDS = 0.3


class _Together(threading.Thread):
    """Adds up, again and again, what a process and its children take (``Pss`` of Linux's /proc)."""

    def __init__(self, process: int) -> None:
        super().__init__(daemon=True)
        self.peak_kib = 0
        self._process = process
        self._done = threading.Event()

    def run(self) -> None:
        while not self._done.wait(_SAMPLE_SECONDS):
            self.peak_kib = max(self.peak_kib, sum(map(_share_kib, _family(self._process))))

    def end(self) -> float:
        self._done.set()
        self.join()
        return self.peak_kib / 1024


def _family(process: int) -> set[int]:
    parents = {}
    for name in os.listdir("/proc") if os.path.isdir("/proc") else ():
        if name.isdigit():
            # "pid (name) state parent …", and a name may hold anything; a process may have ended meanwhile.
            fields = _read(f"/proc/{name}/stat").rpartition(")")[2].split()
            parents[int(name)] = int(fields[1]) if fields else 0
    found = {process}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def _share_kib(process: int) -> int:
    lines = _read(f"/proc/{process}/smaps_rollup").splitlines()
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def run(command: Sequence[str], *, cwd: Path, env: dict[str, str] | None = None) -> Usage:
    """Run ``command`` to its end and say what it used; a failing command ends the benchmark with its output."""
    process = subprocess.Popen(
        command, cwd=cwd, env={**os.environ, **(env or {})}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert process.stdout is not None
    together = _Together(process.pid)
    together.start()
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    together_mib = together.end()
    if process.returncode:
        raise SystemExit(f"{' '.join(command)}: exit code {process.returncode}\n{output.decode()[-4000:]}")
    scale = 1024 if sys.platform == "darwin" else 1
    return Usage(usage.ru_utime, usage.ru_maxrss / 1024 / scale, together_mib)


def kb(*args: str, cwd: Path) -> Usage:
    """Run the ``kb`` command of this environment in ``cwd``."""
    return run([sys.executable, "-m", "kb", *args], cwd=cwd)


def table(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a Markdown table."""
    widths = [max(len(row[i]) for row in (header, *rows)) for i in range(len(header))]
    print(f"\n## {title}\n")
    for row in (header, ["-" * width for width in widths], *rows):
        print("| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |")
