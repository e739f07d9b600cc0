"""``kb publish``: the built site to a web server's folder, and back to the release before."""

import argparse
import os
import subprocess
from pathlib import Path
from typing import Any

from kb import config as configuration
from kb.cli.console import Console
from kb.errors import ContentError
from kb.publish import releases
from kb.publish.outputscan import scan
from kb.publish.releases import CURRENT, KEPT_RELEASES, Release


def add(commands: Any) -> None:
    """Declare the command."""
    publish = commands.add_parser(
        "publish",
        help="release the built site to a folder, or roll back",
        description="Copy the built site into a folder of releases and switch to it in one step. "
        "A web server serves DIR/current.",
        epilog="Killed at any moment, DIR/current leads to one whole release: the old or the new. "
        "A rolled back release is passed over by the next rollback.",
    )
    publish.add_argument(
        "dir", type=Path, metavar="DIR", help="an empty or new folder, or one published to before"
    )
    publish.add_argument(
        "--keep",
        type=_positive,
        default=KEPT_RELEASES,
        metavar="N",
        help=f"releases to keep (default: {KEPT_RELEASES})",
    )
    publish.add_argument("--rollback", action="store_true", help="serve the release before the current one")
    publish.add_argument(
        "--format", choices=("text", "json"), default="text", help="how to report (default: text)"
    )
    publish.set_defaults(run=run_publish)


def run_publish(args: argparse.Namespace, console: Console) -> int:
    release = releases.rollback(args.dir) if args.rollback else _publish(args)
    kept = releases.releases(args.dir)
    if args.format == "json":
        console.json(
            {
                "version": 1,
                "served": str(args.dir / CURRENT),
                "release": _as_json(release),
                "releases": [_as_json(each) for each in kept],
            }
        )
        return 0
    done = "rolled back to" if args.rollback else "published"
    console.note(f"{console.paint(done, 'good')} {release.name}: {args.dir / CURRENT} ({len(kept)} kept)")
    if not args.rollback and len(kept) > 1:
        console.note(f"to go back: kb publish {args.dir} --rollback")
    return 0


def _publish(args: argparse.Namespace) -> Release:
    config = configuration.load(Path(args.root), os.environ)
    if config.output_dir.is_dir():
        _refuse_what_must_stay_private(config)
    return releases.publish(config.output_dir, args.dir, keep=args.keep, commit=_commit(config.root))


def _refuse_what_must_stay_private(config: configuration.Config) -> None:
    """The build looked its output over; but since then anything may have been put there."""
    problems = scan(config.output_dir, machine_paths=[config.root])
    if problems:
        raise ContentError("nothing was published", problems, hint="'kb build' makes the folder anew")


def _commit(root: Path) -> str:
    """The short id of the commit the content folder is at; empty outside git."""
    try:
        run = subprocess.run(
            ["git", "rev-parse", "--short=10", "HEAD"],
            cwd=root, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return run.stdout.strip() if run.returncode == 0 else ""


def _as_json(release: Release) -> dict[str, Any]:
    return {
        "name": release.name,
        "time": release.time.isoformat(),
        "commit": release.commit,
        "current": release.current,
        "withdrawn": release.withdrawn,
    }


def _positive(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return int(text)
