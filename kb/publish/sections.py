"""Rendered articles in the parts a reader can be sent to: one for each heading with an address."""

import re
from dataclasses import dataclass
from html import unescape

_HEADING = re.compile(r'<h([2-6])\b[^>]*?\bid="([^"]+)"[^>]*>(.*?)</h\1>', re.DOTALL)
_NOT_TEXT = re.compile(r"<(svg|script|style)\b.*?</\1>|<a class=\"headerlink\".*?</a>", re.DOTALL)
_BLOCK_END = re.compile(r"</(?:p|li|h[1-6]|dt|dd|div|summary|tr|figcaption|label)>|<br\b[^>]*>")
_CELL_GAP = re.compile(r"</t[dh]>\s*(?=<t[dh]\b)")
_TAG = re.compile(r"<[^>]+>")
_SPACE = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with its anchor and the plain text below it; before the first heading both are empty."""

    anchor: str
    heading: str
    text: str


@dataclass(frozen=True, slots=True)
class Rendered:
    """An article's text as its page shows it. ``id`` is the article's; ``url`` relative to the language's root."""

    id: str
    url: str
    sections: tuple[Section, ...]


def split(html: str) -> tuple[Section, ...]:
    """The sections of sanitised ``html``, in order. Sections without text are left out."""
    pieces = _HEADING.split(html)
    found = [Section("", "", plain(pieces[0]))]
    for at in range(1, len(pieces), 4):
        _, anchor, heading, body = pieces[at : at + 4]
        found.append(Section(unescape(anchor), plain(heading), plain(body)))
    return tuple(s for s in found if s.text or s.heading)


def plain(html: str) -> str:
    """Text of ``html`` on one line, blocks separated by a space, cells of a table's row by a dot."""
    html = _NOT_TEXT.sub(" ", html)
    html = _CELL_GAP.sub(" · ", html)
    html = _BLOCK_END.sub(" ", html)
    return _SPACE.sub(" ", unescape(_TAG.sub("", html))).strip()
