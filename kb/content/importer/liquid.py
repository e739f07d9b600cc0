"""Liquid, the template language of Jekyll pages, as far as a page of text uses it.

What only repeats a setting is filled in, what has a counterpart in Markdown is translated, includes without logic are
copied in; everything else is reported and stays as a comment.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from kb.content.names import fault

Report = Callable[[str, int, str, str], None]
"""Receives code, line of the text, message, hint."""

INCLUDE_LIMIT_BYTES = 200_000
INCLUDE_DEPTH = 5

_TOKEN = re.compile(
    r"\{%-?\s*(?P<tag>\w*)(?P<rest>(?:[^%]|%(?!\}))*?)-?%\}|\{\{-?(?P<value>[^{}]*?)-?\}\}", re.S
)
_BLOCKS = {"raw": "endraw", "comment": "endcomment", "highlight": "endhighlight"}


@dataclass(frozen=True, slots=True)
class Site:
    """What Liquid may know: ``variables`` (``site.baseurl`` …), and the folders ``{% include %}`` looks in."""

    variables: Mapping[str, str] = field(default_factory=dict)
    includes: tuple[Path, ...] = ()


def comment(source: str) -> str:
    """``source`` as an HTML comment that editors see and readers do not."""
    words = " ".join(source.split())
    return f"<!-- kb import: {words.replace('--', '- -').replace('>', '&gt;')} -->"


def translate(text: str, site: Site, page: Mapping[str, str], report: Report, depth: int = 0) -> str:
    """``text`` without Liquid. ``page`` holds the page's own values. Lines stay lines wherever that is possible."""
    if "{%" not in text and "{{" not in text:
        return text
    pieces, position = [], 0
    while match := _TOKEN.search(text, position):
        pieces.append(text[position : match.start()])
        line = text.count("\n", 0, match.start()) + 1
        position = match.end()
        tag = match["tag"]
        if tag is None:
            pieces.append(_value(match, site, page, line, report))
        elif tag in _BLOCKS:
            end = re.compile(rf"\{{%-?\s*{_BLOCKS[tag]}\s*-?%\}}").search(text, position)
            inner = text[position : end.start()] if end else text[position:]
            position = end.end() if end else len(text)
            pieces.append(_block(tag, match["rest"].strip(), inner))
        elif tag == "include":
            pieces.append(_include(match, site, page, line, report, depth))
        elif tag == "link":
            pieces.append(f"/{match['rest'].strip()}")
        else:
            report(
                "import-tag",
                line,
                f"the tag {_shown(match)} cannot be translated",
                "see the comment in the article",
            )
            pieces.append(comment(match.group()))
    return "".join([*pieces, text[position:]])


def _shown(match: re.Match[str]) -> str:
    text = " ".join(match.group().split())
    return text if len(text) <= 80 else f"{text[:77]}…"


def _value(match: re.Match[str], site: Site, page: Mapping[str, str], line: int, report: Report) -> str:
    name, *filters = [part.strip() for part in match["value"].split("|")]
    string = re.fullmatch(r"\"([^\"]*)\"|'([^']*)'", name)
    values = {**site.variables, **{f"page.{key}": value for key, value in page.items()}}
    if string:
        value = string[1] or string[2] or ""
    elif name in values:
        value = values[name]
    else:
        report("import-value", line, f"the value {_shown(match)} is not known", "write what it stands for")
        # As code it is visible, and no part of Markdown or of a translation takes it for its own.
        return f"`{match.group()}`"
    unknown = [
        each
        for each in filters
        if each.split(":")[0] not in ("relative_url", "absolute_url", "escape", "strip")
    ]
    if unknown:
        report(
            "import-value",
            line,
            f"the filter '{unknown[0]}' in {_shown(match)} was not applied",
            "look at the text",
        )
    return value


def _block(tag: str, argument: str, inner: str) -> str:
    if tag == "raw":
        return inner
    if tag == "comment":
        return comment(inner)
    language = argument.split(" ")[0]
    return f"```{language}\n{inner.strip(chr(10))}\n```"


def _include(
    match: re.Match[str], site: Site, page: Mapping[str, str], line: int, report: Report, depth: int
) -> str:
    name, _, arguments = match["rest"].strip().partition(" ")
    file = _find(name, site.includes)
    if file is None or depth >= INCLUDE_DEPTH:
        report(
            "import-include",
            line,
            f"the file of {_shown(match)} is not here, so its text is missing",
            "write the text in place of the comment, or give the folder that holds _includes",
        )
        return comment(match.group())
    given = {f"include.{key}": first or second for key, first, second in _ARGUMENT.findall(arguments)}
    inner = file.read_text("utf-8", errors="replace").strip("\n")

    def from_include(code: str, inner_line: int, message: str, hint: str) -> None:
        report(code, line, f"{message} (in {file.name}, line {inner_line})", hint)

    filled = Site({**site.variables, **given}, site.includes)
    return translate(inner, filled, page, from_include, depth + 1)


_ARGUMENT = re.compile(r"([\w-]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")


def _find(name: str, folders: tuple[Path, ...]) -> Path | None:
    parts = name.split("/")
    if any(fault(part) for part in parts):
        return None
    for folder in folders:
        file = folder.joinpath(*parts)
        if file.is_file() and file.resolve().is_relative_to(folder.resolve()):
            return file if file.stat().st_size <= INCLUDE_LIMIT_BYTES else None
    return None
