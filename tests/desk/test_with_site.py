"""The built help centre and its desk together: which articles somebody saw before they wrote."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kb.build import steps
from kb.desk import tickets
from kb.desk.suggest import built_commit, from_index
from tests import chromium
from tests.desk.harness import Shop, words
from tests.desk.live import Live
from tests.desk.test_browser import browser
from tests.publish.shop import Shop as Centre

playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect
__all__ = ["browser"]
CONTACT = '[tool.kb]\nlanguages = ["en", "uk"]\n[tool.kb.contact]\ndesk = "/api"\n'
needs_chromium = pytest.mark.skipif(chromium.PROGRAM is None, reason="Chromium is not installed")


class Repository:
    """A help centre in git, with the desk that serves it."""

    def __init__(self, root: Path) -> None:
        self.centre = Centre(root / "centre")
        self.centre.write("pyproject.toml", CONTACT)
        self.centre.article("en/returns/index", title="Returns")
        self.centre.article(
            "en/returns/refund", "We return money to your card.", title="When do I get my money back?"
        )
        self.git("init", "-q")
        self.commit("first")
        self.built = self.centre.build()
        folder = root / "data"
        folder.mkdir()
        index = self.centre.root / ".kb" / "index"
        self.shop = Shop(
            folder, suggest=from_index(index), commit=built_commit(index / "build.json"), site=self.centre.site,
            public_url="",
        )  # fmt: skip

    def commit(self, subject: str) -> str:
        self.git("add", "-A", ":!.kb", ":!site")
        self.git(
            "-c",
            "user.name=A",
            "-c",
            "user.email=a@b.example",
            "commit",
            "-q",
            "--allow-empty",
            "-m",
            subject,
        )
        return self.git("rev-parse", "HEAD").strip()

    def git(self, *args: str) -> str:
        return subprocess.run(
            ["git", *args], cwd=self.centre.root, check=True, capture_output=True, text=True
        ).stdout

    def commits(self) -> list[str]:
        return [ticket.draft.articles_commit for ticket in reversed(self.shop.stored())]


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[Repository]:
    made = Repository(tmp_path)
    yield made
    made.shop.runner.close()


def test_a_ticket_filed_without_scripts_keeps_the_commit_of_the_last_build(repository: Repository) -> None:
    first = repository.git("rev-parse", "HEAD").strip()
    form = {
        "language": "en",
        "subject": "Something else",
        "message": "Where?",
        "email": "olena@customers.com",
    }
    repository.shop.send("/api/contact", {**form, "step": "send"}, host="127.0.0.1")
    second = repository.commit("nothing about articles")
    repository.shop.send("/api/contact", {**form, "step": "send", "subject": "Again"}, host="127.0.0.1")
    report: steps.Report = repository.centre.build()
    assert report.made == (), "a commit alone makes no page anew"
    repository.shop.send("/api/contact", {**form, "step": "send", "subject": "And again"}, host="127.0.0.1")
    assert sorted(repository.commits()) == sorted([first, first, second])
    repository.shop.desk.close()


@pytest.mark.browser
@needs_chromium
def test_a_ticket_from_the_sites_own_page_keeps_what_was_seen_and_its_commit(
    repository: Repository, browser: Any
) -> None:
    t = words()
    live = Live(repository.shop)
    context = browser.new_context()
    context.set_default_timeout(chromium.PATIENCE_MS)
    page = context.new_page()
    problems: list[str] = []
    page.on("console", lambda m: problems.append(m.text) if m.type == "error" else None)
    page.goto(f"{live.url}/en/returns/refund/")
    page.locator(".kb-ask a").click()
    page.wait_for_function(
        "() => document.querySelector('[data-kb-desk-form]')?.noValidate"
    )  # its script is there
    with page.expect_response(re.compile(r"/build\.json$")) as build:
        for key, text in (
            ("label_subject", "When do I get my money back?"),
            ("label_email", "o@customers.com"),
        ):
            page.get_by_label(t.text("en", key)).fill(text)
        message = page.get_by_label(t.text("en", "label_message"), exact=True)
        message.fill("When do I get money on my card?")
    build.value.finished()
    expect(page.get_by_role("button", name="When do I get my money back?")).to_be_visible()
    page.get_by_role("button", name=t.text("en", "send"), exact=True).click()
    expect(page.get_by_role("heading", name=t.text("en", "filed_title"))).to_be_visible()
    (stored,) = repository.shop.stored()
    whole = repository.shop.database.read(lambda tx: tickets.by_id(tx, stored.id))
    assert whole is not None
    assert whole.draft.articles_commit == repository.git("rev-parse", "HEAD").strip()
    assert whole.draft.page == "/en/returns/refund/", "the article from which somebody came"
    assert [seen.article for seen in whole.draft.shown] == ["returns/refund"]
    assert problems == []
    context.close()
    live.stop()
