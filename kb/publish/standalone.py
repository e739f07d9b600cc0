"""Pages outside any language's build: the root, the root's 404, and what stands at former addresses.

They are small on purpose: one template each in ``theme/kb/standalone``, one style sheet, at most one script.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from kb.content.languages import direction
from kb.publish.assets import Assets
from kb.publish.centre import Centre, quoted
from kb.publish.pages import Entry
from kb.publish.policy import MARKER, Sources, inline, secure
from kb.publish.release import GENERATOR

if TYPE_CHECKING:
    from jinja2 import Environment


class Standalone(msgspec.Struct, frozen=True, dict=True):
    """Draws the pages. ``theme_dirs`` are the theme's folders, the one that wins first."""

    centre: Centre
    assets: Assets
    theme_dirs: Sequence[Path]

    def root_pages(self) -> Mapping[str, str]:
        """``index.html``, which sends visitors to their language, and ``404.html`` for any other address."""
        return {"index.html": self._index(), "404.html": self._missing()}

    def moved(self, language: str, url: str, to: str) -> str:
        """The page at ``url`` of an article that is at ``to`` now; both relative to the language's root."""
        up = _way_up(url)
        return self._render(
            "moved.html",
            language,
            base=f"{up}../",
            target=quoted(up + to),
            canonical=self.centre.absolute(f"{language}/{to}") if self.centre.url else "",
        )

    def gone(self, language: str, url: str, entries: Sequence[Entry]) -> str:
        """The page at ``url`` of an article that is no more, with ``entries`` to read instead."""
        up = _way_up(url)
        links = [(entry, quoted(up + entry.url)) for entry in entries]
        return self._render("gone.html", language, base=f"{up}../", home=up, links=links)

    def _index(self) -> str:
        centre = self.centre
        versions = [(language, centre.absolute(f"{language}/")) for language in centre.languages]
        return self._render(
            "root.html",
            centre.own_strings.language,
            base="",
            canonical=centre.url,
            alternates=[*versions, ("x-default", centre.url)] if centre.url else [],
        )

    def _missing(self) -> str:
        # Hosts show it at any depth, so its addresses start at the host's root.
        return self._render("missing.html", self.centre.own_strings.language, base=self.centre.path)

    def _render(self, template: str, language: str, *, base: str, **values: object) -> str:
        """``base`` leads from the page to the root of the site: empty, or ending in ``/``."""
        html = self._environment.get_template(f"kb/standalone/{template}").render(
            centre=self.centre,
            language=language,
            direction=direction,
            autonym=self.centre.strings[language].autonym,
            t=self.centre.strings[language],
            base=base,
            asset=lambda name: base + self.assets.address(f"assets/{name}"),
            policy=MARKER,
            generator=GENERATOR,
            **values,
        )
        return secure(html)[0]

    @cached_property
    def _environment(self) -> "Environment":
        # Slow to load, and most builds draw none of these pages anew.
        from jinja2 import Environment, FileSystemLoader, StrictUndefined

        return Environment(
            loader=FileSystemLoader([str(folder) for folder in self.theme_dirs]),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )


def sources(pages: Mapping[str, str]) -> Sources:
    """What the headers' policy has to allow for ``pages``: only what a shop's own templates bring."""
    found = Sources()
    for html in pages.values():
        found |= inline(html)
    return found


def _way_up(url: str) -> str:
    """From the page at ``url`` to the root that ``url`` is relative to: ``../../`` for ``returns/size/``."""
    return "../" * url.count("/") or "./"
