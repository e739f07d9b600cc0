"""``kb init``, ``kb new`` and ``kb import``: how articles begin."""

import argparse
import dataclasses
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from kb import config as configuration
from kb.cli.console import Console, interactive
from kb.content import reader, starter
from kb.content.names import NotAnIdError, as_id
from kb.errors import ConfigError, KbError, did_you_mean


def add(commands: Any) -> None:
    """Declare the commands of this module."""
    _add_init(commands)
    _add_new(commands)
    _add_import(commands)


def _add_init(commands: Any) -> None:
    init = commands.add_parser(
        "init",
        help="begin a new help centre",
        description="Write a content folder that builds at once: example articles, settings, an editor's README.",
        epilog="On a terminal, what is not given is asked for.",
    )
    init.add_argument("dir", type=Path, metavar="DIR", help="an empty or new folder")
    init.add_argument(
        "--languages", metavar="L,L", help="codes separated by commas, the main one first (default: en)"
    )
    init.add_argument("--name", help="name of the shop (default: made of the folder's name)")
    init.set_defaults(run=run_init)


def _add_new(commands: Any) -> None:
    new = commands.add_parser(
        "new",
        help="begin a new article",
        description="Write the skeleton of an article, its front matter explained. It is a draft until you say so.",
        epilog="For an id that exists in another language, the skeleton holds that text, to be translated. "
        "CATEGORY/index is the page of the category itself: its title, description and icon.",
    )
    new.add_argument("id", metavar="ID", help="category and name: returns/exchange-size")
    new.add_argument("--lang", "-l", metavar="L", help="language (default: the first one configured)")
    new.add_argument("--title", help="the heading (default: made of the id)")
    new.set_defaults(run=run_new)


def _add_import(commands: Any) -> None:
    imported = commands.add_parser(
        "import",
        help="bring in existing help pages",
        description="Bring a folder of Markdown or Jekyll pages into a content folder. Nothing there is overwritten.",
        epilog="What could not be carried over is reported line by line, kept in comments, and makes the exit code 1.",
    )
    imported.add_argument("src", type=Path, metavar="SRC", help="the folder of pages")
    imported.add_argument(
        "dir", type=Path, metavar="DIR", help="the content folder; made when it does not exist"
    )
    imported.add_argument(
        "--from", dest="kind", choices=("markdown", "jekyll"), required=True, help="what made the pages"
    )
    imported.add_argument(
        "--lang", "-l", metavar="L", help="language of the pages (default: the first one configured)"
    )
    imported.add_argument(
        "--categories",
        choices=("auto", "folders", "front-matter"),
        default="auto",
        help="where categories come from (default: front matter where most pages name one, else folders)",
    )
    imported.add_argument("--media", type=Path, metavar="DIR", help="where images lie, when not in SRC")
    imported.add_argument(
        "--old-site",
        metavar="URL",
        default="",
        help="old address of the pages: links to what was not imported go there",
    )
    imported.add_argument(
        "--format", choices=("text", "json"), default="text", help="how to report (default: text)"
    )
    imported.set_defaults(run=run_import)


# ---------------------------------------------------------------- init and new


def run_init(args: argparse.Namespace, console: Console) -> int:
    _refuse_occupied(args.dir)
    name, languages = args.name, args.languages
    if interactive():
        languages = languages or _ask(console, "Languages, the main one first", "en")
        name = name or _ask(console, "Name of the shop", _shop_name(args.dir))
    codes = [code for code in (languages or "en").replace(",", " ").split() if code]
    files = starter.folder(name or _shop_name(args.dir), codes)
    _write(args.dir, files)
    console.note(f"{console.paint('made', 'good')} {args.dir}: {len(files)} files in {', '.join(codes)}")
    missing = [code for code in codes if not starter.speaks(code)]
    if missing:
        console.note(
            f"there are no example articles in {', '.join(missing)}: readers see the others' text instead"
        )
    console.note(f"next: cd {args.dir} && kb serve")
    return 0


def _refuse_occupied(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"{folder} is a file")
    # A fresh clone of an empty repository is empty enough.
    if folder.is_dir() and any(entry.name != ".git" for entry in folder.iterdir()):
        raise ConfigError(f"{folder} is not empty", hint="name a new folder")


def _shop_name(folder: Path) -> str:
    return starter.title_of(folder.resolve().name) or "My shop"


def _ask(console: Console, question: str, default: str) -> str:
    console.err.write(f"{question} [{default}]: ")
    console.err.flush()
    return sys.stdin.readline().strip() or default


def _write(folder: Path, files: Mapping[str, str | bytes]) -> None:
    """Write new files; one that exists is an error, since it would be lost."""
    for path, content in files.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        data = content.encode() if isinstance(content, str) else content
        try:
            with open(file, "xb") as opened:
                opened.write(data)
        except FileExistsError:
            raise KbError(
                f"{file} exists already; it was left as it is", hint="choose another name, or edit that file"
            ) from None


def run_new(args: argparse.Namespace, console: Console) -> int:
    config = _config(args)
    language = _language(args.lang, config)
    try:
        id = as_id(args.id, config.languages)
    except NotAnIdError as error:
        raise ConfigError(f"'{args.id}' {error}", hint="for example: returns/exchange-size") from None
    starter.check_id(id)
    catalog, _ = reader.read(config.root, config.articles, config.languages)
    title = args.title or starter.title_of(id)
    text = starter.article(id, title, catalog.sources.get(id))
    path = f"{config.articles}/{language}/{id}.md"
    _write(config.root, {path: text})
    console.print(path)
    if starter.is_category(id) and id not in catalog.sources:
        console.note(
            "say what customers find in this category; its articles are listed below that by themselves"
        )
    else:
        console.note("write the answer, and delete the line 'draft: true' when 'kb serve' is to show it")
    category = f"{id.rpartition('/')[0]}/index"
    if category != "/index" and id != category and category not in catalog.sources:
        console.note(f"the category is new and needs a page of its own: kb new {category}")
    return 0


def _config(args: argparse.Namespace) -> configuration.Config:
    return configuration.load(Path(args.root), os.environ)


def _language(given: str | None, config: configuration.Config) -> str:
    if given and given not in config.languages:
        raise ConfigError(f"--lang {given}", hint=did_you_mean(given, config.languages))
    return given or config.languages[0]


# ---------------------------------------------------------------- import


def run_import(args: argparse.Namespace, console: Console) -> int:
    from kb.content import importer
    from kb.publish.pages import RESERVED

    files: dict[str, str | bytes] = {}
    if not (args.dir / "pyproject.toml").exists():
        _refuse_occupied(args.dir)
        language = args.lang or "en"
        files.update(starter.folder(_shop_name(args.dir), [language], with_articles=False))
        articles = "articles"
    else:
        config = configuration.load(args.dir, os.environ)
        language, articles = _language(args.lang, config), config.articles
    options = importer.Options(
        kind=args.kind,
        language=language,
        articles=articles,
        categories=args.categories,
        media=args.media,
        old_site=args.old_site,
        existing=frozenset(_existing(args.dir / articles / language)),
        reserved=RESERVED,
    )
    result = importer.read(args.src, options)
    files.update(result.files)
    _write(args.dir, files)
    _report_import(args, console, result)
    return 1 if any(p.severity != "info" for p in result.problems) else 0


def _existing(folder: Path) -> list[str]:
    return [file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()]


def _report_import(args: argparse.Namespace, console: Console, result: Any) -> None:
    summary = dataclasses.asdict(result.summary)
    if args.format == "json":
        problems = [msgspec.to_builtins(p) for p in result.problems]
        console.json({"version": 1, "summary": summary, "problems": problems})
        return
    console.problems(result.problems, as_result=True)
    console.note(", ".join(f"{key.replace('_', ' ')}: {value}" for key, value in summary.items()))
    console.note(f"next: kb --root {args.dir} check")
