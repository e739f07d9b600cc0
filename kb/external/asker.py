"""Asking other sites whether a page is still there, as a guest: one request at a time and host, with a pause.

Addresses come from articles, which may be those of a stranger's merge request. So every address that a name leads to is
checked, the connection goes to the very one that was checked, and each redirect is a new address. An answer's body is
never read. The standard library is enough for this, and clients that resolve names themselves would undo the check.
"""

import http.client
import ipaddress
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Literal
from urllib.parse import SplitResult, quote, urljoin, urlsplit, urlunsplit

from kb.network import is_public

State = Literal["alive", "moved", "dead", "unanswered"]
TIMEOUT_S = 10.0
"""For connecting, and for each piece of an answer."""
DEADLINE_S = 20.0
"""For one request altogether."""
PAUSE_S = 1.0
"""Between two requests to one host."""
WAIT_AT_MOST_S = 30.0
"""What a host may ask to wait for; those that ask for more are left alone."""
REDIRECTS_AT_MOST = 5
LONGEST = 2_000
"""Characters of an address."""
_PORTS = frozenset([80, 443])
_MOVED_FOR_GOOD = frozenset([301, 308])
_REDIRECTS = frozenset([301, 302, 303, 307, 308])
_GONE = frozenset([404, 410])
_BUSY = frozenset([429, 503])
_ISSUER_UNKNOWN = frozenset([2, 20, 21])
"""OpenSSL's codes for a chain of certificates with no known end."""

Resolve = Callable[[str, int], Iterable[str]]


@dataclass(frozen=True, slots=True)
class Answer:
    """What is known of an address: ``note`` is a phrase for people, ``to`` where it moved for good, ``reached`` whether
    a host was there, None where none had to be asked."""

    state: State
    note: str = ""
    to: str = ""
    reached: bool | None = True


def resolve(host: str, port: int) -> list[str]:
    """The addresses of a name, as the system finds them."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def prepared(url: str) -> str:
    """``url`` as it is sent, in ASCII and without its fragment; empty when no browser could open it."""
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname or "", parts.port
        ascii_host = host if ":" in host else host.encode("idna").decode("ascii")
    except (ValueError, UnicodeError):
        return ""
    if parts.scheme not in ("http", "https") or not ascii_host or len(url) > LONGEST:
        return ""
    place = f"[{ascii_host}]" if ":" in ascii_host else ascii_host.lower()
    netloc = place if port is None else f"{place}:{port}"
    return urlunsplit((parts.scheme, netloc, _quoted(parts.path) or "/", _quoted(parts.query), ""))


def _quoted(text: str) -> str:
    # Parentheses and quotation marks would end a link's target in Markdown and HTML.
    return quote(text, safe="/%:@!$&*+,;=~-._?")


@dataclass(frozen=True, slots=True)
class _Reply:
    status: int
    location: str = ""
    retry_after: str = ""
    vary: str = ""


class _RefusedError(Exception):
    """No request was sent: ``answer`` says why."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.note)
        self.answer = answer


@dataclass
class _Host:
    """Whose turn it is at one host, and from when on it may be asked again (monotonic seconds)."""

    turn: threading.Lock = field(default_factory=threading.Lock)
    next: float = 0.0
    leave_alone: bool = False


class Asker:
    """Asks from any number of threads. ``allowed`` names host names that may be asked although they are not public."""

    def __init__(
        self,
        agent: str,
        *,
        allowed: Collection[str] = (),
        resolve: Resolve = resolve,
        pause_s: float = PAUSE_S,
        timeout_s: float = TIMEOUT_S,
        deadline_s: float = DEADLINE_S,
        sleep: Callable[[float], object] = time.sleep,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._agent = agent
        self._allowed = frozenset(allowed)
        self._resolve = resolve
        self._pause_s, self._timeout_s, self._deadline_s = pause_s, timeout_s, deadline_s
        self._sleep = sleep
        self._tls = tls
        self._hosts: dict[str, _Host] = {}
        self._lock = threading.Lock()

    def ask(self, url: str) -> Answer:
        """What became of ``url``; every redirect is followed and judged."""
        first = here = prepared(url)
        if not here:
            return Answer("dead", "is no address that a browser could open", reached=None)
        moved, for_good = "", True
        for _ in range(REDIRECTS_AT_MOST + 1):
            try:
                reply = self._request(here)
            except _RefusedError as refused:
                return refused.answer
            if reply.status not in _REDIRECTS or not reply.location:
                return _judged(reply.status, moved if moved != first else "")
            here = prepared(urljoin(here, reply.location))
            if not here:
                return Answer("unanswered", "redirects to what is no address")
            for_good = for_good and _is_for_good(reply, first, here)
            moved = here if for_good else moved
        # A browser that keeps cookies may fare better.
        return Answer("unanswered", f"redirects more than {REDIRECTS_AT_MOST} times")

    # --- one request ---

    def _request(self, url: str) -> _Reply:
        """The answer to HEAD or, where a server does not like that, to GET."""
        host = self._host(url)
        reply = self._polite("HEAD", url, host)
        if reply is None or (reply.status >= 400 and reply.status not in _BUSY):
            reply = self._polite("GET", url, host)
        if reply is None:
            raise _RefusedError(Answer("unanswered", "closed the connection without an answer"))
        return reply

    def _polite(self, method: str, url: str, host: _Host) -> _Reply | None:
        """One request in its turn, and once more where the host asks to wait a little; None for no answer at all."""
        with host.turn:
            reply = self._now(method, url, host)
            if reply is None or reply.status not in _BUSY:
                return reply
            wait = _seconds(reply.retry_after)
            if wait <= WAIT_AT_MOST_S:
                host.next = time.monotonic() + wait
                reply = self._now(method, url, host)
            host.leave_alone = reply is not None and reply.status in _BUSY
            return reply

    def _now(self, method: str, url: str, host: _Host) -> _Reply | None:
        if host.leave_alone:
            raise _RefusedError(Answer("unanswered", "asked to be left alone for now"))
        wait = host.next - time.monotonic()
        if wait > 0:
            self._sleep(wait)
        try:
            return self._send(method, urlsplit(url))
        finally:
            host.next = time.monotonic() + self._pause_s

    def _send(self, method: str, parts: SplitResult) -> _Reply | None:
        host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
        try:
            address = self._checked(host, port)
            sock = socket.create_connection((address, port), self._timeout_s)
        except OSError as error:
            raise _RefusedError(_unreachable(error)) from None
        line = _Line(sock)
        deadline = threading.Timer(self._deadline_s, line.cut)
        deadline.daemon = True
        deadline.start()
        try:
            if parts.scheme == "https":
                line.encrypt(self._context(), host)
            return self._exchange(method, parts, line.sock)
        except ssl.SSLCertVerificationError as error:
            note = f"has a certificate that is not trusted ({error.verify_message})"
            # A missing issuer may be missing here only.
            state: State = "unanswered" if error.verify_code in _ISSUER_UNKNOWN else "dead"
            raise _RefusedError(Answer(state, note)) from None
        except TimeoutError:
            raise _RefusedError(Answer("unanswered", "did not answer in time")) from None
        except (http.client.HTTPException, OSError, ValueError):
            return None
        finally:
            deadline.cancel()
            line.sock.close()

    def _exchange(self, method: str, parts: SplitResult, sock: socket.socket) -> _Reply:
        connection = http.client.HTTPConnection(parts.hostname or "")
        connection.sock = sock
        target = urlunsplit(("", "", parts.path, parts.query, ""))
        headers = {
            "Host": parts.netloc,
            "User-Agent": self._agent,
            "Accept": "text/html,*/*;q=0.5",
            "Connection": "close",
        }
        connection.request(method, target, headers=headers)
        response = connection.getresponse()
        return _Reply(
            response.status,
            response.getheader("Location", ""),
            response.getheader("Retry-After", ""),
            response.getheader("Vary", ""),
        )

    def _checked(self, host: str, port: int) -> str:
        """The address to connect to.

        Raises:
            _RefusedError: it is not public, or not a port of the web.
            OSError: the name has none.
        """
        if host in self._allowed:
            return next(iter(self._resolve(host, port)))
        if port not in _PORTS and port < 1024:
            note = f"names port {port}, which is not asked"
            raise _RefusedError(Answer("unanswered", note, reached=None))
        if _is_local(host):
            note = "leads into a private network, where customers are not"
            raise _RefusedError(Answer("dead", note, reached=None))
        found = list(self._resolve(host, port))
        for address in found:
            if not is_public(ipaddress.ip_address(address.partition("%")[0])):
                # Inside a company's network a public name may have a private address.
                raise _RefusedError(
                    Answer("unanswered", "has a private address here, and was not asked", reached=False)
                )
        if not found:
            raise OSError("the name has no address")
        return found[0]

    def _context(self) -> ssl.SSLContext:
        with self._lock:
            if self._tls is None:
                self._tls = ssl.create_default_context()
            return self._tls

    def _host(self, url: str) -> _Host:
        with self._lock:
            return self._hosts.setdefault(urlsplit(url).netloc, _Host())


class _Line:
    """A connection that another thread may end."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock

    def encrypt(self, tls: ssl.SSLContext, host: str) -> None:
        wrapped = tls.wrap_socket(self.sock, server_hostname=host, do_handshake_on_connect=False)
        self.sock = wrapped
        wrapped.do_handshake()

    def cut(self) -> None:
        # Not that of an SSLSocket, which would first forget that it is one; a line that ended by itself is cut already.
        with suppress(OSError):
            socket.socket.shutdown(self.sock, socket.SHUT_RDWR)


def _is_local(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost") or ("." not in host and ":" not in host):
        return True
    try:
        return not is_public(ipaddress.ip_address(host))
    except ValueError:
        # 127.1 and 0x7f000001 are addresses to the system, though not to Python.
        return re.fullmatch(r"(?:0x[0-9a-f]+|[0-9]+)(?:\.(?:0x[0-9a-f]+|[0-9]+))*\.?", host, re.I) is not None


def _judged(status: int, moved: str) -> Answer:
    if status in _GONE:
        return Answer("dead", f"answers {status}: the page is gone")
    if status >= 400:
        return Answer("unanswered", f"answers {status}")
    if moved:
        return Answer("moved", "has moved for good", moved)
    return Answer("alive")


def _is_for_good(reply: _Reply, first: str, to: str) -> bool:
    """Whether a redirect is meant for everyone and for ever: not by language, not back to HTTP without encryption."""
    chosen = {name.strip().lower() for name in reply.vary.split(",")} & {"accept-language", "user-agent", "*"}
    weaker = first.startswith("https:") and not to.startswith("https:")
    return reply.status in _MOVED_FOR_GOOD and not chosen and not weaker


def _unreachable(error: OSError) -> Answer:
    if isinstance(error, socket.gaierror) and error.errno == socket.EAI_NONAME:
        return Answer("dead", "names a host that does not exist", reached=False)
    return Answer("unanswered", "could not be reached", reached=False)


def _seconds(retry_after: str) -> float:
    """How long to wait by a ``Retry-After``, which is seconds or a date; very long without one."""
    if re.fullmatch(r"[0-9]{1,9}", retry_after.strip()):
        return float(retry_after)
    try:
        return max(parsedate_to_datetime(retry_after).timestamp() - time.time(), 0.0)
    except (TypeError, ValueError, OverflowError):
        return float("inf")


__all__: Sequence[str] = ("Answer", "Asker", "State", "prepared", "resolve")
