"""Other systems that work on tickets: a signed webhook, Zendesk, Zammad.

The signature is that of Standard Webhooks 1.0 (standardwebhooks.com); the requests follow the vendors'
ticket APIs (Zendesk ``/api/v2/tickets``, Zammad ``/api/v1/tickets`` and ``/api/v1/ticket_articles``).
"""

import base64
import binascii
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from kb.desk.outward import ANSWER_LIMIT_BYTES, Answer, Outward, OutwardError
from kb.desk.parcels import DeliveryError, Parcel
from kb.desk.settings import WebhookSettings, ZammadSettings, ZendeskSettings
from kb.errors import ConfigError

API_ANSWER_LIMIT_BYTES = 64 * 1024
"""Ticket systems answer with the whole ticket; of a webhook's answer only the status matters."""
_NEVER = frozenset({410, 422})
"""Statuses by which a receiver says that it will not take this, now or later."""
_JSON = "application/json; charset=utf-8"


class Webhook:
    """Every change as a signed ``POST``."""

    def __init__(
        self, settings: WebhookSettings, outward: Outward, clock: Callable[[], float] = time.time
    ) -> None:
        self._url, self._outward, self._clock = settings.url, outward, clock
        self._key = _webhook_key(settings.secret)

    async def deliver(self, parcel: Parcel) -> str:
        body = _encoded(event(parcel))
        stamp = str(int(self._clock()))
        signed = b".".join([parcel.letter.id.encode(), stamp.encode(), body])
        signature = base64.b64encode(hmac.digest(self._key, signed, hashlib.sha256)).decode()
        headers = {"Content-Type": _JSON, "webhook-id": parcel.letter.id, "webhook-timestamp": stamp,
                   "webhook-signature": f"v1,{signature}"}  # fmt: skip
        _accepted(await _call(self._outward, "POST", self._url, headers, body, ANSWER_LIMIT_BYTES))
        return ""


def _webhook_key(secret: str) -> bytes:
    try:
        return base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except binascii.Error:
        raise ConfigError(
            "the webhook's secret is not base64", hint="make one with: openssl rand -base64 32"
        ) from None


def event(parcel: Parcel) -> dict[str, Any]:
    """A change as JSON; ``type`` is ``ticket.created``, ``.replied``, ``.closed`` or ``.reopened``."""
    ticket, draft = parcel.ticket, parcel.ticket.draft
    data = {
        "number": ticket.number, "state": ticket.state, "language": draft.language, "category": draft.category,
        "subject": draft.subject, "message": draft.body, "email": draft.email, "name": draft.name,
        "order": draft.order_number, "page": draft.page, "articles_commit": draft.articles_commit,
        "shown": [{"article": s.article, "language": s.language, "score": s.score, "opened": s.opened,
                   "unhelpful": s.unhelpful} for s in draft.shown],
    }  # fmt: skip
    if parcel.message is not None:
        data["reply"] = parcel.message.body
    when = datetime.fromtimestamp(parcel.letter.created / 1000, UTC)
    return {"type": f"ticket.{parcel.letter.kind}", "timestamp": when.isoformat(), "data": data}


class Zendesk:
    """Tickets in Zendesk Support, with the customer as requester."""

    def __init__(self, settings: ZendeskSettings, outward: Outward) -> None:
        self._url, self._outward = settings.url.rstrip("/"), outward
        pair = f"{settings.user}/token:{settings.token}".encode()
        self._login = f"Basic {base64.b64encode(pair).decode()}"

    async def deliver(self, parcel: Parcel) -> str:
        if parcel.letter.kind == "created":
            answer = await self._request("POST", "/api/v2/tickets", self._new(parcel), parcel)
            ticket = _object(answer, "ticket")
            return f"{_whole(ticket, 'id')}/{_whole(ticket, 'requester_id')}"
        ticket_id, _, requester = _known(parcel).partition("/")
        if parcel.message is not None:
            # With the customer as author: a comment of the agent's own would be mailed to the customer.
            change: dict[str, Any] = {
                "comment": {"body": parcel.message.body, "author_id": int(requester), "public": True},
                "status": "open",
            }
        else:
            change = {"status": "solved" if parcel.letter.kind == "closed" else "open"}
        await self._request("PUT", f"/api/v2/tickets/{ticket_id}", {"ticket": change}, parcel)
        return ""

    def _new(self, parcel: Parcel) -> dict[str, Any]:
        draft = parcel.ticket.draft
        tags = ["babelfaq", f"lang-{draft.language}".lower()]
        if draft.category:
            tags.append(draft.category.replace("/", "-").lower())
        return {"ticket": {
            "subject": draft.subject,
            "comment": {"body": _with_facts(parcel)},
            "requester": {"name": draft.name or draft.email, "email": draft.email},
            "external_id": parcel.ticket.number,
            "tags": tags,
        }}  # fmt: skip

    async def _request(self, method: str, path: str, body: Mapping[str, Any], parcel: Parcel) -> Answer:
        headers = {"Content-Type": _JSON, "Accept": "application/json", "Authorization": self._login,
                   "Idempotency-Key": parcel.letter.id}  # fmt: skip
        return _accepted(await _call(self._outward, method, self._url + path, headers, _encoded(body)))


class Zammad:
    """Tickets in Zammad, with the customer guessed or made from the address."""

    def __init__(self, settings: ZammadSettings, outward: Outward) -> None:
        self._url, self._outward = settings.url.rstrip("/"), outward
        self._login, self._group = f"Token token={settings.token}", settings.group

    async def deliver(self, parcel: Parcel) -> str:
        draft = parcel.ticket.draft
        if parcel.letter.kind == "created":
            body = {"title": draft.subject, "group": self._group, "customer_id": f"guess:{draft.email}",
                    "article": self._article(draft.subject, _with_facts(parcel))}  # fmt: skip
            answer = await self._request("POST", "/api/v1/tickets", body)
            return str(_whole(_object(answer), "id"))
        remote = int(_known(parcel))
        if parcel.message is not None:
            article = self._article(draft.subject, parcel.message.body)
            await self._request("POST", "/api/v1/ticket_articles", {"ticket_id": remote, **article})
        else:
            state = "closed" if parcel.letter.kind == "closed" else "open"
            await self._request("PUT", f"/api/v1/tickets/{remote}", {"state": state})
        return ""

    def _article(self, subject: str, body: str) -> dict[str, Any]:
        return {"subject": subject, "body": body, "type": "web", "sender": "Customer", "internal": False,
                "content_type": "text/plain"}  # fmt: skip

    async def _request(self, method: str, path: str, body: Mapping[str, Any]) -> Answer:
        headers = {"Content-Type": _JSON, "Accept": "application/json", "Authorization": self._login}
        return _accepted(await _call(self._outward, method, self._url + path, headers, _encoded(body)))


def _with_facts(parcel: Parcel) -> str:
    draft = parcel.ticket.draft
    facts = [draft.body, "", f"BabelFAQ {parcel.ticket.number}"]
    facts += [value for value in (draft.order_number, draft.page) if value]
    return "\n".join(facts)


def _known(parcel: Parcel) -> str:
    if not parcel.remote:
        raise DeliveryError("the ticket itself has not been delivered there")
    return parcel.remote


def _encoded(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


async def _call(
    outward: Outward,
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    most_bytes: int = API_ANSWER_LIMIT_BYTES,
) -> Answer:
    try:
        return await outward.send(method, url, headers, body, most_bytes=most_bytes)
    except OutwardError as error:
        raise DeliveryError(error.message) from None


def _accepted(answer: Answer) -> Answer:
    if 200 <= answer.status < 300:
        return answer
    raise DeliveryError(f"answered {answer.status}", permanent=answer.status in _NEVER)


def _object(answer: Answer, key: str = "") -> Mapping[str, Any]:
    try:
        found = json.loads(answer.body)
        found = found[key] if key else found
    except (ValueError, KeyError, TypeError):
        found = None
    if not isinstance(found, Mapping):
        raise DeliveryError("answered something that is no ticket")
    return found


def _whole(found: Mapping[str, Any], key: str) -> int:
    value = found.get(key)
    if not isinstance(value, int) or isinstance(value, bool):
        raise DeliveryError("answered something that is no ticket")
    return value
