"""The JSON side of the service, under ``/api/``."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from kb.desk import fields, openapi, outbox, tickets
from kb.desk.events import Event, Offer
from kb.desk.reading import json_body
from kb.desk.refusals import refusal
from kb.desk.service import Caller, Desk
from kb.desk.suggest import Suggestion
from kb.desk.tickets import Ticket

Handler = Callable[[Request], Awaitable[Response]]
KEY_PATTERN_TEXT = r"^[A-Za-z0-9_-]{16,64}$"
_KEY = fields.Fields({"Idempotency-Key": fields.Text(most=64, pattern=KEY_PATTERN_TEXT)})


class Api:
    """The handlers; each is one question to the desk."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def routes(self) -> list[Route]:
        return [
            self._route("/api/form", self.form, "GET"),
            self._route("/api/suggest", self.suggest, "POST"),
            self._route("/api/tickets", self.file, "POST"),
            self._route("/api/tickets/status", self.status, "POST"),
            self._route("/api/tickets/reply", self.reply, "POST"),
            self._route("/api/tickets/close", self.close, "POST"),
            self._route("/api/tickets/reopen", self.reopen, "POST"),
            self._route("/api/events", self.event, "POST"),
            self._route("/api/openapi.json", self.description, "GET"),
            self._route("/api/health", self.health, "GET"),
            self._route("/api/ready", self.ready, "GET"),
            # Not under /api/: a proxy that passes only that on does not show it to the world.
            self._route("/metrics", self.metrics, "GET"),
        ]

    def _route(self, path: str, handler: Handler, method: str) -> Route:
        async def answer(request: Request) -> Response:
            try:
                return await handler(request)
            except Exception as error:
                refused = refusal(self._desk, error, _language(request, self._desk))
                return JSONResponse(refused.body(), refused.status, dict(refused.headers))

        return Route(path, answer, methods=[method])

    async def form(self, request: Request) -> Response:
        self._desk.gate.reading(request.scope["kb.address"])
        language = _language(request, self._desk)
        return JSONResponse({
            **self._desk.form(),
            "expected": await self._desk.expected(language),
            "categories": dict(self._desk.settings.categories.get(language, {})),
            "fallback_email": self._desk.settings.fallback_email,
        })  # fmt: skip

    async def suggest(self, request: Request) -> Response:
        self._desk.gate.reading(request.scope["kb.address"])
        asked = await json_body(request, fields.SUGGEST)
        found = await self._desk.suggestions(asked["language"], asked["text"], limit=int(asked["limit"]))
        return JSONResponse({"suggestions": [suggestion_json(s) for s in found]})

    async def file(self, request: Request) -> Response:
        content = await json_body(request, fields.TICKET)
        ticket = await self._desk.file(content, _caller(request), key=_key(request))
        return JSONResponse(
            {
                "number": ticket.number,
                "secret": self._desk.keyring.ticket_secret(ticket.id),
                "link": self._desk.link(ticket),
                "expected": await self._desk.expected(ticket.draft.language),
            },
            status_code=201,
        )

    async def status(self, request: Request) -> Response:
        ticket = await self._linked(request, await json_body(request, fields.STATUS))
        return JSONResponse(await self._view(ticket))

    async def reply(self, request: Request) -> Response:
        asked = await json_body(request, fields.REPLY)
        ticket = await self._linked(request, asked)
        changed = await self._desk.reply(ticket, asked["message"], key=_key(request))
        return JSONResponse(await self._view(changed))

    async def close(self, request: Request) -> Response:
        return await self._set_state(request, "closed")

    async def reopen(self, request: Request) -> Response:
        return await self._set_state(request, "open")

    async def _set_state(self, request: Request, state: str) -> Response:
        ticket = await self._linked(request, await json_body(request, fields.STATUS))
        changed = await self._desk.set_state(ticket, state, key=_key(request))
        return JSONResponse(await self._view(changed))

    async def event(self, request: Request) -> Response:
        self._desk.gate.reading(request.scope["kb.address"])
        told = await json_body(request, fields.EVENT)
        offers = tuple(Offer(**offer) for offer in told.pop("offers"))
        told["language"] = self._desk.settings.language(told["language"])
        await self._desk.record(Event(**told, offers=offers))
        return Response(status_code=204)

    async def description(self, request: Request) -> Response:
        return JSONResponse(openapi.describe())

    async def health(self, request: Request) -> Response:
        """The process answers."""
        return JSONResponse({"status": "ok"})

    async def ready(self, request: Request) -> Response:
        """A ticket could be filed: the database answers."""
        await self._desk.read(lambda tx: tx.one("SELECT 1 AS one"))
        return JSONResponse({"status": "ready"})

    async def metrics(self, request: Request) -> Response:
        gauges = await self._desk.read(
            lambda tx: {"tickets": tickets.counts(tx), "outbox": outbox.counts(tx)}
        )
        gauges["write_queue"] = {"waiting": self._desk.database.waiting()}
        return Response(self._desk.metrics.text(gauges), media_type="text/plain; version=0.0.4")

    async def _linked(self, request: Request, asked: dict[str, Any]) -> Ticket:
        self._desk.gate.reading(request.scope["kb.address"])
        return await self._desk.follow(asked["number"], asked["secret"])

    async def _view(self, ticket: Ticket) -> dict[str, Any]:
        expected = await self._desk.expected(ticket.draft.language) if ticket.state == "open" else ""
        return ticket_json(ticket, expected)


def ticket_json(ticket: Ticket, expected: str) -> dict[str, Any]:
    """What the holder of a status link sees."""
    return {
        "number": ticket.number,
        "state": ticket.state,
        "language": ticket.draft.language,
        "subject": ticket.draft.subject,
        "message": ticket.draft.body,
        "created": timestamp(ticket.created),
        "expected": expected,
        "messages": [
            {"author": m.author, "message": m.body, "language": m.language, "machine": m.machine,
             "created": timestamp(m.created)}
            for m in ticket.messages
        ],
    }  # fmt: skip


def suggestion_json(found: Suggestion) -> dict[str, Any]:
    return {
        "article": found.article, "title": found.title, "passage": found.passage, "url": found.url,
        "language": found.language, "score": round(min(1.0, max(0.0, found.score)), 4),
    }  # fmt: skip


def timestamp(milliseconds: int) -> str:
    """ISO 8601 in UTC."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="seconds")


def _caller(request: Request) -> Caller:
    return Caller(request.scope["kb.address"])


def _key(request: Request) -> str:
    given = request.headers.get("idempotency-key")
    return "" if given is None else str(_KEY.parse({"Idempotency-Key": given})["Idempotency-Key"])


def _language(request: Request, desk: Desk) -> str:
    """The language to refuse in: asked for in the address, else the browser's first that the desk speaks."""
    if wanted := request.query_params.get("lang", ""):
        return desk.settings.language(wanted)
    for part in request.headers.get("accept-language", "").split(","):
        tag = part.partition(";")[0].strip()
        for language in (tag, tag.partition("-")[0]):
            if language in desk.settings.languages:
                return language
    return desk.settings.default_language
