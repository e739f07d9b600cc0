"""Request bodies: read once, within bounds, into plain values. Anything odd is refused by name."""

import json
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request

from kb.desk.fields import Fields
from kb.desk.refusals import RefusedError

FORM_FIELDS = 40
"""More fields than any of our forms has."""


async def json_body(request: Request, fields: Fields) -> dict[str, Any]:
    """The request's JSON object.

    Raises:
        RefusedError: not JSON, or nested beyond reason.
        InvalidError: an object with the wrong fields.
    """
    if _media_type(request) != "application/json":
        raise RefusedError(415, "media_type")
    try:
        value = json.loads(
            (await request.body()).decode("utf-8"), object_pairs_hook=_no_repeats, parse_constant=_no_constant
        )
    except (ValueError, RecursionError):
        raise RefusedError(400, "malformed") from None
    return fields.parse(value)


async def form_body(request: Request) -> dict[str, str]:
    """The request's form fields; a field sent twice keeps its first value.

    Raises:
        RefusedError: not a form, too many fields, not UTF-8.
    """
    if _media_type(request) != "application/x-www-form-urlencoded":
        raise RefusedError(415, "media_type")
    body = await request.body()
    # Counted before anything is made of them.
    if body.count(b"&") >= FORM_FIELDS:
        raise RefusedError(413, "too_large")
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict")
    except ValueError:
        raise RefusedError(400, "malformed") from None
    found: dict[str, str] = {}
    for name, value in pairs:
        found.setdefault(name, value)
    return found


def _media_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _no_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands twice")
    return found


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")
