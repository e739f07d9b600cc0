"""What a target is handed: a letter from the outbox with everything needed to deliver it."""

from dataclasses import dataclass
from typing import Protocol

from kb.desk.outbox import Letter
from kb.desk.tickets import Message, Ticket
from kb.errors import DeskError


class DeliveryError(DeskError):
    """A target did not take a letter; ``permanent`` when it never will."""

    def __init__(self, message: str, *, permanent: bool = False) -> None:
        super().__init__(message)
        self.permanent = permanent


@dataclass(frozen=True, slots=True)
class Parcel:
    """``message`` is what was said, for letters about a message; ``remote`` the target's own number for the
    ticket; ``link`` the customer's status link; ``expected`` a sentence on when the customer hears back."""

    letter: Letter
    ticket: Ticket
    message: Message | None
    remote: str
    link: str
    expected: str


class Target(Protocol):
    """Somewhere letters go."""

    async def deliver(self, parcel: Parcel) -> str:
        """Hands the parcel over; returns the target's own number for the ticket if it just learnt it.

        Raises:
            DeliveryError: it was not taken.
        """
        ...
