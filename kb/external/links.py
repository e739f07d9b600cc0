"""Which links of the articles lead to other sites, what is known of them, and what is wrong with them.

Answers are kept, and asked for again the sooner the worse they were: a page that was there last week is likely still
there, one that did not answer may be back in an hour.
"""

import json
import queue
import re
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from kb.content.article import Article, Catalog, Origin
from kb.content.findings import problem
from kb.content.links import Leads, destination
from kb.content.names import visible
from kb.content.outline import outline
from kb.errors import Problem
from kb.external.asker import Answer, State, prepared

VERSION = 1
DAY_S = 86_400.0
AGES_S: Mapping[State, float] = {
    "alive": 7 * DAY_S,
    "moved": DAY_S,
    "dead": DAY_S / 24,
    "unanswered": DAY_S / 24,
}
"""How long an answer is believed."""
ASKED_AT_MOST = 2_000
"""Addresses in one run; the others have their turn in the next one."""
WORKERS = 8
"""Hosts asked side by side."""
SAVE_EVERY_S = 5.0
_RESERVED = ("example", "invalid", "test", "example.com", "example.net", "example.org")
"""Names that exist in examples only. https://www.rfc-editor.org/rfc/rfc2606"""

Progress = Callable[[int, int, str], None]
Ask = Callable[[str], Answer]


@dataclass(frozen=True, slots=True)
class Link:
    """A link to another site: ``target`` as it is written, ``url`` as it is asked for."""

    path: str
    line: int
    target: str
    url: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """``answers`` by url. ``offline`` when no host at all could be reached, ``left`` counts those for another run."""

    answers: Mapping[str, Answer]
    offline: bool = False
    left: int = 0


def links(catalog: Catalog, *, ignored: Collection[str] = ()) -> list[Link]:
    """The links of all texts that people wrote; ``ignored`` are patterns of addresses, with ``*`` for any text."""
    left_out = [re.compile(".*".join(map(re.escape, pattern.split("*")))) for pattern in ignored]
    found = []
    for article in catalog:
        if article.origin is Origin.WRITTEN and "//" in article.body:
            found += [each for each in _of(article) if not any(p.fullmatch(each.target) for p in left_out)]
    return found


def _of(article: Article) -> Iterator[Link]:
    for reference in outline(article.body, article.body_line).references:
        if reference.kind != "link" or destination(reference.target, article.id).leads is not Leads.ELSEWHERE:
            continue
        target = reference.target.strip()
        full = f"https:{target}" if target.startswith("//") else target
        if re.match(r"https?:", full, re.I) and not _is_reserved(full):
            url = prepared(full) or full
            yield Link(article.path, reference.line, reference.target, url)


def _is_reserved(url: str) -> bool:
    try:
        host = (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return False
    return any(f".{host}".endswith(f".{name}") for name in _RESERVED)


# ---------------------------------------------------------------- what is known


class Known:
    """Answers of earlier runs, in one file; what is damaged or of another version is as good as not there."""

    def __init__(self, file: Path, *, now: Callable[[], float] = time.time) -> None:
        self._file, self._now = file, now
        self._answers: dict[str, tuple[float, Answer]] = dict(_read(file))

    def get(self, url: str) -> Answer | None:
        at, answer = self._answers.get(url, (0.0, None))
        # A clock that was set back must not make an answer true for ever.
        return answer if answer and 0 <= self._now() - at < AGES_S[answer.state] else None

    def put(self, url: str, answer: Answer) -> None:
        self._answers[url] = (self._now(), answer)

    def save(self) -> None:
        """Write what is still believed, in one step."""
        rows = {
            url: {"at": round(at), "state": answer.state, "note": answer.note, "to": answer.to}
            for url, (at, answer) in sorted(self._answers.items())
            if self.get(url) is not None
        }
        self._file.parent.mkdir(parents=True, exist_ok=True)
        new = self._file.with_name(f".{self._file.name}.new")
        new.write_text(json.dumps({"version": VERSION, "answers": rows}, indent=1) + "\n", "utf-8")
        new.replace(self._file)


def _read(file: Path) -> Iterator[tuple[str, tuple[float, Answer]]]:
    try:
        data = json.loads(file.read_text("utf-8"))
        rows = data["answers"] if data["version"] == VERSION else {}
        for url, row in rows.items():
            answer = Answer(row["state"], str(row["note"]), prepared(row["to"]))
            if answer.state in AGES_S:
                yield url, (float(row["at"]), answer)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return


# ---------------------------------------------------------------- asking


def answers(
    urls: Iterable[str],
    ask: Ask,
    known: Known,
    *,
    progress: Progress = lambda done, total, what: None,
    at_most: int = ASKED_AT_MOST,
) -> Outcome:
    """What is known of each address, asking for those of which nothing is. What was learned is kept in any case."""
    wanted = list(dict.fromkeys(urls))
    found = {url: answer for url in wanted if (answer := known.get(url)) is not None}
    unknown = [url for url in wanted if url not in found]
    now, left = unknown[:at_most], unknown[at_most:]
    fresh: dict[str, Answer] = {}
    saved = time.monotonic()
    try:
        for url, answer in _asked(now, ask):
            fresh[url] = answer
            progress(len(fresh), len(now), "links to other sites")
            if answer.reached:
                known.put(url, answer)
            if time.monotonic() - saved > SAVE_EVERY_S:
                known.save()
                saved = time.monotonic()
    finally:
        if any(answer.reached for answer in fresh.values()):
            # Somebody answered, so what could not be reached is not our own network's fault.
            for url, answer in fresh.items():
                known.put(url, answer)
            known.save()
    reached = {answer.reached for answer in fresh.values()}
    offline = False in reached and True not in reached
    believed = {url: a for url, a in fresh.items() if not offline or a.reached is None}
    return Outcome({**found, **believed}, offline, len(left))


def _asked(urls: Collection[str], ask: Ask) -> Iterator[tuple[str, Answer]]:
    """Each address with its answer as it comes: hosts side by side, the addresses of one host one after the other."""
    hosts: dict[str, list[str]] = {}
    for url in urls:
        hosts.setdefault(_netloc(url), []).append(url)
    todo: queue.SimpleQueue[list[str]] = queue.SimpleQueue()
    done: queue.SimpleQueue[tuple[str, Answer]] = queue.SimpleQueue()
    stop = threading.Event()
    for each in sorted(hosts.values(), key=len, reverse=True):
        todo.put(each)

    def work() -> None:
        with suppress(queue.Empty):
            while True:
                for url in todo.get_nowait():
                    if stop.is_set():
                        return
                    done.put((url, _asked_one(url, ask)))

    # Daemons: whoever interrupts the command does not wait for a slow host.
    for _ in range(min(WORKERS, len(hosts))):
        threading.Thread(target=work, daemon=True).start()
    try:
        for _ in urls:
            yield done.get()
    finally:
        stop.set()


def _asked_one(url: str, ask: Ask) -> Answer:
    try:
        return ask(url)
    except Exception as error:  # a thread that dies would leave the others waiting for it
        return Answer("unanswered", f"could not be asked ({type(error).__name__})", reached=False)


def _netloc(url: str) -> str:
    try:
        return urlsplit(url).netloc
    except ValueError:
        return ""


# ---------------------------------------------------------------- what is wrong


def problems(links: Iterable[Link], answers: Mapping[str, Answer]) -> Iterator[Problem]:
    """What is to be said of each link."""
    for link in links:
        answer = answers.get(link.url)
        if answer is None or answer.state == "alive":
            continue
        shown = _short(link.target)
        if answer.state == "moved":
            message = f"'{shown}' has moved for good to '{_short(answer.to)}'"
            hint = (
                "see whether that is the same page"
                if _is_front(link, answer)
                else f"write {_short(answer.to)}"
            )
            yield problem("external-link-moved", link.path, link.line, message, hint)
        elif answer.state == "dead":
            hint = "find where the page is now, or remove the link"
            yield problem("external-link-dead", link.path, link.line, f"'{shown}' {answer.note}", hint)
        else:
            hint = "open it in a browser; it is asked again in the next run after an hour"
            yield problem("external-link-unanswered", link.path, link.line, f"'{shown}' {answer.note}", hint)


def moves(links: Iterable[Link], answers: Mapping[str, Answer]) -> dict[str, str]:
    """Target as written → its new address, for those that surely are the same page."""
    found = {}
    for link in links:
        answer = answers.get(link.url)
        if answer and answer.state == "moved" and not _is_front(link, answer):
            fragment = urlsplit(link.target).fragment
            found[link.target] = f"{answer.to}#{fragment}" if fragment else answer.to
    return found


def _is_front(link: Link, answer: Answer) -> bool:
    """A site that sends the readers of a lost page to its front page."""
    return urlsplit(answer.to).path in ("", "/") and urlsplit(link.url).path not in ("", "/")


def _short(text: str) -> str:
    text = visible(text)
    return text if len(text) <= 120 else f"{text[:119]}…"
