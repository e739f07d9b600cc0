"""``kb build``: from articles to a site."""

import argparse
import os
import time
from datetime import date
from pathlib import Path
from typing import Any

import msgspec

from kb import config as configuration
from kb.cli.console import Console, count
from kb.content import judgement
from kb.errors import ConfigError, did_you_mean
from kb.garbage import without_collector

_ETA_AFTER_SECONDS = 2.0


def add(commands: Any) -> None:
    """Declare the commands of this module."""
    build = commands.add_parser(
        "build",
        help="make the site, ready to publish",
        description="Read the articles, check them, and write the site in every language to the output folder.",
        epilog="Nothing is published when an article has an error: the site that is there stays as it is.",
    )
    build.add_argument(
        "--lang", "-l", action="append", default=[], metavar="L", help="only this language (repeatable)"
    )
    build.add_argument(
        "-j", "--jobs", type=_positive, default=0, metavar="N", help="worker processes (default: one a core)"
    )
    build.add_argument("--clean", action="store_true", help="forget what earlier builds remembered")
    build.add_argument("--output", metavar="DIR", help="where to (default: [tool.kb] output, 'site')")
    build.add_argument("--strict", action="store_true", help="treat warnings as errors")
    build.add_argument(
        "--baseline",
        action="store_true",
        help="write what only a build finds to the file of known findings; it is not reported again",
    )
    build.add_argument("--explain", action="store_true", help="say of each page that is made why it is")
    build.add_argument(
        "--format", choices=("text", "json"), default="text", help="how to report (default: text)"
    )
    build.set_defaults(run=run_build)


def run_build(args: argparse.Namespace, console: Console) -> int:
    with without_collector():
        from kb.build import reading, steps  # MkDocs is slow to load, and most commands do without it

    config = _config(args)
    if args.baseline and not config.check.baseline:
        raise ConfigError("[tool.kb.check]: 'baseline' names no file", hint='for example: "kb-baseline.json"')
    for language in args.lang:
        if language not in config.languages:
            raise ConfigError(f"--lang {language}", hint=did_you_mean(language, config.languages))
    if args.output:
        config = msgspec.structs.replace(config, output=args.output)
    started = time.monotonic()
    report = steps.build(
        config,
        today=today(),
        languages=args.lang,
        workers=args.jobs,
        clean=args.clean,
        progress=Progress(console),
    )
    seconds = time.monotonic() - started
    if args.baseline:
        judgement.add_builds(config.root / config.check.baseline, report.problems)
        console.note(f"{config.check.baseline} written; commit it")
        report = msgspec.structs.replace(report, problems=tuple(reading.judge(config, report.problems)))
    console.problems(report.problems)
    warnings = [p for p in report.problems if p.severity == "warning"]
    if args.format == "json":
        console.json(_as_json(report, seconds))
    else:
        for page in report.made if args.explain else ():
            console.print(f"{page.address}: {'; '.join(page.reasons)}")
        languages = f"{len(report.languages)} {'language' if len(report.languages) == 1 else 'languages'}"
        console.note(
            f"{console.paint('built', 'good')} {report.pages} pages in {languages}, {len(report.made)} of them anew, "
            f"in {seconds:.1f} s: {report.output} ({count(report.problems)})"
        )
    return 1 if args.strict and warnings else 0


def today() -> date:
    """The day by which articles expire: ``SOURCE_DATE_EPOCH`` where set (reproducible-builds.org), else the clock's."""
    stamp = os.environ.get("SOURCE_DATE_EPOCH")
    return date.fromtimestamp(int(stamp)) if stamp else date.today()


def _config(args: argparse.Namespace) -> configuration.Config:
    return configuration.load(Path(args.root), os.environ)


class Progress:
    """Tells how many pages are done and, after the first seconds, how long the rest will take."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._started: tuple[float, int] | None = None

    def __call__(self, done: int, total: int, what: str) -> None:
        now = time.monotonic()
        if self._started is None:
            # What was kept took no time; the rest is measured from here.
            self._started = now, done
        started, before = self._started
        seconds = now - started
        if done > before and done < total and seconds > _ETA_AFTER_SECONDS:
            left = seconds / (done - before) * (total - done)
            what = f"{what}, {left:.0f} s left"
        self._console.progress(done, total, what)


def _as_json(report: Any, seconds: float) -> dict[str, Any]:
    """Version 1: ``output`` is the folder of the site; ``pages`` counts all, ``made`` names those that could not be
    kept from the build before, each with its ``reasons``; ``problems`` are as ``kb check --format json`` has them."""
    return {
        "version": 1,
        "output": str(report.output),
        "languages": list(report.languages),
        "pages": report.pages,
        "made": [msgspec.to_builtins(page) for page in report.made],
        "seconds": round(seconds, 2),
        "problems": [msgspec.to_builtins(p) for p in report.problems],
    }


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number
