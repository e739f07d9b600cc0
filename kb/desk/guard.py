"""What every request passes first: host, size, origin, load, time; and what every answer carries."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from ipaddress import ip_address, ip_network
from typing import Any
from urllib.parse import urlsplit

from kb.desk.abuse import for_logs
from kb.desk.observe import Metrics
from kb.desk.settings import BODY_LIMIT_BYTES, PHASE_TIMEOUT_S, Settings

log = logging.getLogger("kb.desk")
Scope = MutableMapping[str, Any]
ASGIMessage = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[ASGIMessage]]
Send = Callable[[ASGIMessage], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Refuse = Callable[[Scope, int, str, Mapping[str, str]], App]
"""Scope, status, code, headers → an application that answers so."""
LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
}
API_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
}


class Guard:
    """The outermost layer. ``refuse`` makes the answers, in the form the asker understands."""

    def __init__(self, app: App, settings: Settings, metrics: Metrics, refuse: Refuse) -> None:
        self._app, self._metrics, self._refuse = app, metrics, refuse
        self._origins = frozenset(o.rstrip("/").lower() for o in settings.origins)
        own = urlsplit(settings.public_url)
        self._own_origin = f"{own.scheme}://{own.netloc}".lower() if own.netloc else ""
        self._hosts = {h.lower() for h in settings.hosts} | {own.hostname or ""} | set(LOOPBACK)
        self._proxies = [ip_network(p, strict=False) for p in settings.trusted_proxies]
        self._most, self._now = settings.limits.in_flight, 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = _headers(scope)
        scope["kb.address"] = self._address(scope, headers)
        answer = _Answer(scope, send, self._cors(headers))
        start = time.perf_counter()
        self._now += 1
        try:
            await self._pass(scope, headers, receive, answer)
        finally:
            self._now -= 1
            self._report(scope, answer, time.perf_counter() - start)

    async def _pass(
        self, scope: Scope, headers: Mapping[str, str], receive: Receive, answer: "_Answer"
    ) -> None:
        refused = self._objection(scope, headers)
        if refused is None and scope["method"] not in _SAFE_METHODS:
            refused, receive = await self._body(receive, headers)
        if refused is not None:
            status, code = refused
            extra = {"Retry-After": "2"} if status == 503 else {}
            # The connection may still be sending what is not going to be read.
            await self._refuse(scope, status, code, {**extra, "Connection": "close"})(scope, receive, answer)
            return
        if scope["method"] == "OPTIONS" and answer.for_other_site:
            await answer({"type": "http.response.start", "status": 204, "headers": []})
            await answer({"type": "http.response.body", "body": b""})
            return
        await self._app(scope, receive, answer)

    def _objection(self, scope: Scope, headers: Mapping[str, str]) -> tuple[int, str] | None:
        if self._now > self._most:
            return 503, "unavailable"
        if not scope["path"].startswith("/") or not self._knows_host(headers.get("host", "")):
            return 400, "bad_request"
        if scope["method"] not in _SAFE_METHODS and self._is_foreign(headers):
            return 403, "cross_site"
        return None

    def _knows_host(self, host: str) -> bool:
        name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
        return bool(name) and name.lower() in self._hosts

    def _is_foreign(self, headers: Mapping[str, str]) -> bool:
        """Whether a page of another site is asking. A program that is no browser sends neither header."""
        origin, site = headers.get("origin", "").lower(), headers.get("sec-fetch-site", "")
        if origin in self._origins:
            return False
        if site not in ("", "same-origin", "none"):
            return True
        if origin == "null":
            # A page whose referrer policy is no-referrer hides its origin even from itself.
            return site != "same-origin"
        return bool(origin) and origin not in (self._own_origin, *self._from_host(headers))

    def _from_host(self, headers: Mapping[str, str]) -> tuple[str, str]:
        host = headers.get("host", "").lower()
        return f"http://{host}", f"https://{host}"

    async def _body(
        self, receive: Receive, headers: Mapping[str, str]
    ) -> tuple[tuple[int, str] | None, Receive]:
        length = headers.get("content-length", "")
        if not (length.isascii() and length.isdigit()):
            return (411, "length_required"), receive
        # Compared as text first: a number with a thousand digits is not worth converting.
        if len(length) > 9 or int(length) > BODY_LIMIT_BYTES:
            return (413, "too_large"), receive
        try:
            async with asyncio.timeout(PHASE_TIMEOUT_S):
                body = await _read(receive)
        except TimeoutError:
            log.warning("cut: slow body")
            return (408, "too_slow"), receive
        return (None, _replay(body)) if body is not None else ((400, "bad_request"), receive)

    def _cors(self, headers: Mapping[str, str]) -> dict[str, str]:
        origin = headers.get("origin", "")
        if origin.lower() not in self._origins:
            return {}
        return {
            "Access-Control-Allow-Origin": origin,
            "Access-Control-Allow-Methods": "GET, POST",
            "Access-Control-Allow-Headers": "Content-Type, Idempotency-Key",
            "Access-Control-Max-Age": "600",
            "Cross-Origin-Resource-Policy": "cross-origin",
            "Vary": "Origin",
        }

    def _address(self, scope: Scope, headers: Mapping[str, str]) -> str:
        """The asker's address; what a stranger says about it in ``X-Forwarded-For`` is ignored."""
        address = scope["client"][0] if scope.get("client") else ""
        for hop in reversed(headers.get("x-forwarded-for", "").split(",")):
            if not self._is_proxy(address) or not _is_address(hop.strip()):
                break
            address = hop.strip()
        return address

    def _is_proxy(self, address: str) -> bool:
        return _is_address(address) and any(ip_address(address) in network for network in self._proxies)

    def _report(self, scope: Scope, answer: "_Answer", seconds: float) -> None:
        route = getattr(scope.get("route"), "path", None) or "other"
        self._metrics.request(route, answer.status, seconds)
        log.info(
            "request",
            extra={"method": scope["method"], "route": route, "status": answer.status,
                   "ms": round(seconds * 1000, 1), "from": for_logs(scope["kb.address"])},
        )  # fmt: skip


class _Answer:
    """Sends an answer with the headers every answer has."""

    def __init__(self, scope: Scope, send: Send, extra: Mapping[str, str]) -> None:
        self._send, self.status, self.for_other_site = send, 0, bool(extra)
        own = scope["path"].startswith("/api/")
        self._headers = {**HEADERS, **(API_HEADERS if own else {}), **extra}
        if "Cross-Origin-Resource-Policy" not in self._headers:
            self._headers["Cross-Origin-Resource-Policy"] = "same-origin"

    async def __call__(self, message: ASGIMessage) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            sent = {name.lower() for name, _ in message.get("headers", [])}
            added = [(k.lower().encode(), v.encode("latin-1")) for k, v in self._headers.items()
                     if k.lower().encode() not in sent]  # fmt: skip
            message = {**message, "headers": [*message.get("headers", []), *added]}
        await self._send(message)


def _headers(scope: Scope) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in scope["headers"]:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        found[key] = f"{found[key]}, {text}" if key in found else text
    return found


async def _read(receive: Receive) -> bytes | None:
    """The whole body, or ``None`` when the sender left in the middle of it."""
    parts = []
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


def _replay(body: bytes) -> Receive:
    sent = False

    async def receive() -> ASGIMessage:
        nonlocal sent
        if sent:
            return {"type": "http.disconnect"}
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
