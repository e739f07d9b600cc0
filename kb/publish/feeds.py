"""What machines read of the site: sitemap, robots.txt, RSS, llms.txt and OpenSearch.

Everything is computed from the pages that are published and from git's dates, never from the clock: the same
articles give the same files.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, time
from email.utils import format_datetime
from html import escape

from kb.content.article import Article, Category, Origin
from kb.publish.centre import Centre, quoted
from kb.publish.pages import SEARCH, Choices, Page, Plan, versions

SITEMAP = "sitemap.xml"
SITEMAP_LIMIT_URLS = 50_000
SITEMAP_LIMIT_BYTES = 50_000_000
"""Of one file, by https://www.sitemaps.org/protocol.html, which counts 50 MiB: head and foot need room."""
FEED_LIMIT_ITEMS = 50
_SHORT_NAME_LIMIT = 16
_LONG_NAME_LIMIT = 48
"""Characters, by the OpenSearch 1.1 draft 6."""

_XML = '<?xml version="1.0" encoding="UTF-8"?>\n'
_SITEMAP_NAMESPACES = (
    'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:xhtml="http://www.w3.org/1999/xhtml"'
)
# XML 1.0, section 2.2: these cannot be written, not even as references.
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


_MARKS = re.compile(r"([\\\[\]<])")


def feeds(centre: Centre, plans: Sequence[Plan]) -> Mapping[str, str]:
    """Every feed of the site: address relative to its root → text.

    ``sitemap.xml`` (in parts when it is large), ``robots.txt``, ``llms.txt``, and below each language
    ``feed.xml``, ``llms.txt`` and ``opensearch.xml``. What needs absolute addresses is left out when
    ``centre.url`` is empty.
    """
    files = dict(of_all(centre, plans))
    for plan in plans:
        files |= of_language(centre, plan)
    return files


def of_all(centre: Centre, plans: Sequence[Plan]) -> Mapping[str, str]:
    """Those outside the languages' folders. Of the articles they show only addresses, days, and the languages in
    which each is to be had."""
    files = {"robots.txt": robots(centre), "llms.txt": languages_for_models(centre, plans)}
    return {**files, **sitemap(centre, plans)} if centre.url else files


def of_language(centre: Centre, plan: Plan) -> Mapping[str, str]:
    """Those in a language's folder."""
    language = plan.language
    files = {f"{language}/llms.txt": articles_for_models(centre, plan)}
    if centre.url:
        files[f"{language}/feed.xml"] = rss(centre, plan)
        files[f"{language}/opensearch.xml"] = opensearch(centre, language)
    return files


def sitemap(
    centre: Centre,
    plans: Sequence[Plan],
    *,
    limit_urls: int = SITEMAP_LIMIT_URLS,
    limit_bytes: int = SITEMAP_LIMIT_BYTES,
) -> Mapping[str, str]:
    """``sitemap.xml`` with each page's versions in other languages; above the limits an index of
    ``sitemap-1.xml`` and so on. Only pages that search engines should list are in it."""
    parts = list(_parts(_sitemap_entries(centre, plans), limit_urls, limit_bytes))
    if len(parts) == 1:
        return {SITEMAP: _urlset(parts[0])}
    files = {f"sitemap-{n}.xml": _urlset(part) for n, part in enumerate(parts, start=1)}
    listed = "".join(f"<sitemap><loc>{_text(centre.absolute(name))}</loc></sitemap>\n" for name in files)
    namespace = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'
    return {SITEMAP: f"{_XML}<sitemapindex {namespace}>\n{listed}</sitemapindex>\n", **files}


def robots(centre: Centre) -> str:
    """``robots.txt`` (RFC 9309). Result pages are endless, and the service's answers are no pages."""
    closed = [centre.on_host("api/"), *(centre.on_host(f"{lang}/{SEARCH}/?") for lang in centre.languages)]
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in closed)]
    if centre.url:
        lines += ["", f"Sitemap: {centre.absolute(SITEMAP)}"]
    return "\n".join(lines) + "\n"


def rss(centre: Centre, plan: Plan) -> str:
    """RSS 2.0 of the articles that changed last, newest first. Those git does not know yet are left out."""
    strings = centre.strings[plan.language]
    home = centre.absolute(f"{plan.language}/")
    own = centre.absolute(f"{plan.language}/feed.xml")
    pages = _latest(plan)[:FEED_LIMIT_ITEMS]
    built = [f"<lastBuildDate>{_rfc822(pages[0])}</lastBuildDate>"] if pages else []
    channel = [
        f"<title>{_text(centre.name)}: {_text(strings('feed_title'))}</title>",
        f"<link>{_text(home)}</link>",
        f"<description>{_text(_own_description(plan) or strings('feed_title'))}</description>",
        f"<language>{_text(plan.language)}</language>",
        *built,
        f'<atom:link href="{_text(own)}" rel="self" type="application/rss+xml"/>',
        *(_item(home, page) for page in pages),
    ]
    body = "\n".join(channel)
    namespace = 'xmlns:atom="http://www.w3.org/2005/Atom"'
    return f'{_XML}<rss version="2.0" {namespace}>\n<channel>\n{body}\n</channel>\n</rss>\n'


def articles_for_models(centre: Centre, plan: Plan) -> str:
    """``llms.txt`` of one language (https://llmstxt.org): its own articles by category, with addresses.

    Addresses are relative to the language's root when the site does not know its own.
    """
    base = centre.absolute(f"{plan.language}/") if centre.url else ""
    lines = [f"# {_line(centre.name)}", ""]
    if summary := _own_description(plan):
        lines += [f"> {_line(summary)}", ""]
    for category in plan.edition.categories:
        lines += _for_models(category, plan, base)
    return "\n".join(lines).rstrip("\n") + "\n"


def languages_for_models(centre: Centre, plans: Sequence[Plan]) -> str:
    """The root's ``llms.txt``: one entry a language, leading to that language's own."""
    lines = [f"# {_line(centre.name)}", "", f"## {_line(centre.own_strings('languages'))}", ""]
    for plan in plans:
        strings = centre.strings[plan.language]
        count = sum(1 for article in plan.edition.articles if _is_own(article))
        url = f"{plan.language}/llms.txt"
        link = centre.absolute(url) if centre.url else url
        lines.append(
            f"- {_markdown_link(strings.autonym(plan.language), link)}: {strings.count('articles', count)}"
        )
    return "\n".join(lines) + "\n"


def opensearch(centre: Centre, language: str) -> str:
    """OpenSearch 1.1 description: the browser's search field asks this language's search page."""
    strings = centre.strings[language]
    search = centre.absolute(f"{language}/{SEARCH}/?q={{searchTerms}}")
    own = centre.absolute(f"{language}/opensearch.xml")
    long_name = f"{centre.name}: {strings('home')}"
    lines = [
        '<OpenSearchDescription xmlns="http://a9.com/-/spec/opensearch/1.1/">',
        f"<ShortName>{_text(_shortened(centre.name, _SHORT_NAME_LIMIT))}</ShortName>",
        f"<LongName>{_text(_shortened(long_name, _LONG_NAME_LIMIT))}</LongName>",
        f"<Description>{_text(strings('search_label'))}</Description>",
        f"<Language>{_text(language)}</Language>",
        "<InputEncoding>UTF-8</InputEncoding>",
        "<OutputEncoding>UTF-8</OutputEncoding>",
        f'<Url type="text/html" method="get" template="{_text(search)}"/>',
        f'<Url type="application/opensearchdescription+xml" rel="self" template="{_text(own)}"/>',
        "</OpenSearchDescription>",
    ]
    return _XML + "\n".join(lines) + "\n"


def _sitemap_entries(centre: Centre, plans: Sequence[Plan]) -> Iterator[str]:
    known: dict[str, tuple[str, str]] = {}
    links = _VersionLinks(centre)
    for plan in plans:
        base = _text(centre.absolute(f"{plan.language}/"))
        for url, article in plan.places():
            if article and not _is_own(article):
                continue
            # Every language's version of a page names the same versions.
            if url not in known:
                place = _text(quoted(url))
                known[url] = place, links.of(url, place, plan.choices(url, article))
            place, versions = known[url]
            day = plan.updated.get(article.path) if article else None
            changed = f"<lastmod>{day.isoformat()}</lastmod>\n" if day else ""
            yield f"<url>\n<loc>{base}{place}</loc>\n{changed}{versions}</url>\n"


class _VersionLinks:
    """Links to a page in each language that has it: most pages are to be had in the same languages."""

    def __init__(self, centre: Centre) -> None:
        self._centre = centre
        self._starts: dict[tuple[bool, tuple[str, ...]], list[str]] = {}

    def of(self, url: str, place: str, choices: Choices) -> str:
        """Those of the page at ``url``, which is written as ``place``."""
        ways = not url, choices.ways
        if ways not in self._starts:
            found = versions(url, choices, self._centre.default_language)
            self._starts[ways] = [
                self._start(language, address.removesuffix(url)) for language, address in found
            ]
        return "".join([f'{start}{place}"/>\n' for start in self._starts[ways]])

    def _start(self, language: str, root: str) -> str:
        address = _text(self._centre.absolute(root))
        return f'<xhtml:link rel="alternate" hreflang="{_text(language)}" href="{address}'


def _parts(entries: Iterable[str], limit_urls: int, limit_bytes: int) -> Iterator[list[str]]:
    part: list[str] = []
    size = 0
    for entry in entries:
        length = len(entry.encode())
        if part and (len(part) >= limit_urls or size + length > limit_bytes):
            yield part
            part, size = [], 0
        part.append(entry)
        size += length
    yield part


def _urlset(entries: Iterable[str]) -> str:
    return f"{_XML}<urlset {_SITEMAP_NAMESPACES}>\n{''.join(entries)}</urlset>\n"


def _latest(plan: Plan) -> list[Page]:
    dated = [page for page in plan.pages if page.kind == "article" and page.indexable and page.updated]
    return sorted(dated, key=lambda page: (-page.updated.toordinal() if page.updated else 0, page.url))


def _item(home: str, page: Page) -> str:
    # An article keeps its identifier when it changes, so that readers of the feed see it once.
    address = _text(home + quoted(page.url))
    description = f"<description>{_text(page.description)}</description>\n" if page.description else ""
    category = f"<category>{_text(page.category.title)}</category>\n" if page.category else ""
    return (
        f"<item>\n<title>{_text(page.title)}</title>\n<link>{address}</link>\n"
        f'<guid isPermaLink="true">{address}</guid>\n'
        f"{description}{category}<pubDate>{_rfc822(page)}</pubDate>\n</item>"
    )


def _rfc822(page: Page) -> str:
    assert page.updated is not None
    return format_datetime(datetime.combine(page.updated, time(), UTC), usegmt=True)


def _for_models(category: Category, plan: Plan, base: str) -> list[str]:
    articles = [plan.entry(article) for article in category.articles if _is_own(article)]
    if not articles:
        return []
    links = [
        f"- {_markdown_link(entry.title, base + quoted(entry.url))}"
        + (f": {_line(entry.description)}" if entry.description else "")
        for entry in articles
    ]
    return [f"## {_line(category.title)}", "", *links, ""]


def _is_own(article: Article) -> bool:
    return article.origin is not Origin.FALLBACK


def _own_description(plan: Plan) -> str:
    home = plan.edition.home
    return home.description if home and _is_own(home) else ""


def _markdown_link(text: str, url: str) -> str:
    label = _MARKS.sub(r"\\\1", " ".join(text.split()))
    return f"[{label}]({url.replace('(', '%28').replace(')', '%29')})"


def _line(text: str) -> str:
    """On one line and without HTML: a title cannot begin a heading or an entry of its own."""
    return " ".join(text.split()).replace("<", "\\<")


def _shortened(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    return text[: limit - 1].rstrip() + "…"


def _text(text: str) -> str:
    return escape(_NOT_XML.sub("", text))
