"""The OpenAPI description, made from the same field tables that check the requests."""

from typing import Any

from kb import __version__
from kb.desk import fields

_STRING = {"type": "string"}
_JSON = "application/json"
_ERROR = {
    "type": "object",
    "required": ["code", "message"],
    "properties": {
        "code": _STRING,
        "message": {"type": "string", "description": "In the customer's language."},
        "fields": {
            "type": "object",
            "additionalProperties": {
                "type": "object",
                "required": ["code", "message"],
                "properties": {"code": _STRING, "message": _STRING},
            },
        },
        "proof": {"$ref": "#/components/schemas/Proof"},
    },
}
_PROOF = {
    "type": ["object", "null"],
    "description": "A task: send 'challenge:n' as 'proof', with the SHA-256 of it beginning with 'bits' zero bits.",
    "required": ["challenge", "bits"],
    "properties": {"challenge": _STRING, "bits": {"type": "integer"}},
}
_SUGGESTION = {
    "type": "object",
    "required": ["article", "title", "passage", "url", "language", "score"],
    "properties": {
        **dict.fromkeys(("article", "title", "passage", "url", "language"), _STRING),
        "score": {"type": "number", "minimum": 0, "maximum": 1},
    },
}
_TIME = {"type": "string", "format": "date-time"}
_TICKET = {
    "type": "object",
    "required": ["number", "state", "language", "subject", "message", "created", "expected", "messages"],
    "properties": {
        **dict.fromkeys(("number", "language", "subject", "message", "expected"), _STRING),
        "state": {"type": "string", "enum": ["open", "answered", "closed"]},
        "created": _TIME,
        "messages": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["author", "message", "language", "machine", "created"],
                "properties": {
                    "author": {"type": "string", "enum": ["customer", "team"]},
                    "message": _STRING,
                    "language": _STRING,
                    "machine": {"type": "boolean"},
                    "created": _TIME,
                },
            },
        },
    },
}
_FILED = {
    "type": "object",
    "required": ["number", "secret", "link", "expected"],
    "properties": dict.fromkeys(("number", "secret", "link", "expected"), _STRING),
}
_FORM = {
    "type": "object",
    "required": ["token", "proof", "expected", "categories", "fallback_email"],
    "properties": {
        "token": _STRING,
        "proof": {"$ref": "#/components/schemas/Proof"},
        "expected": _STRING,
        "categories": {"type": "object", "additionalProperties": _STRING},
        "fallback_email": _STRING,
    },
}
_STATUS = {"type": "object", "required": ["status"], "properties": {"status": _STRING}}
_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "Makes repeating the request safe: the same key with the same request changes nothing more.",
    "schema": {"type": "string", "pattern": "^[A-Za-z0-9_-]{16,64}$"},
}
_LANG = {"name": "lang", "in": "query", "schema": {"type": "string", "maxLength": 20}}


def describe() -> dict[str, Any]:
    """The whole description (OpenAPI 3.1)."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "BabelFAQ desk", "version": __version__, "license": {"name": "MIT"}},
        "paths": {
            "/api/form": {"get": _get("What a form needs before it is sent", "Form")},
            "/api/suggest": {"post": _post("Articles that may answer", fields.SUGGEST, "Suggestions")},
            "/api/tickets": {"post": _post("File a ticket", fields.TICKET, "Filed", "201", key=True)},
            "/api/tickets/status": {"post": _post("Follow a ticket", fields.STATUS, "Ticket", linked=True)},
            "/api/tickets/reply": {
                "post": _post("Say more", fields.REPLY, "Ticket", key=True, linked=True)
            },
            "/api/tickets/close": {
                "post": _post("Close: it is solved", fields.STATUS, "Ticket", key=True, linked=True)
            },
            "/api/tickets/reopen": {
                "post": _post("Open again", fields.STATUS, "Ticket", key=True, linked=True)
            },
            "/api/events": {"post": _post("Tell what happened on the way", fields.EVENT, "", "204")},
            "/api/health": {"get": _get("Whether the process answers", "Status")},
            "/api/ready": {"get": _get("Whether tickets can be filed", "Status")},
        },
        "components": {
            "schemas": {
                "Error": _ERROR, "Proof": _PROOF, "Suggestion": _SUGGESTION, "Ticket": _TICKET, "Filed": _FILED,
                "Form": _FORM, "Status": _STATUS,
                "Suggestions": {
                    "type": "object",
                    "required": ["suggestions"],
                    "properties": {
                        "suggestions": {"type": "array", "items": {"$ref": "#/components/schemas/Suggestion"}}
                    },
                },
            }
        },
    }  # fmt: skip


def _get(summary: str, answer: str) -> dict[str, Any]:
    return {
        "summary": summary,
        "parameters": [_LANG],
        "responses": {"200": _answer(answer), **_errors("400", "429", "503")},
    }


def _post(
    summary: str,
    body: fields.Fields,
    answer: str,
    status: str = "200",
    *,
    key: bool = False,
    linked: bool = False,
) -> dict[str, Any]:
    errors = ["400", "403", "408", "411", "413", "415", "422", "429", "503"]
    return {
        "summary": summary,
        "parameters": [_LANG, *([_KEY] if key else [])],
        "requestBody": {"required": True, "content": {_JSON: {"schema": body.schema()}}},
        "responses": {status: _answer(answer), **_errors(*errors, *(["404"] if linked else []))},
    }


def _answer(schema: str) -> dict[str, Any]:
    if not schema:
        return {"description": "Kept"}
    return {"description": "Done", "content": {_JSON: {"schema": {"$ref": f"#/components/schemas/{schema}"}}}}


def _errors(*statuses: str) -> dict[str, Any]:
    refused = {
        "description": "Refused",
        "content": {_JSON: {"schema": {"$ref": "#/components/schemas/Error"}}},
    }
    return dict.fromkeys(sorted(statuses), refused)
