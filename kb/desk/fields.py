"""What a request may hold, checked once and described once: the same tables parse and make the OpenAPI
description.

A finding is a code (``too_long``); its wording is in ``theme/strings/desk``.
"""

import math
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

FIELD_PATTERN_ID = r"^[A-Za-z0-9][A-Za-z0-9_/.-]*$"


class InvalidError(Exception):
    """Fields that cannot be taken: name → code."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__(", ".join(f"{name}: {code}" for name, code in fields.items()))
        self.fields = dict(fields)


class _WrongError(Exception):
    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A string of at most ``most`` characters; ``lines`` allows more than one line."""

    most: int
    least: int = 0
    lines: bool = False
    pattern: str = ""
    one_of: tuple[str, ...] = ()

    @property
    def required(self) -> bool:
        return self.least > 0

    def parse(self, value: object) -> str:
        if not isinstance(value, str):
            raise _WrongError("type")
        text = _clean(value, lines=self.lines)
        if len(text) < self.least:
            raise _WrongError("required" if not text else "too_short")
        if len(text) > self.most:
            raise _WrongError("too_long")
        if text and self.pattern and not re.search(self.pattern, text):
            raise _WrongError("pattern")
        if text and self.one_of and text not in self.one_of:
            raise _WrongError("pattern")
        return text

    def default(self) -> str:
        return ""

    def schema(self) -> dict[str, Any]:
        found: dict[str, Any] = {"type": "string", "maxLength": self.most}
        if self.least:
            found["minLength"] = self.least
        if self.pattern:
            found["pattern"] = self.pattern
        if self.one_of:
            found["enum"] = list(self.one_of)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Email:
    """One address to which mail can be sent; its domain in ASCII."""

    most: int = 254
    required: bool = True

    def parse(self, value: object) -> str:
        from email_validator import EmailNotValidError, validate_email

        text = Text(most=self.most, least=int(self.required)).parse(value)
        if not text:
            return text
        try:
            found = validate_email(text, check_deliverability=False, allow_smtputf8=False)
        except EmailNotValidError:
            raise _WrongError("email") from None
        return found.ascii_email or found.normalized

    def default(self) -> str:
        return ""

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "email", "maxLength": self.most, "minLength": int(self.required)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A number from ``low`` to ``high``."""

    low: float
    high: float
    whole: bool = False
    required: bool = False

    def parse(self, value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise _WrongError("type")
        if isinstance(value, float) and (not math.isfinite(value) or (self.whole and not value.is_integer())):
            raise _WrongError("type")
        if not self.low <= value <= self.high:
            raise _WrongError("range")
        return int(value) if self.whole else float(value)

    def default(self) -> float:
        return self.low

    def schema(self) -> dict[str, Any]:
        kind = "integer" if self.whole else "number"
        return {"type": kind, "minimum": self.low, "maximum": self.high}


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    required: bool = False

    def parse(self, value: object) -> bool:
        if not isinstance(value, bool):
            raise _WrongError("type")
        return value

    def default(self) -> bool:
        return False

    def schema(self) -> dict[str, Any]:
        return {"type": "boolean"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Objects:
    """A list of at most ``most`` objects."""

    of: "Fields"
    most: int
    required: bool = False

    def parse(self, value: object) -> list[dict[str, Any]]:
        if not isinstance(value, list):
            raise _WrongError("type")
        if len(value) > self.most:
            raise _WrongError("too_long")
        try:
            return [self.of.parse(item) for item in value]
        except InvalidError as error:
            raise _WrongError(next(iter(error.fields.values()))) from None

    def default(self) -> list[dict[str, Any]]:
        return []

    def schema(self) -> dict[str, Any]:
        return {"type": "array", "maxItems": self.most, "items": self.of.schema()}


Field = Text | Email | Number | Flag | Objects


@dataclass(frozen=True, slots=True)
class Fields:
    """An object with exactly these fields; any other is refused."""

    fields: Mapping[str, Field]

    def parse(self, value: object) -> dict[str, Any]:
        """The cleaned values of all fields, defaults filled in.

        Raises:
            InvalidError: naming every field that cannot be taken.
        """
        if not isinstance(value, Mapping):
            raise InvalidError({"": "type"})
        wrong = {str(name)[:64]: "unknown" for name in value if name not in self.fields}
        found: dict[str, Any] = {}
        for name, field in self.fields.items():
            if name not in value and not field.required:
                found[name] = field.default()
                continue
            try:
                found[name] = field.parse(value.get(name, ""))
            except _WrongError as error:
                wrong[name] = "required" if name not in value else error.code
        if wrong:
            raise InvalidError(wrong)
        return found

    def schema(self) -> dict[str, Any]:
        """The same as JSON Schema."""
        return {
            "type": "object",
            "additionalProperties": False,
            "properties": {name: field.schema() for name, field in self.fields.items()},
            "required": [name for name, field in self.fields.items() if field.required],
        }


def _clean(value: str, *, lines: bool) -> str:
    """Normalised, trimmed text.

    NUL, lone surrogates, and in a single line any line break, are refused rather than removed: they are
    never typed, and a subject with a line break is an attempt at a mail header.
    """
    if _NEVER.search(value):
        raise _WrongError("characters")
    text = unicodedata.normalize(
        "NFC", value.replace("\r\n", "\n").replace("\r", "\n") if lines else value
    ).strip()
    if not lines and _LINE_BREAKS.search(text):
        raise _WrongError("line_breaks")
    return _CONTROLS.sub(" ", text).strip()


_NEVER = re.compile("[\0\ud800-\udfff]")
_LINE_BREAKS = re.compile("[\r\n\v\f\x1c-\x1e\x85\u2028\u2029]")
_CONTROLS = re.compile("[\x01-\x08\x0b-\x1f\x7f-\x9f]")
ID = Text(most=200, pattern=FIELD_PATTERN_ID)
LANGUAGE = Text(most=20, least=1, pattern=r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$")
SHOWN = Fields({
    "article": Text(most=200, least=1, pattern=FIELD_PATTERN_ID),
    "language": LANGUAGE,
    "score": Number(low=0, high=1),
    "opened": Flag(),
    "unhelpful": Flag(),
})  # fmt: skip
TICKET = Fields({
    "language": LANGUAGE,
    "subject": Text(most=200, least=1),
    "message": Text(most=10_000, least=1, lines=True),
    "email": Email(),
    "name": Text(most=100),
    "order": Text(most=64),
    "category": ID,
    "page": Text(most=500),
    "commit": Text(most=64, pattern=r"^[0-9a-f]+$"),
    "session": Text(most=64, pattern=r"^[A-Za-z0-9_-]+$"),
    "shown": Objects(of=SHOWN, most=10),
    "token": Text(most=300),
    "website": Text(most=300),
    "proof": Text(most=300),
})  # fmt: skip
SUGGEST = Fields({
    "language": LANGUAGE,
    "text": Text(most=12_000, least=1, lines=True),
    "limit": Number(low=1, high=10, whole=True),
})  # fmt: skip
_LINK = {"number": Text(most=64), "secret": Text(most=128)}
STATUS = Fields({**_LINK, "language": Text(most=20)})
REPLY = Fields({**_LINK, "language": Text(most=20), "message": Text(most=10_000, least=1, lines=True)})
EVENT = Fields({
    "session": Text(most=64, least=8, pattern=r"^[A-Za-z0-9_-]+$"),
    "kind": Text(most=20, least=1, one_of=("suggested", "opened", "solved", "unhelpful", "searched")),
    "language": LANGUAGE,
    "text": Text(most=2_000, lines=True),
    "offers": Objects(of=Fields({
        "article": Text(most=200, least=1, pattern=FIELD_PATTERN_ID),
        "language": LANGUAGE,
        "score": Number(low=0, high=1),
    }), most=10),
    "article": ID,
})  # fmt: skip
