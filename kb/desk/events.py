"""What happened on the way to a ticket, or to none: offered, opened, solved, did not help, searched.

No cookie and no address: a session is a random word the page makes up when the form opens, and the ticket
that follows carries the same word. ``kb.insight`` reads these rows.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from kb.desk.database import Tx

KINDS = ("suggested", "opened", "solved", "unhelpful", "searched")
DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Offer:
    """An article as it was offered; ``score`` between 0 and 1."""

    article: str
    language: str
    score: float


@dataclass(frozen=True, slots=True)
class Event:
    """``text`` is what was typed or searched, ``offers`` what was offered for it, ``article`` what the
    event is about."""

    session: str
    kind: str
    language: str
    text: str = ""
    offers: tuple[Offer, ...] = ()
    article: str = ""
    created: int = 0


def record(tx: Tx, event: Event, *, now: int) -> None:
    offers = [[offer.article, offer.language, round(offer.score, 4)] for offer in event.offers]
    tx.execute(
        "INSERT INTO events (session, kind, language, text, articles, article, created) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (event.session, event.kind, event.language, event.text, json.dumps(offers), event.article, now),
    )


def since(tx: Tx, start: int, *, until: int | None = None, kinds: Sequence[str] = KINDS) -> list[Event]:
    """Events from ``start`` on (milliseconds since 1970), in the order they happened."""
    marks = ", ".join("?" * len(kinds))
    end = "" if until is None else " AND created < ?"
    rows = tx.rows(
        f"SELECT * FROM events WHERE created >= ? AND kind IN ({marks}){end} ORDER BY seq",
        (start, *kinds, *([] if until is None else [until])),
    )
    return [
        Event(
            row["session"], row["kind"], row["language"], row["text"],
            tuple(Offer(*offer) for offer in json.loads(row["articles"])), row["article"], row["created"],
        )
        for row in rows
    ]  # fmt: skip


def forget(tx: Tx, *, before: int) -> int:
    return tx.execute("DELETE FROM events WHERE created < ?", (before,))
