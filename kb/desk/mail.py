"""Mail: what is written to customers and to the team, and the SMTP connection it goes through.

An automatic mail to a customer holds nothing the form's sender typed: the address may be somebody else's,
and then it is no way to send them anything. What a customer wrote reaches the team as plain text.
"""

import html
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, formataddr, parseaddr

from kb.content.languages import direction
from kb.desk.parcels import DeliveryError, Parcel
from kb.desk.settings import MailSettings
from kb.desk.strings import Strings

TIMEOUT_S = 20.0
_PERMANENT = range(550, 555)
"""SMTP replies after which this mail will never be taken: no such mailbox, refused by policy, too large."""


class CustomerMail:
    """Receipts and answers."""

    def __init__(self, settings: MailSettings, strings: Strings, site_name: str) -> None:
        self._settings, self._strings, self._site = settings, strings, site_name

    async def deliver(self, parcel: Parcel) -> str:
        if not parcel.ticket.draft.email:
            raise DeliveryError("the ticket has no address", permanent=True)
        await _send(self._settings, self.compose(parcel), parcel.ticket.draft.email)
        return ""

    def compose(self, parcel: Parcel) -> EmailMessage:
        """The mail for a parcel, as text and as minimal HTML."""
        language = parcel.ticket.draft.language
        message = _frame(self._settings, parcel, self._site)
        message["To"] = parcel.ticket.draft.email
        message["Content-Language"] = language
        subject, paragraphs = self._receipt(parcel) if parcel.message is None else self._answer(parcel)
        message["Subject"] = subject
        link = self._strings.text(language, "mail_status_link")
        footer = self._strings.text(language, "mail_footer", site=self._site)
        message.set_content("\n\n".join([*paragraphs, f"{link}\n{parcel.link}", f"-- \n{footer}"]) + "\n")
        message.add_alternative(_html(language, paragraphs, link, parcel.link, footer), subtype="html")
        return message

    def _receipt(self, parcel: Parcel) -> tuple[str, list[str]]:
        language, number = parcel.ticket.draft.language, parcel.ticket.number
        text = self._strings.text
        return text(language, "mail_receipt_subject", number=number), [
            text(language, "mail_hello"),
            text(language, "mail_receipt_body", number=number, site=self._site),
            parcel.expected or text(language, "expected_unknown"),
            text(language, "mail_not_you"),
        ]

    def _answer(self, parcel: Parcel) -> tuple[str, list[str]]:
        assert parcel.message is not None
        language, number = parcel.ticket.draft.language, parcel.ticket.number
        text = self._strings.text
        marked = [text(language, "machine_translated")] if parcel.message.machine else []
        return text(language, "mail_answer_subject", number=number), [
            text(language, "mail_hello"),
            text(language, "mail_answer_body", number=number, site=self._site),
            *marked,
            parcel.message.body,
            text(language, "mail_answer_how"),
        ]


class TeamMail:
    """News about tickets, to the team's own address."""

    def __init__(self, settings: MailSettings, strings: Strings, site_name: str, language: str) -> None:
        self._settings, self._strings, self._site, self._language = settings, strings, site_name, language

    async def deliver(self, parcel: Parcel) -> str:
        await _send(self._settings, self.compose(parcel), self._settings.team)
        return ""

    def compose(self, parcel: Parcel) -> EmailMessage:
        """The mail for a parcel, as plain text only."""
        message = _frame(self._settings, parcel, self._site)
        message["To"] = self._settings.team
        draft = parcel.ticket.draft
        message["Reply-To"] = draft.email
        event = self._strings.text(self._language, f"team_{parcel.letter.kind}")
        message["Subject"] = f"[{parcel.ticket.number}] {event}: {draft.subject}"
        said = parcel.message.body if parcel.message else draft.body
        facts = [("number", parcel.ticket.number), ("email", draft.email), ("name", draft.name),
                 ("order", draft.order_number), ("category", draft.category), ("language", draft.language),
                 ("page", draft.page)]  # fmt: skip
        lines = [
            f"{self._strings.text(self._language, f'field_{key}')}: {value}" for key, value in facts if value
        ]
        seen = [f"  {n}. {s.article} ({s.language}, {s.score:.2f}){' *' if s.opened else ''}"
                for n, s in enumerate(draft.shown, start=1)]  # fmt: skip
        if seen:
            lines += [f"{self._strings.text(self._language, 'team_saw')}:", *seen]
        message.set_content(f"{said}\n\n-- \n" + "\n".join(lines) + "\n")
        return message


def _frame(settings: MailSettings, parcel: Parcel, site_name: str) -> EmailMessage:
    message = EmailMessage(policy=SMTP)
    name, address = parseaddr(settings.sender)
    domain = address.rpartition("@")[2] or "localhost"
    message["From"] = formataddr((name or site_name, address))
    # Made when the letter was written, not when it is sent: a repeated delivery is the same mail.
    message["Date"] = format_datetime(datetime.fromtimestamp(parcel.letter.created / 1000, UTC))
    message["Message-ID"] = f"<{parcel.letter.id}@{domain}>"
    message["References"] = f"<{parcel.ticket.id}@{domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    return message


def _html(language: str, paragraphs: list[str], link_text: str, link: str, footer: str) -> str:
    body = "".join(f"<p>{html.escape(p).replace(chr(10), '<br>')}</p>" for p in paragraphs)
    return (
        f'<!doctype html><html lang="{html.escape(language)}" dir="{direction(language)}"><body>{body}'
        f'<p><a href="{html.escape(link)}">{html.escape(link_text)}</a></p><p>{html.escape(footer)}</p></body></html>'
    )


async def _send(settings: MailSettings, message: EmailMessage, recipient: str) -> None:
    import aiosmtplib

    try:
        await aiosmtplib.send(
            message,
            # Named here as well: what stands in a header is never taken apart into several recipients.
            recipients=[recipient],
            sender=parseaddr(settings.sender)[1],
            hostname=settings.host,
            port=settings.port,
            use_tls=settings.security == "tls",
            start_tls=settings.security == "starttls",
            username=settings.user or None,
            password=settings.password or None,
            timeout=TIMEOUT_S,
        )
    except aiosmtplib.SMTPRecipientsRefused as error:
        codes = [refused.code for refused in error.recipients]
        raise DeliveryError(
            f"recipient refused: {codes}", permanent=all(c in _PERMANENT for c in codes)
        ) from None
    except aiosmtplib.SMTPResponseException as error:
        raise DeliveryError(
            f"mail server answered {error.code}", permanent=error.code in _PERMANENT
        ) from None
    except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
        raise DeliveryError(f"mail server: {type(error).__name__}") from None
