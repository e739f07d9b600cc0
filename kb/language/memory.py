"""The translation memory: one lean gettext PO file per article and language, beside the articles.

A small dialect of PO which every gettext tool reads: unwrapped, without dates and line numbers, so
that an edit touches one entry and two people's edits merge::

    # mt: argos/translate-en_pt-0.1
    #. paragraph · How long it takes · 7c1f2a
    #, fuzzy
    msgid "The segment as **Markdown**."
    msgstr "O segmento em **Markdown**."

The line `#.` holds the segment's kind, the heading above it, and the entry's id. Being different in
every entry, it also keeps git from sliding an inserted entry into its neighbour. Three rules make merges
free of conflicts:

- an entry's lines are never rewritten because the source changed: the new sentence gets an entry of its
  own, before the old one, which is marked `#. unused` and swept out when the file is next written for
  another reason;
- an entry stays where it is when its paragraph moves;
- the file ends with an empty line, so that appending does not touch the last entry.

What is not known here (comments, flags, header fields of people and their tools) is kept as it was.
"""

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import SequenceMatcher
from enum import Enum
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from tempfile import mkstemp

from kb.errors import Problem
from kb.language.segments import Segment

ENDING = ".po"
UNUSED = "unused: no longer in the article, swept out at the next change"
_SIMILAR = 0.5  # share of words two sentences have in common when one is an edit of the other


class State(Enum):
    """What an entry's translation is worth."""

    REVIEWED = "reviewed"
    MACHINE = "machine"
    STALE = "stale"
    """A person's text, of a source that has changed since."""
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Entry:
    """One segment and its translation.

    `engine` names what made the text (`argos/translate-en_pt-0.1`); `refused` names engine and reason when
    its answer could not be used. `previous` is the source a stale text belongs to, `suggestion` an engine's
    text for the present one. `comments`, `notes` and `flags` hold every other line, without its mark. `line`
    is the place in the file, `raw` the entry's text there; a changed entry has none and is written afresh.
    """

    source: str
    text: str = ""
    context: str = ""
    fuzzy: bool = False
    engine: str = ""
    refused: str = ""
    previous: str = ""
    suggestion: str = ""
    suggestion_engine: str = ""
    notes: tuple[str, ...] = ()
    comments: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    unused: bool = False
    obsolete: bool = False
    line: int = field(default=0, compare=False)
    raw: str = field(default="", compare=False, repr=False)

    @property
    def key(self) -> tuple[str, str]:
        return self.context, self.source

    @property
    def id(self) -> str:
        """Six hexadecimal digits, the same on every machine."""
        return entry_id(self.source, self.context)

    @property
    def state(self) -> State:
        if not self.text:
            return State.MISSING
        if not self.fuzzy:
            return State.REVIEWED
        return State.STALE if self.previous else State.MACHINE

    @property
    def by_person(self) -> bool:
        """Whether a person wrote or approved the text, so that no engine may replace it."""
        return bool(self.text) and (not self.fuzzy or bool(self.previous) or not self.engine)

    def with_(self, **changes: object) -> "Entry":
        return replace(self, raw="", **changes)  # type: ignore[arg-type]

    def approved(self, text: str | None = None) -> "Entry":
        """As a person left it: `text` (or the present one), without the marks of an unfinished entry."""
        return self.with_(
            text=self.text if text is None else text,
            fuzzy=False,
            previous="",
            suggestion="",
            suggestion_engine="",
            refused="",
        )


@dataclass(frozen=True)
class Memory:
    """One file: the translation of article `id` into `language`, made from its text in `source`."""

    path: str
    language: str
    id: str
    source: str
    entries: tuple[Entry, ...] = ()
    head: str = ""
    """The header as it stands in the file; empty for a new one."""

    def find(self, segment: Segment) -> Entry | None:
        """The segment's entry: one with its `#.` text or kind as context, else the one without."""
        by_key, contexts = self._index
        if contexts:
            for context in (context_of(segment), segment.kind):
                if (context, segment.text) in by_key:
                    return by_key[context, segment.text]
        return by_key.get(("", segment.text))

    @cached_property
    def _index(self) -> tuple[dict[tuple[str, str], Entry], bool]:
        by_key = {(entry.context, entry.source): entry for entry in self.entries if not entry.obsolete}
        return by_key, any(entry.context for entry in self.entries)


def entry_id(source: str, context: str = "") -> str:
    return sha256(f"{context}\x04{source}".encode()).hexdigest()[:6]


def context_of(segment: Segment) -> str:
    """`paragraph · How long it takes`: what tells two segments of the same text apart."""
    return f"{segment.kind} · {segment.heading}" if segment.heading else segment.kind


def entry_for(segment: Segment, **fields: object) -> Entry:
    """A new entry for a segment of the article."""
    note = f"{context_of(segment)} · {entry_id(segment.text)}".replace("\n", " ")
    return Entry(segment.text, notes=(note,), **fields)  # type: ignore[arg-type]


# --- reading ---

_INSIDE = r'[^"\\\n]*(?:\\.[^"\\\n]*)*'
_STRING = rf'"({_INSIDE})"'
_PLAIN = re.compile(
    r"(?:# mt: (?P<mt>\S+)\n)?"
    r"#\. (?P<note>.*)\n"
    r"(?P<fuzzy>#, fuzzy\n)?"
    rf'msgid "(?P<id>{_INSIDE})"\nmsgstr "(?P<str>{_INSIDE})"'
)
"""The shape nearly all entries have; the others are read line by line."""
_KEYWORD = re.compile(rf"(msgctxt|msgid_plural|msgid|msgstr(?:\[\d+\])?)[ \t]*{_STRING}[ \t]*")
_CONTINUED = re.compile(rf"[ \t]*{_STRING}[ \t]*")
_BLANK = re.compile(r"\n(?:[ \t]*\n)+")
_SUGGESTION = re.compile(r"suggestion (\S+): (.*)")
_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|[0-7]{1,3}|.)")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\"}
_CONFLICT = re.compile(r"<<<<<<< |=======$|>>>>>>> |\|\|\|\|\|\|\| ")
_FIELD = re.compile(r"^([A-Za-z][\w-]*):[ \t]*(.*?)[ \t]*$", re.M)


def parse(
    text: str, *, path: str = "", language: str = "", id: str = "", source: str = ""
) -> tuple[Memory, list[Problem]]:
    """A file's entries, and what is wrong with it. `source` is the language where `X-Source` is missing."""
    problems: list[Problem] = []
    entries: list[Entry] = []
    head = ""
    text = text.replace("\r\n", "\n").removeprefix("\ufeff")
    for line, block in _blocks(text):
        for entry in _entries(block, line, path, problems):
            if entry.source or entry.context or entry.obsolete:
                entries.append(entry)
            elif entry.line == 1 or not head:
                head = entry.raw
                source = dict(_FIELD.findall(entry.text)).get("X-Source", source)
    problems += _duplicates(entries, path)
    return Memory(path, language, id, source, tuple(entries), head), problems


def _blocks(text: str) -> Iterator[tuple[int, str]]:
    line, position = 1, 0
    for match in _BLANK.finditer(text):
        block = text[position : match.start()]
        if block.strip():
            yield line + len(block) - len(block.lstrip("\n")), block.strip("\n")
        line += text.count("\n", position, match.end())
        position = match.end()
    rest = text[position:]
    if rest.strip():
        yield line + len(rest) - len(rest.lstrip("\n")), rest.strip("\n")


def _entries(block: str, line: int, path: str, problems: list[Problem]) -> Iterable[Entry]:
    match = _PLAIN.fullmatch(block)
    if match is None or not match["id"]:
        return _Lines(path, problems).read(block, line)
    engine, note, fuzzy, source, text = match.groups()
    entry = Entry(
        unquote(source),
        unquote(text),
        fuzzy=fuzzy is not None,
        engine=engine or "",
        notes=(note,),
        line=line,
        raw=block,
    )
    return (entry,)


class _Lines:
    """Reads any entry line by line, as the tools of translators write them."""

    def __init__(self, path: str, problems: list[Problem]) -> None:
        self.path, self.problems = path, problems
        self.done: list[Entry] = []
        self.start(1)

    def start(self, line: int) -> None:
        self.line = line
        self.raw: list[str] = []
        self.fields: dict[str, object] = {}
        self.strings: dict[str, str] = {}
        self.notes: list[str] = []
        self.comments: list[str] = []
        self.flags: list[str] = []
        self.last = ""

    def read(self, block: str, line: int) -> list[Entry]:
        self.start(line)
        for number, text in enumerate(block.split("\n"), line):
            if "msgstr" in self.strings and not _continues(text):
                self.finish()
                self.start(number)
            self.raw.append(text)
            self.take(text, number)
        self.finish()
        return self.done

    def take(self, text: str, number: int) -> None:
        if text.startswith("#~"):
            self.fields["obsolete"] = True
            text = text[2:].removeprefix(" ")
        if text.startswith(("#|", "|")):
            self.string(text.lstrip("#| \t"), number, before="previous ")
        elif text.startswith("#."):
            self.note(text[2:].strip())
        elif text.startswith("#,"):
            self.flags += [flag.strip() for flag in text[2:].split(",") if flag.strip()]
        elif text.startswith("#"):
            self.comment(text[1:])
        else:
            self.string(text, number)

    def note(self, text: str) -> None:
        if text.startswith("unused:"):
            self.fields["unused"] = True
        else:
            self.notes.append(text)

    def comment(self, text: str) -> None:
        words = text.strip()
        suggestion = _SUGGESTION.match(words)
        if words.startswith("mt: "):
            self.fields["engine"] = words[4:].strip()
        elif words.startswith("mt-refused: "):
            self.fields["refused"] = words[12:].strip()
        elif suggestion:
            self.fields["suggestion_engine"], self.fields["suggestion"] = (
                suggestion[1],
                unquote(suggestion[2]),
            )
        else:
            self.comments.append(text)

    def string(self, text: str, number: int, *, before: str = "") -> None:
        keyword, continued = _KEYWORD.fullmatch(text), _CONTINUED.fullmatch(text)
        if keyword:
            self.last = before + keyword[1]
            self.strings[self.last] = keyword[2]
        elif continued and self.last:
            self.strings[self.last] += continued[1]
        elif text.strip():
            self.bad(text, number)

    def bad(self, text: str, number: int) -> None:
        conflict = _CONFLICT.match(text)
        self.problems.append(
            Problem(
                "po-merge-conflict" if conflict else "po-syntax",
                self.path,
                number,
                "an unresolved merge conflict"
                if conflict
                else f"not a line of a PO file: {text.strip()[:60]!r}",
                "keep one side of it"
                if conflict
                else 'an entry is: msgid "source", then msgstr "translation"',
            )
        )

    def finish(self) -> None:
        if "msgid" in self.strings and "msgstr" in self.strings:
            self.done.append(self.entry())
        elif self.raw and not self.strings:
            # Comments that belong to no entry: nothing matches them, and they stay where they are.
            self.done.append(Entry("", obsolete=True, line=self.line, raw="\n".join(self.raw)))
        elif "msgid_plural" in self.strings:
            self.plural("msgid_plural")
        elif self.strings:
            lacks = "msgstr" if "msgid" in self.strings else "msgid"
            self.problems.append(
                Problem(
                    "po-syntax", self.path, self.line, f"an entry without {lacks}", "complete or remove it"
                )
            )

    def plural(self, name: str) -> None:
        message = f"'{name}' has no use in an article"
        self.problems.append(Problem("po-plural", self.path, self.line, message, "remove it"))

    def entry(self) -> Entry:
        known = {"msgid", "msgstr", "msgctxt", "previous msgid"}
        for name in sorted(set(self.strings) - known - {"previous msgctxt"}):
            self.plural(name)
        return Entry(
            unquote(self.strings["msgid"]),
            unquote(self.strings["msgstr"]),
            unquote(self.strings.get("msgctxt", "")),
            fuzzy="fuzzy" in self.flags,
            previous=unquote(self.strings.get("previous msgid", "")),
            notes=tuple(self.notes),
            comments=tuple(self.comments),
            flags=tuple(flag for flag in self.flags if flag != "fuzzy"),
            line=self.line,
            raw="\n".join(self.raw),
            **self.fields,  # type: ignore[arg-type]
        )


def _continues(text: str) -> bool:
    return text.lstrip("#~| \t").startswith('"') or not text.strip()


def _duplicates(entries: Sequence[Entry], path: str) -> Iterator[Problem]:
    seen: dict[tuple[str, str], Entry] = {}
    for entry in entries:
        first = None if entry.obsolete else seen.setdefault(entry.key, entry)
        if first is not None and first is not entry:
            yield Problem(
                "po-duplicate",
                path,
                entry.line,
                f"the segment of line {first.line} a second time",
                "keep one of the two entries",
            )


def unquote(text: str) -> str:
    """The text a quoted PO string stands for (without its quotes)."""
    return _ESCAPE.sub(_unescape, text) if "\\" in text else text


def _unescape(match: re.Match[str]) -> str:
    code = match[1]
    if code in _ESCAPES:
        return _ESCAPES[code]
    if code[0] == "x" and len(code) == 3:
        return chr(int(code[1:], 16))
    return chr(int(code, 8)) if code.isdigit() else match[0]


# --- writing ---


def quote(text: str) -> str:
    """`text` as the inside of a PO string, on one line."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return escaped.replace("\n", "\\n").replace("\t", "\\t").replace("\r", "\\r")


def dump(memory: Memory) -> str:
    """The file's text. Entries that were not changed since `parse` are written as they were."""
    blocks = [memory.head or header(memory), *(entry.raw or render(entry) for entry in memory.entries)]
    return "\n\n".join(blocks) + "\n\n"


def header(memory: Memory) -> str:
    """The fewest fields gettext's tools need to read the file rightly."""
    fields = {
        "Language": memory.language.replace("-", "_"),
        "MIME-Version": "1.0",
        "Content-Type": "text/plain; charset=UTF-8",
        "Content-Transfer-Encoding": "8bit",
        "X-Source": memory.source,
    }
    return "\n".join(['msgid ""', 'msgstr ""', *(f'"{name}: {value}\\n"' for name, value in fields.items())])


def render(entry: Entry) -> str:
    """An entry's lines in the order gettext's tools write them."""
    flags = ", ".join((["fuzzy"] if entry.fuzzy else []) + list(entry.flags))
    lines = [f"#{text}" for text in entry.comments]
    lines += [f"# mt: {entry.engine}"] if entry.engine else []
    lines += [f"# mt-refused: {entry.refused}".replace("\n", " ")] if entry.refused else []
    if entry.suggestion:
        lines.append(f"# suggestion {entry.suggestion_engine}: {quote(entry.suggestion)}")
    lines += [f"#. {UNUSED}"] if entry.unused else []
    lines += [f"#. {note}" for note in entry.notes]
    lines += [f"#, {flags}"] if flags else []
    mark = "#~ " if entry.obsolete else ""
    if entry.previous:
        lines.append(f'{"#~" if entry.obsolete else "#"}| msgid "{quote(entry.previous)}"')
    lines += [f'{mark}msgctxt "{quote(entry.context)}"'] if entry.context else []
    return "\n".join([*lines, f'{mark}msgid "{quote(entry.source)}"', f'{mark}msgstr "{quote(entry.text)}"'])


# --- changing ---


def update(memory: Memory, segments: Sequence[Segment], made: Mapping[str, Entry]) -> Memory:
    """`memory` for an article of these segments; `made` holds new and changed entries by source text.

    Returns `memory` itself when nothing changes.
    """
    used = {id(entry) for entry in map(memory.find, segments) if entry is not None}
    entries = [_marked(made.get(e.source, e) if id(e) in used else e, id(e) in used) for e in memory.entries]
    entries = _inserted(entries, memory, segments, made)
    entries = _carried(entries)
    if entries == list(memory.entries):
        return memory
    swept = (_swept(entries, index, memory) for index in range(len(entries)))
    return replace(memory, entries=tuple(entry for entry in swept if entry is not None))


def _marked(entry: Entry, used: bool) -> Entry:
    """The mark is one line before the first `#.`: the others stay byte for byte, as a tool wrote them."""
    if entry.obsolete or entry.unused is not used:
        return entry
    lines = [line for line in entry.raw.split("\n") if not line.startswith("#. unused:")]
    if not used and entry.raw:
        at = next((i for i, line in enumerate(lines) if line.startswith("#.")), 0)
        lines.insert(at, f"#. {UNUSED}")
    return replace(entry, unused=not used, raw="\n".join(lines) if entry.raw else "")


def _inserted(
    entries: Sequence[Entry], memory: Memory, segments: Sequence[Segment], made: Mapping[str, Entry]
) -> list[Entry]:
    """With the new entries: each before the one it replaces, else after that of the segment before it."""
    new = {s.text for s in segments if s.text in made and memory.find(s) is None}
    result = [entry for entry in entries if not (entry.obsolete and entry.source in new)]
    after = 0
    for segment in segments:
        old = memory.find(segment)
        if segment.text in new:
            new.remove(segment.text)
            replaced = _replaced(result, segment.text)
            after = after if replaced is None else replaced
            result.insert(after, made[segment.text])
            after += 1
        elif old is not None:
            after = 1 + next(i for i, e in enumerate(result) if e.key == old.key and not e.obsolete)
    return result


def _replaced(entries: Sequence[Entry], text: str) -> int | None:
    """Where the unused entry stands of which `text` is an edited version."""
    near = [(likeness(text, e.source), -i) for i, e in enumerate(entries) if e.unused and not e.obsolete]
    best, index = max(near, default=(0.0, 0))
    return -index if best >= _SIMILAR else None


def _carried(entries: Sequence[Entry]) -> list[Entry]:
    """A person's work on a sentence that was replaced meanwhile, on another branch, reaches its successor."""
    result = list(entries)
    for index, old in enumerate(entries):
        if old.obsolete or not (old.unused and old.by_person):
            continue
        at = _successor(result, index)
        new = result[at] if at is not None else old
        if at is None or new.text == old.text:
            continue
        if new.state is State.STALE:
            result[at] = new.with_(text=old.text)
        elif new.state is State.MACHINE and not new.by_person:
            result[at] = stale(new, old, suggestion=new.text, engine=new.engine)
    return result


def _successor(entries: Sequence[Entry], index: int) -> int | None:
    """Where the entry stands that replaced the unused one at `index`: before it, and resembling it."""
    at = next((i for i in range(index - 1, -1, -1) if not entries[i].unused), None)
    if at is None or entries[at].obsolete:
        return None
    old, new = entries[index], entries[at]
    same = new.previous and new.previous in (old.source, old.previous)
    return at if same or (not new.previous and likeness(new.source, old.source) >= _SIMILAR) else None


def _swept(entries: Sequence[Entry], index: int, before: Memory) -> Entry | None:
    """An entry that was unused before is dropped, or becomes obsolete where a person's work is in it."""
    entry = entries[index]
    marked = entry.unused and any(old.unused and old.key == entry.key for old in before.entries)
    if not marked or entry.obsolete:
        return entry
    kept = entry.state is State.REVIEWED and _successor(entries, index) is None
    return entry.with_(unused=False, obsolete=True) if kept else None


def stale(entry: Entry, old: Entry, *, suggestion: str = "", engine: str = "") -> Entry:
    """`entry` (of a changed source) with the text a person gave the old one, and a suggestion beside it."""
    return entry.with_(
        text=old.text,
        fuzzy=True,
        engine="",
        previous=old.previous or old.source,
        comments=old.comments,
        suggestion=suggestion,
        suggestion_engine=engine if suggestion else "",
    )


def predecessor(memory: Memory, segments: Sequence[Segment], text: str) -> Entry | None:
    """The person's entry, no longer in the article, of which `text` is an edited version."""
    used = {id(entry) for entry in map(memory.find, segments) if entry is not None}
    gone = [e for e in memory.entries if id(e) not in used and e.by_person and not e.obsolete]
    near = [(likeness(text, entry.source), index) for index, entry in enumerate(gone)]
    best = max(near, default=(0.0, 0))
    return gone[best[1]] if best[0] >= _SIMILAR else None


def likeness(one: str, other: str) -> float:
    """0 (no word in common) to 1 (the same words in the same order)."""
    return SequenceMatcher(None, one.lower().split(), other.lower().split(), autojunk=False).ratio()


# --- files ---


def load(articles: Path, languages: Iterable[str], *, root: Path) -> tuple[list[Memory], list[Problem]]:
    """Every PO file below `articles/<lang>/`, in a stable order. Links are the content reader's business."""
    memories: list[Memory] = []
    problems: list[Problem] = []
    for language in languages:
        folder = articles / language
        for file in sorted(_files(folder)):
            id = file.relative_to(folder).as_posix().removesuffix(ENDING)
            memory, found = read(file, language=language, id=id, root=root)
            memories += [memory] if memory else []
            problems += found
    return memories, problems


def _files(folder: Path) -> Iterator[Path]:
    for parent, _, names in os.walk(folder):
        for name in names:
            if name.endswith(ENDING) and not os.path.islink(os.path.join(parent, name)):
                yield Path(parent, name)


def read(file: Path, *, language: str, id: str, root: Path) -> tuple[Memory | None, list[Problem]]:
    """One file; None where it is not text at all."""
    path = file.relative_to(root).as_posix()
    try:
        text = file.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        message = f"not UTF-8: byte {error.start}"
        return None, [Problem("po-encoding", path, None, message, "save the file as UTF-8")]
    return parse(text, path=path, language=language, id=id)


def save(file: Path, text: str) -> None:
    """Write all of it or nothing: a reader, or a run that dies, never meets half a file."""
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, name = mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        os.chmod(name, 0o644)
        os.replace(name, file)
    except BaseException:
        os.unlink(name)
        raise
