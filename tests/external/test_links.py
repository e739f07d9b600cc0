"""Links to other sites: which are asked for, what is remembered, and what is said of them."""

import json
import threading
from pathlib import Path

import pytest

from kb.content.article import Article, Catalog, Text
from kb.external import links
from kb.external.asker import Answer
from kb.external.links import AGES_S, Known

GONE = Answer("dead", "answers 404: the page is gone")
ALIVE = Answer("alive")
LOST = Answer("unanswered", "could not be reached", reached=False)


def catalog(body: str) -> Catalog:
    article = Article("a/b", "en", "articles/en/a/b.md", "B", Text.of(body, body), body_line=5)
    return Catalog(("en",), {"en": {"a/b": article}})


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def known(tmp_path: Path, clock: Clock) -> Known:
    return Known(tmp_path / ".kb" / "links.json", now=clock)


def test_links_of_the_web_are_asked_for_and_no_others() -> None:
    body = (
        "[a](https://shop.org/x#part) <a href='//cdn.shop.org/y'>y</a> [c](mailto:a@shop.org)\n"
        "[d](../returns/size.md) ![e](https://shop.org/e.png) `[f](https://code.org)` [g][r]\n"
        "[h](https://shop.example/) [i](http://www.example.com/) [j](https://ignored.org/a?b=1)\n\n"
        "[r]: http://ref.org\n"
    )
    found = links.links(catalog(body), ignored=["https://ignored.org/*", "https://shop*.com/"])
    assert [(link.line, link.target, link.url) for link in found] == [
        (5, "https://shop.org/x#part", "https://shop.org/x"),
        (5, "//cdn.shop.org/y", "https://cdn.shop.org/y"),
        (6, "http://ref.org", "http://ref.org/"),
    ]


def test_an_answer_is_believed_for_its_time(known: Known, clock: Clock, tmp_path: Path) -> None:
    for state, age in AGES_S.items():
        known.put(state, Answer(state))
        clock.now += age - 1
        assert known.get(state) == Answer(state)
        clock.now += 1
        assert known.get(state) is None
    known.put("x", GONE)
    clock.now -= 10
    assert known.get("x") is None, "a clock that was set back makes nothing true for ever"


def test_what_is_known_is_read_again_and_what_is_damaged_is_not(tmp_path: Path, clock: Clock) -> None:
    file = tmp_path / "links.json"
    first = Known(file, now=clock)
    first.put("https://a.org/", Answer("moved", "has moved for good", "https://b.org/"))
    first.put("https://c.org/", GONE)
    first.save()
    again = Known(file, now=clock)
    assert again.get("https://a.org/") == Answer("moved", "has moved for good", "https://b.org/")
    assert again.get("https://c.org/") == GONE
    data = json.loads(file.read_text())
    data["answers"]["https://a.org/"]["to"] = "javascript:alert(1)"
    file.write_text(json.dumps(data))
    forged = Known(file, now=clock).get("https://a.org/")
    assert forged is not None
    assert forged.to == ""
    for damaged in ("", "[]", "{", '{"version": 2, "answers": {}}', '{"version": 1, "answers": {"x": 1}}'):
        file.write_text(damaged)
        assert Known(file, now=clock).get("https://a.org/") is None


def test_each_address_is_asked_once_and_then_known(known: Known) -> None:
    asked: list[str] = []

    def ask(url: str) -> Answer:
        asked.append(url)
        return ALIVE

    urls = ["https://a.org/", "https://b.org/", "https://a.org/"]
    assert links.answers(urls, ask, known).answers == {"https://a.org/": ALIVE, "https://b.org/": ALIVE}
    links.answers(urls, ask, known)
    assert sorted(asked) == ["https://a.org/", "https://b.org/"]


def test_more_than_a_run_takes_is_left_for_the_next(known: Known) -> None:
    urls = [f"https://a.org/{n}" for n in range(5)]
    assert links.answers(urls, lambda _: ALIVE, known, at_most=3).left == 2
    assert links.answers(urls, lambda _: ALIVE, known, at_most=3).left == 0


def test_without_a_network_there_is_one_note_and_nothing_is_learned(known: Known) -> None:
    private = Answer("dead", "leads into a private network", reached=None)
    says = {
        "https://a.org/": LOST,
        "https://b.org/": Answer("dead", "no such host", reached=False),
        "http://x/": private,
    }
    outcome = links.answers(says, says.__getitem__, known)
    assert outcome.offline
    assert outcome.answers == {"http://x/": private}
    assert known.get("https://b.org/") is None


def test_one_host_that_answers_makes_the_others_failures_count(known: Known) -> None:
    says = {"https://a.org/": LOST, "https://b.org/": ALIVE}
    outcome = links.answers(says, says.__getitem__, known)
    assert not outcome.offline
    assert outcome.answers == says


def test_an_interruption_keeps_what_was_learned(known: Known, tmp_path: Path, clock: Clock) -> None:
    slow = threading.Event()

    def ask(url: str) -> Answer:
        if url == "https://slow.org/":
            slow.wait(10)
        return ALIVE

    def interrupt(done: int, total: int, what: str) -> None:
        if done == 2:
            raise KeyboardInterrupt

    urls = ["https://slow.org/", "https://a.org/", "https://b.org/"]
    with pytest.raises(KeyboardInterrupt):
        links.answers(urls, ask, known, progress=interrupt)
    slow.set()
    again = Known(tmp_path / ".kb" / "links.json", now=clock)
    assert [again.get(url) for url in urls] == [None, ALIVE, ALIVE]


def test_a_fault_of_ours_does_not_hang_the_run(known: Known) -> None:
    def ask(url: str) -> Answer:
        raise RuntimeError

    assert links.answers(["https://a.org/"], ask, known).offline


def test_what_is_said_of_links() -> None:
    body = (
        "[a](https://a.org/old#part)\n[b](https://b.org/deep/page)\n[c](https://c.org/)\n[d](https://d.org/)\n"
        "[e](https://e.org/)\n[f](https://f.org/)\n"
    )
    found = links.links(catalog(body))
    answers = {
        "https://a.org/old": Answer("moved", "has moved for good", "https://a.org/new"),
        "https://b.org/deep/page": Answer("moved", "has moved for good", "https://b.org/"),
        "https://c.org/": GONE,
        "https://d.org/": Answer("unanswered", "answers 403"),
        "https://e.org/": ALIVE,
    }
    problems = list(links.problems(found, answers))
    assert [(p.code, p.line, p.severity) for p in problems] == [
        ("external-link-moved", 5, "warning"),
        ("external-link-moved", 6, "warning"),
        ("external-link-dead", 7, "warning"),
        ("external-link-unanswered", 8, "info"),
    ]
    assert problems[2].message == "'https://c.org/' answers 404: the page is gone"
    # A lost page whose readers are sent to the front page is a person's business.
    assert links.moves(found, answers) == {"https://a.org/old#part": "https://a.org/new#part"}
