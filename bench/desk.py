"""How much the desk holds: tickets and suggestions together, saturation, and twice that.

Everything runs on this machine over loopback and stops by itself. Open loop: a request is sent when it is due,
whether or not earlier ones were answered, and its time counts from when it was due.

Usage: python -m bench.desk [--seconds 60] [--json]
"""

import argparse
import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

TICKETS_A_SECOND = 50
SUGGESTIONS_A_SECOND = 100
CONNECTIONS = 64
QUESTIONS = (
    "where is my parcel and when do I get my money back", "can I pay in three parts without a card", "wrong size",
    "the courier broke the lamp what now", "how do I change the address of my order", "promo code does not work",
    "I forgot my password and the mail does not come", "do you deliver abroad", "pay when I get it", "warranty bed",
)  # fmt: skip


@dataclass
class Load:
    """What came of one load: milliseconds of each answer, and how many of each status (0: none)."""

    times: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    without_retry_after: int = 0

    def quantile(self, share: float) -> float:
        ordered = sorted(self.times) or [0.0]
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


class Pool:
    """Connections kept open to one server, used one request at a time."""

    def __init__(self, port: int, size: int) -> None:
        self._port = port
        self._free: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter] | None] = asyncio.Queue()
        for _ in range(size):
            self._free.put_nowait(None)

    async def post(self, path: str, value: object) -> tuple[int, bytes]:
        """Status and headers."""
        connection = await self._free.get()
        try:
            return await self._ask(connection, path, json.dumps(value).encode())
        except (OSError, asyncio.IncompleteReadError, ValueError):
            self._free.put_nowait(None)
            return 0, b""

    async def _ask(
        self, connection: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None, path: str, body: bytes
    ) -> tuple[int, bytes]:
        reader, writer = connection or await asyncio.open_connection("127.0.0.1", self._port)
        head = (
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        writer.write(head.encode() + body)
        answer = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = int(answer.partition(b"content-length: ")[2].split(b"\r\n")[0] or 0)
        await reader.readexactly(length)
        closing = b"connection: close" in answer
        if closing:
            writer.close()
        self._free.put_nowait(None if closing else (reader, writer))
        return int(answer.split(b" ")[1]), answer


def ticket(n: int) -> dict[str, object]:
    return {
        "language": "en", "subject": f"Parcel {n}", "message": f"Ticket {n}. " + "It is late. " * 20,
        "email": f"a{n}@customers.com",
    }  # fmt: skip


def question(n: int) -> dict[str, object]:
    """Each asked anew: a number at the end keeps any cache out of it."""
    return {"language": "en", "text": f"{QUESTIONS[n % len(QUESTIONS)]} {n}", "limit": 3}


async def measured(load: Load, due: float, request: Awaitable[tuple[int, bytes]]) -> None:
    status, head = await request
    load.times.append((time.perf_counter() - due) * 1000)
    load.statuses[status] += 1
    if status in (429, 503) and b"retry-after" not in head:
        load.without_retry_after += 1


async def open_loop(
    load: Load, rate: float, seconds: float, ask: Callable[[int], Awaitable[tuple[int, bytes]]]
) -> None:
    """``rate`` requests a second for so long."""
    start = time.perf_counter()
    running = set()
    for n in range(int(rate * seconds)):
        due = start + n / rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        task = asyncio.create_task(measured(load, due, ask(n)))
        running.add(task)
        task.add_done_callback(running.discard)
    await asyncio.gather(*running)


async def together(port: int, seconds: float) -> tuple[Load, Load]:
    pool, filing, suggesting = Pool(port, CONNECTIONS), Load(), Load()
    await asyncio.gather(
        open_loop(filing, TICKETS_A_SECOND, seconds, lambda n: pool.post("/api/tickets", ticket(n))),
        open_loop(
            suggesting, SUGGESTIONS_A_SECOND, seconds, lambda n: pool.post("/api/suggest", question(n))
        ),
    )
    return filing, suggesting


async def saturated(port: int, seconds: float, *, first: int) -> tuple[Load, float]:
    """As many tickets as are taken; how many a second."""
    pool, load = Pool(port, CONNECTIONS), Load()
    end, n = time.perf_counter() + seconds, first

    async def worker() -> None:
        nonlocal n
        while time.perf_counter() < end:
            n += 1
            await measured(load, time.perf_counter(), pool.post("/api/tickets", ticket(n)))

    start = time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(CONNECTIONS)))
    return load, load.statuses[201] / (time.perf_counter() - start)


async def overloaded(port: int, rate: float, seconds: float, *, first: int) -> Load:
    pool, load = Pool(port, 512), Load()
    await open_loop(load, rate, seconds, lambda n: pool.post("/api/tickets", ticket(first + n)))
    return load


def memory_mib(pid: int) -> float:
    """The most the process ever held."""
    status = Path(f"/proc/{pid}/status").read_text("ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def cpu_s(pid: int) -> float:
    """CPU time the process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def start(root: Path, port: int) -> subprocess.Popen[bytes]:
    """A desk with the shop's own articles, and limits that do not limit one load generator."""
    limits = {"tickets_per_address_hour": 10**9, "tickets_per_mailbox_day": 10**9, "tickets_per_minute": 10**9,
              "reads_per_address_minute": 10**9}  # fmt: skip
    table = ", ".join(f"{key} = {value}" for key, value in limits.items())
    environment = {
        **os.environ,
        "KB_DESK_LIMITS": f"{{{table}}}",
        "KB_DESK_DATABASE": str(root / "desk.sqlite"),
    }
    log = (root / "log").open("wb")
    command = [sys.executable, "-m", "kb", "desk", "serve", "--port", str(port)]
    return subprocess.Popen(command, env=environment, stdout=log, stderr=log)


async def wait_for(port: int) -> None:
    for _ in range(300):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.1)
        else:
            writer.close()
            return
    raise SystemExit("the desk does not start")


async def run(port: int, pid: int, seconds: float) -> dict[str, object]:
    await wait_for(port)
    await Pool(port, 1).post("/api/suggest", question(0))
    before = cpu_s(pid)
    filing, suggesting = await together(port, seconds)
    figures: dict[str, object] = {
        "mixed_load_cpu_share": round((cpu_s(pid) - before) / seconds, 2),
        "tickets_p50_ms": round(filing.quantile(0.5), 1), "tickets_p99_ms": round(filing.quantile(0.99), 1),
        "suggestions_p50_ms": round(suggesting.quantile(0.5), 1),
        "suggestions_p99_ms": round(suggesting.quantile(0.99), 1),
        "statuses": dict(filing.statuses + suggesting.statuses), "memory_mib": round(memory_mib(pid), 1),
    }  # fmt: skip
    before = cpu_s(pid)
    full, rate = await saturated(port, min(10.0, seconds), first=10**6)
    figures |= {
        "saturated_tickets_a_second": round(rate),
        "saturated_cpu_ms_a_ticket": round((cpu_s(pid) - before) * 1000 / max(1, full.statuses[201]), 2),
        "saturated_statuses": dict(full.statuses),
    }
    over = await overloaded(port, 2 * rate, min(10.0, seconds), first=2 * 10**6)
    figures |= {
        "overload_rate": round(2 * rate), "overload_statuses": dict(over.statuses),
        "overload_p99_ms": round(over.quantile(0.99), 1), "overload_without_retry_after": over.without_retry_after,
        "overload_memory_mib": round(memory_mib(pid), 1),
    }  # fmt: skip
    return figures


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seconds", type=float, default=60.0, help="of the mixed load (default: 60)")
    arguments.add_argument("--port", type=int, default=8190)
    arguments.add_argument("--json", action="store_true")
    # `python -m bench desk` leaves its own words in the arguments.
    given, _ = arguments.parse_known_args()
    with tempfile.TemporaryDirectory() as folder:
        process = start(Path(folder), given.port)
        try:
            figures = asyncio.run(run(given.port, process.pid, given.seconds))
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)
    if given.json:
        print(json.dumps(figures))
    else:
        for name, value in figures.items():
            print(f"{name:32} {value}")


if __name__ == "__main__":
    main()
