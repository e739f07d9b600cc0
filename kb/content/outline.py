"""What a Markdown body refers to and offers: links, images, snippets, headings, anchors, each with its line.

The text is scanned, not rendered: a rendered page has lost its lines, and scanning 10,000 articles takes
seconds. Every scan is linear in the length of the text, whatever the text is. Code and HTML comments are
blanked out first.
"""

import html
import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterator
from typing import Literal

import msgspec

Kind = Literal["link", "image", "snippet"]
DESTINATION_LIMIT = 2_000
"""Characters looked at for a link's destination and title."""
NESTING_LIMIT = 32
"""Levels of parentheses in a destination, as in CommonMark."""


class Reference(msgspec.Struct, frozen=True):
    """Something the text points to. ``target`` is as written; ``text`` is the link's text or the image's
    alternative text, None for an HTML image without the attribute; ``line`` is that of the file. ``span`` is where
    in the text all of it stands, ``target_span`` its target, (0, 0) where that is defined elsewhere."""

    kind: Kind
    target: str
    text: str | None
    line: int
    span: tuple[int, int] = (0, 0)
    target_span: tuple[int, int] = (0, 0)


class Heading(msgspec.Struct, frozen=True):
    """``anchor`` is the explicit id, or the slug that the site's table of contents makes of the text."""

    level: int
    text: str
    anchor: str
    line: int


class Undefined(msgspec.Struct, frozen=True):
    """A reference-style link whose label no line defines: readers would see its brackets."""

    label: str
    line: int


class Outline(msgspec.Struct, frozen=True):
    """All that :func:`outline` finds, in the order of the text."""

    references: tuple[Reference, ...]
    headings: tuple[Heading, ...]
    anchors: frozenset[str]
    undefined: tuple[Undefined, ...]


def outline(body: str, first_line: int = 1) -> Outline:
    """Scan ``body``, whose first line is line ``first_line`` of its file."""
    return _Scan(body, first_line).outline()


# ---------------------------------------------------------------- blanking out what is not text

_FENCE = re.compile(r"^[ \t>]*(`{3,}|~{3,})([^\n]*)$", re.M)
_CONTAINER = re.compile(r"(?:[-*+][ \t]|\d{1,9}[.)][ \t]|!!!|\?\?\?|===|\[\^[^\]\n]+\]:|:[ \t]|///)")
_OPAQUE = re.compile(r"\\[`<]|`+|<!--|<(?:pre|code|script|style|textarea)\b", re.I)
_COMMENTS = re.compile(r"\\[`<]|`+|<!--")
_BLANK = re.compile(r"\n[ \t]*\n")


def without_code(body: str, *, keep_html: bool = False) -> str:
    """``body`` with code, HTML comments and raw HTML blocks replaced by spaces; every other character, and
    every line, stays at its place. ``keep_html`` leaves elements such as ``<pre>`` and ``<script>``."""
    if "```" in body or "~~~" in body:
        body = _without_fences(body)
    if "\n    " in body or "\n\t" in body or body.startswith(("    ", "\t")):
        body = _without_indented(body)
    if "`" in body or "<" in body:
        body = _without_spans(body, _COMMENTS if keep_html else _OPAQUE)
    return body


def _blanked(text: str, spans: list[tuple[int, int]]) -> str:
    pieces, position = [], 0
    for start, end in spans:
        pieces.append(text[position:start])
        pieces.append(re.sub(r"[^\n]", " ", text[start:end]))
        position = end
    return "".join([*pieces, text[position:]])


def _without_fences(text: str) -> str:
    fences = [(m.start(), m.end(), m[1], m[2].strip()) for m in _FENCE.finditer(text)]
    # The longest closing fence from here to the end: an opening one that none can close is plain text.
    longest: dict[str, list[int]] = {}
    for sign in "`~":
        lengths = [len(run) if run[0] == sign and not info else 0 for _, _, run, info in fences]
        for i in range(len(lengths) - 2, -1, -1):
            lengths[i] = max(lengths[i], lengths[i + 1])
        longest[sign] = lengths
    spans, i = [], 0
    while i < len(fences):
        start, _, run, info = fences[i]
        i += 1
        if run[0] == "`" and "`" in info:
            continue
        if i < len(fences) and longest[run[0]][i] >= len(run):
            while not _closes(fences[i][2], fences[i][3], run):
                i += 1
            spans.append((start, fences[i][1]))
            i += 1
    return _blanked(text, spans)


def _closes(run: str, info: str, opening: str) -> bool:
    return run[0] == opening[0] and len(run) >= len(opening) and not info


def _without_indented(text: str) -> str:
    """Blank out indented code: four spaces after an empty line, outside lists, notices and the like."""
    lines, in_code, after_blank, container = text.split("\n"), False, True, False
    for i, line in enumerate(lines):
        if not line or line.isspace():
            after_blank = True
            continue
        if line.startswith(("    ", "\t")):
            in_code = in_code or (after_blank and not container)
            if in_code:
                lines[i] = " " * len(line)
        else:
            in_code = False
            stripped = line.lstrip(" >")
            # A line that goes on a paragraph of a list item stays in the item.
            container = bool(_CONTAINER.match(stripped)) or (container and not after_blank)
        after_blank = False
    return "\n".join(lines)


def _without_spans(text: str, opaque: re.Pattern[str]) -> str:
    runs: dict[int, list[int]] = {}
    for run in re.finditer(r"`+", text):
        runs.setdefault(run.end() - run.start(), []).append(run.start())
    blanks = [m.start() for m in _BLANK.finditer(text)]
    missing: set[str] = set()
    spans, position = [], 0
    while match := opaque.search(text, position):
        start, token = match.start(), match.group()
        position = match.end()
        if token[0] == "\\":
            continue
        end = (
            _code_end(token, position, runs, blanks) if token[0] == "`" else _markup_end(text, match, missing)
        )
        if end:
            spans.append((start, end))
            position = end
    return _blanked(text, spans)


def _code_end(token: str, position: int, runs: dict[int, list[int]], blanks: list[int]) -> int:
    """Where the code span ends that ``token`` begins before ``position``, 0 when its paragraph ends first."""
    same = runs.get(len(token), [])
    i = bisect_left(same, position)
    if i == len(same):
        return 0
    b = bisect_left(blanks, position)
    return same[i] + len(token) if b == len(blanks) or same[i] < blanks[b] else 0


def _markup_end(text: str, match: re.Match[str], missing: set[str]) -> int:
    closing = "-->" if match.group() == "<!--" else f"</{match.group()[1:].lower()}"
    if closing in missing:
        return 0
    end = re.compile(re.escape(closing), re.I).search(text, match.end())
    if end is None:
        missing.add(closing)
        return 0
    return end.end()


# ---------------------------------------------------------------- links, images, headings

_DEFINITION = re.compile(r"^ {0,3}\[([^\]\n^][^\]\n]*)\]:[ \t]*\n?[ \t]*(?:<([^<>\n]*)>|(\S+))[^\n]*$", re.M)
_BRACKET = re.compile(r"\\.|!?\[|\]|\n[ \t]*\n")
_LABEL = re.compile(r"[ ]?\[([^\[\]\n]{0,999})\]")
_TITLE = re.compile(r"\s+(?:\"[^\n]*\"|'[^\n]*')\s*$")
_PARENTHESES = re.compile(r"\\.|[()]|\n[ \t]*\n", re.S)
_HTML = re.compile(r"<(a|img|source|video|audio)\b([^<>]{0,2000})>", re.I)
_ATTRIBUTE = re.compile(r"""\b(href|src|alt|poster)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.I)
_SNIPPET = re.compile(r"^[ \t>]*-+8<-+(?:[ \t]+(?:\"([^\"\n]+)\"|'([^'\n]+)'))?[ \t]*$", re.M)
_ATX = re.compile(r"^ {0,3}(#{1,6})(?!#)([^\n]*)$", re.M)
_SETEXT = re.compile(r"^(?![ \t]*$)([^\n]+)\n(=+|-+)[ \t]*$", re.M)
_ATTRIBUTES = re.compile(r"\s*\{:?([^{}\n]*)\}\s*$")
_EXPLICIT = re.compile(r"#([^\s.#}=]+)|\bid=[\"']?([^\s\"'}]+)")
_ANY_ID = re.compile(
    r"""\{:?[ ][^{}\n]*?#([^\s.#}=]+)[^{}\n]*\}|\{:?#([^\s.#}=]+)[^{}\n]*\}"""
    r"""|<[^<>]*?\b(?:id|name)=["']?([^\s"'>]+)"""
)


class _Scan:
    def __init__(self, body: str, first_line: int) -> None:
        self.body = body
        self.text = without_code(body)
        self.first_line = first_line
        self.newlines = [m.start() for m in re.finditer("\n", body)]
        self.definitions = {_label(m[1]): m[2] or m[3] or "" for m in _DEFINITION.finditer(self.text)}
        self.undefined: list[Undefined] = []

    def outline(self) -> Outline:
        headings = list(self.headings())
        found = [*self.bracketed(), *self.in_html(), *self.snippets()]
        found.sort(key=lambda reference: reference.line)
        anchors = {heading.anchor for heading in headings}
        if "{" in self.text or "<" in self.text:
            anchors |= {m[1] or m[2] or m[3] for m in _ANY_ID.finditer(self.text)}
        return Outline(tuple(found), tuple(headings), frozenset(anchors), tuple(self.undefined))

    def line(self, position: int) -> int:
        return self.first_line + bisect_left(self.newlines, position)

    def bracketed(self) -> Iterator[Reference]:
        """``[text](target)``, ``![alt](target)`` and their reference forms, nested ones too."""
        if "[" not in self.text:
            return
        text = _blanked(self.text, [m.span() for m in _DEFINITION.finditer(self.text)])
        opened: list[tuple[int, str]] = []
        skip_to = 0
        for match in _BRACKET.finditer(text):
            token = match.group()
            if match.start() < skip_to or token[0] == "\\":
                continue
            if token[0] == "\n":
                opened.clear()
            elif token[-1] == "[":
                opened.append((match.end(), token))
            elif opened:
                start, opening = opened.pop()
                found, end = self._after(text, start, match.end(), opening)
                skip_to = max(skip_to, end)
                if found:
                    yield found

    def _after(self, text: str, start: int, end: int, opening: str) -> tuple[Reference | None, int]:
        """The reference whose closing bracket ends at ``end``, and where it ends itself."""
        kind: Kind = "image" if opening == "![" else "link"
        whole = start - len(opening)
        words = self.body[start : end - 1]
        if text.startswith("(", end):
            found = _destination(text, end)
            if found is None:
                return None, 0
            target, target_span, close = found
            return Reference(kind, target, words, self.line(start), (whole, close), target_span), close
        label = _LABEL.match(text, end)
        name = _label(label[1] or words) if label else _label(words)
        target_of = self.definitions.get(name)
        if target_of is not None:
            close = label.end() if label else end
            return Reference(kind, target_of, words, self.line(start), (whole, close)), close
        if label and label[1].strip() and not label[1].startswith("^") and not words.startswith("^"):
            self.undefined.append(Undefined(label[1], self.line(start)))
        return None, end

    def in_html(self) -> Iterator[Reference]:
        if "<" not in self.text:
            return
        for match in _HTML.finditer(self.text):
            found = {m[1].lower(): m for m in _ATTRIBUTE.finditer(self.text, *match.span(2))}
            values = {key: html.unescape(m[2] or m[3] or m[4] or "") for key, m in found.items()}
            spans = {key: m.span(m.lastindex or 0) for key, m in found.items()}
            line = self.line(match.start())
            if match[1].lower() == "a":
                if "href" in values:
                    yield Reference("link", values["href"], "", line, match.span(), spans["href"])
                continue
            alt = values.get("alt") if match[1].lower() == "img" else ""
            for key in ("src", "poster"):
                if key in values:
                    yield Reference("image", values[key], alt, line, match.span(), spans[key])

    def snippets(self) -> Iterator[Reference]:
        """``--8<-- "file"`` and the block form, also inside code, where they are expanded as well."""
        if "8<" not in self.body:
            return
        block_start = -1
        for match in _SNIPPET.finditer(self.body):
            name = match[1] or match[2]
            if name:
                yield Reference("snippet", name, None, self.line(match.start()))
            elif block_start < 0:
                block_start = match.end()
            else:
                yield from self._snippet_lines(block_start, match.start())
                block_start = -1

    def _snippet_lines(self, start: int, end: int) -> Iterator[Reference]:
        position = start
        for line in self.body[start:end].split("\n"):
            if line.strip():
                yield Reference("snippet", line.strip(), None, self.line(position))
            position += len(line) + 1

    def headings(self) -> Iterator[Heading]:
        found = [(m.start(), len(m[1]), m.start(2), m.end(2)) for m in _ATX.finditer(self.text)]
        if "\n=" in self.text or "\n-" in self.text:
            found += [
                (m.start(), 1 if m[2][0] == "=" else 2, m.start(1), m.end(1))
                for m in _SETEXT.finditer(self.text)
                if not m[1].startswith(("#", ">", "|", "-", "*", "+", "    "))
            ]
        used: set[str] = set()
        for position, level, start, end in sorted(found):
            heading = _heading(level, self.body[start:end], self.line(position), used)
            if heading.text:
                yield heading


def _destination(text: str, start: int) -> tuple[str, tuple[int, int], int] | None:
    """Target of the parenthesis that opens at ``start``, where it stands, and the position after the closing one."""
    limit = min(len(text), start + DESTINATION_LIMIT)
    if text.startswith("(<", start):
        close = text.find(">", start, limit)
        end = text.find(")", close, limit) if close > 0 else -1
        return (text[start + 2 : close], (start + 2, close), end + 1) if end > 0 else None
    depth = 0
    for match in _PARENTHESES.finditer(text, start, limit):
        if match[0] == "(":
            depth += 1
        elif match[0] == ")":
            depth -= 1
        if match[0][0] == "\n" or depth > NESTING_LIMIT:
            break
        if depth == 0:
            inner = _TITLE.sub("", text[start + 1 : match.start()])
            first = start + 1 + len(inner) - len(inner.lstrip())
            target = inner.strip()
            return html.unescape(target), (first, first + len(target)), match.end()
    return None


def definitions(body: str) -> Iterator[tuple[str, tuple[int, int]]]:
    """The target of each line that defines a link label, ``[r]: refunds.md``, and where in ``body`` it stands."""
    for match in _DEFINITION.finditer(without_code(body)):
        group = 2 if match[2] is not None else 3
        yield match[group], match.span(group)


def _label(text: str) -> str:
    return " ".join(text.split()).casefold()


def _heading(level: int, text: str, line: int, used: set[str]) -> Heading:
    attributes = _ATTRIBUTES.search(text) if "{" in text else None
    explicit = _EXPLICIT.search(attributes[1]) if attributes else None
    words = text[: attributes.start()] if attributes else text
    plain = plain_text(words.rstrip("# \t"))
    anchor = (explicit[1] or explicit[2]) if explicit else _unique(slug(plain), used)
    used.add(anchor)
    return Heading(level, plain, anchor, line)


def _unique(anchor: str, used: set[str]) -> str:
    # As Python-Markdown's toc numbers headings of equal text: a, a_1, a_2.
    if anchor not in used:
        return anchor
    number = 1
    while f"{anchor}_{number}" in used:
        number += 1
    return f"{anchor}_{number}"


_INLINE = (
    (re.compile(r"!?\[([^\[\]]*)\]\([^()]*\)"), r"\1"),
    (re.compile(r"!?\[([^\[\]]*)\]\[[^\[\]]*\]"), r"\1"),
    (re.compile(r"<[^<>\s][^<>]*>"), ""),
    (re.compile(r"(?<!\w)_+(\S(?:[^_]*\S)?)_+(?!\w)"), r"\1"),
    (re.compile(r"(?<!\\)[*`]+|~~"), ""),
    (re.compile(r"\\([!-/:-@\[-`{-~])"), r"\1"),
)


_MARKED = re.compile(r"[\[<_*`~\\&]")


def plain_text(inline: str) -> str:
    """One line of Markdown as readers see it."""
    if not _MARKED.search(inline):
        return inline.strip()
    for pattern, replacement in _INLINE:
        inline = pattern.sub(replacement, inline)
    return html.unescape(inline).strip()


def slug(text: str) -> str:
    """The anchor of a heading, as the site makes it (``pymdownx.slugs.slugify`` in lower case)."""
    text = unicodedata.normalize("NFC", text).strip().lower()
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")
