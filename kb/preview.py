"""A web server for looking at a site on one's own machine while it is written; not for the internet.

Pages being made are shown ahead of the build they belong to, and open pages are told to load again by server-sent
events (HTML Standard, 9.2). The script that listens is added to pages as they are served, and is in no file.
"""

import json
import os
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Empty, SimpleQueue
from urllib.parse import parse_qs, unquote, urlsplit

from kb.errors import BuildError, Problem

EVENTS = "/__kb/events"
SCRIPT = "/__kb/preview.js"
_DEBOUNCE_SECONDS = 0.03
"""Programs write a file in several steps; what they do within this time is one change."""
_POLL_SECONDS = 0.5
_BEAT_SECONDS = 15.0
"""A comment so often keeps connections open, and notices those that are gone."""
_TAG = f'<script type="module" src="{SCRIPT}"></script>'.encode()


class Board:
    """What open pages are told. Safe to use from any thread."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._open: dict[SimpleQueue[str], str] = {}
        self._ahead: Mapping[str, Path] = {}
        self._problems: Sequence[Problem] = ()

    def pages(self) -> dict[str, list[str]]:
        """The pages that are open now: language → addresses below its root."""
        found: dict[str, list[str]] = {}
        with self._guard:
            addresses = sorted(set(self._open.values()))
        for address in addresses:
            language, _, rest = address.strip("/").partition("/")
            found.setdefault(language, []).append(f"{rest}/" if rest and not rest.endswith(".html") else rest)
        return found

    def show(self, files: Mapping[str, Path]) -> None:
        """Serve these files (address → file) ahead of the site's, and load the pages again that show them."""
        with self._guard:
            self._ahead = dict(files)
        self.tell_changed(files)

    def ahead_of(self, made: Collection[str]) -> list[str]:
        """The files of pages at the addresses ``made`` that were not shown ahead of the build."""
        with self._guard:
            return [file for file in map(file_of, made) if file not in self._ahead]

    def forget_ahead(self) -> None:
        """Serve the site as it is published."""
        with self._guard:
            self._ahead = {}

    def ahead(self, address: str) -> Path | None:
        with self._guard:
            return self._ahead.get(address)

    def tell_changed(self, addresses: Mapping[str, object] | None = None) -> None:
        """Have open pages load again: those of ``addresses``, or all."""
        with self._guard:
            for queue, page in self._open.items():
                if addresses is None or file_of(page) in addresses:
                    queue.put("event: reload\ndata: {}\n\n")

    def tell_problems(self, problems: Sequence[Problem]) -> None:
        """Show errors over the open pages; none takes them away."""
        with self._guard:
            if not problems and not self._problems:
                return
            self._problems = tuple(problems)
            message = self._message()
            for queue in self._open:
                queue.put(message)

    def listen(self, page: str) -> Iterator[str]:
        """The messages for one open page, until nobody takes them any more."""
        queue: SimpleQueue[str] = SimpleQueue()
        with self._guard:
            self._open[queue] = page
            if self._problems:
                queue.put(self._message())
        try:
            yield ": here\n\n"
            while True:
                try:
                    yield queue.get(timeout=_BEAT_SECONDS)
                except Empty:
                    yield ": still here\n\n"
        finally:
            with self._guard:
                del self._open[queue]

    def _message(self) -> str:
        shown = [{"where": p.where(), "message": p.message, "hint": p.hint} for p in self._problems]
        return f"event: problems\ndata: {json.dumps(shown)}\n\n"


def file_of(address: str) -> str:
    """The file of the page at an address, both relative to the root of the site."""
    path = unquote(urlsplit(address).path).lstrip("/")
    return f"{path}index.html" if not path or path.endswith("/") else path


def server(folder: Path, host: str, port: int, board: Board | None = None) -> ThreadingHTTPServer:
    """A server for ``folder``, not yet running. Port 0 takes a free one. With a ``board``, pages load again when it
    says so.

    Raises:
        BuildError: there is no site, or the port is taken.
    """
    if not (folder / "index.html").is_file():
        raise BuildError(f"there is no site in {folder}", hint="run 'kb build' first")
    handler = partial(_Handler, directory=str(folder), board=board)
    try:
        found = ThreadingHTTPServer((host, port), handler)
    except OSError as error:
        raise BuildError(
            f"cannot serve on {host}:{port}: {error.strerror}", hint="choose another --port"
        ) from None
    found.daemon_threads = True
    return found


class _Handler(SimpleHTTPRequestHandler):
    """Static files as a good host serves them: a 404 in the language of the address, no listings, no logs."""

    extensions_map = {  # noqa: RUF012 - the base class declares it so
        **SimpleHTTPRequestHandler.extensions_map,
        ".js": "text/javascript",
        ".xml": "application/xml",
        ".txt": "text/plain; charset=utf-8",
    }

    def __init__(self, *args: object, board: Board | None = None, **kwargs: object) -> None:
        self._board = board
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        board, address = self._board, urlsplit(self.path)
        if board is None:
            super().do_GET()
        elif address.path == EVENTS:
            self._events(board, parse_qs(address.query).get("page", ["/"])[0])
        elif address.path == SCRIPT:
            self._answer(HTTPStatus.OK, _SCRIPT.encode(), "text/javascript")
        elif (page := self._page(board)) is not None:
            self._answer(HTTPStatus.OK, _listening(page.read_bytes()), "text/html; charset=utf-8")
        else:
            super().do_GET()

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        page = self._missing_page() if code == HTTPStatus.NOT_FOUND else None
        if page is None:
            super().send_error(code, message, explain)
            return
        body = page.read_bytes()
        # An article that is being written may be missing now and there in a moment.
        self._answer(
            HTTPStatus.NOT_FOUND, _listening(body) if self._board else body, "text/html; charset=utf-8"
        )

    def list_directory(self, path: object) -> None:
        self.send_error(HTTPStatus.NOT_FOUND)

    def end_headers(self) -> None:
        self.send_header("Cache-Control", "no-cache")
        self.send_header("X-Content-Type-Options", "nosniff")
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Quiet: the terminal is for findings about the content."""

    def _answer(self, status: HTTPStatus, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _events(self, board: Board, page: str) -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        try:
            for message in board.listen(page):
                self.wfile.write(message.encode())
                self.wfile.flush()
        except OSError:
            # The page was closed.
            self.close_connection = True

    def _page(self, board: Board) -> Path | None:
        address = file_of(self.path)
        if not address.endswith(".html"):
            return None
        for page in (board.ahead(address), Path(self.directory, address)):
            if (
                page is not None
                and page.is_file()
                and not _leaves(page, Path(self.directory), board, address)
            ):
                return page
        return None

    def _missing_page(self) -> Path | None:
        root = Path(self.directory)
        language = self.path.lstrip("/").partition("/")[0]
        for page in (root / language / "404.html", root / "404.html"):
            if page.is_file() and page.resolve().is_relative_to(root.resolve()):
                return page
        return None


def _leaves(page: Path, root: Path, board: Board, address: str) -> bool:
    return page != board.ahead(address) and not page.resolve().is_relative_to(root.resolve())


def _listening(html: bytes) -> bytes:
    """The page with the script in it."""
    before, end, after = html.rpartition(b"</body>")
    return before + _TAG + end + after if end else html + _TAG


class Watch:
    """Notices changes below some folders and files; :meth:`changes` waits for them."""

    def __init__(self, paths: Sequence[Path], *, ignored: Sequence[Path]) -> None:
        self._paths = [path for path in paths if path.exists()]
        self._ignored = tuple(str(path.resolve()) for path in ignored)
        self._happened = threading.Event()
        self._stop: Callable[[], None] = lambda: None

    def __enter__(self) -> "Watch":
        try:
            self._stop = self._observe()
        except (ImportError, OSError):
            # No watchdog, or no more inotify watches: look for oneself.
            self._stop = self._poll()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    def changes(self) -> Iterator[None]:
        """Once for every burst of changes."""
        while True:
            self._happened.wait()
            while self._happened.is_set():
                self._happened.clear()
                self._happened.wait(_DEBOUNCE_SECONDS)
            yield

    def _observe(self) -> Callable[[], None]:
        from watchdog.events import FileSystemEvent, FileSystemEventHandler
        from watchdog.observers import Observer

        watch = self

        class Handler(FileSystemEventHandler):
            def on_any_event(self, event: FileSystemEvent) -> None:
                # A folder "is modified" by every entry that comes or goes, the site too; entries tell themselves.
                news = event.event_type not in ("opened", "closed_no_write") and not (
                    event.is_directory and event.event_type == "modified"
                )
                if news and watch.concerns(str(event.src_path)):
                    watch._happened.set()

        observer = Observer()
        for folder, recursive in self._folders().items():
            observer.schedule(Handler(), str(folder), recursive=recursive)
        observer.start()

        def stop() -> None:
            observer.stop()
            observer.join()

        return stop

    def _folders(self) -> dict[Path, bool]:
        """What to observe, and whether with all below it.

        Never the folders that builds write: watchdog's thread dies when one of two exchanged trees goes away. Nor
        those whose name begins with a dot, where environments and caches lie.
        """
        found: dict[Path, bool] = {}
        for path in self._paths:
            folder = (path if path.is_dir() else path.parent).resolve()
            found.setdefault(folder, False)
            below = folder.iterdir() if path.is_dir() else ()
            for child in below:
                if child.is_dir() and not child.name.startswith(".") and self.concerns(str(child)):
                    found[child] = True
        return found

    def concerns(self, path: str) -> bool:
        """Whether a change of ``path`` matters: of what is watched, but not of what builds write."""
        inside = any(path == str(p) or path.startswith(f"{p}{os.sep}") for p in self._paths)
        return inside and not any(path == one or path.startswith(f"{one}{os.sep}") for one in self._ignored)

    def _poll(self) -> Callable[[], None]:
        done = threading.Event()

        def look() -> None:
            before = self._state()
            while not done.wait(_POLL_SECONDS):
                now = self._state()
                if now != before:
                    self._happened.set()
                before = now

        threading.Thread(target=look, daemon=True).start()
        return done.set

    def _state(self) -> dict[str, tuple[int, int]]:
        found = {}
        for top in self._paths:
            for path in top.rglob("*") if top.is_dir() else (top,):
                if self.concerns(str(path)):
                    status = path.lstat()
                    found[str(path)] = status.st_mtime_ns, status.st_size
        return found


_SCRIPT = """\
const place = "kb-preview:" + location.pathname;
const before = sessionStorage.getItem(place);
if (before !== null) {
  sessionStorage.removeItem(place);
  history.scrollRestoration = "manual";
  scrollTo(0, Number(before));
}
const events = new EventSource("/__kb/events?page=" + encodeURIComponent(location.pathname));
events.addEventListener("reload", () => {
  sessionStorage.setItem(place, String(scrollY));
  location.reload();
});
let shown = null;
events.addEventListener("problems", (event) => {
  const problems = JSON.parse(event.data);
  shown?.remove();
  shown = null;
  if (!problems.length) return;
  shown = document.createElement("section");
  shown.id = "kb-preview-problems";
  shown.setAttribute("role", "alert");
  Object.assign(shown.style, {
    position: "fixed", inset: "auto 0 0 0", zIndex: 99, maxHeight: "60vh", overflow: "auto", padding: "16px 24px",
    background: "#3b0d0c", color: "#fff", font: "14px/1.5 ui-monospace, monospace", direction: "ltr", textAlign: "left",
  });
  for (const { where, message, hint } of problems) {
    const line = document.createElement("p");
    line.style.margin = "0 0 8px";
    line.textContent = where + ": " + message + (hint ? "\\n→ " + hint : "");
    line.style.whiteSpace = "pre-wrap";
    shown.append(line);
  }
  document.body.append(shown);
});
addEventListener("pagehide", () => events.close());
"""
