"""`kb desk serve` as a process of its own."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.desk.harness import ticket

PATIENCE_S = 120


class Service:
    """The command, running in a content folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        environment = {k: v for k, v in os.environ.items() if not k.startswith("KB_")}
        command = [sys.executable, "-m", "kb", "--root", str(root), "desk", "serve", "--port", "0"]
        self.log = root / "log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
        # Where it says to be, it listens already: what is asked before it can answer waits.
        wait_for(lambda: self.process.poll() is not None or self._said() is not None)
        said = self._said()
        assert said, self.log.read_text("utf-8")
        self.port = int(said[1])

    def _said(self) -> re.Match[str] | None:
        return re.search(r"desk at http://127\.0\.0\.1:(\d+)/", self.log.read_text("utf-8"))

    def ask(self, method: str, path: str, value: object = None) -> tuple[int, dict[str, str]]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        body = None if value is None else json.dumps(value)
        connection.request(method, path, body, {"Content-Type": "application/json"} if body else {})
        answer = connection.getresponse()
        found = json.loads(answer.read())
        connection.close()
        return answer.status, found

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE_S)


def wait_for(done: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE_S
    while not done():
        assert time.monotonic() < until
        time.sleep(0.02)


def takes_connections(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S).close()
    except OSError:
        return False
    return True


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text('[tool.kb]\nlanguages = ["en", "uk"]\n')
    article = tmp_path / "articles" / "en" / "returns" / "refund.md"
    article.parent.mkdir(parents=True)
    article.write_text("---\ntitle: Refunds\n---\nMoney is back.\n")
    return tmp_path


@pytest.fixture
def service(root: Path) -> Iterator[Service]:
    running = Service(root)
    yield running
    if running.process.poll() is None:
        running.stop()


def test_it_serves_stops_gracefully_and_finds_everything_again(service: Service, root: Path) -> None:
    status, filed = service.ask("POST", "/api/tickets", ticket())
    assert status == 201
    # A request that is under way while it stops is finished first.
    waiting = socket.create_connection(("127.0.0.1", service.port), timeout=PATIENCE_S)
    body = json.dumps(ticket(subject="Under way")).encode()
    head = (
        f"POST /api/tickets HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nExpect: 100-continue\r\n\r\n"
    )
    waiting.sendall(head.encode())
    assert waiting.recv(65536).startswith(b"HTTP/1.1 100 "), "it waits for the body"
    waiting.sendall(body[:10])
    service.process.send_signal(signal.SIGTERM)
    wait_for(lambda: not takes_connections(service.port))
    waiting.sendall(body[10:])
    assert b" 201 " in waiting.recv(65536).split(b"\r\n")[0]
    waiting.close()
    assert service.process.wait(PATIENCE_S) in (0, -signal.SIGTERM)
    again = Service(root)
    link = {"number": filed["number"], "secret": filed["secret"]}
    assert again.ask("POST", "/api/tickets/status", link)[1]["subject"] == "Where is my parcel?"
    again.stop()
    listed = subprocess.run(
        [sys.executable, "-m", "kb", "--root", str(root), "desk", "list", "--format", "json"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    subjects = [found["subject"] for found in json.loads(listed.stdout)["tickets"]]
    assert subjects == ["Where is my parcel?", "Under way"]


def test_the_log_is_json_without_texts_and_addresses(service: Service) -> None:
    service.ask("POST", "/api/tickets", ticket())
    service.ask("GET", "/api/form")
    service.stop()
    lines = service.log.read_text("utf-8").splitlines()
    requests = [json.loads(line) for line in lines if '"request"' in line]
    assert {(r["route"], r["status"]) for r in requests} >= {("/api/tickets", 201), ("/api/form", 200)}
    assert {r["from"] for r in requests} == {"127.0.0.0"}
    text = "\n".join(lines)
    for private in ("parcel", "olena", "Monday"):
        assert private not in text
