"""``kb desk``: the ticket service, and the team's side of it."""

import argparse
import socket
from typing import Any

from kb.cli import desk_team
from kb.cli.console import Console
from kb.errors import DeskError

DEFAULT_PORT = 8100


def add(commands: Any) -> None:
    """Declare the commands of this module."""
    top = commands.add_parser(
        "desk",
        help="the ticket service and its queue",
        description="File, follow and answer what no article answered.",
        epilog="Settings are in [tool.kb.desk]; secrets come from the environment or from files. "
        'The site has a form when desk = "/api" stands in [tool.kb.contact].',
    )
    desk = top.add_subparsers(title="desk commands", dest="desk_command", metavar="COMMAND", required=True)
    serve = desk.add_parser(
        "serve",
        help="run the service",
        description="Serve the form, suggestions and status pages under /api/.",
        epilog="Put a web server that speaks TLS in front, passing /api/ on.",
    )
    serve.add_argument("--host", default="127.0.0.1", help="default: 127.0.0.1, this machine only")
    serve.add_argument(
        "--port", type=int, default=DEFAULT_PORT, help=f"default: {DEFAULT_PORT}; 0 takes a free one"
    )
    serve.add_argument("--site", metavar="DIR", help="also serve the built help centre in DIR")
    serve.set_defaults(run=run_serve)
    desk_team.add(desk)


def run_serve(args: argparse.Namespace, console: Console) -> int:
    from pathlib import Path

    from kb.cli import desk_setup
    from kb.desk import app, serving
    from kb.resources import theme_dir

    setup = desk_setup.load(args, console)
    site = Path(args.site) if args.site else None
    with _listening(args.host, args.port) as listening:
        address = f"http://{args.host}:{listening.getsockname()[1]}"
        desk = setup.desk(address=address, suggest=setup.suggest())
        setup.log_to(console.err)
        if site and not setup.config.contact.desk:
            console.note(
                "the site has no form yet: desk = \"/api\" in [tool.kb.contact] gives it one, then 'kb build'"
            )
        console.note(
            f"{'help centre and desk' if site else 'desk'} at "
            f"{console.paint(f'{address}/' + ('' if site else 'api/contact'), 'good')} (Ctrl-C stops)"
        )
        serving.serve(app.create_app(desk, theme=theme_dir(), site=site), listening)
    return 0


def _listening(host: str, port: int) -> socket.socket:
    """A port of one's own before the service starts, whose words about a taken one are a line of its log."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise DeskError(
            f"cannot serve on {host}:{port}: {error.strerror}", hint="choose another --port"
        ) from None
