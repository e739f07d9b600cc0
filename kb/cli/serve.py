"""``kb serve``: the site on one's own machine; what is saved is at once on the page that is open.

The pages somebody looks at are sketched in this process as soon as a file is saved, and a whole build follows in
another process. So a save never waits for a build, not even for one that runs.
"""

import argparse
import os
import threading
import time
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from kb import config as configuration
from kb.cli.console import Console
from kb.cli.site import Progress, today
from kb.errors import BuildError, KbError, Problem

DEFAULT_PORT = 8000
_CODE = ".py"


def add(commands: Any) -> None:
    """Declare the command of this module."""
    serve = commands.add_parser(
        "serve",
        help="preview the site on this machine",
        description="Build the site and show it at http://127.0.0.1:8000/. When an article, a translation, the "
        "theme, the synonyms or the settings change, it is built again, and the open page shows it at once.",
    )
    serve.add_argument(
        "--port", type=int, default=DEFAULT_PORT, help=f"default: {DEFAULT_PORT}; 0 takes a free one"
    )
    serve.add_argument("--host", default="127.0.0.1", help="default: 127.0.0.1, this machine only")
    serve.add_argument("--no-build", action="store_true", help="show what is there")
    serve.set_defaults(run=run_serve)


def run_serve(args: argparse.Namespace, console: Console) -> int:
    config = _config(args)
    try:
        if args.no_build:
            _show(args, config, console)
        else:
            _Preview(args, config, console).run()
    except KeyboardInterrupt:
        console.note("stopped")
    return 0


def _show(args: argparse.Namespace, config: configuration.Config, console: Console) -> None:
    from kb import preview

    with _Served(preview.server(config.output_dir, args.host, args.port), console):
        threading.Event().wait()


class _Served:
    """The server in a thread of its own, while the block runs."""

    def __init__(self, server: Any, console: Console) -> None:
        self._server = server
        self._thread = threading.Thread(target=server.serve_forever, daemon=True)
        host, port = server.server_address[:2]
        self._told = f"serving {console.paint(f'http://{host!s}:{port}/', 'good')} (Ctrl-C stops)"
        self._console = console

    def __enter__(self) -> None:
        self._thread.start()
        self._console.note(self._told)

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Changed:
    """Files that were saved, renamed or deleted."""

    def __init__(self, files: frozenset[Path]) -> None:
        self.files = files


class _Opened:
    """Somebody opened a page."""

    def __init__(self, page: str) -> None:
        self.page = page


class _Preview:
    """One loop takes what happens, one after another: files change, pages are opened, builds end."""

    def __init__(self, args: argparse.Namespace, config: configuration.Config, console: Console) -> None:
        from kb import preview
        from kb.build.background import Builder
        from kb.build.sketching import Sketches

        self.args, self.config, self.console = args, config, console
        self.events: SimpleQueue[Any] = SimpleQueue()
        self.board = preview.Board(config.output_dir, opened=lambda page: self.events.put(_Opened(page)))
        self.builder = Builder(config.root, self.events.put)
        self.sketches = Sketches(config.root / ".kb" / "preview")
        self.progress = Progress(console)
        self.number = 0
        """Of the latest change."""
        self.asked: int | None = None
        """The number of the build that runs."""
        self.saved = 0.0
        self.recent: frozenset[Path] = frozenset()
        """The files that changed since the last build was asked for that is published."""
        self.since: frozenset[Path] = frozenset()
        """Those of them that changed since the build that runs was asked for."""
        self.built = False
        self.restart = False
        self.ready: set[str] = set()
        """Languages whose settings and templates are in memory."""

    def run(self) -> None:
        try:
            # What is saved during the first build counts as well.
            with self.watch() as watch:
                threading.Thread(target=self.follow, args=(watch,), daemon=True).start()
                self.build()
                if not (self.config.output_dir / "index.html").is_file():
                    self.first()
                with self.served():
                    while True:
                        self.take(self.events.get())
        finally:
            self.builder.stop()

    def served(self) -> "_Served":
        from kb import preview

        server = preview.server(self.config.output_dir, self.args.host, self.args.port, self.board)
        return _Served(server, self.console)

    def watch(self) -> Any:
        from kb import preview, resources

        config = self.config
        ignored = (
            config.output_dir,
            config.root / ".kb",
            config.cache_dir,
            config.root / ".git",
            config.output_dir.with_name(f".{config.output_dir.name}.kb-build"),
        )
        return preview.Watch(
            (config.root, resources.theme_dir(), resources.search_dir()),
            ignored=ignored,
        )

    def follow(self, watch: Any) -> None:
        for files in watch.changes():
            self.events.put(_Changed(files))

    def first(self) -> None:
        """Wait for the first build: there is nothing to show before."""
        from kb.build import background

        while self.asked is not None:
            event = self.events.get()
            if isinstance(event, background.Failed):
                raise event.error
            self.take(event)
            if isinstance(event, background.Died):
                raise BuildError("the build ended before its time; what it said stands above")

    def take(self, event: Any) -> None:
        from kb.build import background

        if isinstance(event, _Changed):
            self.changed(event.files)
        elif isinstance(event, _Opened):
            self.opened(event.page)
        elif isinstance(event, background.Progress):
            self.progress(event.done, event.total, event.what)
        else:
            self.ended(event)

    # --- files change ---

    def changed(self, files: frozenset[Path]) -> None:
        self.saved = time.monotonic()
        self.number += 1
        self.recent |= files
        self.since |= files
        if any(file.suffix == _CODE for file in files):
            # Hooks and plugins: Python loads a module once in a process.
            self.restart = True
        try:
            self.sketch(self.board.looked_at(), files)
        except KbError as error:
            self.report(error)
            return
        self.build()

    def sketch(self, looked_at: dict[str, list[str]], files: frozenset[Path]) -> None:
        """Show the pages looked at as they are now.

        Raises:
            KbError: something in the content or the settings must be mended first.
        """
        from kb import preview

        self.config = _config(self.args)
        found = self.sketches.make(self.config, today=today(), looked_at=looked_at, changed=files)
        if found.files is None:
            self.board.show(self.number, found.pages)
            return
        again = [
            preview.file_of(f"{language}/{page}") for language, pages in looked_at.items() for page in pages
        ]
        self.board.show(self.number, found.pages, found.files, again=again)
        self.board.tell_problems(())
        if files & set(found.files.values()):
            # An image has its old address.
            self.board.tell_changed(and_all_with="/")

    def opened(self, page: str) -> None:
        """Show a page as it is now, if the build has not come to it yet; load what the sketches of its language
        need."""
        from kb import preview

        language, address = preview.place_of(page)
        if language not in self.config.languages or not self.built:
            return
        try:
            if self.recent:
                self.sketch({language: [address]}, self.recent)
            elif language not in self.ready:
                self.ready.add(language)
                self.sketches.make(self.config, today=today(), looked_at={language: [""]}, anew=True)
        except KbError:
            # Told when it was saved, or by the build.
            self.sketches.forget()

    # --- builds ---

    def build(self) -> None:
        """Ask for a build; while one runs, the next waits until all that happened meanwhile is known."""
        if self.asked is not None:
            return
        if self.restart:
            self.console.note("Python code changed: starting the build anew")
            self.restart = False
            self.builder.stop()
        self.asked = self.number
        self.since = frozenset()
        self.progress = Progress(self.console)
        self.builder.request(self.number, today=today())

    def ended(self, event: Any) -> None:
        from kb.build import background

        number, self.asked = self.asked, None
        if isinstance(event, background.Built):
            self.built = True
            self.recent = self.since
            # Nobody's own machine has an address that search engines could find; a build says it.
            self.console.problems([p for p in event.problems if p.code != "site-url-missing"])
            self.board.tell_problems(())
            self.board.published(event.number)
            if event.made:
                self.board.tell_changed(and_all_with="/search/")
            if self.saved:
                self.console.note(f"built again in {time.monotonic() - self.saved:.1f} s")
        if number is not None and number < self.number:
            # What failed may be mended already.
            self.build()
        elif isinstance(event, background.Failed):
            self.report(event.error)
        elif isinstance(event, background.Died):
            self.report(BuildError("the build ended before its time", hint="save again to start another"))
        if not self.recent:
            for language in self.board.looked_at():
                self.opened(f"/{language}/")

    def report(self, error: KbError) -> None:
        problems = [p for p in getattr(error, "problems", ()) if p.severity == "error"]
        self.console.problems(problems)
        self.console.error(error)
        self.board.tell_problems(
            problems or [Problem("build-failed", "(build)", None, error.message, error.hint)]
        )


def _config(args: argparse.Namespace) -> configuration.Config:
    return configuration.load(Path(args.root), os.environ)
