"""Servers of other sites, on this machine: paths in, answers out, and what they were asked."""

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from kb.external.asker import Asker


class Site:
    """``site.says["/old"] = (301, {"Location": "/new"})``; a path it does not know is 404. ``asked`` holds method, path
    and time of every request."""

    def __init__(self) -> None:
        self.says: dict[str, tuple[int, dict[str, str]]] = {"/": (200, {})}
        self.no_head = False
        self.asked: list[tuple[str, str, float]] = []
        self.headers: list[dict[str, str]] = []
        self.at_once = self.most_at_once = 0
        site = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_HEAD(self) -> None:
                site.answer(self)

            def do_GET(self) -> None:
                site.answer(self)

            def log_message(self, *_: object) -> None:
                """Tests print nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(
            target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        ).start()

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        self.asked.append((handler.command, handler.path, time.monotonic()))
        self.headers.append(dict(handler.headers))
        status, headers = self.says.get(handler.path, (404, {}))
        if self.no_head and handler.command == "HEAD":
            status, headers = 405, {}
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", "0")
        handler.end_headers()
        self.at_once -= 1

    def url(self, path: str = "/", host: str = "shop.localtest") -> str:
        return f"http://{host}:{self.port}{path}"

    @property
    def paths(self) -> list[str]:
        return [f"{method} {path}" for method, path, _ in self.asked]


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    yield site
    site.server.shutdown()
    site.server.server_close()


HOSTS = ("shop.localtest", "other.localtest")


def here(host: str, port: int) -> list[str]:
    """The test's own names lead to this machine."""
    return ["127.0.0.1"]


@pytest.fixture
def asker() -> Asker:
    return Asker("Test", allowed=HOSTS, resolve=here, pause_s=0.0, timeout_s=60.0, deadline_s=60.0)
