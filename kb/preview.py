"""A web server for looking at a built site on one's own machine; not for the internet."""

from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from kb.errors import BuildError


def server(folder: Path, host: str, port: int) -> ThreadingHTTPServer:
    """A server for ``folder``, not yet running. Port 0 takes a free one.

    Raises:
        BuildError: there is no site, or the port is taken.
    """
    if not (folder / "index.html").is_file():
        raise BuildError(f"there is no site in {folder}", hint="run 'kb build' first")
    try:
        return ThreadingHTTPServer((host, port), partial(_Handler, directory=str(folder)))
    except OSError as error:
        raise BuildError(
            f"cannot serve on {host}:{port}: {error.strerror}", hint="choose another --port"
        ) from None


class _Handler(SimpleHTTPRequestHandler):
    """Static files as a good host serves them: a 404 in the language of the address, no listings, no logs."""

    extensions_map = {  # noqa: RUF012 - the base class declares it so
        **SimpleHTTPRequestHandler.extensions_map,
        ".js": "text/javascript",
        ".xml": "application/xml",
        ".txt": "text/plain; charset=utf-8",
    }

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        page = self._missing_page() if code == HTTPStatus.NOT_FOUND else None
        if page is None:
            super().send_error(code, message, explain)
            return
        body = page.read_bytes()
        self.send_response(HTTPStatus.NOT_FOUND)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def list_directory(self, path: object) -> None:
        self.send_error(HTTPStatus.NOT_FOUND)

    def end_headers(self) -> None:
        self.send_header("Cache-Control", "no-cache")
        self.send_header("X-Content-Type-Options", "nosniff")
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Quiet: the terminal is for findings about the content."""

    def _missing_page(self) -> Path | None:
        root = Path(self.directory)
        language = self.path.lstrip("/").partition("/")[0]
        for page in (root / language / "404.html", root / "404.html"):
            if page.is_file() and page.resolve().is_relative_to(root.resolve()):
                return page
        return None
