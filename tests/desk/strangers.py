"""Stand-ins for systems that a static page writes to by itself: what they require of anybody, and which of their
answers a page of another site may see."""

import base64
import hashlib
import json
import secrets
from typing import Any
from urllib.parse import parse_qsl

from tests.desk.receivers import Request

Answer = tuple[int, Any, dict[str, str]]
ANYBODY = {"Access-Control-Allow-Origin": "*"}


class ZendeskRequests:
    """Zendesk's Create Request for anonymous users: asked first by browsers, since its body is JSON. Refusals (403,
    429) lack the header that would let the page see them, as Zendesk's guide to cross-origin requests says."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.open_to_anybody = True
        self.suspends = False

    def __call__(self, request: Request) -> Answer:
        if request.path != "/api/v2/requests.json":
            return 404, {"error": "InvalidEndpoint"}, ANYBODY
        if request.method == "OPTIONS":
            allowed = {"Access-Control-Allow-Methods": "POST", "Access-Control-Allow-Headers": "content-type"}
            return 200, b"", {**ANYBODY, **allowed}
        if "authorization" in request.headers or "cookie" in request.headers:
            return 401, {"error": "Couldn't authenticate you"}, {}
        if not self.open_to_anybody:
            return 403, {"error": "Forbidden"}, {}
        if request.headers.get("content-type") != "application/json":
            return 415, {"error": "UnsupportedMediaType"}, ANYBODY
        return self._create(request.json().get("request"))

    def _create(self, sent: Any) -> Answer:
        if not isinstance(sent, dict) or not isinstance(sent.get("requester"), dict):
            return (
                422,
                {"error": "RecordInvalid", "details": {"requester": [{"description": "blank"}]}},
                ANYBODY,
            )
        requester = sent["requester"]
        if not requester.get("name") or not sent.get("comment", {}).get("body"):
            return 422, {"error": "RecordInvalid", "details": {"base": [{"description": "blank"}]}}, ANYBODY
        if not requester.get("email", "").rpartition("@")[2].count("."):
            wrong = {"base": [{"description": "Requester: Email: is not properly formatted"}]}
            return 422, {"error": "RecordInvalid", "details": wrong}, ANYBODY
        ids = [entry["id"] for entry in sent.get("custom_fields", [])]
        if not all(
            isinstance(id, int) for id in [*ids, requester.get("locale_id", 1), sent.get("ticket_form_id", 1)]
        ):
            return 400, {"error": "wrong type"}, ANYBODY
        self.requests.append(sent)
        made = {"id": 35_000 + len(self.requests), "status": "new", "subject": sent["subject"]}
        return 201, {"suspended_ticket" if self.suspends else "request": made}, ANYBODY


class ZammadForm:
    """Zammad's channel "Form": a token for a fingerprint of more than 30 characters, then a ticket. There is no answer
    to a browser that asks first, so only simple requests come through; a refusal by status carries no header."""

    def __init__(self, *, captcha: str = "", active: bool = True) -> None:
        self.tickets: list[dict[str, str]] = []
        self._tokens: dict[str, str] = {}
        self._captcha, self._active = captcha, active
        self._challenges: dict[str, str] = {}

    def __call__(self, request: Request) -> Answer:
        sent = dict(parse_qsl(request.body.decode()))
        match request.method, request.path:
            case "POST", "/api/v1/form_config" if self._active and len(sent.get("fingerprint", "")) > 30:
                return self._config(sent["fingerprint"])
            case "POST", "/api/v1/form_submit" if self._tokens.get(sent.get("token", "")) == sent.get(
                "fingerprint", "-"
            ):
                return self._submit(sent)
            case "GET", "/api/v1/form_captcha_challenge" if self._captcha == "altcha":
                return self._challenge()
        return (404 if request.method == "OPTIONS" else 403), {"error": "Not authorized"}, {}

    def _config(self, fingerprint: str) -> Answer:
        token = secrets.token_hex(40)
        self._tokens[token] = fingerprint
        guard: dict[str, Any] = {"honeypot": {"field": "company_url"}}
        if self._captcha:
            guard["captcha"] = {"type": self._captcha, "response_field": self._captcha}
        # The address that Zammad knows itself by need not be the one the page was told.
        endpoint = "https://zammad.internal/api/v1/form_submit"
        return 200, {"enabled": True, "endpoint": endpoint, "token": token, "spam_protection": guard}, ANYBODY

    def _submit(self, sent: dict[str, str]) -> Answer:
        errors = {
            name: "required" for name in ("name", "email", "title", "body") if not sent.get(name, "").strip()
        }
        if "email" not in errors and sent["email"].rpartition("@")[2] not in ("customers.com", "example.com"):
            errors["email"] = "invalid"  # Zammad asks whether the domain takes mail.
        if not errors and (sent.get("company_url") or not self._solved(sent)):
            errors["spam"] = "Your submission was considered to be spam."
        if errors:
            return 200, {"errors": errors}, ANYBODY
        self.tickets.append(sent)
        return 200, {"ticket": {"id": len(self.tickets), "number": str(31_000 + len(self.tickets))}}, ANYBODY

    def _challenge(self) -> Answer:
        salt, number = f"{secrets.token_hex(12)}?expires=9999999999", secrets.randbelow(2_000)
        challenge = hashlib.sha256(f"{salt}{number}".encode()).hexdigest()
        self._challenges[challenge] = secrets.token_hex(32)
        made = {"algorithm": "SHA-256", "challenge": challenge, "maxnumber": 2_000, "salt": salt}
        return 200, {**made, "signature": self._challenges[challenge]}, ANYBODY

    def _solved(self, sent: dict[str, str]) -> bool:
        if not self._captcha:
            return True
        try:
            told = json.loads(base64.b64decode(sent[self._captcha]))
            digest = hashlib.sha256(f"{told['salt']}{told['number']}".encode()).hexdigest()
            return digest == told["challenge"] and self._challenges.pop(digest) == told["signature"]
        except (KeyError, ValueError):
            return False


class Program:
    """A program of the shop's own that takes forms. ``for_pages`` says whether it knows of pages of other sites."""

    def __init__(self, *, for_pages: bool, number: str = "") -> None:
        self.forms: list[dict[str, str]] = []
        self._for_pages, self._number = for_pages, number

    def __call__(self, request: Request) -> Answer:
        headers = ANYBODY if self._for_pages else {}
        if request.method == "OPTIONS":
            asked = request.headers.get("access-control-request-headers", "")
            return (
                (204 if self._for_pages else 405),
                b"",
                {**headers, "Access-Control-Allow-Headers": asked} if headers else {},
            )
        if request.method == "HEAD":
            return 405, b"", {}
        if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            return 415, {}, headers
        self.forms.append(dict(parse_qsl(request.body.decode(), keep_blank_values=True)))
        if self._for_pages:
            return 200, {"number": self._number} if self._number else {}, headers
        return (
            200,
            b"<!doctype html><title>Thanks</title><h1>Thank you, we have it</h1>",
            {"Content-Type": "text/html"},
        )
