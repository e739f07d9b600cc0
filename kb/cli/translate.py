"""``kb translate`` and ``kb status``: what changed, into every language, and how far each one is."""

import argparse
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

import msgspec

from kb import config as configuration
from kb import resources
from kb.cli.console import Console, count, counted
from kb.config import Config
from kb.content import reader
from kb.content.article import Catalog
from kb.errors import ConfigError, ContentError, Problem, did_you_mean, ranked
from kb.language import calibrate, engines, glossary, memory, run, translate
from kb.language.engine import Translator
from kb.language.memory import Memory
from kb.language.pins import Pins

LOCK_FILE = ".kb/translate.lock"
JSON_VERSION = 1
REFUSED = "translation-refused"


def add(commands: Any) -> None:
    """Declare the commands of this module."""
    command = commands.add_parser(
        "translate",
        help="bring what changed into every language",
        description="Translate new and changed segments with the installed engines, into files beside the articles. "
        "What people wrote or approved is never replaced.",
        epilog="Needs no network. A build does not need this command's engines: it uses the files.",
    )
    command.add_argument("languages", nargs="*", metavar="LANG", help="only into these (default: all)")
    command.add_argument("--engine", choices=engines.NAMES, help="only this engine")
    command.add_argument(
        "--dry-run", action="store_true", help="say what would be done, by which route, how long"
    )
    command.add_argument("--retry", action="store_true", help="ask again for segments that were refused")
    command.add_argument("--renew", action="store_true", help="replace machine text that another model made")
    _add_format(command, ("text", "json"))
    command.set_defaults(run=run_translate)

    status = commands.add_parser(
        "status",
        help="how far each language is",
        description="Count each language's articles: written, reviewed, machine, stale, missing.",
    )
    _add_format(status, ("table", "json"))
    status.set_defaults(run=run_status)


def _add_format(command: argparse.ArgumentParser, choices: tuple[str, ...]) -> None:
    command.add_argument("--format", choices=choices, default=choices[0], help=f"default: {choices[0]}")


@dataclass(frozen=True)
class Project:
    """What every translation command reads first. `broken` are the paths of PO files that have errors."""

    config: Config
    catalog: Catalog
    memories: list[Memory]
    problems: list[Problem]
    broken: frozenset[str]


def open_project(root: Path) -> Project:
    """Raises ContentError when an article cannot be read."""
    config = configuration.load(root, os.environ)
    catalog, problems = reader.read(config.root, config.articles, config.languages)
    errors = [problem for problem in problems if problem.severity == "error"]
    if errors:
        raise ContentError(f"nothing was translated: {count(errors)} in the articles", errors)
    memories, found = memory.load(config.articles_dir, config.languages, root=config.root)
    broken = frozenset(problem.path for problem in found if problem.severity == "error")
    return Project(config, catalog, memories, found, broken)


def known_languages(config: Config, wanted: Sequence[str]) -> tuple[str, ...]:
    """`wanted`, or all. Raises ConfigError when one is not configured."""
    for language in wanted:
        if language not in config.languages:
            raise ConfigError(
                f"'{language}' is not a language here", hint=did_you_mean(language, config.languages)
            )
    return tuple(wanted) or config.languages


def models_folder(config: Config) -> Path:
    return config.root / config.translate.models


# --- kb translate ---


def run_translate(args: argparse.Namespace, console: Console) -> int:
    config = configuration.load(Path(args.root), os.environ)
    known_languages(config, args.languages)
    if args.dry_run:
        return _translate(args, console)
    waiting = "another 'kb translate' is running here; waiting for it"
    with run.locked(config.root / LOCK_FILE, on_wait=lambda: console.note(waiting)):
        return _translate(args, console)


def _translate(args: argparse.Namespace, console: Console) -> int:
    project = open_project(Path(args.root))
    config = project.config
    terms, term_problems = glossary.read(
        config.root / config.translate.glossary, config.languages, root=config.root
    )
    options = run.Options(
        routes=config.translate.routes,
        retry=args.retry,
        renew=args.renew,
        glossary=terms,
        keep=config.translate.do_not_translate,
    )
    pins = Pins(models_folder(config))
    names = (args.engine,) if args.engine else config.translate.engines
    installed = engines.available(names, models_folder(config), os.environ, pins)
    try:
        plan = _plan(project, args, installed, options)
        found = [*project.problems, *term_problems]
        if args.dry_run:
            return _dry_run(args, console, plan, [*found, *plan.problems])
        if _calibrated(plan, project, pins, console):
            plan = _plan(project, args, installed, options)
        render = _renderer(config) if any(lane.texts for lane in plan.lanes) else None
        report = run.run(plan, config.root, render=render, options=options, on_step=_progress(console))
    finally:
        for engine in installed:
            engine.close()
    for identity in pins.new:
        console.note(f"{identity} is used for the first time; its files are pinned in {pins.file.name}")
    return _report(args, console, plan, report, found)


def _plan(
    project: Project, args: argparse.Namespace, installed: Sequence[Translator], options: run.Options
) -> run.Plan:
    config = project.config
    plan = run.plan(
        project.catalog,
        project.memories,
        known_languages(config, args.languages),
        installed,
        articles=config.articles,
        options=options,
        broken=project.broken,
    )
    names = (args.engine,) if args.engine else config.translate.engines
    advice = engines.missing(names, os.environ)
    return replace(plan, problems=tuple(map(_without_any(advice), plan.problems))) if advice else plan


def _without_any(advice: str) -> Callable[[Problem], Problem]:
    """Where no engine is installed at all, a model would be of no use: first comes the engine."""

    def told(problem: Problem) -> Problem:
        if problem.code != "no-engine":
            return problem
        message = f"{problem.message}: no engine is installed at all"
        return msgspec.structs.replace(problem, message=message, hint=f"{advice}, then {problem.hint}")

    return told


def _calibrated(plan: run.Plan, project: Project, pins: Pins, console: Console) -> bool:
    """Measure what a model copies before it is used for the first time; whether any was measured."""
    done: set[str] = set()
    for lane in plan.lanes:
        for leg in lane.route.legs if lane.route and lane.texts else ():
            model = leg.model()
            if model.calibrated or model.identity in done:
                continue
            console.note(f"measuring which markers {model.identity} keeps …")
            texts = calibrate.sample(texts_in(project.catalog, leg.source))
            if not texts:
                continue  # nothing to try with; the model is used without markers
            calibrate.keep(calibrate.measure(leg, texts), model.identity, pins)
            leg.engine.forget()
            done.add(model.identity)
    return bool(done)


def texts_in(catalog: Catalog, language: str) -> list[str]:
    """Segments people wrote in a language, to calibrate with."""
    documents = translate.Documents()
    articles = catalog.texts.get(language, {}).values()
    return [segment.text for article in articles for segment in documents.of(article).segments]


def _renderer(config: Config) -> Any:
    """The site's Markdown, to compare each translated page with its source; None for articles without a site."""
    if not (config.root / "mkdocs.yml").is_file():
        return None
    from kb.publish import site  # MkDocs is slow to load, and most runs have nothing to translate

    return site.renderer(config.root, resources.theme_dir())


def _progress(console: Console) -> Any:
    def show(step: run.Step) -> None:
        rate = f"{step.rate:.0f} a second" if step.rate >= 1 else f"{step.rate:.1f} a second"
        what = f"segments into {step.language} by {step.engine}, {rate}, {duration(step.seconds_left)} left"
        console.progress(step.done, step.total, what)

    return show


def duration(seconds: float) -> str:
    """``40 s``, ``3 min``, ``2.5 h``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _dry_run(args: argparse.Namespace, console: Console, plan: run.Plan, problems: list[Problem]) -> int:
    if args.format == "json":
        console.json({"version": JSON_VERSION, "languages": _languages(plan), "problems": _as_json(problems)})
    else:
        for lane in plan.lanes:
            route = f"{lane.route} with {lane.model.identity}" if lane.route and lane.model else "no engine"
            waiting = len(lane.waiting)
            if waiting:
                time = f", about {duration(lane.seconds)}" if lane.texts else ""
                what = f"{counted(waiting, 'segment')} in {counted(lane.articles, 'article')}"
                console.print(f"{lane.target}: {what}, {route}{time}")
        if not any(lane.waiting for lane in plan.lanes):
            console.print("nothing to translate")
        console.problems(ranked(problems))
    return 1 if any(problem.severity == "error" for problem in problems) else 0


def _languages(plan: run.Plan) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for lane in plan.lanes:
        entry = found.setdefault(
            lane.target, {"segments_to_translate": 0, "articles": 0, "seconds": 0.0, "routes": []}
        )
        segments = len(lane.texts)
        entry["segments_to_translate"] += segments
        entry["articles"] += lane.articles if lane.route else 0
        entry["seconds"] = round(entry["seconds"] + (lane.seconds if lane.route else 0), 1)
        entry["routes"].append(
            {
                "from": lane.source,
                "route": str(lane.route) if lane.route else None,
                "model": lane.model.identity if lane.model else None,
                "segments_to_translate": segments,
                "segments_without_engine": 0 if lane.route else len(lane.waiting),
                "articles": lane.articles,
            }
        )
    return found


def _report(
    args: argparse.Namespace, console: Console, plan: run.Plan, report: run.Report, found: list[Problem]
) -> int:
    problems = ranked([*found, *report.problems])
    if args.format == "json":
        console.json(
            {
                "version": JSON_VERSION,
                "languages": _languages(plan),
                "files": report.files,
                "segments_translated": report.translated,
                "problems": _as_json(problems),
            }
        )
    else:
        console.problems([problem for problem in problems if problem.code != REFUSED])
        _refusals(console, report.problems)
        if report.files:
            segments = f"{counted(report.translated, 'segment')} translated"
            console.note(f"{console.paint(segments, 'good')}, {counted(len(report.files), 'file')} written")
            console.note("look through them with 'kb review', and commit them")
        else:
            console.note("nothing changed")
    errors = any(problem.severity == "error" for problem in problems)
    # Asked for by name, a language without an engine is a failure; with all languages it is a finding.
    unserved = any(problem.code == "no-engine" for problem in problems) and bool(args.languages)
    return 1 if errors or unserved else 0


def _refusals(console: Console, problems: Sequence[Problem]) -> None:
    """How many segments stayed in the source's language; `kb review` and the JSON report tell each with its reason."""
    by_language: dict[str, int] = {}
    for problem in problems:
        if problem.code == REFUSED:
            language = PurePosixPath(problem.path).parts[1]
            by_language[language] = by_language.get(language, 0) + 1
    for language, refused in by_language.items():
        stay = "1 segment stays" if refused == 1 else f"{refused} segments stay"
        what = f"{stay} in the source's language, as what the engine made of it is no good"
        console.note(f"{console.paint('info', 'info')} {language}: {what}; 'kb review {language}' shows them")


def _as_json(problems: Sequence[Problem]) -> list[dict[str, Any]]:
    return [
        {
            "code": p.code,
            "path": p.path,
            "line": p.line,
            "message": p.message,
            "hint": p.hint,
            "severity": p.severity,
        }
        for p in ranked(problems)
    ]


# --- kb status ---

_STATES = ("written", "reviewed", "machine", "stale", "missing")


def run_status(args: argparse.Namespace, console: Console) -> int:
    project = open_project(Path(args.root))
    rows = translate.progress(project.catalog, project.memories, review=project.config.translate.review)
    if args.format == "json":
        languages = {
            row.language: {
                "articles": {state: getattr(row, state) for state in _STATES},
                "held_back": row.held,
                "segments": dict(row.segments or {}),
            }
            for row in rows
        }
        console.json(
            {"version": JSON_VERSION, "articles": len(project.catalog.sources), "languages": languages}
        )
    else:
        _table(console, rows)
        console.problems(ranked(project.problems))
    return 1 if project.broken else 0


def _table(console: Console, rows: Sequence[translate.Progress]) -> None:
    heads = ("", *_STATES, "held back")
    lines = [(row.language, *(str(getattr(row, state)) for state in _STATES), str(row.held)) for row in rows]
    widths = [max(len(line[column]) for line in (heads, *lines)) for column in range(len(heads))]
    for line in (heads, *lines):
        cells = [
            line[0].ljust(widths[0]),
            *(cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True)),
        ]
        console.print("  ".join(cells).rstrip())
