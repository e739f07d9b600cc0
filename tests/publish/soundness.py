"""Is a built site sound? Parse errors of its pages, dead links inside it, and what navigation does not reach."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

import html5lib

_LINKS = {"a": "href", "link": "href", "img": "src", "script": "src", "source": "src", "form": "action"}


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.links: list[str] = []
        self.ids: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if identifier := values.get("id"):
            self.ids.add(identifier)
        link = values.get(_LINKS.get(tag, ""))
        if link is not None:
            self.links.append(link)


@dataclass(frozen=True)
class Built:
    """A site below ``root``, published at ``base`` (its ``site_url``, ending in ``/``, or empty)."""

    root: Path
    base: str = ""

    @cached_property
    def pages(self) -> dict[str, _Page]:
        found = {}
        for file in sorted(self.root.rglob("*.html")):
            page = _Page()
            page.feed(file.read_text("utf-8"))
            found[file.relative_to(self.root).as_posix()] = page
        return found

    def parse_errors(self, only: str = "") -> Iterator[str]:
        """``page:line: error`` for each place where a page is no HTML, as the parser of browsers sees it."""
        for name in self.pages:
            if name.startswith(only):
                parser = html5lib.HTMLParser(strict=False)
                parser.parse((self.root / name).read_text("utf-8"))
                for (line, _), code, _ in parser.errors:
                    yield f"{name}:{line}: {code}"

    def dead_links(self) -> Iterator[str]:
        """``page → link`` for each link inside the site that leads to no file, or to no such id."""
        for name, page in self.pages.items():
            for link in page.links:
                target = self.target(name, link)
                if target is not None and not self._exists(*target):
                    yield f"{name} → {link}"

    def reachable(self, start: str) -> set[str]:
        """Pages that links lead to from ``start``."""
        seen, waiting = {start}, [start]
        while waiting:
            name = waiting.pop()
            for link in self.pages[name].links:
                target = self.target(name, link)
                if target is not None and target[0] in self.pages and target[0] not in seen:
                    seen.add(target[0])
                    waiting.append(target[0])
        return seen

    def target(self, page: str, link: str) -> tuple[str, str] | None:
        """File and fragment a link leads to; ``None`` when it leaves the site."""
        if self.base and link.startswith(self.base):
            link = "/" + link[len(self.base) :]
        elif urlsplit(link).scheme or link.startswith("//"):
            return None
        path, fragment = urldefrag(link)
        path = unquote(urlsplit(path).path)
        if path.startswith("/api/"):  # The ticket service answers there, on the same origin.
            return None
        folder = self.root if path.startswith("/") else (self.root / page).parent
        file = (folder / path.lstrip("/")).resolve() if path else (self.root / page).resolve()
        if file.is_dir():
            file = file / "index.html"
        if not file.is_relative_to(self.root.resolve()):
            return "(outside the site)", ""
        return file.relative_to(self.root.resolve()).as_posix(), unquote(fragment)

    def _exists(self, name: str, fragment: str) -> bool:
        page = self.pages.get(name)
        if page is None:
            return (self.root / name).is_file()
        # Browsers take "#top" and the empty fragment to the top of any page (HTML Standard, 7.4.6.4).
        return not fragment or fragment == "top" or fragment in page.ids
