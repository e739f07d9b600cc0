"""``kb search``, ``kb suggest`` and ``kb eval``: what the site's search box and form would answer, and how well."""

import argparse
import dataclasses
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from kb import config as configuration
from kb import resources
from kb.cli.console import Console
from kb.config import Config
from kb.content import reader as content
from kb.errors import ConfigError, did_you_mean
from kb.index import browser, evaluate, rules, writer
from kb.index.document import Answer, Suggestion
from kb.index.documents import documents_from_edition
from kb.index.evaluate import Asked, Found, Measures

_BUILT = ".kb/index"
_SHOWN = 5


def add(commands: Any) -> None:
    """Declare the commands of this module."""
    _add_asking(commands, "search", "QUERY", "what the site's search would answer", run_search)
    _add_asking(
        commands, "suggest", "TEXT", "what the form would suggest before a question is sent", run_suggest
    )
    _add_eval(commands)


def _add_asking(commands: Any, name: str, word: str, about: str, run: Any) -> None:
    parser = commands.add_parser(
        name,
        help=about,
        description=f"{about[0].upper()}{about[1:]}.",
        epilog="Asks the index of the last build; where there is none, one made of the articles for this question.",
    )
    parser.add_argument("text", nargs="+", metavar=word, help="as a customer would write it")
    parser.add_argument(
        "--lang", "-l", metavar="L", help="the reader's language (default: the configured one)"
    )
    parser.add_argument("--limit", "-n", type=_positive, metavar="N", help="at most so many articles")
    parser.add_argument("--format", choices=("text", "json"), default="text", help="default: text")
    parser.set_defaults(run=run)


def _add_eval(commands: Any) -> None:
    parser = commands.add_parser(
        "eval",
        help="measure search with questions whose answers are known",
        description="Ask every question of a tab-separated file (language, question, expected article id or nothing).",
        epilog="Without --articles, the content folder's own articles are asked.",
    )
    parser.add_argument(
        "questions", type=Path, metavar="QUESTIONS.tsv", help="for example search/en/questions.tsv"
    )
    parser.add_argument(
        "--articles", type=Path, metavar="DIR", help="another folder with <lang>/ folders of articles"
    )
    parser.add_argument("--format", choices=("text", "json"), default="text", help="default: text")
    parser.add_argument(
        "--engine",
        choices=("whoosh", "browser"),
        default="whoosh",
        help="which side to ask (default: whoosh)",
    )
    parser.add_argument("--typos", type=int, metavar="SEED", help="put typing errors into the questions")
    parser.add_argument("--without-vectors", action="store_true", help="leave the table of word vectors out")
    parser.add_argument(
        "--misses", action="store_true", help="list the questions whose article is not in the first three"
    )
    parser.set_defaults(run=run_eval)


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return value


# ---------------------------------------------------------------- search and suggest


def run_search(args: argparse.Namespace, console: Console) -> int:
    with _library(args) as (library, language):
        answer = library.search(" ".join(args.text), language, limit=args.limit or 10)
    return _show(answer, args, console)


def run_suggest(args: argparse.Namespace, console: Console) -> int:
    with _library(args) as (library, language):
        text = " ".join(args.text)
        answer = library.search(text, language, limit=args.limit or 3)
        found = library.suggest(text, language, args.limit or 3)
    return _show(msgspec.structs.replace(answer, suggestions=found), args, console)


@contextmanager
def _library(args: argparse.Namespace) -> Iterator[tuple[Any, str]]:
    from kb.index.library import Library  # Whoosh is slow to load, and other commands do without it

    config = configuration.load(Path(args.root), os.environ)
    language = args.lang or config.default_language
    if language not in config.languages:
        raise ConfigError(f"--lang {language}", hint=did_you_mean(language, config.languages))
    with tempfile.TemporaryDirectory(prefix="kb-search-") as scratch:
        folder = config.root / _BUILT
        if not any(folder.glob("*/about.json")):
            folder = Path(scratch)
            _index(config, config.root, config.articles, config.languages, folder)
        library = Library(folder)
        try:
            yield library, language
        finally:
            library.close()


def _show(answer: Answer, args: argparse.Namespace, console: Console) -> int:
    if args.format == "json":
        console.json(
            {
                "version": 1,
                "shown": answer.shown,
                "why": list(answer.why),
                "results": [msgspec.to_builtins(found) for found in answer.suggestions],
            }
        )
        return 0
    if answer.shown:
        console.note(f"showing results for: {answer.shown}")
    for found in answer.suggestions:
        _show_one(found, console)
    if not answer.suggestions:
        console.note("nothing found")
    return 0


def _show_one(found: Suggestion, console: Console) -> None:
    anchor = f"#{found.passage.anchor}" if found.passage.anchor else ""
    console.print(f"{found.score:.3f}  {console.paint(found.title, 'bold')}  {found.id}{anchor}")
    text, shown, position = found.passage.text, "", 0
    for start, end in found.passage.marks:
        shown += text[position:start] + console.paint(text[start:end], "bold")
        position = end
    if text:
        console.print(f"       {shown}{text[position:]}")


# ---------------------------------------------------------------- eval


def run_eval(args: argparse.Namespace, console: Console) -> int:
    asked = evaluate.read_questions(args.questions)
    if args.typos is not None:
        asked = tuple(dataclasses.replace(a, text=evaluate.with_typos(a.text, args.typos)) for a in asked)
    with tempfile.TemporaryDirectory(prefix="kb-eval-") as scratch:
        languages = tuple(dict.fromkeys(a.language for a in asked))
        config, root, articles, known = _content(args, languages)
        missing = [language for language in languages if language not in known]
        if missing:
            raise ConfigError(
                f"{args.questions} asks in '{missing[0]}', and there are no articles in it",
                hint=f"there are: {', '.join(known)}",
            )
        _index(config, root, articles, known, Path(scratch), vectors=not args.without_vectors)
        ask = _ask_browser if args.engine == "browser" else _ask_whoosh
        found = ask(asked, Path(scratch))
    _report(asked, found, evaluate.measure(asked, found), args, console)
    return 0


def _content(
    args: argparse.Namespace, languages: Sequence[str]
) -> tuple[Config | None, Path, str, tuple[str, ...]]:
    """Settings if there are any, the root, the articles' folder below it, and its languages."""
    if args.articles is None:
        config = configuration.load(Path(args.root), os.environ)
        return config, config.root, config.articles, config.languages
    folder = args.articles.resolve()
    if not folder.is_dir():
        raise ConfigError(f"{args.articles} is not a folder")
    if not any((folder / language).is_dir() for language in languages) and (folder / "articles").is_dir():
        folder = folder / "articles"
    there = sorted(path.name for path in folder.iterdir() if path.is_dir())
    return None, folder.parent, folder.name, tuple(there)


def _index(
    config: Config | None,
    root: Path,
    articles: str,
    languages: Sequence[str],
    folder: Path,
    *,
    vectors: bool = True,
) -> None:
    """Indexes of all languages below ``folder``: ``<lang>`` on disk, ``site/<lang>`` for the browser."""
    from kb.cli.site import today

    catalog, _ = content.read(root, articles, languages)
    catalog = catalog.public(today())
    own = [config.root / "search"] if config else []
    for language in languages:
        documents = documents_from_edition(catalog.edition(language))
        writer.write(
            writer.sources(documents),
            language=language,
            rules=rules.load(language, [resources.search_dir(), *own]),
            site_dir=folder / "site" / language,
            index_dir=folder / language,
            languages=languages,
            threshold=config.search.threshold if config else 0.0,
            vectors=_vectors_cache(config) if vectors else None,
        )


def _vectors_cache(config: Config | None) -> Path | None:
    """Where encoded words are kept; None where the settings do without."""
    if config:
        return config.cache_dir / "vectors" if config.search.vectors else None
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return home / "babelfaq" / "vectors"


def _ask_whoosh(asked: Sequence[Asked], folder: Path) -> list[Found]:
    from kb.index.library import Library

    library = Library(folder)
    try:
        found = []
        for question in asked:
            best = library.search(question.text, question.language, limit=_SHOWN).suggestions
            found.append(Found(tuple(s.id for s in best), best[0].score if best else 0.0))
        return found
    finally:
        library.close()


def _ask_browser(asked: Sequence[Asked], folder: Path) -> list[Found]:
    found: dict[int, Found] = {}
    for language in dict.fromkeys(a.language for a in asked):
        numbers = [n for n, a in enumerate(asked) if a.language == language]
        answers = browser.ask(
            resources.search_dir(), folder / "site" / language, [asked[n].text for n in numbers], limit=_SHOWN
        )
        for n, answer in zip(numbers, answers, strict=True):
            results = answer["results"]
            found[n] = Found(tuple(r["id"] for r in results), results[0]["score"] if results else 0.0)
    return [found[n] for n in range(len(asked))]


def _report(
    asked: Sequence[Asked],
    found: Sequence[Found],
    measures: Measures,
    args: argparse.Namespace,
    console: Console,
) -> None:
    if args.misses:
        for question, got in zip(asked, found, strict=True):
            if question.expected and question.expected not in got.ids[:3]:
                console.note(
                    f"{question.line}: {question.text} → {question.expected}, found {', '.join(got.ids[:3])}"
                )
    if args.format == "json":
        console.json(measures.as_json())
        return
    for name, value in measures.as_json().items():
        shown = "–" if value is None else value if isinstance(value, int) else f"{value:.3f}"
        console.print(f"{name.replace('_', ' '):<24}{shown:>8}")
