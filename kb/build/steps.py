"""The whole build, as one ordered list of steps: read, check, add translations, make each language, release.

What has not changed since the build before comes from the cache (:mod:`kb.build.cache`): articles and findings
(:mod:`kb.build.reading`), pages and indexes (:mod:`kb.build.making`), feeds and the root. An incremental build
gives the same bytes as a clean one.
"""

import json
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from functools import cached_property, partial
from pathlib import Path

import msgspec

from kb import resources
from kb.build import checking, circumstances, making, parallel, placing, reading
from kb.build.cache import Cache, digest
from kb.build.circumstances import Circumstances
from kb.build.making import Outcome, Part, Search, Task
from kb.build.placing import Published, Tree
from kb.build.reading import Content, code, read
from kb.build.surroundings import COMMON, PAGES, Surroundings, Texts, TextsOf
from kb.config import Config
from kb.content.article import INDEX, Article, Catalog, Origin
from kb.content.media import Media
from kb.errors import ContentError, Problem, ranked
from kb.garbage import without_collector
from kb.publish import addresses, assets, feeds, hosts, interface, policy, release
from kb.publish.addresses import Target
from kb.publish.assets import Assets
from kb.publish.centre import Centre
from kb.publish.contact import BUILD_FILE, Contact, Destination
from kb.publish.interface import Strings
from kb.publish.job import Identity, Job
from kb.publish.keys import SNIPPET, Shared, Snippets, short
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
_RECORDS_OF_LANGUAGE = ("folder", "seen", "po", *checking.RECORDS)
_LITTLE_ARTICLES = 50
_FORMS = 2_000
"""Numbers whose plural forms are remembered: most languages have fewer articles."""
_RECORDS = ("identity", "history", "words")


class Made(msgspec.Struct, frozen=True):
    """A page that was made: ``address`` is relative to the root of the site, ``reasons`` are words for a person."""

    address: str
    reasons: tuple[str, ...]


class Report(msgspec.Struct, frozen=True):
    """What a build did. ``made`` are the pages that could not be kept from the build before."""

    output: Path
    languages: tuple[str, ...]
    pages: int
    problems: tuple[Problem, ...]
    made: tuple[Made, ...] = ()


class Draft(msgspec.Struct, frozen=True, dict=True):
    """All that is decided before the first page is written."""

    articles: str
    """The folder of all articles, relative to the content folder."""
    circumstances: Circumstances
    content: Content
    catalog: Catalog
    """The public one."""
    centre: Centre
    assets: Assets
    files: Mapping[str, Path]
    """Address of each shared file → where it comes from."""
    former: Mapping[str, Target]
    media: Mapping[str, Mapping[str, Path]]
    """language → address relative to its root → file."""
    problems: tuple[Problem, ...]
    _plans: dict[str, Plan] = msgspec.field(default_factory=dict)
    """Those that were asked for: most languages of most builds are kept without."""

    @property
    def identity(self) -> Identity:
        return self.circumstances.identity

    @property
    def languages(self) -> tuple[str, ...]:
        return self.centre.languages

    @cached_property
    def frame(self) -> bytes:
        """The hash of which article exists in which language, and how."""
        texts = self.catalog.texts
        return digest(
            *(
                "\n".join(sorted(f"{id}\0{article.origin.value}" for id, article in texts[language].items()))
                for language in self.catalog.languages
            )
        )

    @cached_property
    def order(self) -> bytes:
        """The hash of what an article's source says for every language: where it stands, and with which icon."""
        return short(sorted((id, each.order, each.icon) for id, each in self.catalog.sources.items()))

    @cached_property
    def days(self) -> Mapping[str, bytes]:
        """Language → the hash of when its files changed last."""
        found: dict[str, list[str]] = {language: [] for language in self.languages}
        for path, day in sorted(self.content.history.updated.items()):
            language = path[len(self.articles) + 1 :].partition("/")[0]
            if language in found:
                found[language].append(f"{path}\0{day}")
        return {language: digest(*lines) for language, lines in found.items()}

    def borrowed(self, language: str) -> Iterator[Article]:
        """The sources that a language shows for want of a text of its own."""
        own = self.catalog.texts[language]
        return (source for id, source in sorted(self.catalog.sources.items()) if id not in own)

    def plan_of(self, language: str) -> Plan:
        """The pages of a language."""
        found = self._plans.get(language)
        if found is None:
            found = self._plans[language] = Plan(
                edition=self.catalog.edition(language),
                languages=self.languages,
                origins=self._origins,
                updated=self.content.history.updated,
                titles=_titles(self.centre.strings[language]),
            )
        return found

    @cached_property
    def _origins(self) -> Mapping[str, Mapping[str, Origin]]:
        return availability(self.catalog.texts)


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
    with without_collector(), Cache(config.cache_dir) as cache:
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
    tree = placing.look(out, config.output_dir, before, draft.languages)
    parts = parts_of(config, draft, tree, index)
    texts = Texts(cache, _around(draft, parts))
    root = Surroundings(out, tree, draft.files, texts)
    make = partial(task_of, config, draft, cache, warm=warm)
    outcomes = _make(parts, make, changed=draft.content.changed, workers=workers, progress=progress)
    sources = texts.sources
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
    summaries = {each.language: each.summary for each in outcomes}
    now = placing.published(place, before, files, root.place.signatures, summaries)
    release.publish(
        out,
        config.output_dir,
        keep=partial(placing.follow, site=config.output_dir, before=before, now=now)
        if draft.identity.plain
        else None,
    )
    cache.write(name, now)
    _prune(cache, config, outcomes, [name, *texts.records])
    _write_hosts(config, draft, sources)
    return Report(
        config.output_dir,
        tuple(each.language for each in outcomes),
        sum(each.pages for each in outcomes),
        tuple(ranked(problems)),
        tuple(Made(f"{each.language}/{url}", why) for each in outcomes for url, why in each.made),
    )


def plan(
    config: Config, content: Content, *, today: date, languages: Sequence[str], cache: Cache | None = None
) -> Draft:
    """What goes where: the pages of each language, the files all share, and former addresses."""
    around = circumstances.look(config, resources.theme_dir(), cache)
    identity = around.identity
    shared, files = assets.collect(identity.theme_dirs, resources.theme_dir(), _search_modules())
    catalog = content.catalog.public(today)
    strings, missing = _strings(languages, identity.theme_dirs, cache)
    hidden = {article.id for article in content.catalog} - set(catalog.ids)
    former, clashes = addresses.former(catalog, content.history, articles=config.articles, hidden=hidden)
    return Draft(
        articles=config.articles,
        circumstances=around,
        content=content,
        catalog=catalog,
        centre=Centre(identity.url, identity.name, config.default_language, strings),
        assets=shared,
        files=files,
        former=former,
        media={language: _media(content.media, language) for language in languages},
        problems=(*around.notes, *missing, *clashes),
    )


# --- the languages ---


def parts_of(config: Config, draft: Draft, tree: Tree, index: Path) -> dict[str, Part]:
    """The part of each language, to be made below ``tree.out`` and, on disk, below ``index``."""
    search = Search(
        folders=(resources.search_dir(), config.root / "search"),
        threshold=config.search.threshold,
        # Beside what the build remembers, and outliving it: encoding a language's words takes half a minute.
        vectors=config.cache_dir / "vectors" if config.search.vectors else None,
        rules=b"",
    )
    parts = {}
    for language in draft.languages:
        shared = _shared(config, draft, language)
        files = draft.media[language]
        media = {
            name: draft.content.hashes.get(_relative(file, config.root), b"") for name, file in files.items()
        }
        rules = digest(_rules(search.folders, language), repr((search.threshold, search.vectors is not None)))
        key = digest(
            shared.settings,
            shared.theme,
            shared.words,
            rules,
            repr(sorted(media.items())),
            _language_key(draft, language, shared),
        )
        if not draft.identity.plain:
            key = digest(key, draft.content.history.commit)
        whole = key if draft.circumstances.custom or not draft.identity.plain else b""
        parts[language] = Part(
            language=language,
            out=tree.out / language,
            key=key,
            shared=Shared(shared.settings, shared.theme, shared.words, whole, shared.snippets),
            files=files,
            media=media,
            hashes=draft.content.hashes,
            cache=config.cache_dir,
            ground=tree.ground(language),
            index=index / language,
            old_index=config.root / ".kb" / INDEX_FOLDER / language,
            search=Search(search.folders, search.threshold, search.vectors, rules),
        )
    return parts


def task_of(config: Config, draft: Draft, cache: Cache, part: Part, *, warm: bool = False) -> Task:
    """What has to be known to make a part."""
    given = msgspec.structs.asdict(part)
    return Task(
        **given, job=_job(config, draft, part, warm=warm), record=making.remembered(cache, part.language)
    )


def _make(
    parts: Mapping[str, Part],
    task_of: Callable[[Part], Task],
    *,
    changed: int,
    workers: int,
    progress: Progress,
) -> list[Outcome]:
    """Each language's part: what is as it was, and a few pages, here at once; more in worker processes. ``changed`` is
    the number of changed articles."""
    kept: dict[str, Outcome] = {}
    for language, part in parts.items():
        outcome = making.kept(part)
        if outcome is not None:
            kept[language] = outcome
    rest = {language: task_of(part) for language, part in parts.items() if language not in kept}
    done = sum(each.pages for each in kept.values())
    total = done + sum(len(task.job.plan.pages) for task in rest.values())
    if changed <= _LITTLE_ARTICLES and all(map(making.is_little, rest.values())):
        # What processes of their own would share costs more than it saves.
        workers = 1
    elif len(rest) > 1:
        making.prepare(next(iter(rest.values())))
    made = parallel.run(
        rest, making.make, workers=workers, progress=lambda more: progress(done + more, total, "pages")
    )
    kept |= {each.language: each for each in made}
    return [kept[language] for language in parts]


def _language_key(draft: Draft, language: str, shared: Shared) -> bytes:
    """The hash of all that articles say in a language, and of what they say of themselves in the others."""
    borrowed = list(draft.borrowed(language))
    snippets = Snippets(shared.snippets)
    every = (*draft.catalog.texts[language].values(), *borrowed)
    included = [snippets.hash(article.body) for article in every if SNIPPET in article.written.utf8]
    return digest(
        draft.content.keys[language],
        draft.frame,
        draft.order,
        draft.days[language],
        *_borrowings(draft, borrowed, draft.content.hashes.get),
        *included,
        *draft.languages,
    )


def _borrowings(
    draft: Draft, borrowed: Iterable[Article], hash: Callable[[str], bytes | None]
) -> Iterator[str | bytes]:
    updated = draft.content.history.updated
    for article in borrowed:
        yield f"{article.id}\0{article.path}\0{updated.get(article.path)}\0{' '.join(article.related)}"
        yield hash(article.path) or b""


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


def _job(config: Config, draft: Draft, part: Part, *, warm: bool) -> Job:
    language, shared = part.language, part.shared
    return Job(
        root=config.root,
        warm=short(language, shared.settings, shared.theme, shared.words).hex() if warm else "",
        settings=digest(draft.circumstances.settings, draft.circumstances.theme).hex(),
        out=part.out,
        plan=draft.plan_of(language),
        strings=draft.centre.strings[language],
        assets=draft.assets,
        default_language=config.default_language,
        articles=config.articles,
        site_url=draft.identity.url,
        site_name=draft.identity.name,
        media=part.files,
        theme=resources.theme_dir(),
        theme_dirs=draft.identity.theme_dirs,
        plain=draft.identity.plain,
        contact=_contact(config, language),
        data={"search": f"{language}/search/manifest.json", "modules": f"{draft.assets.folder}/search/"},
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


def _around(draft: Draft, parts: Mapping[str, Part]) -> list[TextsOf]:
    """The texts outside the languages' pages: of each language, and of all together."""
    centre = draft.centre
    pages = Standalone(centre, draft.assets, draft.identity.theme_dirs)

    def of_all() -> Mapping[str, str]:
        return feeds.of_all(centre, [draft.plan_of(each) for each in draft.languages])

    def of_language(language: str) -> Mapping[str, str]:
        plan = draft.plan_of(language)
        return {**addresses.pages(pages, [plan], draft.former), **feeds.of_language(centre, plan)}

    shared = {language: part.shared for language, part in parts.items()}
    words = [part for each in shared.values() for part in (each.settings, each.theme, each.words)]
    everywhere = digest(*draft.languages, *words)
    all_know = digest(everywhere, draft.frame, draft.order)
    found = [
        TextsOf(PAGES, everywhere, pages.root_pages),
        TextsOf(COMMON, digest(all_know, *draft.days.values()), of_all),
    ]
    former = repr(sorted(draft.former.items())) if draft.former else ""
    heads: dict[str, bytes] = {}
    for language in draft.languages:
        key = digest(
            everywhere,
            language,
            draft.content.heads[language],
            draft.days[language],
            *_listed(draft, language),
        )
        if former:
            # What stands at a former address may name any article.
            borrowed = list(draft.borrowed(language))
            heads |= {each.path: reading.head(each) for each in borrowed if each.path not in heads}
            key = digest(key, all_know, former, *_borrowings(draft, borrowed, heads.get))
        found.append(TextsOf(language, key, partial(of_language, language)))
    return found


def _scanned(
    config: Config, tree: Tree, root: Surroundings, outcomes: Sequence[Outcome], *, looked_over: bool
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


def _prune(cache: Cache, config: Config, outcomes: Sequence[Outcome], used: Sequence[str]) -> None:
    names = {
        *used,
        *_RECORDS,
        *(f"{name}-{lang}" for name in _RECORDS_OF_LANGUAGE for lang in config.languages),
    }
    names |= {name for each in outcomes for name in each.summary.records}
    # A build of some languages forgets nothing of the others.
    built = {each.language for each in outcomes}
    kept = [lang for lang in config.languages if lang not in built]
    cache.prune(names, keep_languages=kept)


def _listed(draft: Draft, language: str) -> Iterator[str | bytes]:
    """What the feeds of a language show besides what its own articles say: their order, and borrowed names of
    categories."""
    own, sources = draft.catalog.texts[language], draft.catalog.sources
    for id in sorted(own):
        yield f"{id}\0{sources[id].order}" if id in sources else id
    for folder in sorted({id.rpartition("/")[0] for id in own}):
        source = sources.get(f"{folder}/{INDEX}" if folder else INDEX)
        if source is not None:
            yield f"{folder}\0{source.order}"
            yield reading.head(source)


class _Words(msgspec.Struct, frozen=True):
    """The interface's texts of each language, as files of this ``key`` have them."""

    key: bytes
    texts: dict[str, dict[str, interface.Text]]
    missing: list[Problem]
    autonyms: dict[str, str]
    forms: dict[str, list[str]]


def _strings(
    languages: Sequence[str], theme_dirs: Sequence[Path], cache: Cache | None
) -> tuple[dict[str, Strings], Sequence[Problem]]:
    files = [file for folder in theme_dirs for file in sorted((folder / "strings").rglob("*.yml"))]
    contents = [part for file in files for part in (file.name, file.parent.name, file.read_bytes())]
    key = digest(code(Path(interface.__file__).parent, "interface.py"), *languages, "\0", *contents)
    old = cache.read("words", _Words) if cache else None
    if old is None or old.key != key:
        texts: dict[str, dict[str, interface.Text]] = {}
        problems: list[Problem] = []
        for language in languages:
            strings, missing = interface.load_strings(language, reversed(theme_dirs))
            texts[language] = dict(strings.texts)
            problems += missing
        autonyms = {each: interface.autonym(each) for each in languages}
        forms = {each: Strings(each, {}).plural_forms(_FORMS) for each in languages}
        old = _Words(key, texts, problems, autonyms, forms)
        if cache:
            cache.write("words", old)
    found = {
        language: Strings(language, texts, old.autonyms, old.forms[language])
        for language, texts in old.texts.items()
    }
    return found, old.missing


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
