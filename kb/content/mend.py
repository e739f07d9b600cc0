"""Mending what is safe: findings whose only right answer is in the files themselves.

A mend never guesses. A dead link is mended when the article says, or git knows, where its target went, or when only
upper and lower case differ; a heading that skips a level when the order of headings leaves one reading. What needs a
person's judgement stays a finding. Texts go in and come out; whoever calls reads and writes the files.
"""

import html
import posixpath
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from kb.content import edits, mend_details, names
from kb.content.article import Article, Catalog, Origin
from kb.content.edits import Edit
from kb.content.links import Destination, Leads, destination, relative
from kb.content.media import Media
from kb.content.outline import Heading, Outline, Reference, definitions, outline, slug
from kb.content.reader import CONTROL
from kb.errors import Problem


@dataclass(frozen=True)
class Whereabouts:
    """Where things are. ``moved`` leads from the id an article had to the one it has, ``elsewhere`` from an address of
    another site to its new one."""

    catalog: Catalog
    media: Media
    moved: Mapping[str, str] = field(default_factory=dict)
    elsewhere: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Mend:
    """One finding mended: its ``code``, the ``line`` it was in, and ``what`` was done, as a phrase. ``targets`` are the
    old and the new target of a link."""

    code: str
    line: int
    what: str
    edits: tuple[Edit, ...] = ()
    targets: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Mended:
    """An article's new text, byte for byte the old one but for the ``mends``."""

    text: str
    mends: tuple[Mend, ...]


def mend(article: Article, problems: Collection[Problem], places: Whereabouts) -> Mended | None:
    """The article without those of its ``problems`` that can safely be mended; None when there is none.

    Mending one finding may uncover another (front matter that could not be read): mend again until there is nothing.
    """
    codes = {problem.code for problem in problems if problem.path == article.path}
    if "line-ends" in codes:
        # Lines are counted anew after this, so the others wait for their turn.
        return _line_ends(article)
    at_line = {(problem.code, problem.line) for problem in problems if problem.path == article.path}
    found: list[Mend] = []
    taken: list[Edit] = []
    for each in _mends(article, codes, at_line, places):
        if not any(edits.overlap(edit, other) for edit in each.edits for other in taken):
            found.append(each)
            taken += each.edits
    text = edits.apply(article.text, taken)
    return Mended(text, tuple(found)) if text != article.text else None


def _mends(
    article: Article,
    codes: AbstractSet[str],
    at_line: Collection[tuple[str, int | None]],
    places: Whereabouts,
) -> Iterator[Mend]:
    if "control-character" in codes:
        yield from _control_characters(article)
    for code, line, what, change in mend_details.mends(
        article, codes, at_line, known=places.catalog.sources, moved=places.moved
    ):
        yield Mend(code, line, what, change)
    if codes.isdisjoint(_OF_TEXT):
        return
    seen = outline(article.body, article.body_line)
    if not codes.isdisjoint(_HEADINGS):
        yield from _headings(article, seen, codes)
    for reference in seen.references:
        for code in _REFERENCES:
            if (code, reference.line) in at_line:
                yield from _reference(article, reference, code, places)


# ---------------------------------------------------------------- characters


def _line_ends(article: Article) -> Mended:
    text = re.sub(r"\r+\n", lambda run: run[0][-2:], article.text)
    usual = "\r\n" if "\r\n" in text else "\n"
    lone = re.compile(r"\r(?!\n)")
    first = lone.search(article.text)
    line = len(edits.lines(article.text[: first.start()])) if first else 1
    mended = Mend("line-ends", line, "lone carriage returns became line ends")
    return Mended(lone.sub(usual, text), (mended,))


def _control_characters(article: Article) -> Iterator[Mend]:
    for number, line in enumerate(edits.lines(article.text), 1):
        for match in CONTROL.finditer(line):
            # A vertical tab is a line break of word processors: words must not grow together.
            new = " " if match[0] == "\v" else ""
            yield Mend(
                "control-character",
                number,
                f"removed U+{ord(match[0]):04X}",
                (Edit(number, *match.span(), new),),
            )


# ---------------------------------------------------------------- headings

_HEADINGS = frozenset(["heading-jump", "heading-top"])
_HASHES = re.compile(r" {0,3}(#{1,6})(?!#)")
_DEEPEST = 6


def _headings(article: Article, seen: Outline, codes: AbstractSet[str]) -> Iterator[Mend]:
    """All headings of an article in one, or none: one level more for each level of the text below the title."""
    headings = seen.headings
    tops = [heading for heading in headings if heading.level == 1]
    if tops and "heading-top" not in codes:
        return
    # Its title once more is no section: somebody has to say what it should be.
    if any(heading.text.casefold() == article.title.casefold() for heading in tops):
        return
    levels = _levels(headings)
    if levels is None:
        return
    lines = edits.lines(article.text)
    found = []
    for heading, level in zip(headings, levels, strict=True):
        if heading.level != level:
            edit = _with_level(lines, heading, level)
            if edit is None:
                return
            code = "heading-top" if heading.level == 1 else "heading-jump"
            if code not in codes:
                code = next(iter(_HEADINGS & set(codes)))
            found.append(Mend(code, heading.line, f"level {heading.level} became {level}", (edit,)))
    yield from found


def _levels(headings: Sequence[Heading]) -> list[int] | None:
    """The level each heading should have; None where the order of headings can be read in two ways."""
    open_: list[tuple[int, int]] = [(0, 1)]
    levels = []
    for heading in headings:
        closed = []
        while open_[-1][0] >= heading.level:
            closed.append(open_.pop()[0])
        if closed and heading.level not in closed:
            return None
        level = open_[-1][1] + 1
        if level > _DEEPEST:
            return None
        open_.append((heading.level, level))
        levels.append(level)
    return levels


def _with_level(lines: Sequence[str], heading: Heading, level: int) -> Edit | None:
    match = _HASHES.match(lines[heading.line - 1])
    if match:
        return Edit(heading.line, *match.span(1), "#" * level)
    below = lines[heading.line] if heading.line < len(lines) else ""
    if level == 2 and below.strip() and not below.strip("= \t"):
        end = len(below.rstrip())
        return Edit(heading.line + 1, 0, end, "-" * max(end, 3))
    return None


# ---------------------------------------------------------------- links

_REFERENCES = (
    "link-not-a-file",
    "link-dead",
    "image-missing",
    "anchor-dead",
    "external-link-moved",
)
_OF_TEXT = frozenset([*_REFERENCES, *_HEADINGS])
MENDABLE = frozenset(["line-ends", "control-character", *mend_details.CODES, *_OF_TEXT])
"""Codes of which some findings can be mended."""


def _reference(article: Article, reference: Reference, code: str, places: Whereabouts) -> Iterator[Mend]:
    new = _TARGETS[code](article, reference, places)
    if new is None or new == reference.target:
        return
    what = f"'{reference.target}' became '{new}'"
    targets = (reference.target, new)
    if reference.target_span != (0, 0):
        # In an attribute of an element, quotation marks and ampersands are written as entities.
        in_html = article.body.startswith("<", reference.span[0])
        edit = _in_body(article, reference.target_span, html.escape(new) if in_html else new)
        if edit:
            yield Mend(code, reference.line, what, (edit,), targets)
        return
    changes = [
        edit
        for target, span in definitions(article.body)
        if target == reference.target and (edit := _in_body(article, span, new))
    ]
    if changes:
        yield Mend(code, reference.line, what, tuple(changes), targets)


def _in_body(article: Article, span: tuple[int, int], new: str) -> Edit | None:
    """The edit of a stretch of the body, which has to lie within one line."""
    start, end = span
    if "\n" in article.body[start:end]:
        return None
    line = article.body_line + article.body.count("\n", 0, start)
    column = start - (article.body.rfind("\n", 0, start) + 1)
    return Edit(line, column, column + end - start, new)


def _as_file(article: Article, reference: Reference, places: Whereabouts) -> str | None:
    goal = _goal(article, reference, places)
    if goal.leads is not Leads.ADDRESS or urlsplit(reference.target).query:
        return None
    found = next((id for id in goal.path.split() if id in places.catalog.sources), None)
    return _to(found, goal, article) if found else None


def _alive(article: Article, reference: Reference, places: Whereabouts) -> str | None:
    goal = _goal(article, reference, places)
    if goal.leads is Leads.FILE:
        return _file(article, reference, places)
    if goal.leads not in (Leads.ARTICLE, Leads.ADDRESS) or urlsplit(reference.target).query:
        return None
    for id in goal.path.split():
        found = places.moved.get(id) or _twin(id, places.catalog.sources)
        if found:
            return _to(found, goal, article)
    return None


def _file(article: Article, reference: Reference, places: Whereabouts) -> str | None:
    goal = _goal(article, reference, places)
    parts = urlsplit(reference.target)
    if goal.leads is not Leads.FILE or parts.query or parts.fragment or "%" in reference.target:
        return None
    found = _twin(goal.path, places.media.names())
    # In a parenthesis of Markdown these would end the target.
    if not found or re.search(r"[\s()<>]", found):
        return None
    return posixpath.relpath(found, article.category or ".")


def _anchor(article: Article, reference: Reference, places: Whereabouts) -> str | None:
    """Where the anchor is written as the heading is, with its capital letters or blanks."""
    goal = _goal(article, reference, places)
    if goal.leads not in (Leads.HERE, Leads.ARTICLE) or goal.path not in places.catalog.sources:
        return None
    own = places.catalog.get(article.language, goal.path)
    target = own if own and own.origin is Origin.WRITTEN else places.catalog.sources[goal.path]
    near = {
        anchor
        for anchor in outline(target.body).anchors
        if anchor.casefold() == goal.anchor.casefold() or anchor == slug(goal.anchor)
    }
    if len(near) != 1:
        return None
    return f"{reference.target.partition('#')[0]}#{near.pop()}"


def _new_address(article: Article, reference: Reference, places: Whereabouts) -> str | None:
    return places.elsewhere.get(reference.target)


_TARGETS: Mapping[str, Callable[[Article, Reference, Whereabouts], str | None]] = {
    "link-not-a-file": _as_file,
    "link-dead": _alive,
    "image-missing": _file,
    "anchor-dead": _anchor,
    "external-link-moved": _new_address,
}


def _goal(article: Article, reference: Reference, places: Whereabouts) -> Destination:
    return destination(reference.target, article.id, places.catalog.languages)


def _to(id: str, goal: Destination, article: Article) -> str:
    return relative(id, article.id) + (f"#{goal.anchor}" if goal.anchor else "")


def _twin(name: str, known: Collection[str]) -> str | None:
    """The one name that differs from ``name`` by case only."""
    twins = [each for each in known if names.twin_key(each) == names.twin_key(name)]
    return twins[0] if len(twins) == 1 and twins[0] != name else None
