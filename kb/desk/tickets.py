"""Tickets: what is kept, and every change to it as a function of one transaction.

A ticket, its idempotency key and the outbox rows that tell of it are written together or not at all. Times
are milliseconds since 1970 and come from the caller.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from kb.desk import outbox
from kb.desk.database import Database, Row, Tx, migrate
from kb.desk.engines import open_engine
from kb.desk.keys import new_id, new_number
from kb.desk.schema import MIGRATIONS
from kb.errors import DeskError

STATES = ("open", "answered", "closed")
DAY_MS = 86_400_000
IDEMPOTENCY_DAYS = 7
"""Longer than any client retries, even when a clock is two days off."""
MESSAGES_LIMIT = 200
"""Per ticket: a conversation longer than this belongs elsewhere."""


class KeyReusedError(DeskError):
    """An idempotency key that already stands for something else."""


class TooLongError(DeskError):
    """A conversation with as many messages as one may have."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A suggestion the customer saw before filing. ``score`` is between 0 and 1."""

    article: str
    language: str
    score: float = 0.0
    opened: bool = False
    unhelpful: bool = False


@dataclass(frozen=True, slots=True)
class Draft:
    """A ticket as filed: what the customer typed and saw."""

    language: str
    subject: str
    body: str
    email: str
    name: str = ""
    order_number: str = ""
    category: str = ""
    page: str = ""
    articles_commit: str = ""
    session: str = ""
    shown: tuple[Shown, ...] = ()

    def fingerprint(self) -> str:
        """The same for two tickets that say the same, whoever sends them."""
        words = " ".join(f"{self.subject}\n{self.body}".casefold().split())
        return hashlib.sha256(words.encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the spam scoring found. ``review`` keeps the ticket out of everybody's mail until a person
    looked."""

    score: int = 0
    reasons: tuple[str, ...] = ()
    review: bool = False


@dataclass(frozen=True, slots=True)
class Message:
    """Something said after the ticket was filed. ``author`` is ``customer`` or ``team``."""

    author: str
    body: str
    language: str
    created: int = 0
    machine: bool = False
    article: str = ""


@dataclass(frozen=True, slots=True)
class Ticket:
    """A ticket with its conversation."""

    id: str
    number: str
    state: str
    review: bool
    score: int
    reasons: tuple[str, ...]
    draft: Draft
    assignee: str
    created: int
    updated: int
    first_reply: int | None
    closed: int | None
    erased: bool
    messages: tuple[Message, ...] = ()


@dataclass(frozen=True, slots=True)
class Once:
    """An idempotency key with what it stands for: the route, and a digest of the request."""

    token: str
    route: str
    digest: str


@dataclass(frozen=True, slots=True)
class Notices:
    """Who is told: targets of the team, and whether the customer gets a receipt."""

    team: tuple[str, ...] = ()
    customer: bool = False
    mailbox: str = ""
    """The customer's address as something to count by."""
    receipts_per_day: int = 0


@dataclass(frozen=True, slots=True)
class Filter:
    """Which tickets. Empty fields do not filter; ``since`` and ``until`` are times of filing."""

    states: tuple[str, ...] = ()
    category: str = ""
    language: str = ""
    assignee: str = ""
    email: str = ""
    since: int | None = None
    until: int | None = None
    review: bool | None = None
    numbers: tuple[str, ...] = ()


def open_database(where: str) -> Database:
    """The database at ``where`` with its schema brought forward.

    Raises:
        DeskError: damaged, of a newer program, or not to be reached.
    """
    engine = open_engine(where)
    migrate(engine, MIGRATIONS)
    return Database(engine)


def digest(content: Mapping[str, Any]) -> str:
    """A digest by which a repeated request is told from a different one."""
    text = json.dumps(content, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def file(
    tx: Tx,
    draft: Draft,
    *,
    now: int,
    once: Once | None = None,
    judgement: Judgement | None = None,
    notices: Notices | None = None,
) -> Ticket:
    """Keeps a new ticket; the same ticket again when ``once`` was used for it before.

    Raises:
        KeyReusedError: ``once`` stands for another request.
    """
    if once is not None and (known := _repeated(tx, once)):
        return _required(tx, known)
    judgement, notices = judgement or Judgement(), notices or Notices()
    ticket = Ticket(
        id=new_id(), number=_free_number(tx), state="open", review=judgement.review, score=judgement.score,
        reasons=judgement.reasons, draft=draft, assignee="", created=now, updated=now, first_reply=None,
        closed=None, erased=False,
    )  # fmt: skip
    _insert(tx, ticket)
    if once is not None:
        _remember(tx, once, ticket.id, now)
    if not ticket.review:
        _tell_of_new(tx, ticket, notices, now)
    return ticket


def _tell_of_new(tx: Tx, ticket: Ticket, notices: Notices, now: int) -> None:
    for target in notices.team:
        outbox.add(tx, ticket.id, target, "created", {}, now=now)
    if notices.customer and _may_receive(tx, notices, now):
        outbox.add(tx, ticket.id, "mail", "receipt", {}, now=now)


def _may_receive(tx: Tx, notices: Notices, now: int) -> bool:
    # An address in a form is anybody's: one automatic mail a day, and only so many in all.
    day = str(now // DAY_MS)
    count = tx.one("SELECT count(*) AS n FROM receipts WHERE day = ?", (day,))
    if count is not None and count["n"] >= notices.receipts_per_day:
        return False
    added = tx.execute(
        "INSERT INTO receipts (day, mailbox) VALUES (?, ?) ON CONFLICT DO NOTHING", (day, notices.mailbox)
    )
    return added == 1


def add_message(
    tx: Tx, ticket: Ticket, message: Message, *, now: int, once: Once | None = None, team: Sequence[str] = ()
) -> Ticket:
    """Adds to a conversation. A customer's message opens the ticket again, the team's marks it answered and
    is mailed.

    Raises:
        KeyReusedError: ``once`` stands for another request.
        TooLongError: the conversation has as many messages as one may have.
    """
    if once is not None and _repeated(tx, once):
        return _required(tx, ticket.id)
    row = tx.one("SELECT count(*) AS n FROM messages WHERE ticket = ?", (ticket.id,))
    position = (row["n"] if row else 0) + 1
    if position > MESSAGES_LIMIT:
        raise TooLongError("this conversation is too long")
    tx.execute(
        "INSERT INTO messages (ticket, position, author, body, language, machine, article, created)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (ticket.id, position, message.author, message.body, message.language, int(message.machine),
         message.article, now),
    )  # fmt: skip
    if once is not None:
        _remember(tx, once, ticket.id, now)
    if message.author == "team":
        _answered(tx, ticket, position, now)
    else:
        _set_state(tx, ticket.id, "open", now)
        _tell(tx, ticket, team, "replied", {"position": position}, now)
    return _required(tx, ticket.id)


def _answered(tx: Tx, ticket: Ticket, position: int, now: int) -> None:
    _set_state(tx, ticket.id, "answered", now)
    # Whoever answers a ticket has looked at it.
    tx.execute(
        "UPDATE tickets SET first_reply = coalesce(first_reply, ?), review = 0 WHERE id = ?", (now, ticket.id)
    )
    if ticket.draft.email:
        outbox.add(tx, ticket.id, "mail", "answer", {"position": position}, now=now)


def set_state(
    tx: Tx, ticket: Ticket, state: str, *, now: int, once: Once | None = None, team: Sequence[str] = ()
) -> Ticket:
    """Closes or reopens; telling nobody when that changes nothing."""
    if once is not None and _repeated(tx, once):
        return _required(tx, ticket.id)
    current = _required(tx, ticket.id)
    if once is not None:
        _remember(tx, once, ticket.id, now)
    if current.state != state:
        _set_state(tx, ticket.id, state, now)
        _tell(tx, current, team, "closed" if state == "closed" else "reopened", {}, now)
    return _required(tx, ticket.id)


def _tell(
    tx: Tx, ticket: Ticket, team: Sequence[str], kind: str, payload: Mapping[str, Any], now: int
) -> None:
    if not ticket.review:
        for target in team:
            outbox.add(tx, ticket.id, target, kind, payload, now=now)


def _set_state(tx: Tx, id: str, state: str, now: int) -> None:
    closed = now if state == "closed" else None
    tx.execute("UPDATE tickets SET state = ?, updated = ?, closed = ? WHERE id = ?", (state, now, closed, id))


def assign(tx: Tx, ticket: Ticket, assignee: str, *, now: int) -> None:
    tx.execute("UPDATE tickets SET assignee = ?, updated = ? WHERE id = ?", (assignee, now, ticket.id))


def accept(tx: Tx, ticket: Ticket, notices: Notices, *, now: int) -> None:
    """Takes a ticket out of the review queue; now those are told who were not before."""
    if tx.execute("UPDATE tickets SET review = 0 WHERE id = ? AND review = 1", (ticket.id,)):
        _tell_of_new(tx, replace(ticket, review=False), notices, now)


def by_number(tx: Tx, number: str) -> Ticket | None:
    row = tx.one("SELECT * FROM tickets WHERE number = ?", (number,))
    return _with_messages(tx, row) if row else None


def by_id(tx: Tx, id: str) -> Ticket | None:
    row = tx.one("SELECT * FROM tickets WHERE id = ?", (id,))
    return _with_messages(tx, row) if row else None


def find(tx: Tx, wanted: Filter, *, limit: int = 1_000) -> list[Ticket]:
    """Matching tickets without their conversations, the oldest first."""
    where, values = _conditions(wanted)
    rows = tx.rows(f"SELECT * FROM tickets WHERE {where} ORDER BY created, id LIMIT ?", (*values, limit))
    return [_ticket(row) for row in rows]


def _conditions(wanted: Filter) -> tuple[str, list[object]]:
    parts: list[tuple[str, list[object]]] = [("erased = ?", [0])]
    if wanted.states:
        parts.append((f"state IN ({', '.join('?' * len(wanted.states))})", list(wanted.states)))
    if wanted.numbers:
        parts.append((f"number IN ({', '.join('?' * len(wanted.numbers))})", list(wanted.numbers)))
    for column in ("category", "language", "assignee", "email"):
        if value := getattr(wanted, column):
            parts.append((f"{column} = ?", [value]))
    if wanted.since is not None:
        parts.append(("created >= ?", [wanted.since]))
    if wanted.until is not None:
        parts.append(("created < ?", [wanted.until]))
    if wanted.review is not None:
        parts.append(("review = ?", [int(wanted.review)]))
    return " AND ".join(sql for sql, _ in parts), [value for _, values in parts for value in values]


def recent_like(tx: Tx, draft: Draft, *, since: int) -> tuple[int, int]:
    """How many tickets since then say the same, and how many of those come from the same address."""
    rows = tx.rows(
        "SELECT email FROM tickets WHERE fingerprint = ? AND created >= ? LIMIT 50",
        (draft.fingerprint(), since),
    )
    return len(rows), sum(row["email"] == draft.email for row in rows)


def reply_times(tx: Tx, *, since: int) -> list[tuple[int, int]]:
    """Filed and first answered, of all tickets first answered since then."""
    rows = tx.rows("SELECT created, first_reply FROM tickets WHERE first_reply >= ?", (since,))
    return [(row["created"], row["first_reply"]) for row in rows]


def counts(tx: Tx) -> dict[str, int]:
    """How many tickets are in each state, and how many wait for review."""
    rows = tx.rows("SELECT state, count(*) AS n FROM tickets GROUP BY state")
    review = tx.one("SELECT count(*) AS n FROM tickets WHERE review = 1 AND state <> 'closed'")
    return {row["state"]: row["n"] for row in rows} | {"review": review["n"] if review else 0}


def export(tx: Tx, email: str) -> list[dict[str, Any]]:
    """Everything kept about an address, for the person it belongs to."""
    rows = tx.rows("SELECT * FROM tickets WHERE lower(email) = lower(?) ORDER BY created", (email,))
    return [_exported(tx, row) for row in rows]


def _exported(tx: Tx, row: Row) -> dict[str, Any]:
    events = (
        tx.rows(
            "SELECT kind, language, text, article, created FROM events WHERE session = ?", (row["session"],)
        )
        if row["session"]
        else []
    )
    return {
        **{key: value for key, value in row.items() if key not in ("id", "session", "fingerprint", "erased")},
        "messages": tx.rows(
            "SELECT author, body, language, machine, created FROM messages WHERE ticket = ? ORDER BY position",
            (row["id"],),
        ),
        "shown": tx.rows(
            "SELECT article, language, score, opened, unhelpful FROM shown WHERE ticket = ? ORDER BY position",
            (row["id"],),
        ),
        "events": events,
    }


def erase(tx: Tx, ids: Sequence[str], *, now: int) -> int:
    """Removes texts, names and addresses of these tickets; what remains can be counted but belongs to
    nobody."""
    for id in ids:
        row = tx.one("SELECT session FROM tickets WHERE id = ?", (id,))
        tx.execute(
            "UPDATE tickets SET subject = '', body = '', name = '', email = '', order_number = '', page = '',"
            " session = '', fingerprint = '', erased = 1, state = 'closed', closed = coalesce(closed, ?)"
            " WHERE id = ?",
            (now, id),
        )
        tx.execute("UPDATE messages SET body = '' WHERE ticket = ?", (id,))
        tx.execute("DELETE FROM outbox WHERE ticket = ?", (id,))
        tx.execute("DELETE FROM remotes WHERE ticket = ?", (id,))
        tx.execute("DELETE FROM idempotency WHERE result = ?", (id,))
        if row and row["session"]:
            tx.execute("DELETE FROM events WHERE session = ?", (row["session"],))
    return len(ids)


def of_address(tx: Tx, email: str) -> list[str]:
    """Ids of all tickets of an address."""
    return [row["id"] for row in tx.rows("SELECT id FROM tickets WHERE lower(email) = lower(?)", (email,))]


def expired(tx: Tx, *, before: int, limit: int = 100) -> list[str]:
    """Ids of tickets closed before then whose texts are still kept."""
    rows = tx.rows("SELECT id FROM tickets WHERE erased = 0 AND closed < ? LIMIT ?", (before, limit))
    return [row["id"] for row in rows]


def forget_keys(tx: Tx, *, now: int) -> int:
    """Removes idempotency keys nobody will send again, and the receipts of past days."""
    # A clock that was set back leaves receipts of "tomorrow": only days well behind go.
    tx.execute("DELETE FROM receipts WHERE day < ?", (str(now // DAY_MS - 3),))
    return tx.execute("DELETE FROM idempotency WHERE created < ?", (now - IDEMPOTENCY_DAYS * DAY_MS,))


def _repeated(tx: Tx, once: Once) -> str | None:
    row = tx.one("SELECT route, digest, result FROM idempotency WHERE token = ?", (once.token,))
    if row is None:
        return None
    if (row["route"], row["digest"]) != (once.route, once.digest):
        raise KeyReusedError("this idempotency key was used for another request")
    return str(row["result"])


def _remember(tx: Tx, once: Once, result: str, now: int) -> None:
    tx.execute(
        "INSERT INTO idempotency (token, route, digest, result, created) VALUES (?, ?, ?, ?, ?)",
        (once.token, once.route, once.digest, result, now),
    )


def _free_number(tx: Tx) -> str:
    while True:
        number = new_number()
        if tx.one("SELECT 1 AS taken FROM tickets WHERE number = ?", (number,)) is None:
            return number


def _insert(tx: Tx, ticket: Ticket) -> None:
    draft = ticket.draft
    values: dict[str, object] = {
        "id": ticket.id, "number": ticket.number, "state": ticket.state, "review": int(ticket.review),
        "score": ticket.score, "reasons": " ".join(ticket.reasons), "fingerprint": draft.fingerprint(),
        "language": draft.language, "category": draft.category, "subject": draft.subject, "body": draft.body,
        "name": draft.name, "email": draft.email, "order_number": draft.order_number, "page": draft.page,
        "articles_commit": draft.articles_commit, "session": draft.session, "assignee": "",
        "created": ticket.created, "updated": ticket.updated, "erased": 0,
    }  # fmt: skip
    marks = ", ".join("?" * len(values))
    tx.execute(f"INSERT INTO tickets ({', '.join(values)}) VALUES ({marks})", tuple(values.values()))
    for position, shown in enumerate(draft.shown, start=1):
        tx.execute(
            "INSERT INTO shown (ticket, position, article, language, score, opened, unhelpful)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (ticket.id, position, shown.article, shown.language, shown.score, int(shown.opened),
             int(shown.unhelpful)),
        )  # fmt: skip


def _required(tx: Tx, id: str) -> Ticket:
    ticket = by_id(tx, id)
    if ticket is None:
        raise DeskError("the ticket is gone")
    return ticket


def _with_messages(tx: Tx, row: Row) -> Ticket:
    messages = tx.rows("SELECT * FROM messages WHERE ticket = ? ORDER BY position", (row["id"],))
    shown = tx.rows("SELECT * FROM shown WHERE ticket = ? ORDER BY position", (row["id"],))
    ticket = _ticket(row)
    return replace(
        ticket,
        draft=replace(ticket.draft, shown=tuple(_shown(r) for r in shown)),
        messages=tuple(_message(r) for r in messages),
    )


def _shown(row: Row) -> Shown:
    return Shown(row["article"], row["language"], row["score"], bool(row["opened"]), bool(row["unhelpful"]))


def _message(row: Row) -> Message:
    return Message(
        row["author"], row["body"], row["language"], row["created"], bool(row["machine"]), row["article"]
    )


def _ticket(row: Row) -> Ticket:
    draft = Draft(
        language=row["language"], subject=row["subject"], body=row["body"], email=row["email"], name=row["name"],
        order_number=row["order_number"], category=row["category"], page=row["page"],
        articles_commit=row["articles_commit"], session=row["session"],
    )  # fmt: skip
    return Ticket(
        id=row["id"], number=row["number"], state=row["state"], review=bool(row["review"]), score=row["score"],
        reasons=tuple(row["reasons"].split()), draft=draft, assignee=row["assignee"], created=row["created"],
        updated=row["updated"], first_reply=row["first_reply"], closed=row["closed"], erased=bool(row["erased"]),
    )  # fmt: skip
