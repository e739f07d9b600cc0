"""Every way the service says no, as a status, a code, and words in the customer's language."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kb.desk.abuse import ProofNeededError, TooManyError
from kb.desk.database import BusyError, UnavailableError
from kb.desk.fields import InvalidError
from kb.desk.service import Desk, NotFoundError
from kb.desk.tickets import KeyReusedError, TooLongError

log = logging.getLogger("kb.desk")


class RefusedError(Exception):
    """A request that is not taken, whatever it is about."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status, self.code = status, code


@dataclass(frozen=True, slots=True)
class Refusal:
    """What is answered. ``fields`` maps a field to its code and message."""

    status: int
    code: str
    message: str
    headers: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)

    def body(self) -> dict[str, Any]:
        """The same as JSON."""
        found: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.fields:
            found["fields"] = dict(self.fields)
        return found | dict(self.extra)


def refusal(desk: Desk, error: Exception, language: str) -> Refusal:
    """The answer to ``error``. Nothing of the error itself is in it: no path, no address, no stack."""
    words = desk.strings.table(desk.settings.language(language))
    match error:
        case RefusedError():
            return Refusal(error.status, error.code, words[f"error_{error.code}"])
        case InvalidError():
            fields = {
                name: {"code": code, "message": words[f"invalid_{code}"]}
                for name, code in error.fields.items()
            }
            return Refusal(422, "invalid", words["error_invalid"], fields=fields)
        case TooManyError():
            return Refusal(429, "too_many", words["error_too_many"], {"Retry-After": str(error.wait_s)})
        case ProofNeededError():
            extra = {"proof": desk.gate.challenge()}
            return Refusal(429, "proof_needed", words["error_too_many"], {"Retry-After": "1"}, extra=extra)
        case KeyReusedError():
            return Refusal(422, "key_reused", words["error_key_reused"])
        case TooLongError():
            return Refusal(422, "conversation_too_long", words["error_conversation_too_long"])
        case NotFoundError():
            return Refusal(404, "not_found", words["error_ticket_not_found"])
        case BusyError():
            return Refusal(503, "busy", words["error_unavailable"], {"Retry-After": "2"})
        case UnavailableError():
            log.error("the database is unavailable", extra={"error": error.message})
            return Refusal(503, "unavailable", words["error_unavailable"], {"Retry-After": "10"})
        case _:
            log.error("a request failed", exc_info=error)
            return Refusal(500, "failed", words["error_unavailable"])
