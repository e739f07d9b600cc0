"""The whole build, as one ordered list of steps: read, check, add translations, write each language, release."""

import multiprocessing
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from kb import resources
from kb.config import Config
from kb.content import media as media_files
from kb.content import reader
from kb.content.article import Catalog
from kb.content.media import Media
from kb.errors import BuildError, ContentError, Problem, ranked
from kb.language import memory, translate
from kb.publish import assets, history, interface, settings, site
from kb.publish.history import History
from kb.publish.interface import Strings
from kb.publish.pages import RESERVED, Plan, availability

Progress = Callable[[int, int, str], None]
"""Receives pages done, pages in all, and what is being made."""

PROGRESS_PAGES = 25
"""How often a worker tells how far it is."""
PROGRESS_SECONDS = 0.2


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


def read(config: Config) -> Content:
    """Articles, the files beside them, translations, history, and every finding about them."""
    catalog, problems = reader.read(config.root, config.articles, config.languages)
    media, media_problems = media_files.read(config.root, config.articles, config.languages)
    memories, memory_problems = memory.load(config.articles_dir, config.languages, root=config.root)
    catalog, translation_problems = translate.with_memory(catalog, memories, review=config.translate.review)
    past, past_problems = history.read(config.root, config.articles)
    found = [
        *problems,
        *media_problems,
        *memory_problems,
        *translation_problems,
        *past_problems,
        *_reserved(catalog),
    ]
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
    content = read(config)
    _stop_on_errors(content.problems)
    staging = config.output_dir.with_name(f".{config.output_dir.name}.new")
    shutil.rmtree(staging, ignore_errors=True)
    jobs, problems = plan(config, content, staging, today=today, languages=languages or config.languages)
    built = _run(jobs, workers or os.cpu_count() or 1, progress)
    problems = [*content.problems, *problems, *(p for each in built for p in each.problems)]
    _stop_on_errors(problems)
    if config.output_dir.exists():
        shutil.rmtree(config.output_dir)
    staging.rename(config.output_dir)
    pages = sum(each.pages for each in built)
    return Report(config.output_dir, tuple(each.language for each in built), pages, tuple(ranked(problems)))


def plan(
    config: Config, content: Content, out: Path, *, today: date, languages: Sequence[str]
) -> tuple[list[site.Job], list[Problem]]:
    """One job a language, and the files all of them share, already written to ``out``."""
    identity = site.identity(config.root, resources.theme_dir())
    problems = list(settings.notes(settings.read(config.root)))
    shared, sources = assets.collect(identity.theme_dirs, resources.theme_dir(), _search_modules())
    assets.write(sources, out)
    catalog = content.catalog.public(today)
    origins = availability(catalog.texts)
    jobs = []
    for language in languages:
        strings, missing = interface.load_strings(language, reversed(identity.theme_dirs))
        problems += missing
        jobs.append(
            site.Job(
                root=config.root,
                out=out / language,
                plan=Plan(
                    edition=catalog.edition(language),
                    languages=tuple(languages),
                    origins=origins,
                    updated=content.history.updated,
                    titles=_titles(strings),
                ),
                strings=strings,
                assets=shared,
                default_language=config.default_language,
                articles=config.articles,
                site_url=identity.url,
                site_name=identity.name,
                media=_media(content.media, language),
                theme=resources.theme_dir(),
                theme_dirs=identity.theme_dirs,
                contact=site.Contact(config.contact.email, config.contact.phone, config.contact.url),
            )
        )
    return jobs, problems


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
        if article.id.partition("/")[0] in RESERVED:
            name = article.id.partition("/")[0]
            yield Problem(
                "category-reserved",
                article.path,
                None,
                f"'{name}' is the address of a page of the site itself",
                "rename the folder, and keep its addresses with redirect_from",
            )


def _stop_on_errors(problems: Sequence[Problem]) -> None:
    errors = [p for p in problems if p.severity == "error"]
    if errors:
        n = len(errors)
        raise ContentError(
            f"nothing was published: {n} {'error' if n == 1 else 'errors'} to mend first",
            problems,
            hint="'kb check' shows them again, without building",
        )


def _run(jobs: Sequence[site.Job], workers: int, progress: Progress) -> list[site.Built]:
    total = sum(len(job.plan.pages) for job in jobs)
    if workers == 1 or len(jobs) == 1:
        return _run_here(jobs, total, progress)
    # Forked workers share the parent's imports and its articles; elsewhere they start anew.
    method = "fork" if "fork" in multiprocessing.get_all_start_methods() else "spawn"
    context = multiprocessing.get_context(method)
    counter = context.Value("q", 0)
    with ProcessPoolExecutor(
        min(workers, len(jobs)), mp_context=context, initializer=_share, initargs=(counter,)
    ) as pool:
        # The largest first: the last worker to finish then has the least left to do.
        order = sorted(jobs, key=lambda job: -len(job.plan.pages))
        futures = {job.plan.language: pool.submit(_build_language, job) for job in order}
        try:
            _follow(list(futures.values()), counter, total, progress)
            return [futures[job.plan.language].result() for job in jobs]
        except BrokenProcessPool as error:
            raise BuildError(
                "a worker process died; nothing was published",
                hint="the machine may be out of memory: try 'kb build -j 1'",
            ) from error
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def _run_here(jobs: Sequence[site.Job], total: int, progress: Progress) -> list[site.Built]:
    built, before = [], 0
    for job in jobs:

        def report(done: int, before: int = before) -> None:
            progress(before + done, total, "pages")

        built.append(site.build(job, progress=report))
        before += built[-1].pages
    return built


def _follow(futures: Sequence[Future[site.Built]], counter: Any, total: int, progress: Progress) -> None:
    while True:
        done, waiting = wait(futures, timeout=PROGRESS_SECONDS, return_when=FIRST_EXCEPTION)
        progress(counter.value, total, "pages")
        if not waiting or any(f.exception() for f in done):
            return


_counter: Any = None
"""In a worker process: the pages done by all workers together."""


def _share(counter: Any) -> None:
    global _counter
    _counter = counter


def _build_language(job: site.Job) -> site.Built:
    def report(done: int) -> None:
        if done % PROGRESS_PAGES == 0:
            with _counter.get_lock():
                _counter.value += PROGRESS_PAGES

    built = site.build(job, progress=report)
    with _counter.get_lock():
        _counter.value += built.pages % PROGRESS_PAGES
    return built
