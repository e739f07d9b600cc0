"""What templates see of one page: as ``view`` its values, as ``kb`` its addresses, lists and pieces of HTML."""

import json
from collections.abc import Mapping, Sequence
from datetime import date
from functools import cached_property
from typing import Any

import msgspec
from markupsafe import Markup

from kb.content.languages import direction
from kb.publish.contact import BUILD_FILE, Destination
from kb.publish.interface import DESK
from kb.publish.job import Job
from kb.publish.pages import Choice, Entry, Page, Plan, alternates
from kb.publish.policy import MARKER
from kb.publish.sections import Section
from kb.publish.structured import structured_data


class Link(msgspec.Struct, frozen=True):
    """Addresses from one page: ``base`` leads to the language's root."""

    base: str

    def to(self, url: str) -> str:
        """To an address relative to the language's root."""
        return f"{self.base}/{url}" if url else f"{self.base}/"

    def root(self, url: str) -> str:
        """To an address relative to the root of the whole site."""
        if self.base.startswith("/"):
            return f"{self.base.rpartition('/')[0]}/{url}"
        return f"../{url}" if self.base == "." else f"{self.base}/../{url}"


class Own(msgspec.Struct, frozen=True):
    """What one page shows besides its view. ``sidebar``, ``ld`` (JSON-LD) and ``pieces`` are HTML made beforehand;
    ``top`` is the page's category, ``day`` and ``date`` its last change."""

    sidebar: str = ""
    ld: str = ""
    pieces: Mapping[str, str] = msgspec.field(default_factory=dict)
    related: tuple[Entry, ...] = ()
    top: Entry | None = None
    day: str = ""
    date: str = ""


class Contexts(msgspec.Struct, dict=True):
    """The contexts of one language's pages."""

    job: Job
    _dates: dict[date, str] = msgspec.field(default_factory=dict)
    _tongues: dict[str, Markup] = msgspec.field(default_factory=dict)

    def own(self, view: Page, sections: Sequence[Section]) -> Own:
        """What a page shows of its own, but for what other pages show likewise."""
        job, plan = self.job, self.job.plan
        return Own(
            ld=structured_data(view, plan, job.site_url, job.site_name, sections),
            related=plan.related(view),
            top=plan.category_entry(view.category) if view.category else None,
            day=view.updated.isoformat() if view.updated else "",
            date=self._date(view.updated) if view.updated else "",
        )

    def kb(self, view: Page, own: Own, base: str, plan: Plan | None) -> dict[str, Any]:
        """``kb`` as templates see it; ``base`` leads from the page to the language's root."""
        job = self.job
        link = Link(base)
        language = view.article.language if view.article else self.language
        return {
            "page": view,
            "plan": plan,
            "language": self.language,
            "direction": direction(self.language),
            "text_language": language,
            "text_direction": direction(language),
            "link": link.to,
            "root": link.root,
            "tongue": self.tongue,
            "assets": job.assets,
            "sidebar": Markup(own.sidebar),
            "pieces": {name: Markup(html) for name, html in own.pieces.items()},
            "related": own.related,
            "top": own.top,
            "updated": {"day": own.day, "date": own.date} if own.day else None,
            "alternates": [
                (lang, job.site_url + url) for lang, url in alternates(view, job.default_language)
            ],
            "canonical": self._canonical(view),
            "source": _source(view),
            "ld": Markup(own.ld),
            "contact": job.contact,
            "form": self._form(link, job.contact.destination) if view.kind == "contact" else None,
            "features": job.features,
            "data": {name: link.root(path) for name, path in job.data.items()},
            "policy": MARKER,
            "site_url": job.site_url,
        }

    def tongue(self, language: str) -> Markup:
        """The attributes of text in a language that may be another than the page's."""
        found = self._tongues.get(language)
        if found is None:
            other = Markup(' lang="{}" dir="{}"').format(language, direction(language))
            found = self._tongues[language] = Markup("") if language == self.language else other
        return found

    @cached_property
    def language(self) -> str:
        return self.job.plan.language

    def _date(self, day: date) -> str:
        # Few days, many pages; and spelling one out takes as long as all else here.
        if day not in self._dates:
            self._dates[day] = self.job.strings.date(day)
        return self._dates[day]

    def _form(self, link: Link, destination: Destination | None) -> dict[str, Any] | None:
        """What ``desk/form.html`` asks for, with nothing typed yet."""
        if destination is None:
            return None
        job = self.job
        words = job.strings.subset(DESK)
        settings = destination.settings
        return {
            "t": {key.removeprefix(DESK): text for key, text in words.items()},
            "language": self.language,
            "kind": destination.kind,
            "action": destination.action,
            "method": destination.method,
            "address": destination.address,
            "settings": json.dumps(dict(settings), sort_keys=True) if settings else "",
            "build": link.root(BUILD_FILE),
            "typed": {},
            "problems": {},
            "categories": {c.id: c.title for c in job.plan.edition.categories},
            "email": job.contact.email,
            "expected": job.contact.expected,
        }

    def _canonical(self, view: Page) -> str:
        if not self.job.site_url or view.kind == "missing":
            return ""
        article = view.article
        language = article.language if article and article.origin.value == "fallback" else self.language
        return f"{self.job.site_url}{language}/{view.url}"


def _source(view: Page) -> Choice | None:
    """Where the text of a translated or borrowed page comes from."""
    article = view.article
    if article is None or not article.source_language:
        return None
    return next((c for c in view.choices if c.language == article.source_language), None)
