"""JSON-LD: what a page is, in schema.org's terms, for search engines and assistants."""

import json
from collections.abc import Sequence
from typing import Any

import msgspec

from kb.content.article import Origin
from kb.publish.pages import Page, Plan
from kb.publish.sections import Section

ANSWER_LIMIT = 600
"""Characters of the answer's text repeated in the data; the page itself has all of it."""


def structured_data(
    page: Page, plan: Plan, site_url: str, site_name: str, sections: Sequence[Section]
) -> str:
    """The page's JSON-LD as the content of a script element; empty where there is nothing to say.

    An article is an ``FAQPage`` whose one question carries the ways customers ask it as ``alternateName``
    (schema.org/FAQPage); every page below the home page has its ``BreadcrumbList``. Pages that show another
    language's text
    have none, like pages of the interface: they are not to be indexed.
    """
    if not page.indexable or not site_url:
        return ""
    base = f"{site_url}{plan.language}/"
    graph: list[dict[str, Any]] = []
    if page.kind == "home":
        graph.append(_website(plan.language, base, site_name))
    if page.kind == "article" and page.article:
        graph.append(_faq(page, plan.language, base, sections))
    if page.category:
        graph.append(_breadcrumbs(page, base, site_name))
    return _dump({"@context": "https://schema.org", "@graph": graph})


def _website(language: str, base: str, name: str) -> dict[str, Any]:
    return {
        "@type": "WebSite",
        "name": name,
        "url": base,
        "inLanguage": language,
        "potentialAction": {
            "@type": "SearchAction",
            "target": f"{base}search/?q={{search_term_string}}",
            "query-input": "required name=search_term_string",
        },
    }


def _faq(page: Page, language: str, base: str, sections: Sequence[Section]) -> dict[str, Any]:
    article = page.article
    assert article is not None
    text = " ".join(part for each in sections for part in (each.heading, each.text) if part)
    if len(text) > ANSWER_LIMIT:
        text = text[:ANSWER_LIMIT].rsplit(" ", 1)[0] + "…"
    question: dict[str, Any] = {
        "@type": "Question",
        "name": article.title,
        "acceptedAnswer": {"@type": "Answer", "text": text, "url": base + page.url},
    }
    if article.questions:
        question["alternateName"] = list(article.questions)
    faq: dict[str, Any] = {
        "@type": "FAQPage",
        "url": base + page.url,
        "name": article.title,
        "inLanguage": language,
        "mainEntity": [question],
    }
    if article.description:
        faq["description"] = article.description
    if page.updated:
        faq["dateModified"] = page.updated.isoformat()
    if article.origin is Origin.MACHINE:
        faq["translationOfWork"] = {"@type": "FAQPage", "inLanguage": article.source_language}
    return faq


def _breadcrumbs(page: Page, base: str, site_name: str) -> dict[str, Any]:
    assert page.category is not None
    trail = [(site_name, base), (page.category.title, f"{base}{page.category.id}/")]
    if page.kind == "article":
        trail.append((page.title, base + page.url))
    return {
        "@type": "BreadcrumbList",
        "itemListElement": [
            {"@type": "ListItem", "position": at, "name": name, "item": url}
            for at, (name, url) in enumerate(trail, start=1)
        ],
    }


def _dump(data: dict[str, Any]) -> str:
    try:
        text = msgspec.json.encode(data).decode()
    except UnicodeEncodeError:
        # Half a character, as YAML's escapes can write it.
        text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    # "</script>" or "<!--" inside a string would end or confuse the element (HTML Standard, 4.12.1.3).
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
