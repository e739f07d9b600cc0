"""What surrounds the pages of a small help centre: articles in, feeds and standalone pages out, without MkDocs."""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

from kb import resources
from kb.content.article import Catalog
from kb.content.reader import read
from kb.publish import addresses, assets, feeds, texts
from kb.publish.centre import Centre
from kb.publish.history import History
from kb.publish.interface import load_strings
from kb.publish.pages import Plan, availability
from kb.publish.standalone import Standalone
from tests.publish.shop import TODAY, Shop

URL = "https://help.oselya.example/"


class Surroundings:
    """The public texts of ``shop``, planned; ``updated`` maps ``en/returns/size`` to the day of its last change."""

    def __init__(
        self,
        shop: Shop,
        languages: Sequence[str] = ("en", "uk"),
        *,
        url: str = URL,
        name: str = "Oselya",
        default: str = "en",
        updated: Mapping[str, date] | None = None,
        history: History | None = None,
    ) -> None:
        every, problems = read(shop.root, "articles", tuple(languages))
        assert not [p for p in problems if p.severity == "error"]
        self.catalog: Catalog = every.public(TODAY)
        self.hidden = {article.id for article in every} - set(self.catalog.ids)
        theme = resources.theme_dir()
        strings = {language: load_strings(language, [theme])[0] for language in languages}
        self.centre = Centre(url, name, default, strings)
        self.history = history or History()
        dates = {f"articles/{id}.md": day for id, day in (updated or {}).items()}
        self.plans = [
            Plan(self.catalog.edition(language), tuple(languages), availability(self.catalog.texts), dates)
            for language in languages
        ]
        shared, self._asset_files = assets.collect([theme], theme, {})
        self.standalone = Standalone(self.centre, shared, [theme])

    def feeds(self) -> Mapping[str, str]:
        return feeds.feeds(self.centre, self.plans)

    def former(self) -> Mapping[str, addresses.Target]:
        targets, problems = addresses.former(
            self.catalog, self.history, articles="articles", hidden=self.hidden
        )
        assert not problems
        return targets

    def former_pages(self) -> Mapping[str, str]:
        return addresses.pages(self.standalone, self.plans, self.former())

    def write(self, out: Path) -> Path:
        """Everything on disk as a host would serve it, with a bare page at each address of an article."""
        assets.write(self._asset_files, out)
        texts.write({**self.standalone.root_pages(), **self.former_pages(), **self.feeds()}, out)
        for plan in self.plans:
            bare = {
                f"{plan.language}/{page.url}index.html": f"<!doctype html><h1>{page.title}</h1>"
                for page in plan.pages
                if page.kind != "missing"
            }
            texts.write(bare, out)
        return out
