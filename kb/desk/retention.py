"""Forgetting: texts, addresses and traces go when their time is up."""

import asyncio
import logging
import time
from functools import partial

from kb.desk import events, outbox, tickets
from kb.desk.database import Database, Tx
from kb.desk.settings import Settings
from kb.desk.tickets import DAY_MS
from kb.errors import DeskError

log = logging.getLogger("kb.desk")
PERIOD_S = 3_600.0


def forget(database: Database, settings: Settings, now: int) -> int:
    """Erases what is due; returns how many tickets lost their texts. Small transactions, so that filing
    goes on."""
    before = now - settings.keep_days * DAY_MS
    erased = 0
    while ids := database.read(lambda tx: tickets.expired(tx, before=before)):
        erased += database.write(partial(tickets.erase, ids=ids, now=now))
    database.write(lambda tx: _traces(tx, settings, now))
    return erased


def _traces(tx: Tx, settings: Settings, now: int) -> None:
    tickets.forget_keys(tx, now=now)
    outbox.forget_sent(tx, now=now)
    events.forget(tx, before=now - settings.events_days * DAY_MS)


async def run(database: Database, settings: Settings) -> None:
    """Every hour, until cancelled."""
    while True:
        try:
            erased = await asyncio.to_thread(forget, database, settings, int(time.time() * 1000))
            log.info("retention", extra={"erased": erased})
        except DeskError as error:
            log.warning("retention has to wait", extra={"error": type(error).__name__})
        await asyncio.sleep(PERIOD_S)
