"""The whole build, as one ordered list of steps: read, check, add translations, make each language, release.

What has not changed since the build before comes from the cache (:mod:`kb.build.cache`): articles and findings
(:mod:`kb.build.reading`), pages and indexes (:mod:`kb.build.making`), feeds and the root. An incremental build
gives the same bytes as a clean one.
"""

import gc
import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path

import msgspec

from kb import resources
from kb.build import circumstances, making, parallel, placing, reading
from kb.build.cache import Cache, digest
from kb.build.circumstances import Circumstances
from kb.build.making import Outcome, Search, Task
from kb.build.placing import ROOT, Place, Published, Tree, hashed
from kb.build.reading import Content, read
from kb.config import Config
from kb.content.article import Catalog
from kb.content.media import Media
from kb.errors import ContentError, Problem, ranked
from kb.publish import addresses, assets, feeds, hosts, interface, policy, release, standalone
from kb.publish.addresses import Target
from kb.publish.assets import Assets
from kb.publish.centre import Centre
from kb.publish.contact import BUILD_FILE, Contact, Destination
from kb.publish.interface import Strings
from kb.publish.job import Identity, Job
from kb.publish.keys import Shared, Snippets, short
from kb.publish.pages import Plan, availability
from kb.publish.policy import Sources
from kb.publish.standalone import Standalone
from kb.publish.texts import write as write_texts

__all__ = ["Content", "Made", "Report", "build", "plan", "read"]

Progress = Callable[[int, int, str], None]
"""Receives pages done, pages in all, and what is being made."""

INDEX_FOLDER = "index"
"""Below ``.kb/``: the index on disk, for the command line and the service."""
HOSTS_FOLDER = "hosts"
"""Below ``.kb/``: configuration for web servers, to copy from."""
_RECORDS_OF_LANGUAGE = ("folder", "seen", "checked", "facts", "po")
_RECORDS = ("identity", "history", "root")


@dataclass(frozen=True, slots=True)
class Made:
    """A page that was made: ``address`` is relative to the root of the site, ``reasons`` are words for a person."""

    address: str
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """What a build did. ``made`` are the pages that could not be kept from the build before."""

    output: Path
    languages: tuple[str, ...]
    pages: int
    problems: tuple[Problem, ...]
    made: tuple[Made, ...] = ()


@dataclass(frozen=True)
class Draft:
    """All that is decided before the first page is written."""

    circumstances: Circumstances
    content: Content
    catalog: Catalog
    """The public one."""
    centre: Centre
    assets: Assets
    files: Mapping[str, Path]
    """Address of each shared file → where it comes from."""
    former: Mapping[str, Target]
    plans: tuple[Plan, ...]
    media: Mapping[str, Mapping[str, Path]]
    """language → address relative to its root → file."""
    problems: tuple[Problem, ...]

    @property
    def identity(self) -> Identity:
        return self.circumstances.identity


class _Texts(msgspec.Struct, frozen=True):
    """What was written outside the languages' pages: address → text."""

    key: bytes
    texts: dict[str, str]


def build(
    config: Config,
    *,
    today: date,
    languages: Sequence[str] = (),
    workers: int = 0,
    clean: bool = False,
    warm: bool = False,
    progress: Progress = lambda done, total, what: None,
) -> Report:
    """Build the site of ``config`` and release it to ``config.output_dir``.

    ``languages`` limits the build to some (for a preview); ``workers`` is the number of processes, 0 for one a core;
    ``clean`` forgets what earlier builds remembered; ``warm`` keeps settings and templates in memory, for a process
    that builds again and again.

    Raises:
        ContentError: something in the content must be mended first; carries every finding.
        ConfigError: ``mkdocs.yml`` cannot be used.
        BuildError: a plugin or template failed, or another build holds the output.
    """
    with _without_collector(), Cache(config.cache_dir) as cache:
        if clean:
            cache.clear()
        content = read(config, today=today, cache=cache)
        stop_on_errors(content.problems)
        draft = plan(config, content, today=today, languages=languages or config.languages, cache=cache)
        # Plugins write where and how they like; links to published files are not for them.
        reuse = draft.identity.plain
        with release.staging(config.output_dir, reuse=reuse) as out, _index_staging(config) as index:
            report = _publish(config, draft, cache, out, index, workers=workers, warm=warm, progress=progress)
    return report


def _publish(
    config: Config,
    draft: Draft,
    cache: Cache,
    out: Path,
    index: Path,
    *,
    workers: int,
    warm: bool,
    progress: Progress,
) -> Report:
    name = f"published-{digest(config.output).hex()}"
    place = digest(str(config.root))
    before = cache.read(name, Published)
    tree = placing.look(out, config.output_dir, before, [each.language for each in draft.plans])
    tasks = tasks_of(config, draft, tree, index, warm=warm)
    root = _Root(out, tree, draft.files, _root_texts(draft, cache, tasks))
    outcomes = _make(tasks, workers=workers, progress=progress)
    sources = standalone.sources(root.pages)
    for each in outcomes:
        sources |= each.sources
    root.write({**hosts.inside(_serving(config, draft, sources)), **_build_file(draft)})
    write_texts(_build_file(draft), index)
    problems = [*draft.problems, *cache.problems]
    problems += [p for each in outcomes for p in (*each.problems, *each.damaged)]
    looked_over = before is not None and before.place == place
    problems += _scanned(config, tree, root, outcomes, looked_over=looked_over)
    problems = [*draft.content.problems, *reading.judge(config, problems)]
    stop_on_errors(problems)
    files = {each.language: each.signatures for each in outcomes}
    now = placing.published(place, before, files, root.place.signatures)
    release.publish(
        out,
        config.output_dir,
        keep=partial(placing.follow, site=config.output_dir, before=before, now=now)
        if draft.identity.plain
        else None,
    )
    cache.write(name, now)
    _prune(cache, config, outcomes, name)
    _write_hosts(config, draft, sources)
    return Report(
        config.output_dir,
        tuple(each.language for each in outcomes),
        sum(each.pages for each in outcomes),
        tuple(ranked(problems)),
        tuple(Made(f"{each.language}/{url}", why) for each in outcomes for url, why in each.made),
    )


@contextmanager
def _without_collector() -> Iterator[None]:
    """A build makes millions of objects that live until its end: looking for garbage among them costs a tenth of it."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def plan(
    config: Config, content: Content, *, today: date, languages: Sequence[str], cache: Cache | None = None
) -> Draft:
    """What goes where: the pages of each language, the files all share, and former addresses."""
    around = circumstances.look(config, resources.theme_dir(), cache)
    identity = around.identity
    shared, files = assets.collect(identity.theme_dirs, resources.theme_dir(), _search_modules())
    catalog = content.catalog.public(today)
    strings, missing = _strings(languages, identity.theme_dirs)
    hidden = {article.id for article in content.catalog} - set(catalog.ids)
    former, clashes = addresses.former(catalog, content.history, articles=config.articles, hidden=hidden)
    origins = availability(catalog.texts)
    plans = tuple(
        Plan(
            edition=catalog.edition(language),
            languages=tuple(languages),
            origins=origins,
            updated=content.history.updated,
            titles=_titles(strings[language]),
        )
        for language in languages
    )
    return Draft(
        circumstances=around,
        content=content,
        catalog=catalog,
        centre=Centre(identity.url, identity.name, config.default_language, strings),
        assets=shared,
        files=files,
        former=former,
        plans=plans,
        media={language: _media(content.media, language) for language in languages},
        problems=(*around.notes, *missing, *clashes),
    )


# --- the languages ---


def tasks_of(
    config: Config,
    draft: Draft,
    tree: Tree,
    index: Path,
    *,
    warm: bool = False,
) -> dict[str, Task]:
    """What each language's part is made of; ``out`` and ``index`` are the folders to make it in."""
    frame = _frame(draft)
    search = Search(
        folders=(resources.search_dir(), config.root / "search"),
        threshold=config.search.threshold,
        # Beside what the build remembers, and outliving it: encoding a language's words takes half a minute.
        vectors=config.cache_dir / "vectors" if config.search.vectors else None,
        rules=b"",
    )
    tasks = {}
    for each in draft.plans:
        language = each.language
        shared = _shared(config, draft, language)
        media = {
            name: draft.content.hashes.get(_relative(file, config.root), b"")
            for name, file in draft.media[language].items()
        }
        rules = digest(_rules(search.folders, language), repr((search.threshold, search.vectors is not None)))
        key = digest(
            shared.settings,
            shared.theme,
            shared.words,
            rules,
            frame,
            repr(sorted(media.items())),
            _language_key(draft, each, shared),
        )
        if not draft.identity.plain:
            key = digest(key, draft.content.history.commit)
        whole = key if draft.circumstances.custom or not draft.identity.plain else b""
        tasks[language] = Task(
            job=_job(config, draft, each, tree.out / language, shared if warm else None),
            key=key,
            shared=Shared(shared.settings, shared.theme, shared.words, whole, shared.snippets),
            media=media,
            cache=config.cache_dir,
            ground=tree.ground(language),
            index=index / language,
            old_index=config.root / ".kb" / INDEX_FOLDER / language,
            search=Search(search.folders, search.threshold, search.vectors, rules),
        )
    return tasks


def _make(tasks: Mapping[str, Task], *, workers: int, progress: Progress) -> list[Outcome]:
    """Each language's part: what is as it was here at once, the others in worker processes."""
    total = sum(len(task.job.plan.pages) for task in tasks.values())
    kept: dict[str, Outcome] = {}
    for language, task in tasks.items():
        outcome = making.kept(task)
        if outcome is not None:
            kept[language] = outcome
    done = sum(each.pages for each in kept.values())
    rest = {language: task for language, task in tasks.items() if language not in kept}
    if len(rest) > 1:
        making.prepare(next(iter(rest.values())))
    made = parallel.run(
        rest, making.make, workers=workers, progress=lambda more: progress(done + more, total, "pages")
    )
    kept |= {each.language: each for each in made}
    return [kept[language] for language in tasks]


def _frame(draft: Draft) -> bytes:
    """The hash of which article exists in which language, and how."""
    languages = [plan.language for plan in draft.plans]
    found = [
        (id, [origins[language].value if language in origins else "" for language in languages])
        for id, origins in sorted(availability(draft.catalog.texts).items())
    ]
    return short(found)


def _language_key(draft: Draft, plan: Plan, shared: Shared) -> bytes:
    """The hash of all articles of a language in their order, with their days."""
    hashes, updated = draft.content.hashes, draft.content.history.updated
    edition = plan.edition
    articles = [*([edition.home] if edition.home else []), *(c.index for c in edition.categories if c.index)]
    articles += edition.articles
    found = [
        f"{a.id}\0{a.path}\0{a.origin.value}\0{updated.get(a.path)}\0{' '.join(a.related)}" for a in articles
    ]
    snippets = Snippets(shared.snippets)
    texts = b"".join(hashes.get(a.path, b"") + snippets.hash(a.body) for a in articles)
    return digest(
        "\n".join(found), texts, repr([(c.id, c.order) for c in edition.categories]), *plan.languages
    )


def _shared(config: Config, draft: Draft, language: str) -> Shared:
    around = draft.circumstances
    names = (draft.assets.files, draft.assets.folder)
    strings = draft.centre.strings[language]
    folders = tuple(config.root / name for name in draft.identity.snippets or (config.articles,))
    return Shared(
        settings=digest(around.settings, draft.identity.url, draft.identity.name),
        theme=digest(around.theme, repr(names)),
        words=short(language, sorted(strings.texts.items())),
        snippets=folders,
    )


def _rules(folders: Sequence[Path], language: str) -> bytes:
    """The hash of a language's synonyms and stop lists."""
    files = [file for folder in folders for file in sorted((folder / language).glob("*")) if file.is_file()]
    return digest(*(part for file in files for part in (file.name, file.read_bytes())))


def _relative(file: Path, root: Path) -> str:
    return file.relative_to(root).as_posix()


def _job(config: Config, draft: Draft, plan: Plan, out: Path, warm: Shared | None) -> Job:
    known = (warm.settings, warm.theme, warm.words) if warm else ()
    return Job(
        root=config.root,
        warm=short(plan.language, *known).hex() if warm else "",
        settings=digest(draft.circumstances.settings, draft.circumstances.theme).hex(),
        out=out,
        plan=plan,
        strings=draft.centre.strings[plan.language],
        assets=draft.assets,
        default_language=config.default_language,
        articles=config.articles,
        site_url=draft.identity.url,
        site_name=draft.identity.name,
        media=draft.media[plan.language],
        theme=resources.theme_dir(),
        theme_dirs=draft.identity.theme_dirs,
        plain=draft.identity.plain,
        contact=_contact(config, plan.language),
        data={"search": f"{plan.language}/search/manifest.json", "modules": f"{draft.assets.folder}/search/"},
    )


def _contact(config: Config, language: str) -> Contact:
    contact = config.contact
    expected = contact.expected_reply.get(language, "")
    return Contact(contact.email, contact.phone, contact.url, expected, _destination(config, language))


def _destination(config: Config, language: str) -> Destination | None:
    """Where the form goes; ``kb.config`` made sure that at most one place is named."""
    contact, zendesk = config.contact, config.contact.zendesk
    if contact.desk:
        return Destination("desk", contact.desk.rstrip("/"), contact.email)
    if contact.mail:
        return Destination("mail", "", contact.email)
    if contact.webhook:
        return Destination("webhook", contact.webhook, contact.email)
    if zendesk.url:
        settings: dict[str, object] = {
            "fields": dict(zendesk.fields),
            "form": zendesk.ticket_form,
            "locale": zendesk.locales.get(language, 0),
        }
        return Destination("zendesk", zendesk.url.rstrip("/"), contact.email, settings)
    if contact.zammad.url:
        return Destination("zammad", contact.zammad.url.rstrip("/"), contact.email)
    return None


# --- everything else ---


class _Root:
    """Everything outside the languages' pages: shared ``files``, and former addresses and feeds (``texts``)."""

    def __init__(self, out: Path, tree: Tree, files: Mapping[str, Path], texts: Mapping[str, str]) -> None:
        self.out, self.texts = out, texts
        self.place = Place(tree.ground(ROOT))
        self._files: Mapping[str, bytes] = {address: path.read_bytes() for address, path in files.items()}
        self._texts = texts
        if tree.twin:
            # A page may come to be where something of ours was; so that goes first.
            self._files = {name: data for name, data in self._files.items() if not self._is_kept(name, data)}
            self._texts = {
                name: text for name, text in texts.items() if not self._is_kept(name, text.encode())
            }
            for address in self.place.known:
                if "/" in address:
                    self.place.free(address)

    @property
    def pages(self) -> Mapping[str, str]:
        return {address: text for address, text in self.texts.items() if address.endswith(".html")}

    @property
    def fresh(self) -> list[str]:
        """Files that were not published before."""
        return [address for address in self.place.signatures if address not in self.place.linked]

    def write(self, more: Mapping[str, str]) -> None:
        """Put everything in its place, with ``more`` texts, when the pages are made."""
        for address, data in self._files.items():
            if not self._is_kept(address, data):
                self.place.write(address, data)
        texts = {**self._texts, **more}
        texts = {name: text for name, text in texts.items() if not self._is_kept(name, text.encode())}
        self.place.settle()
        write_texts(texts, self.out)
        for address, text in texts.items():
            self.place.written(address, hashed(text.encode()))
        self.place.tidy()

    def _is_kept(self, address: str, data: bytes) -> bool:
        return self.place.link(address, hashed(data))


def _scanned(
    config: Config, tree: Tree, root: _Root, outcomes: Sequence[Outcome], *, looked_over: bool
) -> Sequence[Problem]:
    """What must not be published; what was published before has been looked over, if that was here."""
    fresh = [*root.fresh, *(f"{each.language}/{file}" for each in outcomes for file in each.fresh)]
    if looked_over and tree.twin:
        return release.scan(root.out, machine_paths=[config.root], only=fresh)
    every = [f"{language}/{file}" for language, file in _every_file(tree, outcomes)]
    known = {*every, *root.place.signatures}.difference(fresh) if looked_over else ()
    return release.scan(root.out, machine_paths=[config.root], known=known)


def _every_file(tree: Tree, outcomes: Sequence[Outcome]) -> Iterator[tuple[str, str]]:
    for each in outcomes:
        signatures = each.signatures
        for file in tree.ground(each.language).known if signatures is None else signatures:
            yield each.language, file


def _build_file(draft: Draft) -> Mapping[str, str]:
    """Says which commit the articles are at, to the contact form and the ticket service: a ticket keeps it."""
    about = {"version": 1, "commit": draft.content.history.commit}
    return {BUILD_FILE: json.dumps(about) + "\n"}


def _root_texts(draft: Draft, cache: Cache, tasks: Mapping[str, Task]) -> Mapping[str, str]:
    key = _root_key(draft, tasks)
    old = cache.read("root", _Texts)
    if old is not None and old.key == key:
        return old.texts
    pages = Standalone(draft.centre, draft.assets, draft.identity.theme_dirs)
    texts = {
        **addresses.pages(pages, draft.plans, draft.former),
        **pages.root_pages(),
        **feeds.feeds(draft.centre, draft.plans),
    }
    cache.write("root", _Texts(key, texts))
    return texts


def _root_key(draft: Draft, tasks: Mapping[str, Task]) -> bytes:
    """The hash of all that feeds and the root show: of an article, what stands above its text."""
    parts: list[str | bytes] = [_frame(draft), repr(sorted(draft.former.items()))]
    heads: dict[str, bytes] = {}
    updated = draft.content.history.updated
    for plan in draft.plans:
        shared = tasks[plan.language].shared
        parts += [plan.language, shared.settings, shared.theme, shared.words]
        for article in plan.edition.by_id.values():
            if article.path not in heads:
                heads[article.path] = reading.head(article)
            parts += [heads[article.path], article.id, article.origin.value, str(updated.get(article.path))]
    return digest(*parts)


@contextmanager
def _index_staging(config: Config) -> Iterator[Path]:
    """A folder for the new index on disk; it takes the old one's place when the block ends well."""
    folder = config.root / ".kb" / INDEX_FOLDER
    new, old = folder.with_name(f"{INDEX_FOLDER}.new"), folder.with_name(f"{INDEX_FOLDER}.old")
    if old.exists() and not folder.exists():
        old.rename(folder)
    for leftover in (new, old):
        shutil.rmtree(leftover, ignore_errors=True)
    new.mkdir(parents=True)
    yield new
    if folder.exists():
        folder.rename(old)
    new.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def _write_hosts(config: Config, draft: Draft, sources: Sources) -> None:
    folder = config.root / ".kb" / HOSTS_FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in hosts.outside(_serving(config, draft, sources), output=config.output).items():
        (folder / name).write_text(text, "utf-8")


def _serving(config: Config, draft: Draft, sources: Sources) -> hosts.Serving:
    contact = _contact(config, config.default_language)
    return hosts.Serving(
        headers=policy.headers(sources, connect=contact.connect, form_action=contact.form_action),
        redirects=addresses.redirects(draft.centre, draft.former),
        languages=draft.centre.languages,
        path=draft.centre.path,
        assets_folder=draft.assets.folder,
    )


def _prune(cache: Cache, config: Config, outcomes: Sequence[Outcome], published: str) -> None:
    names = {
        published,
        *_RECORDS,
        *(f"{name}-{lang}" for name in _RECORDS_OF_LANGUAGE for lang in config.languages),
    }
    names |= {name for each in outcomes for name in each.records}
    # A build of some languages forgets nothing of the others.
    built = {each.language for each in outcomes}
    kept = [lang for lang in config.languages if lang not in built]
    cache.prune(names, keep_languages=kept)


def _strings(
    languages: Sequence[str], theme_dirs: Sequence[Path]
) -> tuple[dict[str, Strings], list[Problem]]:
    found: dict[str, Strings] = {}
    problems: list[Problem] = []
    for language in languages:
        found[language], missing = interface.load_strings(language, reversed(theme_dirs))
        problems += missing
    return found, problems


def _titles(strings: Strings) -> dict[str, str]:
    return {
        "home": strings("home"),
        "search": strings("search_title"),
        "contact": strings("contact"),
        "missing": strings("missing_title"),
    }


def _media(media: Media, language: str) -> dict[str, Path]:
    found = ((name, media.resolve(language, name)) for name in sorted(media.names()))
    return {name: file.file for name, file in found if file is not None}


def _search_modules() -> dict[str, Path]:
    folder = resources.search_dir()
    return {f"search/{path.name}": path for path in sorted(folder.glob("*.js"))}


def stop_on_errors(problems: Sequence[Problem]) -> None:
    n = sum(p.severity == "error" for p in problems)
    if n:
        raise ContentError(
            f"nothing was published: {n} {'error' if n == 1 else 'errors'} to mend first",
            problems,
            hint="'kb check' shows them again, without building",
        )
