"""The server on a real socket: slow and odd clients."""

import json
import logging
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from kb.desk import serving
from tests.desk.harness import Shop
from tests.desk.live import Live

HASTE_S = 1.0
PATIENCE_S = 60


class Server(Live):
    """A desk to talk to byte by byte."""

    def connect(self) -> socket.socket:
        found = socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_S)
        found.settimeout(PATIENCE_S)
        return found

    def say(self, text: bytes) -> bytes:
        with self.connect() as connection:
            connection.sendall(text)
            return rest(connection)


def rest(connection: socket.socket) -> bytes:
    """All that comes until the other side closes."""
    parts = []
    try:
        while part := connection.recv(65536):
            parts.append(part)
    except ConnectionResetError:
        pass
    return b"".join(parts)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    shop = Shop(tmp_path)
    running = Server(shop)
    yield running
    running.stop()
    shop.runner.close()


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch, server: Server) -> Server:
    """The same with little patience, for what must be cut. What should be answered is not asked of it: a busy machine
    may take longer for that."""
    monkeypatch.setattr(serving.Deadlined, "phase_timeout_s", HASTE_S)
    monkeypatch.setattr("kb.desk.guard.PHASE_TIMEOUT_S", HASTE_S)
    return server


def cuts(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [r.getMessage() for r in caplog.records if r.getMessage().startswith("cut: ")]


def test_R23_the_deadlines_are_ten_seconds() -> None:
    from kb.desk import guard

    assert serving.Deadlined.phase_timeout_s == guard.PHASE_TIMEOUT_S == 10.0


@pytest.mark.parametrize("start", [b"", b"GET /api/health HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A: "])
def test_R23_slow_headers_are_cut(hasty: Server, caplog: pytest.LogCaptureFixture, start: bytes) -> None:
    caplog.set_level(logging.INFO)
    with hasty.connect() as connection:
        connection.sendall(start)
        assert rest(connection) == b""
    assert cuts(caplog) == ["cut: slow headers"]


def test_R23_headers_that_trickle_are_cut(hasty: Server, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with hasty.connect() as connection:
        connection.sendall(b"GET /api/health HTTP/1.1\r\nHost: 127.0.0.1\r\n")
        trickle = (b"X-%d: a\r\n" % n for n in range(500))
        with suppress(OSError):
            for line in trickle:
                connection.sendall(line)
                time.sleep(0.02)
        assert next(trickle, None) is not None, "it was cut before it could end"
    assert cuts(caplog) == ["cut: slow headers"]


def test_R23_slow_headers_of_a_second_request_are_cut(
    server: Server, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with server.connect() as connection:
        connection.sendall(b"GET /api/health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert b"200 OK" in connection.recv(65536)
        monkeypatch.setattr(serving.Deadlined, "phase_timeout_s", HASTE_S)
        connection.sendall(b"GET /api/health HTTP/1.1\r\n")
        rest(connection)
    assert cuts(caplog) == ["cut: slow headers"]


def test_R23_a_slow_body_is_cut(
    server: Server, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("kb.desk.guard.PHASE_TIMEOUT_S", HASTE_S)
    caplog.set_level(logging.INFO)
    head = (
        b"POST /api/tickets HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        b"Content-Length: 500\r\n\r\n{"
    )
    answer = server.say(head)
    assert b" 408 " in answer.split(b"\r\n")[0]
    assert cuts(caplog) == ["cut: slow body"]


def test_R23_slow_reading_is_cut(hasty: Server, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", hasty.port))
        asked = b"GET /api/openapi.json HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
        deadline = time.monotonic() + PATIENCE_S
        connection.setblocking(False)
        while not cuts(caplog) and time.monotonic() < deadline:
            try:
                connection.sendall(asked * 50)
            except OSError:
                time.sleep(0.05)
    assert "cut: slow reading" in cuts(caplog)


def test_R17_an_absolute_form_request_is_refused_on_the_wire(server: Server) -> None:
    answer = server.say(
        b"GET http://evil.example/api/health HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
    )
    assert b" 400 " in answer.split(b"\r\n")[0]


@pytest.mark.parametrize(
    "request_text",
    [
        b"GET /api/health HTTP/1.1\r\n\r\n",
        b"GET /api/health HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET /api/health HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + b"a" * 1_000_000 + b"\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"POST /api/tickets HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
    ],
)
def test_R17_what_is_no_proper_request_is_refused(server: Server, request_text: bytes) -> None:
    first = server.say(request_text + b"\r\n\r\n").split(b"\r\n")[0]
    assert first.split(b" ")[1:2] in ([b"400"], [b"411"], [b"431"], [])


def test_answers_name_no_server_software(server: Server) -> None:
    answer = server.say(b"GET /api/health HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
    head, _, body = answer.partition(b"\r\n\r\n")
    assert json.loads(body) == {"status": "ok"}
    assert b"uvicorn" not in head.lower()
