"""Carries letters from the outbox to their targets."""

import asyncio
import json
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from kb.desk import outbox, tickets
from kb.desk.database import Database, Tx
from kb.desk.outbox import Letter
from kb.desk.parcels import DeliveryError, Parcel, Target
from kb.desk.tickets import Ticket
from kb.errors import DeskError

log = logging.getLogger("kb.desk")
POLL_S = 5.0
"""How often the outbox is looked at without being told: the command line writes into it as well."""
TARGET_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class Claimed:
    """A letter with its ticket, read in the transaction that took it."""

    letter: Letter
    ticket: Ticket
    remote: str


class Courier:
    """Delivers what is due. ``link`` makes a ticket's status link, ``expected`` the sentence on the reply
    time."""

    def __init__(
        self,
        database: Database,
        targets: Mapping[str, Target],
        *,
        link: Callable[[Ticket], str],
        expected: Callable[[str], str] = lambda language: "",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database, self._targets, self._link, self._expected = database, targets, link, expected
        self._clock = clock
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """There is something new."""
        self._wake.set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            self._wake.clear()
            try:
                while await self.deliver_due():
                    pass
            except DeskError as error:
                log.warning("the outbox cannot be read", extra={"error": type(error).__name__})
            try:
                async with asyncio.timeout(POLL_S):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def deliver_due(self) -> int:
        """One round; returns how many letters were tried."""
        now = self._now()
        claimed = await asyncio.wrap_future(self._database.submit(lambda tx: _claim(tx, now)))
        await asyncio.gather(*(self._deliver(one) for one in claimed))
        return len(claimed)

    def _now(self) -> int:
        return int(self._clock() * 1000)

    async def _deliver(self, one: Claimed) -> None:
        letter = one.letter
        try:
            target = self._targets.get(letter.target)
            if target is None:
                raise DeliveryError("no such target is configured")
            async with asyncio.timeout(TARGET_TIMEOUT_S):
                remote = await target.deliver(self._parcel(one))
        except DeliveryError as error:
            await self._failed(letter, error.message, permanent=error.permanent)
        except TimeoutError:
            await self._failed(letter, "took too long", permanent=False)
        except Exception as error:  # A letter that breaks our own code must not stop the others.
            await self._failed(letter, f"cannot be delivered: {type(error).__name__}", permanent=True)
        else:
            now = self._now()
            await asyncio.wrap_future(
                self._database.submit(lambda tx: outbox.sent(tx, letter, now=now, remote=remote))
            )
            log.info("delivered", extra={"letter": letter.id, "target": letter.target, "kind": letter.kind})

    async def _failed(self, letter: Letter, error: str, *, permanent: bool) -> None:
        now = self._now()
        await asyncio.wrap_future(
            self._database.submit(lambda tx: outbox.failed(tx, letter, error, now=now, permanent=permanent))
        )
        log.warning(
            "not delivered",
            extra={"letter": letter.id, "target": letter.target, "kind": letter.kind, "error": error,
                   "attempt": letter.attempts + 1},
        )  # fmt: skip

    def _parcel(self, one: Claimed) -> Parcel:
        content = json.loads(one.letter.payload)
        position = content.get("position")
        return Parcel(
            letter=one.letter,
            ticket=one.ticket,
            message=one.ticket.messages[position - 1] if position else None,
            remote=one.remote,
            link=self._link(one.ticket),
            expected=self._expected(one.ticket.draft.language),
        )


def _claim(tx: Tx, now: int) -> list[Claimed]:
    found = []
    for letter in outbox.claim(tx, now=now):
        ticket = tickets.by_id(tx, letter.ticket)
        if ticket is not None:
            found.append(Claimed(letter, ticket, outbox.remote(tx, letter.ticket, letter.target)))
    return found
