"""Changes to single lines of a file; every byte that is not changed stays as it is, line ends included."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

_LINE = re.compile(r"([^\r\n]*)(\r\n|\n|\r|$)")


@dataclass(frozen=True, slots=True)
class Edit:
    """``text`` takes the place of columns ``start`` to ``end`` (from 0) of ``line`` (from 1); None removes the whole
    line with its end."""

    line: int
    start: int
    end: int
    text: str | None


def drop(line: int) -> Edit:
    """The edit that removes a whole line."""
    return Edit(line, 0, 0, None)


def lines(text: str) -> list[str]:
    """The lines of ``text`` without their ends; LF, CRLF and a lone CR all end one."""
    return [line for line, _ in _split(text)]


def apply(text: str, edits: Iterable[Edit]) -> str:
    """``text`` with the ``edits``, of which none may overlap another (see :func:`overlap`)."""
    parts: list[tuple[str, str] | None] = list(_split(text))
    for edit in sorted(set(edits), key=lambda edit: (edit.line, edit.start), reverse=True):
        part = parts[edit.line - 1]
        if part is None:
            continue
        line, end = part
        parts[edit.line - 1] = (
            None if edit.text is None else (line[: edit.start] + edit.text + line[edit.end :], end)
        )
    return "".join(line + end for part in parts if part for line, end in [part])


def overlap(one: Edit, other: Edit) -> bool:
    """Whether both cannot be made: they touch the same columns, or one removes the line of the other."""
    if one.line != other.line:
        return False
    return None in (one.text, other.text) or (one.start < other.end and other.start < one.end)


def _split(text: str) -> list[tuple[str, str]]:
    found = [(m[1], m[2]) for m in _LINE.finditer(text)]
    # The pattern matches once more, empty, at the very end.
    return found[:-1] if len(found) > 1 and found[-1] == ("", "") else found
