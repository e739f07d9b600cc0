"""What an incremental build must be: the same site as a clean one, byte for byte, after any sequence of edits."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from kb import config
from kb.build import making, steps
from kb.build.steps import Report
from kb.errors import ContentError
from tests.publish.shop import TODAY, Shop

SEQUENCES = int(os.environ.get("KB_LAW_SEQUENCES", "8"))
"""Sequences of edits; ``KB_LAW_SEQUENCES=200 pytest tests/build/test_incremental.py`` runs the law at length."""
EDITS = 6
SLUGS = ("size", "refund", "label", "pickup")
CATEGORIES = ("returns", "delivery", "paying")
TITLES = ("Exchange a size", "Refunds", "Print a label", "Collect it", "Delivery & <costs>")
BODIES = (
    "Send it back within 14 days.",
    "See [the label](../returns/label.md#print) and [refunds](../delivery/refund.md).\n\n## Print { #print }\n\nOnce.",
    "!!! note\n    Keep the box.\n\n## Twice\n\n## Twice\n\nText[^1].\n\n[^1]: A note.",
    "*[HTML]: Language\n\nHTML is `code`.\n\n- [ ] open\n- [x] done",
    '--8<-- "_snippets/terms.md"\n\nAfter.',
    "![A parcel](box.svg)\n\n| a | b |\n|---|:-:|\n| 1 | 2 |",
)
SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="{0}" height="1"><path d="M0 0"/></svg>'


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below ``folder``, by address."""
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()
    }


def assert_same(one: dict[str, bytes], other: dict[str, bytes]) -> None:
    assert sorted(one) == sorted(other)
    differing = [address for address in one if one[address] != other[address]]
    assert not differing, f"{differing[0]} differs from a clean build, and {len(differing) - 1} more"


def twin(root: Path) -> Path:
    """A copy of the content without anything an earlier build left."""
    copy = root.with_name(f"{root.name}-clean")
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(root, copy, ignore=shutil.ignore_patterns("site", "elsewhere", ".kb", ".*.kb-build"))
    return copy


def twin_of(site: Path) -> Path:
    """Where the former site waits to become the next one."""
    return site.with_name(f".{site.name}.kb-build") / "twin"


def build_at(root: Path, *, clean: bool = False) -> Report:
    return steps.build(config.load(root, {}), today=TODAY, workers=1, clean=clean)


class Editing(RuleBasedStateMachine):
    """People edit a help centre; after each edit the incremental site is compared with a clean one."""

    places = st.tuples(st.sampled_from(CATEGORIES), st.sampled_from(SLUGS))
    languages = st.sampled_from(("en", "uk", "ar"))
    folder: Path

    @initialize()
    def begin(self) -> None:
        root = self.folder / "shop"
        for each in (root, root.with_name("shop-clean")):
            shutil.rmtree(each, ignore_errors=True)
        self.shop = Shop(root, ("en", "uk"))
        self.shop.write("articles/_snippets/terms.md", "Terms of 2026.\n")
        for category in CATEGORIES[:2]:
            self.shop.article(f"en/{category}/index", title=category.title())
            self.shop.write(f"articles/en/{category}/box.svg", SVG.format(1))
            for slug in SLUGS[:2]:
                self.shop.article(f"en/{category}/{slug}", BODIES[0], title=f"{slug} {category}")
        self.edited = True

    @rule(place=places, language=languages, body=st.sampled_from(BODIES), title=st.sampled_from(TITLES))
    def write(self, place: tuple[str, str], language: str, body: str, title: str) -> None:
        self.shop.article(
            f"{language}/{'/'.join(place)}", body, title=repr(title), description=repr(title[:7])
        )

    @rule(place=places, title=st.sampled_from(TITLES))
    def retitle(self, place: tuple[str, str], title: str) -> None:
        file = self.article(place)
        if file.is_file():
            head, _, rest = file.read_text("utf-8").partition("\n---\n")
            lines = [f"title: {title!r}" if line.startswith("title:") else line for line in head.split("\n")]
            file.write_text("\n".join(lines) + "\n---\n" + rest, "utf-8")

    @rule(place=places, body=st.sampled_from(BODIES))
    def rewrite(self, place: tuple[str, str], body: str) -> None:
        file = self.article(place)
        if file.is_file():
            head = file.read_text("utf-8").partition("\n---\n")[0]
            file.write_text(f"{head}\n---\n{body}\n", "utf-8")

    @rule(place=places, language=languages)
    def delete(self, place: tuple[str, str], language: str) -> None:
        self.article(place, language).unlink(missing_ok=True)

    @rule(place=places, to=places)
    def rename(self, place: tuple[str, str], to: tuple[str, str]) -> None:
        old, new = self.article(place), self.article(to)
        if old.is_file() and not new.exists():
            new.parent.mkdir(exist_ok=True)
            old.rename(new)

    @rule(old=st.sampled_from(CATEGORIES), new=st.sampled_from(CATEGORIES))
    def move_category(self, old: str, new: str) -> None:
        source, target = (self.shop.root / "articles/en" / name for name in (old, new))
        if source.is_dir() and not target.exists():
            source.rename(target)

    @rule(category=st.sampled_from(CATEGORIES), order=st.integers(1, 3), language=languages)
    def name_category(self, category: str, order: int, language: str) -> None:
        self.shop.article(f"{language}/{category}/index", "", title=f"{category} {order}", order=order)

    @rule(text=st.sampled_from(("Ask us", "Write to <us>")))
    def change_theme_string(self, text: str) -> None:
        self.shop.write("mkdocs.yml", self.shop.mkdocs("theme: {name: material, custom_dir: look}"))
        self.shop.write("look/strings/en.yml", f"contact: {text!r}\n")

    @rule(name=st.sampled_from(("Oselya", "Dim & Sad")))
    def change_settings(self, name: str) -> None:
        self.shop.site_name = name
        self.shop.write("mkdocs.yml", self.shop.mkdocs("theme: {name: material}"))

    @rule(languages=st.sampled_from((("en", "uk"), ("en", "uk", "ar"), ("uk", "en"))))
    def set_languages(self, languages: tuple[str, ...]) -> None:
        tags = ", ".join(f'"{language}"' for language in languages)
        self.shop.write("pyproject.toml", f"[tool.kb]\nlanguages = [{tags}]\n")

    @rule(
        place=places,
        text=st.sampled_from(("Надішліть назад.", "Поверніть за 14 днів.", "")),
        fuzzy=st.booleans(),
    )
    def translate(self, place: tuple[str, str], text: str, fuzzy: bool) -> None:
        source = "Send it back within 14 days."
        head = 'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=UTF-8\\n"\n"X-Source: en\\n"\n'
        mark = "#, fuzzy\n" if fuzzy else ""
        entry = f'#. paragraph\n{mark}msgid "{source}"\nmsgstr "{text}"\n'
        self.shop.write(f"articles/uk/{'/'.join(place)}.po", f"{head}\n{entry}\n")

    @rule(words=st.sampled_from(("- [refund, money back]\n", "- [parcel, box, package]\n", "[]\n")))
    def edit_synonyms(self, words: str) -> None:
        self.shop.write("search/en/synonyms.yml", words)

    @rule(text=st.sampled_from(("Terms of 2027.\n", "Terms of [2026](x.md).\n")))
    def edit_snippet(self, text: str) -> None:
        self.shop.write("articles/_snippets/terms.md", text)

    @rule(width=st.integers(1, 3), category=st.sampled_from(CATEGORIES))
    def redraw(self, width: int, category: str) -> None:
        self.shop.write(f"articles/en/{category}/box.svg", SVG.format(width))

    @rule()
    def hide_and_show(self) -> None:
        file = self.article(("returns", "size"))
        if file.is_file():
            text = file.read_text("utf-8")
            hidden = text.replace("---\n", "---\ndraft: true\n", 1)
            file.write_text(text.replace("draft: true\n", "") if "draft: true" in text else hidden, "utf-8")

    @rule()
    def lose_the_site(self) -> None:
        shutil.rmtree(self.shop.site, ignore_errors=True)

    @invariant()
    def incremental_equals_clean(self) -> None:
        if not hasattr(self, "shop"):
            return
        before = tree(self.shop.site) if self.shop.site.exists() else {}
        clean = twin(self.shop.root)
        expected, problems = outcome(clean)
        found, same_problems = outcome(self.shop.root)
        assert same_problems == problems
        assert_same(found if expected else tree_or_nothing(self.shop.site), expected or before)

    def article(self, place: tuple[str, str], language: str = "en") -> Path:
        return self.shop.root / "articles" / language / f"{'/'.join(place)}.md"


def outcome(root: Path) -> tuple[dict[str, bytes], list[str]]:
    """The site that a build leaves and what it reports; no site where it refuses."""
    try:
        report = build_at(root)
    except ContentError as error:
        return {}, sorted({str(p) for p in error.problems})
    return tree(root / "site"), [str(p) for p in report.problems]


def tree_or_nothing(folder: Path) -> dict[str, bytes]:
    return tree(folder) if folder.exists() else {}


def test_any_sequence_of_edits_gives_the_site_of_a_clean_build(tmp_path: Path) -> None:
    machine = type("Editing", (Editing,), {"folder": tmp_path})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=SEQUENCES,
            stateful_step_count=EDITS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            derandomize=True,
        ),
    )


def help_centre(root: Path) -> Shop:
    """Three languages, two categories, a translation, a snippet and a picture."""
    shop = Shop(root, ("en", "uk", "ar"))
    shop.write("articles/_snippets/terms.md", "Terms of 2026.\n")
    for category in CATEGORIES[:2]:
        shop.article(f"en/{category}/index", title=category.title())
        shop.write(f"articles/en/{category}/box.svg", SVG.format(1))
        for slug, body in zip(SLUGS, (BODIES[0], BODIES[2], BODIES[3], BODIES[5]), strict=True):
            shop.article(f"en/{category}/{slug}", body, title=f"{slug} {category}")
    shop.article("uk/returns/size", BODIES[2], title="Розмір")
    return shop


@pytest.fixture
def centre(tmp_path: Path) -> Shop:
    shop = help_centre(tmp_path / "shop")
    build_at(shop.root)
    return shop


def made(report: Report) -> list[str]:
    return [page.address for page in report.made]


def test_nothing_is_made_when_nothing_changed(centre: Shop) -> None:
    before = tree(centre.site)
    assert made(build_at(centre.root)) == []
    assert tree(centre.site) == before


def test_new_text_touches_its_own_page_and_those_that_show_it(centre: Shop) -> None:
    centre.article("en/returns/refund", "Quite new.", title="refund returns")
    # Ukrainian and Arabic readers see it as a fallback.
    assert made(build_at(centre.root)) == [f"{language}/returns/refund/" for language in ("en", "uk", "ar")]


def test_translated_text_touches_one_language(centre: Shop) -> None:
    centre.article("uk/returns/size", "Нове.", title="Розмір")
    assert made(build_at(centre.root)) == ["uk/returns/size/"]


def test_new_title_touches_its_section_and_no_other(centre: Shop) -> None:
    centre.article("uk/returns/size", BODIES[2], title="Інший розмір")
    addresses = made(build_at(centre.root))
    assert addresses
    assert all(address.startswith("uk/returns/") for address in addresses)


def test_each_page_that_is_made_says_why(centre: Shop) -> None:
    centre.article("en/returns/refund", "Quite new.", title="refund returns")
    assert {page.reasons for page in build_at(centre.root).made} == {("its text changed",)}


def test_removed_article_loses_its_page_in_every_language(centre: Shop) -> None:
    (centre.root / "articles/en/returns/pickup.md").unlink()
    build_at(centre.root)
    assert not [name for name in centre.files() if "returns/pickup" in name]


def test_cache_may_be_deleted(centre: Shop) -> None:
    before = tree(centre.site)
    shutil.rmtree(centre.root / ".kb")
    build_at(centre.root)
    assert tree(centre.site) == before


def test_cache_carried_to_another_place_is_used(centre: Shop, tmp_path: Path) -> None:
    elsewhere = tmp_path / "far" / "away"
    shutil.copytree(centre.root, elsewhere, ignore=shutil.ignore_patterns("site"))
    report = build_at(elsewhere)
    assert made(report) == []
    assert tree(elsewhere / "site") == tree(centre.site)


def test_no_path_of_the_machine_is_in_the_cache(centre: Shop) -> None:
    place = str(centre.root).encode()
    assert not [file.name for file in cache_files(centre.root) if place in file.read_bytes()]


@pytest.mark.parametrize("kind", ["pages-", "html-", "body-", "folder-", "root", "facts-", "identity"])
def test_damaged_cache_is_made_anew_and_reported(centre: Shop, kind: str) -> None:
    before = tree(centre.site)
    for folder in (centre.site, twin_of(centre.site)):
        shutil.rmtree(folder)
    for file in cache_files(centre.root):
        if file.name.startswith(kind):
            data = bytearray(file.read_bytes())
            data[len(data) // 2] ^= 0xFF
            file.write_bytes(data)
    centre.article("en/returns/size", "Another text.", title="size returns")
    report = build_at(centre.root)
    if kind not in ("body-",):
        assert "cache-damaged" in {problem.code for problem in report.problems}
    clean = twin(centre.root)
    build_at(clean)
    assert_same(tree(centre.site), tree(clean / "site"))
    assert sorted(before) != []


def test_packs_lose_what_nobody_asks_for(centre: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(making, "_WASTE_BYTES", -1_000_000_000)

    def packs() -> set[str]:
        return {
            file.name for file in cache_files(centre.root) if file.name.startswith(("html-en", "body-en"))
        }

    before = packs()
    centre.article("en/returns/refund", "Quite new.", title="refund returns")
    build_at(centre.root)
    assert not before & packs()
    shutil.rmtree(centre.site)
    assert made(build_at(centre.root)) == [], "each entry is found where it lies now"
    clean = twin(centre.root)
    build_at(clean)
    assert_same(tree(centre.site), tree(clean / "site"))


def test_published_file_changed_by_hand_is_put_right(centre: Shop) -> None:
    page = centre.site / "en/returns/size/index.html"
    before = page.read_bytes()
    page.write_bytes(b"<p>edited</p>")
    build_at(centre.root)
    assert page.read_bytes() == before


def test_two_builds_are_identical_on_two_paths_and_two_days(tmp_path: Path) -> None:
    sites = []
    for name, today in (("one", TODAY), ("another/place", date(2027, 1, 3))):
        shop = help_centre(tmp_path / name)
        steps.build(config.load(shop.root, {}), today=today, workers=1 if name == "one" else 2)
        sites.append(tree(shop.site))
    assert_same(*sites)


CIRCUMSTANCES = (
    {"PYTHONHASHSEED": "1", "LC_ALL": "C", "TZ": "UTC", "umask": "022", "workers": "1"},
    {
        "PYTHONHASHSEED": "77",
        "LC_ALL": "tr_TR.UTF-8",
        "TZ": "Pacific/Kiritimati",
        "umask": "077",
        "workers": "3",
    },
)
"""A locale that is not installed behaves as C; where Turkish is, it is the one whose letters differ in case."""


def test_two_builds_are_identical_whatever_the_machine_is_set_to(tmp_path: Path) -> None:
    sites = []
    for number, each in enumerate(CIRCUMSTANCES):
        first = help_centre(tmp_path / f"first-{number}").root
        with (first / "pyproject.toml").open("a", encoding="utf-8") as settings_file:
            settings_file.write("[tool.kb.search]\nvectors = false\n")
        root = tmp_path / f"shop-{number}"
        # The files come into being in another order, and so lie in their folders in another.
        for file in sorted((p for p in first.rglob("*") if p.is_file()), reverse=bool(number)):
            target = root / file.relative_to(first)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target)
        command = [sys.executable, "-m", "kb", "--root", str(root), "build", "-j", each["workers"]]
        subprocess.run(
            command,
            env={**os.environ, **each, "SOURCE_DATE_EPOCH": "1795219200"},
            umask=int(each["umask"], 8),
            capture_output=True,
            check=True,
        )
        sites.append(tree(root / "site"))
    assert_same(*sites)


def test_hook_that_counts_pages_is_asked_again_for_all(centre: Shop) -> None:
    begin = "seen = []\ndef on_pre_build(**_):\n    seen.clear()\n"
    count = "def on_page_content(html, **_):\n    seen.append(1)\n    return html + str(len(seen))\n"
    centre.write("hooks.py", begin + count)
    mkdocs = (centre.root / "mkdocs.yml").read_text("utf-8")
    centre.write("mkdocs.yml", f"{mkdocs}\nhooks:\n  - hooks.py\n")
    build_at(centre.root)
    centre.article("en/returns/refund", "Quite new.", title="refund returns")
    build_at(centre.root)
    clean = twin(centre.root)
    build_at(clean)
    assert_same(tree(centre.site), tree(clean / "site"))


def test_own_template_may_show_anything(centre: Shop) -> None:
    centre.write(
        "look/kb/contactcard.html",
        "<p>{% for a in kb.plan.edition.articles %}{{ a.title }}{{ a.body | length }} {% endfor %}</p>",
    )
    mkdocs = centre.mkdocs("theme: {name: material, custom_dir: look}")
    centre.write("mkdocs.yml", mkdocs)
    build_at(centre.root)
    centre.article("en/delivery/refund", "Quite new.", title="refund delivery")
    build_at(centre.root)
    clean = twin(centre.root)
    build_at(clean)
    assert_same(tree(centre.site), tree(clean / "site"))


KILLS = 40


def test_build_killed_at_any_moment_leaves_the_site_whole(centre: Shop) -> None:
    """40 incremental builds are killed, each a little later than the one before."""
    day = f"date({TODAY.year}, {TODAY.month}, {TODAY.day})"
    code = (
        "import sys\nfrom datetime import date\nfrom pathlib import Path\nfrom kb import config\n"
        "from kb.build import steps\n"
        "import kb.publish.site\nprint('begin', flush=True)\n"
        f"steps.build(config.load(Path({str(centre.root)!r}), {{}}), today={day}, workers=1)\n"
    )
    whole = [tree(centre.site)]
    for n in range(KILLS):
        centre.article("en/returns/refund", f"Version {n}.", title=f"refund {n // 4}")
        process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(0.025 * n)
        process.send_signal(signal.SIGKILL)
        process.wait()
        left = tree(centre.site)
        if left not in whole:
            clean = twin(centre.root)
            build_at(clean)
            assert_same(left, tree(clean / "site"))
            whole = [left]
    build_at(centre.root)
    clean = twin(centre.root)
    build_at(clean)
    assert_same(tree(centre.site), tree(clean / "site"))


def cache_files(root: Path) -> Iterator[Path]:
    yield from sorted(path for path in (root / ".kb/cache").rglob("*") if path.suffix in {".record", ".pack"})
