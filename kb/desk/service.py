"""The desk itself: what can be asked of it, whether JSON or a page does the asking."""

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from kb.desk import events, hours, tickets
from kb.desk.abuse import Gate, Signs, form_age, form_token, judge
from kb.desk.database import BusyError, ConflictError, Database, Tx, UnavailableError
from kb.desk.events import Event
from kb.desk.keys import Keyring
from kb.desk.observe import Metrics
from kb.desk.settings import Settings
from kb.desk.strings import Strings, moment
from kb.desk.suggest import Suggest, Suggestion, nothing, quiet
from kb.desk.tickets import DAY_MS, Draft, Judgement, Message, Notices, Once, Shown, Ticket
from kb.errors import DeskError

log = logging.getLogger("kb.desk")
T = TypeVar("T")
SUGGESTIONS = 3
READERS = 4
SEARCHES_WAITING = 24
"""Questions that may wait for the index; more are refused, so that none waits for long."""
_EXPECTED_KEPT_S = 60.0
_KNOWN_KEYS = 10_000


class NotFoundError(DeskError):
    """No such ticket, or not with this secret: nobody is told which."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: an address, and whether through the API or the page without scripts."""

    address: str
    way: str = "api"


class Desk:
    """Filing, following, suggesting. ``clock`` is in seconds since 1970; ``commit`` says which commit the articles are
    at that customers see, empty where nobody knows; ``told`` is called after each change."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        keyring: Keyring,
        strings: Strings,
        *,
        suggest: Suggest = nothing,
        commit: Callable[[], str] = str,
        gate: Gate | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.settings, self.database, self.keyring, self.strings = settings, database, keyring, strings
        self.gate = gate or Gate(settings.limits, keyring, proof_of_work=settings.proof_of_work, wall=clock)
        self.metrics = Metrics()
        self.clock = clock
        self.told: Callable[[], None] = lambda: None
        self.commit = commit
        self._suggest = quiet(suggest)
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="desk-reader")
        self._searching = 0
        # An index is for one thread at a time.
        self._searcher = ThreadPoolExecutor(1, thread_name_prefix="desk-search")
        self._locks: dict[str, tuple[asyncio.Lock, int]] = {}
        self._known_keys: OrderedDict[str, None] = OrderedDict()
        self._reply_times: tuple[float, list[tuple[int, int]]] = (float("-inf"), [])

    # What customers do

    async def suggestions(
        self, language: str, text: str, *, limit: int = SUGGESTIONS
    ) -> Sequence[Suggestion]:
        """The articles that may answer ``text``; none when nothing is good enough or the index is broken.

        Raises:
            BusyError: too many are asking.
        """
        if self._searching >= SEARCHES_WAITING:
            raise BusyError("more questions are waiting than will be answered in time")
        known = self.settings.language(language)
        self._searching += 1
        try:
            return await self._searched(known, text, limit)
        finally:
            self._searching -= 1

    async def _searched(self, language: str, text: str, limit: int) -> Sequence[Suggestion]:
        return await asyncio.get_running_loop().run_in_executor(
            self._searcher, lambda: self._suggest(language, text, limit)
        )

    async def file(self, content: dict[str, Any], caller: Caller, *, key: str) -> Ticket:
        """Keeps a ticket and lets everybody know. ``content`` is what :data:`kb.desk.fields.TICKET` parsed.

        Raises:
            TooManyError, ProofNeededError: not now.
            KeyReusedError: the key stands for another request.
            UnavailableError: the database is.
        """
        draft = self.draft(content)
        once = Once(key, "file", tickets.digest(_identity(draft))) if key else None
        honeypot, age_s = bool(content["website"]), form_age(self.keyring, content["token"], self.clock())

        def work(tx: Tx) -> Ticket:
            now = self.now()
            same, same_sender = tickets.recent_like(tx, draft, since=now - DAY_MS)
            judgement = judge(draft, Signs(honeypot, age_s, same, same_sender))
            return tickets.file(
                tx, draft, now=now, once=once, judgement=judgement, notices=self._notices(draft, judgement)
            )

        async with self._one_at_a_time(key):
            if key not in self._known_keys:
                self.gate.filing(caller.address, draft.email, way=caller.way, proof=content["proof"])
            ticket = await self._write(work)
            self._know(key)
        self.metrics.count("tickets_filed")
        self.told()
        return ticket

    async def follow(self, number: str, secret: str) -> Ticket:
        """The ticket behind a status link.

        Raises:
            NotFoundError: unknown number, wrong secret or expired link, indistinguishably.
        """
        ticket = await self.read(lambda tx: tickets.by_number(tx, number.strip().upper()))
        # The comparison takes place for unknown numbers as well: the answer's time tells nothing either.
        right = self.keyring.opens(ticket.id if ticket else "none", secret)
        if ticket is None or not right or ticket.erased or self._link_expired(ticket):
            raise NotFoundError("no such ticket")
        return ticket

    def _link_expired(self, ticket: Ticket) -> bool:
        return ticket.updated + self.settings.link_days * DAY_MS < self.now()

    async def reply(self, ticket: Ticket, text: str, *, key: str) -> Ticket:
        """Adds what the customer says."""
        message = Message("customer", text, ticket.draft.language)
        once = self._once(key, "reply", ticket, text)
        team = self.settings.team_targets
        async with self._one_at_a_time(key):
            if key not in self._known_keys:
                self.gate.replying(ticket.draft.email)
            changed = await self._write(
                lambda tx: tickets.add_message(tx, ticket, message, now=self.now(), once=once, team=team)
            )
            self._know(key)
        self.told()
        return changed

    async def set_state(self, ticket: Ticket, state: str, *, key: str) -> Ticket:
        """Closes or reopens on the customer's word."""
        once = self._once(key, state, ticket, "")
        team = self.settings.team_targets
        changed = await self._write(
            lambda tx: tickets.set_state(tx, ticket, state, now=self.now(), once=once, team=team)
        )
        self.told()
        return changed

    async def record(self, event: Event) -> None:
        """Keeps what happened on the way."""
        await self._write(lambda tx: events.record(tx, event, now=self.now()))
        self.metrics.count(f"event_{event.kind}")

    # What is told

    def link(self, ticket: Ticket) -> str:
        """The private status link. Its secret is in the fragment, which browsers send to nobody."""
        base = f"{self.settings.public_url}/api/status?lang={ticket.draft.language}"
        return f"{base}#{self.code(ticket)}"

    def code(self, ticket: Ticket) -> str:
        """What opens the status page: number and secret."""
        return f"{ticket.number}.{self.keyring.ticket_secret(ticket.id)}"

    async def expected(self, language: str) -> str:
        """A sentence on when the customer hears back."""
        then, _ = self._reply_times
        if time.monotonic() - then > _EXPECTED_KEPT_S:
            start = self.now() - hours.WINDOW_DAYS * DAY_MS
            found = await self.read(lambda tx: tickets.reply_times(tx, since=start))
            self._reply_times = (time.monotonic(), found)
        return self.expected_now(language)

    def expected_now(self, language: str) -> str:
        """The same from what was last measured, without looking again."""
        if configured := self.settings.expected_reply.get(language, ""):
            return configured
        now = datetime.fromtimestamp(self.clock(), UTC)
        by = hours.expected_by(self._reply_times[1], self.settings.hours, now)
        if by is None:
            return self.strings.text(language, "expected_unknown")
        local = by.astimezone(ZoneInfo(self.settings.hours.timezone))
        return self.strings.text(language, "expected_by", when=moment(local, language))

    def form(self) -> dict[str, Any]:
        """What a form needs before it is sent: a signed opening time, and a proof of work when one is asked
        for."""
        proof = self.gate.challenge() if self.gate.pressed() else None
        return {"token": form_token(self.keyring, self.clock()), "proof": proof}

    def draft(self, content: dict[str, Any]) -> Draft:
        language = self.settings.language(content["language"])
        return Draft(
            language=language,
            subject=content["subject"],
            body=content["message"],
            email=content["email"],
            name=content["name"],
            order_number=content["order"],
            category=self.category(language, content["category"]),
            page=own_path(content["page"]),
            articles_commit=content["commit"] or self.commit(),
            session=content["session"],
            shown=tuple(Shown(**seen) for seen in content["shown"]),
        )

    def category(self, language: str, wanted: str) -> str:
        """``wanted`` if there is such a category, else none: the team can sort it."""
        return wanted if wanted in self.settings.categories.get(language, {}) else ""

    # How it is done

    def now(self) -> int:
        """Milliseconds since 1970."""
        return int(self.clock() * 1000)

    async def read(self, work: Callable[[Tx], T]) -> T:
        return await self._in_thread(lambda: self.database.read(work))

    async def _write(self, work: Callable[[Tx], T]) -> T:
        try:
            return await asyncio.wrap_future(self.database.submit(work))
        except ConflictError:
            # Another process was first; seen from now, its row is there.
            try:
                return await asyncio.wrap_future(self.database.submit(work))
            except ConflictError:
                raise UnavailableError("two processes keep writing the same value") from None

    async def _in_thread(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._readers, call)

    def _notices(self, draft: Draft, judgement: Judgement) -> Notices:
        mailbox = self.keyring.mailbox(draft.email)
        receipts = self.settings.limits.receipts_per_day
        return Notices(self.settings.team_targets, self.settings.mail is not None, mailbox, receipts)

    def _once(self, key: str, route: str, ticket: Ticket, text: str) -> Once | None:
        if not key:
            return None
        return Once(key, route, tickets.digest({"ticket": ticket.id, "text": text}))

    def _know(self, key: str) -> None:
        if key:
            self._known_keys[key] = None
            while len(self._known_keys) > _KNOWN_KEYS:
                self._known_keys.popitem(last=False)

    @asynccontextmanager
    async def _one_at_a_time(self, key: str) -> AsyncIterator[None]:
        """Repetitions of one request wait for the first, so that only that one counts towards the limits."""
        if not key:
            yield
            return
        lock, users = self._locks.get(key, (asyncio.Lock(), 0))
        self._locks[key] = (lock, users + 1)
        try:
            async with lock:
                yield
        finally:
            _, users = self._locks.pop(key)
            if users > 1:
                self._locks[key] = (lock, users - 1)

    def close(self) -> None:
        self._readers.shutdown()
        self._searcher.shutdown()
        self.database.close()


def own_path(path: str) -> str:
    """``path`` if it leads to a page of this site, else nothing: ``//evil`` and ``/\\evil`` are other
    sites."""
    if not path.startswith("/") or path.startswith(("//", "/\\")) or "\\" in path:
        return ""
    return path if path.isprintable() else ""


def _identity(draft: Draft) -> dict[str, Any]:
    """What makes two requests the same one: what was typed, not what was seen or measured meanwhile."""
    return {
        "language": draft.language, "subject": draft.subject, "body": draft.body, "email": draft.email,
        "name": draft.name, "order": draft.order_number, "category": draft.category,
    }  # fmt: skip
