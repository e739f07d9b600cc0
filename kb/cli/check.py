"""``kb check``: every finding in one run, and mending what is safe."""

import argparse
import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from kb import __version__, resources
from kb import config as configuration
from kb.build.cache import Cache
from kb.cli import reports
from kb.cli.console import Console, count
from kb.cli.site import today
from kb.content import judgement
from kb.content.article import Catalog
from kb.errors import BuildError, ConfigError, Problem, ranked

if TYPE_CHECKING:
    from kb.build.reading import Content
    from kb.cli.fixes import Change
    from kb.external.asker import Answer, Asker
    from kb.external.links import Link

_ROUNDS = 5
"""Front matter that can be read again may show a link to mend, and so on; nothing needs more rounds than this."""


def add(commands: Any) -> None:
    """Declare the command."""
    check = commands.add_parser(
        "check",
        help="find everything an editor can get wrong",
        description="Read all articles and report every finding, each with its place and how to mend it.",
        epilog="Exit code 1 means errors; with --strict, warnings count as well. With --fix, what is left counts.",
    )
    check.add_argument("paths", nargs="*", metavar="PATH", help="report on these files or folders only")
    check.add_argument(
        "--format", choices=("text", *reports.FORMATS), default="text", help="how to report (default: text)"
    )
    check.add_argument("--strict", action="store_true", help="treat warnings as errors")
    check.add_argument(
        "--baseline", action="store_true", help="write what is found now to a file; it is not reported again"
    )
    check.add_argument(
        "--fix", action="store_true", help="mend what has one right answer, and say what was mended"
    )
    check.add_argument("--dry-run", action="store_true", help="with --fix: show the changes, write nothing")
    check.add_argument(
        "--online", action="store_true", help="ask other sites whether what articles link to is still there"
    )
    check.set_defaults(run=run_check)


@dataclass(frozen=True)
class Findings:
    """What was read, and everything there is to say about it, errors first."""

    content: "Content"
    problems: tuple[Problem, ...]


@dataclass(frozen=True)
class Outside:
    """What other sites answered, by address: the ``problems`` of the links to them, and where pages have ``moved`` to,
    target as written → new address."""

    answers: "Mapping[str, Answer]" = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    moved: Mapping[str, str] = field(default_factory=dict)


def run_check(args: argparse.Namespace, console: Console) -> int:
    config = configuration.load(Path(args.root), os.environ)
    _refuse_contradictions(args)
    if args.baseline:
        return _write_baseline(config, console)
    found = look(config)
    outside = _outside(args, config, found, console) if args.online else Outside()
    problems = _asked(args, config, found, outside)
    if args.fix:
        problems = _mended(args, config, console, found, outside)
    if args.format == "text":
        console.problems(problems, as_result=not args.dry_run)
        console.note(count(problems))
        if not args.fix:
            _offer(config, found, problems, outside, console)
    else:
        report = reports.FORMATS[args.format](problems, _prefix(args.root))
        if report:
            console.print(report)
    wrong = ("error", "warning") if args.strict else ("error",)
    return 1 if any(problem.severity in wrong for problem in problems) else 0


def _refuse_contradictions(args: argparse.Namespace) -> None:
    if args.dry_run and not args.fix:
        raise ConfigError("--dry-run says nothing without --fix", hint="kb check --fix --dry-run")
    if args.dry_run and args.format != "text":
        raise ConfigError("--dry-run shows the changes as a patch", hint="leave out --format")
    if args.baseline and args.fix:
        raise ConfigError("--fix and --baseline are two steps", hint="mend first, then write the baseline")


def look(config: configuration.Config) -> Findings:
    """Read a content folder, and say everything there is to say about it."""
    from kb.build import reading

    try:
        with Cache(config.cache_dir) as cache:
            content = reading.read(config, today=today(), cache=cache)
    except BuildError:
        # A build, or 'kb serve', holds the cache just now: read everything instead of waiting.
        content = reading.read(config, today=today())
    behind = reading.judge(config, [*_languages(config, content), *_golden(config, content.catalog)])
    return Findings(content, tuple(ranked([*content.problems, *behind])))


def _languages(config: configuration.Config, content: "Content") -> list[Problem]:
    """Stale translations, texts that do not keep to the glossary, languages behind what is required of them."""
    from kb.language import glossary, terminology

    folder = config.root / config.translate.glossary
    terms, problems = glossary.terms(folder, config.languages, root=config.root)
    problems += terminology.breaches(content.catalog, terms)
    problems += content.stale
    if config.require or config.parity:
        from kb.language import translate  # its many patterns take long to compile

        problems += translate.behind(
            content.catalog,
            require=config.require,
            parity=config.parity,
            default_language=config.default_language,
        )
    return problems


def _golden(config: configuration.Config, catalog: Catalog) -> list[Problem]:
    """Golden questions that no longer find their article."""
    asked = [each for each in config.languages if (config.root / "search" / each / "questions.tsv").is_file()]
    if not asked:
        return []
    from kb.index import golden  # the index takes long to load

    public = catalog.public(today())
    editions = {language: public.edition(language) for language in asked}
    return golden.check(config.root, editions, (resources.search_dir(), config.root / "search"))


# ---------------------------------------------------------------- other sites


def _outside(
    args: argparse.Namespace, config: configuration.Config, found: Findings, console: Console
) -> Outside:
    """Ask other sites about the links to them; what is learned is kept for the next run."""
    from kb.external import links

    known = links.Known(config.root / ".kb" / "links.json")
    urls = [link.url for link in _links(args, config, found)]
    outcome = links.answers(urls, _asker().ask, known, progress=console.progress)
    if outcome.offline:
        console.note("no other site could be reached: links to them were not looked at")
    if outcome.left:
        console.note(f"{outcome.left} links to other sites are left for the next run")
    return _told(args, config, found, outcome.answers)


def _told(
    args: argparse.Namespace,
    config: configuration.Config,
    found: Findings,
    answers: "Mapping[str, Answer]",
) -> Outside:
    """What the answers mean for the articles as they are now."""
    if not answers:
        return Outside()
    from kb.build import reading
    from kb.external import links

    asked = _links(args, config, found)
    problems = reading.judge(config, links.problems(asked, answers))
    return Outside(answers, tuple(problems), links.moves(asked, answers))


def _links(args: argparse.Namespace, config: configuration.Config, found: Findings) -> "list[Link]":
    from kb.external import links

    wanted = _paths(args, config)
    every = links.links(found.content.catalog.public(today()), ignored=config.check.ignore_links)
    return [link for link in every if _is_wanted(link.path, wanted)]


def _asker() -> "Asker":
    from kb.external.asker import Asker

    return Asker(f"BabelFAQ/{__version__} (kb check --online)")


# ---------------------------------------------------------------- mending


def _mended(
    args: argparse.Namespace,
    config: configuration.Config,
    console: Console,
    found: Findings,
    outside: Outside,
) -> list[Problem]:
    """Mend what can be mended, round after round; returns what is left."""
    from kb.cli import fixes

    left = _asked(args, config, found, outside)
    for _ in range(_ROUNDS):
        changes = fixes.plan(config, found.content, left, today=today(), elsewhere=outside.moved)
        if args.dry_run:
            patch = fixes.diff(changes, _prefix(args.root)).rstrip("\n")
            if patch:
                console.print(patch)
        elif changes:
            fixes.write(config.root, changes)
        _tell(changes, args, console)
        if not changes or args.dry_run:
            break
        found = look(config)
        outside = _told(args, config, found, outside.answers)
        left = _asked(args, config, found, outside)
    return left


def _offer(
    config: configuration.Config,
    found: Findings,
    problems: Sequence[Problem],
    outside: Outside,
    console: Console,
) -> None:
    """Say how many of the findings need no person."""
    from kb.cli import fixes

    changes = fixes.plan(config, found.content, problems, today=today(), elsewhere=outside.moved)
    n = sum(len(change.mends) for change in changes)
    if n:
        console.note(f"'kb check --fix' mends {n} of them; with --dry-run it only shows how")


def _tell(changes: "Sequence[Change]", args: argparse.Namespace, console: Console) -> None:
    """A line for each mend; beside a patch or a report for machines it goes to standard error."""
    write = console.print if args.format == "text" and not args.dry_run else console.note
    word = "would mend" if args.dry_run else "mended"
    for change in changes:
        for mend in change.mends:
            code = console.paint(mend.code, "dim")
            write(f"{console.paint(word, 'good')} {change.path}:{mend.line}: {mend.what} {code}")
        if not change.mends:
            write(f"{console.paint(word, 'good')} {change.path}: links follow their article")


# ---------------------------------------------------------------- the baseline


def _write_baseline(config: configuration.Config, console: Console) -> int:
    """Make known what there is now; what cannot be known is reported and left to be mended."""
    if not config.check.baseline:
        raise ConfigError("[tool.kb.check]: 'baseline' names no file", hint='for example: "kb-baseline.json"')
    everything = msgspec.structs.replace(config, check=msgspec.structs.replace(config.check, baseline=""))
    judgement.write_baseline(config.root / config.check.baseline, look(everything).problems)
    left = look(config).problems
    console.problems(left, as_result=True)
    console.note(f"{config.check.baseline} written; commit it. Left to mend: {count(left)}")
    return 1 if left else 0


# ---------------------------------------------------------------- which findings


def _asked(
    args: argparse.Namespace, config: configuration.Config, found: Findings, outside: Outside
) -> list[Problem]:
    """The findings in the paths asked for, all of them when there are none."""
    wanted = _paths(args, config)
    return [p for p in ranked([*found.problems, *outside.problems]) if _is_wanted(p.path, wanted)]


def _paths(args: argparse.Namespace, config: configuration.Config) -> list[str]:
    return [_inside(config.root, path) for path in args.paths]


def _is_wanted(path: str, wanted: Collection[str]) -> bool:
    return not wanted or any(each in (path, ".") or path.startswith(f"{each}/") for each in wanted)


def _inside(root: Path, path: str) -> str:
    """``path``, given from the current folder or from the content folder, as findings write it."""
    for place in (Path(path).resolve(), (root / path).resolve()):
        if place.exists() and place.is_relative_to(root):
            return place.relative_to(root).as_posix()
    raise ConfigError(f"{path} is not in the content folder {root}")


def _prefix(root: Path) -> str:
    """The content folder's path below the current one, which in a pipeline is the repository."""
    path = root.as_posix()
    return "" if path == "." or root.is_absolute() or ".." in root.parts else f"{path}/"
