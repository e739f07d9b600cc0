"""The judge of a translated page: its element tree, under the site's own extensions, equals the source's.

Where it does not, the segments that break it are found by bisection and left in the source language.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html.parser import HTMLParser

from kb.language.segments import Document, body, join

Render = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Broken:
    """A segment (by its index) whose translation changed the page's structure, and how."""

    segment: int
    reason: str


@dataclass(frozen=True, slots=True)
class Checked:
    """`text` is the joined page, `translations` those that were kept (None: set back to the source)."""

    text: str
    translations: tuple[str | None, ...]
    broken: tuple[Broken, ...]


@dataclass(frozen=True, slots=True)
class Skeleton:
    """A page without its words: tags with the attributes that must stay, the text of code, its headings' ids."""

    parts: tuple[str, ...]
    heading_ids: tuple[str, ...] = ()


_WORD_ATTRIBUTES = frozenset(
    (
        "alt",
        "title",
        "aria-label",
        "aria-description",
        "placeholder",
        "label",
        "summary",
        "data-title",
        "data-caption",
    )
)
_LITERAL_TAGS = frozenset({"code", "pre", "kbd", "samp", "var", "script", "style", "textarea", "math"})
_VOID_TAGS = frozenset(
    ("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr")
)


def skeleton(html: str) -> Skeleton:
    """What must be equal in two pages: everything but their words."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return Skeleton(tuple(reader.parts), tuple(reader.heading_ids))


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.literal: list[str] = []
        self.heading_ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        kept = sorted(f'{name}="{value or ""}"' for name, value in attrs if name not in _WORD_ATTRIBUTES)
        self.parts.append(f"<{' '.join([tag, *kept])}>")
        names = dict(attrs)
        if re.fullmatch("h[1-6]", tag):
            self.heading_ids.append(names.get("id") or "")
        math = "arithmatex" in (names.get("class") or "").split()
        if tag not in _VOID_TAGS and (tag in _LITERAL_TAGS or self.literal or math):
            self.literal.append(tag)

    def handle_endtag(self, tag: str) -> None:
        self.parts.append(f"</{tag}>")
        if tag in self.literal:
            while self.literal.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        if self.literal:
            self.parts.append(data if "pre" in self.literal else " ".join(data.split()))


def check_page(
    document: Document,
    translations: Sequence[str | None],
    *,
    render: Render,
    source: Skeleton | None = None,
) -> Checked:
    """Render source and translation, compare, and set back the segments that break the page.

    `render` turns a Markdown body (without front matter) into HTML with the site's extensions. `source` is
    the skeleton of the rendered source where the caller has it already. The result always passes the check.
    """
    page = _Page(document, render, source)
    kept = list(translations)
    if page.problem(kept):
        kept = [None] * len(kept)
        _settle(
            page, list(translations), kept, [i for i, text in enumerate(translations) if text is not None]
        )
    return Checked(page.joined(kept), tuple(kept), tuple(page.broken))


class _Page:
    """One source page, its skeleton, and what broke it."""

    def __init__(self, document: Document, render: Render, source: Skeleton | None) -> None:
        self.document = document
        self.render = render
        self.source = source if source is not None else skeleton(render(body(document.text)))
        self.broken: list[Broken] = []
        known = len(self.source.heading_ids) == len(document.anchors)
        self.ids = self.source.heading_ids if known else None

    def joined(self, translations: Sequence[str | None]) -> str:
        """The translated page, with the ids the source's headings were seen to have."""
        return join(self.document, translations, ids=self.ids)

    def problem(self, translations: Sequence[str | None]) -> str:
        """The first difference between the source's page and the translation's; "" when there is none."""
        text = self.joined(translations)
        if text == self.document.text:
            return ""
        return difference(self.source, skeleton(self.render(body(text))))


def difference(source: Skeleton, translation: Skeleton) -> str:
    """The first place where two skeletons part, as a sentence; "" when they are equal."""
    if source.parts == translation.parts:
        return ""
    end = "the end of the page"
    pairs = zip((*source.parts, end), (*translation.parts, end), strict=False)
    wanted, found = next(((a, b) for a, b in pairs if a != b), ("", ""))
    return f"the source has {_short(wanted)}, the translation {_short(found)}"


def _short(part: str) -> str:
    return re.sub(r"\s+", " ", part if len(part) <= 80 else part[:77] + "…")


def _settle(page: _Page, wanted: list[str | None], kept: list[str | None], group: list[int]) -> None:
    """Add the group's translations to `kept` as far as the page stays whole, halving where it does not."""
    if not group:
        return
    for index in group:
        kept[index] = wanted[index]
    problem = page.problem(kept)
    if not problem:
        return
    for index in group:
        kept[index] = None
    if len(group) == 1:
        page.broken.append(Broken(group[0], problem))
        return
    middle = len(group) // 2
    _settle(page, wanted, kept, group[:middle])
    _settle(page, wanted, kept, group[middle:])
