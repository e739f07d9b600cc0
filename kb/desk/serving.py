"""The HTTP server: uvicorn, with the deadlines it lacks. The only importer of ``uvicorn``.

uvicorn waits for ever for a client that sends its headers a byte at a time or never reads its answer. A
body that comes slowly is cut by :mod:`kb.desk.guard`; the two other phases are cut here.
"""

import asyncio
import logging
import socket
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from kb.desk.guard import App
from kb.desk.settings import PHASE_TIMEOUT_S

log = logging.getLogger("kb.desk")
CONNECTIONS_LIMIT = 2_000
"""Open connections; beyond it new ones are closed at once, so that memory stays bounded."""
KEEP_ALIVE_S = 5
GRACE_S = 15


class Deadlined(H11Protocol):
    """A connection whose headers must arrive, and whose answers must be read, within
    :data:`PHASE_TIMEOUT_S`."""

    phase_timeout_s = PHASE_TIMEOUT_S
    _headers_timer: asyncio.TimerHandle | None = None
    _reading_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        if len(self.connections) > CONNECTIONS_LIMIT:
            transport.abort()
            return
        self._wait_for_headers()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.their_state is h11.IDLE and self.conn.trailing_data[0]:
            self._wait_for_headers()
        else:
            self._stop(headers=True)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if not self.transport.is_closing() or self.transport.get_write_buffer_size():
            self._wait_for_reading()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._wait_for_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop(headers=True)
        self._stop(headers=False)
        super().connection_lost(exc)

    def _wait_for_headers(self) -> None:
        if self._headers_timer is None:
            self._headers_timer = self.loop.call_later(self.phase_timeout_s, self._cut, "slow headers")

    def _wait_for_reading(self) -> None:
        if self._reading_timer is None:
            self._reading_timer = self.loop.call_later(self.phase_timeout_s, self._cut_unread)

    def _cut_unread(self) -> None:
        self._reading_timer = None
        if self.transport.get_write_buffer_size():
            self._cut("slow reading")

    def _cut(self, why: str) -> None:
        log.warning("cut: %s", why)
        self.transport.abort()

    def _stop(self, *, headers: bool) -> None:
        timer = self._headers_timer if headers else self._reading_timer
        if timer is not None:
            timer.cancel()
        if headers:
            self._headers_timer = None
        else:
            self._reading_timer = None


def configuration(app: App, host: str, port: int) -> uvicorn.Config:
    """How uvicorn serves the desk."""
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        http=Deadlined,
        ws="none",
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=GRACE_S,
        h11_max_incomplete_event_size=16 * 1024,
    )


def serve(app: App, listening: socket.socket) -> None:
    """Serves on a bound socket until told to stop; requests under way are finished first."""
    host, port, *_ = listening.getsockname()
    log.info("serving on port %s of %s", port, host)
    uvicorn.Server(configuration(app, host, port)).run(sockets=[listening])
