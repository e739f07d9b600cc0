"""HTTP to the outside, for deliveries: a small client that trusts neither names nor answers.

A receiver's address is configured by people who may not run the server, and names may change what they
point to. So every address a name resolves to is checked, and the connection goes to exactly the address
that was checked. Redirects are not followed; an answer gets five seconds and four kilobytes.
"""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import h11

from kb.errors import DeskError
from kb.network import innermost, is_public

TIMEOUT_S = 5.0
ANSWER_LIMIT_BYTES = 4 * 1024
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


class OutwardError(DeskError):
    """Nothing usable came back: refused, unreachable, too slow, not HTTP."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, the body cut to what was asked for."""

    status: int
    body: bytes
    retry_after: str = ""


async def resolve(host: str, port: int) -> Sequence[str]:
    """The addresses of a name, as the system finds them."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class Outward:
    """Sends requests to public addresses, and to those named in ``allowed`` (host names, addresses,
    networks)."""

    def __init__(self, allowed: Sequence[str] = (), *, resolve: Resolve = resolve) -> None:
        self._resolve = resolve
        self._networks: list[ipaddress.IPv4Network | ipaddress.IPv6Network] = []
        self._hosts: set[str] = set()
        for entry in allowed:
            try:
                self._networks.append(ipaddress.ip_network(entry, strict=False))
            except ValueError:
                self._hosts.add(entry.casefold())

    async def send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes,
        *,
        timeout_s: float = TIMEOUT_S,
        most_bytes: int = ANSWER_LIMIT_BYTES,
    ) -> Answer:
        """One request, one answer.

        Raises:
            OutwardError: refused address, no connection, no answer in time.
        """
        try:
            async with asyncio.timeout(timeout_s):
                return await self._send(method, url, headers, body, most_bytes)
        except TimeoutError:
            raise OutwardError(f"no answer within {timeout_s:g} s") from None
        except (OSError, h11.ProtocolError, UnicodeError) as error:
            raise OutwardError(f"no answer: {type(error).__name__}") from None

    async def _send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes, most: int
    ) -> Answer:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise OutwardError("not an http or https address")
        port = parts.port or (443 if parts.scheme == "https" else 80)
        address = await self._checked(parts.hostname, port)
        tls = ssl.create_default_context() if parts.scheme == "https" else None
        reader, writer = await asyncio.open_connection(
            address, port, ssl=tls, server_hostname=parts.hostname if tls else None
        )
        try:
            connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=2 * ANSWER_LIMIT_BYTES)
            target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            sent = {"Host": parts.netloc.rpartition("@")[2], "Content-Length": str(len(body)),
                    "Connection": "close", **headers}  # fmt: skip
            request = h11.Request(method=method, target=target, headers=list(sent.items()))
            for event in (request, h11.Data(data=body), h11.EndOfMessage()):
                writer.write(connection.send(event) or b"")
            await writer.drain()
            return await _answer(connection, reader, most)
        finally:
            writer.transport.abort()

    async def _checked(self, host: str, port: int) -> str:
        addresses = await self._resolve(host, port)
        if not addresses:
            raise OutwardError("the name has no address")
        for address in addresses:
            if not self._may_reach(host, address):
                raise OutwardError("the address is not public, and not in allowed_networks")
        return addresses[0]

    def _may_reach(self, host: str, address: str) -> bool:
        ip = innermost(ipaddress.ip_address(address.partition("%")[0]))
        if host.casefold() in self._hosts or any(ip in network for network in self._networks):
            return True
        return is_public(ip)


async def _answer(connection: h11.Connection, reader: asyncio.StreamReader, most: int) -> Answer:
    status, retry_after, body = 0, "", b""
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await reader.read(ANSWER_LIMIT_BYTES))
        elif isinstance(event, h11.Response):
            status = event.status_code
            retry_after = next(
                (v.decode("ascii", "replace") for k, v in event.headers if k == b"retry-after"), ""
            )
        elif isinstance(event, h11.Data):
            body += event.data
            if len(body) >= most:
                return Answer(status, body[:most], retry_after)
        elif isinstance(event, h11.EndOfMessage | h11.ConnectionClosed):
            if not status:
                raise OutwardError("the connection was closed without an answer")
            return Answer(status, body, retry_after)
