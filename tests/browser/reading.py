"""A reader with a browser: opens pages, and remembers every fault the browser saw."""

import os
import shutil
from typing import Any

CHROMIUM = os.environ.get("KB_TEST_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")

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


class Reading:
    """One test's browser contexts. ``faults`` are failed or foreign requests, console errors and policy reports."""

    def __init__(self, browser: Any, base: str) -> None:
        self._browser = browser
        self.base = base
        self.origin = "/".join(base.split("/")[:3])
        self.faults: list[str] = []
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
        context.set_default_timeout(10_000)
        self._contexts.append(context)
        page = context.new_page()
        page.on("request", self._asked)
        page.on("requestfailed", self._failed)
        page.on("response", lambda r: r.status >= 400 and self.faults.append(f"{r.status}: {r.url}"))
        page.on("pageerror", lambda e: self.faults.append(f"script: {e}"))
        page.on(
            "console", lambda m: m.type in {"error", "warning"} and self.faults.append(f"console: {m.text}")
        )
        page.add_init_script(
            "document.addEventListener('securitypolicyviolation',"
            " e => console.error('policy: ' + e.violatedDirective + ' ' + e.blockedURI))"
        )
        return page

    def close(self) -> None:
        for context in self._contexts:
            context.close()
        assert not self.faults, self.faults

    def _failed(self, request: Any) -> None:
        # What a page still asks for while it sends its reader on is given up, not missing.
        if request.failure != "net::ERR_ABORTED":
            self.faults.append(f"failed: {request.url} ({request.failure})")

    def _asked(self, request: Any) -> None:
        self.requests.append(request.url)
        if not request.url.startswith((self.origin + "/", "data:", "blob:" + self.origin)):
            self.faults.append(f"left the origin: {request.url}")
