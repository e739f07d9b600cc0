"""How one desk is set up: values the command line gathers from the configuration and the environment."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, time

BODY_LIMIT_BYTES = 64 * 1024
PHASE_TIMEOUT_S = 10.0
"""How long headers, a body, or the reading of an answer may take."""


@dataclass(frozen=True, slots=True)
class MailSettings:
    """An SMTP server. ``security`` is ``starttls``, ``tls`` or ``none``; ``team`` gets a copy of each
    ticket."""

    host: str
    sender: str
    port: int = 587
    security: str = "starttls"
    user: str = ""
    password: str = field(default="", repr=False)
    team: str = ""


@dataclass(frozen=True, slots=True)
class WebhookSettings:
    """A receiver of signed webhooks; ``secret`` as in Standard Webhooks, with or without ``whsec_``."""

    url: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ZendeskSettings:
    """``url`` like ``https://shop.zendesk.com``; ``user`` is the agent whose API token is used."""

    url: str
    user: str
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ZammadSettings:
    url: str
    token: str = field(repr=False)
    group: str = "Users"


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is taken before somebody has to wait."""

    tickets_per_address_hour: int = 20
    """For one address block: an IPv4 address, or the /56 of an IPv6 one."""
    tickets_per_mailbox_day: int = 10
    replies_per_mailbox_hour: int = 30
    tickets_per_minute: int = 120
    """From everybody together; beyond it proof of work is asked, and the page without scripts has its own
    share."""
    reads_per_address_minute: int = 240
    """Suggestions, status look-ups and events together."""
    receipts_per_day: int = 5_000
    """Automatic mails to customers; their addresses are unverified."""
    in_flight: int = 128
    """Requests worked on at once; more get 503 with Retry-After."""


@dataclass(frozen=True, slots=True)
class WorkingHours:
    """When somebody answers. ``days`` maps Monday (0) to Sunday (6) to opening and closing time."""

    timezone: str = "UTC"
    days: Mapping[int, tuple[time, time]] = field(default_factory=dict)
    holidays: frozenset[date] = frozenset()


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything a desk needs to know; secrets included, so it is never shown."""

    languages: tuple[str, ...]
    default_language: str
    site_name: str = ""
    public_url: str = ""
    """Where customers reach the site and ``/api/``, without a slash at the end:
    ``https://help.shop.example``."""
    hosts: tuple[str, ...] = ()
    """Further names the service answers to; that of ``public_url`` and loopback are always among them."""
    origins: tuple[str, ...] = ()
    """Other sites whose pages may embed the form: ``https://shop.example``."""
    trusted_proxies: tuple[str, ...] = ()
    """Addresses or networks whose ``X-Forwarded-For`` is believed."""
    allowed_networks: tuple[str, ...] = ()
    """Host names, addresses or networks that deliveries may reach although they are not public."""
    categories: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Language → category id → title."""
    fallback_email: str = ""
    expected_reply: Mapping[str, str] = field(default_factory=dict)
    """Language → a sentence that replaces the measured expectation."""
    hours: WorkingHours = field(default_factory=WorkingHours)
    limits: Limits = Limits()
    proof_of_work: str = "pressure"
    """``never``, ``pressure`` or ``always``."""
    keep_days: int = 365
    """Texts and addresses of closed tickets are erased after this many days."""
    events_days: int = 180
    link_days: int = 90
    """A status link works this long after the ticket's last change."""
    mail: MailSettings | None = None
    webhook: WebhookSettings | None = None
    zendesk: ZendeskSettings | None = None
    zammad: ZammadSettings | None = None

    def language(self, wanted: str) -> str:
        """``wanted`` if the desk speaks it, else the default."""
        return wanted if wanted in self.languages else self.default_language

    @property
    def team_targets(self) -> tuple[str, ...]:
        """Where news about tickets goes."""
        there = {
            "team-mail": self.mail is not None and bool(self.mail.team),
            "webhook": self.webhook is not None,
            "zendesk": self.zendesk is not None,
            "zammad": self.zammad is not None,
        }
        return tuple(name for name, used in there.items() if used)
