"""axe-core finds nothing on any kind of page, in either direction of writing, light or dark, on a phone or a desk."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.browser.reading import KINDS, Reading

EVERYTHING = {
    "type": "tag",
    "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
}
CONTRAST = {"type": "rule", "values": ["color-contrast"]}
"""The one rule that light and dark can decide differently; the others take seconds a page."""


@pytest.fixture(scope="session")
def axe() -> str:
    package = pytest.importorskip("axe_playwright_python", reason="axe-playwright-python is not installed")
    return (Path(package.__file__).parent / "axe.min.js").read_text("utf-8")


def violations(page: Any, axe: str, rules: Mapping[str, Any] = EVERYTHING) -> list[str]:
    """``rule: element`` for everything axe objects to."""
    # Through the debugger's evaluate, which the page's own policy does not bind.
    page.evaluate(axe)
    found = page.evaluate("rules => axe.run(document, {runOnly: rules, resultTypes: ['violations']})", rules)
    return [
        f"{violation['id']}: {node['html'][:160]} ({node.get('failureSummary', '')[:300]})"
        for violation in found["violations"]
        for node in violation["nodes"]
    ]


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("language", ["en", "ar"])
@pytest.mark.parametrize("kind", KINDS)
def test_nothing_to_object_to(
    reading: Reading, axe: str, kind: str, language: str, dark: bool, width: int
) -> None:
    page = reading.open(f"{language}/{KINDS[kind]}", width=width, dark=dark, reduced_motion="reduce")

    assert violations(page, axe, CONTRAST if dark else EVERYTHING) == []


@pytest.mark.parametrize(
    "path", ["pt/returns/how-to-return/", "pt/orders/track/", ""], ids=["machine", "fallback", "root"]
)
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_borrowed_and_translated_pages(reading: Reading, axe: str, path: str, dark: bool) -> None:
    page = reading.open(path, dark=dark, locale="pt-PT", reduced_motion="reduce")

    assert violations(page, axe, CONTRAST if dark else EVERYTHING) == []


def test_open_menus(reading: Reading, axe: str) -> None:
    page = reading.open("ar/returns/everything/", width=360, reduced_motion="reduce")
    page.locator(".kb-languages summary").click()

    assert violations(page, axe) == []

    page.locator(".kb-menu").click()

    assert page.locator("#kb-nav").is_visible()
    assert violations(page, axe) == []
