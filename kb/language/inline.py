"""Inline Markdown as a tree of text, pairs and atoms, whose `source` is the text it was parsed from.

The dialect is Python-Markdown's with the PyMdown extensions. Nothing is rendered and nothing is normalised:
the tree only tells words from what must be copied.
"""

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

Slots = tuple[str, ...]
"""Raw markup in pieces: those at odd positions are words inside it (alt text, titles)."""


@dataclass(frozen=True, slots=True)
class Text:
    """Words to translate."""

    text: str

    @property
    def source(self) -> str:
        """The Markdown of the node."""
        return self.text


@dataclass(frozen=True, slots=True)
class Atom:
    """Something to copy. `kind` names it; `output` is what stands for it in the translation."""

    kind: str
    raw: Slots
    output: str | None = None

    @property
    def source(self) -> str:
        """The Markdown of the node."""
        return "".join(self.raw)


@dataclass(frozen=True, slots=True)
class Span:
    """Words inside a pair of markers: emphasis, a link, an HTML element."""

    kind: str
    opening: Slots
    children: "tuple[Node, ...]"
    closing: Slots

    @property
    def source(self) -> str:
        """The Markdown of the node."""
        inner = "".join(child.source for child in self.children)
        return "".join(self.opening) + inner + "".join(self.closing)


Node = Text | Atom | Span

LOOSE_KINDS = frozenset({"quantity", "term", "placeholder", "entity", "escape", "character", "word"})
"""Atoms that make no element, so that a translation may put them in another order."""

_TAG = re.compile(
    r"""</?[a-zA-Z][^\s"'<>@/]*(?:\s+[^\s"'=<>/]+(?:\s*=\s*(?:"[^"]*"|'[^']*'|[^\s"'=<>`]+))?|\s*/)*\s*/?>"""
)
_TAG_NAME = re.compile(r"</?([a-zA-Z][^\s/>]*)")
_COMMENT = re.compile(r"<!--.*?-->|<\?.*?\?>|<!\[CDATA\[.*?\]\]>", re.S)
_AUTOLINK = re.compile(r"<(?:[A-Za-z][A-Za-z0-9+.-]*:[^<>\s]*|[^<> !]+@[^@<> ]+)>")
_VERBATIM_TAGS = ("code", "kbd", "samp", "var", "pre", "script", "style", "svg", "math", "textarea", "object")
_VOID_TAGS = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr"}
)
_ATTRIBUTE_LIST = re.compile(r"\{:?[ ]*[^{}\n ](?:[^{}\n\"']|\"[^\"\n]*\"|'[^'\n]*')*\}")
_WORD_ATTRIBUTE = re.compile(
    r"""(?<![\w-])(?:alt|title|aria-label|placeholder|data-title|data-caption)\s*=\s*(?:"([^"]*)"|'([^']*)')"""
)
_DESTINATION_TITLE = re.compile(r"""(?:\s)(?:"(.*)"|'(.*)')\s*\)$""", re.S)
_LETTER = re.compile(r"[^\W\d_]")
_WORD = re.compile(r"[^\W\d_]{2}|[\u0e00-\u0eff\u1100-\u11ff\u2e80-\u9fff\uac00-\ud7af]")

_CURRENCY = r"[$€£¥₴₽₹₺₩₪₫₱₦฿¢]"
_UNITS = (
    r"[kKMGTP]i?[Bb](?:/s|ps)?|[kMG]?bit/s|[kMG]bps|[kMG]?Hz|[kcmµn]?m[²³]?|km/h|mph|[kmµ]?g|m?l|°[CF]?|[kMGm]?Wh?|"
    r"[mk]?V|m?Ah|px|pt|em|rem|dpi|ppi|fps|ms|[µn]s|min|s|h|"
    r"USD|EUR|GBP|UAH|RUB|PLN|CHF|JPY|CNY|BRL|CAD|AUD|INR|TRY|SEK|NOK|DKK|CZK"
)
_NUMBER = r"\d+(?:[.,\u00a0\u202f]\d+|[ ]\d{3}(?!\d))*"
_LITERALS = "|".join(
    (
        r"(?P<address>(?:https?|ftp)://[^\s<>\"'`|]+|(?<![\w.@])www\.[\w-]+\.[^\s<>\"'`|]+)",
        r"(?P<mail>(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+)",
        r"(?P<template>\{\{.*?\}\}|\{%.*?%\}|\{\#.*?\#\})",
        r"(?P<placeholder>\$\{[^{}\s]*\}|%\{\w+\}|\{[\w.:!\[\]-]*\}"
        r"|(?<![\d%])%(?:\d+\$|\(\w+\))?[-+0\#]*\d*(?:\.\d+)?l{0,2}[sdifuxXeEgGc@](?![A-Za-z])|%[A-Z_]{2,}%)",
        r"(?P<emoji>(?<!:):(?=[0-9_+-]*[a-z1])[a-z0-9_+-]+:(?![:\w]))",
        r"(?P<keys>\+\+(?:[\w-]+|\"[^\"\n]*\"|'[^'\n]*')(?:\+(?:[\w-]+|\"[^\"\n]*\"|'[^'\n]*'))*\+\+)",
        r"(?P<entity>&(?:\#[0-9]+|\#[xX][0-9a-fA-F]+|[a-zA-Z][a-zA-Z0-9]*);)",
        rf"(?P<quantity>(?<![\w.,])(?:[A-Z]{{2}})?{_CURRENCY}\s?{_NUMBER}(?:\s?[kKMm](?!\w))?"
        rf"|(?<![\w.,]){_NUMBER}\s?{_CURRENCY}(?!\w)"
        r"|(?<![\w.,])(?:\d+(?:[./-]\d+){2,}|\d{1,2}:\d{2}(?::\d{2})?|\+?\d(?:[ ()-]{0,2}\d){7,})(?![\w-]|[.,]\d)"
        rf"|(?<![\w.,]){_NUMBER}[ \u00a0\u202f]?(?:{_UNITS})(?![\w-]))",
        r"(?P<word>(?<![\w])[A-Za-z0-9]+(?:_+[A-Za-z0-9]+)+(?!\w))",
        r"(?P<character>[\u2190-\u21ff\u2300-\u23ff\u2600-\u27bf\u2b00-\u2bff\ue000-\uf8ff\U0001f000-\U0001faff]"
        r"[\ufe0f\u200d\U0001f3fb-\U0001f3ff\u2640\u2642]*)",
    )
)
_LITERAL = re.compile(_LITERALS, re.S)
_STOP = re.compile(_LITERALS + r"|[\\`$<!\[{*_~^=\n]|  \n", re.S)
_MATH = re.compile(r"\$(?!\s)(?:\\.|[^\\$])+?(?<!\s)\$(?!\d)", re.S)
_PAREN_MATH = re.compile(r"\\\((?:\\[^)]|[^\\])+?\\\)", re.S)
_PAIRED = (
    ("insert", re.compile(r"\{\+\+(?=\S)(.+?)(?<=\S)\+\+\}", re.S), 3),
    ("delete", re.compile(r"\{--(?=\S)(.+?)(?<=\S)--\}", re.S), 3),
    ("mark", re.compile(r"\{==(?=\S)(.+?)(?<=\S)==\}", re.S), 3),
    ("mark", re.compile(r"==(?=[^\s=])(.+?)(?<=[^\s=])==(?!=)", re.S), 2),
    ("insert", re.compile(r"\^\^(?=[^\s^])(.+?)(?<=[^\s^])\^\^(?!\^)", re.S), 2),
    ("delete", re.compile(r"~~(?=[^\s~])(.+?)(?<=[^\s~])~~(?!~)", re.S), 2),
)
_BRACKET = re.compile(r"\\.|[`\[\]]", re.S)
_SCRIPT = re.compile(r"\^(?:\\.|[^\s^\\])+\^(?!\^)|~(?:\\.|[^\s~\\])+~(?!~)")
_CRITIC = re.compile(r"\{>>.*?<<\}|\{~~.*?~~\}", re.S)


def has_words(text: str) -> bool:
    """Whether the text holds a letter."""
    return _LETTER.search(text) is not None


MAX_DEPTH = 24
"""Deeper brackets and pairs are text: nobody writes them, and a parser must not run out of stack."""


def parse(text: str) -> tuple[Node, ...]:
    """The nodes of a segment; their sources, joined, are the text."""
    return _Parser(text).nodes()


def source(nodes: Collection[Node]) -> str:
    """The Markdown of the nodes."""
    return "".join(node.source for node in nodes)


def walk(nodes: Collection[Node]) -> Iterator[Node]:
    """All nodes, parents before children."""
    for node in nodes:
        yield node
        if isinstance(node, Span):
            yield from walk(node.children)


def slots(nodes: Collection[Node]) -> Iterator[str]:
    """The words inside markup: alt texts and titles, in order."""
    for node in walk(nodes):
        for raw in (node.opening, node.closing) if isinstance(node, Span) else ():
            yield from raw[1::2]
        if isinstance(node, Atom):
            yield from node.raw[1::2]


def translatable(nodes: Collection[Node]) -> bool:
    """Whether a translator has anything to do: words in the text, an alt text or a title."""
    if any(has_words(slot) for slot in slots(nodes)):
        return True
    # A letter on its own is a size, a column or a variable.
    return any(isinstance(node, Text) and _WORD.search(node.text) for node in walk(nodes))


def plain(nodes: Collection[Node]) -> str:
    """What a reader sees of the nodes, near enough for a heading's name."""
    pieces = []
    for node in nodes:
        if isinstance(node, Text):
            pieces.append(node.text)
        elif isinstance(node, Span):
            pieces.append(plain(node.children))
        else:
            pieces.append(_visible(node))
    return "".join(pieces)


def _visible(atom: Atom) -> str:
    import html

    raw = atom.source
    if atom.kind == "code":
        ticks = len(raw) - len(raw.lstrip("`"))
        inner = re.sub(
            r"^(?::::|#!)[\w#.+-]*\s+", "", _ATTRIBUTE_LIST.sub("", raw).strip("`").strip() if ticks else raw
        )
        return inner
    if atom.kind in ("escape", "word"):
        return re.sub(r"\\(.)", r"\1", raw)
    if atom.kind == "entity":
        return html.unescape(raw)
    if atom.kind == "script":
        return raw.replace("^", "").replace("~", "")
    if atom.kind == "autolink":
        return raw.strip("<>")
    if atom.kind == "element":
        return html.unescape(re.sub(r"<[^>]*>", "", raw))
    if atom.kind == "glued":
        return plain(_Parser(raw, glue=False).nodes())
    if atom.kind in ("image", "tag", "comment", "footnote", "emoji", "attributes"):
        return ""
    if atom.kind == "keys":
        return "+".join(key.strip("\"'").replace("-", " ").title() for key in raw.strip("+").split("+"))
    return raw


def explicit_references(text: str, labels: Collection[str]) -> str:
    """`[label]` and `[label][]` of defined labels as `[label][label]`, so that the words may change."""
    if "[" not in text or not labels:
        return text
    pieces, position, brackets = [], 0, _brackets(text)
    while position < len(text):
        char = text[position]
        end = position + 1
        if char == "\\":
            end = position + 2
        elif char == "`":
            end = _code_end(text, position) or _run_end(text, position)
        elif char == "<" and (match := _COMMENT.match(text, position) or _TAG.match(text, position)):
            end = match.end()
        elif char == "[" and (close := brackets.get(position)):
            inner, rest = text[position + 1 : close], text[close + 1 :]
            follow = re.match(r"\s?\[([^\]]*)\]", rest)
            if inner.startswith("^") or rest.startswith("("):
                pass
            elif follow and label_key(follow.group(1) or inner) in labels:
                label = follow.group(1) or inner
                inner = explicit_references(inner, labels) if follow.group(1) else inner
                pieces.append(f"[{inner}][{label}]")
                position = close + 1 + follow.end()
                continue
            elif not (follow and not follow.group().startswith(" ")) and label_key(inner) in labels:
                pieces.append(f"[{inner}][{inner}]")
                position = close + 1
                continue
        pieces.append(text[position:end])
        position = end
    return "".join(pieces)


def label_key(label: str) -> str:
    """A reference label as links and definitions are matched."""
    return " ".join(label.split()).lower()


def _brackets(text: str) -> dict[int, int]:
    """For each `[` the position of its `]`, past code, escapes and inner brackets."""
    pairs: dict[int, int] = {}
    openings: list[int] = []
    position = 0
    while match := _BRACKET.search(text, position):
        position = match.end()
        char = match.group()
        if char == "`":
            position = _code_end(text, match.start()) or _run_end(text, match.start())
        elif char == "[":
            openings.append(match.start())
        elif char == "]" and openings:
            pairs[openings.pop()] = match.start()
    return pairs


def _run_end(text: str, start: int) -> int:
    end = start
    while end < len(text) and text[end] == text[start]:
        end += 1
    return end


def _code_end(text: str, start: int) -> int | None:
    ticks = _run_end(text, start) - start
    match = re.compile(rf"(?<!`)`{{{ticks}}}(?!`)").search(text, start + ticks)
    return match.end() if match else None


def _destination_end(text: str, start: int) -> int | None:
    """The end of `(destination "title")` whose `(` is at `start`."""
    position, depth, quote = start, 0, ""
    while position < len(text):
        char = text[position]
        if char == "\\":
            position += 2
            continue
        if quote:
            # A quote closes only before the closing parenthesis: inner quotes are part of the title.
            if char == quote and re.match(r"\s*\)", text[position + 1 :]):
                quote = ""
        elif char in "\"'" and position > start + 1 and text[position - 1].isspace():
            quote = char
        elif char == "<" and position == start + 1:
            close = text.find(">", position)
            position = close if close > 0 else position
        elif char == "(":
            depth += 1
        elif char == ")":
            depth -= 1
            if depth == 0:
                return position + 1
        position += 1
    return None


def attribute_slots(raw: str) -> Slots:
    """An HTML tag or attribute list in pieces: the values of `alt`, `title` and the like are words."""
    pieces, position = [], 0
    for match in _WORD_ATTRIBUTE.finditer(raw):
        group = 1 if match.group(1) is not None else 2
        if has_words(match.group(group)):
            pieces += [raw[position : match.start(group)], match.group(group)]
            position = match.end(group)
    return (*pieces, raw[position:])


def _destination_slots(raw: str) -> Slots:
    """`](address "title"){ attributes }` in pieces: the title is words."""
    close = _destination_end(raw, raw.index("("))
    match = _DESTINATION_TITLE.search(raw, 0, close or len(raw))
    attributes = attribute_slots(raw[close:] if close else "")
    if not match:
        return (raw[:close] + attributes[0], *attributes[1:])
    group = 1 if match.group(1) is not None else 2
    head, title, tail = raw[: match.start(group)], match.group(group), raw[match.end(group) : close]
    if not has_words(title):
        return (head + title + tail + attributes[0], *attributes[1:])
    return (head, title, tail + attributes[0], *attributes[1:])


def _concatenate(first: Slots, second: Slots) -> Slots:
    return (*first[:-1], first[-1] + second[0], *second[1:])


@dataclass(slots=True)
class _Tag:
    name: str
    raw: str
    closing: bool


@dataclass(slots=True)
class _Delimiter:
    char: str
    count: int
    opens: bool
    closes: bool


_Item = Text | Atom | Span | _Tag | _Delimiter


class _Parser:
    """One left-to-right pass into items, then tags are paired, then emphasis inside each level."""

    def __init__(self, text: str, *, glue: bool = True, depth: int = 0) -> None:
        self.text = text
        self.items: list[_Item] = []
        self.glue = _glue if glue else list[Node]
        self.depth = depth
        self.brackets: dict[int, int] | None = None

    def _inner(self, text: str) -> tuple[Node, ...]:
        if self.depth >= MAX_DEPTH:
            return (Text(text),)
        return _Parser(text, glue=self.glue is _glue, depth=self.depth + 1).nodes()

    def nodes(self) -> tuple[Node, ...]:
        position = 0
        text = self.text
        while match := _STOP.search(text, position):
            if match.start() > position:
                self.items.append(Text(text[position : match.start()]))
            position = self._special(match)
        if position < len(text):
            self.items.append(Text(text[position:]))
        return tuple(self.glue(_merge(_pair_emphasis(_pair_tags(self.items)))))

    def _special(self, match: re.Match[str]) -> int:
        start = match.start()
        if match.lastgroup:
            return self._literal(match)
        handler = {
            "\\": self._backslash, "`": self._code, "$": self._math, "<": self._angle, "!": self._image,
            "[": self._bracket, "{": self._brace, "*": self._delimiter, "_": self._delimiter,
            "~": self._paired, "^": self._paired, "=": self._paired, "\n": self._break, " ": self._break,
        }[self.text[start]]  # fmt: skip
        return handler(start)

    def _atom(self, kind: str, start: int, end: int) -> int:
        """Append what lies between as one atom, with the attribute list that may follow it."""
        raw: Slots = (self.text[start:end],)
        tail = self._attributes_end(end) if kind not in ("escape", "entity", "comment", "break") else end
        if kind == "tag":
            raw = attribute_slots(raw[0])
        raw = _concatenate(raw, attribute_slots(self.text[end:tail]))
        self.items.append(Atom(kind, raw))
        return tail

    def _attributes_end(self, end: int) -> int:
        while match := _ATTRIBUTE_LIST.match(self.text, end):
            end = match.end()
        return end

    def _plain(self, start: int, end: int) -> int:
        self.items.append(Text(self.text[start:end]))
        return end

    def _literal(self, match: re.Match[str]) -> int:
        kind, start, end = match.lastgroup or "", match.start(), match.end()
        if kind == "address":
            while self.text[end - 1] in ".,;:!?)'*_]~":
                if self.text[end - 1] == ")" and self.text.count("(", start, end) >= self.text.count(
                    ")", start, end
                ):
                    break
                end -= 1
        if kind == "mail":
            end = start + len(match.group().rstrip(".-_"))
        if kind == "template" and (tail := self._attributes_end(end)):
            self.items.append(Atom("placeholder", (self.text[start:tail],)))
            return tail
        if kind in ("emoji", "keys"):
            return self._atom(kind, start, end)
        self.items.append(Atom(kind, (self.text[start:end],)))
        return end

    def _backslash(self, start: int) -> int:
        if match := _PAREN_MATH.match(self.text, start):
            return self._atom("math", start, match.end())
        after = self.text[start + 1 : start + 2]
        if after == "\n":
            return self._atom("break", start, start + 2)
        if after and not after.isalnum() and not after.isspace():
            return self._atom("escape", start, start + 2)
        return self._plain(start, start + 1)

    def _break(self, start: int) -> int:
        return self._atom("break", start, start + (3 if self.text[start] == " " else 1))

    def _code(self, start: int) -> int:
        end = _code_end(self.text, start)
        return self._atom("code", start, end) if end else self._plain(start, _run_end(self.text, start))

    def _math(self, start: int) -> int:
        if self.text.startswith("$$", start):
            end = self.text.find("$$", start + 2)
            return self._atom("math", start, end + 2) if end > 0 else self._plain(start, start + 2)
        match = _MATH.match(self.text, start)
        return self._atom("math", start, match.end()) if match else self._plain(start, start + 1)

    def _angle(self, start: int) -> int:
        text = self.text
        if match := _COMMENT.match(text, start):
            return self._atom("comment", start, match.end())
        if match := _AUTOLINK.match(text, start):
            return self._atom("autolink", start, match.end())
        match = _TAG.match(text, start)
        if not match:
            return self._plain(start, start + 1)
        raw, name = match.group(), _name(match.group())
        untouched = name in _VERBATIM_TAGS or re.search(
            r'translate="?no|notranslate|class="[^"]*\btwemoji', raw
        )
        if untouched and not raw.startswith("</") and not raw.endswith("/>"):
            close = re.compile(rf"</{re.escape(name)}\s*>", re.I).search(text, match.end())
            if close:
                return self._atom("element", start, close.end())
        if name in _VOID_TAGS or raw.endswith("/>"):
            return self._atom("tag", start, match.end())
        self.items.append(_Tag(name, raw, raw.startswith("</")))
        return match.end()

    def _image(self, start: int) -> int:
        if not self.text.startswith("![", start):
            return self._plain(start, start + 1)
        link = self._link_end(start + 1)
        if not link:
            return self._plain(start, start + 1)
        close, end = link
        alt = self.text[start + 2 : close]
        tail = self.text[close:end]
        rest = _destination_slots(tail) if tail.startswith("](") else (tail,)
        raw: Slots = ("![", alt, rest[0], *rest[1:]) if has_words(alt) else ("![" + alt + rest[0], *rest[1:])
        self.items.append(Atom("image", raw))
        return end

    def _link_end(self, start: int) -> tuple[int, int] | None:
        """The positions of `]` and of the end of a link or image whose `[` is at `start`."""
        if self.brackets is None:
            self.brackets = _brackets(self.text)
        close = self.brackets.get(start)
        if close is None:
            return None
        follow = self.text[close + 1 : close + 2]
        end: int | None = None
        if follow == "(":
            end = _destination_end(self.text, close + 1)
        elif follow == "[":
            label_end = self.text.find("]", close + 2)
            end = label_end + 1 if label_end > 0 else None
        elif follow == "{" and (attributes := self._attributes_end(close + 1)) > close + 1:
            end = attributes
        return (close, self._attributes_end(end)) if end else None

    def _bracket(self, start: int) -> int:
        text = self.text
        if match := re.compile(r"\[\^[^\]\s]+\]|\[\[[^\[\]\n]+\]\]|\[TOC\]").match(text, start):
            return self._atom("footnote" if match.group()[1] == "^" else "wikilink", start, match.end())
        link = self._link_end(start)
        if not link:
            return self._plain(start, start + 1)
        close, end = link
        if text[close + 1 : close + 3] == "[]":
            return self._atom("reference", start, end)
        tail = text[close:end]
        closing = _destination_slots(tail) if tail.startswith("](") else (tail,)
        inner = self._inner(text[start + 1 : close])
        self.items.append(Span("link", ("[",), inner, closing))
        return end

    def _brace(self, start: int) -> int:
        if match := _CRITIC.match(self.text, start):
            return self._atom("critic", start, match.end())
        for kind, pattern, width in _PAIRED[:3]:
            if match := pattern.match(self.text, start):
                return self._pair(kind, match, width)
        if match := _ATTRIBUTE_LIST.match(self.text, start):
            self.items.append(Atom("attributes", attribute_slots(match.group())))
            return match.end()
        return self._plain(start, start + 1)

    def _paired(self, start: int) -> int:
        for kind, pattern, width in _PAIRED[3:]:
            if match := pattern.match(self.text, start):
                return self._pair(kind, match, width)
        if match := _SCRIPT.match(self.text, start):
            return self._atom("script", start, match.end())
        return self._plain(start, _run_end(self.text, start))

    def _pair(self, kind: str, match: re.Match[str], width: int) -> int:
        raw = match.group()
        tail = self._attributes_end(match.end())
        closing = _concatenate((raw[-width:],), attribute_slots(self.text[match.end() : tail]))
        self.items.append(Span(kind, (raw[:width],), self._inner(match.group(1)), closing))
        return tail

    def _delimiter(self, start: int) -> int:
        text, end = self.text, _run_end(self.text, start)
        before, after = text[start - 1 : start] or " ", text[end : end + 1] or " "
        left = not after.isspace() and (_is_word(after) or not _is_word(before))
        right = not before.isspace() and (_is_word(before) or not _is_word(after))
        if text[start] == "_":
            left, right = (
                left and (not right or not _is_word(before)),
                right and (not left or not _is_word(after)),
            )
        self.items.append(_Delimiter(text[start], end - start, left, right))
        return end


def _is_word(char: str) -> bool:
    return char.isalnum()


def _name(tag: str) -> str:
    match = _TAG_NAME.match(tag)
    return match.group(1).lower() if match else ""


def _pair_tags(items: list[_Item]) -> list[_Item]:
    """HTML tags that match become spans; the others stay as atoms."""
    output: list[_Item] = []
    openings: list[int] = []
    for item in items:
        if isinstance(item, _Tag) and item.closing:
            start = next((i for i in reversed(openings) if _opening(output[i]).name == item.name), None)
            if start is None:
                output.append(Atom("tag", (item.raw,)))
                continue
            openings = [i for i in openings if i < start]
            inner = [
                Atom("tag", attribute_slots(i.raw)) if isinstance(i, _Tag) else i for i in output[start + 1 :]
            ]
            opening = attribute_slots(_opening(output[start]).raw)
            del output[start:]
            output.append(Span("html", opening, tuple(_glue(_merge(_pair_emphasis(inner)))), (item.raw,)))
            continue
        if isinstance(item, _Tag):
            openings.append(len(output))
        output.append(item)
    return [Atom("tag", attribute_slots(i.raw)) if isinstance(i, _Tag) else i for i in output]


def _opening(item: _Item) -> _Tag:
    assert isinstance(item, _Tag)
    return item


def _pair_emphasis(items: Sequence[_Item]) -> list[Node]:
    """CommonMark's delimiter runs: strong where both sides have two, else emphasis; the rest is text."""
    output: list[_Item] = []
    for item in items:
        if isinstance(item, _Delimiter) and item.closes:
            item = _close_emphasis(output, item)
            if not item.count:
                continue
        output.append(item)
    return [Text(i.char * i.count) if isinstance(i, _Delimiter) else _node(i) for i in output]


def _close_emphasis(output: list[_Item], closer: _Delimiter) -> _Delimiter:
    while closer.count:
        start = next(
            (
                i
                for i in range(len(output) - 1, -1, -1)
                if isinstance(opener := output[i], _Delimiter) and opener.char == closer.char and opener.opens
            ),
            None,
        )
        if start is None or start == len(output) - 1:
            break
        opener = output[start]
        assert isinstance(opener, _Delimiter)
        width = 2 if opener.count >= 2 and closer.count >= 2 else 1
        if width == 1 and (opener.closes or closer.opens) and (opener.count + closer.count) % 3 == 0:
            break
        inner = [
            Text(i.char * i.count) if isinstance(i, _Delimiter) else _node(i) for i in output[start + 1 :]
        ]
        del output[start:]
        if opener.count > width:
            output.append(_Delimiter(opener.char, opener.count - width, opener.opens, opener.closes))
        mark = opener.char * width
        kind = "strong" if width == 2 else "emphasis"
        output.append(Span(kind, (mark,), tuple(_glue(_merge(inner))), (mark,)))
        closer = _Delimiter(closer.char, closer.count - width, closer.opens, closer.closes)
    return closer


def _node(item: _Item) -> Node:
    assert isinstance(item, Text | Atom | Span)
    return item


def _merge(nodes: list[Node]) -> list[Node]:
    """Neighbouring texts as one; an attribute list right behind a span belongs to the span."""
    output: list[Node] = []
    for node in nodes:
        last = output[-1] if output else None
        if isinstance(node, Text) and isinstance(last, Text):
            output[-1] = Text(last.text + node.text)
        elif isinstance(node, Atom) and node.kind in ("attributes", "placeholder") and isinstance(last, Span):
            output[-1] = Span(last.kind, last.opening, last.children, _concatenate(last.closing, node.raw))
        else:
            output.append(node)
    return output


_GLUE_BEFORE = re.compile(r"[A-Za-z0-9\u00c0-\u052f_\-]{1,40}$")
_GLUE_AFTER = re.compile(r"(?:[A-Za-z0-9\u00c0-\u052f_]|['’](?=[A-Za-z])|[-.:/](?=[A-Za-z0-9])){1,40}")
_UNGLUED = frozenset({"break", "image", "comment", "footnote", "attributes", "character", "tag"})
_INSIDE_WORDS = frozenset({"escape", "entity"})
"""Atoms that join a word only from both sides: `AT&amp;T` is one thing, `&quot;word&quot;` is not."""


def _glue(nodes: list[Node]) -> list[Node]:
    """An atom and the word parts that touch it are one thing to copy: `` `Order`s``, H~2~O, {n}px."""
    output: list[Node] = []
    for number, node in enumerate(nodes):
        last = output[-1] if output else None
        if isinstance(node, Atom) and _sticks(last, node, nodes[number + 1 : number + 2]):
            glued = _glue_before(output, node)
            if glued is None:
                continue
            node = glued
        elif isinstance(node, Text) and isinstance(last, Atom) and last.kind not in _UNGLUED | _INSIDE_WORDS:
            match = _GLUE_AFTER.match(node.text)
            if match:
                output[-1] = Atom(_glued_kind(last), (*last.raw[:-1], last.raw[-1] + match.group()))
                node = Text(node.text[match.end() :])
            if not node.text:
                continue
        output.append(node)
    return output


def _sticks(last: Node | None, node: Atom, following: Sequence[Node]) -> bool:
    """Whether an atom joins what touches it."""
    if node.kind in _INSIDE_WORDS:
        before = isinstance(last, Text) and _GLUE_BEFORE.search(last.text)
        after = following and isinstance(following[0], Text) and _GLUE_AFTER.match(following[0].text)
        return bool(before and after)
    return node.kind not in _UNGLUED


def _glue_before(output: list[Node], node: Atom) -> Atom | None:
    """The atom with the end of the text before it; None when it went into the atom before it."""
    last = output[-1] if output else None
    kind = "glued" if node.kind in _INSIDE_WORDS else node.kind
    node = Atom(kind, node.raw, node.output)
    if isinstance(last, Text) and (match := _GLUE_BEFORE.search(last.text)):
        output[-1] = last = Text(last.text[: match.start()])
        node = Atom(_glued_kind(node), (match.group() + node.raw[0], *node.raw[1:]))
    if isinstance(last, Text) and not last.text:
        output.pop()
        last = output[-1] if output else None
    if isinstance(last, Atom) and last.kind not in _UNGLUED | _INSIDE_WORDS:
        both_loose = last.kind in LOOSE_KINDS and node.kind in LOOSE_KINDS
        output[-1] = Atom(last.kind if both_loose else "glued", _concatenate(last.raw, node.raw))
        return None
    return node


def _glued_kind(atom: Atom) -> str:
    return atom.kind if atom.kind in LOOSE_KINDS else "glued"


def protect(
    nodes: tuple[Node, ...], find: Callable[[str], list[tuple[int, int, str, str | None]]]
) -> tuple[Node, ...]:
    """The nodes with more atoms cut out of their texts: `find` gives (start, end, kind, output), in order."""
    output: list[Node] = []
    for node in nodes:
        if isinstance(node, Span):
            output.append(Span(node.kind, node.opening, protect(node.children, find), node.closing))
        elif isinstance(node, Text):
            position = 0
            for start, end, kind, replacement in find(node.text):
                if start > position:
                    output.append(Text(node.text[position:start]))
                output.append(Atom(kind, (node.text[start:end],), replacement))
                position = end
            if position < len(node.text):
                output.append(Text(node.text[position:]))
        else:
            output.append(node)
    return tuple(output)
