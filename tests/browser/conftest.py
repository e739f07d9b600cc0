"""A small help centre with every kind of page, built once, served below a sub-path, and read with a real Chromium."""

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import pytest

from kb import config, preview
from kb.build import steps
from tests import chromium as browsers
from tests.browser.reading import Reading

CONTENT = Path(__file__).parent / "help"
PREFIX = "help"
"""The path of the fixture's ``site_url``."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder a host would serve at ``https://shop.example/``: the help centre is in ``help/``."""
    root = tmp_path_factory.mktemp("centre")
    shutil.copytree(CONTENT, root, dirs_exist_ok=True)
    report = steps.build(config.load(root, {}), today=date(2026, 11, 21), workers=1)
    assert not [p for p in report.problems if p.severity == "error"]
    host = tmp_path_factory.mktemp("host")
    shutil.copytree(report.output, host / PREFIX)
    (host / "index.html").write_text("<!doctype html><title>The shop</title>", "utf-8")
    return host


@pytest.fixture(scope="session")
def origin(site: Path) -> Iterator[str]:
    """Address of the running server, without a slash at its end."""
    with _served(site) as address:
        yield address


@pytest.fixture(scope="session")
def bare_origin(site: Path) -> Iterator[str]:
    """The same help centre at the root of a host."""
    with _served(site / PREFIX) as address:
        yield address


# Not for the whole session: while Playwright's loop runs, no other test of the process can run one of its own.
@pytest.fixture(scope="module")
def chromium() -> Iterator[object]:
    with browsers.chromium(
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
    ) as browser:
        yield browser


@pytest.fixture
def reading(chromium: object, origin: str) -> Iterator[Reading]:
    """``reading.open("en/returns/")`` gives a page; what went wrong in the browser fails the test at its end."""
    session = Reading(chromium, f"{origin}/{PREFIX}/")
    yield session
    session.close()


@contextmanager
def _served(folder: Path) -> Iterator[str]:
    """The address of a server for ``folder``, while the block runs."""
    server = preview.server(folder, "127.0.0.1", 0)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
