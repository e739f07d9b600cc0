"""What shapes a page, in parts that each have a hash: a page whose parts are all as they were need not be made again.

The parts are kept apart so that a build can say why it made a page. They follow from what the shipped templates ask
for; where a shop has templates of its own, every page hangs on its whole language (``Shared.whole``).
"""

import re
from collections.abc import Hashable, Mapping, Sequence
from functools import cached_property
from hashlib import sha256
from pathlib import Path

import msgspec

from kb.content.article import Category, Origin
from kb.content.outline import outline
from kb.publish.job import References
from kb.publish.pages import Choices, Entry, Page, Plan

PARTS: Mapping[str, str] = {
    "settings": "settings, or the program, changed",
    "theme": "the theme changed",
    "words": "words of the interface changed",
    "text": "its text changed",
    "details": "its title or other details changed",
    "date": "the day of its last change is another",
    "languages": "it is available in other languages than before",
    "neighbours": "the article before or after it changed",
    "sidebar": "the list of articles beside it changed",
    "lists": "an entry of a list on it changed",
    "links": "a link of its text leads elsewhere",
    "whole": "something in its language changed, and the shop's own templates may show it",
}
"""Part → what a person is told when it differs."""

Key = tuple[bytes, ...]
"""A hash for each of :data:`PARTS`."""

_SUFFIX = re.compile(r"(?<=.)(?::[\w-]*){1,2}$")


def short(*parts: object) -> bytes:
    """A hash of texts and numbers in their order."""
    return sha256(repr(parts).encode("utf-8", "surrogatepass")).digest()[:12]


_NO_LINKS = short([])
_NOWHERE: Mapping[str, Origin] = {}


class Shared(msgspec.Struct, frozen=True):
    """Hashes of what all pages of a language share. ``snippets`` are the folders that articles include from."""

    settings: bytes
    theme: bytes
    words: bytes
    whole: bytes = b""
    snippets: tuple[Path, ...] = ()


class Keys:
    """The keys of one language's pages. ``media`` are the addresses of its other files."""

    def __init__(self, plan: Plan, shared: Shared, media: Sequence[str]) -> None:
        self.plan, self.shared = plan, shared
        self._present = {page.source for page in plan.pages}.union(media)
        self._media = tuple(sorted(media))
        self._sidebars: dict[tuple[str, int], bytes] = {}
        self._tops: dict[str, tuple[str, ...]] = {}
        self._hashes: dict[Hashable, bytes] = {}
        self._snippets = Snippets(shared.snippets)

    def text(self, page: Page) -> bytes:
        """The hash of all that rendering the page's Markdown hangs on, but for where its links lead."""
        shared, body = self.shared, page.article.markdown if page.article else b""
        # The text as it is: to write it out as Python would, for a hash, costs more than all else here.
        included = self._snippets.hash(page.body) if SNIPPET in body else b""
        return short(shared.settings, shared.words, page.source, page.url, sha256(body).digest(), included)

    def holds(self, references: References) -> bool:
        """Whether the links of a rendered text still find what they found."""
        present = self._present
        return all((uri in present) is found for uri, found in references.lookups)

    def of(self, page: Page, text: bytes, references: References | None) -> Key:
        """The page's key; ``text`` is its :meth:`text`, ``references`` are those of its rendered text, if known."""
        shared, article = self.shared, page.article
        details: tuple[object, ...] = (page.kind, page.source, page.url, page.title, page.description)
        if article:
            details += (
                article.id,
                article.path,
                article.language,
                article.origin.value,
                article.source_language,
                article.questions,
                article.tags,
                article.icon,
                article.description,
            )
        return (
            shared.settings,
            shared.theme,
            shared.words,
            text,
            short(details),
            self._known(page.updated),
            # Their addresses follow from the page's own.
            self._ways(page.choices.origins),
            short(_link(page.previous), _link(page.next)),
            self._sidebar(page),
            self._lists(page),
            self._links(references) if references is not None else b"",
            shared.whole,
        )

    def categories(self, hashes: Mapping[str, bytes]) -> dict[str, bytes]:
        """Category → the hash of all that shapes its pages, but for whether the links of their texts find something.

        ``hashes`` are those of all that a file says, by its path. A category with a text of which that is not known, or
        which includes other files, has none.
        """
        shared = self.shared
        same = short(
            shared.settings,
            shared.theme,
            shared.words,
            shared.whole,
            self.plan.languages,
            self._names,
            self._media,
        )
        found = {}
        for category in self.plan.edition.categories:
            of_texts = self._of_texts(category, hashes)
            if of_texts:
                shown = (category.id, category.title, category.description, category.icon, category.order)
                found[category.id] = short(same, shown, of_texts)
        return found

    def _of_texts(self, category: Category, hashes: Mapping[str, bytes]) -> list[str | None]:
        """All that a category's texts say, and what is said of them elsewhere; nothing where that is not known."""
        plan, shown = self.plan, self._shown.get
        found: list[str | None] = []
        for article in ([category.index] if category.index else []) + [*category.articles]:
            hash = hashes.get(article.path)
            if not hash or SNIPPET in article.written.utf8:
                return []
            ways = self._ways(plan.origins.get(article.id, _NOWHERE))
            day = plan.updated.get(article.path)
            found.append(
                f"{article.path}\0{article.id}\0{article.origin.value}\0{hash.hex()}\0{ways.hex()}\0{day}"
            )
            found += map(shown, article.related)
        return found

    @cached_property
    def _shown(self) -> Mapping[str, str]:
        """How an article is named where another one names it as related, by id."""
        return {id: f"{article.title}\0{article.language}" for id, article in self.plan.edition.by_id.items()}

    def home(self, page: Page, text: bytes, references: References) -> bytes:
        """The hash of all that the home page shows but for the numbers of articles."""
        key = dict(zip(PARTS, self.of(page, text, references), strict=True))
        key["lists"] = short([_entry(entry) for entry in self.plan.most_asked])
        return short(*key.values())

    def _links(self, references: References) -> bytes:
        found = [(uri, uri in self._present) for uri, _ in references.lookups]
        return short(found) if found else _NO_LINKS

    def _sidebar(self, page: Page) -> bytes:
        category = page.category
        if category is None:
            return self._cards
        at = category.id, page.part
        if at not in self._sidebars:
            self._sidebars[at] = short(self._names, sidebar(self.plan, category, page.part))
        return self._sidebars[at]

    def _lists(self, page: Page) -> bytes:
        category = page.category
        if category is None:
            if page.kind != "home":
                return b""
            counts = [card.count for card in self.plan.cards]
            return short(counts, [_entry(entry) for entry in self.plan.most_asked])
        if page.kind == "category":
            entries = [_entry(self.plan.entry(article)) for article in category.articles]
            return short(_entry(self.plan.category_entry(category)), category.icon, entries)
        if category.id not in self._tops:
            self._tops[category.id] = _link(self.plan.category_entry(category))
        return short(self._tops[category.id], [_link(entry) for entry in self.plan.related(page)])

    def _ways(self, origins: Mapping[str, Origin]) -> bytes:
        # The plan has one mapping for all pages that are to be had in the same way.
        found = self._hashes.get(id(origins))
        if found is None:
            choices = Choices("", "", self.plan.languages, origins)
            found = self._hashes[id(origins)] = short(choices.languages, choices.ways)
        return found

    def _known(self, value: Hashable) -> bytes:
        """The hash of what many pages have in common."""
        found = self._hashes.get(value)
        if found is None:
            found = self._hashes[value] = short(value)
        return found

    @cached_property
    def _names(self) -> bytes:
        return names(self.plan)

    @cached_property
    def _cards(self) -> bytes:
        return short([(_entry(card.entry), card.icon) for card in self.plan.cards])


def names(plan: Plan) -> bytes:
    """The hash of the categories as every sidebar lists them."""
    return short([_link(card.entry) for card in plan.cards])


def sidebar(plan: Plan, category: Category, part: int) -> bytes:
    """The hash of what the sidebar of a part of a category shows besides :func:`names`."""
    parts = plan.parts(category)
    whole = len(parts) == 1
    return short(category.id, [_link(entry) for entry in parts[part]], whole or len(category.articles))


SNIPPET = b"8<"
"""In every Markdown that includes a file."""


class Snippets:
    """The files that articles include, from some folders. Each is read once."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = folders
        self._known: dict[str, bytes] = {}

    def hash(self, body: str, seen: frozenset[str] = frozenset()) -> bytes:
        """The hash of the files a text includes, and those include; empty when there are none."""
        if "8<" not in body:
            return b""
        found: list[object] = []
        for reference in outline(body).references:
            if reference.kind == "snippet":
                names = dict.fromkeys((reference.target, _SUFFIX.sub("", reference.target)))
                found += [(name, self._file(dir / name, seen)) for name in names for dir in self._folders]
        return short(found)

    def _file(self, file: Path, seen: frozenset[str]) -> bytes:
        path = str(file)
        if path in self._known or path in seen:
            return self._known.get(path, b"")
        try:
            text = file.read_text("utf-8", "replace")
        except OSError:
            text = ""
        self._known[path] = short(text, self.hash(text, seen | {path}))
        return self._known[path]


def reasons(old: Key | None, new: Key) -> tuple[str, ...]:
    """Why a page is made: in words, for a person."""
    if old is None:
        return ("it is new",)
    differ = [part for part, before, now in zip(PARTS, old, new, strict=True) if before != now]
    if "text" in differ and "links" in differ:
        # A new text has links of its own.
        differ.remove("links")
    return tuple(PARTS[part] for part in differ) or ("the cache had lost it",)


def _entry(entry: Entry | None) -> tuple[str, ...]:
    return () if entry is None else (*_link(entry), entry.description, entry.origin.value)


def _link(entry: Entry | None) -> tuple[str, ...]:
    return () if entry is None else (entry.title, entry.url, entry.language)
