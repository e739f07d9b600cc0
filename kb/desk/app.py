"""The ASGI application, put together: routes from :mod:`api` and :mod:`pages`, behind :mod:`guard`."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles

from kb.desk import retention
from kb.desk.api import Api
from kb.desk.courier import Courier
from kb.desk.guard import App, Guard, Scope
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
    if site is not None:
        routes.append(Mount("/", StaticFiles(directory=site, html=True)))

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

    def refuse(scope: Scope, status: int, code: str, headers: Mapping[str, str]) -> App:
        language = desk.settings.default_language
        found = refusal(desk, RefusedError(status, code), language)
        if scope["path"] in PAGE_PATHS:
            answer = pages.refused(found, language)
            answer.headers.update(headers)
            return answer
        return JSONResponse(found.body(), status, dict(headers))

    async def unknown(request: object, error: Exception) -> JSONResponse:
        found = refusal(
            desk,
            RefusedError(getattr(error, "status_code", 404), "not_found"),
            desk.settings.default_language,
        )
        return JSONResponse(found.body(), found.status, getattr(error, "headers", None))

    handlers = {404: unknown, 405: unknown} if site is None else {405: unknown}
    app = Starlette(routes=routes, lifespan=lifespan, exception_handlers=handlers)
    return Guard(app, desk.settings, desk.metrics, refuse)


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
