"""The pages the service makes itself: the form that works without scripts, the status page, refusals."""

import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from kb.content.languages import direction
from kb.desk import fields
from kb.desk.abuse import form_token
from kb.desk.database import BusyError
from kb.desk.events import Event, Offer
from kb.desk.keys import new_id
from kb.desk.reading import form_body
from kb.desk.refusals import Refusal, RefusedError, refusal
from kb.desk.service import Caller, Desk, own_path
from kb.desk.strings import moment
from kb.desk.suggest import Suggestion
from kb.desk.tickets import Ticket

Handler = Callable[[Request], Awaitable[Response]]
PAGE_PATHS = ("/api/contact", "/api/status")
_TYPED = ("subject", "message", "email", "name", "order", "category", "page", "website")
_ASSET_TYPES = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8"}


class Pages:
    """The handlers of the pages. Templates are those of ``theme/desk``."""

    def __init__(self, desk: Desk, theme: Path) -> None:
        self._desk = desk
        self._assets = _assets(theme / "assets" / "desk")
        self._templates = Environment(
            loader=FileSystemLoader(theme), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
            lstrip_blocks=True,
        )  # fmt: skip

    def routes(self) -> list[Route]:
        return [
            self._route("/api/contact", self.contact, ["GET"]),
            self._route("/api/contact", self.send, ["POST"]),
            self._route("/api/status", self.status, ["GET"]),
            self._route("/api/status", self.change, ["POST"]),
            Route("/api/assets/{name}", self.asset, methods=["GET"]),
        ]

    def _route(self, path: str, handler: Handler, methods: list[str]) -> Route:
        async def answer(request: Request) -> Response:
            try:
                return await handler(request)
            except Exception as error:
                language = self._language(request.query_params.get("lang", ""))
                return self.refused(refusal(self._desk, error, language), language)

        return Route(path, answer, methods=methods)

    async def asset(self, request: Request) -> Response:
        found = self._assets.get(request.path_params["name"])
        if found is None:
            return Response(status_code=404)
        body, kind, tag = found
        headers = {"Cache-Control": "public, max-age=300", "ETag": tag}
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        return Response(body, headers=headers, media_type=kind)

    # The form, in two steps

    async def contact(self, request: Request) -> Response:
        query = request.query_params
        language = self._language(query.get("lang", ""))
        typed = {name: query.get(name, "")[:2_000] for name in ("subject", "message", "page")}
        return await self._form(language, typed)

    async def send(self, request: Request) -> Response:
        sent = await form_body(request)
        language = self._language(sent.get("language", ""))
        try:
            return await self._step(request, sent, language)
        except Exception as error:
            # Whatever went wrong, the text is on the page that says so.
            return await self._form(language, sent, refusal(self._desk, error, language))

    async def _step(self, request: Request, sent: Mapping[str, str], language: str) -> Response:
        step = sent.get("step", "ask")
        if step not in ("ask", "send", "solved", "edit"):
            raise RefusedError(400, "malformed")
        if step == "edit":
            return await self._form(language, sent)
        unknown = set(sent) - {*_TYPED, "language", "token", "step", "session"}
        content = fields.TICKET.parse(
            {**dict.fromkeys(unknown, ""), **{n: sent.get(n, "") for n in (*_TYPED, "token", "session")},
             "language": language}
        )  # fmt: skip
        found = await self._suggestions(language, f"{content['subject']}\n{content['message']}")
        if step == "solved":
            await self._desk.record(_solved(content, found))
            return self._page("solved", language)
        if step == "ask" and found:
            self._guess_category(content, found)
            return self._page(
                "suggestions",
                language,
                typed=content,
                suggestions=found,
                token=content["token"] or self._token(),
            )
        return await self._file(request, content, found)

    async def _suggestions(self, language: str, text: str) -> Sequence[Suggestion]:
        try:
            return await self._desk.suggestions(language, text)
        except BusyError:
            # A ticket can be filed without.
            return ()

    async def _file(self, request: Request, content: dict[str, Any], found: Sequence[Suggestion]) -> Response:
        self._guess_category(content, found)
        content["shown"] = [
            {"article": s.article, "language": s.language, "score": min(1.0, max(0.0, s.score)),
             "opened": False, "unhelpful": True} for s in found
        ]  # fmt: skip
        caller = Caller(request.scope["kb.address"], way="page")
        ticket = await self._desk.file(content, caller, key=_page_key(content))
        language = ticket.draft.language
        return self._page(
            "filed", language, status=201, ticket=ticket, code=self._desk.code(ticket), link=self._desk.link(ticket),
            expected=await self._desk.expected(language), mailed=self._desk.settings.mail is not None,
            page=content["page"] and own_path(content["page"]),
        )  # fmt: skip

    def _guess_category(self, content: dict[str, Any], found: Sequence[Suggestion]) -> None:
        if not content["category"] and found:
            content["category"] = found[0].article.rpartition("/")[0]

    async def _form(
        self, language: str, typed: Mapping[str, str], refused: Refusal | None = None
    ) -> Response:
        try:
            expected = await self._desk.expected(language)
        except Exception:  # Only a sentence is missing then; the form is still worth showing.
            expected = self._desk.expected_now(language)
        settings = self._desk.settings
        form = {
            "t": dict(self._desk.strings.table(language)),
            "language": language,
            "kind": "desk",
            "action": "/api/contact",
            "method": "post",
            "address": "/api",
            "settings": "",
            "build": "",
            "search": "",
            "typed": {name: typed.get(name, "") for name in _TYPED},
            "problems": refused.fields if refused else {},
            "token": typed.get("token", "") or self._token(),
            "categories": settings.categories.get(language, {}),
            "email": settings.fallback_email,
            "expected": expected,
            "commit": self._desk.commit(),
        }
        status, headers = (refused.status, refused.headers) if refused else (200, {})
        return self._page("contact", language, status=status, headers=headers, form=form, refused=refused)

    def _token(self) -> str:
        return form_token(self._desk.keyring, self._desk.clock())

    # Following a ticket

    async def status(self, request: Request) -> Response:
        return self._page("status", self._language(request.query_params.get("lang", "")), ticket=None, refused=None,
                          code="", expected="")  # fmt: skip

    async def change(self, request: Request) -> Response:
        sent = await form_body(request)
        language = self._language(sent.get("language", ""))
        code = sent.get("code", "").strip().rpartition("#")[2]
        try:
            self._desk.gate.reading(request.scope["kb.address"])
            ticket = await self._changed(sent, code)
        except Exception as error:
            refused = refusal(self._desk, error, language)
            return self._page("status", language, status=refused.status, headers=refused.headers, ticket=None,
                              refused=refused, code="", expected="")  # fmt: skip
        return await self._followed(ticket, code)

    async def _changed(self, sent: Mapping[str, str], code: str) -> Ticket:
        unknown = set(sent) - {"code", "language", "action", "message", "key"}
        if unknown or sent.get("action", "show") not in ("show", "reply", "close", "reopen"):
            raise RefusedError(422, "invalid")
        number, _, secret = code.partition(".")
        link = fields.STATUS.parse({"number": number, "secret": secret})
        ticket = await self._desk.follow(link["number"], link["secret"])
        key = sent.get("key", "")[:64]
        match sent.get("action", "show"):
            case "reply":
                text = fields.REPLY.parse({**link, "message": sent.get("message", "")})["message"]
                return await self._desk.reply(ticket, text, key=key)
            case "close":
                return await self._desk.set_state(ticket, "closed", key=key)
            case "reopen":
                return await self._desk.set_state(ticket, "open", key=key)
        return ticket

    async def _followed(self, ticket: Ticket, code: str) -> Response:
        language = ticket.draft.language
        expected = await self._desk.expected(language) if ticket.state == "open" else ""
        return self._page("status", language, ticket=ticket, refused=None, code=code, expected=expected)

    # Making pages

    def refused(self, refused: Refusal, language: str) -> Response:
        """A page that says no."""
        return self._page(
            "refused", language, status=refused.status, headers=refused.headers, refused=refused
        )

    def _page(
        self,
        name: str,
        language: str,
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        **context: Any,
    ) -> Response:
        settings = self._desk.settings
        text = self._templates.get_template(f"desk/{name}.html").render(
            t=dict(self._desk.strings.table(language)),
            language=language,
            direction=direction(language),
            site_name=settings.site_name,
            categories=settings.categories.get(language, {}),
            api="/api",
            assets="/api/assets",
            action="/api/contact",
            fallback_email=settings.fallback_email,
            when=self._when(language),
            new_key=new_id,
            **context,
        )
        return HTMLResponse(text, status, dict(headers or {}))

    def _when(self, language: str) -> Callable[[int], str]:
        zone = ZoneInfo(self._desk.settings.hours.timezone)
        return lambda ms: moment(datetime.fromtimestamp(ms / 1000, UTC).astimezone(zone), language)

    def _language(self, wanted: str) -> str:
        return self._desk.settings.language(wanted)


def _solved(content: Mapping[str, Any], found: Sequence[Suggestion]) -> Event:
    offers = tuple(Offer(s.article, s.language, s.score) for s in found)
    return Event(content["session"] or new_id(), "solved", content["language"], content["subject"], offers)


def _page_key(content: Mapping[str, Any]) -> str:
    """A page without scripts has no key of its own: what was typed is the key, and pressing twice files
    once."""
    typed = json.dumps([content[name] for name in ("language", "subject", "message", "email", "order")])
    return f"page-{hashlib.sha256(typed.encode()).hexdigest()[:40]}"


def _assets(folder: Path) -> dict[str, tuple[bytes, str, str]]:
    """Name → content, type and tag of everything the pages load. Read once: no request names a file."""
    found = {}
    for file in sorted(folder.glob("*")):
        if file.suffix in _ASSET_TYPES:
            body = file.read_bytes()
            tag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
            found[file.name] = (body, _ASSET_TYPES[file.suffix], tag)
    return found
