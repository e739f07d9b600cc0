"""The twin of the published site: believed in nothing, put right in everything."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from kb import config
from kb.build import placing, steps
from kb.build.placing import ROOT, Ground, Place, Published, Signature, hashed
from tests.build.test_incremental import assert_same, build_at, help_centre, tree, twin, twin_of
from tests.publish.shop import TODAY, Shop

PAGES = {
    "returns/size/index.html": "size",
    "returns/index.html": "returns",
    "delivery/cost/index.html": "cost",
}
SHARED = {"index.html": "root", "assets/kb.css": "css", "uk/feed.xml": "feed"}


def put(folder: Path, files: dict[str, str]) -> dict[str, Signature]:
    place = Place(Ground(str(folder), "", dict))
    for name, text in files.items():
        place.write(name, text.encode())
    return place.signatures


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return tmp_path / "site"


@pytest.fixture
def published(site: Path) -> Published:
    pages = {language: put(site / language, PAGES) for language in ("en", "uk")}
    return placing.published(b"here", None, pages, put(site, SHARED), {})


@pytest.fixture
def out(site: Path, published: Published, tmp_path: Path) -> Path:
    """A twin of the site."""
    folder = tmp_path / "twin"
    folder.mkdir()
    placing.follow(folder, site, None, published)
    return folder


def look(out: Path, site: Path, published: Published, groups: tuple[str, ...] = ("en", "uk")) -> placing.Tree:
    return placing.look(out, site, published, groups)


def test_twin_is_the_same_files(site: Path, out: Path, published: Published) -> None:
    assert tree(out) == tree(site)
    assert os.path.samefile(out / "en/returns/index.html", site / "en/returns/index.html")
    found = look(out, site, published)
    assert all(found.is_whole(group) for group in ("en", "uk", ROOT))


def edit(file: Path) -> None:
    file.write_text("edited by hand")


def exchange(file: Path) -> None:
    file.unlink()
    file.write_text("size")  # the same text, but another file


def make_a_folder(file: Path) -> None:
    file.unlink()
    (file / "inner").mkdir(parents=True)
    (file / "inner/index.html").write_text("x")


def make_a_link(file: Path) -> None:
    file.unlink()
    file.symlink_to("/etc/hostname")


@pytest.mark.parametrize("damage", [edit, exchange, make_a_folder, make_a_link, Path.unlink])
@pytest.mark.parametrize("address", ["uk/returns/size/index.html", "uk/feed.xml", "assets/kb.css"])
def test_what_differs_is_noticed_and_taken_away(
    site: Path, out: Path, published: Published, damage: Callable[[Path], None], address: str
) -> None:
    damage(out / address)
    found = look(out, site, published)
    assert not (out / address).exists()
    assert not (out / address).is_symlink()
    group = "uk" if "size" in address else ROOT
    assert found.missing[group] == {address.removeprefix("uk/") if group else address}
    assert found.is_whole("en")


@pytest.mark.parametrize("address", ["stray.html", "uk/stray/index.html", "uk/.hidden/x", "de/index.html"])
def test_stray_files_are_taken_away(site: Path, out: Path, published: Published, address: str) -> None:
    (out / address).parent.mkdir(parents=True, exist_ok=True)
    (out / address).write_text("x")
    look(out, site, published)
    assert tree(out) == tree(site)
    assert not [path for path in out.rglob("*") if path.is_dir() and not any(path.iterdir())]


def test_language_that_is_no_longer_made_is_taken_away(site: Path, out: Path, published: Published) -> None:
    found = look(out, site, published, ("en",))
    assert not (out / "uk").exists()
    assert found.missing[ROOT] == {"uk/feed.xml"}


def test_nothing_is_believed_without_a_record(site: Path, out: Path) -> None:
    found = placing.look(out, site, None, ("en", "uk"))
    assert not found.twin
    assert tree(out) == {}


def test_place_takes_away_what_nobody_asks_for(site: Path, out: Path, published: Published) -> None:
    place = Place(look(out, site, published).ground("uk"))
    assert place.link("returns/index.html", hashed(b"returns"))
    assert not place.link("returns/size/index.html", hashed(b"another text"))
    place.settle()
    place.write("returns/size/index.html", b"another text")
    place.tidy()
    assert tree(out / "uk") == {
        "feed.xml": b"feed",
        "returns/index.html": b"returns",
        "returns/size/index.html": b"another text",
    }
    assert not (out / "uk/delivery").exists()
    assert (site / "uk/returns/size/index.html").read_text() == "size", "a published file was written to"
    assert not place.is_unchanged


def test_former_site_follows_the_new_one(site: Path, out: Path, published: Published) -> None:
    """A page comes, one goes, one changes, and one takes the address of a redirect."""
    new = {**PAGES, "returns/size/index.html": "another", "feed.xml": "a page", "new/index.html": "new"}
    del new["delivery/cost/index.html"]
    following = site.with_name("following")
    pages = {"uk": put(following / "uk", new), "ar": put(following / "ar", PAGES)}
    now = placing.published(b"here", published, pages, put(following, {"index.html": "root 2"}), {})
    placing.follow(out, following, published, now)
    assert tree(out) == tree(following)
    assert not (out / "uk/delivery").exists()
    assert look(out, following, now, ("uk", "ar")).missing == {}


# --- whole builds ---


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    shop = help_centre(tmp_path_factory.mktemp("placing") / "shop")
    build_at(shop.root)
    return shop


def replace_a_page(shop: Shop) -> None:
    page = shop.site / "en/returns/label/index.html"
    page.unlink()
    page.write_text("replaced")


def edit_a_page(shop: Shop) -> None:
    (shop.site / "uk/returns/label/index.html").write_text("edited")


def add_strays(shop: Shop) -> None:
    for address in ("stray.html", "en/stray/index.html"):
        (shop.site / address).parent.mkdir(exist_ok=True)
        (shop.site / address).write_text("stray")


def lose_the_site(shop: Shop) -> None:
    shutil.rmtree(shop.site)


def lose_the_cache(shop: Shop) -> None:
    shutil.rmtree(shop.root / ".kb")


def lose_the_twin(shop: Shop) -> None:
    shutil.rmtree(twin_of(shop.site))


def kill_a_build(shop: Shop) -> None:
    """It had begun to work on the twin."""
    former = twin_of(shop.site)
    (former / "en/index.html").unlink()
    former.rename(former.with_name("site-0123abcd"))


def build_one_language(shop: Shop) -> None:
    steps.build(config.load(shop.root, {}), today=TODAY, workers=1, languages=["uk"])


def build_elsewhere(shop: Shop) -> None:
    elsewhere = replace(config.load(shop.root, {}), output="elsewhere")
    steps.build(elsewhere, today=TODAY, workers=1)
    assert_same(tree(shop.root / "elsewhere"), tree(shop.site))


def do_nothing(shop: Shop) -> None:
    """As usual."""


@pytest.mark.parametrize(
    "disturb",
    [
        do_nothing,
        replace_a_page,
        edit_a_page,
        add_strays,
        lose_the_site,
        lose_the_twin,
        kill_a_build,
        build_one_language,
        build_elsewhere,
        lose_the_cache,
    ],
)
def test_two_builds_after_whatever_happened_are_as_clean_ones(
    built: Shop, disturb: Callable[[Shop], None]
) -> None:
    disturb(built)
    for text in ("One.", "Two."):
        built.article("uk/returns/size", f"{text} {disturb.__name__}", title="Розмір")
        build_at(built.root)
    clean = twin(built.root)
    build_at(clean)
    assert_same(tree(built.site), tree(clean / "site"))
    assert_same(tree(twin_of(built.site)), tree(built.site))


def test_quiet_build_makes_and_links_nothing(built: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    build_at(built.root)
    monkeypatch.setattr(os, "link", lambda source, target: pytest.fail(f"{target} was linked"))
    monkeypatch.setattr(
        placing.Place, "_linked", lambda self, file, signature: pytest.fail(f"{file} was linked")
    )
    monkeypatch.setattr(steps.making, "link_or_copy", shutil.copyfile)  # the index on disk
    before = tree(built.site)
    assert build_at(built.root).made == ()
    assert tree(built.site) == before
