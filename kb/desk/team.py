"""The team's side: answering one ticket or many, from a text or from an article."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from kb.desk import tickets
from kb.desk.database import Database, Tx
from kb.desk.tickets import Filter, Message, Once, Ticket


@dataclass(frozen=True, slots=True)
class Answer:
    """What the team says. ``language`` is that of ``text``; ``article`` names the article a quote came from."""

    text: str
    language: str
    article: str = ""
    machine: bool = False

    def message(self) -> Message:
        return Message("team", self.text, self.language, machine=self.machine, article=self.article)


Compose = Callable[[Ticket], Answer]
"""The answer for one ticket: in its customer's language."""


def reply(
    database: Database, ticket: Ticket, answer: Answer, *, now: int, once: Once | None = None
) -> Ticket:
    """Answers a ticket; the mail to the customer is written in the same transaction."""
    return database.write(lambda tx: tickets.add_message(tx, ticket, answer.message(), now=now, once=once))


def reply_to_all(
    database: Database, found: Iterable[Ticket], compose: Compose, *, now: int
) -> list[tuple[Ticket, Answer]]:
    """The same answer to many. Sending the same text to the same tickets again sends nothing: a run that was
    interrupted can simply be repeated."""
    sent = []
    for ticket in found:
        answer = compose(ticket)
        digest = tickets.digest({"ticket": ticket.id, "text": answer.text})
        before = len(ticket.messages)
        once = Once(f"all-{digest[:48]}", "reply-to-all", digest)
        changed = reply(database, ticket, answer, now=now, once=once)
        if len(changed.messages) > before:
            sent.append((changed, answer))
    return sent


def matching(database: Database, wanted: Filter) -> list[Ticket]:
    """Tickets with their conversations."""

    def work(tx: Tx) -> list[Ticket]:
        found = (tickets.by_id(tx, ticket.id) for ticket in tickets.find(tx, wanted))
        return [ticket for ticket in found if ticket is not None]

    return database.read(work)


def erase(database: Database, email: str, *, now: int) -> int:
    """Forgets everything about an address; returns how many tickets that were."""
    return database.write(lambda tx: tickets.erase(tx, tickets.of_address(tx, email), now=now))
