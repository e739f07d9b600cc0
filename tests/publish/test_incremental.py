"""What an incremental build must be: the same site as a clean one, byte for byte, after any sequence of edits."""

import os
import shutil
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from kb import build, config
from kb.build import Report
from kb.errors import ContentError
from tests.publish.shop import TODAY, Shop

SEQUENCES = int(os.environ.get("KB_LAW_SEQUENCES", "25"))
"""Sequences of edits; ``make bench`` runs the law with 200."""
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
    shutil.copytree(root, copy, ignore=shutil.ignore_patterns("site", ".kb", ".*.kb-build"))
    return copy


def build_at(root: Path, *, clean: bool = False) -> Report:
    return build.build(config.load(root, {}), today=TODAY, workers=1, clean=clean)


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
