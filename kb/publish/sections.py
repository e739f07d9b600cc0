"""Rendered articles in the parts a reader can be sent to: one for each heading with an address."""

import re
from html import unescape

import msgspec

_HEADING = re.compile(r'<h([2-6])\b[^>]*?\bid="([^"]+)"[^>]*>(.*?)</h\1>', re.DOTALL)
_NOT_TEXT = re.compile(
    r"<(svg|script|style)\b.*?</\1>|<a\b[^>]*\bclass=\"(?:headerlink|footnote-ref|footnote-backref)\".*?</a>",
    re.DOTALL,
)
_BLOCK = re.compile(
    r"</?(?:p|li|ul|ol|h[1-6]|dl|dt|dd|div|details|summary|table|tr|blockquote|pre|figure|figcaption|label)\b[^>]*>"
    r"|<[bh]r\b[^>]*>"
)
_TAG = re.compile(r"<[^>]+>")
_SPACE = re.compile(r"\s+")
_CELL_GAP = re.compile(r"</t([dh])>\s*<(?=t[dh]\b)")
_ROW = re.compile(r"<tr\b.*?</tr>", re.DOTALL)
_TITLE = re.compile(r'(?:<p class="admonition-title">|<summary>|<dt>)(.*?)(?=</(?:p|summary|dt)>)', re.DOTALL)
_TABS = re.compile(
    r'<div class="tabbed-labels">(?P<labels>.*?)</div>|(?P<block><div class="tabbed-block">)', re.DOTALL
)
_LABEL = re.compile(r"<label\b[^>]*>(.*?)</label>", re.DOTALL)
_ENDED = (".", "!", "?", "…", ":", "؟", "。", "！", "？", "।")


class Section(msgspec.Struct, frozen=True):
    """A heading with its anchor and the plain text below it; before the first heading both are empty."""

    anchor: str
    heading: str
    text: str


class Rendered(msgspec.Struct, frozen=True):
    """An article's text as its page shows it. ``id`` is the article's; ``url`` relative to the language's root."""

    id: str
    url: str
    sections: tuple[Section, ...]


def split(html: str) -> tuple[Section, ...]:
    """The sections of sanitised ``html``, in order. Sections without text are left out."""
    pieces = _HEADING.split(html)
    found = [Section("", "", lines(pieces[0]))]
    for at in range(1, len(pieces), 4):
        _, anchor, heading, body = pieces[at : at + 4]
        found.append(Section(unescape(anchor), plain(heading), lines(body)))
    return tuple(s for s in found if s.text or s.heading)


def lines(html: str) -> str:
    """Text of ``html``, one line a paragraph, list item or row of a table.

    A row reads "first cell: second · third"; titles of notices and tabs end in a colon before what they head.
    """
    html = _TABS.sub(_Tabs(), _SPACE.sub(" ", _NOT_TEXT.sub("", html)))
    html = _ROW.sub(_row, html)
    html = _TITLE.sub(lambda found: _heading(found[0]), html)
    texts = (unescape(_TAG.sub("", line)).strip() for line in _BLOCK.sub("\n", html).split("\n"))
    return "\n".join(" ".join(text.split()) for text in texts if text)


def plain(html: str) -> str:
    """Text of ``html`` on one line."""
    return lines(html).replace("\n", " ")


def _row(found: re.Match[str]) -> str:
    """A row's cells in one line. A row of heads has no first cell that the others belong to."""
    parts = _CELL_GAP.split(found[0])
    cells, kinds = parts[::2], parts[1::2]
    if not kinds:
        return found[0]
    gap = " · " if "<td" not in found[0] else ": "
    return " · ".join([f"{cells[0]}{gap}<{cells[1]}", *(f"<{cell}" for cell in cells[2:])])


def _heading(html: str) -> str:
    return html if _TAG.sub("", html).strip().endswith(_ENDED) else f"{html}:"


class _Tabs:
    """Puts each tab's label at the head of its text; sets of tabs may lie in one another."""

    def __init__(self) -> None:
        self._open: list[list[str]] = []

    def __call__(self, found: re.Match[str]) -> str:
        if found["block"] is None:
            self._open.append([_heading(label) for label in _LABEL.findall(found["labels"])])
            return ""
        while self._open and not self._open[-1]:
            self._open.pop()
        label = self._open[-1].pop(0) if self._open else ""
        return f"{found['block']}<p>{label}</p>"
