"""One language's part of the site: what is kept from the build before, what is made, and what is remembered of it.

A kept page is taken from the published site where it still is what was published (:mod:`kb.build.placing`), else
written from the cache.
"""

import gc
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import msgspec
from msgspec.structs import replace

from kb.build.cache import Cache, Pack, Slot
from kb.build.placing import Ground, Place, Signatures, Summary
from kb.content.article import Article
from kb.errors import Problem
from kb.index import rules, writer
from kb.index.document import Document
from kb.index.document import Section as IndexSection
from kb.index.linking import link_or_copy
from kb.index.packed import Packed
from kb.publish.job import NONE, Body, Frame, Job, Known, Made, Pieces, References, Ways
from kb.publish.keys import PARTS, Key, Keys, Shared, names, reasons, short
from kb.publish.pages import Page
from kb.publish.pieces import Shape
from kb.publish.policy import Sources
from kb.publish.sections import Section

_WASTE_BYTES = 1_000_000
"""A pack is written anew when it holds this much, and as much again as counts, that nobody asks for."""
_FLUSH_BYTES = 8_000_000
_COLLECT_EVERY = 20_000
"""New objects; with Python's own 700 the collector takes a tenth of the time."""
_PIECES_LIMIT = 200
_HOME = "index.md"
"""Source of the first page of every language."""
_KEY_FILE = "key"
"""In an index on disk: what it was made of."""


class _PageRecord(msgspec.Struct, frozen=True, array_like=True):
    """``text`` and ``body`` are the key and the place of the rendered Markdown, of which ``references`` are a part."""

    file: str
    key: Key
    html: Slot
    scripts: list[str]
    styles: list[str]
    text: bytes
    body: Slot | None
    references: msgspec.Raw
    """:class:`References`, which are asked for only where something of the language changed."""


class Record(msgspec.Struct, frozen=True):
    """A language as it was last built. ``search`` is the key of its index, ``names`` the hash of its categories',
    ``categories`` are those of all that shapes the pages of each."""

    key: bytes
    pages: dict[str, _PageRecord]
    categories: dict[str, bytes]
    search: bytes
    search_files: dict[str, Slot]
    problems: list[Problem]
    names: bytes
    html_pack: str
    body_pack: str


class _Pieces(msgspec.Struct, frozen=True):
    """:class:`Pieces` under settings, theme and words of this ``key``."""

    key: bytes
    frames: list[tuple[Shape, Frame]]
    tongues: list[tuple[Ways, dict[str, Frame]]]
    contents: dict[str, Frame]
    lists: dict[str, Frame]
    sidebars: dict[bytes, str]
    homes: dict[bytes, Frame]


class _Prepared(msgspec.Struct, frozen=True):
    """What the next index of a language is made from. ``made_by`` is the hash of settings and program, ``rules_key``
    that of the files of ``rules``."""

    made_by: bytes
    rules_key: bytes
    rules: rules.Rules
    packed: Packed | None


class Search(msgspec.Struct, frozen=True):
    """How the index is made. ``rules`` is the hash of the synonyms and stop lists in ``folders``."""

    folders: Sequence[Path]
    threshold: float
    vectors: Path | None
    rules: bytes


class Part(msgspec.Struct, frozen=True):
    """One language's part of the site. ``key`` is the hash of all that shapes it; ``ground`` is what its folder ``out``
    begins with; ``index`` and ``old_index`` are the new and the present index on disk."""

    language: str
    out: Path
    key: bytes
    shared: Shared
    files: Mapping[str, Path]
    """Address of each file that is no page → where it comes from."""
    media: Mapping[str, bytes]
    """Address of each file that is no page → its hash."""
    hashes: Mapping[str, bytes]
    """Path of an article → the hash of all that it says."""
    cache: Path
    ground: Ground
    index: Path
    old_index: Path
    search: Search


class Task(Part, frozen=True):
    """A part that has to be made; to plan its ``job`` costs more than to keep it. ``record`` is what is remembered of
    it."""

    job: Job
    record: Record | None


class Outcome(msgspec.Struct, frozen=True):
    """``made`` are the addresses of pages made, with the reasons; ``signatures`` the files, None when they are those
    that were published; ``fresh`` those that are not, and have to be looked over."""

    language: str
    summary: Summary
    made: tuple[tuple[str, tuple[str, ...]], ...] = ()
    signatures: Signatures | None = None
    fresh: tuple[str, ...] = ()
    damaged: tuple[Problem, ...] = ()

    @property
    def problems(self) -> tuple[Problem, ...]:
        return self.summary.problems

    @property
    def pages(self) -> int:
        return self.summary.pages

    @property
    def sources(self) -> Sources:
        return Sources(frozenset(self.summary.scripts), frozenset(self.summary.styles))


class _Choice(msgspec.Struct):
    """Which pages are kept and which are made."""

    bodies: "_Bodies" = msgspec.field(default_factory=lambda: _Bodies())
    references: dict[str, References] = msgspec.field(default_factory=dict)
    texts: dict[str, bytes] = msgspec.field(default_factory=dict)
    kept: dict[str, _PageRecord] = msgspec.field(default_factory=dict)
    wanted: dict[str, tuple[str, ...]] = msgspec.field(default_factory=dict)
    categories: dict[str, bytes] = msgspec.field(default_factory=dict)


def kept(part: Part) -> Outcome | None:
    """A language's folder as it was in the build before, or None when something of it has to be made."""
    summary = part.ground.summary
    if summary is not None and summary.key != part.key:
        return None
    if summary is not None and part.ground.is_whole and _keep_index(part, summary.search):
        # Everything is in its place: what is remembered of each page need not be looked at.
        return Outcome(part.language, summary)
    return _Keeping(part, remembered(Cache(part.cache), part.language)).kept()


def remembered(cache: Cache, language: str) -> Record | None:
    """What the build before knew of a language."""
    return cache.read(f"pages-{language}", Record)


def make(task: Task, report: Callable[[int], None]) -> Outcome:
    """Make one language's folder complete."""
    # Pages leave circles behind; what was there before lives on and is not looked at.
    gc.freeze()
    gc.set_threshold(_COLLECT_EVERY, 10, 50)
    gc.enable()
    try:
        return _Making(task, report).run()
    finally:
        gc.disable()
        gc.unfreeze()


def prepare(task: Task) -> None:
    """Load what every language needs, before processes are forked."""
    from kb.index import disk  # noqa: F401  # loads Whoosh
    from kb.publish import site  # as in a build

    site.prepare(task.job)


def is_little(task: Task) -> bool:
    """Whether only few of a language's pages have to be made, as far as can be told without looking at each."""
    return _Making(task, lambda done: None).is_little()


def sketch(task: Task, addresses: Sequence[str]) -> tuple[str, ...]:
    """Make pages that are being looked at, where they changed, and nothing else: for a preview, ahead of the build.

    ``addresses`` are relative to the language's root; the files that were made are returned likewise, and lie below
    ``task.job.out``. Nothing is remembered.
    """
    return _Sketch(task, lambda done: None).made(addresses)


class _Keeping:
    """Knows what a language was in the build before."""

    task: Part

    def __init__(self, task: Part, record: Record | None) -> None:
        self.task, self.language, self.record = task, task.language, record
        self.cache = Cache(task.cache)
        self.prepared, self.pieces = f"search-{self.language}", f"pieces-{self.language}"
        old = record
        self.html = self.cache.pack(old.html_pack if old else f"html-{self.language}-0")
        self.body = self.cache.pack(old.body_pack if old else f"body-{self.language}-0")
        self.place = Place(task.ground)

    def kept(self) -> Outcome | None:
        old = self.record
        if old is None or old.key != self.task.key:
            return None
        if not self.all_kept(old):
            self.place.give_up()
            return None
        return self.outcome(old, old.problems, ())

    def all_kept(self, old: Record) -> bool:
        """Whether every file could be put in place as it was."""
        return (
            _keep_index(self.task, old.search)
            and all(self.keep(page.file, page.html) for page in old.pages.values())
            and all(self.keep(file, slot) for file, slot in old.search_files.items())
            and self.media()
        )

    def keep(self, file: str, slot: Slot) -> bool:
        if self.place.link(file, slot.hash):
            return True
        data = self.html.get(slot)
        if data is None:
            return False
        self.place.write(file, data)
        return True

    def media(self) -> bool:
        for name, hash in self.task.media.items():
            if not self.place.link(name, hash):
                self.place.copy(name, self.task.files[name], hash)
        return True

    def outcome(
        self, record: Record, problems: Sequence[Problem], made: tuple[tuple[str, tuple[str, ...]], ...]
    ) -> Outcome:
        place = self.place
        place.settle()
        place.tidy()
        pages = record.pages.values()
        names = (f"pages-{self.language}", self.pieces, self.prepared, record.html_pack, record.body_pack)
        summary = Summary(
            record.key,
            record.search,
            len(record.pages),
            tuple(problems),
            tuple(sorted({script for page in pages for script in page.scripts})),
            tuple(sorted({style for page in pages for style in page.styles})),
            names,
        )
        return Outcome(
            self.language,
            summary,
            made,
            None if place.is_unchanged else place.signatures,
            tuple(file for file in place.signatures if file not in place.linked),
            tuple(self.cache.problems),
        )


class _Making(_Keeping):
    task: Task

    def __init__(self, task: Task, report: Callable[[int], None]) -> None:
        super().__init__(task, task.record)
        self.report = report
        self.keys: dict[str, Key] = {}

    def is_little(self) -> bool:
        """Whether pages have what all of them show as it was: settings, theme, words, and the names of categories."""
        record, job, shared = self.record, self.task.job, self.task.shared
        home = record.pages.get(_HOME) if record else None
        if record is None or home is None or not job.plain or shared.whole:
            return False
        same = [list(PARTS).index(part) for part in ("settings", "theme", "words")]
        now = (shared.settings, shared.theme, shared.words)
        return tuple(home.key[at] for at in same) == now and record.names == names(job.plan)

    def run(self) -> Outcome:
        task = self.task
        task.out.mkdir(parents=True, exist_ok=True)
        choice = self.choice()
        made, built_problems, texts = self.build(choice)
        search, search_files = self.index(texts)
        record = Record(
            task.key,
            {**choice.kept, **made},
            choice.categories,
            search,
            search_files,
            list(built_problems),
            names(task.job.plan),
            self.html.name,
            self.body.name,
        )
        if not any(problem.severity == "error" for problem in built_problems):
            record = self.remember(record)
        urls = {page.source: page.url for page in task.job.plan.pages}
        reasons = tuple((urls.get(source, source), why) for source, why in choice.wanted.items())
        return self.outcome(record, built_problems, reasons)

    def choice(self) -> _Choice:
        """Decide page by page."""
        task, old, choice = self.task, self.record, _Choice()
        pages = task.job.plan.pages
        if not task.job.plain:
            choice.wanted = {page.source: _not_plain(old, task.key) for page in pages}
            return choice
        keys = self.keys_of = Keys(task.job.plan, task.shared, tuple(task.media))
        known = old.pages if old else {}
        now, before = keys.categories(task.hashes), old.categories if old else {}
        unchanged = {id for id, hash in now.items() if before.get(id) == hash}
        choice.categories = now
        self.body.load()
        for page in pages:
            record = known.get(page.source)
            # To hash what shapes each page would cost more than all else here.
            same = record if page.category and page.category.id in unchanged else None
            text = choice.texts[page.source] = same.text if same else keys.text(page)
            body, references = self.body_of(page, record, text, keys)
            if body is not None and references is not None:
                choice.bodies.add(page.source, body)
                choice.references[page.source] = references
            key = same.key if same and references is not None else keys.of(page, text, references)
            self.keys[page.source] = key
            if record is not None and record.key == key and self.keep(record.file, record.html):
                choice.kept[page.source] = record
            else:
                choice.wanted[page.source] = reasons(record.key if record else None, key)
        self.body.close()
        if task.shared.whole and choice.kept and choice.wanted:
            # The shop's own templates may show any page on any other: all are made together.
            choice.wanted = {
                page.source: choice.wanted.get(page.source, ("with the others",)) for page in pages
            }
            choice.kept.clear()
            self.place.start_again()
        return choice

    def body_of(
        self, page: Page, record: _PageRecord | None, text: bytes, keys: Keys
    ) -> tuple[bytes, References] | tuple[None, None]:
        """A page's rendered text as it is remembered, and what it refers to, if it can be used; nothing in either where
        the page has no text."""
        if not (page.article and page.article.markdown):
            return b"", NONE
        if record is None or record.body is None or record.text != text:
            return None, None
        references = _REFERENCES.decode(record.references)
        data = self.body.get(record.body) if keys.holds(references) else None
        return (data, references) if data is not None else (None, None)

    def build(self, choice: _Choice) -> tuple[dict[str, _PageRecord], Sequence[Problem], "_Texts"]:
        from kb.publish import site  # MkDocs takes long to load, and most languages of most builds do without

        job, keeper, pieces = self.task.job, _Keeper(self, choice), self.known_pieces()
        if job.plain:
            self.media()
        # Nothing may lie where a page is going to be written: it could be a link to the published one.
        self.place.settle()
        wanted = None if len(choice.wanted) == len(job.plan.pages) else frozenset(choice.wanted)
        done = len(choice.kept)
        built = site.build(
            replace(job, known=Known(choice.bodies, choice.references, wanted, pieces, self.home(choice))),
            progress=lambda made: self.report(done + made),
            keep=keeper.keep,
        )
        keeper.flush()
        self.remember_pieces(pieces, built.pieces)
        for record in keeper.records.values():
            self.place.written(record.file, record.html.hash)
        if job.plain:
            sources = {p.article.id: p.source for p in job.plan.pages if p.kind == "article" and p.article}
            return keeper.records, built.problems, _Sections(sources, choice.bodies, keeper.sections)
        self.place.rest()
        return keeper.records, built.problems, {each.id: each.sections for each in built.rendered}

    def home(self, choice: _Choice) -> bytes:
        page = self.task.job.plan.pages[0]
        references = choice.references.get(page.source)
        if references is None:
            return b""
        return self.keys_of.home(page, choice.texts[page.source], references)

    def known_pieces(self) -> Pieces:
        known = self.cache.read(self.pieces, _Pieces) if self.task.job.plain else None
        if known is None or known.key != self.pieces_key():
            return Pieces()
        kinds = (known.contents, known.lists, known.sidebars, known.homes)
        return Pieces(dict(known.frames), dict(known.tongues), *kinds)

    def remember_pieces(self, known: Pieces, used: Pieces) -> None:
        kinds = Pieces.__struct_fields__
        if all(getattr(used, kind).keys() <= getattr(known, kind).keys() for kind in kinds):
            return
        # They come and go: only so many of those that were not met in this build are kept.
        frames, tongues, contents, lists, sidebars = (
            {**dict(list(getattr(known, kind).items())[-_PIECES_LIMIT:]), **getattr(used, kind)}
            for kind in kinds[:-1]
        )
        homes = used.homes or known.homes
        ways = list(frames.items()), list(tongues.items())
        both = _Pieces(self.pieces_key(), *ways, contents, lists, sidebars, homes)
        self.cache.write(self.pieces, both)

    def pieces_key(self) -> bytes:
        shared = self.task.shared
        return short(shared.settings, shared.theme, shared.words, self.task.job.plan.languages)

    # --- the index ---

    def index(self, texts: "_Texts") -> tuple[bytes, dict[str, Slot]]:
        task, old = self.task, self.record
        search = task.search
        sources = self.sources(texts)
        content = b"".join(source.key for source in sources)
        key = short(task.shared.settings, search.rules, search.threshold, task.job.plan.languages, content)
        if (
            old
            and old.search == key
            and _keep_index(task, key)
            and all(self.keep(file, slot) for file, slot in old.search_files.items())
        ):
            return key, old.search_files
        shutil.rmtree(task.index, ignore_errors=True)
        self.place.settle()
        for file in old.search_files if old else ():
            self.place.remove(file)
        before = self.index_before()
        written = writer.write(
            sources,
            language=self.language,
            rules=before.rules,
            site_dir=task.job.out,
            index_dir=task.index,
            languages=task.job.plan.languages,
            threshold=search.threshold,
            vectors=search.vectors,
            before=writer.Before(before.packed, task.old_index),
        )
        self.cache.write(self.prepared, msgspec.structs.replace(before, packed=written.packed))
        (task.index / _KEY_FILE).write_bytes(key)
        slots = self.html.append({file: (task.job.out / file).read_bytes() for file in written.files})
        for file, slot in slots.items():
            self.place.written(file, slot.hash)
        return key, slots

    def index_before(self) -> _Prepared:
        """What is remembered of the index of before, with today's rules."""
        made_by, search = self.task.shared.settings, self.task.search
        known = self.cache.read(self.prepared, _Prepared)
        if known and (known.made_by, known.rules_key) == (made_by, search.rules):
            return known
        now = rules.load(self.language, search.folders)
        packed = known.packed if known and known.made_by == made_by else None
        return _Prepared(made_by, search.rules, now, packed)

    def sources(self, texts: "_Texts") -> list[writer.Source]:
        """The documents of the index, in the order of their pages."""
        job, keys = self.task.job, self.keys
        # A page's key has the hashes of its text and details, from which its document follows.
        text, details = (list(PARTS).index(part) for part in ("text", "details"))
        found = []
        for page in job.plan.pages:
            article = page.article
            if page.kind != "article" or article is None or article.id not in texts:
                continue
            if job.plain:
                key = keys[page.source]
                found.append(
                    writer.Source(key[text] + key[details], partial(_document, page, article, texts))
                )
            else:
                found.append(writer.source(_document(page, article, texts), self.task.shared.settings))
        return found

    # --- remembering ---

    def remember(self, record: Record) -> Record:
        html = {source: page.html for source, page in record.pages.items()} | record.search_files
        bodies = {source: page.body for source, page in record.pages.items() if page.body}
        self.html, html = self.compacted(self.html, html)
        self.body, bodies = self.compacted(self.body, bodies)
        if (self.html.name, self.body.name) != (record.html_pack, record.body_pack):
            pages = {
                source: msgspec.structs.replace(page, html=html[source], body=bodies.get(source))
                for source, page in record.pages.items()
            }
            files = {file: html[file] for file in record.search_files}
            record = msgspec.structs.replace(
                record, pages=pages, search_files=files, html_pack=self.html.name, body_pack=self.body.name
            )
        self.cache.write(f"pages-{self.language}", record)
        return record

    def compacted(self, pack: Pack, slots: dict[str, Slot]) -> tuple[Pack, dict[str, Slot]]:
        live = sum(slot.length for slot in slots.values())
        if pack.size() <= 2 * live + _WASTE_BYTES:
            return pack, slots
        stem, _, number = pack.name.rpartition("-")
        new = self.cache.pack(f"{stem}-{int(number) + 1}")
        new.remove()
        return new, new.take(pack, slots)


class _Sketch(_Making):
    """Decides as a build does, and makes only what somebody looks at."""

    def keep(self, file: str, slot: Slot) -> bool:
        return True

    def made(self, addresses: Sequence[str]) -> tuple[str, ...]:
        from kb.publish import site  # as in a build

        job, choice = self.task.job, self.choice()
        looked_at = {page.source for page in job.plan.pages if page.url in addresses}
        wanted = frozenset(choice.wanted) & looked_at
        if not wanted:
            return ()
        known = Known(choice.bodies, choice.references, wanted, self.known_pieces())
        built = site.build(replace(job, known=known))
        return tuple(made.file for made in built.made)


def _keep_index(part: Part, key: bytes) -> bool:
    """Have the index on disk as it is, if it was made of ``key``."""
    try:
        if (part.old_index / _KEY_FILE).read_bytes() != key:
            return False
        part.index.mkdir(parents=True, exist_ok=True)
        for entry in os.scandir(part.old_index):
            link_or_copy(entry.path, part.index / entry.name)
    except OSError:
        return False
    return True


_Texts = Mapping[str, Sequence[Section]]
"""Article id → its text in sections."""


class _Bodies(Mapping[str, Body]):
    """Rendered texts by the source file of their page, each decoded when it is asked for: few are."""

    def __init__(self) -> None:
        self._found: dict[str, bytes] = {}

    def add(self, source: str, data: bytes) -> None:
        """Add a text as it is remembered."""
        self._found[source] = data

    def __getitem__(self, source: str) -> Body:
        data = self._found[source]
        return _BODY.decode(data) if data else Body("")

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)

    def __contains__(self, source: object) -> bool:
        return source in self._found


class _Sections(_Texts):
    """The texts of articles: ``sources`` says which page shows which, ``fresh`` has those that were rendered now."""

    def __init__(
        self, sources: Mapping[str, str], bodies: _Bodies, fresh: Mapping[str, Sequence[Section]]
    ) -> None:
        self._sources, self._bodies, self._fresh = sources, bodies, fresh

    def __getitem__(self, id: str) -> Sequence[Section]:
        source = self._sources[id]
        fresh = self._fresh.get(source)
        return self._bodies[source].sections if fresh is None else fresh

    def __iter__(self) -> Iterator[str]:
        return (id for id in self._sources if id in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __contains__(self, id: object) -> bool:
        source = self._sources.get(id) if isinstance(id, str) else None
        return source is not None and (source in self._fresh or source in self._bodies)


class _Keeper:
    """Takes the pages as they are made, and packs them."""

    def __init__(self, making: _Making, choice: _Choice) -> None:
        self.making, self.choice = making, choice
        self.records: dict[str, _PageRecord] = {}
        self.sections: dict[str, Sequence[Section]] = {}
        self._views = {page.source: page for page in making.task.job.plan.pages}
        self._pending: dict[str, tuple[Made, bytes]] = {}
        self._size = 0

    def keep(self, made: Made, html: bytes) -> None:
        source = made.source
        self._pending[source] = made, html
        if made.body is not None:
            self.sections[source] = made.body.sections
            # Only now is it known where the links of its text lead.
            text = self.choice.texts[source]
            view, references = self._views[source], made.body.references
            self.making.keys[source] = self.making.keys_of.of(view, text, references)
        self._size += len(html)
        if self._size > _FLUSH_BYTES:
            self.flush()

    def flush(self) -> None:
        making, pending = self.making, self._pending
        html = making.html.append({source: data for source, (_, data) in pending.items()})
        bodies = making.body.append(
            {source: _ENCODER.encode(made.body) for source, (made, _) in pending.items() if made.body}
        )
        for source, (made, _) in pending.items():
            references = made.body.references if made.body else self.choice.references.get(source, NONE)
            self.records[source] = _PageRecord(
                made.file,
                making.keys.get(source, ()),
                html[source],
                sorted(made.sources.scripts),
                sorted(made.sources.styles),
                self.choice.texts.get(source, b""),
                bodies.get(source) or self._slot_before(source),
                msgspec.Raw(_ENCODER.encode(references)),
            )
        pending.clear()
        self._size = 0

    def _slot_before(self, source: str) -> Slot | None:
        record = self.making.record
        before = record.pages.get(source) if record and source in self.choice.bodies else None
        return before.body if before else None


_BODY = msgspec.msgpack.Decoder(Body)
_REFERENCES = msgspec.msgpack.Decoder(References)
_ENCODER = msgspec.msgpack.Encoder()


def _not_plain(old: Record | None, key: bytes) -> tuple[str, ...]:
    if old is None:
        return ("it is new",)
    if old.key == key:
        return ("the cache had lost it",)
    return ("something in its language changed, and plugins or hooks may show it anywhere",)


def _document(page: Page, article: Article, texts: _Texts) -> Document:
    return Document(
        id=article.id,
        url=page.url,
        title=article.title,
        language=article.language,
        questions=article.questions,
        tags=article.tags,
        category=article.category,
        sections=tuple(IndexSection(s.anchor, s.heading, s.text) for s in texts[article.id]),
        origin=article.origin.value,
    )
