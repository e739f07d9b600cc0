"""A translation run: what changed, by which route it is translated, and the files that come of it.

`plan` compares articles and memory and calls no engine; `run` translates what the plan lists, in rounds of some
seconds, and writes the files after each, so that an interrupted run keeps all but its last round.
"""

import contextlib
import os
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from kb.content.article import Article, Catalog, Origin
from kb.errors import EngineError, Problem
from kb.language import memory as po
from kb.language.engine import NEAR, Model, Route, Translator, find_route
from kb.language.markup import Terms, translate_segments
from kb.language.memory import Entry, Memory, State
from kb.language.pagecheck import check_page
from kb.language.quality import gate
from kb.language.segments import Document, Segment
from kb.language.translate import Documents, base_of

DEFAULT_RATE = 5.0
"""Segments a second to expect of a model that was never measured."""
_ROUND_SECONDS = 8.0
_FIRST_ROUND, _MOST, _LEAST = 64, 4096, 16  # segments in a round
_SUSPICIOUS = 8  # so many texts without one answer are no accident
MEMORY = "memory"
"""Engine name of a text taken over from another article where a person had approved it."""


@dataclass(frozen=True, slots=True)
class Options:
    """How to plan. `routes` is language → the language to translate it from where there is such a text; `retry`
    asks again for what was refused, `renew` replaces machine text of other models than the present one."""

    routes: Mapping[str, str] = field(default_factory=dict)
    retry: bool = False
    renew: bool = False
    glossary: Mapping[str, Sequence[tuple[str, str]]] = field(default_factory=dict)
    """Language → (term, translation)."""
    keep: tuple[str, ...] = ()
    """Names that stay as they are."""

    def terms(self, language: str) -> Terms:
        return Terms(self.keep, tuple(self.glossary.get(language, ())))


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one text: its translation or the reason there is none, and the engine."""

    text: str | None
    engine: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Work:
    """One article in one language: the entries that need no engine, and the texts that do, in document order."""

    base: Article
    document: Document
    memory: Memory
    ready: Mapping[str, Entry]
    pending: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Lane:
    """All work on one language from one other; `route` is None where no engine leads there. `known` are texts
    that another article of the language has a translation of."""

    source: str
    target: str
    route: Route | None
    model: Model | None
    works: tuple[Work, ...]
    known: Mapping[str, Answer]

    @property
    def waiting(self) -> tuple[str, ...]:
        """What is to be translated, each text once, whether or not an engine is there for it."""
        pending = (text for work in self.works for text in work.pending if text not in self.known)
        return tuple(dict.fromkeys(pending))

    @property
    def texts(self) -> tuple[str, ...]:
        """What an engine has to translate."""
        return self.waiting if self.route else ()

    @property
    def articles(self) -> int:
        return sum(bool(work.pending) for work in self.works)

    @property
    def seconds(self) -> float:
        rate = self.model.rate if self.model and self.model.rate else DEFAULT_RATE
        return len(self.texts) / rate


@dataclass(frozen=True, slots=True)
class Plan:
    lanes: tuple[Lane, ...]
    problems: tuple[Problem, ...]


# --- planning ---


def plan(
    catalog: Catalog,
    memories: Iterable[Memory],
    languages: Sequence[str],
    engines: Sequence[Translator],
    *,
    articles: str = "articles",
    options: Options | None = None,
    broken: Collection[str] = (),
) -> Plan:
    """What a run would do for `languages`. `articles` is the folder's name in paths of new files, `broken` are
    paths of files that cannot be read, which are left alone."""
    options = options or Options()
    planner = _Planner(catalog, {(m.language, m.id): m for m in memories}, engines, articles, options)
    lanes = [lane for language in languages for lane in planner.lanes(language, broken)]
    return Plan(tuple(lanes), tuple(problem for lane in lanes for problem in _without_route(lane)))


def _without_route(lane: Lane) -> Iterator[Problem]:
    count = len(lane.waiting)
    if lane.route is None and count:
        yield Problem(
            "no-engine",
            f"{lane.target}",
            None,
            f"{count} segments wait for a translation from '{lane.source}', and no installed engine does that",
            f"kb models install {lane.source}-{lane.target}",
            "warning",
        )


class _Planner:
    def __init__(
        self,
        catalog: Catalog,
        memories: Mapping[tuple[str, str], Memory],
        engines: Sequence[Translator],
        articles: str,
        options: Options,
    ) -> None:
        self.catalog, self.memories, self.engines = catalog, memories, engines
        self.articles, self.options = articles, options
        self.documents = Documents()
        self.routes: dict[tuple[str, str], Route | None] = {}

    def lanes(self, language: str, broken: Collection[str]) -> Iterator[Lane]:
        """The lanes into `language`, by source language."""
        bases: dict[str, list[tuple[Article, Memory]]] = {}
        for id, source in sorted(self.catalog.sources.items()):
            path = f"{self.articles}/{language}/{id}{po.ENDING}"
            own = self.catalog.get(language, id)
            written = own is not None and own.origin is Origin.WRITTEN
            if written or source.translate is False or path in broken:
                continue
            known = self.memories.get((language, id))
            base = self.base(language, source, known)
            memory = known or Memory(path, language, id, base.language)
            bases.setdefault(base.language, []).append((base, memory))
        for origin, pairs in sorted(bases.items()):
            route = self.route(origin, language)
            model = route.model() if route else None
            works = tuple(self.work(base, memory, model) for base, memory in pairs)
            yield Lane(origin, language, route, model, works, self.known(origin, works))

    def known(self, source: str, works: Iterable[Work]) -> dict[str, Answer]:
        """What the memory of other articles answers: approved texts before machine ones."""
        found: dict[str, Answer] = {}
        machine: dict[str, Answer] = {}
        pending = {text for work in works for text in work.pending}
        memories = (work.memory for work in works if pending and (work.memory.source or source) == source)
        for entry in (entry for memory in memories for entry in memory.entries):
            if entry.source not in pending or entry.obsolete or entry.unused or entry.context:
                continue
            if entry.state is State.REVIEWED:
                found.setdefault(entry.source, Answer(entry.text, MEMORY))
            elif entry.state is State.MACHINE and not self.options.renew:
                machine.setdefault(entry.source, Answer(entry.text, entry.engine))
        return {**machine, **found}

    def route(self, source: str, target: str) -> Route | None:
        key = source, target
        if key not in self.routes:
            self.routes[key] = find_route(source, target, self.engines)
        return self.routes[key]

    def base(self, language: str, source: Article, known: Memory | None) -> Article:
        """The text to translate: what the memory was made from, so that engines that come and go change nothing; for a
        new one the configured language, then a person's text in a near language, then the source."""
        base = base_of(self.catalog, known) if known and known.entries else None
        if base is not None:
            return base
        wanted = [self.options.routes[language]] if language in self.options.routes else []
        for other in [*wanted, *NEAR.get(language.split("-")[0], ())]:
            text = self.catalog.get(other, source.id)
            route = self.route(other, language) if text is not None else None
            direct = route is not None and (len(route.legs) == 1 or other in wanted)
            if text is not None and text.origin is Origin.WRITTEN and direct:
                return text
        return source

    def work(self, base: Article, memory: Memory, model: Model | None) -> Work:
        document = self.documents.of(base)
        ready: dict[str, Entry] = {}
        pending: dict[str, None] = {}
        for segment in document.segments:
            entry = memory.find(segment)
            if entry is None:
                made = _without_engine(memory, document, segment)
                if made is not None:
                    ready.setdefault(segment.text, made)
                if made is None or made.state is State.STALE:
                    pending.setdefault(segment.text)
            elif self.wants(entry, model):
                pending.setdefault(segment.text)
        return Work(base, document, memory, ready, tuple(pending))

    def wants(self, entry: Entry, model: Model | None) -> bool:
        """Whether an engine has something to give to an entry that exists."""
        # Without a model there is none that could do better than the one that was refused.
        refused = entry.refused.startswith(f"{model.identity}: " if model else "") if entry.refused else False
        if entry.state is State.REVIEWED or (refused and not self.options.retry):
            return False
        if entry.state is State.MACHINE:
            other = model is not None and entry.engine not in (model.identity, MEMORY)
            return self.options.renew and other and not entry.by_person
        return entry.state is State.MISSING or not entry.suggestion


def _without_engine(memory: Memory, document: Document, segment: Segment) -> Entry | None:
    """An entry for a segment that has none: one that comes back, or a person's text of its former wording."""
    for entry in memory.entries:
        if entry.obsolete and entry.source == segment.text:
            return entry.with_(obsolete=False)
    old = po.predecessor(memory, document.segments, segment.text) if memory.entries else None
    return po.stale(po.entry_for(segment), old) if old else None


# --- running ---


@dataclass(frozen=True, slots=True)
class Step:
    """How far a run is: `done` of `total` segments, `rate` a second so far, `seconds_left` by that rate."""

    done: int
    total: int
    rate: float
    seconds_left: float
    language: str
    engine: str


@dataclass(slots=True)
class Report:
    """What a run did: paths of files written, segments translated by engines, and everything refused."""

    files: list[str] = field(default_factory=list)
    translated: int = 0
    reused: int = 0
    problems: list[Problem] = field(default_factory=list)
    rates: dict[str, float] = field(default_factory=dict)
    """Segments a second by model."""


def run(
    plan: Plan,
    root: Path,
    *,
    render: Callable[[str], str] | None = None,
    options: Options | None = None,
    on_step: Callable[[Step], None] = lambda step: None,
    clock: Callable[[], float] = time.monotonic,
) -> Report:
    """Translate what the plan lists and write the files below `root`.

    `render` turns a Markdown body into HTML under the site's extensions; with it every changed page is checked.
    What is done is written after each round, so nothing but the last round is lost when this is interrupted.

    Raises:
        EngineError, ModelError: an engine cannot go on; files of earlier rounds are written.
    """
    runner = _Runner(
        root, render, options or Options(), on_step, clock, sum(len(lane.texts) for lane in plan.lanes)
    )
    for lane in plan.lanes:
        runner.lane(lane)
    runner.report.problems += plan.problems
    return runner.report


class _Runner:
    def __init__(
        self,
        root: Path,
        render: Callable[[str], str] | None,
        options: Options,
        on_step: Callable[[Step], None],
        clock: Callable[[], float],
        total: int,
    ) -> None:
        self.root, self.render, self.options = root, render, options
        self.on_step, self.clock, self.total = on_step, clock, total
        self.report = Report()
        self.done, self.spent = 0, 0.0
        self.round_size = _FIRST_ROUND

    def lane(self, lane: Lane) -> None:
        answers = dict(lane.known)
        for works in _rounds(lane.works, answers, lambda: self.round_size):
            texts = _open_texts(works, answers) if lane.route else {}
            seconds = self.translate(lane, texts, answers)
            for work in works:
                self.finish(lane, work, answers)
            if texts and seconds > 0:
                self.round_size = max(_LEAST, min(_MOST, round(len(texts) / seconds * _ROUND_SECONDS)))

    def translate(self, lane: Lane, texts: Mapping[str, Segment], answers: dict[str, Answer]) -> float:
        """Ask the engine for `texts` and add what it said to `answers`; the seconds it took."""
        if not texts or lane.route is None or lane.model is None:
            return 0.0
        before, model, terms = self.clock(), lane.model, self.options.terms(lane.target)
        outcomes = translate_segments(
            list(texts),
            _checked(lane.route, model.identity),
            style=model.tokens,
            language=lane.source,
            encodable=model.encodable,
            protect=terms,
            keep=[segment.keep for segment in texts.values()],
            accept=gate(lane.source, lane.target, terms=terms),
            max_words=model.max_words,
            target=lane.target,
        )
        for text, outcome in zip(texts, outcomes, strict=True):
            answers[text] = Answer(outcome.text, model.identity, outcome.reason)
        seconds = self.clock() - before
        self.count(lane, len(texts), seconds)
        return seconds

    def count(self, lane: Lane, texts: int, seconds: float) -> None:
        assert lane.model is not None
        self.done, self.spent = self.done + texts, self.spent + seconds
        self.report.translated += texts
        rate = self.done / self.spent if self.spent > 0 else 0.0
        if rate:
            self.report.rates[lane.model.identity] = rate
        left = max(0, self.total - self.done) / rate if rate else 0.0
        self.on_step(Step(self.done, self.total, rate, left, lane.target, lane.model.identity))

    def finish(self, lane: Lane, work: Work, answers: Mapping[str, Answer]) -> None:
        """Write the work's file, when anything in it changed."""
        made = dict(work.ready)
        for segment in work.document.segments:
            answer = answers.get(segment.text)
            if segment.text in work.pending and answer is not None:
                old = made.get(segment.text) or work.memory.find(segment)
                made[segment.text] = _entry(segment, old, answer)
        if made:
            made = self.checked(work, made)
        if self.written(work, made):
            self.report.files.append(work.memory.path)
            self.report.reused += sum(made[text].engine == MEMORY for text in work.pending if text in made)
            self.report.problems += _refusals(work, made)

    def checked(self, work: Work, made: Mapping[str, Entry]) -> dict[str, Entry]:
        """Without the new texts that change the page's element tree."""
        if self.render is None:
            return dict(made)
        entries = [made.get(segment.text) or work.memory.find(segment) for segment in work.document.segments]
        texts = [entry.text or None if entry else None for entry in entries]
        result = dict(made)
        for broken in check_page(work.document, texts, render=self.render).broken:
            entry = entries[broken.segment]
            if entry is not None and entry.source in made and not entry.by_person:
                result[entry.source] = entry.with_(
                    text="", fuzzy=False, engine="", refused=f"{entry.engine}: page: {broken.reason}"
                )
        return result

    def written(self, work: Work, made: Mapping[str, Entry]) -> bool:
        """Whether the file was written. It is read again first: a person may have saved it since the plan was made."""
        file = self.root / work.memory.path
        memory = _fresh(file, work.memory, self.root)
        if memory is not work.memory:
            made = {text: entry for text, entry in made.items() if not _taken(memory, work.document, text)}
        changed = po.update(memory, work.document.segments, made)
        if changed is memory:
            return False
        po.save(file, po.dump(changed))
        return True


def _fresh(file: Path, planned: Memory, root: Path) -> Memory:
    if not file.is_file():
        return planned
    memory, problems = po.read(file, language=planned.language, id=planned.id, root=root)
    if memory is None or problems:
        raise EngineError(
            f"{planned.path} was changed while it was being translated, and cannot be read now",
            hint="mend it and run again; what was translated before is kept",
        )
    return (
        planned
        if memory.entries == planned.entries
        else replace(memory, source=memory.source or planned.source)
    )


def _taken(memory: Memory, document: Document, text: str) -> bool:
    """Whether a person did the segment meanwhile."""
    segment = next(segment for segment in document.segments if segment.text == text)
    entry = memory.find(segment)
    return entry is not None and entry.state is State.REVIEWED


def _rounds(
    works: Sequence[Work], answers: Mapping[str, Answer], size: Callable[[], int]
) -> Iterator[list[Work]]:
    """Works whose open texts make up a round; one with more texts than that is a round of its own."""
    group: list[Work] = []
    texts: set[str] = set()
    for work in works:
        own = {text for text in work.pending if text not in answers}
        if group and len(texts | own) > size():
            yield group
            group, texts = [], set()
        group.append(work)
        texts |= own
    if group:
        yield group


def _open_texts(works: Iterable[Work], answers: Mapping[str, Answer]) -> dict[str, Segment]:
    """The texts no answer is known for, each with the segment where it stands first."""
    return {
        segment.text: segment
        for work in works
        for segment in reversed(work.document.segments)
        if segment.text in work.pending and segment.text not in answers
    }


def _checked(route: Route, identity: str) -> Callable[[Sequence[str]], Sequence[str]]:
    """The route as a function that refuses what no engine should answer."""

    def translate(texts: Sequence[str]) -> Sequence[str]:
        answers = route(texts) if texts else []
        if len(answers) != len(texts):
            raise EngineError(f"the engine of {identity} answered {len(answers)} of {len(texts)} texts")
        if len(texts) >= _SUSPICIOUS and not any(answer.strip() for answer in answers):
            raise EngineError(
                f"the engine of {identity} answers nothing at all",
                hint="install the model again with 'kb models install', or take another with --engine",
            )
        return answers

    return translate


def _entry(segment: Segment, old: Entry | None, answer: Answer) -> Entry:
    """The entry after an engine's answer; what a person wrote stays, and gets the answer as a suggestion."""
    entry = old or po.entry_for(segment)
    refused = "" if answer.text is not None else f"{answer.engine}: {answer.reason or 'left as it is'}"
    if entry.state is State.STALE or entry.by_person:
        engine = answer.engine if answer.text else ""
        return entry.with_(suggestion=answer.text or "", suggestion_engine=engine, refused=refused)
    if answer.text is None:
        # Machine text that there is stays when a new model has nothing better.
        return entry.with_(refused=refused)
    return entry.with_(text=answer.text, fuzzy=True, engine=answer.engine, refused="")


def _refusals(work: Work, made: Mapping[str, Entry]) -> Iterator[Problem]:
    for entry in made.values():
        if entry.refused:
            engine, _, reason = entry.refused.partition(": ")
            first = entry.source.split("\n")[0]
            yield Problem(
                "translation-refused",
                work.memory.path,
                None,
                f"left in '{work.base.language}': {first if len(first) <= 60 else first[:59] + '…'} — {reason}",
                f"translate it with 'kb review {work.memory.language}'; {engine} was asked",
                "info",
            )


# --- one run at a time ---


@contextlib.contextmanager
def locked(
    file: Path, *, on_wait: Callable[[], None] = lambda: None, poll_seconds: float = 0.2
) -> Iterator[None]:
    """Hold the lock `file`; when another run holds it, say so once and wait until it ends."""
    file.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(file, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        waiting = False
        while not _try_lock(handle):
            if not waiting:
                on_wait()
                waiting = True
            time.sleep(poll_seconds)
        yield
    finally:
        os.close(handle)  # which also gives the lock back, as the end of a killed process does


def _try_lock(handle: int) -> bool:
    try:
        import fcntl
    except ImportError:  # Windows
        import msvcrt

        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        except OSError:
            return False
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
