"""The words in an article's front matter, found and replaced without touching the rest of the YAML.

PyYAML composes the nodes (nothing is constructed, so no tag can act) and tells where each scalar lies.
A front matter that YAML refuses has no words: the checks of the content room report it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import yaml

from kb.content.frontmatter import compose

KINDS = {"title": "title", "description": "description", "questions": "question"}
"""Translated keys and the kind of their segments."""

_FRONT = re.compile(
    r"\A\ufeff?---[ \t]*(?:\r\n?|\n)(.*?(?:\r\n?|\n))??(?:---|\.\.\.)[ \t]*(?:\r\n?|\n|\Z)", re.S
)
_LINE_END = re.compile(r"\r\n?|\n")


@dataclass(frozen=True, slots=True)
class Scalar:
    """One translated value: its span, its `style` (plain, flow, ', ", | or >) and block indentation."""

    kind: str
    text: str
    start: int
    end: int
    style: str
    indent: str = ""


def end_of(text: str) -> int:
    """Where the body begins; 0 without front matter."""
    match = _FRONT.match(text)
    return match.end() if match else 0


def scalars(text: str) -> list[Scalar]:
    """The title, description and questions, in the order of the file."""
    match = _FRONT.match(text)
    if not match or not match.group(1):
        return []
    offset, block = match.start(1), match.group(1)
    try:
        root = compose(block)
    except (yaml.YAMLError, RecursionError, ValueError):
        return []
    found: dict[int, Scalar] = {}
    for kind, node, flow in _wanted(root):
        scalar = _scalar(kind, node, block, offset, flow)
        if scalar:
            found.setdefault(scalar.start, scalar)
    return [found[start] for start in sorted(found)]


def _wanted(root: yaml.Node | None) -> Iterator[tuple[str, yaml.ScalarNode, bool]]:
    if not isinstance(root, yaml.MappingNode):
        return
    for key, value in root.value:
        kind = KINDS.get(key.value) if isinstance(key, yaml.ScalarNode) else None
        if not kind:
            continue
        listed = (
            isinstance(value, yaml.SequenceNode)
            and kind == "question"
            and value.tag == "tag:yaml.org,2002:seq"
        )
        items = value.value if listed else [value]
        flow = bool(root.flow_style or (isinstance(value, yaml.SequenceNode) and value.flow_style))
        for item in items:
            if isinstance(item, yaml.ScalarNode) and item.tag == "tag:yaml.org,2002:str":
                yield kind, item, flow


def _scalar(kind: str, node: yaml.ScalarNode, block: str, offset: int, flow: bool) -> Scalar | None:
    start, end = node.start_mark.index, node.end_mark.index
    words = re.sub(r"[ \t]*\n[ \t]*", "\n", node.value.strip())
    if not words:
        return None
    if node.style not in ("|", ">"):
        style = node.style or ("flow" if flow else "plain")
        # A tag or an anchor is part of the node's span but not of its value.
        opening = re.compile(r"(?:[!&][^\s'\"]*\s+)*").match(block, start)
        start = opening.end() if opening else start
        return Scalar(kind, words, offset + start, offset + end, style)
    header = _LINE_END.search(block, start)
    if not header:
        return None
    first = header.end()
    content = block[first:end].rstrip()
    indent = re.search(r"(?m)^([ ]*)\S", content)
    if not indent:
        return None
    return Scalar(kind, words, offset + first, offset + first + len(content), node.style, indent.group(1))


def write(value: str, style: str, indent: str, newline: str) -> str:
    """The value as YAML in the style it had, in double quotes where that style cannot hold it."""
    value = value.strip()
    if style in ("|", ">"):
        gap = newline if style == "|" else newline * 2
        return gap.join(indent + line.strip() for line in value.splitlines() if line.strip())
    if style == "'" and not re.search(r"[\n\x00-\x1f\x7f-\x9f]", value):
        return "'" + value.replace("'", "''") + "'"
    if style in ("plain", "flow") and _is_plain(value, style):
        return value
    return _double_quoted(value)


_SIMPLE = re.compile(r"[^\W\d_]\w*,?(?: [\w.,;!?'\"’“”«»()/–—₴€$%+=*&-]+)+")
"""Some words that mean nothing else in YAML; asking YAML takes a hundred times as long."""


def _is_plain(value: str, style: str) -> bool:
    if _SIMPLE.fullmatch(value) and (style == "plain" or not {",", "?"} & set(value)):
        return True
    if "\n" in value or re.search(r"[\x00-\x1f\x7f-\x9f]", value):
        return False
    try:
        root = yaml.compose(
            f"key: [{value}]\n" if style == "flow" else f"key: {value}\n", Loader=yaml.SafeLoader
        )
    except (yaml.YAMLError, RecursionError, ValueError):
        return False
    node = root.value[0][1] if isinstance(root, yaml.MappingNode) and len(root.value) == 1 else None
    if style == "flow":
        node = node.value[0] if isinstance(node, yaml.SequenceNode) and len(node.value) == 1 else None
    if not isinstance(node, yaml.ScalarNode) or node.tag != "tag:yaml.org,2002:str":
        return False
    return node.style is None and node.value == value


def _double_quoted(value: str) -> str:
    escapes = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t"}

    def escape(match: re.Match[str]) -> str:
        return escapes.get(match.group()) or f"\\u{ord(match.group()):04x}"

    return '"' + re.sub(r'[\\"\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff]', escape, value) + '"'
