"""A reader with a browser: opens pages, and remembers every fault the browser saw."""

import re
from typing import Any
from urllib.parse import urlencode

from tests.chromium import PATIENCE_MS, expect

KINDS = {
    "home": "",
    "category": "returns/",
    "article": "returns/how-to-return/",
    "every construct": "returns/everything/",
    "search": "search/",
    "contact": "contact-us/",
    "missing": "404.html",
}
"""Each kind of page → its address below a language's root."""


def answered(page: Any, text: str) -> None:
    """Wait for the answer to the whole of ``text``.

    Every key is answered, and the answer to the last one is shown a while after it; until then, the list may change
    under whoever reads it. The list ends with the address of all results for the text that it answers.
    """
    address = re.compile(re.escape(urlencode({"q": text})) + "$")
    expect(page.locator(".kb-popup__all").first).to_have_attribute("href", address)


class Reading:
    """One test's browser contexts. ``faults`` are failed or foreign requests, console errors and policy reports, but
    for those ``expected`` has the addresses of."""

    def __init__(self, browser: Any, base: str) -> None:
        self._browser = browser
        self.base = base
        self.origin = "/".join(base.split("/")[:3])
        self.faults: list[str] = []
        self.expected = re.compile("(?!)")
        self.requests: list[str] = []
        self._contexts: list[Any] = []

    def open(self, path: str, *, width: int = 1280, dark: bool = False, **options: Any) -> Any:
        """The page at ``path``, loaded, in a context of its own."""
        page = self.window(width=width, dark=dark, **options)
        page.goto(self.base + path, wait_until="load")
        return page

    def window(self, *, width: int = 1280, dark: bool = False, **options: Any) -> Any:
        context = self._browser.new_context(
            viewport={"width": width, "height": 800},
            color_scheme="dark" if dark else "light",
            **options,
        )
        context.set_default_timeout(PATIENCE_MS)
        self._contexts.append(context)
        page = context.new_page()
        page.on("request", self._asked)
        page.on("requestfailed", self._failed)
        page.on("response", lambda r: r.status >= 400 and self.faults.append(f"{r.status}: {r.url}"))
        page.on("pageerror", lambda e: self.faults.append(f"script: {e}"))
        page.on(
            "console",
            lambda m: (
                m.type in {"error", "warning"}
                and self.faults.append(f"console: {m.text} ({m.location.get('url', '')})")
            ),
        )
        page.add_init_script(
            "document.addEventListener('securitypolicyviolation',"
            " e => console.error('policy: ' + e.violatedDirective + ' ' + e.blockedURI))"
        )
        return page

    def close(self) -> None:
        for context in self._contexts:
            context.close()
        faults = [fault for fault in self.faults if not self.expected.search(fault)]
        assert not faults, faults

    def _failed(self, request: Any) -> None:
        # What a page still asks for while it sends its reader on is given up, not missing.
        if request.failure != "net::ERR_ABORTED":
            self.faults.append(f"failed: {request.url} ({request.failure})")

    def _asked(self, request: Any) -> None:
        self.requests.append(request.url)
        if not request.url.startswith((self.origin + "/", "data:", "blob:" + self.origin)):
            self.faults.append(f"left the origin: {request.url}")
