"""Everything about the articles that their files alone do not show: links, names, dates, doubles.

Errors are what a site must not be built with; warnings are what customers or search would suffer from.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import date
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import Protocol

import msgspec

from kb.content import names
from kb.content.article import INDEX, Article, Catalog, Origin
from kb.content.duplicates import Numbers, near_duplicates, sample, shingles
from kb.content.findings import problem
from kb.content.links import Destination, Leads, destination, relative
from kb.content.media import Media
from kb.content.outline import Outline, Reference, outline
from kb.errors import Problem

SNIPPET_LIMIT_BYTES = 1_000_000


class Facts(msgspec.Struct, frozen=True):
    """What an article's own text says, whatever stands in others: ``shingles`` are its runs of words."""

    outline: Outline
    shingles: frozenset[int]
    findings: tuple[Problem, ...]


class Known(Protocol):
    """Gives the facts of articles."""

    def facts(self, article: Article) -> Facts:
        """As :func:`facts`."""

    def sample(self, article: Article) -> Iterable[int]:
        """As :func:`kb.content.duplicates.sample` of the article's shingles."""


class Site(msgspec.Struct, frozen=True, dict=True):
    """What the checks look at; ``articles`` is the folder of all languages, of which only the snippets named in the
    texts are looked up."""

    catalog: Catalog
    media: Media
    today: date
    articles: Path
    known: Known

    def written(self, language: str) -> tuple[Article, ...]:
        """Texts people wrote: translated ones have the links and headings of their source."""
        texts = self.catalog.texts.get(language, {})
        return tuple(article for article in texts.values() if article.origin is Origin.WRITTEN)

    def outline(self, article: Article) -> Outline:
        return self.known.facts(article).outline

    def target(self, language: str, id: str) -> Article:
        """The article that a link to ``id`` opens for readers of a language; its source must exist."""
        own = self.catalog.get(language, id)
        return own if own and own.origin is Origin.WRITTEN else self.catalog.sources[id]

    @cached_property
    def hidden(self) -> frozenset[str]:
        """Ids whose source customers do not see."""
        sources = self.catalog.sources.items()
        return frozenset(id for id, source in sources if not source.is_public(self.today))

    @cached_property
    def by_slug(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for id in self.catalog.sources:
            found.setdefault(id.rpartition("/")[2], []).append(id)
        return found

    @cached_property
    def by_category(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for id in self.catalog.sources:
            found.setdefault(id.rpartition("/")[0], []).append(id)
        return found

    def is_live(self, article: Article) -> bool:
        """Whether readers see this very text."""
        return article.id not in self.hidden and article.is_public(self.today)

    def nearest(self, id: str) -> str:
        """The article that was probably meant by ``id``, or an empty string."""
        folder, _, slug = id.rpartition("/")
        same_name = self.by_slug.get(slug, ()) if slug != INDEX else ()
        if same_name:
            return same_name[0]
        near = get_close_matches(id, self.by_category.get(folder, ()), n=1, cutoff=0.7)
        return near[0] if near else ""


class _Remembered:
    """Facts of articles, found when first asked for."""

    def __init__(self) -> None:
        self._found: dict[str, Facts] = {}
        self._numbers = Numbers()

    def facts(self, article: Article) -> Facts:
        if article.path not in self._found:
            self._found[article.path] = facts(article, self._numbers)
        return self._found[article.path]

    def sample(self, article: Article) -> Iterable[int]:
        return sample(self.facts(article).shingles)


def facts(article: Article, numbers: Numbers) -> Facts:
    """All that can be told from the article alone. ``numbers`` is what :func:`shingles` remembers of words."""
    seen = outline(article.body, article.body_line)
    return Facts(seen, shingles(article.body, numbers), (*_headings(article, seen), *_secrets(article)))


def check(catalog: Catalog, media: Media, today: date, *, articles: Path) -> list[Problem]:
    """All findings about the catalog.

    ``articles`` is the folder with the language folders. What is wrong with single files,
    :func:`kb.content.reader.read` has reported.
    """
    site = Site(catalog, media, today, articles, _Remembered())
    found = of_all(site)
    for language in catalog.languages:
        found += [problem for article in site.written(language) for problem in of_article(site, article)]
        found += [*of_names(site, language), *of_doubles(site, language)]
    return found


def of_article(site: Site, article: Article) -> list[Problem]:
    """The findings about one article. Of the others they depend on what :func:`asks` names, of the site on the files
    beside the articles, the snippets and the day, and on whether readers see the article."""
    checks = (_references_of, _related, _dates, _completeness)
    found = [problem for check in checks for problem in check(site, article)]
    return [*found, *site.known.facts(article).findings]


def of_names(site: Site, language: str) -> list[Problem]:
    """Titles and questions that stand twice in a language. They depend on what readers see, and on what stands above
    the articles' texts."""
    written = site.written(language)
    return [*_titles(site, written), *_questions(site, written)]


def of_doubles(site: Site, language: str) -> list[Problem]:
    """Articles of a language that say nearly the same. They depend on the texts that readers see."""
    seen = {article.path: article for article in site.written(language) if site.is_live(article)}
    samples = {path: site.known.sample(article) for path, article in seen.items()}
    alike = near_duplicates(samples, lambda path: site.known.facts(seen[path]).shingles)
    return [_double(path, other, likeness) for path, other, likeness in alike]


def of_all(site: Site) -> list[Problem]:
    """Findings that compare the languages with one another."""
    return [*_redirects(site), *_categories(site)]


def asks(article: Article, seen: Outline, languages: tuple[str, ...]) -> Iterator[tuple[str, bool]]:
    """The ids that the links of an article's text ask for, with whether for a place in the article as well."""
    for reference in seen.references:
        if reference.kind == "snippet":
            continue
        goal = destination(reference.target, article.id, languages)
        if goal.leads in (Leads.ARTICLE, Leads.HERE):
            yield goal.path, bool(goal.anchor)
        elif goal.leads is Leads.ADDRESS:
            yield from ((id, False) for id in goal.path.split())


def check_text(
    article: Article, catalog: Catalog, media: Media, today: date, *, articles: Path
) -> list[Problem]:
    """The findings about one article's text and where its links lead: for a preview, which cannot wait for all."""
    site = Site(catalog, media, today, articles, _Remembered())
    return [*site.known.facts(article).findings, *_references_of(site, article)]


# ---------------------------------------------------------------- links


def _references_of(site: Site, article: Article) -> Iterator[Problem]:
    seen = site.outline(article)
    for reference in seen.references:
        if reference.kind == "snippet":
            yield from _snippet(site, article, reference)
        else:
            yield from _reference(site, article, reference)
    for undefined in seen.undefined:
        yield problem(
            "link-undefined",
            article.path,
            undefined.line,
            f"no line defines the link label [{undefined.label}]",
            f"add a line: [{undefined.label}]: target.md",
        )


def _reference(site: Site, article: Article, reference: Reference) -> Iterator[Problem]:
    goal = destination(reference.target, article.id, site.catalog.languages)
    is_image = reference.kind == "image"
    if is_image and not (reference.text or "").strip() and site.is_live(article):
        yield from _without_alt(article, reference)
    if goal.leads is Leads.ELSEWHERE:
        if is_image:
            hint = "put the file beside the article: the site asks no other server"
            message = f"the image is on another server: {_short(reference.target)}"
            yield problem("image-external", article.path, reference.line, message, hint)
    elif goal.leads is Leads.NOWHERE:
        message = f"this kind of link is removed from the page: {_short(reference.target)}"
        yield problem(
            "link-scheme", article.path, reference.line, message, "link to https:// or to an article"
        )
    elif goal.leads is Leads.OUTSIDE:
        yield _outside(article, reference)
    elif goal.leads is Leads.FILE:
        yield from _file(site, article, reference, goal)
    elif goal.leads is Leads.ADDRESS:
        yield from _address(site, article, reference, goal)
    else:
        yield from _article(site, article, reference, goal)


def _without_alt(article: Article, reference: Reference) -> Iterator[Problem]:
    message = f"the image {_short(reference.target)} has no alternative text"
    hint = "say in a few words what it shows: ![a parcel with its label](…)"
    yield problem("image-alt-missing", article.path, reference.line, message, hint)


def _outside(article: Article, reference: Reference) -> Problem:
    return problem(
        "link-outside",
        article.path,
        reference.line,
        f"'{_short(reference.target)}' lies outside the folder of the language",
        "link to articles and files of the article's own language: the site finds other languages by itself",
    )


def _file(site: Site, article: Article, reference: Reference, goal: Destination) -> Iterator[Problem]:
    if site.media.resolve(article.language, goal.path):
        return
    twins = [name for name in site.media.names() if names.twin_key(name) == names.twin_key(goal.path)]
    hint = (
        f"did you mean '{twins[0]}'? Upper and lower case differ"
        if twins
        else "add the file, or correct the path"
    )
    code = "image-missing" if reference.kind == "image" else "link-dead"
    message = f"the file '{_short(reference.target)}' does not exist"
    yield problem(code, article.path, reference.line, message, hint)


def _address(site: Site, article: Article, reference: Reference, goal: Destination) -> Iterator[Problem]:
    if reference.kind == "image":
        # An absolute path would be read from the root of the machine, or of the whole host.
        yield _outside(article, reference)
        return
    found = next((id for id in goal.path.split() if id in site.catalog.sources), None)
    if found is None:
        yield _dead(site, article, reference, goal.path.split()[0])
        return
    anchor = f"#{goal.anchor}" if goal.anchor else ""
    better = f"write {relative(found, article.id)}{anchor}"
    message = f"'{_short(reference.target)}' is an address, which breaks when the site moves"
    yield problem("link-not-a-file", article.path, reference.line, message, better)


def _article(site: Site, article: Article, reference: Reference, goal: Destination) -> Iterator[Problem]:
    if goal.path not in site.catalog.sources:
        yield _dead(site, article, reference, goal.path)
        return
    # A stand-in for a file that could not be read is a draft by precaution: its own problem says enough.
    target = site.catalog.sources[goal.path]
    if goal.path in site.hidden and "title" in target.lines and site.is_live(article):
        message = f"the link leads to '{goal.path}', which readers do not see ({_why_hidden(target)})"
        yield problem(
            "link-to-hidden", article.path, reference.line, message, "remove the link, or publish the article"
        )
    if goal.anchor:
        yield from _anchor(site, article, reference, goal)


def _why_hidden(article: Article) -> str:
    if article.draft:
        return "a draft"
    return "internal" if article.audience != "public" else f"expired on {article.expires}"


def _dead(site: Site, article: Article, reference: Reference, id: str) -> Problem:
    nearest = site.nearest(id)
    hint = (
        f"did you mean {relative(nearest, article.id)}?"
        if nearest
        else "correct the path, or write the article"
    )
    message = f"the link '{_short(reference.target)}' leads to no article"
    return problem("link-dead", article.path, reference.line, message, hint)


def _anchor(site: Site, article: Article, reference: Reference, goal: Destination) -> Iterator[Problem]:
    target = site.target(article.language, goal.path)
    if "title" not in target.lines:
        return
    seen = site.outline(target)
    if goal.anchor in seen.anchors or goal.anchor.startswith(("fn:", "fnref", "__")):
        return
    near = get_close_matches(goal.anchor, seen.anchors, n=1, cutoff=0.5)
    hint = f"did you mean #{near[0]}?" if near else "give the heading an id: ## Heading { #id }"
    message = f"'{target.path}' has no heading or id '#{goal.anchor}'"
    yield problem("anchor-dead", article.path, reference.line, message, hint)


def _snippet(site: Site, article: Article, reference: Reference) -> Iterator[Problem]:
    name = re.sub(r"(?<=\w):[\w:,-]*$", "", reference.target)
    parts = name.split("/")
    hint = "snippets lie below the articles folder: articles/_snippets/terms.md is _snippets/terms.md"
    if "\\" in name or ":" in name or any(part in ("", "..") or part.startswith(".") for part in parts):
        message = f"the snippet '{_short(name)}' lies outside the articles folder"
        yield problem("snippet-outside", article.path, reference.line, message, hint)
        return
    place = site.articles
    for part in parts:
        place = place / part
        if place.is_symlink():
            message = f"the snippet '{_short(name)}' is, or lies behind, a symbolic link"
            yield problem(
                "symbolic-link", article.path, reference.line, message, "put a copy of the file there"
            )
            return
    if not place.is_file():
        message = f"the snippet '{_short(name)}' does not exist"
        yield problem("snippet-missing", article.path, reference.line, message, hint)
    elif place.stat().st_size > SNIPPET_LIMIT_BYTES:
        message = f"the snippet '{_short(name)}' is larger than {SNIPPET_LIMIT_BYTES / 1e6:.0f} MB"
        yield problem("file-too-large", article.path, reference.line, message)


def _short(text: str) -> str:
    text = names.visible(text)
    return text if len(text) <= 80 else f"{text[:77]}…"


# ---------------------------------------------------------------- details that name other articles


def _related(site: Site, article: Article) -> Iterator[Problem]:
    line = article.lines.get("related")
    for id in article.related:
        if id == article.id:
            message = "'related' names the article itself"
            yield problem("related-self", article.path, line, message, "remove it")
        elif id not in site.catalog.sources:
            nearest = site.nearest(id)
            hint = f"did you mean '{nearest}'?" if nearest else "correct it, or remove it"
            message = f"'related' names '{_short(id)}', which is no article"
            yield problem("related-unknown", article.path, line, message, hint)


def _redirects(site: Site) -> Iterator[Problem]:
    claiming = [a for language in site.catalog.languages for a in site.written(language) if a.redirect_from]
    if not claiming:
        return
    live = {names.address(names.twin_key(id)): id for id in site.catalog.sources}
    owners: dict[str, Article] = {}
    for article in claiming:
        line = article.lines.get("redirect_from")
        for old in article.redirect_from:
            address = names.address(names.twin_key(old))
            if address in live:
                message = (
                    f"'redirect_from' names '{_short(old)}', where the article '{live[address]}' is published"
                )
                yield problem(
                    "redirect-clash", article.path, line, message, "remove it, or rename that article"
                )
                continue
            owner = owners.setdefault(address, article)
            if owner.id != article.id:
                message = f"'redirect_from' names '{_short(old)}', which '{owner.path}' claims as well"
                yield problem("redirect-twice", article.path, line, message, "keep it in one of the two")


# ---------------------------------------------------------------- dates and completeness


def _dates(site: Site, article: Article) -> Iterator[Problem]:
    if article.review_by and article.review_by < site.today and not article.draft:
        line = article.lines.get("review_by")
        message = f"the article was to be reviewed by {article.review_by}"
        yield problem("review-overdue", article.path, line, message, "read it again, then set a later date")
    if article.expires and article.expires < site.today:
        line = article.lines.get("expires")
        message = f"the article expired on {article.expires} and is not published any more"
        yield problem("expired", article.path, line, message, "delete it, or set a later date")


def _completeness(site: Site, article: Article) -> Iterator[Problem]:
    if article.is_index or not site.is_live(article):
        return
    if not article.questions:
        message = "the article has no 'questions', which are what search finds it by"
        hint = "add three to eight ways customers ask for this"
        yield problem("questions-missing", article.path, None, message, hint)
    if not article.body.strip():
        yield problem("body-empty", article.path, article.body_line, "the article has no text", "write it")


def _categories(site: Site) -> Iterator[Problem]:
    for category in sorted({id.rpartition("/")[0] for id in site.catalog.sources} - {""}):
        if f"{category}/{INDEX}" not in site.catalog.sources:
            member = min(id for id in site.catalog.sources if id.startswith(f"{category}/"))
            folder = site.catalog.sources[member].path.removesuffix(f"{member}.md") + category
            hint = f"write {folder}/index.md with a title, a description and an icon"
            yield problem("category-unnamed", folder, None, "the category has no page of its own", hint)


# ---------------------------------------------------------------- doubles


def _titles(site: Site, written: Iterable[Article]) -> Iterator[Problem]:
    first: dict[tuple[str, str], Article] = {}
    for article in written:
        if not site.is_live(article) or article.is_index:
            continue
        key = (article.language, " ".join(article.title.casefold().split()))
        other = first.setdefault(key, article)
        if other is not article:
            message = f"the title is also that of '{other.path}'"
            hint = "say in the title what makes this article different"
            yield problem("title-twice", article.path, article.lines.get("title"), message, hint)


def _questions(site: Site, written: Iterable[Article]) -> Iterator[Problem]:
    first: dict[tuple[str, str], Article] = {}
    for article in written:
        if not site.is_live(article):
            continue
        for question in article.questions:
            key = (article.language, re.sub(r"[\W_]+", " ", question.casefold()).strip())
            other = first.setdefault(key, article)
            if other.id != article.id:
                message = f"the question '{_short(question)}' is also one of '{other.path}'"
                hint = "keep it in the article that answers it"
                yield problem("question-twice", article.path, article.lines.get("questions"), message, hint)


def _double(path: str, other: str, likeness: float) -> Problem:
    message = f"{likeness:.0%} of the text is also in '{other}'"
    return problem("article-twice", path, None, message, "merge the two, and redirect the old address")


# ---------------------------------------------------------------- the text itself


def _headings(article: Article, seen: Outline) -> Iterator[Problem]:
    last = 1
    for heading in seen.headings:
        if heading.level == 1:
            message = f"'{_short(heading.text)}' is a heading of the first level, which only the title is"
            yield problem("heading-top", article.path, heading.line, message, "write it with ##")
        elif heading.level > last + 1:
            message = f"'{_short(heading.text)}' skips from level {last} to {heading.level}"
            hint = f"write it with {'#' * (last + 1)}"
            yield problem("heading-jump", article.path, heading.line, message, hint)
        last = heading.level


class _Secret(msgspec.Struct, frozen=True):
    """``needles`` are in lower case; a text without any of them is not searched, which is far quicker."""

    kind: str
    needles: tuple[str, ...]
    pattern: re.Pattern[str]


_WORD_BEFORE_KEY = r"(?i:\b(?:password|passwd|secret|token|api[_ -]?key)[\"']?\s{0,3}[:=]\s{0,3}[\"'`]?)"
_SECRETS = tuple(
    _Secret(kind, needles, re.compile(pattern))
    for kind, needles, pattern in (
        (
            "a private key",
            ("private key",),
            # With a body: guides often show its first and last line with XXXX between.
            r"-----BEGIN (?:[A-Z]{1,20} ){0,4}PRIVATE KEY(?: BLOCK)?-----[^-]{0,200}?[A-Za-z0-9+/]{20}",
        ),
        ("an AWS access key", ("akia", "asia"), r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
        (
            "a GitHub token",
            ("gh", "github_pat"),
            r"\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{50})",
        ),
        ("a GitLab token", ("glpat-",), r"\bglpat-[A-Za-z0-9_-]{20}"),
        ("a Slack token", ("xox",), r"\bxox[abeoprs]-[A-Za-z0-9-]{10}"),
        ("a payment service's key", ("k_live_",), r"\b[rs]k_live_[A-Za-z0-9]{16}"),
        ("a Google API key", ("aiza",), r"\bAIza[0-9A-Za-z_-]{35}"),
        ("a signed token", ("eyj",), r"\beyJ[\w-]{10,2000}\.eyJ[\w-]{10,2000}\.[\w-]{10}"),
        ("an address with a password", ("://",), r"://[^\s:/@<>\"']{1,100}:[^\s:/@<>\"'{]{3,100}@"),
        (
            "a password or key",
            ("passw", "secret", "token", "api key", "api_key", "api-key", "apikey"),
            _WORD_BEFORE_KEY + r"(?=[A-Za-z+/_-]{0,100}[0-9])(?=[0-9+/_-]{0,100}[A-Za-z])[A-Za-z0-9+/_-]{20}",
        ),
    )
)

_NEEDLES = tuple((needle, at) for at, secret in enumerate(_SECRETS) for needle in secret.needles)


def _secrets(article: Article) -> Iterator[Problem]:
    low = article.text.lower()
    near = [at for needle, at in _NEEDLES if needle in low]
    for secret in [_SECRETS[at] for at in sorted(set(near))] if near else ():
        for match in secret.pattern.finditer(article.text):
            line = article.text.count("\n", 0, match.start()) + 1
            # The message goes to logs and reports, so it does not repeat the secret.
            message = f"this looks like {secret.kind}"
            hint = "revoke it, since git keeps it for good, and write an example such as YOUR-KEY"
            yield problem("secret", article.path, line, message, hint)


def used_media(catalog: Catalog, media: Media) -> frozenset[str]:
    """Paths (from the content folder) of the files that the catalog's texts show or link to, each in the
    version its readers get. Given the public catalog, files beside drafts stay private."""
    found = set()
    for article in catalog:
        for reference in outline(article.body).references:
            goal = destination(reference.target, article.id)
            if goal.leads is Leads.FILE:
                for language in catalog.languages:
                    file = media.resolve(language, goal.path)
                    if file:
                        found.add(file.path)
    return frozenset(found)
