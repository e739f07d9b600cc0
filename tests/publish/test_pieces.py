"""Pages that are joined from pieces: the same bytes as pages that are rendered whole."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from kb import config
from kb.build import steps
from kb.publish import pieces, site
from kb.publish.job import Built, Job
from tests.publish.shop import TODAY, Shop

REPOSITORY = Path(__file__).parent.parent.parent
TITLES = (
    'Exchange "size" & colour',
    "A <b>bold</b> title's end",
    "kb-content-security-policy",
    "{title} {url}",
)
HEADINGS = """\
Before.

# As large as the page's

Text with a <span title="<script>alert(1)</script>">word</span>.

## With `code` & <em>emphasis</em>

### Below { #below }

#### Deeper

## With `code` & <em>emphasis</em>
"""
BODIES = ("One paragraph.", HEADINGS, "## One heading\n\nText.", "", "{{ kb.title }} \U0001f600 {% raw %}")


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """Articles of many shapes: with and without headings, descriptions, neighbours and translations."""
    shop = Shop(tmp_path / "shop", ("en", "uk", "ar"))
    shop.article("en/returns/index", title="Returns & <refunds>", icon="material/keyboard-return", order=1)
    shop.article("uk/returns/index", "Текст.", title="Повернення", description="Як повернути 'товар'")
    for at, title in enumerate(TITLES):
        for with_body, body in enumerate(BODIES):
            slug = f"returns/a{at}{with_body}" if at else f"paying/a{with_body}"
            shop.article(f"en/{slug}", body, title=repr(title), description=repr(title[at * 9 :]), order=at)
            if with_body != 2:
                shop.article(f"uk/{slug}", body, title=repr(f"{title} укр"), order=at)
    shop.article("ar/returns/a10", "نص", title="تبديل المقاس", related="[paying/a0, returns/a11]")
    return shop


Builds = Callable[..., list[Built]]


@pytest.fixture
def builds(monkeypatch: pytest.MonkeyPatch) -> Builds:
    """Builds a content folder, whole or not, and returns what each language's build gave back."""
    original = site.build

    def build(
        root: Path, *, site_at: Path, whole: bool = False, languages: Sequence[str] = ()
    ) -> list[Built]:
        found: list[Built] = []

        def one(job: Job, **options: Any) -> Built:
            found.append(original(replace(job, whole=whole), **options))
            return found[-1]

        monkeypatch.setattr(site, "build", one)
        settings = replace(config.load(root, {}), output=str(site_at), cache=str(site_at.parent / "cache"))
        steps.build(settings, today=TODAY, workers=1, clean=True, languages=languages)
        return found

    return build


def pages(site: Path) -> dict[str, bytes]:
    return {p.relative_to(site).as_posix(): p.read_bytes() for p in sorted(site.rglob("*.html"))}


def assert_the_same_both_ways(
    builds: Builds, root: Path, site_at: Path, languages: Sequence[str] = ()
) -> None:
    made = builds(root, site_at=site_at, whole=True, languages=languages)
    assert not any(built.pieces.frames for built in made)
    whole = pages(site_at)
    made = builds(root, site_at=site_at, languages=languages)
    assert all(built.pieces.frames for built in made)
    assert all(frame.texts for built in made for frame in built.pieces.frames.values()), (
        "some could not be joined"
    )
    found = pages(site_at)
    assert found.keys() == whole.keys()
    assert [page for page in whole if whole[page] != found[page]] == []


def test_pages_of_any_shape_are_the_same_joined_and_whole(builds: Builds, shop: Shop) -> None:
    assert_the_same_both_ways(builds, shop.root, shop.site)


def test_pages_without_an_address_of_the_site_are_the_same(builds: Builds, shop: Shop) -> None:
    settings = (shop.root / "mkdocs.yml").read_text("utf-8").replace("site_url:", "# site_url:")
    shop.write("mkdocs.yml", settings)
    assert_the_same_both_ways(builds, shop.root, shop.site)


def test_pages_of_the_example_are_the_same(builds: Builds, tmp_path: Path) -> None:
    assert_the_same_both_ways(builds, REPOSITORY, tmp_path / "site", languages=("uk", "ar"))


def test_pages_are_rendered_whole_where_more_is_done_with_a_title_than_printing_it(
    builds: Builds, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    builds(shop.root, site_at=shop.site, whole=True)
    whole = pages(shop.site)
    values = pieces.values
    monkeypatch.setattr(pieces, "values", lambda *page: {**values(*page), "title": b"Another"})
    refused = [
        frame for built in builds(shop.root, site_at=shop.site) for frame in built.pieces.frames.values()
    ]
    assert refused
    assert not any(frame.texts for frame in refused)
    assert pages(shop.site) == whole


def test_pages_are_rendered_whole_by_templates_of_the_shops_own(builds: Builds, shop: Shop) -> None:
    shop.write("mkdocs.yml", shop.mkdocs("theme: {name: material, custom_dir: look}"))
    shop.write("look/strings/en.yml", "contact: Ask us\n")
    assert all(built.pieces.frames for built in builds(shop.root, site_at=shop.site))
    shop.write("look/kb/footer.html", "<footer>{{ view.title | upper }}</footer>")
    assert not any(built.pieces.frames for built in builds(shop.root, site_at=shop.site))
    assert '<footer>EXCHANGE "SIZE" & COLOUR</footer>' in shop.page("en/paying/a0")
