"""Measuring a command: user CPU and peak memory of the process and of its children."""

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Usage:
    """``user_seconds`` of the command and all its children; ``peak_mib`` of the largest single process among them."""

    user_seconds: float
    peak_mib: float


def run(command: Sequence[str], *, cwd: Path, env: dict[str, str] | None = None) -> Usage:
    """Run ``command`` to its end and say what it used; a failing command ends the benchmark with its output."""
    process = subprocess.Popen(
        command, cwd=cwd, env={**os.environ, **(env or {})}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert process.stdout is not None
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)}: exit code {process.returncode}\n{output.decode()[-4000:]}")
    scale = 1024 if sys.platform == "darwin" else 1
    return Usage(usage.ru_utime, usage.ru_maxrss / 1024 / scale)


def kb(*args: str, cwd: Path) -> Usage:
    """Run the ``kb`` command of this environment in ``cwd``."""
    return run([sys.executable, "-m", "kb", *args], cwd=cwd)


def table(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a Markdown table."""
    widths = [max(len(row[i]) for row in (header, *rows)) for i in range(len(header))]
    print(f"\n## {title}\n")
    for row in (header, ["-" * width for width in widths], *rows):
        print("| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |")
