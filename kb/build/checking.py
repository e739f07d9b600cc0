"""The findings of the checks, as far as possible from the build before: those about an article where neither it nor
anything that its links ask for has changed, those that compare a language's articles where none of them has.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
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

RECORDS = ("checked", "judged", "facts")
"""Names of a language's records, before its tag."""


_Record = TypeVar("_Record")


class _Fact(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What an article's own text says. ``asks`` are those of its links, ``sample`` the shingles it is looked up by;
    all else is decoded where it is needed."""

    hash: bytes
    anchors: bytes
    asks: list[tuple[str, bool]]
    sample: list[int]
    facts: msgspec.Raw


class _Judged(msgspec.Struct, frozen=True, array_like=True):
    """The findings about an article; ``key`` is the hash of all that they depend on."""

    key: bytes
    problems: list[Problem]


class _Language(msgspec.Struct, frozen=True):
    """The findings about a language, article by article and of articles that are alike in name or text, each under the
    hash of what they depend on."""

    articles: dict[str, _Judged]
    names: _Judged
    doubles: _Judged


class _Checked(msgspec.Struct, frozen=True):
    """All findings about a language; ``anchors`` is what other languages' links can see of it, at the ``folder`` of
    that key."""

    key: bytes
    folder: bytes
    anchors: bytes
    problems: list[Problem]


@dataclass(frozen=True)
class Given:
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
        return _Fact(
            hash,
            digest(*sorted(facts.outline.anchors)),
            list(dict.fromkeys(checks.asks(article, facts.outline, tuple(self._given.folders)))),
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
        self.ids = digest("\n".join(site.catalog.sources))
        self._answers: dict[tuple[str, str, bool], str] = {}

    def found(self) -> list[Problem]:
        """Every finding."""
        old = {language: self._read(f"checked-{language}", _Checked) for language in self.languages}
        anchors = {language: self.anchors(language, old[language]) for language in self.languages}
        seen = self.seen(anchors)
        found = checks.of_all(self.site)
        for language in self.languages:
            folder = self.given.folders[language]
            before, key = old[language], digest(folder, seen)
            if before is None or before.key != key:
                before = _Checked(key, folder, anchors[language], self.of_language(language))
                self._write(f"checked-{language}", before)
            found += before.problems
        return found

    def anchors(self, language: str, old: _Checked | None) -> bytes:
        """The hash of the places that links can lead to in a language's articles."""
        if old is not None and old.folder == self.given.folders[language]:
            return old.anchors
        written = self.site.written(language)
        found = digest(*(part for a in written for part in (a.path, self.store.of(a).anchors)))
        self.store.keep(language, written)
        return found

    def seen(self, anchors: Mapping[str, bytes]) -> bytes:
        """The hash of all that a finding about one language can depend on in the others."""
        sources = [f"{id}\0{_shown(each)}" for id, each in self.site.catalog.sources.items()]
        return digest(self.around, "\n".join(sources), *anchors.values())

    def of_language(self, language: str) -> list[Problem]:
        """The findings about one language."""
        site, given = self.site, self.given
        old = self._read(f"judged-{language}", _Language)
        known = old.articles if old else {}
        written = site.written(language)
        articles = {article.path: self.of_article(article, known.get(article.path)) for article in written}
        live = digest(self.around, *(article.path for article in written if site.is_live(article)))
        names, doubles = digest(live, given.heads[language]), digest(live, given.folders[language])
        now = _Language(
            articles,
            old.names if old and old.names.key == names else _Judged(names, checks.of_names(site, language)),
            old.doubles
            if old and old.doubles.key == doubles
            else _Judged(doubles, checks.of_doubles(site, language)),
        )
        self._write(f"judged-{language}", now)
        return [p for each in (*articles.values(), now.names, now.doubles) for p in each.problems]

    def of_article(self, article: Article, old: _Judged | None) -> _Judged:
        fact = self.store.of(article)
        asks = [*fact.asks, *((id, False) for id in article.related)]
        live = self.site.is_live(article)
        seen = "\n".join((f"{live:d}", *article.related, *self.answers(article.language, asks)))
        key = self.around + fact.hash + digest(seen)
        return old if old and old.key == key else _Judged(key, checks.of_article(self.site, article))

    def answers(self, language: str, asks: Iterable[tuple[str, bool]]) -> Iterator[str]:
        """What links find."""
        for id, place in asks:
            at = language, id, place
            if at not in self._answers:
                self._answers[at] = self._answer(*at)
            yield self._answers[at]

    def _answer(self, language: str, id: str, place: bool) -> str:
        source = self.site.catalog.sources.get(id)
        if source is None:
            # Others are suggested instead: any of them.
            return f"none\0{self.ids.hex()}"
        anchors = b""
        if place:
            target = self.site.target(language, id)
            anchors = digest(_shown(target), self.store.of(target).anchors)
        return f"{_shown(source)}\0{id in self.site.hidden:d}\0{anchors.hex()}"

    def _read(self, name: str, kind: type[_Record]) -> _Record | None:
        return self.given.cache.read(name, kind) if self.given.cache else None

    def _write(self, name: str, value: object) -> None:
        if self.given.cache:
            self.given.cache.write(name, value)


def _shown(article: Article) -> str:
    """What findings about links to an article say of it."""
    return f"{article.path}\0{article.draft:d}{article.audience}{article.expires}{'title' in article.lines:d}"
