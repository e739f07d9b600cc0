"""The findings of the checks, as far as possible from the build before: those about an article where neither it nor
anything that its links ask for has changed, those that compare a language's articles where none of them has.
"""

from collections.abc import Iterable, Mapping, Sequence, Set
from datetime import date
from pathlib import Path
from typing import TypeVar

import msgspec

from kb.build.cache import Cache, digest
from kb.content import checks
from kb.content.article import Article, Catalog
from kb.content.checks import Facts, Site
from kb.content.duplicates import Numbers, sample
from kb.content.media import Media
from kb.errors import Problem

RECORDS = ("checked", "facts")
"""Names of a language's records, before its tag."""


_Record = TypeVar("_Record")


class _Fact(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What an article's own text says. ``asks`` are those of its links, ``sample`` the shingles it is looked up by;
    all else is decoded where it is needed."""

    hash: bytes
    asks: list[str]
    sample: list[int]
    facts: msgspec.Raw


class _Judged(msgspec.Struct, frozen=True, array_like=True):
    """The findings about an article; ``key`` is all that they depend on besides what its links find."""

    key: bytes
    problems: list[Problem]


class _Checked(msgspec.Struct, frozen=True):
    """All findings about a language. They depend on what ``key`` is the hash of, and on what links found: by ask, the
    ``answers``, which follow from ``key`` and ``sources``."""

    key: bytes
    sources: bytes
    answers: dict[str, str]
    problems: list[Problem]
    parts: msgspec.Raw
    """They once more, as :class:`_Parts`."""


class _Parts(msgspec.Struct, frozen=True):
    """The findings about a language, article by article, and of articles that are alike in name or text; ``around`` is
    the hash of what the articles stand in."""

    around: bytes
    articles: dict[str, _Judged]
    names: _Judged
    doubles: _Judged


class Given(msgspec.Struct, frozen=True):
    """What the findings hang on. ``rules`` is the hash of how they are made, ``around`` that of the snippets;
    ``hashes`` are those of the articles by path, ``folders`` and ``heads`` of each language's whole folder and of
    what stands above the texts in it."""

    cache: Cache | None
    rules: bytes
    around: bytes
    hashes: Mapping[str, bytes]
    folders: Mapping[str, bytes]
    heads: Mapping[str, bytes]


class Store:
    """What each article's text says by itself, read when first asked for and kept for the next build."""

    def __init__(self, given: Given) -> None:
        self._given = given
        self._numbers = Numbers()
        self._known: dict[str, dict[str, _Fact]] = {}
        self._fresh: set[str] = set()

    def facts(self, article: Article) -> Facts:
        return _FACTS.decode(self.of(article).facts)

    def sample(self, article: Article) -> Sequence[int]:
        return self.of(article).sample

    def of(self, article: Article) -> _Fact:
        known = self._of(article.language)
        hash = self._given.rules + (self._given.hashes.get(article.path) or digest(article.text))
        found = known.get(article.path)
        if found is None or found.hash != hash:
            found = known[article.path] = self._read(hash, article)
            self._fresh.add(article.language)
        return found

    def keep(self, language: str, articles: Iterable[Article]) -> None:
        """Write down a language's facts, where some are new."""
        known, cache = self._of(language), self._given.cache
        paths = {article.path for article in articles}
        if cache and (language in self._fresh or len(paths) != len(known)):
            cache.write(f"facts-{language}", {path: known[path] for path in known if path in paths})
        self._fresh.discard(language)

    def _read(self, hash: bytes, article: Article) -> _Fact:
        facts = checks.facts(article, self._numbers)
        asks = checks.asks(article, facts.outline, tuple(self._given.folders))
        return _Fact(
            hash,
            [_ask(id, place=place) for id, place in dict.fromkeys(asks)],
            list(sample(facts.shingles)),
            msgspec.Raw(_ENCODER.encode(facts)),
        )

    def _of(self, language: str) -> dict[str, _Fact]:
        if language not in self._known:
            cache = self._given.cache
            found = cache.read(f"facts-{language}", dict[str, _Fact]) if cache else None
            self._known[language] = found or {}
        return self._known[language]


_ENCODER = msgspec.msgpack.Encoder()
_FACTS = msgspec.msgpack.Decoder(Facts)
_PARTS = msgspec.msgpack.Decoder(_Parts)


class Checking:
    """Finds what is wrong with the articles of a catalog and the files beside them; ``articles`` is their folder."""

    def __init__(self, given: Given, catalog: Catalog, media: Media, today: date, articles: Path) -> None:
        self.given, self.store = given, Store(given)
        site = self.site = Site(catalog, media, today, articles, self.store)
        self.languages = site.catalog.languages
        beside = [
            f"{file.path}\0{name}" for files in site.media.files.values() for name, file in files.items()
        ]
        self.around = digest(
            given.rules, str(site.today), given.around, *self.languages, "\n".join(sorted(beside))
        )
        self.sources = digest(
            *(
                part
                for id, each in site.catalog.sources.items()
                for part in (id, _shown(each), given.hashes.get(each.path, b""))
            )
        )
        self.ids = digest("\n".join(site.catalog.sources)).hex()

    def found(self) -> list[Problem]:
        """Every finding."""
        found = checks.of_all(self.site)
        for language in self.languages:
            found += self.of_language(language).problems
        return found

    def of_language(self, language: str) -> _Checked:
        """The findings about one language, and what they depend on."""
        written = self.site.written(language)
        live = "".join(["-+"[self.site.is_live(article)] for article in written])
        key = digest(self.around, self.given.folders[language], live)
        old = self._read(f"checked-{language}", _Checked)
        if old is not None and (old.key, old.sources) == (key, self.sources):
            return old
        before = old.answers if old else {}
        changed = {ask for ask, answer in before.items() if self.answer(language, ask) != answer}
        if old is not None and old.key == key and not changed:
            return self.keep(language, msgspec.structs.replace(old, sources=self.sources))
        parts = _PARTS.decode(old.parts) if old else None
        if parts is None or parts.around != self.around:
            parts = _Parts(self.around, {}, _NONE, _NONE)
        articles, asked = self.articles(written, live, parts.articles, changed)
        seen = digest(live, *(article.path for article in written))
        names, doubles = digest(seen, self.given.heads[language]), digest(seen, self.given.folders[language])
        parts = _Parts(
            self.around,
            articles,
            parts.names if parts.names.key == names else _Judged(names, checks.of_names(self.site, language)),
            parts.doubles
            if parts.doubles.key == doubles
            else _Judged(doubles, checks.of_doubles(self.site, language)),
        )
        self.store.keep(language, written)
        problems = [p for each in (*articles.values(), parts.names, parts.doubles) for p in each.problems]
        answers = {ask: self.answer(language, ask) for ask in asked}
        raw = msgspec.Raw(_ENCODER.encode(parts))
        return self.keep(language, _Checked(key, self.sources, answers, problems, raw))

    def keep(self, language: str, checked: _Checked) -> _Checked:
        if self.given.cache:
            self.given.cache.write(f"checked-{language}", checked)
        return checked

    def articles(
        self, written: Sequence[Article], live: str, known: Mapping[str, _Judged], changed: Set[str]
    ) -> tuple[dict[str, _Judged], Iterable[str]]:
        """The findings about each article by its path, and all that their links ask for."""
        judged: dict[str, _Judged] = {}
        asked: dict[str, None] = {}
        for article, is_live in zip(written, live, strict=True):
            fact = self.store.of(article)
            asks = [*fact.asks, *(_ask(id, place=False) for id in article.related)]
            asked.update(dict.fromkeys(asks))
            key, old = fact.hash + is_live.encode(), known.get(article.path)
            if old is None or old.key != key or not changed.isdisjoint(asks):
                old = _Judged(key, checks.of_article(self.site, article))
            judged[article.path] = old
        return judged, asked

    def answer(self, language: str, ask: str) -> str:
        """What a link finds: all that findings about it depend on."""
        id, place = ask[1:], ask.startswith(_PLACE)
        source = self.site.catalog.sources.get(id)
        if source is None:
            # Others are suggested instead: any of them.
            return f"none\0{self.ids}"
        shown = f"{_shown(source)}\0{id in self.site.hidden:d}"
        if not place:
            return shown
        target = self.site.target(language, id)
        return f"{shown}\0{_shown(target)}\0{self.given.hashes.get(target.path, b'').hex()}"

    def _read(self, name: str, kind: type[_Record]) -> _Record | None:
        return self.given.cache.read(name, kind) if self.given.cache else None


_PLACE = "#"
_NONE = _Judged(b"", [])


def _ask(id: str, *, place: bool) -> str:
    """What a link asks for: an article, or a place in it."""
    return f"{_PLACE if place else '/'}{id}"


def _shown(article: Article) -> str:
    """What findings about links to an article say of it."""
    return f"{article.path}\0{article.draft:d}{article.audience}{article.expires}{'title' in article.lines:d}"
