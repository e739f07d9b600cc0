"""Stand-ins for the systems the desk delivers to: they check what the real ones require, and can misbehave."""

import base64
import json
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Request:
    """What arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


Answerer = Callable[[Request], tuple[int, Any] | tuple[int, Any, dict[str, str]]]
"""Status, body and, where there are more than usual, headers."""


@dataclass
class Receiver:
    """A server on loopback; ``answer`` decides what each request gets."""

    url: str
    answer: Answerer
    requests: list[Request] = field(default_factory=list)


@contextmanager
def receiver(answer: Answerer) -> Iterator[Receiver]:
    """A receiver that runs while the block does."""

    class Handler(BaseHTTPRequestHandler):
        def _any(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            headers = {k.lower(): v for k, v in self.headers.items()}
            request = Request(self.command, self.path, headers, self.rfile.read(length))
            found.requests.append(request)
            status, value, *more = found.answer(request)
            body = value if isinstance(value, bytes) else json.dumps(value).encode()
            self.send_response(status)
            headers = {"Content-Type": "application/json", "Content-Length": str(len(body)), **dict(*more)}
            for name, text in headers.items():
                self.send_header(name, text)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_POST = do_PUT = do_GET = do_HEAD = do_OPTIONS = _any  # noqa: N815 - the names are http.server's

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found = Receiver(f"http://127.0.0.1:{server.server_port}", answer)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield found
    server.shutdown()
    server.server_close()


@contextmanager
def raw_receiver(behave: Callable[[Any], None]) -> Iterator[str]:
    """A TCP server that does with each connection whatever ``behave`` does; yields its address."""
    import socketserver

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            try:
                self.request.recv(65536)
                behave(self.request)
            except OSError:
                pass

    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/"
    server.shutdown()
    server.server_close()


class Zendesk:
    """Zendesk Support's ticket API, as far as its reference says what it requires."""

    def __init__(self, user: str, token: str) -> None:
        pair = base64.b64encode(f"{user}/token:{token}".encode()).decode()
        self._login = f"Basic {pair}"
        self.tickets: dict[int, dict[str, Any]] = {}
        self._seen: dict[str, tuple[int, Any]] = {}

    def __call__(self, request: Request) -> tuple[int, Any]:
        if request.headers.get("authorization") != self._login:
            return 401, {"error": "Couldn't authenticate you"}
        if not request.headers.get("content-type", "").startswith("application/json"):
            return 415, {}
        # A repeated Idempotency-Key gets the first answer again.
        key = request.headers.get("idempotency-key", "")
        if key in self._seen:
            return self._seen[key]
        answer = self._handle(request)
        if key:
            self._seen[key] = answer
        return answer

    def _handle(self, request: Request) -> tuple[int, Any]:
        sent = request.json().get("ticket")
        if not isinstance(sent, dict):
            return 400, {"error": "InvalidEndpoint"}
        if request.method == "POST" and request.path == "/api/v2/tickets":
            return self._create(sent)
        found = re.fullmatch(r"/api/v2/tickets/(\d+)", request.path)
        if request.method != "PUT" or found is None or int(found[1]) not in self.tickets:
            return 404, {"error": "RecordNotFound"}
        ticket = self.tickets[int(found[1])]
        if "comment" in sent:
            if sent["comment"]["author_id"] != ticket["requester_id"]:
                return 422, {"error": "RecordInvalid"}
            ticket["comments"].append(sent["comment"]["body"])
        if "status" in sent:
            if sent["status"] not in ("new", "open", "pending", "hold", "solved", "closed"):
                return 422, {"error": "RecordInvalid"}
            ticket["status"] = sent["status"]
        return 200, {"ticket": ticket}

    def _create(self, sent: dict[str, Any]) -> tuple[int, Any]:
        requester = sent.get("requester", {})
        if not sent.get("comment", {}).get("body"):
            return 422, {
                "error": "RecordInvalid",
                "details": {"base": [{"description": "Description: cannot be blank"}]},
            }
        if not requester.get("name") or "@" not in requester.get("email", ""):
            return 422, {
                "error": "RecordInvalid",
                "details": {"requester": [{"description": "Requester Name: is too short"}]},
            }
        if any(" " in tag for tag in sent.get("tags", [])):
            return 422, {"error": "RecordInvalid"}
        id = 35_000 + len(self.tickets)
        self.tickets[id] = {
            "url": f"https://shop.zendesk.com/api/v2/tickets/{id}.json", "id": id, "requester_id": 900_000 + id,
            "external_id": sent.get("external_id"), "subject": sent.get("subject"), "status": "new",
            "comments": [sent["comment"]["body"]], "requester": requester, "tags": sent.get("tags", []),
            "padding": "x" * 8_000,
        }  # fmt: skip
        return 201, {"ticket": self.tickets[id], "audit": {"events": []}}


class Zammad:
    """Zammad's ticket API, as far as its documentation says what it requires."""

    def __init__(self, token: str, groups: tuple[str, ...] = ("Users",)) -> None:
        self._login, self._groups = f"Token token={token}", groups
        self.tickets: dict[int, dict[str, Any]] = {}

    def __call__(self, request: Request) -> tuple[int, Any]:
        if request.headers.get("authorization") != self._login:
            return 401, {"error": "authentication failed"}
        sent = request.json()
        if request.method == "POST" and request.path == "/api/v1/tickets":
            return self._create(sent)
        if request.method == "POST" and request.path == "/api/v1/ticket_articles":
            if sent.get("ticket_id") not in self.tickets or not sent.get("body"):
                return 422, {"error": 'Need at least article: { body: "some text" }'}
            self.tickets[sent["ticket_id"]]["articles"].append(sent)
            return 201, {"id": 1}
        found = re.fullmatch(r"/api/v1/tickets/(\d+)", request.path)
        if request.method == "PUT" and found and int(found[1]) in self.tickets:
            if sent.get("state") not in ("new", "open", "closed"):
                return 422, {"error": "No lookup value found for 'state'"}
            self.tickets[int(found[1])]["state"] = sent["state"]
            return 200, {"id": int(found[1])}
        return 404, {"error": "No such object"}

    def _create(self, sent: dict[str, Any]) -> tuple[int, Any]:
        article = sent.get("article", {})
        if sent.get("group") not in self._groups:
            return 422, {"error": "No lookup value found for 'group'"}
        if (
            not str(sent.get("customer_id", "")).startswith("guess:")
            or not sent.get("title")
            or not article.get("body")
        ):
            return 422, {"error": "Missing required value"}
        if (
            article.get("type") not in ("web", "note", "email", "phone")
            or article.get("content_type") != "text/plain"
        ):
            return 422, {"error": "wrong article"}
        id = len(self.tickets) + 1
        self.tickets[id] = {"id": id, "title": sent["title"], "state": "new", "articles": [article],
                            "customer": sent["customer_id"]}  # fmt: skip
        return 201, self.tickets[id]


@dataclass
class Mailbox:
    """What an SMTP server received; ``refuse`` maps an address to the answer it gets."""

    port: int
    mails: list[tuple[str, EmailMessage]] = field(default_factory=list)
    refuse: dict[str, str] = field(default_factory=dict)


@contextmanager
def mail_server() -> Iterator[Mailbox]:
    """A real SMTP receiver on loopback."""
    from aiosmtpd.controller import Controller

    class Handler:
        async def handle_RCPT(
            self, server: Any, session: Any, envelope: Any, address: str, options: Any
        ) -> str:
            if address in found.refuse:
                return found.refuse[address]
            envelope.rcpt_tos.append(address)
            return "250 OK"

        async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
            message = BytesParser(policy=default).parsebytes(envelope.content)
            assert isinstance(message, EmailMessage)
            found.mails.extend((recipient, message) for recipient in envelope.rcpt_tos)
            return "250 OK"

    class Here(Controller):
        """On a port that is its own from the beginning: one that was free a moment ago may be another test's."""

        def _create_server(self) -> Any:
            return self.loop.create_server(self._factory_invoker, sock=listening)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        found = Mailbox(listening.getsockname()[1])
        controller = Here(Handler(), hostname="127.0.0.1", port=found.port, ready_timeout=60)
        controller.start()
        yield found
        controller.stop()
