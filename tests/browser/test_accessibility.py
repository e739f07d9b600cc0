"""axe-core finds nothing on any kind of page, in either direction of writing, light or dark, on a phone or a desk."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.browser.reading import KINDS, Reading
from tests.chromium import expect

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
    # A colour on its way to another has any contrast.
    page.evaluate("Promise.allSettled(document.getAnimations().map((one) => one.finished)).then(() => {})")
    # Through the debugger's evaluate, which the page's own policy does not bind.
    page.evaluate(axe)
    found = page.evaluate("rules => axe.run(document, {runOnly: rules, resultTypes: ['violations']})", rules)
    return [
        f"{violation['id']}: {node['html'][:160]} ({node.get('failureSummary', '')[:300]})"
        for violation in found["violations"]
        for node in violation["nodes"]
    ]


def in_every_look(page: Any, axe: str) -> dict[str, list[str]]:
    """What axe objects to on a desk and on a phone, in light and in dark."""
    found = {}
    for rules, look in ((EVERYTHING, "light"), (CONTRAST, "dark")):
        if look == "dark":
            page.set_viewport_size({"width": 1280, "height": 800})
            page.locator("label[for^=__palette]:visible").click()
            expect(page.locator("body")).to_have_attribute("data-md-color-scheme", "slate")
        for width in (1280, 360):
            page.set_viewport_size({"width": width, "height": 800})
            if objections := violations(page, axe, rules):
                found[f"{look}, {width} px"] = objections
    return found


@pytest.mark.parametrize("language", ["en", "ar"])
@pytest.mark.parametrize("kind", KINDS)
def test_nothing_to_object_to(reading: Reading, axe: str, kind: str, language: str) -> None:
    page = reading.open(f"{language}/{KINDS[kind]}", reduced_motion="reduce")

    assert in_every_look(page, axe) == {}


@pytest.mark.parametrize(
    "path", ["pt/returns/how-to-return/", "pt/orders/track/"], ids=["machine", "fallback"]
)
def test_borrowed_and_translated_pages(reading: Reading, axe: str, path: str) -> None:
    page = reading.open(path, reduced_motion="reduce")

    assert in_every_look(page, axe) == {}


def test_the_page_that_sends_readers_to_their_language(reading: Reading, axe: str) -> None:
    page = reading.window()
    page.route("**/root.js", lambda route: route.fulfill(body="", content_type="text/javascript"))
    page.goto(reading.base)

    assert violations(page, axe) == []


def test_open_menus(reading: Reading, axe: str) -> None:
    page = reading.open("ar/returns/everything/", width=360, reduced_motion="reduce")
    page.locator(".kb-languages summary").click()
    expect(page.locator(".kb-languages__list")).to_be_visible()

    assert violations(page, axe) == []

    page.locator(".kb-menu").click()

    expect(page.locator("#kb-nav")).to_be_visible()
    assert violations(page, axe) == []
