"""What is left of a build whose main process was killed."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 30

BUILD = """
import os, time
from kb.build import parallel

def task(number, report):
    os.write(1, f"{os.getpid()}\\n".encode())
    if number != "waits":
        time.sleep(600)

if __name__ == "__main__":
    parallel.run({"a": "sleeps", "b": "waits", "c": "sleeps"}, task, workers=3)
"""


def is_running(pid: int) -> bool:
    """Whether the process still does anything; one that only waits to be asked for its result does not."""
    try:
        os.kill(pid, 0)
        return not Path("/proc").exists() or "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (ProcessLookupError, FileNotFoundError):
        return False


def test_workers_end_with_a_build_that_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "build.py"
    script.write_text(BUILD)
    build = subprocess.Popen(
        [sys.executable, str(script)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert build.stdout is not None
    workers = [int(build.stdout.readline()) for _ in range(3)]
    build.kill()
    build.wait()
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end and any(is_running(pid) for pid in workers):
        time.sleep(0.05)
    left = {pid for pid in workers if is_running(pid)}
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    assert left == set()
