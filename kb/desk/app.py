"""The ASGI application, put together: routes from :mod:`api` and :mod:`pages`, behind :mod:`guard`."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles

from kb.desk import retention
from kb.desk.api import Api
from kb.desk.courier import Courier
from kb.desk.guard import App, Guard, Refuse, Scope
from kb.desk.helpdesks import Webhook, Zammad, Zendesk
from kb.desk.mail import CustomerMail, TeamMail
from kb.desk.outward import Outward
from kb.desk.pages import PAGE_PATHS, Pages
from kb.desk.parcels import Target
from kb.desk.refusals import RefusedError, refusal
from kb.desk.service import Desk


def create_app(desk: Desk, *, theme: Path, site: Path | None = None, background: bool = True) -> App:
    """The whole service. ``site`` is a built help centre to serve beside it; ``background`` delivers and
    forgets."""
    pages = Pages(desk, theme)
    routes: list[BaseRoute] = [*Api(desk).routes(), *pages.routes()]
    handlers: dict[Any, Any] = {404: _no_such_page(desk), 405: _no_such_page(desk)}
    if site is not None:
        routes.append(Mount("/", StaticFiles(directory=site, html=True)))
        # The site has a page of its own for what is not there.
        del handlers[404]
    app = Starlette(
        routes=routes, lifespan=_running(desk, background=background), exception_handlers=handlers
    )
    return Guard(app, desk.settings, desk.metrics, _refusing(desk, pages))


def _running(desk: Desk, *, background: bool) -> Callable[[Starlette], AbstractAsyncContextManager[None]]:
    """What runs beside the requests, and ends with them."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        courier = courier_for(desk)
        desk.told = courier.wake
        work = [courier.run(), retention.run(desk.database, desk.settings)] if background else []
        running = [asyncio.create_task(w) for w in work]
        try:
            yield
        finally:
            for task in running:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
            desk.close()

    return lifespan


def _refusing(desk: Desk, pages: Pages) -> Refuse:
    """How the guard says no: a page to whoever sent a page's form, JSON to everybody else."""

    def refuse(scope: Scope, status: int, code: str, headers: Mapping[str, str]) -> App:
        language = desk.settings.default_language
        found = refusal(desk, RefusedError(status, code), language)
        if scope["path"] not in PAGE_PATHS:
            return JSONResponse(found.body(), status, dict(headers))
        page = pages.refused(found, language)
        page.headers.update(headers)
        return page

    return refuse


def _no_such_page(desk: Desk) -> Callable[[Request, HTTPException], Awaitable[Response]]:
    async def answer(request: Request, error: HTTPException) -> Response:
        found = refusal(desk, RefusedError(error.status_code, "not_found"), desk.settings.default_language)
        return JSONResponse(found.body(), found.status, error.headers)

    return answer


def courier_for(desk: Desk) -> Courier:
    """The courier with the targets that are set up."""
    return Courier(desk.database, targets(desk), link=desk.link, expected=desk.expected_now, clock=desk.clock)


def targets(desk: Desk) -> dict[str, Target]:
    settings = desk.settings
    outward = Outward(settings.allowed_networks)
    found: dict[str, Target] = {}
    if settings.mail is not None:
        found["mail"] = CustomerMail(settings.mail, desk.strings, settings.site_name)
        found["team-mail"] = TeamMail(
            settings.mail, desk.strings, settings.site_name, settings.default_language
        )
    if settings.webhook is not None:
        found["webhook"] = Webhook(settings.webhook, outward, desk.clock)
    if settings.zendesk is not None:
        found["zendesk"] = Zendesk(settings.zendesk, outward)
    if settings.zammad is not None:
        found["zammad"] = Zammad(settings.zammad, outward)
    return found
