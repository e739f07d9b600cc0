"""What is on every page of one language: values, no templates and no MkDocs.

Addresses here are relative to the language's root (``returns/exchange-size/``); an article's is stable across
languages, since its id is.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import cached_property

import msgspec

from kb.content.article import Article, Category, Edition, Origin

SEARCH = "search"
CONTACT = "contact-us"
"""First segments of addresses that are pages of the interface; no category may have their name."""
RESERVED = frozenset({SEARCH, CONTACT, "assets", "api"})
SECTION_LIMIT = 40
"""Articles a sidebar lists at once: a longer category is shown in parts, so that no page grows with the catalog."""
RELATED_LIMIT = 4


class Entry(msgspec.Struct, frozen=True):
    """A link to an article or category as lists show it. ``language`` is that of ``title``."""

    title: str
    url: str
    language: str
    description: str = ""
    origin: Origin = Origin.WRITTEN


class Card(msgspec.Struct, frozen=True):
    """A category as the home page shows it."""

    entry: Entry
    icon: str
    count: int


class Choice(msgspec.Struct, frozen=True):
    """One entry of the language switcher. ``url`` is relative to the root of the whole site."""

    language: str
    url: str
    origin: Origin
    current: bool


class Choices(msgspec.Struct, frozen=True):
    """A page's language switcher: a site has as many entries as pages times languages, so each is made when it is asked
    for. ``url`` is relative to a language's root, ``language`` the reader's; what is not in ``origins`` is borrowed."""

    url: str
    language: str
    languages: tuple[str, ...]
    origins: Mapping[str, Origin]

    def __len__(self) -> int:
        return len(self.languages)

    def __iter__(self) -> Iterator[Choice]:
        for each in self.languages:
            yield Choice(each, f"{each}/{self.url}", self.origin(each), each == self.language)

    def origin(self, language: str) -> Origin:
        return self.origins.get(language, Origin.FALLBACK)

    @property
    def ways(self) -> tuple[str, ...]:
        """How the page is to be had in each of the languages."""
        return tuple([self.origin(each).value for each in self.languages])


NOWHERE = Choices("", "", (), {})


class Page(msgspec.Struct, frozen=True):
    """One page of the site.

    ``kind`` is ``home``, ``category``, ``article``, ``search``, ``contact`` or ``missing`` (the 404 page).
    ``source`` is the
    Markdown file MkDocs sees; ``part`` says which part of the category's sidebar the page shows.
    """

    kind: str
    source: str
    url: str
    title: str
    description: str = ""
    article: Article | None = None
    category: Category | None = None
    position: int = 0
    """The article's place in its category, from 0."""
    part: int = 0
    previous: Entry | None = None
    next: Entry | None = None
    choices: Choices = NOWHERE
    updated: date | None = None

    @property
    def origin(self) -> Origin:
        return self.article.origin if self.article else Origin.WRITTEN

    @property
    def body(self) -> str:
        return self.article.body if self.article else ""

    @property
    def indexable(self) -> bool:
        """Whether search engines should list it: own text only, and no page of the interface."""
        return self.kind in {"home", "category", "article"} and self.origin is not Origin.FALLBACK


class Plan(msgspec.Struct, frozen=True, dict=True):
    """All pages of one language, and the lists they share."""

    edition: Edition
    languages: tuple[str, ...]
    origins: Mapping[str, Mapping[str, Origin]]
    """article id → language → how it is available there (languages with only the fallback are left out)."""
    updated: Mapping[str, date] = msgspec.field(default_factory=dict)
    """Path of a source file → day of its last commit."""
    titles: Mapping[str, str] = msgspec.field(default_factory=dict)
    """Titles of the interface's own pages: ``home``, ``search``, ``contact``, ``missing``."""

    @property
    def language(self) -> str:
        return self.edition.language

    @cached_property
    def pages(self) -> tuple[Page, ...]:
        """Every page, in reading order."""
        return tuple(self._pages())

    @cached_property
    def cards(self) -> tuple[Card, ...]:
        """The categories, as the home page shows them."""
        return tuple(
            Card(self.category_entry(category), category.icon, len(category.articles))
            for category in self.edition.categories
        )

    @cached_property
    def most_asked(self) -> tuple[Entry, ...]:
        """What the home page's text names as ``related``; else the first article of each category."""
        home = self.edition.home
        named = [id for id in (home.related if home else ()) if id in self.edition.by_id]
        if named:
            return tuple(self.entry(self.edition.by_id[id]) for id in named)
        return tuple(self.entry(c.articles[0]) for c in self.edition.categories if c.articles)[:8]

    def entry(self, article: Article) -> Entry:
        found = self._entries.get(article.id)
        if found is None:
            found = self._entries[article.id] = Entry(
                article.title, address(article.id), article.language, article.description, article.origin
            )
        return found

    @cached_property
    def _entries(self) -> dict[str, Entry]:
        return {}

    def category_entry(self, category: Category) -> Entry:
        index = category.index
        language = index.language if index else self.language
        origin = index.origin if index else Origin.WRITTEN
        return Entry(category.title, f"{category.id}/", language, category.description, origin)

    def parts(self, category: Category) -> list[tuple[Entry, ...]]:
        """The category's articles in the parts its sidebar shows."""
        entries = [self.entry(article) for article in category.articles]
        return [tuple(entries[i : i + SECTION_LIMIT]) for i in range(0, len(entries), SECTION_LIMIT)] or [()]

    def related(self, page: Page) -> tuple[Entry, ...]:
        """What the article names as related; without that, its neighbours in the category."""
        article, category = page.article, page.category
        if page.kind != "article" or article is None or category is None:
            return ()
        named = [self.edition.by_id[id] for id in article.related if id in self.edition.by_id]
        if not named:
            at = page.position
            after = category.articles[at + 1 : at + 4]
            named = [*after, *category.articles[max(0, at - 3 + len(after)) : at]]
        return tuple(self.entry(a) for a in named[:RELATED_LIMIT] if a.id != article.id)

    def places(self) -> Iterator[tuple[str, Article | None]]:
        """Address and text of the home page and of each category's and article's page, in the order of
        :attr:`pages`."""
        yield "", self.edition.home
        for category in self.edition.categories:
            yield f"{category.id}/", category.index
            for article in category.articles:
                yield address(article.id), article

    def _pages(self) -> Iterator[Page]:
        home = self.edition.home
        yield Page(
            kind="home",
            source="index.md",
            url="",
            title=home.title if home else self.titles.get("home", ""),
            description=home.description if home else "",
            article=home,
            choices=self.choices("", home),
            updated=self._updated(home),
        )
        for category in self.edition.categories:
            yield self._category_page(category)
            yield from self._article_pages(category)
        for kind, folder in (("search", SEARCH), ("contact", CONTACT)):
            yield Page(
                kind=kind,
                source=f"{folder}/index.md",
                url=f"{folder}/",
                title=self.titles.get(kind, ""),
                choices=self.choices(f"{folder}/", None),
            )
        yield Page(
            kind="missing",
            source="404.md",
            url="404.html",
            title=self.titles.get("missing", ""),
            choices=self.choices("", None),
        )

    def _category_page(self, category: Category) -> Page:
        url = f"{category.id}/"
        return Page(
            kind="category",
            source=f"{category.id}/index.md",
            url=url,
            title=category.title,
            description=category.description,
            article=category.index,
            category=category,
            choices=self.choices(url, category.index),
            updated=self._updated(category.index),
        )

    def _article_pages(self, category: Category) -> Iterator[Page]:
        entries = [self.entry(article) for article in category.articles]
        for at, article in enumerate(category.articles):
            yield Page(
                kind="article",
                source=f"{article.id}.md",
                url=entries[at].url,
                title=article.title,
                description=article.description,
                article=article,
                category=category,
                position=at,
                part=at // SECTION_LIMIT,
                previous=entries[at - 1] if at else None,
                next=entries[at + 1] if at + 1 < len(entries) else None,
                choices=self.choices(entries[at].url, article),
                updated=self._updated(article),
            )

    def choices(self, url: str, article: Article | None) -> Choices:
        """How the page at ``url``, which shows ``article``, is to be had in each language."""
        # Pages of the interface exist in every language; an article may be missing in some.
        origins = self.origins.get(article.id, {}) if article else self._everywhere
        return Choices(url, self.language, self.languages, origins)

    @cached_property
    def _everywhere(self) -> Mapping[str, Origin]:
        return dict.fromkeys(self.languages, Origin.WRITTEN)

    def _updated(self, article: Article | None) -> date | None:
        return self.updated.get(article.path) if article else None


def address(id: str) -> str:
    """Address of an article relative to its language's root; an index is its folder."""
    folder, _, slug = id.rpartition("/")
    if slug == "index":
        return f"{folder}/" if folder else ""
    return f"{id}/"


def availability(texts: Mapping[str, Mapping[str, Article]]) -> dict[str, dict[str, Origin]]:
    """language → id → article, turned into id → language → origin."""
    found: dict[str, dict[str, Origin]] = {}
    for language, articles in texts.items():
        for id, article in articles.items():
            found.setdefault(id, {})[language] = article.origin
    # Many articles are to be had in the same way: one mapping serves all of them.
    ways: dict[tuple[tuple[str, Origin], ...], dict[str, Origin]] = {}
    return {id: ways.setdefault(tuple(origins.items()), origins) for id, origins in found.items()}


def alternates(page: Page, default: str) -> Sequence[tuple[str, str]]:
    """hreflang pairs: every language with a real text of its own, and ``x-default`` for the default one; for home
    pages, for the root of the site, which knows the visitor's language better.

    A page shown as a fallback has none: it is not a version of its own (developers.google.com, "Tell Google about
    localized versions of your page").
    """
    return versions(page.url, page.choices, default) if page.indexable else ()


def versions(url: str, choices: Iterable[Choice], default: str) -> Sequence[tuple[str, str]]:
    """The :func:`alternates` of the page at ``url``, which search engines may list."""
    real = [(c.language, c.url) for c in choices if c.origin is not Origin.FALLBACK]
    if not url:
        return [*real, ("x-default", "")]
    fallback = next((url for language, url in real if language == default), None)
    return [*real, *([("x-default", fallback)] if fallback is not None else [])]
