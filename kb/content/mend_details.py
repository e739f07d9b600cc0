"""Mending front matter: what was meant is plain from what stands there."""

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

import yaml

from kb.content import edits, frontmatter
from kb.content.article import Article
from kb.content.edits import Edit
from kb.content.frontmatter import KEYS, RefusedYamlError
from kb.content.names import NotAnIdError, address, as_id, twin_key

Found = tuple[str, int, str, tuple[Edit, ...]]
"""Code, line of the file, what was done, the changes."""

CODES = (
    "front-matter-date",
    "front-matter-duplicate-key",
    "front-matter-missing",
    "front-matter-syntax",
    "front-matter-type",
    "front-matter-unknown-key",
    "front-matter-value",
    "redirect-clash",
    "related-self",
    "related-unknown",
)
_FIRST_LINE = 2
"""Line of the file in which the first line of the YAML stands."""
_LISTS = ("questions", "tags", "related", "redirect_from")
_DATES = ("review_by", "expires")


@dataclass(frozen=True, slots=True)
class _Head:
    """The front matter of ``article``: the ``lines`` of its file, and the parsed ``pairs``."""

    article: Article
    lines: list[str]
    pairs: list[tuple[yaml.Node, yaml.Node]]
    ids: Collection[str]
    moved: Mapping[str, str]

    def line(self, node: yaml.Node) -> int:
        return (node.start_mark.line if node.start_mark else 0) + _FIRST_LINE

    def source(self, node: yaml.Node) -> str:
        """A node as it is written; empty when it goes over more than one line."""
        span = self.span(node)
        return self.lines[self.line(node) - 1][slice(*span)] if span else ""

    def span(self, node: yaml.Node) -> tuple[int, int] | None:
        start, end = node.start_mark, node.end_mark
        if start is None or end is None or start.line != end.line:
            return None
        return start.column, end.column

    def replace(self, node: yaml.Node, new: str) -> tuple[Edit, ...]:
        span = self.span(node)
        return (Edit(self.line(node), *span, new),) if span and self.source(node) else ()

    def of_list(self, key: str) -> list[yaml.Node]:
        for name, node in self.pairs:
            if name.value == key and isinstance(node, yaml.SequenceNode):
                return list(node.value)
        return []


def mends(
    article: Article,
    codes: Collection[str],
    at_line: Collection[tuple[str, int | None]],
    *,
    known: Collection[str],
    moved: Mapping[str, str],
) -> Iterator[Found]:
    """What can be mended in the front matter of ``article``, of the findings in ``codes`` and ``at_line``. ``known``
    are the ids there are; ``moved`` leads from former ids to them."""
    if not any(code in codes for code in CODES):
        return
    lines = edits.lines(article.text)
    if "front-matter-missing" in codes:
        yield from _late(article, lines)
        return
    try:
        head = frontmatter.split("\n".join(lines))
        root = frontmatter.compose(head.yaml or "")
    except frontmatter.UnclosedError:
        return
    except RefusedYamlError as refused:
        if "front-matter-syntax" in codes and refused.code == "front-matter-syntax":
            yield from _colon(lines, refused.line + 1, head.yaml or "")
        return
    if not isinstance(root, yaml.MappingNode):
        return
    parsed = _Head(article, lines, list(root.value), known, moved)
    for code, mender in _MENDERS.items():
        if code in codes:
            yield from (each for each in mender(parsed) if (code, None) in at_line or _is_at(each, at_line))


def _is_at(found: Found, at_line: Collection[tuple[str, int | None]]) -> bool:
    """Findings about an entry of a list stand in the line of the list's name."""
    code, line, _, _ = found
    return (code, line) in at_line or code in _OF_ENTRIES


_OF_ENTRIES = frozenset(["related-self", "related-unknown", "redirect-clash", "front-matter-type"])


def _late(article: Article, lines: list[str]) -> Iterator[Found]:
    """Empty lines above the front matter, which then is none."""
    first = next((number for number, line in enumerate(lines, 1) if line.strip()), 0)
    if first < 2 or lines[first - 1].rstrip() != "---":
        return
    try:
        frontmatter.split("\n".join(lines[first - 1 :]))
    except frontmatter.UnclosedError:
        return
    changes = tuple(edits.drop(number) for number in range(1, first))
    yield "front-matter-missing", 1, "removed the empty lines above the front matter", changes


_VALUE = re.compile(r"([a-z_]+:[ \t]+|[ \t]*-[ \t]+)([^\s\"'\[\]{}|>&*!%@`#?-].*?)[ \t]*$")


def _colon(lines: list[str], line: int, text: str) -> Iterator[Found]:
    """``title: Returns: how to`` with quotes, where nothing but the colon is wrong with the line."""
    match = _VALUE.match(lines[line - 1])
    if not match or " #" in match[2] or not re.search(r":(?:\s|$)", match[2]):
        return
    if not match[1].lstrip().startswith("-") and match[1].rstrip(": \t") not in KEYS:
        return
    quoted = json.dumps(match[2], ensure_ascii=False)
    rows = text.split("\n")
    rows[line - _FIRST_LINE] = match[1] + quoted
    try:
        frontmatter.compose("\n".join(rows))
    except RefusedYamlError as refused:
        if refused.line <= line - _FIRST_LINE + 1:
            return
    yield "front-matter-syntax", line, f"put quotes around {quoted}", (Edit(line, *match.span(2), quoted),)


def _unknown_key(head: _Head) -> Iterator[Found]:
    """A known key in other letters: ``Review-By``."""
    present = {key.value for key, _ in head.pairs}
    for key, _ in head.pairs:
        if not isinstance(key, yaml.ScalarNode) or key.value in KEYS:
            continue
        meant = re.sub(r"[\s-]+", "_", key.value.strip().lower())
        if meant in KEYS and meant not in present:
            present.add(meant)
            what = f"'{key.value}' became '{meant}'"
            yield "front-matter-unknown-key", head.line(key), what, head.replace(key, meant)


def _duplicate_key(head: _Head) -> Iterator[Found]:
    """The same key with the same value once more."""
    first: dict[str, yaml.Node] = {}
    for key, node in head.pairs:
        if not isinstance(key, yaml.ScalarNode) or not isinstance(node, yaml.ScalarNode):
            continue
        other = first.setdefault(key.value, node)
        if other is not node and other.value == node.value and head.line(key) == head.line(node):
            if not head.span(node):
                continue
            line = head.line(key)
            yield "front-matter-duplicate-key", line, f"removed the second '{key.value}'", (edits.drop(line),)


def _date(head: _Head) -> Iterator[Found]:
    for key, node in head.pairs:
        if key.value in _DATES and isinstance(node, yaml.ScalarNode):
            day = _day(node.value.strip())
            if day and day != node.value:
                what = f"'{node.value}' became {day}"
                yield "front-matter-date", head.line(node), what, head.replace(node, day)


_YEAR_FIRST = re.compile(
    r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[T ]00:00(?::00(?:\.0+)?)?(?:Z|[+-]00:00)?)?\.?"
)
_DAY_FIRST = re.compile(r"(\d{1,2})([./-])(\d{1,2})\2(\d{4})\.?")


def _day(text: str) -> str:
    """A date written another way, where there is one way to read it; else an empty string."""
    match = _YEAR_FIRST.fullmatch(text)
    if match:
        return _iso(int(match[1]), int(match[2]), int(match[3]))
    match = _DAY_FIRST.fullmatch(text)
    # With slashes and hyphens the month comes first in some countries; with points it never does.
    if match and (match[2] == "." or int(match[1]) > 12 or match[1] == match[3]):
        return _iso(int(match[4]), int(match[3]), int(match[1]))
    return ""


def _iso(year: int, month: int, day: int) -> str:
    try:
        return date(year, month, day).isoformat()
    except ValueError:
        return ""


def _type(head: _Head) -> Iterator[Found]:
    """A single text where a list belongs, and a question with a colon, which YAML takes for a name and its value."""
    for key, node in head.pairs:
        if key.value not in _LISTS:
            continue
        if isinstance(node, yaml.ScalarNode) and node.value and not re.search(r"[,;]", node.value):
            source = head.source(node)
            if source and (node.style or node.value not in ("~", "null")):
                new = f"[{json.dumps(node.value, ensure_ascii=False)}]"
                yield (
                    "front-matter-type",
                    head.line(node),
                    f"'{key.value}' became a list",
                    head.replace(node, new),
                )
        for item in node.value if isinstance(node, yaml.SequenceNode) else ():
            yield from _colon_in_entry(head, item)


def _colon_in_entry(head: _Head, item: yaml.Node) -> Iterator[Found]:
    if not isinstance(item, yaml.MappingNode) or item.flow_style or len(item.value) != 1:
        return
    line = head.line(item)
    match = _VALUE.match(head.lines[line - 1])
    (_, value), *_ = item.value
    one_line = isinstance(value, yaml.ScalarNode) and head.span(value) and head.line(value) == line
    if match and one_line and " #" not in match[2]:
        quoted = json.dumps(match[2], ensure_ascii=False)
        yield "front-matter-type", line, f"put quotes around {quoted}", (Edit(line, *match.span(2), quoted),)


def _value(head: _Head) -> Iterator[Found]:
    """``audience: Internal`` in small letters."""
    allowed = {"audience": ("public", "internal"), "translate": ("true", "false", "review")}
    for key, node in head.pairs:
        low = node.value.strip().lower() if isinstance(node, yaml.ScalarNode) else ""
        if low in allowed.get(key.value, ()) and low != node.value:
            what = f"'{node.value}' became '{low}'"
            yield "front-matter-value", head.line(node), what, head.replace(node, low)


def _related_unknown(head: _Head) -> Iterator[Found]:
    for item in head.of_list("related"):
        id = _id(item)
        new = head.moved.get(id) or head.moved.get(f"{id}/index")
        if id and id not in head.ids and f"{id}/index" not in head.ids and new:
            quote = head.source(item)[:1] if head.source(item)[:1] in ("'", '"') else ""
            change = head.replace(item, quote + address(new) + quote)
            yield "related-unknown", head.line(item), f"'{item.value}' became '{address(new)}'", change


def _related_self(head: _Head) -> Iterator[Found]:
    items = head.of_list("related")
    for at, item in enumerate(items):
        if _id(item) in (head.article.id, address(head.article.id)):
            yield "related-self", head.line(item), f"removed '{item.value}'", _without(head, items, at)


def _redirect_clash(head: _Head) -> Iterator[Found]:
    """An article's own present address among its former ones."""
    own = address(twin_key(head.article.id))
    items = head.of_list("redirect_from")
    for at, item in enumerate(items):
        if address(twin_key(_id(item))) == own:
            yield "redirect-clash", head.line(item), f"removed '{item.value}'", _without(head, items, at)


def _id(item: yaml.Node) -> str:
    try:
        return as_id(item.value) if isinstance(item, yaml.ScalarNode) else ""
    except NotAnIdError:
        return ""


def _without(head: _Head, items: list[yaml.Node], at: int) -> tuple[Edit, ...]:
    """The changes that take an entry out of its list."""
    item = items[at]
    span, line = head.span(item), head.line(item)
    if span is None:
        return ()
    text = head.lines[line - 1]
    if re.fullmatch(r"[ \t]*-[ \t]+", text[: span[0]]) and not text[span[1] :].strip():
        return (edits.drop(line),)
    neighbours = [each for each in items[max(at - 1, 0) : at + 2] if each is not item]
    if any(head.line(each) != line or not head.span(each) for each in neighbours):
        return ()
    if at > 0:
        before = head.span(items[at - 1])
        return (Edit(line, before[1], span[1], ""),) if before else ()
    after = head.span(items[1]) if len(items) > 1 else None
    return (Edit(line, span[0], after[0] if after else span[1], ""),)


_MENDERS: Mapping[str, Callable[[_Head], Iterator[Found]]] = {
    "front-matter-date": _date,
    "front-matter-duplicate-key": _duplicate_key,
    "front-matter-type": _type,
    "front-matter-unknown-key": _unknown_key,
    "front-matter-value": _value,
    "redirect-clash": _redirect_clash,
    "related-self": _related_self,
    "related-unknown": _related_unknown,
}
