"""Addresses that articles no longer have: where each leads now.

An article says where it was with ``redirect_from``; git remembers what was renamed and removed. Ids are the same in
every language, and so are addresses below the language's root. A *place* here is an address without its last slash:
``returns/size`` for an article, ``returns`` for a category, empty for the home page.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

import msgspec

from kb.content.article import Article, Catalog, Edition
from kb.content.names import address as place_of
from kb.content.names import fault, twin_key
from kb.errors import Problem
from kb.publish.centre import Centre
from kb.publish.history import History
from kb.publish.pages import CONTACT, SEARCH, Plan
from kb.publish.standalone import Standalone

NEIGHBOURS_LIMIT = 5
_SOURCE = ".md"


class Moved(msgspec.Struct, frozen=True):
    """``to`` is the new address, relative to the language's root."""

    to: str


class Gone(msgspec.Struct, frozen=True):
    """``neighbours`` are the ids of articles that may help instead."""

    neighbours: tuple[str, ...]


Target = Moved | Gone


def former(
    catalog: Catalog, history: History, *, articles: str, hidden: Collection[str] = ()
) -> tuple[Mapping[str, Target], tuple[Problem, ...]]:
    """Former address, relative to a language's root → where it leads now; the same in every language.

    ``catalog`` is the public one, ``hidden`` the ids of articles that are not in it: no address mentions them,
    whatever their history. ``articles`` is the folder of articles as paths in ``history`` begin. What ``redirect_from``
    says wins over history; chains are followed to their end; an address that has a page today is no former one.
    The problems name entries of ``redirect_from`` that cannot be an address.
    """
    if not (history.renamed or history.removed or any(article.redirect_from for article in catalog)):
        return {}, ()
    edition = catalog.edition(catalog.languages[0])
    live = _Live(edition)
    past = _Past(catalog.languages, history, articles)
    said, problems = _said(catalog, edition)
    # A move away from a place that has a page again is no link of a chain.
    moves = {old: new for old, new in {**past.moves, **said}.items() if old not in live}
    moves = _with_categories(moves, past.moves, live)
    removed = past.removed | _folders(past.removed)
    secret = {place_of(id) for id in hidden}
    secret |= _folders(secret)
    found: dict[str, Target] = {}
    for old in sorted({*moves, *removed} - secret):
        target = _target(old, moves, removed - secret, live)
        if target is not None and live.is_free(old):
            found[_url(old)] = target
    return _without_twins(found), problems


def pages(standalone: Standalone, plans: Sequence[Plan], targets: Mapping[str, Target]) -> Mapping[str, str]:
    """The page at each former address in each language: address relative to the root of the site → HTML."""
    return {
        f"{plan.language}/{url}index.html": _page(standalone, plan, url, target)
        for plan in plans
        for url, target in targets.items()
    }


def redirects(centre: Centre, targets: Mapping[str, Target]) -> Mapping[str, str]:
    """Moved addresses for hosts that answer with a status: path on the host → path on the host."""
    return {
        centre.on_host(f"{language}/{url}"): centre.on_host(f"{language}/{target.to}")
        for language in centre.languages
        for url, target in targets.items()
        if isinstance(target, Moved)
    }


def _page(standalone: Standalone, plan: Plan, url: str, target: Target) -> str:
    if isinstance(target, Moved):
        return standalone.moved(plan.language, url, target.to)
    texts = plan.edition.by_id
    entries = [plan.entry(texts[id]) for id in target.neighbours if id in texts]
    return standalone.gone(plan.language, url, entries)


def _url(place: str) -> str:
    return f"{place}/" if place else ""


class _Live:
    """The places that have a page today."""

    def __init__(self, edition: Edition) -> None:
        self.categories = {category.id: category for category in edition.categories}
        self._edition = edition
        self._places = {"", *(place_of(a.id) for a in edition.articles), *self.categories}
        self._taken = {twin_key(place) for place in (*self._places, SEARCH, CONTACT)}

    def __contains__(self, place: str) -> bool:
        return place in self._places

    def is_free(self, place: str) -> bool:
        """Whether a page there would stand in nobody's way, also where names differ only in case."""
        return twin_key(place) not in self._taken

    def neighbours(self, place: str) -> tuple[str, ...]:
        category = self.categories.get(place.rpartition("/")[0])
        if category:
            return tuple(a.id for a in category.articles[:NEIGHBOURS_LIMIT])
        home = self._edition.home
        named = [id for id in (home.related if home else ()) if id in self._edition.by_id]
        return tuple(named or (c.articles[0].id for c in self.categories.values()))[:NEIGHBOURS_LIMIT]


class _Past:
    """History by place: ``moves`` from a former place to the next; ``removed`` where an article was last."""

    def __init__(self, languages: Sequence[str], history: History, articles: str) -> None:
        self._roots = {language: f"{articles}/{language}/" for language in languages}
        self.moves: dict[str, str] = {}
        for language in languages:
            for old, new in sorted(history.renamed.items()):
                before, after = self._place(language, old), self._place(language, new)
                # A file renamed into another language's folder is a translation, not a move.
                if before and after and before != after:
                    self.moves.setdefault(before, after)
        removed = {self._place(language, path) for language in languages for path in history.removed}
        self.removed = frozenset(place for place in removed if place)

    def _place(self, language: str, path: str) -> str:
        """The place of an article of ``language``; empty for any other file, and for the home page."""
        root = self._roots[language]
        if not path.startswith(root) or not path.endswith(_SOURCE):
            return ""
        id = path[len(root) : -len(_SOURCE)]
        return "" if _fault(id) else place_of(id)


def _said(catalog: Catalog, edition: Edition) -> tuple[dict[str, str], tuple[Problem, ...]]:
    """Former place → place of every ``redirect_from``; a category's own speaks for its articles too."""
    members = {category.id: category.articles for category in edition.categories}
    problems = []
    usable: list[tuple[Article, str]] = []
    # Where two articles claim one address, the first by id gets it, since it is entered last.
    for article in sorted(catalog, key=lambda article: article.id, reverse=True):
        for old in article.redirect_from:
            if reason := _fault(old):
                problems.append(_unusable(article, old, reason))
            else:
                usable.append((article, place_of(old)))
    moves: dict[str, str] = {}
    for article, old in usable:
        if article.is_index and article.category:
            moves |= {f"{old}/{a.slug}": place_of(a.id) for a in members.get(article.category, ())}
    moves |= {old: place_of(article.id) for article, old in usable}
    return moves, tuple(problems)


def _fault(id: str) -> str:
    return next((reason for part in id.split("/") if (reason := fault(part))), "")


def _unusable(article: Article, old: str, reason: str) -> Problem:
    return Problem(
        "redirect-from-unusable",
        article.path,
        article.lines.get("redirect_from"),
        f"'{old}' cannot be a former address: its name {reason}",
        "remove it, or let the host redirect it",
        "warning",
    )


def _with_categories(moves: Mapping[str, str], renamed: Iterable[str], live: _Live) -> dict[str, str]:
    """``moves`` and, for each folder of ``renamed`` that is no category any more, where most of its articles went."""
    went: dict[str, Counter[str]] = {}
    for old in renamed:
        folder, end = old.rpartition("/")[0], _end(old, moves)
        if folder and folder not in live.categories and end in live and end not in live.categories:
            went.setdefault(folder, Counter())[end.rpartition("/")[0]] += 1
    best = {folder: min(to, key=lambda id: (-to[id], id)) for folder, to in went.items()}
    return {**best, **moves}


def _end(place: str, moves: Mapping[str, str]) -> str:
    """Where the chain of moves from ``place`` ends; in a circle, where it closes."""
    seen: set[str] = set()
    while place in moves and place not in seen:
        seen.add(place)
        place = moves[place]
    return place


def _target(old: str, moves: Mapping[str, str], removed: Collection[str], live: _Live) -> Target | None:
    end = _end(old, moves)
    if end in live:
        return Moved(_url(end))
    # What is neither there nor removed is hidden: a draft, or for staff only.
    return Gone(live.neighbours(end)) if end in removed else None


def _folders(places: Iterable[str]) -> set[str]:
    return {folder for place in places if (folder := place.rpartition("/")[0])}


def _without_twins(found: Mapping[str, Target]) -> dict[str, Target]:
    """One page where two former addresses differ only in case: some file systems hold just one."""
    unique: dict[str, str] = {}
    for url in found:
        unique.setdefault(twin_key(url), url)
    return {url: found[url] for url in sorted(unique.values())}
