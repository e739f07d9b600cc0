"""The details at the head of an article: YAML between two lines of three hyphens.

The YAML is composed to nodes, not loaded: nodes have lines, no object is ever built, tags and aliases can
be seen and refused, and ``title: No`` stays the word an editor wrote.
"""

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

import msgspec
import yaml

from kb.content.findings import problem
from kb.content.names import NotAnIdError, as_id
from kb.errors import Problem, did_you_mean

try:
    from yaml import CBaseLoader as _Loader
except ImportError:  # PyYAML built without libyaml: slower, the same answers
    from yaml import BaseLoader as _Loader  # type: ignore[assignment]

FRONT_MATTER_LIMIT_BYTES = 64 * 1024
DEPTH_LIMIT = 8
"""Levels of nesting: the deepest detail, a list of texts, needs two."""

_CLOSING = re.compile(r"^(?:---|\.\.\.)[ \t]*$", re.M)
_OPENING = re.compile(r"---[ \t]*\n")
_COMPACT_NESTING = re.compile(r"^[ \t]*(?:[-?:][ \t]+){3}", re.M)
_UNUSUAL = re.compile(r"[!&*{]|\[[^\]]*\[|^(?:[ \t]{5}|.*-[ \t]+-[ \t])", re.M)
"""Signs of tags and aliases, and of nesting deeper than a list."""
_TAGS = {
    yaml.ScalarNode: "tag:yaml.org,2002:str",
    yaml.SequenceNode: "tag:yaml.org,2002:seq",
    yaml.MappingNode: "tag:yaml.org,2002:map",
}


class Head(msgspec.Struct, frozen=True):
    """An article file taken apart: ``yaml`` is None when there is no front matter; lines count from 1."""

    yaml: str | None
    body: str
    body_line: int


class UnclosedError(ValueError):
    """The front matter has no end."""


def split(text: str) -> Head:
    """The front matter and the body of ``text``, whose lines end in LF.

    Raises:
        UnclosedError: it begins with a line of three hyphens and no second one follows.
    """
    opening = _OPENING.match(text)
    if not opening:
        return Head(None, text, 1)
    closing = _CLOSING.search(text, opening.end())
    if not closing:
        raise UnclosedError
    head = text[opening.end() : closing.start()]
    return Head(head, text[closing.end() + 1 :], head.count("\n") + 3)


class Details(msgspec.Struct):
    """What front matter says: ``values`` are fields of :class:`~kb.content.article.Article`, ``lines`` the
    line of each key. ``sound`` is False when a problem left a value out."""

    values: dict[str, Any] = msgspec.field(default_factory=dict)
    lines: dict[str, int] = msgspec.field(default_factory=dict)
    problems: list[Problem] = msgspec.field(default_factory=list)

    @property
    def sound(self) -> bool:
        return not self.problems


class RefusedYamlError(ValueError):
    """YAML that is not composed: ``code`` of the finding, line (from 1) within the YAML, message, hint."""

    def __init__(self, code: str, line: int, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.code, self.line, self.message, self.hint = code, line, message, hint


def compose(text: str) -> yaml.Node | None:
    """The node tree of one YAML document, None when it is empty.

    Raises:
        RefusedYamlError: not YAML, too large, too deep, or with tags or aliases.
    """
    if len(text) > FRONT_MATTER_LIMIT_BYTES:
        raise RefusedYamlError(
            "front-matter-too-large", 1, f"more than {FRONT_MATTER_LIMIT_BYTES // 1024} KB of YAML"
        )
    # Composing recurses on the C stack, and 30,000 levels in one line crash the process: what may nest is
    # first measured by events, which do not recurse. Real front matter has a handful of brackets.
    if text.count("[") + text.count("{") > 100 or _COMPACT_NESTING.search(text):
        _refuse_depth(text)
    try:
        root = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        raise _syntax(error, text) from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise RefusedYamlError("front-matter-syntax", 1, f"not valid YAML: {error}") from None
    # Without these signs there are no tags, no aliases, and no depth.
    if root is not None and _UNUSUAL.search(text):
        _inspect(root, set(), 1)
    return root


def _line(part: yaml.Node | yaml.Event) -> int:
    """Line of the YAML, from 1."""
    return part.start_mark.line + 1 if part.start_mark else 1


def _refuse_depth(text: str) -> None:
    depth = 0
    try:
        for event in yaml.parse(text, Loader=_Loader):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > DEPTH_LIMIT:
                raise RefusedYamlError("front-matter-too-large", _line(event), _TOO_DEEP)
    except yaml.YAMLError:
        return  # composing stops at the same place, and says what is wrong there


_TOO_DEEP = f"nested more than {DEPTH_LIMIT} levels deep"


def _inspect(node: yaml.Node, seen: set[int], depth: int) -> None:
    line = _line(node)
    if id(node) in seen:
        raise RefusedYamlError(
            "front-matter-alias", line, "a YAML alias (*name) is used", "write the value out"
        )
    seen.add(id(node))
    if node.tag != _TAGS.get(type(node)):
        raise RefusedYamlError(
            "front-matter-tag",
            line,
            f"the YAML tag '{node.tag[:60]}' is not allowed",
            "remove it, or put the value in quotes",
        )
    if depth > DEPTH_LIMIT:
        raise RefusedYamlError("front-matter-too-large", line, _TOO_DEEP)
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _inspect(item, seen, depth + 1)
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            _inspect(key, seen, depth + 1)
            _inspect(value, seen, depth + 1)


def _syntax(error: yaml.MarkedYAMLError, text: str) -> RefusedYamlError:
    line = error.problem_mark.line + 1 if error.problem_mark else 1
    what = error.problem or "not valid YAML"
    lines = text.split("\n")
    shown = lines[line - 1].strip() if line <= len(lines) else ""
    hint = "put the value in quotes"
    if "\t" in shown or "'\\t'" in what or "\\t" in what:
        hint = "indent with spaces, not with tabs"
    elif "mapping values" in what:
        hint = 'a value that contains a colon needs quotes: title: "Returns: how to"'
    elif what.startswith(("found undefined alias", "found duplicate anchor")):
        return RefusedYamlError(
            "front-matter-alias", line, what, "a value that begins with * or & needs quotes"
        )
    elif "tag" in what:
        return RefusedYamlError("front-matter-tag", line, what, "a value that begins with ! needs quotes")
    return RefusedYamlError("front-matter-syntax", line, f"not valid YAML: {what}", hint)


class _DetailError(ValueError):
    """A value that a key cannot have: ``code``, line within the YAML, message, hint."""

    def __init__(self, code: str, node: yaml.Node, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.code, self.line, self.message, self.hint = code, _line(node), message, hint


def _is_null(node: yaml.Node) -> bool:
    # libyaml says None for a plain word and "" for a value that is not there at all.
    return isinstance(node, yaml.ScalarNode) and not node.style and node.value in ("", "~", "null")


def _text(node: yaml.Node) -> str:
    if not isinstance(node, yaml.ScalarNode):
        hint = ""
        if isinstance(node, yaml.MappingNode):
            hint = "a text that contains ': ' or begins with '{' needs quotes"
        elif isinstance(node, yaml.SequenceNode):
            hint = "write it without '-' and brackets, or in quotes"
        raise _DetailError("front-matter-type", node, f"must be a text, not {_kind(node)}", hint)
    return " ".join(node.value.split())


def _kind(node: yaml.Node) -> str:
    if isinstance(node, yaml.ScalarNode):
        return "a single value" if node.value else "nothing"
    return "a list" if isinstance(node, yaml.SequenceNode) else "names with values"


def _texts(node: yaml.Node) -> tuple[str, ...]:
    if not isinstance(node, yaml.SequenceNode):
        raise _DetailError(
            "front-matter-type",
            node,
            f"must be a list, not {_kind(node)}",
            "put each entry on its own line after '- '",
        )
    texts = [_text(item) for item in node.value]
    for item, text in zip(node.value, texts, strict=True):
        if not text or _is_null(item):
            raise _DetailError("front-matter-type", item, "has an empty entry", "remove it, or fill it in")
    return tuple(texts)


_WORDS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


def _truth(node: yaml.Node) -> bool:
    word = _WORDS.get(_text(node).lower())
    if word is None:
        raise _DetailError("front-matter-type", node, "must be true or false")
    return word


def _number(node: yaml.Node) -> int:
    text = _text(node)
    if not re.fullmatch(r"[+-]?[0-9]{1,9}", text):
        raise _DetailError("front-matter-type", node, "must be a whole number", "for example: order: 10")
    return int(text)


def _date(node: yaml.Node) -> date:
    text = _text(node)
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        raise _DetailError(
            "front-matter-date", node, "must be a date, written year-month-day", "for example: 2027-06-30"
        )
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise _DetailError("front-matter-date", node, f"'{text}' is not a date of the calendar") from None


def _audience(node: yaml.Node) -> str:
    return _one_of(node, ("public", "internal"))


def _one_of(node: yaml.Node, allowed: Sequence[str]) -> str:
    text = _text(node)
    if text not in allowed:
        raise _DetailError(
            "front-matter-value", node, f"'{text}' is not allowed", did_you_mean(text, allowed)
        )
    return text


def _translate(node: yaml.Node) -> bool | str:
    word = _WORDS.get(_text(node).lower())
    return word if word is not None else _one_of(node, ("true", "false", "review"))


_READERS: Mapping[str, Callable[[yaml.Node], Any]] = {
    "title": _text,
    "description": _text,
    "questions": _texts,
    "tags": _texts,
    "related": _texts,
    "order": _number,
    "icon": _text,
    "review_by": _date,
    "expires": _date,
    "draft": _truth,
    "audience": _audience,
    "redirect_from": _texts,
    "translate": _translate,
}
KEYS = tuple(_READERS)
"""The known keys of front matter."""
_IDS = ("related", "redirect_from")


def read(head: Head, path: str, languages: tuple[str, ...] = ()) -> Details:
    """The details of an article, and everything wrong with them, each with its line in the file.

    ``languages`` are the codes that an address among ``related`` or ``redirect_from`` may begin with.
    """
    details = Details()
    if head.yaml is None:
        return _without(head, path, details)
    try:
        root = compose(head.yaml)
    except RefusedYamlError as refused:
        details.problems.append(problem(refused.code, path, refused.line + 1, refused.message, refused.hint))
        return details
    if root is not None and not isinstance(root, yaml.MappingNode):
        details.problems.append(
            problem(
                "front-matter-not-a-mapping",
                path,
                _line(root) + 1,
                f"the front matter is {_kind(root)}, not lines of 'name: value'",
                "write at least: title: …",
            )
        )
        return details
    for key, node in root.value if root is not None else ():
        _read_key(key, node, path, languages, details)
    if "title" not in details.lines or details.values.get("title") == "":
        details.problems.append(
            problem(
                "title-missing",
                path,
                details.lines.get("title", 1),
                "the article has no title",
                "add: title: …",
            )
        )
    return details


def _without(head: Head, path: str, details: Details) -> Details:
    late = head.body.lstrip().startswith("---\n") and "\n---" in head.body.lstrip()[4:]
    details.problems.append(
        problem(
            "front-matter-missing",
            path,
            1,
            "the article does not begin with front matter",
            "move the first '---' to the first line"
            if late
            else "begin the file with three lines: --- / title: … / ---",
        )
    )
    return details


def _read_key(
    key: yaml.Node, node: yaml.Node, path: str, languages: tuple[str, ...], details: Details
) -> None:
    line = _line(key) + 1
    # Every article has these few words again.
    name = sys.intern(key.value) if isinstance(key, yaml.ScalarNode) else ""
    reader = _READERS.get(name)
    if reader is None:
        shown = name[:40] or "?"
        details.problems.append(
            problem(
                "front-matter-unknown-key",
                path,
                line,
                f"unknown key '{shown}'",
                did_you_mean(name[:40], KEYS),
            )
        )
        return
    if name in details.lines:
        first = details.lines[name]
        details.problems.append(
            problem(
                "front-matter-duplicate-key",
                path,
                line,
                f"'{name}' is given twice, first in line {first}",
                "keep one of them",
            )
        )
        return
    details.lines[name] = line
    if _is_null(node):
        if name == "title":
            details.values[name] = ""
        return
    try:
        value = reader(node)
        details.values[name] = _ids(value, node, languages) if name in _IDS else value
    except _DetailError as wrong:
        details.problems.append(
            problem(wrong.code, path, wrong.line + 1, f"'{name}' {wrong.message}", wrong.hint)
        )


def _ids(references: tuple[str, ...], node: yaml.Node, languages: tuple[str, ...]) -> tuple[str, ...]:
    ids = []
    for reference, item in zip(references, node.value, strict=True):
        try:
            ids.append(as_id(reference, languages))
        except NotAnIdError as error:
            raise _DetailError(
                "front-matter-id",
                item,
                f"has '{reference[:60]}', which {error}",
                "for example: returns/refund-times",
            ) from None
    return tuple(dict.fromkeys(ids))
