"""Where each page goes: its category and name, and which old addresses lead to it."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from kb.content import names
from kb.content.importer.notes import note
from kb.content.importer.pages import Page, key, name_of
from kb.errors import Problem

GENERAL = "general"
"""Category of pages that name none and lie in no folder."""


@dataclass(slots=True)
class Places:
    """``by_address`` finds a page by its old address or by the path of its source file, redirects followed;
    ``elsewhere`` holds old addresses that led to other sites."""

    articles: list[Page] = field(default_factory=list)
    by_address: dict[str, Page] = field(default_factory=dict)
    elsewhere: dict[str, str] = field(default_factory=dict)
    former: dict[str, list[str]] = field(default_factory=dict)
    """article id → its old addresses"""
    categories: dict[str, str] = field(default_factory=dict)
    """category without a page of its own → its title"""
    problems: list[Problem] = field(default_factory=list)


def arrange(
    pages: Sequence[Page], *, categories: str, existing: Iterable[str], reserved: Iterable[str]
) -> Places:
    """Give every page its id; ``existing`` are ids that are taken."""
    places = Places()
    places.articles = [page for page in pages if not page.redirect]
    by_front_matter = categories == "front-matter" or (
        categories == "auto"
        and 2 * sum(bool(p.text("category")) for p in places.articles) >= len(places.articles)
    )
    titles: dict[str, str] = {}
    for page in places.articles:
        page.id = _category(page, by_front_matter, frozenset(reserved), titles)
    _name(places, set(existing))
    _addresses(places, pages)
    with_page = {page.id for page in places.articles} | set(existing)
    for page in places.articles:
        category = page.id.rpartition("/")[0]
        if category and f"{category}/index" not in with_page:
            places.categories[category] = titles.get(category, _title(category))
    _former(places, pages)
    return places


def _title(category: str) -> str:
    return category.rpartition("/")[2].replace("-", " ").capitalize()


def _category(page: Page, by_front_matter: bool, reserved: frozenset[str], titles: dict[str, str]) -> str:
    named = page.text("category") or next(iter(page.texts("categories")), "")
    if by_front_matter and named:
        category = names.suggestion(named)
        titles.setdefault(category, named)
    else:
        parts = page.path.split("/")[:-1]
        parts = parts[1:] if parts and parts[0].startswith("_") else parts
        category = "/".join(names.suggestion(part) for part in parts)
        if not category and page.address:
            category = GENERAL
    first, slash, rest = category.partition("/")
    if first in reserved:
        titles[f"{first}-articles{slash}{rest}"] = titles.pop(category, _title(category))
        category = f"{first}-articles{slash}{rest}"
    return category


def _name(places: Places, taken: set[str]) -> None:
    """Ids for all: a category's first folder page is the category's own, then names, longer ones where they clash."""
    twins = {names.twin_key(id) for id in taken}

    def take(id: str) -> bool:
        # An article may not have the address of a category, either.
        if names.twin_key(id) in twins or names.twin_key(id) in folders:
            return False
        twins.add(names.twin_key(id))
        return True

    folders = {names.twin_key(page.id) for page in places.articles if page.id}
    first: list[Page] = sorted(
        places.articles, key=lambda p: (not p.is_folder, bool(p.text("sub_category")), p.path)
    )
    for page in first:
        category = page.id
        if page.is_folder and not page.text("sub_category"):
            id = f"{category}/index" if category else "index"
            if take(id):
                page.id = id
                continue
        stem = page.address.rpartition("/")[2] if page.is_folder else name_of(page)
        folder = page.path.rpartition("/")[0].rpartition("/")[2].lstrip("_")
        category = category or GENERAL
        slug = names.suggestion(stem or folder or "article")
        options = [slug, names.suggestion(f"{folder}-{slug}"), *(f"{slug}-{n}" for n in range(2, 1000))]
        page.id = next(id for id in (f"{category}/{option}" for option in options) if take(id))
        if page.id != f"{category}/{slug}":
            message = f"'{category}/{slug}' is taken; the article is '{page.id}'"
            places.problems.append(note("import-renamed", page.path, None, message))


def _addresses(places: Places, pages: Sequence[Page]) -> None:
    for page in places.articles:
        places.by_address.setdefault(page.address, page)
    for page in places.articles:
        places.by_address.setdefault(key(page.path), page)
    waiting = {page.address: page.redirect for page in pages if page.redirect}
    for page in pages:
        if not page.redirect:
            continue
        target, seen = page.redirect, {page.address}
        while key(target.partition("#")[0]) in waiting and key(target.partition("#")[0]) not in seen:
            seen.add(key(target.partition("#")[0]))
            target = waiting[key(target.partition("#")[0])]
        line = page.lines.get("redirect", page.lines.get("redirect_to"))
        if "://" in target:
            places.elsewhere[page.address] = target
            message = f"/{page.address}/ led to another site: {target}"
            hint = "set the redirect up at your web server, if it is still needed"
            places.problems.append(note("import-redirect", page.path, line, message, hint))
            continue
        found = places.by_address.get(key(target.partition("#")[0]))
        if found is None:
            message = f"/{page.address}/ led to {target}, which is not among the pages"
            places.problems.append(
                note("import-redirect", page.path, line, message, "choose an article for it")
            )
        else:
            places.by_address.setdefault(page.address, found)


def _former(places: Places, pages: Sequence[Page]) -> None:
    """Old addresses of each article, without those where an article now is."""
    live = {names.address(names.twin_key(page.id)) for page in places.articles}
    live |= {names.twin_key(category) for category in places.categories}
    claims: list[tuple[Page, str, Page]] = [(page, page.address, page) for page in places.articles]
    for page in places.articles:
        claims += [(page, key(old), page) for old in page.texts("redirect_from")]
    for page in pages:
        target = places.by_address.get(page.address)
        if page.redirect and target is not None:
            claims.append((target, page.address, page))
    taken = Counter[str]()
    for article, old, source in claims:
        if not old or old == names.address(article.id):
            continue
        try:
            id = names.as_id(old)
        except names.NotAnIdError:
            continue
        address = names.address(names.twin_key(id))
        if address == names.address(names.twin_key(article.id)):
            continue
        if address in live:
            message = f"the old address /{old}/ is where another article or category now is"
            places.problems.append(note("import-redirect", source.path, None, message, "it leads there now"))
        elif not taken[address]:
            taken[address] += 1
            places.former.setdefault(article.id, []).append(id)
