"""A web server for looking at a site on one's own machine while it is written; not for the internet.

Pages being made are shown ahead of the build they belong to, and open pages are told of changes by server-sent events
(HTML Standard, 9.2). Where nothing but the answer and its headings differ, they change in place: loading a page again
takes a browser ten times as long. The script that listens is added to pages as they are served, and is in no file.
"""

import json
import os
import threading
from collections.abc import Callable, Collection, Generator, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from functools import partial
from hashlib import sha256
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
_GONE_SECONDS = 0.25
"""A file that is gone may come back within this time."""
_POLL_SECONDS = 0.5
_BEAT_SECONDS = 15.0
"""A comment so often keeps connections open, and notices those that are gone."""
_HTML = "text/html; charset=utf-8"


class Board:
    """What is served, and what open pages are told. Safe to use from any thread.

    ``folder`` is the published site. ``opened`` is told the address of each page that somebody opens.
    """

    def __init__(self, folder: Path, *, opened: Callable[[str], None] = lambda page: None) -> None:
        self.folder = folder
        self._opened = opened
        self._guard = threading.Lock()
        self._open: dict[SimpleQueue[str], tuple[str, str]] = {}
        """Whom to tell → the address of the page, and which version of it is shown."""
        self._pages: dict[str, tuple[int, bytes]] = {}
        self._files: Mapping[str, Path] = {}
        self._problems: Sequence[Problem] = ()

    def looked_at(self) -> dict[str, list[str]]:
        """The pages that are open now: language → addresses below its root."""
        found: dict[str, list[str]] = {}
        with self._guard:
            pages = sorted({page for page, _ in self._open.values()})
        for language, address in map(place_of, pages):
            found.setdefault(language, []).append(address)
        return found

    def show(
        self,
        number: int,
        pages: Mapping[str, bytes],
        files: Mapping[str, Path] | None = None,
        *,
        again: Collection[str] = (),
    ) -> None:
        """Serve ``pages`` (address of the file → HTML) ahead of the site's, until build ``number`` is published, and
        ``files`` in place of those it has; None leaves them as they were. ``again`` are addresses whose pages are
        the published ones again, unless they are among ``pages``.
        """
        with self._guard:
            for address in again:
                self._pages.pop(address, None)
            self._pages |= {address: (number, html) for address, html in pages.items()}
            if files is not None:
                self._files = files
        self.tell_changed()

    def published(self, number: int) -> None:
        """Build ``number`` is there: what was ahead of it is in the site."""
        with self._guard:
            self._pages = {address: each for address, each in self._pages.items() if each[0] > number}
        self.tell_changed()

    def page(self, address: str) -> tuple[HTTPStatus, bytes]:
        """What is answered at the address of a page: the page, or the one that says it is missing."""
        file = file_of(address)
        with self._guard:
            ahead = self._pages.get(file)
        if ahead is not None:
            return HTTPStatus.OK, ahead[1]
        found = _read(self.folder, file)
        if found is not None:
            return HTTPStatus.OK, found
        return HTTPStatus.NOT_FOUND, missing_page(self.folder, address) or b"<h1>404</h1>"

    def file(self, address: str) -> Path | None:
        """A file that is not in the site yet, or not as it is now."""
        with self._guard:
            return self._files.get(address)

    def tell_changed(self, *, and_all_with: str | None = None) -> None:
        """Tell the open pages that are not what is served now; have those with these words in their address load
        again in any case."""
        with self._guard:
            listening = list(self._open.items())
        for queue, (address, shown) in listening:
            if and_all_with is not None and and_all_with in address:
                queue.put(_RELOAD)
            elif (version := version_of(self.page(address)[1])) != shown:
                queue.put(_CHANGED)
                with self._guard:
                    if queue in self._open:
                        self._open[queue] = address, version

    def tell_problems(self, problems: Sequence[Problem]) -> None:
        """Show errors over the open pages; none takes them away."""
        with self._guard:
            if not problems and not self._problems:
                return
            self._problems = tuple(problems)
            message = self._message()
            for queue in self._open:
                queue.put(message)

    def listen(self, page: str, version: str) -> Generator[str, None, None]:
        """The messages for one open page that shows ``version``, until nobody takes them any more."""
        queue: SimpleQueue[str] = SimpleQueue()
        with self._guard:
            self._open[queue] = page, version
            if self._problems:
                queue.put(self._message())
        try:
            yield ": here\n\n"
            # It may have changed while it was loading.
            self.tell_changed()
            self._opened(page)
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


_CHANGED = "event: changed\ndata: {}\n\n"
_RELOAD = "event: reload\ndata: {}\n\n"


def version_of(html: bytes) -> str:
    """Tells two versions of a page apart."""
    return sha256(html).hexdigest()[:16]


def missing_page(folder: Path, address: str) -> bytes | None:
    """The page in the language of an address that says nothing is there."""
    language = unquote(address).lstrip("/").partition("/")[0]
    return _read(folder, f"{language}/404.html") or _read(folder, "404.html")


def _read(folder: Path, address: str) -> bytes | None:
    """A file of the site; None when there is none, or it leads out of the site."""
    file = folder / address
    try:
        return file.read_bytes() if file.resolve().is_relative_to(folder.resolve()) else None
    except (OSError, ValueError):
        return None


def place_of(page: str) -> tuple[str, str]:
    """The language of a page, and its address below the language's root: ``/en/returns/`` → ``en``, ``returns/``."""
    language, _, rest = unquote(page).strip("/").partition("/")
    return language, f"{rest}/" if rest and not rest.endswith(".html") else rest


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

    # Connections stay open, since a page asks for twenty files, and send at once what is written to them.
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

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
            query = parse_qs(address.query)
            self._events(board, query.get("page", ["/"])[0], query.get("version", [""])[0])
        elif address.path == SCRIPT:
            self._answer(HTTPStatus.OK, _SCRIPT.encode(), "text/javascript")
        elif file_of(self.path).endswith(".html"):
            self._page(board)
        else:
            super().do_GET()

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        if code != HTTPStatus.NOT_FOUND:
            super().send_error(code, message, explain)
        elif self._board is not None:
            # An article that is being written may be missing now and there in a moment.
            self._page(self._board)
        elif (page := missing_page(Path(self.directory), self.path)) is not None:
            self._answer(HTTPStatus.NOT_FOUND, page, _HTML)
        else:
            super().send_error(code, message, explain)

    def list_directory(self, path: object) -> None:
        self.send_error(HTTPStatus.NOT_FOUND)

    def translate_path(self, path: str) -> str:
        ahead = self._board.file(file_of(path)) if self._board else None
        return str(ahead) if ahead is not None else super().translate_path(path)

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

    def _events(self, board: Board, page: str, version: str) -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        # An OSError: the page was closed.
        with suppress(OSError), closing(board.listen(page, version)) as messages:
            for message in messages:
                self.wfile.write(message.encode())
                self.wfile.flush()

    def _page(self, board: Board) -> None:
        status, html = board.page(self.path)
        self._answer(status, _listening(html), _HTML)


def _listening(html: bytes) -> bytes:
    """The page with the script in it, which knows what version of the page it is in."""
    tag = f'<script type="module" src="{SCRIPT}" data-kb-version="{version_of(html)}"></script>'.encode()
    before, end, after = html.rpartition(b"</body>")
    return before + tag + end + after if end else html + tag


class Watch:
    """Notices changes below some folders and files; :meth:`changes` waits for them."""

    def __init__(self, paths: Sequence[Path], *, ignored: Sequence[Path]) -> None:
        self._paths = [path for path in paths if path.exists()]
        self._ignored = tuple(str(path.resolve()) for path in ignored)
        self._happened: SimpleQueue[str] = SimpleQueue()
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

    def changes(self) -> Iterator[frozenset[Path]]:
        """The files of every burst of changes."""
        while True:
            found = {self._happened.get()}
            while True:
                # Programs that save write another file and give it the name: for a moment, there is none.
                patience = _DEBOUNCE_SECONDS if all(map(os.path.exists, found)) else _GONE_SECONDS
                try:
                    found.add(self._happened.get(timeout=patience))
                except Empty:
                    break
            yield frozenset(map(Path, found))

    def _observe(self) -> Callable[[], None]:
        from watchdog.events import FileSystemEvent, FileSystemEventHandler
        from watchdog.observers import Observer

        watch, observer, folders = self, Observer(), self._folders()

        class Handler(FileSystemEventHandler):
            def on_any_event(self, event: FileSystemEvent) -> None:
                # A folder "is modified" by every entry that comes or goes, the site too; entries tell themselves.
                news = event.event_type not in ("opened", "closed_no_write") and not (
                    event.is_directory and event.event_type == "modified"
                )
                for path in (event.src_path, event.dest_path) if news else ():
                    if path and watch.concerns(str(path)):
                        watch._happened.put(str(path))
                        if event.is_directory and folders.get(Path(str(path)).parent) is False:
                            # A folder that is new beside those that are watched with all below them.
                            with suppress(OSError):
                                observer.schedule(self, str(path), recursive=True)

        for folder, recursive in folders.items():
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
        """Whether a change of ``path`` matters: of what is watched, but not of what builds write, nor of names that
        begin with a dot."""
        if any(path == one or path.startswith(f"{one}{os.sep}") for one in self._ignored):
            return False
        for top in map(str, self._paths):
            if path == top:
                return True
            if path.startswith(f"{top}{os.sep}"):
                return f"{os.sep}." not in path[len(top) :]
        return False

    def _poll(self) -> Callable[[], None]:
        done, first = threading.Event(), self._state()

        def look() -> None:
            before = first
            while not done.wait(_POLL_SECONDS):
                now = self._state()
                for path in dict(now.items() ^ before.items()):
                    self._happened.put(path)
                before = now

        threading.Thread(target=look, daemon=True).start()
        return done.set

    def _state(self) -> dict[str, tuple[int, int]]:
        found = {}
        for top in self._paths:
            for path in _below(top) if top.is_dir() else (str(top),):
                # What is saved by renaming may be gone by now.
                with suppress(OSError):
                    if self.concerns(path):
                        status = os.lstat(path)
                        found[path] = status.st_mtime_ns, status.st_size
        return found


def _below(top: Path) -> Iterator[str]:
    """All files and folders below ``top``; those that go away while it is walked through may be missing."""
    for folder, folders, files in os.walk(top):
        yield from (os.path.join(folder, name) for name in (*folders, *files))


_SCRIPT = """\
const place = "kb-preview:" + location.pathname;
const scrolled = sessionStorage.getItem(place);
if (scrolled !== null) {
  sessionStorage.removeItem(place);
  history.scrollRestoration = "manual";
  scrollTo(0, Number(scrolled));
}
const ANSWERS = [".kb-answer", ".kb-toc .md-sidebar__inner"];
const UNSEEN = 'script[data-kb-version], script[type="application/ld+json"], a.md-skip';
let version = document.querySelector("script[data-kb-version]").dataset.kbVersion;
let events = null;
let shown = null;
let before = null;
let work = get().then((page) => { if (page.version === version) before = page; }).catch(() => {});
function listen() {
  // A browser opens six connections to a server: pages nobody sees take none of them.
  if (document.hidden || events) return;
  const query = new URLSearchParams({ page: location.pathname, version });
  events = new EventSource("/__kb/events?" + query);
  events.addEventListener("changed", () => { work = work.then(change).catch(reload); });
  events.addEventListener("reload", reload);
  events.addEventListener("problems", (event) => show(JSON.parse(event.data)));
}
/** The page as it is served: what answers, and all around it. */
async function get() {
  const html = await (await fetch(location.href, { cache: "no-store" })).text();
  const page = new DOMParser().parseFromString(html, "text/html");
  const { kbVersion } = page.querySelector("script[data-kb-version]").dataset;
  const answers = ANSWERS.map((where) => [...page.querySelectorAll(where)].map((part) => [...part.childNodes]));
  for (const part of page.querySelectorAll(ANSWERS.join())) part.replaceChildren();
  for (const part of page.querySelectorAll(UNSEEN)) part.remove();
  return { version: kbVersion, answers, around: page.documentElement.outerHTML };
}
async function change() {
  const page = await get();
  if (page.version === version) return;
  const places = ANSWERS.map((where) => [...document.querySelectorAll(where)]);
  const fits = places.every((found, at) => found.length < 2 && found.length === page.answers[at].length);
  if (before?.around !== page.around || !places[0].length || !fits) return reload();
  before = page;
  version = page.version;
  places.forEach(([place], at) => place?.replaceChildren(...page.answers[at][0]));
  decorate();
}
/** What Material's script adds to a text: buttons to copy, tabs, tables that scroll. */
function decorate() {
  // It would ask all languages for their sitemaps.
  const others = [...document.querySelectorAll('link[rel="alternate"]')];
  for (const link of others) link.rel = "";
  window.document$?.next(document);
  for (const link of others) link.rel = "alternate";
}
function reload() {
  stop();
  sessionStorage.setItem(place, String(scrollY));
  location.reload();
}
function stop() {
  events?.close();
  events = null;
}
function show(problems) {
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
}
listen();
document.addEventListener("visibilitychange", () => (document.hidden ? stop() : listen()));
addEventListener("pagehide", stop);
addEventListener("pageshow", listen);
"""
