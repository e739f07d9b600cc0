"""The outbox: what is still to be told, kept in the same transaction as what it tells of.

A row is delivered at least once under one stable id, by which a receiver recognises repetitions. Rows of
one ticket go to one target in order; rows of different tickets never wait for each other. What cannot be
delivered ends as a dead letter: it is listed, and can be sent again.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kb.desk.database import Row, Tx
from kb.desk.keys import new_id

SECOND_MS = 1_000
BACKOFF_S = (10, 30, 60, 300, 900, 3_600, 3 * 3_600, 6 * 3_600, 12 * 3_600, 24 * 3_600)
"""Waiting time after each failed attempt, about two days in all; after the last one the row is dead."""
LEASE_MS = 120 * SECOND_MS
"""A row taken for delivery belongs to that attempt this long; a crash gives it back."""
SENT_KEPT_MS = 14 * 86_400 * SECOND_MS
_LONGEST_WAIT_MS = 2 * BACKOFF_S[-1] * SECOND_MS


@dataclass(frozen=True, slots=True)
class Letter:
    """One thing to tell one target. ``state`` is ``waiting``, ``sent`` or ``dead``; ``due`` in
    milliseconds."""

    seq: int
    id: str
    ticket: str
    target: str
    kind: str
    payload: str
    """JSON; read when the letter is delivered, so that one damaged row stops nobody else's."""
    state: str
    attempts: int
    due: int
    created: int
    error: str


def add(tx: Tx, ticket: str, target: str, kind: str, payload: Mapping[str, Any], *, now: int) -> None:
    """Puts a letter into the outbox."""
    tx.execute(
        "INSERT INTO outbox (id, ticket, target, kind, payload, state, attempts, due, lease, created, error)"
        " VALUES (?, ?, ?, ?, ?, 'waiting', 0, ?, 0, ?, '')",
        (new_id(), ticket, target, kind, json.dumps(payload), now, now),
    )


def claim(tx: Tx, *, now: int, limit: int = 20) -> list[Letter]:
    """Takes letters that are due; they come back by themselves when nothing is heard of them for
    :data:`LEASE_MS`.

    Times further ahead than any waiting time were written before a clock was set back, and count as due.
    """
    rows = tx.rows(
        "SELECT * FROM outbox AS o WHERE state = 'waiting' AND (due <= ? OR due > ?) AND (lease <= ? OR lease > ?)"
        " AND NOT EXISTS (SELECT 1 FROM outbox AS p WHERE p.ticket = o.ticket AND p.target = o.target"
        " AND p.seq < o.seq AND p.state = 'waiting') ORDER BY due, seq LIMIT ?",
        (now, now + _LONGEST_WAIT_MS, now, now + 2 * LEASE_MS, limit),
    )
    return [_letter(row) for row in rows if _lease(tx, row, now)]


def _lease(tx: Tx, row: Row, now: int) -> bool:
    # Another process on the same PostgreSQL may have taken it between the two statements.
    changed = tx.execute(
        "UPDATE outbox SET lease = ? WHERE seq = ? AND lease = ? AND state = 'waiting'",
        (now + LEASE_MS, row["seq"], row["lease"]),
    )
    return changed == 1


def sent(tx: Tx, letter: Letter, *, now: int, remote: str = "") -> None:
    """The target has it; ``remote`` is the target's own number for the ticket."""
    tx.execute(
        "UPDATE outbox SET state = 'sent', lease = 0, due = ?, error = '', attempts = attempts + 1 WHERE seq = ?",
        (now, letter.seq),
    )
    if remote:
        tx.execute(
            "INSERT INTO remotes (ticket, target, remote) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            (letter.ticket, letter.target, remote),
        )


def failed(tx: Tx, letter: Letter, error: str, *, now: int, permanent: bool = False) -> None:
    """The target did not take it: later again, or a dead letter when it never will."""
    attempts = letter.attempts + 1
    if permanent or attempts > len(BACKOFF_S):
        state, due = "dead", now
    else:
        state, due = "waiting", now + BACKOFF_S[attempts - 1] * SECOND_MS
    tx.execute(
        "UPDATE outbox SET state = ?, due = ?, lease = 0, attempts = ?, error = ? WHERE seq = ?",
        (state, due, attempts, error[:300], letter.seq),
    )


def remote(tx: Tx, ticket: str, target: str) -> str:
    """The target's own number for the ticket, or nothing."""
    row = tx.one("SELECT remote FROM remotes WHERE ticket = ? AND target = ?", (ticket, target))
    return str(row["remote"]) if row else ""


def undelivered(tx: Tx, *, dead_only: bool = False, limit: int = 1_000) -> list[Letter]:
    """Letters not delivered yet, dead ones first."""
    states = ("dead",) if dead_only else ("dead", "waiting")
    marks = ", ".join("?" * len(states))
    rows = tx.rows(
        f"SELECT * FROM outbox WHERE state IN ({marks}) ORDER BY state, seq LIMIT ?", (*states, limit)
    )
    return [_letter(row) for row in rows]


def revive(tx: Tx, *, now: int, id: str = "") -> int:
    """Makes dead letters due again: one, or all."""
    where, values = (" AND id = ?", (id,)) if id else ("", ())
    return tx.execute(
        f"UPDATE outbox SET state = 'waiting', attempts = 0, due = ?, lease = 0 WHERE state = 'dead'{where}",
        (now, *values),
    )


def counts(tx: Tx) -> dict[str, int]:
    rows = tx.rows("SELECT state, count(*) AS n FROM outbox GROUP BY state")
    return {row["state"]: row["n"] for row in rows}


def forget_sent(tx: Tx, *, now: int) -> int:
    """Removes what was delivered long ago."""
    return tx.execute("DELETE FROM outbox WHERE state = 'sent' AND due < ?", (now - SENT_KEPT_MS,))


def _letter(row: Row) -> Letter:
    return Letter(
        row["seq"], row["id"], row["ticket"], row["target"], row["kind"], row["payload"], row["state"],
        row["attempts"], row["due"], row["created"], row["error"],
    )  # fmt: skip
