"""The block structure of a Markdown body: which spans of the file are words, and in what context.

The scanner follows Python-Markdown's block rules (four columns of indentation, blocks between blank lines)
with the extensions MkDocs sites use. It renders nothing; what it does not take for words stays as it is.
Where it is wrong the page check (`pagecheck`) finds out.
"""

import re
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from kb.language import inline

_BLOCK_TAGS = (
    "address|article|aside|blockquote|body|canvas|caption|center|col|colgroup|dd|details|dialog|div|dl|dt|"
    "fieldset|figcaption|figure|footer|form|frame|frameset|group|h[1-6]|header|hgroup|hr|html|iframe|legend|"
    "li|link|main|map|math|menu|menuitem|meta|nav|noframes|noscript|object|ol|optgroup|option|output|p|"
    "param|picture|pre|progress|script|search|section|select|source|style|summary|table|tbody|td|template|"
    "textarea|tfoot|th|thead|title|tr|track|ul|video"
)
_RAW_TAGS = frozenset({"canvas", "math", "option", "pre", "script", "style", "textarea", "code"})
_TAG_START = re.compile(rf"[ ]{{0,3}}<(/?)({_BLOCK_TAGS})(?=[\s/>])", re.I)
_ANY_TAG = re.compile(r"""<!--.*?-->|<(/?)([a-zA-Z][^\s/>"'<]*)((?:[^<>"']|"[^"]*"|'[^']*')*)>""", re.S)
_VOID = frozenset({"hr"})
_MARKDOWN_ATTRIBUTE = re.compile(r"""\smarkdown(?:\s*=\s*["']?(?P<value>[\w]+)["']?)?(?=[\s/>])""")
_CODE_SPAN = r"(?P<code>(?<![\\`])(`+)(?!`).+?(?<!`)\2(?!`))|"
_TAGS = (
    r"<(?P<raw>script|style|pre|textarea|svg|math|canvas|code|object|iframe)\b.*?</(?P=raw)\s*>"
    rf"|</?(?:{_BLOCK_TAGS})(?=[\s/>])(?:[^<>\"']|\"[^\"]*\"|'[^']*')*>"
)
_SPLITTER = re.compile(_CODE_SPAN + _TAGS, re.S | re.I)
_HTML_SPLITTER = re.compile("(?P<code>(?!))|<!--.*?-->|" + _TAGS, re.S | re.I)
_TITLE = r"""(?P<title>"[^\n]*"|'[^\n]*'|\([^\n]*\))"""

_LINE_END = re.compile(r"\r\n?|\n")
_FENCE = re.compile(r"(?P<prefix>[ \t>]*)(?P<fence>`{3,}|~{3,})(?P<info>[^\n]*)$")
_HEADING = re.compile(r"(#{1,6})((?:\\.|[^\\#]|#+(?=[^#]))*?)#*$")
_SETEXT = re.compile(r"(?:=+|-+)[ ]*$")
_RULE = re.compile(r"[ ]{0,3}(?>(?:-[ ]{0,2}){3,}|(?:_[ ]{0,2}){3,}|(?:\*[ ]{0,2}){3,})[ ]*$")
_ITEM = re.compile(r"[ ]{0,3}(?:\d+\.|[*+-])[ ]+")
_QUOTE = re.compile(r"[ ]{0,3}>[ ]?")
_ALERT = re.compile(r"\[!\w+\][+-]?\s*$")
_ADMONITION = re.compile(r'(?:!!!|\?\?\?\+?) ?[\w-]*(?: +[\w-]+)*(?: +"(?P<title>.*)")? *$')
_TAB = re.compile(r'===[+!]{0,2} +"(?P<title>.*)" *$')
_SLASH = re.compile(r"[ ]{0,3}(?P<marks>/{3,})[ ]*(?:(?P<name>[\w-]+)[ ]*(?:\|[ ]*(?P<title>.*?)[ ]*)?)?$")
_UNTITLED = re.compile(r"html|define|definition|.*caption|columns?|grid")
_DEFINITION = re.compile(r"[ ]{0,3}:[ ]{1,3}(?=\S)")
_FOOTNOTE = re.compile(r"[ ]{0,3}\[\^([^\]]*)\]:[ ]*")
_ABBREVIATION = re.compile(r"\*\[(?P<term>[^\\\]]*?)\][ ]?:[ ]*(?P<text>.*)$")
_LABEL = re.compile(r"[ ]{0,3}\[(?P<label>[^\[\]]+)\]:[ ]*")
_ADDRESS = re.compile(rf"[ ]*(?:<[^>]*>|\S+)[ ]*{_TITLE}?[ ]*$")
_NEXT_TITLE = re.compile(rf"[ ]*{_TITLE}[ ]*$")
_SNIPPET = re.compile(r"[ \t]*;*-+8<-+")
_ATTRIBUTES_LINE = re.compile(r"[ ]*\{:?[ ]*[^}\n ][^}\n]*\}[ ]*$")
_TRAILING_ATTRIBUTES = re.compile(r"[ ]+(\{:?[ ]*[^}\n ][^}\n]*\})[ ]*$")
_AUTODOC = re.compile(r":::+[ ]*\S")
_MATH = (("$$", "$$"), ("\\[", "\\]"), ("\\begin{", "\\end{"))
_PIPES = re.compile(r"\\\\|\\`+|`+|\\\||\|")
_TASK = re.compile(r"\[[ xX]\][ ]+")

TAB_COLUMNS = 4


class Line(NamedTuple):
    """A physical line within a container: text from `at` to `end`; `kind` is text, code or html."""

    start: int
    at: int
    end: int
    kind: str = "text"
    dedented: bool = False


@dataclass(frozen=True, slots=True)
class Piece:
    """Words of the file: the spans of their lines, how to write them back, and what follows a hard break."""

    kind: str
    heading: str
    spans: tuple[tuple[int, int], ...]
    writer: str
    prefix: str


@dataclass(frozen=True, slots=True)
class Anchor:
    """A heading: its `name` as the reader sees it, and where its id is to be written; None when it has one."""

    name: str
    at: int | None
    inside: bool = False


@dataclass(slots=True)
class Found:
    """Everything of a body the segments need."""

    pieces: list[Piece] = field(default_factory=list)
    anchors: list[Anchor] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)
    labels: set[str] = field(default_factory=set)
    abbreviations: set[str] = field(default_factory=set)


def scan(text: str, start: int = 0) -> Found:
    """The pieces of the body that begins at `start`, in order."""
    scanner = _Scanner(text)
    scanner.blocks(
        _html_lines(text, _code_lines(text, _physical_lines(text, start, len(text))), scanner), "paragraph"
    )
    return scanner.finished()


def _physical_lines(text: str, start: int, end: int) -> list[Line]:
    lines = []
    for match in _LINE_END.finditer(text, start, end):
        lines.append(Line(start, start, match.start()))
        start = match.end()
    if start < end:
        lines.append(Line(start, start, end))
    return lines


def _code_lines(text: str, lines: list[Line]) -> list[Line]:
    """Fences are found first, wherever they are, as superfences does; an unclosed one is text."""
    output, index = list(lines), 0
    while index < len(lines):
        match = _FENCE.match(text[lines[index].start : lines[index].end])
        close = _fence_end(text, lines, index, match) if match else None
        if close is None:
            index += 1
            continue
        for inner in range(index, close + 1):
            output[inner] = lines[inner]._replace(kind="code")
        index = close + 1
    return output


def _fence_end(text: str, lines: list[Line], index: int, match: re.Match[str]) -> int | None:
    """The line that closes a fence; a line that leaves the container of the fence shows that it was none."""
    if match["fence"][0] == "`" and "`" in match["info"]:
        return None
    fence, width, quotes = (
        match["fence"],
        len(match["prefix"].expandtabs(TAB_COLUMNS)),
        match["prefix"].count(">"),
    )
    blanks = False
    for close in range(index + 1, len(lines)):
        prefix, content = _fence_prefix(text[lines[close].start : lines[close].end], width)
        level = prefix.count(">")
        if not content.strip():
            blanks = True
            continue
        outside = len(prefix.expandtabs(TAB_COLUMNS)) < width if not quotes else blanks and level < quotes
        if level > quotes or outside:
            return None
        if content.rstrip() == fence:
            return close
    return None


def _fence_prefix(line: str, width: int) -> tuple[str, str]:
    """A line's indentation and quote marks, as far as its fence has them, and the rest."""
    end = 0
    while end < len(line) and line[end] in " \t>" and len(line[:end].expandtabs(TAB_COLUMNS)) < width:
        end += 1
    return line[:end], line[end:]


def _html_lines(text: str, lines: list[Line], scanner: "_Scanner") -> list[Line]:
    """Raw HTML leaves the lines: its words become pieces at once, what is behind it stays a line."""
    output: list[Line] = []
    until = 0
    for line in lines:
        if line.kind != "text":
            output.append(line)
            continue
        if line.end <= until and line.start < until:
            continue
        if line.start < until:
            line = line._replace(start=until, at=until)
        until = _line_html(text, line, lines, scanner, output) or until
    return output


def _line_html(
    text: str, line: Line, lines: list[Line], scanner: "_Scanner", output: list[Line]
) -> int | None:
    """Move over the raw HTML a line begins with; the position where it ends, None when it begins with none."""
    position, found = line.at, None
    while end := _raw_end(text, position, line.end, lines, scanner):
        output.append(Line(line.start, position, min(end, line.end), "html"))
        position = found = end
        if position >= line.end:
            return found
    if text[position : line.end].strip() or found is None:
        output.append(line._replace(start=position, at=position))
    return found


def _raw_end(text: str, start: int, line_end: int, lines: list[Line], scanner: "_Scanner") -> int | None:
    last = lines[-1].end
    head = text[start:line_end]
    stripped = head.lstrip(" ")
    if len(head) - len(stripped) > 3 or not stripped.startswith("<"):
        return None
    at = start + len(head) - len(stripped)
    for opening, closing in (("<!--", "-->"), ("<?", "?>"), ("<![CDATA[", "]]>"), ("<!", ">")):
        if stripped.startswith(opening):
            end = text.find(closing, at + len(opening), last)
            return end + len(closing) if end >= 0 else None
    match = _TAG_START.match(head)
    tag = _ANY_TAG.match(text, at, last) if match else None
    if not match or not tag:
        return None
    if match.group(1) or match.group(2).lower() in _VOID:
        return tag.end()
    attribute = _MARKDOWN_ATTRIBUTE.search(tag.group())
    if attribute and attribute["value"] not in ("0", "off") and match.group(2).lower() not in _RAW_TAGS:
        return tag.end()
    end = _balanced_end(text, at, last)
    position = at
    for line in lines:
        if line.kind == "code" and at <= line.start < end:
            scanner.html(position, line.start)
            position = line.end
    scanner.html(position, end)
    return end


def _balanced_end(text: str, start: int, last: int) -> int:
    """The end of the element that begins at `start`; unclosed, it takes the rest of the file."""
    stack: list[str] = []
    position = start
    while match := _ANY_TAG.search(text, position, last):
        position = match.end()
        name = (match.group(2) or "").lower()
        if not name:
            continue
        if not match.group(1):
            if not match.group(3).endswith("/"):
                stack.append(name)
            if name in ("script", "style") and (
                close := re.compile(rf"</{name}\s*>", re.I).search(text, position)
            ):
                position = close.start()
        elif name in stack:
            while stack.pop() != name:
                pass
        if not stack:
            return position
    return last


class _Scanner:
    """Walks the lines of a container; every handler takes the index of a line and returns the next one."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.found = Found()
        self.headings: list[tuple[int, str]] = [(-1, "")]

    def finished(self) -> Found:
        """What was found, in the order of the file (raw HTML comes first in the walk), under its headings."""
        self.headings.sort()
        places = [place for place, _ in self.headings]
        pieces = sorted(self.found.pieces, key=lambda piece: piece.spans[0][0])
        self.found.pieces = [
            replace(piece, heading=self.headings[bisect_left(places, piece.spans[0][0]) - 1][1])
            for piece in pieces
        ]
        return self.found

    # Lines

    def content(self, line: Line) -> str:
        return self.text[line.at : line.end]

    def blank(self, line: Line) -> bool:
        return line.kind == "text" and not self.content(line).strip()

    def _column(self, line: Line) -> int:
        before = self.text[line.start : line.at]
        return len(before.expandtabs(TAB_COLUMNS)) if "\t" in before else line.at - line.start

    def indent(self, line: Line) -> int:
        """Columns of white space at the start of a line, tabs to the next multiple of four."""
        column = base = self._column(line)
        for char in self.content(line):
            if char == "\t":
                column += TAB_COLUMNS - column % TAB_COLUMNS
            elif char == " ":
                column += 1
            else:
                break
        return column - base

    def dedent(self, line: Line, columns: int = TAB_COLUMNS) -> Line:
        """The line with up to so many columns of indentation given to the container."""
        column = self._column(line)
        goal, at = column + columns, line.at
        while at < line.end and column < goal and self.text[at] in " \t":
            column += 1 if self.text[at] == " " else TAB_COLUMNS - column % TAB_COLUMNS
            at += 1
        return line._replace(at=at, dedented=True)

    def indented(self, lines: Sequence[Line], index: int) -> tuple[list[Line], int]:
        """The lines from `index` that belong to a container by their indentation, dedented."""
        taken: list[Line] = []
        while index < len(lines):
            line = lines[index]
            if self.blank(line):
                taken.append(line)
            elif self.indent(line) >= TAB_COLUMNS:
                taken.append(self.dedent(line))
            else:
                break
            index += 1
        return taken, index

    # Output

    def emit(self, kind: str, spans: Sequence[tuple[int, int]], writer: str, prefix: str = "") -> None:
        """Record words, without the white space around their lines."""
        trimmed = []
        for start, end in spans:
            words = self.text[start:end]
            start += len(words) - len(words.lstrip())
            # The spaces of a hard break stay at the end of the line.
            trimmed.append((start, max(start, end)))
        while trimmed and not self.text[slice(*trimmed[-1])].strip():
            trimmed.pop()
        if not trimmed:
            return
        start, end = trimmed[-1]
        trimmed[-1] = (start, start + len(self.text[start:end].rstrip()))
        self.found.pieces.append(Piece(kind, "", tuple(trimmed), writer, prefix))

    def words(self, kind: str, lines: Sequence[Line], writer: str = "block", end: int | None = None) -> None:
        """Record a paragraph; where it holds block-level HTML, the words between the tags."""
        spans = [(line.at, line.end) for line in lines]
        if end is not None and spans:
            spans[-1] = (spans[-1][0], end)
        if not spans:
            return
        prefix = self._prefix(lines)
        whole = self.text[spans[0][0] : spans[-1][1]]
        if "<" not in whole or not any(m["code"] is None for m in _SPLITTER.finditer(whole)):
            self.emit(kind, spans, writer, prefix)
            return
        self.html(spans[0][0], spans[-1][1], kind=kind, writer=writer, prefix=prefix, lines=spans)

    def _prefix(self, lines: Sequence[Line]) -> str:
        """What stands before the second line of a paragraph, as it is or as it would be."""
        if len(lines) > 1:
            content = self.content(lines[1])
            return self.text[lines[1].start : lines[1].at] + content[: len(content) - len(content.lstrip())]
        before = self.text[lines[0].start : lines[0].at]
        return re.sub(r"[^>\s]", " ", before)

    def html(
        self,
        start: int,
        end: int,
        *,
        kind: str = "html text",
        writer: str = "html",
        prefix: str = "",
        lines: Sequence[tuple[int, int]] = (),
    ) -> None:
        """Record the words between block-level tags; inline tags stay inside the words."""
        position = start
        for match in (_HTML_SPLITTER if writer == "html" else _SPLITTER).finditer(self.text, start, end):
            if match["code"] is None:
                self._run(position, match.start(), kind, writer, prefix, lines)
                position = match.end()
        self._run(position, end, kind, writer, prefix, lines)

    def _run(
        self, start: int, end: int, kind: str, writer: str, prefix: str, lines: Sequence[tuple[int, int]]
    ) -> None:
        if lines:
            spans = [(max(a, start), min(b, end)) for a, b in lines if min(b, end) > max(a, start)]
        else:
            inner = _physical_lines(self.text, start, end)
            spans = [(line.start, line.end) for line in inner]
        if any(self.text[a:b].strip() for a, b in spans):
            while spans and not self.text[slice(*spans[0])].strip():
                spans.pop(0)
            self.emit(kind, spans, writer, prefix)

    # Blocks

    def blocks(self, lines: Sequence[Line], kind: str) -> None:
        """Scan the lines of one container; `kind` is what its paragraphs are called."""
        index = 0
        while index < len(lines):
            line = lines[index]
            if line.kind != "text" or self.blank(line):
                index += 1
                continue
            for handler in self._handlers():
                after = handler(lines, index, kind)
                if after is not None:
                    index = after
                    break

    def _handlers(self) -> "Sequence[_Handler]":
        return (
            self._code, self._verbatim, self._math, self._slash, self._titled, self._hash_heading,
            self._setext_heading, self._rule, self._list, self._quote, self._footnote, self._abbreviation,
            self._reference, self._definition, self._table, self._paragraph,
        )  # fmt: skip

    def _code(self, lines: Sequence[Line], index: int, kind: str) -> int | None:
        if self.indent(lines[index]) < TAB_COLUMNS:
            return None
        while index < len(lines) and (self.blank(lines[index]) or self.indent(lines[index]) >= TAB_COLUMNS):
            index += 1
        return index

    def _verbatim(self, lines: Sequence[Line], index: int, kind: str) -> int | None:
        content = self.content(lines[index])
        if content.strip() == "[TOC]" or _ATTRIBUTES_LINE.match(content):
            return index + 1
        if _AUTODOC.match(content):
            return self.indented(lines, index + 1)[1]
        if not _SNIPPET.match(content):
            return None
        if content.strip().strip("-") == "8<":
            for close in range(index + 1, len(lines)):
                if self.content(lines[close]).strip() == content.strip():
                    return close + 1
        return index + 1

    def _math(self, lines: Sequence[Line], index: int, kind: str) -> int | None:
        content = self.content(lines[index]).strip()
        pair = next((pair for pair in _MATH if content.startswith(pair[0])), None)
        if not pair:
            return None
        rest = content[len(pair[0]) :]
        while index < len(lines) and not self.blank(lines[index]):
            if re.search(re.escape(pair[1]) + (r"[^}]*\}" if pair[1] == "\\end{" else "") + r"\s*$", rest):
                return index + 1
            index += 1
            rest = self.content(lines[index]) if index < len(lines) else ""
        return None

    def _slash(self, lines: Sequence[Line], index: int, kind: str) -> int | None:
        line = lines[index]
        match = _SLASH.match(self.content(line))
        if not match:
            return None
        if not match["name"]:
            return index + 1
        title = match["title"] or ""
        if match["name"] == "html" and re.split(r"\W", title, maxsplit=1)[0] in _RAW_TAGS:
            return self._slash_end(lines, index, match["marks"])
        if title and not _UNTITLED.fullmatch(match["name"]):
            start = line.at + match.start("title")
            self.emit(
                "tab title" if match["name"] == "tab" else "admonition title",
                [(start, start + len(title))],
                "line",
            )
        index += 1
        while (
            index < len(lines) and not self.blank(lines[index]) and self.indent(lines[index]) >= TAB_COLUMNS
        ):
            index += 1
        return index

    def _slash_end(self, lines: Sequence[Line], index: int, marks: str) -> int:
        for close in range(index + 1, len(lines)):
            if self.content(lines[close]).strip() == marks:
                return close + 1
        return len(lines)

    def _titled(self, lines: Sequence[Line], index: int, kind: str) -> int | None:
        """Admonitions, collapsible blocks and tabs: a title in quotes and an indented content."""
        line = lines[index]
        match = _ADMONITION.match(self.content(line)) or _TAB.match(self.content(line))
        if not match:
            return None
        title = match["title"]
        if title and title.strip():
            start = line.at + match.start("title")
            name = "tab title" if match.re is _TAB else "admonition title"
            self.emit(name, [(start, start + len(title))], "quoted")
        inner, index = self.indented(lines, index + 1)
        self.blocks(inner, "paragraph")
        return index

    def _hash_heading(self, lines: Sequence[Line], index: int, kind: str) -> int | None:
        match = _HEADING.match(self.content(lines[index]))
        if not match:
            return None
        start = lines[index].at + match.start(2)
        self._heading(start, start + len(match.group(2).rstrip()))
        return index + 1

    def _setext_heading(self, lines: Sequence[Line], index: int, kind: str) -> int | None:
        if index + 1 >= len(lines) or lines[index + 1].kind != "text":
            return None
        if not _SETEXT.match(self.content(lines[index + 1])):
            return None
        line = lines[index]
        self._heading(line.at, line.at + len(self.content(line).rstrip()))
        return index + 2

    def _heading(self, start: int, end: int) -> None:
        """A heading's words, and where its id belongs when it has none."""
        content = self.text[start:end]
        attributes = _TRAILING_ATTRIBUTES.search(content)
        words = content[: attributes.start()] if attributes else content
        name = inline.plain(inline.parse(words.strip())).strip()
        self.emit("heading", [(start, start + len(words))], "heading")
        self.headings.append((end, name))
        if attributes:
            ids = re.findall(r"#([^\s}]+)", re.sub(r"""=(?:"[^"]*"|'[^']*')""", "", attributes.group(1)))
            self.found.ids.update(ids)
            opening = re.match(r"\{:?", attributes.group(1))
            at = start + attributes.start(1) + (opening.end() if opening else 1)
            self.found.anchors.append(Anchor(name, None if ids else at, True))
        else:
            self.found.anchors.append(Anchor(name, start + len(words.rstrip()) if words.strip() else None))

    def _rule(self, lines: Sequence[Line], index: int, kind: str) -> int | None:
        return index + 1 if _RULE.match(self.content(lines[index])) else None

    def _list(self, lines: Sequence[Line], index: int, kind: str) -> int | None:
        match = _ITEM.match(self.content(lines[index]))
        if not match:
            return None
        while match:
            line = lines[index]
            first = line._replace(at=line.at + match.end(), dedented=False)
            task = _TASK.match(self.content(first))
            item = [first._replace(at=first.at + task.end()) if task else first]
            index = self._item(lines, index + 1, item)
            self.blocks(item, "list item")
            match = _ITEM.match(self.content(lines[index])) if index < len(lines) else None
            if match and lines[index].kind != "text":
                match = None
        return index

    def _item(self, lines: Sequence[Line], index: int, item: list[Line]) -> int:
        """Add to `item` the lines that belong to it; the index of the first that does not."""
        while index < len(lines):
            line = lines[index]
            if self.blank(line):
                after = self._next(lines, index)
                if after is None:
                    return len(lines)
                if lines[after].kind == "html" or self.indent(lines[after]) < TAB_COLUMNS:
                    return after
                item.extend(lines[index:after])
                index = after
                continue
            if line.kind == "html" or (line.kind == "text" and _ITEM.match(self.content(line))):
                return index
            item.append(self.dedent(line) if self.indent(line) >= TAB_COLUMNS else line)
            index += 1
        return index

    def _next(self, lines: Sequence[Line], index: int) -> int | None:
        return next((i for i in range(index, len(lines)) if not self.blank(lines[i])), None)

    def _quote(self, lines: Sequence[Line], index: int, kind: str) -> int | None:
        if not _QUOTE.match(self.content(lines[index])):
            return None
        inner: list[Line] = []
        while index < len(lines) and not self.blank(lines[index]) and lines[index].kind != "html":
            line = lines[index]
            match = _QUOTE.match(self.content(line))
            inner.append(line._replace(at=line.at + match.end(), dedented=False) if match else line)
            index += 1
        if _ALERT.match(self.content(inner[0])):
            inner = inner[1:]
        self.blocks(inner, "quote")
        return index

    def _footnote(self, lines: Sequence[Line], index: int, kind: str) -> int | None:
        match = _FOOTNOTE.match(self.content(lines[index]))
        if not match:
            return None
        inner = [lines[index]._replace(at=lines[index].at + match.end(), dedented=False)]
        index = self._lazy(lines, index + 1, inner, (_FOOTNOTE, _ABBREVIATION, _LABEL))
        rest, index = self.indented(lines, index)
        self.blocks([*inner, *rest], "footnote")
        return index

    def _lazy(
        self, lines: Sequence[Line], index: int, inner: list[Line], stops: Sequence[re.Pattern[str]]
    ) -> int:
        """Add the lines up to the next blank one, dedented where they are indented."""
        while index < len(lines) and not self.blank(lines[index]) and lines[index].kind != "html":
            line = lines[index]
            if any(stop.match(self.content(line)) for stop in stops):
                break
            inner.append(self.dedent(line) if self.indent(line) >= TAB_COLUMNS else line)
            index += 1
        return index

    def _abbreviation(self, lines: Sequence[Line], index: int, kind: str) -> int | None:
        line = lines[index]
        match = _ABBREVIATION.match(self.content(line))
        if not match:
            return None
        self.found.abbreviations.add(match["term"].strip())
        self.emit("abbreviation", [(line.at + match.start("text"), line.end)], "line")
        return index + 1

    def _reference(self, lines: Sequence[Line], index: int, kind: str) -> int | None:
        """A link definition; its address and its title may stand on lines of their own."""
        line = lines[index]
        label = _LABEL.match(self.content(line))
        if not label or label["label"].startswith("^"):
            return None
        line = line._replace(at=line.at + label.end())
        if self.blank(line) and index + 1 < len(lines) and lines[index + 1].kind == "text":
            index, line = index + 1, lines[index + 1]
        match = _ADDRESS.match(self.content(line))
        if not match:
            return None
        self.found.labels.add(inline.label_key(label["label"]))
        if not match["title"] and index + 1 < len(lines) and lines[index + 1].kind == "text":
            match, line = _NEXT_TITLE.match(self.content(lines[index + 1])), lines[index + 1]
            index += 1 if match else 0
        if match and match["title"]:
            span = (line.at + match.start("title") + 1, line.at + match.end("title") - 1)
            self.emit("link title", [span], "reference" + match["title"][0])
        return index + 1

    def _definition(self, lines: Sequence[Line], index: int, kind: str) -> int | None:
        match = _DEFINITION.match(self.content(lines[index]))
        if not match:
            return None
        inner = [lines[index]._replace(at=lines[index].at + match.end(), dedented=False)]
        index = self._lazy(lines, index + 1, inner, (_DEFINITION,))
        rest, index = self.indented(lines, index)
        self.blocks([*inner, *rest], "definition")
        return index

    def _paragraph(self, lines: Sequence[Line], index: int, kind: str) -> int:
        start = index
        index += 1
        while index < len(lines) and not self._interrupts(lines, index):
            index += 1
        taken = list(lines[start:index])
        while taken and _ATTRIBUTES_LINE.match(self.content(taken[-1])):
            taken.pop()
        if self._defines(lines, index):
            for line in taken:
                trailing = _TRAILING_ATTRIBUTES.search(self.content(line))
                self.words(
                    "definition term", [line], "line", line.at + trailing.start() if trailing else None
                )
        else:
            # On one line it would become a heading of the rule below it.
            ruled = len(taken) > 1 and index < len(lines) and _SETEXT.match(self.content(lines[index]))
            self.words(kind, taken, "ruled" if ruled else "block")
        return index

    def _defines(self, lines: Sequence[Line], index: int) -> bool:
        """Whether a definition follows, so that the lines above it are its terms."""
        after = self._next(lines, index)
        return (
            after is not None
            and lines[after].kind == "text"
            and bool(_DEFINITION.match(self.content(lines[after])))
        )

    def _interrupts(self, lines: Sequence[Line], index: int) -> bool:
        """Whether a line ends the paragraph above it."""
        line, content = lines[index], self.content(lines[index])
        if line.kind != "text" or not content.strip():
            return True
        if line.dedented and _ITEM.match(content):
            return True
        return any(pattern.match(content) for pattern in _INTERRUPTING)

    # Tables

    def _table(self, lines: Sequence[Line], index: int, kind: str) -> int | None:
        end = index
        while end < len(lines) and not self.blank(lines[end]) and lines[end].kind == "text":
            end += 1
        rows = lines[index:end]
        if len(rows) < 2 or "|" not in self.content(rows[0]):
            return None
        header = self.content(rows[0]).strip(" ")
        bordered = header.startswith("|") or re.search(r"(?<!\\)(?:\\\\)*\|$", header) is not None
        cells = self._cells(rows[0], bordered)
        separators = ["".join(self.text[slice(*cell)]) for cell in self._cells(rows[1], bordered)]
        if len(cells) < 2 and not (bordered and all("|" in self.content(row) for row in rows)):
            return None
        if len(separators) != len(cells) or not set("".join(separators)) <= set("|:- "):
            return None
        for number, row in enumerate(rows):
            if number == 1:
                continue
            for start, stop in self._cells(row, bordered)[: len(cells)]:
                trailing = _TRAILING_ATTRIBUTES.search(self.text[start:stop])
                self._cell(start, start + trailing.start() if trailing else stop)
        return end

    def _cell(self, start: int, end: int) -> None:
        whole = self.text[start:end]
        if "<" in whole and any(m["code"] is None for m in _SPLITTER.finditer(whole)):
            self.html(start, end, kind="table cell", writer="cell", lines=[(start, end)])
        else:
            self.emit("table cell", [(start, end)], "cell")

    def _cells(self, line: Line, bordered: bool) -> list[tuple[int, int]]:
        """The spans of a row's cells; a pipe in code or behind a backslash is no border."""
        content = self.content(line)
        start = line.at + len(content) - len(content.lstrip(" "))
        end = line.at + len(content.rstrip())
        if bordered and self.text.startswith("|", start):
            start += 1
        if bordered and re.search(r"(?<!\\)(?:\\\\)*\|$", self.text[start:end]):
            end -= 1
        row = self.text[start:end]
        code = _code_regions(row)
        spans, position = [], 0
        for match in _PIPES.finditer(row):
            if match.group() == "|" and not any(a <= match.start() < b for a, b in code):
                spans.append((start + position, start + match.start()))
                position = match.end()
        spans.append((start + position, end))
        return spans


_Handler = Callable[[Sequence[Line], int, str], int | None]

_INTERRUPTING = (
    _HEADING, _RULE, _QUOTE, _SLASH, _ADMONITION, _TAB, _FOOTNOTE, _ABBREVIATION, _LABEL, _DEFINITION,
    _SNIPPET,
)  # fmt: skip


def _code_regions(row: str) -> list[tuple[int, int]]:
    """Where a table row has code: runs of backticks paired by their length."""
    ticks = []
    for match in _PIPES.finditer(row):
        escaped = match.group().startswith("\\`")
        if "`" in match.group():
            ticks.append((match.start() + escaped, match.end(), len(match.group()) - escaped, escaped))
    regions, position = [], 0
    while position < len(ticks):
        start, _, size, escaped = ticks[position]
        size -= escaped
        close = (
            next((i for i in range(position + 1, len(ticks)) if ticks[i][2] == size), None) if size else None
        )
        if close is None:
            position += 1
            continue
        regions.append((start, ticks[close][1]))
        position = close + 1
    return regions
