"""What a build costs, beside plain MkDocs with Material and mkdocs-static-i18n, and beside Zensical.

    python -m bench.build                       the whole table: ten languages by a thousand articles
    python -m bench.build --articles 100        smaller; the others are measured at 50 articles at most, and scaled up

The others get an environment of their own, in the user's cache folder; where it cannot be made (no network), their
column stays empty. User CPU seconds of the command and its children, the smallest of several runs where a run is short;
peak memory is that of the largest process, and of all processes together.
"""

import argparse
import compileall
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

import yaml

import kb
from bench import corpus, measure
from bench.measure import Usage

LANGUAGES = ["en", "uk", "ru", "ar", "pt", "es", "fr", "de", "pl", "he"]
ROUNDS = 5
OTHERS_LIMIT = 50
"""Articles a language at which the others are measured: at a thousand they take ten minutes each."""
OTHERS = ["mkdocs==1.6.1", "mkdocs-material==9.8.1", "mkdocs-static-i18n==1.3.0", "zensical"]
MKDOCS_DOES = "pages, switcher, one search index of words for the browser"
ZENSICAL_DOES = "pages and search index of a single language; no translations, which it does not know"
OURS_DOES = (
    "pages, switcher, fallbacks; two search indexes a language; sanitiser, policy, feeds, sitemap, "
    "JSON-LD; checks of links and texts; atomic release"
)


def main(argv: Sequence[str] = ()) -> None:
    parser = argparse.ArgumentParser(description="What a build costs.")
    parser.add_argument("--articles", type=int, default=1000)
    parser.add_argument("--languages", type=int, default=len(LANGUAGES))
    parser.add_argument("--without-others", action="store_true")
    args = parser.parse_args(argv)
    languages = LANGUAGES[: args.languages]
    # As an installed package is: where Python may not write what it compiled, each command would compile all of it.
    compileall.compile_dir(Path(kb.__file__).parent, quiet=1)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "shop"
        corpus.write(root, articles=args.articles, languages=languages)
        rows = ours(root, languages)
        measure.table(
            f"Building {len(languages)} languages by {args.articles:,} articles",
            ["measure", "user CPU", "largest process", "together", "pages made", "demanded at 10 by 1,000"],
            rows,
        )
        growth(Path(folder), languages[0], args.articles)
        if not args.without_others:
            others(Path(folder), languages, args.articles)


def ours(root: Path, languages: list[str]) -> list[list[str]]:
    """Each edit on top of the one before. Short builds are made several times: what else the machine does makes a
    command slower and never faster, so the smallest is what the build takes; the median shows how far to trust it."""
    first, last = languages[0], languages[-1]
    names = ("topic-000", "renamed")
    rename = [Step(root, partial(rename_category, root, languages, *order)) for order in (names, names[::-1])]
    rows = [measured("clean build", ["--clean"], [Step(root)], "≤ 80 s, ≤ 250 MB, ≤ 450 MB")]
    numbers = range(30, 30 + ROUNDS)
    come, go = partial(add_article, root, first), partial(remove_article, root, first)
    body = [Step(root, partial(add_words, root, last, number)) for number in numbers]
    every = [Step(root, partial(in_all, root, languages, number)) for number in numbers]
    title = [Step(root, partial(retitle, root, last, number)) for number in numbers]
    rows += [
        measured("nothing changed", [], [Step(root)] * ROUNDS, "≤ 4 s"),
        measured("body of one article, one language", [], body, "≤ 0.9 s"),
        measured("the same in all languages", [], every, "≤ 5 s"),
        measured("title of one article", [], title, "≤ 2 s"),
        measured("a new article", [], [Step(root, come, go)] * ROUNDS, "≤ 2 s"),
    ]
    come()
    build(root)
    rows += [
        measured("a removed one", [], [Step(root, go, come)] * ROUNDS, "≤ 2 s"),
        measured("a renamed category", [], rename, "≤ 10 s"),
    ]
    return rows


@dataclass(frozen=True)
class Step:
    """An edit of the content folder ``root``, and one that takes it back for the next time."""

    root: Path
    edit: Callable[[], object] = lambda: None
    back: Callable[[], object] | None = None


def measured(name: str, options: list[str], steps: Sequence[Step], demanded: str) -> list[str]:
    """A row of the table."""
    uses: list[Usage] = []
    made = 0
    for step in steps:
        step.edit()
        used, made = build(step.root, *options)
        uses.append(used)
        if step.back:
            step.back()
            build(step.root)
    seconds = [used.user_seconds for used in uses]
    user = f"{min(seconds):.2f} s"
    if len(steps) > 1:
        user += f" (median {median(seconds):.2f})"
    peak, together = (
        max(values) for values in zip(*((u.peak_mib, u.together_mib) for u in uses), strict=True)
    )
    print(f"… {name}: {user}", file=sys.stderr, flush=True)
    return [name, user, f"{peak:.0f} MiB", f"{together:.0f} MiB", str(made), demanded]


def build(root: Path, *options: str) -> tuple[Usage, int]:
    """What a build used, and how many pages it made."""
    output = root / "report.txt"
    command = [sys.executable, "-m", "kb", "build", "--explain", *options]
    used = measure.run(["sh", "-c", '"$@" >"$0"', str(output), *command], cwd=root)
    made = len(output.read_text("utf-8").splitlines())
    output.unlink()
    return used, made


def in_all(root: Path, languages: list[str], number: int) -> None:
    for language in languages:
        add_words(root, language, number)


def article(root: Path, language: str, number: int) -> Path:
    files = sorted(p for p in (root / "articles" / language).rglob("*.md") if p.name != "index.md")
    return files[number % len(files)]


def add_words(root: Path, language: str, number: int) -> None:
    file = article(root, language, number)
    file.write_text(f"{file.read_text('utf-8')}\nOne more sentence.\n", "utf-8")


def retitle(root: Path, language: str, number: int) -> None:
    file = article(root, language, number)
    file.write_text(file.read_text("utf-8").replace("title: ", "title: New ", 1), "utf-8")


def add_article(root: Path, language: str) -> None:
    old = article(root, language, 3)
    old.with_name("answer-new.md").write_text(
        old.read_text("utf-8").replace("title: ", "title: Newest ", 1), "utf-8"
    )


def remove_article(root: Path, language: str) -> None:
    next((root / "articles" / language).rglob("answer-new.md")).unlink()


def rename_category(root: Path, languages: list[str], old: str, new: str) -> None:
    for language in languages:
        folder = root / "articles" / language
        folder.joinpath(old).rename(folder / new)
        for file in folder.rglob("*.md"):
            text = file.read_text("utf-8")
            if f"{old}/" in text:
                file.write_text(text.replace(f"{old}/", f"{new}/"), "utf-8")


def growth(folder: Path, language: str, articles: int) -> None:
    """What a page costs in a site of one language, and in one ten times as large."""
    sizes = articles, articles * 10
    roots = [folder / f"growth-{size}" for size in sizes]
    for root, size in zip(roots, sizes, strict=True):
        corpus.write(root, articles=size, languages=[language])
        build(root, "-j", "1")
    # By turns, so that a machine that is slower for a while is so for both.
    runs = [[build(root, "--clean", "-j", "1") for root in roots] for _ in range(2)]
    small, large = (
        min(1000 * used.user_seconds / made for used, made in of_size) for of_size in zip(*runs, strict=True)
    )
    for root in roots:
        shutil.rmtree(root)
    print(
        f"\nCost per page, one language: {small:.2f} ms at {articles:,} articles, {large:.2f} ms at "
        f"{articles * 10:,}: {large / small:.2f} times (demanded: ≤ 1.1)"
    )


# --- the others ---


def others(folder: Path, languages: list[str], articles: int) -> None:
    """The same articles in plain MkDocs and in Zensical, at a size they can bear."""
    tools = environment()
    if tools is None:
        print("\nmkdocs-static-i18n and Zensical: not measured, their packages could not be installed")
        return
    size = min(articles, OTHERS_LIMIT)
    source = folder / "source"
    corpus.write(source, articles=size, languages=languages)
    rows = []
    for name, command, config, what in (
        ("mkdocs + Material + static-i18n", ["mkdocs", "build", "--quiet"], i18n(languages), MKDOCS_DOES),
        ("Zensical, one language", ["zensical", "build"], plain(), ZENSICAL_DOES),
    ):
        root = folder / name.split()[0].lower()
        lay_out(source, root, languages if "i18n" in name else languages[:1], config)
        try:
            used = measure.run([str(tools / command[0]), *command[1:]], cwd=root)
        except SystemExit as failed:
            rows.append([name, f"failed: {str(failed)[:60]}", "", "", "", ""])
            continue
        rows.append(row(name, root / "site", used, what))
    own = folder / "own"
    shutil.copytree(source, own)
    used, _ = build(own, "--clean")
    rows.append(row("BabelFAQ", own / "site", used, OURS_DOES))
    measure.table(
        f"Clean build of {len(languages)} languages by {size} articles, in the same run",
        ["tool", "pages", "user CPU", "per page", "largest process", "what it does"],
        rows,
    )
    print(
        "\nThe others' cost per page grows with the articles of a language, since each page lists all of them: at few "
        "articles they are cheaper, since they do less. Word vectors are off."
    )


def row(name: str, site: Path, used: Usage, what: str) -> list[str]:
    """``pages`` are those that are there, not those that were to be made."""
    pages = sum(1 for _ in site.rglob("*.html"))
    if not pages:
        return [name, "failed: no page was made", "", "", "", ""]
    each = f"{1000 * used.user_seconds / pages:.1f} ms"
    return [name, str(pages), f"{used.user_seconds:.1f} s", each, f"{used.peak_mib:.0f} MiB", what]


def environment() -> Path | None:
    """The folder of programs of an environment with the other tools; made once."""
    base = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "babelfaq-bench"
    programs = base / ("Scripts" if os.name == "nt" else "bin")
    if (base / "complete").exists():
        return programs
    shutil.rmtree(base, ignore_errors=True)
    try:
        subprocess.run([sys.executable, "-m", "venv", str(base)], check=True, capture_output=True)
        subprocess.run(
            [str(programs / "pip"), "install", "--quiet", *OTHERS], check=True, capture_output=True
        )
    except subprocess.CalledProcessError:
        return None
    (base / "complete").touch()
    return programs


def plain() -> dict[str, object]:
    return {
        "site_name": "Bench",
        "theme": {"name": "material"},
        "markdown_extensions": ["admonition", "tables"],
    }


def i18n(languages: list[str]) -> dict[str, object]:
    listed = [
        {"locale": each, "name": each, "default": each == languages[0], "build": True} for each in languages
    ]
    plugin = {"i18n": {"docs_structure": "folder", "languages": listed}}
    return {**plain(), "plugins": ["search", plugin]}


def lay_out(source: Path, root: Path, languages: list[str], config: dict[str, object]) -> None:
    """The articles where the tool looks for them."""
    docs = root / "docs"
    for language in languages:
        target = docs / language if len(languages) > 1 else docs
        shutil.copytree(source / "articles" / language, target)
    (root / "mkdocs.yml").write_text(yaml.safe_dump(config), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
