"""HTML in Markdown pages → Markdown, where Markdown can say the same; the rest stays HTML and is reported."""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

from kb.content.importer.liquid import Report
from kb.content.outline import without_code

_PLAIN = ["a", "b", "br", "code", "em", "i", "img", "span", "strong"]
_AS_HTML = ["abbr", "cite", "kbd", "mark", "q", "s", "small", "sub", "sup", "u"]
"""Elements inside a line that Markdown has no marks for; as HTML they are fine."""
_INLINE = frozenset([*_PLAIN, *_AS_HTML])
_HEADINGS = ["h1", "h2", "h3", "h4", "h5", "h6"]
_TABLE_PARTS = ["thead", "tbody", "tr", "th", "td"]
_BLOCKS = frozenset(
    [
        "p",
        "ul",
        "ol",
        "li",
        "blockquote",
        "pre",
        "hr",
        "div",
        "section",
        "article",
        "table",
        *_HEADINGS,
        *_TABLE_PARTS,
    ]
)
_VOID = frozenset(["br", "img", "hr", "input", "source", "wbr"])
_REMOVED = frozenset(
    ["script", "style", "iframe", "form", "input", "button", "object", "embed", "link", "meta"]
)
"""What the site's sanitiser takes off every page."""
_STARTS = re.compile(r"^(?:<!--|</?([a-zA-Z][a-zA-Z0-9]*))", re.M)
_START_TAGS = (
    _BLOCKS
    | _REMOVED
    | frozenset(
        ["video", "audio", "figure", "details", "dl", "main", "header", "footer", "nav", "aside", "center"]
    )
)
_MEANINGFUL = frozenset(["id", "name", "colspan", "rowspan", "start"])
"""Attributes that Markdown cannot carry everywhere; an element with one stays HTML."""


@dataclass(slots=True)
class _Node:
    tag: str
    attributes: dict[str, str] = field(default_factory=dict)
    children: list["_Node | str"] = field(default_factory=list)


class _NotMarkdownError(Exception):
    """The fragment needs HTML; ``str()`` names what does."""


def translate(text: str, report: Report) -> str:
    """``text`` with its HTML blocks, and links and images within lines, as Markdown."""
    if "<" not in text:
        return text
    return _inline_links(_blocks(text, report), report)


def _blocks(text: str, report: Report) -> str:
    blank = without_code(text, keep_html=True)
    lines, pieces, i = text.split("\n"), [], 0
    seen = blank.split("\n")
    while i < len(lines):
        start = _STARTS.match(seen[i])
        if not start or not start[1] or start[1].lower() not in _START_TAGS or seen[i].startswith("</"):
            pieces.append(lines[i])
            i += 1
            continue
        end = _block_end(seen, i)
        pieces.append(_block("\n".join(lines[i:end]), i + 1, report))
        i = end
    return "\n".join(pieces)


_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)(?:\s[^<>]*?)?(/?)>")


def _block_end(lines: list[str], start: int) -> int:
    """The line after the block of HTML that begins in line ``start``: where all its tags are closed."""
    depth = 0
    for i in range(start, len(lines)):
        for match in _TAG.finditer(lines[i]):
            if match[2].lower() not in _VOID and not match[3]:
                depth += -1 if match[1] else 1
        if depth <= 0:
            return i + 1
    return start + 1


def _block(source: str, line: int, report: Report) -> str:
    removed = sorted({m[2].lower() for m in _TAG.finditer(source)} & _REMOVED)
    if removed:
        names = ", ".join(f"<{name}>" for name in removed)
        report(
            "import-html",
            line,
            f"the site removes {names} from its pages",
            "write what readers need as text or a link",
        )
        return source
    try:
        return f"\n{_render(_parsed(source))}\n"
    except _NotMarkdownError as error:
        report("import-html-kept", line, f"HTML stays HTML because of {error}", "")
        return source


class _Builder(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = _Node("")
        self.open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        node = _Node(tag, {key: value or "" for key, value in attrs})
        if tag not in _INLINE | _BLOCKS:
            raise _NotMarkdownError(f"<{tag}>")
        kept = _MEANINGFUL & node.attributes.keys()
        if kept:
            raise _NotMarkdownError(f"the attribute {min(kept)} of <{tag}>")
        self.open[-1].children.append(node)
        if tag not in _VOID:
            self.open.append(node)

    def handle_endtag(self, tag: str) -> None:
        if tag in _VOID:
            return
        if self.open[-1].tag != tag:
            raise _NotMarkdownError(f"the stray </{tag}>")
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)

    def handle_comment(self, data: str) -> None:
        self.open[-1].children.append(_Node("!", {"text": data}))


def _parsed(source: str) -> _Node:
    builder = _Builder()
    builder.feed(source)
    builder.close()
    if len(builder.open) > 1:
        raise _NotMarkdownError(f"<{builder.open[-1].tag}> without an end")
    return builder.root


def _render(node: _Node) -> str:
    """The children of a block-level node as Markdown blocks."""
    blocks: list[str] = []
    run: list[_Node | str] = []

    def flush() -> None:
        text = _inline(run)
        run.clear()
        # Two line breaks in a row are how people write a new paragraph in HTML.
        for paragraph in re.split(r"(?:<br>\s*){2,}", text):
            lines = re.sub(r"^(?:\s*<br>)+|(?:<br>\s*)+$", "", paragraph).strip().split("\n")
            blocks.append("\n".join(map(_safe_start, lines)))

    for child in node.children:
        if isinstance(child, str) or child.tag in _INLINE or child.tag == "!":
            run.append(child)
        else:
            flush()
            blocks.append(_one(child))
    flush()
    return "\n\n".join(block for block in blocks if block)


def _one(node: _Node) -> str:
    if node.tag in ("ul", "ol"):
        return _list(node)
    if node.tag[0] == "h" and node.tag[1:].isdigit():
        return f"{'#' * max(2, int(node.tag[1:]))} {_line(node)}"
    if node.tag == "hr":
        return "---"
    if node.tag == "pre":
        code = "".join(_texts(node)).strip("\n")
        return f"```\n{code}\n```"
    if node.tag == "blockquote":
        return "\n".join(f"> {line}".rstrip() for line in _render(node).split("\n"))
    if node.tag == "table":
        return _table(node)
    if node.tag in ("li", "tr", "td", "th", "thead", "tbody"):
        raise _NotMarkdownError(f"<{node.tag}> outside its list or table")
    return _render(node)


def _line(node: _Node) -> str:
    return " ".join(_inline(node.children).split())


def _texts(node: _Node) -> list[str]:
    return [
        text for child in node.children for text in ([child] if isinstance(child, str) else _texts(child))
    ]


def _list(node: _Node) -> str:
    items, number = [], 0
    for child in node.children:
        if isinstance(child, str):
            if child.strip():
                raise _NotMarkdownError("text between the items of a list")
            continue
        if child.tag != "li":
            raise _NotMarkdownError(f"<{child.tag}> directly in a list")
        number += 1
        marker = "-   " if node.tag == "ul" else f"{number}.".ljust(4)
        items.append(marker + _render(child).replace("\n", "\n    "))
    loose = any("\n\n" in item for item in items)
    return re.sub(r"(?m)^[ \t]+$", "", ("\n\n" if loose else "\n").join(items))


def _table(node: _Node) -> str:
    rows = [[cell for cell in row.children if isinstance(cell, _Node)] for row in _find(node, "tr")]
    if not rows or len({len(row) for row in rows}) > 1 or not rows[0]:
        raise _NotMarkdownError("a table with cells of different widths")
    if any(isinstance(c, _Node) and c.tag in _BLOCKS for row in rows for cell in row for c in cell.children):
        raise _NotMarkdownError("a table with blocks in its cells")
    texts = [[_line(cell).replace("|", "\\|") for cell in row] for row in rows]
    head = texts.pop(0) if all(cell.tag == "th" for cell in rows[0]) else [""] * len(rows[0])
    lines = [head, ["---"] * len(head), *texts]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _find(node: _Node, tag: str) -> list[_Node]:
    found = []
    for child in node.children:
        if isinstance(child, _Node):
            found += [child] if child.tag == tag else _find(child, tag)
    return found


def _inline(children: list["_Node | str"]) -> str:
    return re.sub(r"[ \t]*\n[ \t]*", "\n", "".join(map(_inline_one, children)))


_AROUND = {"b": "**", "strong": "**", "i": "*", "em": "*"}


def _inline_one(child: "_Node | str") -> str:
    if isinstance(child, str):
        return _escaped(re.sub(r"[ \t\n]+", " ", child))
    if child.tag == "!":
        return f"<!--{child.attributes['text']}-->"
    if child.tag == "br":
        return "<br>\n"
    if child.tag == "img":
        alt = _escaped(" ".join(child.attributes.get("alt", "").split()))
        return f"![{alt}]({_target(child.attributes.get('src', ''))})"
    if child.tag == "code":
        return _code("".join(_texts(child)))
    inner = _inline(child.children)
    if child.tag == "a":
        if "href" not in child.attributes:
            return inner
        return f"[{inner.strip()}]({_target(child.attributes['href'])})" if inner.strip() else ""
    if child.tag in _AROUND and inner.strip():
        # Markdown wants no blanks inside the marks.
        mark, core = _AROUND[child.tag], inner.strip()
        before, after = inner[: len(inner) - len(inner.lstrip())], inner[len(inner.rstrip()) :]
        return f"{before}{mark}{core}{mark}{after}"
    if child.tag in _AS_HTML:
        return f"<{child.tag}>{inner}</{child.tag}>"
    if child.tag in _BLOCKS:
        raise _NotMarkdownError(f"<{child.tag}> inside a line")
    return inner


def _code(text: str) -> str:
    text = " ".join(text.split())
    fence = "`" * (max([0, *map(len, re.findall("`+", text))]) + 1)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{pad}{text}{pad}{fence}" if text else ""


def _target(address: str) -> str:
    address = address.strip()
    return f"<{address}>" if re.search(r"[\s()]", address) else address


def _escaped(text: str) -> str:
    text = re.sub(r"([\\`*\[\]])", r"\\\1", text)
    text = re.sub(r"(?<!\w)_|_(?!\w)", r"\\_", text)
    text = re.sub(r"&(?=#?\w+;)", "&amp;", text)
    return text.replace("<", "&lt;")


def _safe_start(line: str) -> str:
    """A line of text that would begin a heading, list or quotation, with that sign escaped."""
    line = re.sub(r"^([#>+-])(?=[\s#>+-]|$)", r"\\\1", line)
    return re.sub(r"^(\d+)([.)])(?=\s)", r"\1\\\2", line)


_LINK = re.compile(r"<a\s[^<>]*>(?:(?!</?a[\s>])[^\n])*?</a>|<img\s[^<>]*>", re.I)


def _inline_links(text: str, report: Report) -> str:
    """HTML links and images inside Markdown lines: as Markdown they are checked and follow their article."""
    blank = without_code(text)
    pieces, position = [], 0
    for match in _LINK.finditer(blank):
        source = text[match.start() : match.end()]
        pieces.append(text[position : match.start()])
        position = match.end()
        try:
            inner = re.fullmatch(r"(<a\s[^<>]*>)(.*)(</a>)", source, re.S | re.I)
            shell = _parsed(f"{inner[1]}{inner[3]}" if inner else source)
            node = shell.children[0]
            assert isinstance(node, _Node)
            if inner and "href" in node.attributes:
                # Between the tags is Markdown already.
                pieces.append(
                    f"[{inner[2].strip()}]({_target(node.attributes['href'])})" if inner[2].strip() else ""
                )
            else:
                pieces.append(_inline_one(node))
        except _NotMarkdownError as error:
            line = text.count("\n", 0, match.start()) + 1
            report("import-html-kept", line, f"HTML stays HTML because of {error}", "")
            pieces.append(source)
    return "".join([*pieces, text[position:]])
