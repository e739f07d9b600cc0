"""The content model: frozen values, no input or output.

A :class:`Catalog` holds every text there is, by language and article id. An :class:`Edition` is what one
language's readers get: for each id the best text that exists, its own language first.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from enum import Enum
from functools import cached_property

import msgspec
from msgspec.structs import replace

INDEX = "index"
"""Slug of a category's own page (``returns/index``) and id of the home page's text."""


class Origin(Enum):
    """Where a page's text comes from."""

    WRITTEN = "written"
    """Written by a person in this language."""
    REVIEWED = "reviewed"
    """Translated, and every segment approved by a person."""
    MACHINE = "machine"
    """Translated, with machine text in it."""
    FALLBACK = "fallback"
    """Not available in this language: the source's text is shown."""


class Text(msgspec.Struct, frozen=True):
    """A file's text and its body, in UTF-8: Python's own strings take two to four bytes a character as soon as one is
    not Latin, and keep what they were encoded to beside that.

    The text ends at ``end`` and the body begins at ``start``; as a rule it is the text's last part.
    """

    utf8: bytes
    end: int
    start: int

    @classmethod
    def of(cls, text: str, body: str) -> "Text":
        """``body`` has line ends of its own where those of ``text`` are not plain."""
        whole, below = text.encode(), body.encode()
        if whole.endswith(below):
            return cls(whole, len(whole), len(whole) - len(below))
        return cls(whole + below, len(whole), len(whole))


class Article(msgspec.Struct, frozen=True):
    """One article's text in one language.

    ``id`` is the path below the language folder without its ending (``returns/exchange-size``), in every
    language the same. ``language`` is that of the text itself, so a fallback page in the Ukrainian edition
    has ``language="en"``. ``path`` is relative to the content folder, with ``/``; ``written`` is what the file says,
    whose body begins at its line ``body_line`` (from 1).
    """

    id: str
    language: str
    path: str
    title: str
    written: Text
    body_line: int = 1
    origin: Origin = Origin.WRITTEN
    source_language: str = ""
    description: str = ""
    questions: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    related: tuple[str, ...] = ()
    order: int | None = None
    icon: str = ""
    review_by: date | None = None
    expires: date | None = None
    draft: bool = False
    audience: str = "public"
    redirect_from: tuple[str, ...] = ()
    translate: bool | str = True
    lines: Mapping[str, int] = msgspec.field(default_factory=dict)
    """Line of each front matter key in the file, for findings about it."""

    @property
    def text(self) -> str:
        """The whole file."""
        return self.written.utf8[: self.written.end].decode()

    @property
    def body(self) -> str:
        """The Markdown below the front matter, with plain line ends."""
        return self.markdown.decode()

    @property
    def markdown(self) -> bytes:
        """The body in UTF-8."""
        return self.written.utf8[self.written.start :]

    @property
    def category(self) -> str:
        """Folder part of the id: ``returns``; empty for the home page's text."""
        return self.id.rpartition("/")[0]

    @property
    def slug(self) -> str:
        return self.id.rpartition("/")[2]

    @property
    def is_index(self) -> bool:
        """True for a category's own page and for the home page's text."""
        return self.slug == INDEX

    def is_public(self, today: date) -> bool:
        """False for drafts, internal articles and those past their ``expires`` date (its last day counts)."""
        live = self.expires is None or today <= self.expires
        return not self.draft and self.audience == "public" and live


class Category(msgspec.Struct, frozen=True):
    """One category of one edition; ``index`` is its own page's text, if anyone wrote one."""

    id: str
    title: str
    description: str
    icon: str
    order: int
    index: Article | None
    articles: tuple[Article, ...]


class Edition(msgspec.Struct, frozen=True, dict=True):
    """What the readers of one language get, in reading order."""

    language: str
    home: Article | None
    categories: tuple[Category, ...]

    @cached_property
    def articles(self) -> tuple[Article, ...]:
        """All articles, category by category; index pages are not among them."""
        return tuple(article for category in self.categories for article in category.articles)

    @cached_property
    def by_id(self) -> Mapping[str, Article]:
        """Every text of this edition, index pages and home included."""
        pages = [category.index for category in self.categories if category.index]
        home = [self.home] if self.home else []
        return {a.id: a for a in [*home, *pages, *self.articles]}


class Catalog(msgspec.Struct, frozen=True, dict=True):
    """Every text there is. ``languages`` is the configured order: the first in which a person wrote an
    article is that article's source."""

    languages: tuple[str, ...]
    texts: Mapping[str, Mapping[str, Article]]
    """language → id → article, of any origin but fallback."""

    def __iter__(self) -> Iterator[Article]:
        for language in self.languages:
            yield from self.texts.get(language, {}).values()

    @cached_property
    def ids(self) -> tuple[str, ...]:
        """Ids of all articles in any language, sorted."""
        return tuple(sorted({article.id for article in self}))

    @cached_property
    def sources(self) -> Mapping[str, Article]:
        """id → the article's source: the first written text in the order of languages."""
        found: dict[str, Article] = {}
        for article in self:
            if article.origin is Origin.WRITTEN:
                found.setdefault(article.id, article)
        return found

    def get(self, language: str, id: str) -> Article | None:
        return self.texts.get(language, {}).get(id)

    def origin(self, language: str, id: str) -> Origin:
        """How ``id`` is available in ``language``."""
        article = self.get(language, id)
        return Origin.FALLBACK if article is None else article.origin

    def with_texts(self, articles: Iterable[Article]) -> "Catalog":
        """A catalog with these added; a text a person wrote is never replaced by a translated one."""
        texts = {language: dict(self.texts.get(language, {})) for language in self.languages}
        for article in articles:
            old = texts[article.language].get(article.id)
            if old is None or old.origin is not Origin.WRITTEN or article.origin is Origin.WRITTEN:
                texts[article.language][article.id] = article
        return Catalog(self.languages, texts)

    def public(self, today: date) -> "Catalog":
        """Without what customers must not see. An article is as public as its source is: hiding the source
        hides its translations, and a translation may be hidden alone."""
        hidden = {id for id, source in self.sources.items() if not source.is_public(today)}
        texts = {
            language: {
                id: article
                for id, article in of_language.items()
                if id not in hidden and article.is_public(today)
            }
            for language, of_language in self.texts.items()
        }
        return Catalog(self.languages, texts)

    def edition(self, language: str) -> Edition:
        """The best text of every id for readers of ``language``: their own, else the source as a fallback."""
        best = {id: self._best(language, id) for id in self.sources}
        members: dict[str, list[Article]] = {}
        for article in best.values():
            members.setdefault(article.category, []).append(article)
        home = best.get(INDEX)
        categories = [self._category(id, articles) for id, articles in members.items() if id]
        categories.sort(key=lambda c: (c.order, c.id))
        return Edition(language, home, tuple(c for c in categories if c.articles or c.index))

    def _best(self, language: str, id: str) -> Article:
        own = self.get(language, id)
        return own if own is not None else _as_fallback(self.sources[id])

    def _category(self, id: str, members: list[Article]) -> Category:
        index = next((a for a in members if a.is_index), None)
        # Order is the source's business: a category must not be sorted differently in each language.
        articles = sorted((a for a in members if not a.is_index), key=self._rank)
        source = self.sources[index.id] if index else None
        return Category(
            id=id,
            title=index.title if index else id.rpartition("/")[2].replace("-", " ").capitalize(),
            description=index.description if index else "",
            icon=(index.icon or (source.icon if source else "")) if index else "",
            order=source.order if source and source.order is not None else UNORDERED,
            index=index,
            articles=tuple(articles),
        )

    def _rank(self, article: Article) -> tuple[int, str]:
        order = self.sources[article.id].order
        return (UNORDERED if order is None else order, article.id)


UNORDERED = 1_000_000
"""Rank of articles and categories without ``order``: after those that have one, by id."""


def _as_fallback(source: Article) -> Article:
    return replace(source, origin=Origin.FALLBACK, source_language=source.language)
