"""Whole sites: no page is broken, no link inside is dead, every article can be reached."""

from collections import Counter
from pathlib import Path

import pytest
from msgspec.structs import replace

from kb import config
from kb.build import steps
from tests.publish.shop import TODAY
from tests.publish.soundness import Built

REPOSITORY = Path(__file__).parent.parent.parent
DUCKDUCKGO = REPOSITORY.parent / "shared/corpora/duckduckgo-help"


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = tmp_path_factory.mktemp("example")
    settings = replace(config.load(REPOSITORY, {}), output=str(folder / "site"), cache=str(folder / "cache"))
    steps.build(settings, today=TODAY)
    return Built(folder / "site", "https://help.oselya.example/")


def test_example_pages_are_html(example: Built) -> None:
    # Two languages are enough to meet every template in both directions; parsing all five takes a minute.
    assert [
        *example.parse_errors("ar/"),
        *example.parse_errors("en/delivery"),
        *example.parse_errors("index"),
    ] == []


def test_example_has_no_dead_link(example: Built) -> None:
    assert list(example.dead_links()) == []


@pytest.mark.parametrize("language", ["en", "uk", "ru", "pt", "ar"])
def test_example_articles_can_all_be_reached_from_home(example: Built, language: str) -> None:
    articles = {
        f"{language}/{p.parent.relative_to(example.root / language).as_posix()}/index.html"
        for p in (example.root / language).glob("*/*/index.html")
        if 'http-equiv="refresh"' not in p.read_text("utf-8")
    }
    assert len(articles) >= 40
    assert articles <= example.reachable(f"{language}/index.html")


def test_example_has_no_errors_or_warnings() -> None:
    report = steps.read(config.load(REPOSITORY, {}), today=TODAY)
    assert [str(p) for p in report.problems if p.severity == "error"] == []


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Built:
    if not DUCKDUCKGO.is_dir():
        pytest.skip(f"the corpus is not here: {DUCKDUCKGO}")
    from kb.cli import main

    folder = tmp_path_factory.mktemp("imported") / "help"
    main(["import", str(DUCKDUCKGO), str(folder), "--from", "jekyll"])
    assert main(["--root", str(folder), "build", "-j", "1"]) == 0
    return Built(folder / "site")


BROKEN_IN_THE_SOURCE = {"embedded-social-content-tracking-protection": 2}
"""Fragments that the imported pages linked to and did not have, and how often."""


def test_imported_help_centre_has_no_dead_link_but_those_of_its_source(imported: Built) -> None:
    dead = Counter(link.rpartition("#")[2] for link in imported.dead_links())
    assert dead == BROKEN_IN_THE_SOURCE


def test_imported_pages_are_html(imported: Built) -> None:
    assert list(imported.parse_errors()) == []


def test_imported_articles_can_all_be_reached_from_home(imported: Built) -> None:
    pages = {name for name in imported.pages if name.startswith("en/") and name.endswith("index.html")}
    moved = {n for n in pages if 'http-equiv="refresh"' in (imported.root / n).read_text("utf-8")}
    assert len(pages - moved) > 200
    # Nothing leads to the contact page of a shop that has not said how it may be reached.
    assert pages - moved - imported.reachable("en/index.html") == {"en/contact-us/index.html"}
