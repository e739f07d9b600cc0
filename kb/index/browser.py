"""Runs the browser's engine outside a page, to measure it: with Node where it is found, else in Chromium."""

import json
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kb.errors import SearchIndexError
from kb.index.writer import FOLDER, MANIFEST

_SECONDS_LIMIT = 600


def ask(
    modules: Path, site_dir: Path, questions: Sequence[str], *, limit: int = 5, vectors: bool = True
) -> list[dict[str, Any]]:
    """The engine's answer to each question: ``results`` (as the page gets them), ``shown``, ``why``, ``ms``.

    ``modules`` is the folder of the engine, ``site_dir`` a language's folder of a site, with its index.

    Raises:
        SearchIndexError: no runtime, or the engine failed.
    """
    node = shutil.which("node") or shutil.which("nodejs")
    if not node:
        return _in_chromium(modules, site_dir, questions, limit=limit, vectors=vectors)
    order = {
        "folder": str(site_dir / FOLDER),
        "limit": limit,
        "vectors": vectors,
        "questions": list(questions),
    }
    done = subprocess.run(
        [node, str(modules / "run.js")],
        input=json.dumps(order),
        capture_output=True,
        text=True,
        timeout=_SECONDS_LIMIT,
        check=False,
    )
    if done.returncode:
        raise SearchIndexError(f"the browser's engine failed: {done.stderr.strip()[-500:]}")
    answers: list[dict[str, Any]] = json.loads(done.stdout)["answers"]
    return answers


_SCRIPT = """async ({ folder, questions, limit, vectors }) => {
  const { load } = await import("http://kb.invalid/modules/loader.js");
  const index = await load(folder + "manifest.json", { vectors });
  return questions.map((question) => {
    const start = performance.now();
    return { ...index.search(question, { limit }), ms: performance.now() - start };
  });
}"""


def _in_chromium(
    modules: Path, site_dir: Path, questions: Sequence[str], *, limit: int, vectors: bool
) -> list[dict[str, Any]]:
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError:
        raise SearchIndexError(
            "there is neither Node nor Playwright to run the browser's engine",
            hint="install Node 18 or newer, or 'pip install playwright' and a Chromium",
        ) from None
    folders = {"modules": modules, "index": site_dir / FOLDER}
    with sync_playwright() as play:
        try:
            browser = play.chromium.launch(executable_path=shutil.which("chromium"))
            page = browser.new_page()
            page.route("http://kb.invalid/**", lambda route: _serve(route, folders))
            page.goto("http://kb.invalid/index/" + MANIFEST)
            order = {
                "folder": "http://kb.invalid/index/",
                "questions": list(questions),
                "limit": limit,
                "vectors": vectors,
            }
            answers: list[dict[str, Any]] = page.evaluate(_SCRIPT, order)
            browser.close()
        except Error as error:
            raise SearchIndexError(f"Chromium could not run the engine: {error}") from error
    return answers


_TYPES = {".js": "text/javascript", ".json": "application/json"}


def _serve(route: Any, folders: dict[str, Path]) -> None:
    _, _, address = route.request.url.partition("kb.invalid/")
    kind, _, name = address.partition("/")
    file = folders.get(kind, Path()) / name
    if kind in folders and "/" not in name and file.is_file():
        route.fulfill(
            body=file.read_bytes(), content_type=_TYPES.get(file.suffix, "application/octet-stream")
        )
    else:
        route.fulfill(status=404)
