"""``kb review LANG``: machine and stale translations, side by side with their source, for a person to decide."""

import argparse
import os
import shutil
import tempfile
import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from kb.cli.console import Console, edit, interactive
from kb.cli.translate import Project, known_languages, open_project
from kb.errors import ConfigError, did_you_mean
from kb.language import memory, quality, translate
from kb.language.memory import Entry, State
from kb.language.translate import Translation

JSON_VERSION = 1
_SHOWN = (State.MACHINE, State.STALE, State.MISSING)
_KEYS = "[a]pprove  [e]dit  [u]se suggestion  [s]kip  skip [p]age  [q]uit  [?] help"
_EXPLAINED = """\
  a  the text is right as it is
  e  write it anew; in the editor that EDITOR names, or here
  u  take the suggestion, where one is shown: what a machine made of the changed original
  s  leave it for later (so does Enter)
  p  leave the rest of this article for later
  q  stop; what you decided is saved"""


def add(commands: Any) -> None:
    """Declare the commands of this module."""
    command = commands.add_parser(
        "review",
        help="approve or correct translations",
        description="Walk through what is machine-made, stale or missing in a language, side by side with its source. "
        "Each decision is saved at once. Pages that wait for approval come first.",
        epilog="Names are an article's id, or id#entry as 'kb review LANG --list' shows them.",
    )
    command.add_argument("language", metavar="LANG", help="the language to review: uk")
    command.add_argument("--article", default="", metavar="ID", help="only this article, or this category")
    command.add_argument(
        "--stale", action="store_true", help="only what changed after a person translated it"
    )
    command.add_argument("--list", action="store_true", help="list, do not ask")
    command.add_argument(
        "--approve", action="append", default=[], metavar="NAME", help="approve without asking"
    )
    command.add_argument(
        "--format", choices=("text", "json"), default="text", help="of the list (default: text)"
    )
    command.set_defaults(run=run_review)


@dataclass(frozen=True, slots=True)
class Item:
    """One entry to decide about: its place in a translation."""

    translation: Translation
    entry: Entry
    kind: str

    @property
    def name(self) -> str:
        return f"{self.translation.memory.id}#{self.entry.id}"


def run_review(args: argparse.Namespace, console: Console) -> int:
    project = open_project(Path(args.root))
    known_languages(project.config, [args.language])
    if args.approve:
        return _approve(args, project, console)
    items = list(_items(project, args))
    if args.list or args.format == "json" or not interactive():
        _list(args, console, items)
        return 0
    return _walk(items, project, console)


def _translations(project: Project, language: str) -> list[Translation]:
    found, _ = translate.translations(
        project.catalog,
        (m for m in project.memories if m.language == language and m.path not in project.broken),
        review=project.config.translate.review,
    )
    return sorted(found, key=lambda t: (not t.held, t.memory.id))


def _items(project: Project, args: argparse.Namespace) -> Iterator[Item]:
    states = (State.STALE,) if args.stale else _SHOWN
    for translation in _translations(project, args.language):
        id = translation.memory.id
        if args.article and id != args.article and not id.startswith(f"{args.article}/"):
            continue
        seen: set[tuple[str, str]] = set()
        for segment, entry in zip(translation.document.segments, translation.entries, strict=True):
            if entry is not None and entry.state in states and entry.key not in seen:
                seen.add(entry.key)
                yield Item(translation, entry, memory.context_of(segment))


def _list(args: argparse.Namespace, console: Console, items: Sequence[Item]) -> None:
    if args.format == "json":
        console.json(
            {"version": JSON_VERSION, "language": args.language, "entries": [_as_json(i) for i in items]}
        )
        return
    for item in items:
        console.print(f"{item.name}  {item.entry.state.value}  {_short(item.entry.source)}")
    entries = "1 entry" if len(items) == 1 else f"{len(items)} entries"
    console.note(f"{entries} to review in '{args.language}'")


def _as_json(item: Item) -> dict[str, Any]:
    entry = item.entry
    return {
        "name": item.name,
        "path": item.translation.memory.path,
        "line": entry.line,
        "state": entry.state.value,
        "held_back": item.translation.held,
        "place": item.kind,
        "source": entry.source,
        "text": entry.text,
        "previous_source": entry.previous,
        "suggestion": entry.suggestion,
        "engine": entry.engine or entry.suggestion_engine,
        "refused": entry.refused,
    }


def _short(text: str) -> str:
    line = text.split("\n")[0]
    return line if len(line) <= 70 else f"{line[:69]}…"


# --- without asking ---


def _approve(args: argparse.Namespace, project: Project, console: Console) -> int:
    found = {t.memory.id: t for t in _translations(project, args.language)}
    done = 0
    for name in args.approve:
        id, _, entry_id = name.partition("#")
        translation = found.get(id)
        if translation is None:
            raise ConfigError(f"'{id}' has no translation in '{args.language}'", hint=did_you_mean(id, found))
        entries = {entry.id: entry for entry in translation.entries if entry is not None and entry.text}
        if entry_id and entry_id not in entries:
            raise ConfigError(f"'{id}' has no entry '{entry_id}'", hint=f"kb review {args.language} --list")
        chosen = [entries[entry_id]] if entry_id else list(entries.values())
        changed = [entry for entry in chosen if entry.state is not State.REVIEWED]
        if changed:
            found[id] = _saved(translation, {entry.key: entry.approved() for entry in changed}, project)
        done += len(changed)
    console.note(f"{done} approved in '{args.language}'")
    return 0


def _saved(translation: Translation, changes: dict[tuple[str, str], Entry], project: Project) -> Translation:
    old = translation.memory
    entries = tuple(changes.get(entry.key, entry) if not entry.obsolete else entry for entry in old.entries)
    new = replace(old, entries=entries)
    memory.save(project.config.root / old.path, memory.dump(new))
    return replace(translation, memory=new, entries=tuple(map(new.find, translation.document.segments)))


# --- the walk ---


def _walk(items: Sequence[Item], project: Project, console: Console) -> int:
    if not items:
        console.note("nothing to review")
        return 0
    current: dict[str, Translation] = {}
    skipped = ""
    done = 0
    for number, item in enumerate(items, 1):
        id = item.translation.memory.id
        if id == skipped:
            continue
        translation = current.get(id, item.translation)
        _show(item, number, len(items), console)
        decision = _decide(item, project, console, ask=lambda: input("> ").strip().lower())
        if decision == "quit":
            break
        if decision == "page":
            skipped = id
        elif isinstance(decision, Entry):
            current[id] = _saved(translation, {item.entry.key: decision}, project)
            done += 1
    console.note(f"{done} decided; they are saved")
    return 0


def _show(item: Item, number: int, total: int, console: Console) -> None:
    entry, width = item.entry, max(40, shutil.get_terminal_size().columns)
    held = ", held back until approved" if item.translation.held else ""
    head = f"{number}/{total}  {item.name}  {item.kind}  {entry.state.value}{held}"
    console.note("")
    console.note(console.paint(head, "bold"))
    if entry.previous:
        console.note(f"was: {entry.previous}")
    for line in side_by_side(entry.source, entry.text or "—", width):
        console.note(line)
    if entry.suggestion:
        console.note(f"suggestion ({entry.suggestion_engine}): {entry.suggestion}")
    if entry.refused:
        console.note(f"refused: {entry.refused}")


def side_by_side(left: str, right: str, width: int) -> list[str]:
    """Two texts as two columns of together `width` characters."""
    column = (width - 3) // 2
    wrapped = [
        [part for line in text.split("\n") for part in textwrap.wrap(line, column) or [""]]
        for text in (left, right)
    ]
    height = max(map(len, wrapped))
    lefts, rights = ([*lines, *[""] * (height - len(lines))] for lines in wrapped)
    return [f"{a.ljust(column)} │ {b}".rstrip() for a, b in zip(lefts, rights, strict=True)]


def _decide(item: Item, project: Project, console: Console, *, ask: Callable[[], str]) -> Entry | str:
    """The entry as the reviewer leaves it, or skip, page, quit."""
    console.note(console.paint(_KEYS, "dim"))
    while True:
        try:
            answer = ask()
        except EOFError:
            return "quit"
        if answer == "a" and item.entry.text:
            return item.entry.approved()
        if answer == "u" and item.entry.suggestion:
            return item.entry.approved(item.entry.suggestion)
        if answer == "e":
            try:
                text = edited(item.entry, os.environ)
            except ConfigError as error:
                console.error(error)
                continue
            if text and _sound(item, text, project, console):
                return item.entry.approved(text)
        elif answer in ("s", "p", "q", ""):
            return {"p": "page", "q": "quit"}.get(answer, "skip")
        else:
            console.note(_EXPLAINED)


def _sound(item: Item, text: str, project: Project, console: Console) -> bool:
    """Whether the text keeps what it must, or the reviewer insists."""
    languages = item.translation.base.language, item.translation.memory.language
    findings = quality.check(
        item.entry.source, text, source_language=languages[0], target_language=languages[1]
    )
    for finding in findings:
        console.note(f"{console.paint('warning', 'warning')} {finding}")
    return not findings or input("keep it all the same? [y/n] ").strip().lower() == "y"


def edited(entry: Entry, environ: Any) -> str:
    """The text after the reviewer's editor closed; empty when they left it empty."""
    editor = environ.get("VISUAL") or environ.get("EDITOR")
    if not editor:
        return input("new text: ").strip()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "translation.md"
        hint = [f"<!-- {line} -->" for line in entry.source.split("\n")]
        file.write_text("\n".join([entry.text or entry.suggestion, *hint, ""]), "utf-8")
        edit(file, editor)
        lines = file.read_text("utf-8").split("\n")
    return "\n".join(
        line for line in lines if not (line.startswith("<!-- ") and line.endswith(" -->"))
    ).strip()
