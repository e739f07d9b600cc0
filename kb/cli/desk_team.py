"""``kb desk list``, ``show``, ``reply`` and the rest: the team's side of the desk."""

import argparse
import csv
import io
import os
import re
import tempfile
import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from kb.cli import console as consoles
from kb.cli.console import Console
from kb.desk import outbox, team, tickets
from kb.desk.database import Database
from kb.desk.tickets import Filter, Ticket
from kb.errors import ConfigError, DeskError, did_you_mean

_UNITS_S = {"m": 60, "h": 3_600, "d": 86_400, "w": 7 * 86_400}
_AGE = re.compile(r"(\d{1,5})([mhdw])")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_WHERE_KEYS = ("state", "category", "language", "assignee", "email")
_COLUMNS = ("number", "state", "age", "language", "category", "assignee", "subject")
_SUBJECT_WIDTH = 60


def add(desk: Any) -> None:
    """Declare the commands of this module."""
    listing = _command(desk, "list", run_list, "tickets, the oldest first")
    _filters(listing)
    listing.add_argument("--format", choices=("table", "json", "csv"), default="table", help="default: table")

    show = _command(desk, "show", run_show, "one ticket with everything said and seen")
    show.add_argument("number", metavar="NUMBER", help="as 'kb desk list' shows it")
    show.add_argument("--lang", metavar="L", help="translate by machine into this language")
    show.add_argument("--format", choices=("text", "json"), default="text", help="default: text")

    reply = _command(desk, "reply", run_reply, "answer one ticket, or many at once")
    reply.add_argument("number", metavar="NUMBER", nargs="?", help="the ticket; or say --where")
    reply.add_argument("--message", metavar="TEXT", help="what to say (default: write it in $EDITOR)")
    reply.add_argument("--file", metavar="FILE", help="a file with what to say; - for standard input")
    reply.add_argument("--article", metavar="ID", help="quote this article in the customer's language")
    reply.add_argument("--lang", metavar="L", help="language of the text (default: the customer's)")
    reply.add_argument("--translate", action="store_true", help="translate by machine, and say so")
    reply.add_argument(
        "--where", action="append", default=[], metavar="KEY=VALUE", help=f"many: {', '.join(_WHERE_KEYS)}"
    )
    reply.add_argument("--since", metavar="AGE", help="many: filed in the last AGE (90m, 2h, 3d)")
    reply.add_argument("--yes", action="store_true", help="do not ask")
    reply.add_argument("--dry-run", action="store_true", help="show what would be sent")

    for name, run, what in (
        ("close", run_close, "close tickets"),
        ("accept", run_accept, "take tickets out of the review queue"),
    ):
        command = _command(desk, name, run, what)
        command.add_argument("numbers", metavar="NUMBER", nargs="+", help="as 'kb desk list' shows them")
    assign = _command(desk, "assign", run_assign, "say who works on a ticket")
    assign.add_argument("number", metavar="NUMBER", help="as 'kb desk list' shows it")
    assign.add_argument("who", metavar="WHO", help="a name; empty for nobody")

    box = _command(desk, "outbox", run_outbox, "what could not be delivered, and what waits")
    box.add_argument("--retry", metavar="ID", help="try a dead letter again; 'all' for every one")
    box.add_argument("--format", choices=("table", "json"), default="table", help="default: table")

    export = _command(desk, "export", run_export, "everything kept about an address, or all tickets as CSV")
    export.add_argument("--email", metavar="ADDRESS", help="JSON of everything about this address")
    erase = _command(desk, "erase", run_erase, "forget everything about an address")
    erase.add_argument("--email", metavar="ADDRESS", required=True, help="whose tickets")
    erase.add_argument("--yes", action="store_true", help="do not ask")


def _command(desk: Any, name: str, run: Any, what: str) -> Any:
    command = desk.add_parser(name, help=what, description=f"{what[0].upper()}{what[1:]}.")
    command.set_defaults(run=run)
    return command


def _filters(command: Any) -> None:
    command.add_argument("--state", choices=(*tickets.STATES, "all"), help="default: open and answered")
    command.add_argument("--category", metavar="ID", default="", help="the topic the customer chose: returns")
    command.add_argument("--language", "--lang", metavar="L", default="", help="the customer's language")
    command.add_argument("--assignee", metavar="WHO", default="", help="who works on it")
    command.add_argument("--since", metavar="AGE", help="filed in the last AGE (90m, 2h, 3d)")
    command.add_argument("--older", metavar="AGE", help="filed more than AGE ago")
    command.add_argument("--review", action="store_true", help="only the review queue")


def run_list(args: argparse.Namespace, console: Console) -> int:
    states = {None: ("open", "answered"), "all": ()}.get(args.state, (args.state,))
    wanted = Filter(
        states=states,
        category=args.category,
        language=args.language,
        assignee=args.assignee,
        since=_ago(args.since),
        until=_ago(args.older),
        review=True if args.review else None,
    )
    with _Opened(args, console) as opened:
        found = opened.database.read(lambda tx: tickets.find(tx, wanted))
    if args.format == "json":
        console.json({"version": 1, "tickets": [_as_json(ticket) for ticket in found]})
    elif args.format == "csv":
        console.print(as_csv(found).rstrip("\n"))
    else:
        _table(console, [_COLUMNS, *(_row(ticket) for ticket in found)])
        console.note(consoles.counted(len(found), "ticket"))
    return 0


def run_show(args: argparse.Namespace, console: Console) -> int:
    with _Opened(args, console) as opened:
        ticket = opened.ticket(args.number)
        undelivered = [
            letter
            for letter in opened.database.read(lambda tx: outbox.undelivered(tx))
            if letter.ticket == ticket.id
        ]
        translated = opened.translated(ticket, args.lang) if args.lang else None
    if args.format == "json":
        console.json({"version": 1, **_as_json(ticket, whole=True)})
        return 0
    draft = ticket.draft
    console.print(
        f"{ticket.number}  {ticket.state}{'  (review)' if ticket.review else ''}  {_when(ticket.created)}"
    )
    facts = (
        ("from", f"{draft.name} <{draft.email}>".strip()), ("order", draft.order_number), ("category", draft.category),
        ("language", draft.language), ("page", draft.page), ("articles at commit", draft.articles_commit),
        ("assignee", ticket.assignee), ("spam score", f"{ticket.score} {' '.join(ticket.reasons)}".strip()),
    )  # fmt: skip
    for name, value in facts:
        if value:
            console.print(f"  {name}: {_plain(value)}")
    for n, seen in enumerate(draft.shown, start=1):
        marks = [mark for mark, there in (("opened", seen.opened), ("did not help", seen.unhelpful)) if there]
        marked = f" ({', '.join(marks)})" if marks else ""
        console.print(f"  saw {n}. {seen.article} [{seen.language}] {seen.score:.2f}{marked}")
    for letter in undelivered:
        console.print(f"  not delivered: {letter.kind} to {letter.target}, {letter.state}, {letter.error}")
    console.print(f"\n{_plain(draft.subject)}\n\n{_plain(draft.body)}")
    for message in ticket.messages:
        machine = ", machine translation" if message.machine else ""
        console.print(f"\n--- {message.author}, {_when(message.created)}{machine}\n{_plain(message.body)}")
    if translated is not None:
        console.print(f"\n--- machine translation ({args.lang})\n{translated}")
    return 0


def run_reply(args: argparse.Namespace, console: Console) -> int:
    if bool(args.number) == bool(args.where or args.since):
        raise ConfigError("name one ticket, or say which with --where or --since")
    with _Opened(args, console) as opened:
        found = [opened.ticket(args.number)] if args.number else team.matching(opened.database, _where(args))
        if not found:
            console.note("no ticket matches")
            return 0
        compose = opened.composer(args, _text(args, console, found))
        _preview(console, found, compose)
        if args.dry_run or not _confirmed(
            args, console, f"send to {consoles.counted(len(found), 'ticket')}?", many=not args.number
        ):
            console.note("nothing was sent")
            return 0 if args.dry_run else 1
        if args.number:
            team.reply(opened.database, found[0], compose(found[0]), now=_now())
            console.note(f"answered {found[0].number}")
        else:
            sent = team.reply_to_all(opened.database, found, compose, now=_now())
            answered = consoles.counted(len(sent), "ticket")
            console.note(f"answered {answered}, {len(found) - len(sent)} had this answer already")
        if opened.setup.settings.mail is None:
            console.note(
                "no mail is configured, so the customer sees the answer only behind their private link; "
                "[tool.kb.desk.mail] says by which server mail goes"
            )
    return 0


def run_close(args: argparse.Namespace, console: Console) -> int:
    with _Opened(args, console) as opened:
        for ticket in [opened.ticket(number) for number in args.numbers]:
            opened.database.write(partial(tickets.set_state, ticket=ticket, state="closed", now=_now()))
            console.note(f"closed {ticket.number}")
    return 0


def run_accept(args: argparse.Namespace, console: Console) -> int:
    with _Opened(args, console) as opened:
        for ticket in [opened.ticket(number) for number in args.numbers]:
            notices = opened.notices(ticket)
            opened.database.write(partial(tickets.accept, ticket=ticket, notices=notices, now=_now()))
            console.note(f"accepted {ticket.number}")
    return 0


def run_assign(args: argparse.Namespace, console: Console) -> int:
    with _Opened(args, console) as opened:
        ticket = opened.ticket(args.number)
        opened.database.write(lambda tx: tickets.assign(tx, ticket, args.who, now=_now()))
    console.note(f"{ticket.number} is {args.who}'s" if args.who else f"{ticket.number} is nobody's")
    return 0


def run_outbox(args: argparse.Namespace, console: Console) -> int:
    with _Opened(args, console) as opened:
        if args.retry:
            id = "" if args.retry == "all" else args.retry
            revived = opened.database.write(lambda tx: outbox.revive(tx, now=_now(), id=id))
            console.note(f"due again: {consoles.counted(revived, 'letter')}")
            return 0 if revived else 1
        letters = opened.database.read(lambda tx: outbox.undelivered(tx))
    columns = ("id", "state", "target", "kind", "attempts", "due", "error")
    if args.format == "json":
        console.json({"version": 1, "letters": [{c: getattr(x, c) for c in columns} for x in letters]})
        return 0
    rows = [(x.id, x.state, x.target, x.kind, str(x.attempts), _when(x.due), x.error) for x in letters]
    _table(console, [columns, *rows])
    return 1 if any(letter.state == "dead" for letter in letters) else 0


def run_export(args: argparse.Namespace, console: Console) -> int:
    with _Opened(args, console) as opened:
        if args.email:
            kept = opened.database.read(lambda tx: tickets.export(tx, args.email))
            console.json({"version": 1, "email": args.email, "tickets": kept})
        else:
            found = opened.database.read(lambda tx: tickets.find(tx, Filter(), limit=1_000_000))
            console.print(as_csv(found).rstrip("\n"))
    return 0


def run_erase(args: argparse.Namespace, console: Console) -> int:
    with _Opened(args, console) as opened:
        count = len(opened.database.read(lambda tx: tickets.of_address(tx, args.email)))
        if not _confirmed(
            args, console, f"erase {consoles.counted(count, 'ticket')} of {args.email}?", many=True
        ):
            console.note("nothing was erased")
            return 1
        erased = team.erase(opened.database, args.email, now=_now())
    console.note(f"erased the texts and addresses of {consoles.counted(erased, 'ticket')}")
    return 0


class _Opened:
    """The desk's data for one command, let go of at its end."""

    def __init__(self, args: argparse.Namespace, console: Console) -> None:
        from kb.cli import desk_setup

        self.setup = desk_setup.load(args, console)
        self.database: Database = self.setup.database()

    def __enter__(self) -> "_Opened":
        return self

    def __exit__(self, *_: object) -> None:
        self.database.close()

    def ticket(self, number: str) -> Ticket:
        found = self.database.read(lambda tx: tickets.by_number(tx, number.strip().upper()))
        if found is None:
            raise DeskError(f"there is no ticket {number}", hint="'kb desk list --state all' shows all")
        return found

    def notices(self, ticket: Ticket) -> tickets.Notices:
        settings = self.setup.settings
        mailbox = self.setup.keyring.mailbox(ticket.draft.email)
        mailed = settings.mail is not None
        return tickets.Notices(settings.team_targets, mailed, mailbox, settings.limits.receipts_per_day)

    def composer(self, args: argparse.Namespace, text: str) -> team.Compose:
        from kb.cli import desk_answers

        return desk_answers.composer(
            self.setup,
            text=text,
            language=args.lang or "",
            article=args.article or "",
            translate=args.translate,
        )

    def translated(self, ticket: Ticket, language: str) -> str:
        from kb.cli import desk_answers

        return desk_answers.translated(self.setup, ticket, language)


def as_csv(found: list[Ticket]) -> str:
    """A table for a spreadsheet, in which no cell is a formula."""
    out = io.StringIO()
    writer = csv.writer(out)
    columns = ("number", "state", "created", "language", "category", "assignee", "email", "name", "order", "subject",
               "message")  # fmt: skip
    writer.writerow(columns)
    for ticket in found:
        draft = ticket.draft
        values = (ticket.number, ticket.state, _when(ticket.created), draft.language, draft.category, ticket.assignee,
                  draft.email, draft.name, draft.order_number, draft.subject, draft.body)  # fmt: skip
        writer.writerow([_harmless(value) for value in values])
    return out.getvalue()


def _harmless(cell: str) -> str:
    # A spreadsheet runs what begins like a formula; an apostrophe in front makes it text.
    return f"'{cell}" if cell.lstrip().startswith(_FORMULA) or cell.startswith(_FORMULA) else cell


def _plain(text: str) -> str:
    """Text that cannot steer the terminal it is shown on."""
    return "".join(c if c == "\n" or c.isprintable() else " " for c in text)


def _row(ticket: Ticket) -> tuple[str, ...]:
    draft = ticket.draft
    subject = _plain(draft.subject)
    short = subject if len(subject) <= _SUBJECT_WIDTH else f"{subject[: _SUBJECT_WIDTH - 1]}…"
    state = f"{ticket.state}?" if ticket.review else ticket.state
    return (
        ticket.number,
        state,
        _age(ticket.created),
        draft.language,
        draft.category,
        ticket.assignee,
        short,
    )


def _as_json(ticket: Ticket, *, whole: bool = False) -> dict[str, Any]:
    draft = ticket.draft
    found: dict[str, Any] = {
        "number": ticket.number, "state": ticket.state, "review": ticket.review, "score": ticket.score,
        "created": _when(ticket.created), "updated": _when(ticket.updated), "language": draft.language,
        "category": draft.category, "assignee": ticket.assignee, "subject": draft.subject, "email": draft.email,
        "name": draft.name, "order": draft.order_number,
    }  # fmt: skip
    if whole:
        found |= {
            "message": draft.body, "page": draft.page, "articles_commit": draft.articles_commit,
            "shown": [{"article": s.article, "language": s.language, "score": s.score, "opened": s.opened,
                       "unhelpful": s.unhelpful} for s in draft.shown],
            "messages": [{"author": m.author, "message": m.body, "language": m.language, "machine": m.machine,
                          "created": _when(m.created)} for m in ticket.messages],
        }  # fmt: skip
    return found


def _table(console: Console, rows: list[tuple[str, ...]]) -> None:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        console.print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _where(args: argparse.Namespace) -> Filter:
    given: dict[str, str] = {}
    for condition in args.where:
        key, separator, value = condition.partition("=")
        if not separator or key not in _WHERE_KEYS:
            raise ConfigError(f"--where {condition}", hint=did_you_mean(key, _WHERE_KEYS))
        given[key] = value
    return Filter(
        states=(given.get("state", "open"),),
        category=given.get("category", ""),
        language=given.get("language", ""),
        assignee=given.get("assignee", ""),
        email=given.get("email", ""),
        since=_ago(args.since),
        review=False,
    )


def _text(args: argparse.Namespace, console: Console, found: list[Ticket]) -> str:
    if args.message is not None:
        return str(args.message)
    if args.file == "-":
        import sys

        return sys.stdin.read().strip()
    if args.file:
        try:
            return Path(args.file).read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"--file {args.file}: {error}") from None
    if args.article:
        return ""
    return _edited(console, found[0])


def _edited(console: Console, ticket: Ticket) -> str:
    """What a person writes in their editor, below which the ticket is quoted."""
    if not consoles.interactive():
        raise ConfigError("there is no text to send", hint="give --message, --file or --article")
    quoted = "\n".join(f"# {line}" for line in f"{ticket.draft.subject}\n\n{ticket.draft.body}".splitlines())
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"{ticket.number}.txt"
        file.write_text(f"\n\n# Lines that begin with # are not sent.\n{quoted}\n", "utf-8")
        consoles.edit(file, os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi")
        lines = [line for line in file.read_text("utf-8").splitlines() if not line.startswith("#")]
    text = "\n".join(lines).strip()
    if not text:
        raise ConfigError("the text is empty; nothing was sent")
    return text


def _preview(console: Console, found: list[Ticket], compose: team.Compose) -> None:
    for ticket in found[:20]:
        console.print(f"{ticket.number}  {ticket.draft.language}  {_plain(ticket.draft.subject)}")
    if len(found) > 20:
        console.print(f"… and {len(found) - 20} more")
    by_language = {ticket.draft.language: ticket for ticket in found}
    for language, ticket in sorted(by_language.items()):
        answer = compose(ticket)
        console.print(f"\n--- {language}{', machine translation' if answer.machine else ''}\n{answer.text}")


def _confirmed(args: argparse.Namespace, console: Console, question: str, *, many: bool) -> bool:
    if args.yes or not many:
        return True
    if not consoles.interactive():
        raise ConfigError("this needs a yes", hint="add --yes")
    console.note(f"{question} [y/N]")
    return input().strip().lower() in ("y", "yes")


def _ago(age: str | None) -> int | None:
    if age is None:
        return None
    found = _AGE.fullmatch(age)
    if found is None:
        raise ConfigError(f"'{age}' is no age", hint="like 90m, 2h, 3d or 1w")
    return _now() - int(found[1]) * _UNITS_S[found[2]] * 1_000


def _age(then: int) -> str:
    seconds = max(0, _now() - then) // 1_000
    unit = "d" if seconds >= 2 * 86_400 else "h" if seconds >= 2 * 3_600 else "m"
    return f"{seconds // _UNITS_S[unit]}{unit}"


def _now() -> int:
    return int(time.time() * 1_000)


def _when(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1_000, UTC).isoformat(sep=" ", timespec="seconds")
