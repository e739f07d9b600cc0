"""Keeping the queue readable without third parties: limits, form age, honeypot, scoring, proof of work.

Nothing is lost silently: what looks like spam waits in a review queue, and what is too much is told so with
429.
"""

import hashlib
import ipaddress
import re
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from kb.desk.keys import Keyring
from kb.desk.settings import Limits
from kb.desk.tickets import Draft, Judgement

REVIEW_SCORE = 60
FORM_AGE_LEAST_S = 3
FORM_AGE_MOST_S = 2 * 86_400
PROOF_BITS = 16
"""About a second in a browser; sending a million takes a farm."""
PROOF_LIFE_S = 600
BUCKETS_LIMIT = 50_000
_LINK = re.compile(r"https?://|www\.|\[url", re.IGNORECASE)


class TooManyError(Exception):
    """Over a limit; ``wait_s`` says when trying again makes sense."""

    def __init__(self, wait_s: float) -> None:
        super().__init__(f"{wait_s:.0f} s")
        self.wait_s = max(1, round(wait_s))


class ProofNeededError(Exception):
    """So much is coming in that a proof of work is asked for."""


class Buckets:
    """Token buckets by key: ``burst`` at once, then ``burst`` again each ``period_s``. Memory is bounded."""

    def __init__(
        self, burst: int, period_s: float, clock: Callable[[], float], *, most: int = BUCKETS_LIMIT
    ) -> None:
        self._burst, self._rate, self._clock, self._most = float(burst), burst / period_s, clock, most
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def _level(self, key: str) -> float:
        level, then = self._levels.get(key, (self._burst, self._clock()))
        return min(self._burst, level + (self._clock() - then) * self._rate)

    def room(self, key: str) -> bool:
        return self._level(key) >= 1

    def take(self, key: str) -> None:
        """Takes one.

        Raises:
            TooManyError: none is left.
        """
        level = self._level(key)
        if level < 1:
            raise TooManyError((1 - level) / self._rate)
        self._levels[key] = (level - 1, self._clock())
        self._levels.move_to_end(key)
        if len(self._levels) > self._most:
            # The one longest untouched is the fullest again.
            self._levels.popitem(last=False)


def address_block(address: str) -> str:
    """What one customer's connection can hardly leave: an IPv4 address, the /56 of an IPv6 one."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            return str(ip.ipv4_mapped)
        return str(ipaddress.ip_network((ip, 56), strict=False))
    return str(ip)


def for_logs(address: str) -> str:
    """An address with its last part cut, as it may stand in a log."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return "-"
    return str(ipaddress.ip_network((ip, 24 if ip.version == 4 else 48), strict=False).network_address)


class Gate:
    """Who may file, look up and ask, and how often."""

    def __init__(
        self,
        limits: Limits,
        keyring: Keyring,
        *,
        proof_of_work: str = "pressure",
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._keyring, self._policy, self._clock, self._wall = keyring, proof_of_work, clock, wall
        self._by_block = Buckets(limits.tickets_per_address_hour, 3_600, clock)
        self._by_mailbox = Buckets(limits.tickets_per_mailbox_day, 86_400, clock)
        # The page without scripts has its own share: a flood through the API does not close it.
        self._total = {way: Buckets(limits.tickets_per_minute, 60, clock, most=1) for way in ("api", "page")}
        # With proof of work ten times as much is taken; more than that is refused whatever it brings.
        self._proven = Buckets(limits.tickets_per_minute * 10, 60, clock, most=1)
        self._replies = Buckets(limits.replies_per_mailbox_hour, 3_600, clock)
        self._reads = Buckets(limits.reads_per_address_minute, 60, clock)
        self._spent: OrderedDict[str, float] = OrderedDict()

    def reading(self, address: str) -> None:
        """One suggestion, look-up or event.

        Raises:
            TooManyError: wait.
        """
        self._reads.take(address_block(address))

    def filing(self, address: str, email: str, *, way: str, proof: str = "") -> None:
        """One ticket. ``way`` is ``api`` or ``page``.

        Raises:
            TooManyError: wait.
            ProofNeededError: try again with a proof of work.
        """
        total = self._total[way]
        proven = bool(proof) and self._proves(proof)
        if way == "api" and not proven and self._asks_proof(total):
            raise ProofNeededError
        self._by_block.take(address_block(address))
        self._by_mailbox.take(self._keyring.mailbox(email))
        (self._proven if proven else total).take("all")

    def replying(self, email: str) -> None:
        """One message from somebody who holds a ticket's secret.

        Raises:
            TooManyError: wait.
        """
        self._replies.take(self._keyring.mailbox(email))

    def pressed(self) -> bool:
        """Whether a proof of work is asked for just now."""
        return self._asks_proof(self._total["api"])

    def _asks_proof(self, total: Buckets) -> bool:
        return self._policy == "always" or (self._policy == "pressure" and not total.room("all"))

    def challenge(self) -> dict[str, object]:
        """A task for the browser: find ``n`` such that SHA-256 of ``challenge:n`` begins with ``bits`` zero
        bits."""
        text = self._keyring.sign("proof", f"{int(self._wall())}-{secrets.token_hex(8)}")
        return {"challenge": text, "bits": PROOF_BITS}

    def _proves(self, proof: str) -> bool:
        challenge, _, _ = proof.rpartition(":")
        text = self._keyring.read("proof", challenge)
        if text is None or challenge in self._spent or not _zero_bits(proof, PROOF_BITS):
            return False
        if abs(self._wall() - int(text.partition("-")[0])) > PROOF_LIFE_S:
            return False
        self._spent[challenge] = self._clock()
        while self._spent and (
            len(self._spent) > BUCKETS_LIMIT
            or self._clock() - next(iter(self._spent.values())) > 2 * PROOF_LIFE_S
        ):
            self._spent.popitem(last=False)
        return True


def _zero_bits(text: str, bits: int) -> bool:
    value = int.from_bytes(hashlib.sha256(text.encode("utf-8", "replace")).digest(), "big")
    return value >> (256 - bits) == 0


def form_token(keyring: Keyring, now_s: float) -> str:
    """Says when a form was opened; also the seed of its idempotency key."""
    return keyring.sign("form", f"{int(now_s)}-{secrets.token_hex(8)}")


def form_age(keyring: Keyring, token: str, now_s: float) -> float | None:
    """Seconds since the form was opened, or ``None`` for a token that is not ours."""
    text = keyring.read("form", token)
    return None if text is None else now_s - int(text.partition("-")[0])


@dataclass(frozen=True, slots=True)
class Signs:
    """What is known about how a form was filled in. ``age_s`` is ``None`` without a valid token."""

    honeypot: bool
    age_s: float | None
    same: int
    """How many recent tickets say the same."""
    same_sender: int
    """How many of those came from the same address."""


def judge(draft: Draft, signs: Signs) -> Judgement:
    """How much a ticket looks like spam, from 0; from :data:`REVIEW_SCORE` on a person looks at it first.

    An age that makes no sense (a clock was set back, a tab stayed open for a week) counts little: it
    happens to people.
    """
    points = {
        "honeypot": 100 if signs.honeypot else 0,
        "no-form": 25 if signs.age_s is None else 0,
        "too-fast": 35 if signs.age_s is not None and 0 <= signs.age_s < FORM_AGE_LEAST_S else 0,
        "stale-form": 10 if signs.age_s is not None and not -60 <= signs.age_s <= FORM_AGE_MOST_S else 0,
        "links": min(60, 20 * max(0, len(_LINK.findall(f"{draft.subject} {draft.body}")) - 1)),
        "repeated": 60 if signs.same_sender else 0,
        "same-text": min(80, 30 * (signs.same - signs.same_sender)),
    }
    score = sum(points.values())
    return Judgement(score, tuple(name for name, n in points.items() if n), score >= REVIEW_SCORE)
