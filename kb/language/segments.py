"""A Markdown article as translatable segments, and the article again from their translations.

The article is scanned, never rendered: each segment knows the span of the text it came from, and
`join` replaces those spans. What was not translated is restored byte for byte.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Segment:
    """One span a translator sees as one unit.

    `kind` names the span for the reviewer ("paragraph", "table cell", …), `heading` is the plain text
    of the nearest heading above. `text` is Markdown on one line: container prefixes are removed, soft
    line breaks are single spaces, a hard break is its marker (two spaces or a backslash) before "\\n".
    `keep` holds words of the text that the page needs unchanged (its abbreviations).
    """

    kind: str
    heading: str
    text: str
    keep: tuple[str, ...] = ()
    start: int = 0
    end: int = 0
    prefix: str = ""
    writer: str = "block"


@dataclass(frozen=True, slots=True)
class Document:
    """A source text and its segments in document order."""

    text: str
    segments: tuple[Segment, ...]


def slugify(value: str, separator: str = "-") -> str:
    """The anchor Python-Markdown's `toc` gives a heading with `slugify` set to its Unicode variant."""
    value = re.sub(r"[^\w\s-]", "", value).strip().lower()
    return re.sub(rf"[{separator}\s]+", separator, value)


def scan(text: str) -> Document:
    """The segments of an article file (front matter and body); any text is accepted."""
    segments = []
    for match in re.finditer(r"(?m)^(?![ #>!?=/<|`~:\[*-])(?:[^\n\r]+\r?\n?)+", text):
        span = match.group().rstrip()
        if span:
            words = " ".join(span.split())
            segments.append(Segment("paragraph", "", words, (), match.start(), match.start() + len(span)))
    return Document(text, tuple(segments))


def join(
    document: Document,
    translations: Sequence[str | None],
    *,
    slug: Callable[[str, str], str] = slugify,
) -> str:
    """The article with each segment replaced by its translation; None leaves the source's bytes.

    `translations` has one item a segment; ValueError otherwise. With nothing translated the result is
    `document.text` itself.
    """
    if len(translations) != len(document.segments):
        raise ValueError(f"{len(document.segments)} segments, {len(translations)} translations")
    pieces, position = [], 0
    for segment, translation in zip(document.segments, translations, strict=True):
        if translation is not None:
            pieces += [document.text[position : segment.start], translation]
            position = segment.end
    return "".join([*pieces, document.text[position:]])


def body(text: str) -> str:
    """The Markdown below the front matter, as the renderer receives it."""
    return re.sub(r"\A---[ \t]*\r?\n.*?\n(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)", "", text, flags=re.S)
