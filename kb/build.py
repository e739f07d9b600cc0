"""The whole build, as one ordered list of steps: read, check, add translations, write each language, release."""

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from kb import parallel, resources
from kb.config import Config
from kb.content import checks, reader
from kb.content import media as media_files
from kb.content.article import Catalog, Edition
from kb.content.media import Media
from kb.errors import ContentError, Problem, ranked
from kb.index import rules, writer
from kb.index.document import Document
from kb.index.document import Section as IndexSection
from kb.language import memory, translate
from kb.publish import (
    addresses,
    assets,
    feeds,
    history,
    hosts,
    interface,
    policy,
    release,
    settings,
    site,
    standalone,
)
from kb.publish.addresses import Target
from kb.publish.assets import Assets
from kb.publish.centre import Centre
from kb.publish.history import History
from kb.publish.interface import Strings
from kb.publish.job import Built, Contact, Identity, Job
from kb.publish.pages import RESERVED, Plan, availability
from kb.publish.policy import Sources
from kb.publish.sections import Rendered
from kb.publish.standalone import Standalone
from kb.publish.texts import write as write_texts

Progress = Callable[[int, int, str], None]
"""Receives pages done, pages in all, and what is being made."""

INDEX_FOLDER = "index"
"""Below ``.kb/``: the index on disk, for the command line and the service."""
HOSTS_FOLDER = "hosts"
"""Below ``.kb/``: configuration for web servers, to copy from."""


@dataclass(frozen=True)
class Content:
    """Everything a build reads, before anything is written."""

    catalog: Catalog
    """All texts, hidden and translated ones too."""
    media: Media
    history: History
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """What a build did."""

    output: Path
    languages: tuple[str, ...]
    pages: int
    problems: tuple[Problem, ...]


@dataclass(frozen=True)
class Draft:
    """All that is decided before the first page is written."""

    identity: Identity
    centre: Centre
    assets: Assets
    files: Mapping[str, Path]
    """Address of each shared file → where it comes from."""
    former: Mapping[str, Target]
    plans: tuple[Plan, ...]
    media: Mapping[str, Mapping[str, Path]]
    """language → address relative to its root → file."""
    problems: tuple[Problem, ...]


@dataclass(frozen=True)
class _Task:
    job: Job
    index: Path
    search: Sequence[Path]
    threshold: float


def read(config: Config, *, today: date) -> Content:
    """Articles, the files beside them, translations, history, and every finding about them."""
    catalog, problems = reader.read(config.root, config.articles, config.languages)
    media, media_problems = media_files.read(config.root, config.articles, config.languages)
    found = [*problems, *media_problems, *checks.check(catalog, media, today, articles=config.articles_dir)]
    found += _reserved(catalog)
    memories, memory_problems = memory.load(config.articles_dir, config.languages, root=config.root)
    catalog, translation_problems = translate.with_memory(catalog, memories, review=config.translate.review)
    past, past_problems = history.read(config.root, config.articles)
    found += [*memory_problems, *translation_problems, *past_problems]
    return Content(catalog, media, past, tuple(ranked(found)))


def build(
    config: Config,
    *,
    today: date,
    languages: Sequence[str] = (),
    workers: int = 0,
    progress: Progress = lambda done, total, what: None,
) -> Report:
    """Build the site of ``config`` and release it to ``config.output_dir``.

    ``languages`` limits the build to some (for a preview); ``workers`` is the number of processes, 0 for one a core.

    Raises:
        ContentError: something in the content must be mended first; carries every finding.
        ConfigError: ``mkdocs.yml`` cannot be used.
        BuildError: a plugin or template failed, or another build holds the output.
    """
    content = read(config, today=today)
    _stop_on_errors(content.problems)
    draft = plan(config, content, today=today, languages=languages or config.languages)
    with release.staging(config.output_dir) as out, _index_staging(config) as index:
        assets.write(draft.files, out)
        built = _write_languages(config, draft, out, index, workers=workers, progress=progress)
        sources = _write_root(draft, out, built)
        problems = [*content.problems, *draft.problems, *(p for each in built for p in each.problems)]
        problems += release.scan(out, machine_paths=[config.root])
        _stop_on_errors(problems)
        release.publish(out, config.output_dir)
    _write_hosts(config, draft, sources)
    pages = sum(each.pages for each in built)
    return Report(config.output_dir, tuple(each.language for each in built), pages, tuple(ranked(problems)))


def plan(config: Config, content: Content, *, today: date, languages: Sequence[str]) -> Draft:
    """What goes where: the pages of each language, the files all share, and former addresses."""
    identity = site.identity(config.root, resources.theme_dir())
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
        identity=identity,
        centre=Centre(identity.url, identity.name, config.default_language, strings),
        assets=shared,
        files=files,
        former=former,
        plans=plans,
        media={language: _media(content.media, language) for language in languages},
        problems=(*settings.notes(settings.read(config.root)), *missing, *clashes),
    )


def _write_languages(
    config: Config, draft: Draft, out: Path, index: Path, *, workers: int, progress: Progress
) -> list[Built]:
    total = sum(len(each.pages) for each in draft.plans)
    tasks = {
        each.language: _Task(
            job=_job(config, draft, each, out / each.language),
            index=index / each.language,
            search=(resources.search_dir(), config.root / "search"),
            threshold=config.search.threshold,
        )
        for each in draft.plans
    }
    return parallel.run(
        tasks, _write_language, workers=workers, progress=lambda done: progress(done, total, "pages")
    )


def _write_language(task: _Task, report: parallel.Report) -> Built:
    built = site.build(task.job, progress=report)
    writer.write(
        _documents(task.job.plan.edition, built.rendered),
        language=built.language,
        rules=rules.load(built.language, task.search),
        site_dir=task.job.out,
        index_dir=task.index,
        languages=task.job.plan.languages,
        threshold=task.threshold,
    )
    return built


def _job(config: Config, draft: Draft, plan: Plan, out: Path) -> Job:
    return Job(
        root=config.root,
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
        contact=Contact(config.contact.email, config.contact.phone, config.contact.url),
        data={"search": f"{plan.language}/search/manifest.json", "modules": f"{draft.assets.folder}/search/"},
    )


def _documents(edition: Edition, rendered: Sequence[Rendered]) -> list[Document]:
    found = []
    for each in rendered:
        article = edition.by_id[each.id]
        found.append(
            Document(
                id=article.id,
                url=each.url,
                title=article.title,
                language=article.language,
                questions=article.questions,
                tags=article.tags,
                category=article.category,
                sections=tuple(IndexSection(s.anchor, s.heading, s.text) for s in each.sections),
                origin=article.origin.value,
            )
        )
    return found


def _write_root(draft: Draft, out: Path, built: Sequence[Built]) -> Sources:
    """Everything outside the languages' pages; returns what the policy of the whole site must allow."""
    pages = Standalone(draft.centre, draft.assets, draft.identity.theme_dirs)
    texts = {
        **addresses.pages(pages, draft.plans, draft.former),
        **pages.root_pages(),
        **feeds.feeds(draft.centre, draft.plans),
    }
    sources = standalone.sources(
        {address: text for address, text in texts.items() if address.endswith(".html")}
    )
    for each in built:
        sources |= each.sources
    write_texts({**texts, **hosts.inside(_serving(draft, sources))}, out)
    return sources


@contextmanager
def _index_staging(config: Config) -> Iterator[Path]:
    """A folder for the new index on disk; it takes the old one's place when the block ends well."""
    folder = config.root / ".kb" / INDEX_FOLDER
    new, old = folder.with_name(f"{INDEX_FOLDER}.new"), folder.with_name(f"{INDEX_FOLDER}.old")
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
    for name, text in hosts.outside(_serving(draft, sources), output=config.output).items():
        (folder / name).write_text(text, "utf-8")


def _serving(draft: Draft, sources: Sources) -> hosts.Serving:
    return hosts.Serving(
        headers=policy.headers(sources),
        redirects=addresses.redirects(draft.centre, draft.former),
        languages=draft.centre.languages,
        path=draft.centre.path,
        assets_folder=draft.assets.folder,
    )


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


def _reserved(catalog: Catalog) -> Iterator[Problem]:
    for article in catalog:
        name = article.id.partition("/")[0]
        if name in RESERVED:
            yield Problem(
                "category-reserved",
                article.path,
                None,
                f"'{name}' is the address of a page of the site itself",
                "rename the folder, and keep its addresses with redirect_from",
            )


def _stop_on_errors(problems: Sequence[Problem]) -> None:
    n = sum(p.severity == "error" for p in problems)
    if n:
        raise ContentError(
            f"nothing was published: {n} {'error' if n == 1 else 'errors'} to mend first",
            problems,
            hint="'kb check' shows them again, without building",
        )
