"""Where the contact page's form goes: the ticket service, a mail, another system; and what the page's policy must allow
for it.

A static page keeps no secret, so nothing here signs anything: Zendesk and Zammad are met through the interfaces they
have for anybody (Zendesk's anonymous requests, Zammad's channel "Form").
"""

from collections.abc import Mapping
from urllib.parse import quote, urlsplit

import msgspec

MAIL = "mailto:"
"""As an action, it makes a mail of a form without any script; as a source, it allows that."""
BUILD_FILE = "build.json"
"""At the site's root: which commit the site was built from. Apart from the pages, so that a commit changes none."""
ZENDESK_REQUESTS = "/api/v2/requests.json"
ZAMMAD_FORM = ("/api/v1/form_config", "/api/v1/form_submit", "/api/v1/form_captcha_challenge")


class Destination(msgspec.Struct, frozen=True):
    """``kind`` is ``desk``, ``mail``, ``webhook``, ``zendesk`` or ``zammad``; ``address`` a path, or an address without
    a slash at its end; ``email`` is where people can write instead."""

    kind: str
    address: str = ""
    email: str = ""
    settings: Mapping[str, object] = msgspec.field(default_factory=dict)
    """What the form's script has to know of the other system; becomes JSON."""

    @property
    def action(self) -> str:
        """Where the form goes without scripts."""
        if self.kind == "desk":
            return f"{self.address}/contact"
        return self.address if self.kind == "webhook" else f"{MAIL}{quote(self.email, safe='@')}"

    @property
    def method(self) -> str:
        """How it goes there: a mail in its headers, which browsers escape; a posted one would end at an ``&``."""
        return "get" if self.action.startswith(MAIL) else "post"

    @property
    def connect(self) -> tuple[str, ...]:
        """Addresses the page's scripts may ask, beside those of the site itself."""
        match self.kind:
            case "zendesk":
                return (self.address + ZENDESK_REQUESTS,)
            case "zammad":
                return tuple(self.address + path for path in ZAMMAD_FORM)
            case "webhook":
                return (_source(self.address),)
            case "desk" if urlsplit(self.address).netloc:
                return (f"{self.address}/",)
        return ()

    @property
    def form_action(self) -> tuple[str, ...]:
        """Where the page may send a form, beside the site itself."""
        if self.action.startswith(MAIL):
            return (MAIL,)
        return self.connect


class Contact(msgspec.Struct, frozen=True):
    """Where customers reach people: shown on the contact page and under each article.

    ``expected`` says when customers hear back. Without a ``destination`` the contact page has no form.
    """

    email: str = ""
    phone: str = ""
    url: str = ""
    expected: str = ""
    destination: Destination | None = None

    @property
    def reaches_people(self) -> bool:
        """Whether there is any way to write or call; without one, pages do not invite to."""
        return bool(self.email or self.phone or self.url or self.destination)

    @property
    def connect(self) -> tuple[str, ...]:
        return self.destination.connect if self.destination else ()

    @property
    def form_action(self) -> tuple[str, ...]:
        return self.destination.form_action if self.destination else ()


def _source(address: str) -> str:
    """An address as a source of a policy, which has no query."""
    return address.partition("?")[0]
