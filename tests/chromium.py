"""The Chromium of the tests that need a browser, and the patience they have with it: other tests keep it waiting."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
PROGRAM = os.environ.get("KB_TEST_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
PATIENCE_MS = 60_000
"""How long to wait for what should come: only a test that fails takes as long."""


@contextmanager
def chromium(*arguments: str) -> Iterator[Any]:
    """A browser that runs while the block does; a test that asks for it is skipped where there is none."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if not PROGRAM:
        pytest.skip("Chromium is not installed")
    playwright.expect.set_options(timeout=PATIENCE_MS)
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=PROGRAM, args=["--no-sandbox", *arguments], timeout=3 * PATIENCE_MS
        )
        yield browser
        browser.close()


def expect(found: Any) -> Any:
    """Playwright's ``expect``, which looks until what is said of ``found`` (a page, a locator) is so.

    What follows an action, an answer or another page, comes a while after it: only what looks again sees it on every
    machine. Imported late, for where Playwright is not installed.
    """
    from playwright.sync_api import expect as expect_of

    return expect_of(found)
