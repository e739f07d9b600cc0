"""The ``kb`` command: arguments → one call → messages and an exit code.

The only package that prints. Each command is a module here with ``add(commands)``, which declares its
arguments, and a function from those to an exit code. Exit codes: 0 fine, 1 problems found, 2 wrong use,
130 interrupted.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from kb import __version__
from kb.cli.console import Console, Help
from kb.errors import ConfigError, ContentError, KbError, ranked

COMMANDS = (
    "articles",
    "check",
    "site",
    "serve",
    "publish",
    "translate",
    "review",
    "models",
    "search",
    "desk",
)
"""Modules of this package that declare commands, in the order ``kb --help`` lists them."""

_QUICK = {"build": "site", "check": "check", "serve": "serve"}
"""Commands of an editor's every minute → their module: the others' libraries would take longer to load than a build."""


def parser(given: Sequence[str] = ()) -> argparse.ArgumentParser:
    """The whole command line; also what the command reference is generated from.

    Of the arguments that were ``given``, a first one that is a quick command leaves out the others.
    """
    top = argparse.ArgumentParser(
        prog="kb",
        description="BabelFAQ: Markdown answers in git become a multilingual help centre.",
        epilog="Begin with 'kb init my-help', then 'kb serve' inside it. 'kb COMMAND --help' explains each.",
        formatter_class=Help,
    )
    top.add_argument("--version", action="version", version=f"kb {__version__}")
    top.add_argument(
        "--root",
        type=Path,
        default=Path(),
        metavar="DIR",
        help="the content folder (default: the current one)",
    )
    commands = top.add_subparsers(title="commands", dest="command", metavar="COMMAND", required=True)
    quick = _QUICK.get(given[0]) if given else None
    for name in (quick,) if quick else COMMANDS:
        import_module(f"kb.cli.{name}").add(commands)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the process's exit code."""
    given = sys.argv[1:] if argv is None else argv
    console = Console(sys.stdout, sys.stderr, os.environ)
    try:
        # Loading the commands takes a moment, too, in which people press Ctrl-C.
        commands = parser(given)
        if not given:
            commands.print_help(sys.stderr)
            return 2
        args = commands.parse_args(given)
        code: int = args.run(args, console)
    except ContentError as error:
        console.problems(ranked(error.problems))
        console.error(error)
        return 1
    except ConfigError as error:
        console.error(error)
        return 2
    except KbError as error:
        console.error(error)
        return 1
    except KeyboardInterrupt:
        console.note("interrupted; nothing half-done was published")
        return 130
    except BrokenPipeError:
        # The reader of a pipe (`kb check | head`) left; Python would complain at exit without this.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return code
