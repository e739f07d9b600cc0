"""Articles → documents from their Markdown alone, for the command line; a build passes the rendered sections."""

import re
from collections.abc import Sequence

from kb.content import names
from kb.content.article import Article, Edition
from kb.content.outline import outline, plain_text
from kb.index.document import Document, Section

_DROPPED = re.compile(
    r"^\s*(?:\[[^\]]+\]:\s|\*\[[^\]]+\]:|(?:`{3,}|~{3,})|\|?\s*:?-{2,}:?\s*(?:\|[\s:|-]*)?$|-{8}<-|[-*_]{3,}\s*$)"
)
_CONTAINER = re.compile(r'^\s*(?:!!!|\?\?\?\+?|===\+?|///)\s*[\w -]*(?:"([^"]*)")?\s*$')
_MARKER = re.compile(r"^\s*(?:>\s*)*(?:(?:[-*+]|\d{1,9}[.)])\s+(?:\[[ xX]\]\s+)?|:\s+|\[\^[^\]]+\]:\s*)?")
_ATTRIBUTES = re.compile(r"\{\s*[#.:][^{}]*\}|\[\^[^\]]+\]")
_IMAGE = re.compile(r"!\[[^\]]*\](?:\([^()]*\)|\[[^\]]*\])?")
_KEYS = re.compile(r"\+\+([\w+\"-]+)\+\+")
_HTML = re.compile(r"<!--.*?-->", re.S)


def documents_from_edition(edition: Edition) -> tuple[Document, ...]:
    """The documents of all articles in reading order; category pages and the home page are not among them."""
    return tuple(document(article) for article in edition.articles)


def document(article: Article) -> Document:
    """One article, its text cut at its headings."""
    return Document(
        id=article.id,
        url=f"{names.address(article.id)}/",
        title=article.title,
        language=article.language,
        questions=article.questions,
        tags=article.tags,
        category=article.category,
        sections=sections(article.body),
        origin=article.origin.value,
    )


def sections(body: str) -> tuple[Section, ...]:
    """The plain text below each heading of a Markdown body; sections without text or heading are left out."""
    lines = _HTML.sub(lambda match: "\n" * match.group().count("\n"), body).split("\n")
    headings = outline(body).headings
    starts = [(0, "", ""), *((h.line, h.anchor, h.text) for h in headings)]
    ends = [*(h.line - 1 for h in headings), len(lines)]
    found = [
        Section(anchor, heading, _plain(lines[start:end]))
        for (start, anchor, heading), end in zip(starts, ends, strict=True)
    ]
    return tuple(section for section in found if section.text or section.heading)


def _plain(lines: Sequence[str]) -> str:
    kept = []
    for line in lines:
        container = _CONTAINER.match(line)
        if container:
            kept.append(container[1] or "")
        elif not _DROPPED.match(line):
            kept.append(_line(line))
    return "\n".join(part for part in kept if part)


def _line(line: str) -> str:
    text = _MARKER.sub("", line, count=1)
    text = _KEYS.sub(r"\1", _ATTRIBUTES.sub("", _IMAGE.sub("", text)))
    if "|" in text:
        text = " ".join(cell.strip() for cell in text.split("|"))
    return plain_text(text)
