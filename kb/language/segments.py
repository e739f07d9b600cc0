"""A Markdown article as translatable segments, and the article again from their translations.

The article is scanned, never rendered: each segment knows the span of the text it came from, and
`join` replaces those spans. What was not translated is restored byte for byte.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from kb.language import blocks, frontmatter, inline, writing


@dataclass(frozen=True, slots=True)
class Segment:
    """One span a translator sees as one unit.

    `kind` names the span for the reviewer ("paragraph", "table cell", …), `heading` is the plain text
    of the nearest heading above. `text` is Markdown on one line: container prefixes are removed, soft
    line breaks are single spaces, a hard break is its marker (two spaces or a backslash) before "\\n",
    and shortcut references are written in full (`[label][label]`), so that their words may change.
    `keep` holds words of the text that the page needs unchanged (its abbreviations). The rest says where
    the span lies and how a translation is written into it.
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
    """A source text, its segments in document order, its headings, and the ids written in it."""

    text: str
    segments: tuple[Segment, ...]
    anchors: tuple[blocks.Anchor, ...] = ()
    ids: frozenset[str] = frozenset()


def slugify(value: str, separator: str = "-") -> str:
    """The anchor Python-Markdown's `toc` gives a heading with `slugify` set to its Unicode variant."""
    value = re.sub(r"[^\w\s-]", "", value).strip().lower()
    return re.sub(rf"[{re.escape(separator)}\s]+", separator, value)


def body(text: str) -> str:
    """The Markdown below the front matter, as the renderer receives it."""
    return text[frontmatter.end_of(text) :]


def scan(text: str) -> Document:
    """The segments of an article file (front matter and body); any text is accepted."""
    found = blocks.scan(text, frontmatter.end_of(text))
    abbreviations = _abbreviation_pattern(found.abbreviations)
    segments = [
        Segment(
            scalar.kind, "", scalar.text, (), scalar.start, scalar.end, scalar.indent, "yaml" + scalar.style
        )
        for scalar in frontmatter.scalars(text)
        if inline.has_words(scalar.text)
    ]
    for piece in found.pieces:
        words = writing.words_of([text[start:end] for start, end in piece.spans], piece.writer)
        words = inline.explicit_references(words, found.labels)
        if not writing.is_translatable(words):
            continue
        keep = tuple(sorted(set(abbreviations.findall(words)))) if abbreviations else ()
        start, end = piece.spans[0][0], piece.spans[-1][1]
        segments.append(
            Segment(piece.kind, piece.heading, words, keep, start, end, piece.prefix, piece.writer)
        )
    return Document(text, tuple(segments), tuple(found.anchors), frozenset(found.ids))


def _abbreviation_pattern(terms: Iterable[str]) -> re.Pattern[str] | None:
    longest_first = sorted(filter(None, terms), key=lambda term: (-len(term), term))
    if not longest_first:
        return None
    return re.compile(r"(?<!\w)(?:" + "|".join(map(re.escape, longest_first)) + r")(?!\w)")


def join(
    document: Document,
    translations: Sequence[str | None],
    *,
    slug: Callable[[str, str], str] = slugify,
    ids: Sequence[str] | None = None,
) -> str:
    """The article with each segment replaced by its translation; None leaves the source's bytes.

    `translations` has one item a segment; ValueError otherwise. A blank one counts as None. With nothing
    translated the result is `document.text` itself; otherwise every heading also gets the id that `slug`
    gives the source's heading, so that links into the page work in every language. Who has rendered the
    source passes the ids of its headings as `ids`, one for each of `document.anchors`.
    """
    if len(translations) != len(document.segments):
        raise ValueError(f"{len(document.segments)} segments, {len(translations)} translations")
    newline = "\r\n" if "\r\n" in document.text else "\n"
    edits = [
        (segment.start, segment.end, _written(segment, translation, newline))
        for segment, translation in zip(document.segments, translations, strict=True)
        if translation and translation.strip()
    ]
    if not edits:
        return document.text
    edits += _heading_ids(document, ids if ids is not None else _slugs(document, slug))
    edits.sort(key=lambda edit: edit[:2])
    pieces, position = [], 0
    for start, end, words in edits:
        pieces += [document.text[position:start], words]
        position = end
    return "".join([*pieces, document.text[position:]])


def _written(segment: Segment, translation: str, newline: str) -> str:
    if segment.writer.startswith("yaml"):
        return frontmatter.write(translation, segment.writer.removeprefix("yaml"), segment.prefix, newline)
    return writing.write(translation, segment.text, segment.writer, segment.prefix, newline)


def _heading_ids(document: Document, ids: Sequence[str]) -> Iterator[tuple[int, int, str]]:
    for anchor, name in zip(document.anchors, ids, strict=True):
        if anchor.at is not None and name:
            yield anchor.at, anchor.at, writing.heading_id(name, inside=anchor.inside)


def _slugs(document: Document, slug: Callable[[str, str], str]) -> list[str]:
    """Python-Markdown's `toc`: explicit ids first, then one per heading, made unique by `_1`, `_2`…"""
    used = set(document.ids)
    slugs = []
    for anchor in document.anchors:
        unknown = anchor.at is None or "{{" in anchor.name or "{%" in anchor.name
        slugs.append("" if unknown else _unique(slug(anchor.name, "-"), used))
        used.add(slugs[-1])
    return slugs


def _unique(name: str, used: set[str]) -> str:
    while name in used or not name:
        match = re.match(r"^(.*)_([0-9]+)$", name)
        name = f"{match.group(1)}_{int(match.group(2)) + 1}" if match else f"{name}_1"
    return name
