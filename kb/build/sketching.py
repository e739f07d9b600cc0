"""The pages that somebody looks at, made ahead of the build, for a preview.

A sketch keeps in memory what it read and writes nothing that a build reads, so that builds may run beside it. Where
nothing but the text below an article's head has changed, only that file is read and only its pages are made;
everything else goes the way a build goes, up to the pages that nobody looks at.
"""

import shutil
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from msgspec.structs import replace

from kb.build import making, reading
from kb.build.cache import Cache
from kb.build.making import Task
from kb.build.placing import Tree
from kb.build.steps import Draft, parts_of, plan, stop_on_errors, task_of
from kb.config import Config
from kb.content import checks, reader
from kb.content.article import Article, Catalog, Origin
from kb.publish.job import Known

Value = TypeVar("Value")


class Sketch(msgspec.Struct, frozen=True):
    """``pages``: address relative to the root of the site → HTML. ``files``: address → file, of whatever lies beside
    pages; None where it is as it was."""

    pages: Mapping[str, bytes]
    files: Mapping[str, Path] | None = None


class Sketches:
    """Makes pages in ``folder``, which is emptied each time, again and again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._memory: _Memory | None = None
        self._base: _Base | None = None

    def make(
        self,
        config: Config,
        *,
        today: date,
        looked_at: Mapping[str, Sequence[str]],
        changed: Collection[Path] | None = None,
        anew: bool = False,
    ) -> Sketch:
        """The pages ``looked_at`` (language → addresses below its root) that are not as they were published.

        ``changed`` are all files that changed since the sketch before, None when that is not known. ``anew`` makes
        the pages although nothing changed: the first of a language loads settings and templates.

        Raises:
            ContentError: something in the content must be mended first.
            ConfigError: the settings cannot be used.
        """
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True)
        base = self._base
        if base is not None and base.today == today and base.config == config and changed is not None:
            texts = base.texts(changed)
            if texts is not None:
                return Sketch(self._rendered(base, texts, looked_at))
        self._base = None
        base = self._read(config, today)
        self._base = base
        if not base.simple:
            return Sketch({}, base.files())
        if anew:
            wanted = {a.path: a for a in base.draft.catalog}
            return Sketch(self._rendered(base, wanted, looked_at), base.files())
        found: list[str] = []
        for language, addresses in looked_at.items():
            if language in base.tasks:
                task = base.tasks[language]
                found += [f"{language}/{file}" for file in making.sketch(self._there(task), addresses)]
        return Sketch(self._taken(found), base.files())

    def forget(self) -> None:
        """Read everything again the next time."""
        self._base = None

    def _read(self, config: Config, today: date) -> "_Base":
        if self._memory is None or self._memory.base != config.cache_dir:
            self._memory = _Memory(config.cache_dir)
        content = reading.read(config, today=today, cache=self._memory)
        stop_on_errors(content.problems)
        draft = plan(config, content, today=today, languages=config.languages, cache=self._memory)
        parts = parts_of(config, draft, Tree(self._folder, self._folder, None, False, {}), self._folder)
        tasks = {
            language: task_of(config, draft, self._memory, part, warm=True)
            for language, part in parts.items()
        }
        return _Base(config, today, draft, tasks)

    def _rendered(
        self, base: "_Base", texts: Mapping[str, Article], looked_at: Mapping[str, Sequence[str]]
    ) -> dict[str, bytes]:
        """The pages looked at that show one of ``texts`` (path → article)."""
        from kb.publish import site  # MkDocs is slow to load

        catalog = base.draft.catalog.with_texts(texts.values())
        found: list[str] = []
        for language, addresses in looked_at.items():
            task = base.tasks.get(language)
            if task is None:
                continue
            new = replace(task.job.plan, edition=catalog.edition(language))
            wanted = frozenset(
                page.source
                for page in new.pages
                if page.url in addresses and page.article and page.article.path in texts
            )
            if wanted:
                job = replace(self._there(task).job, plan=new, known=Known(wanted=wanted))
                found += [f"{language}/{made.file}" for made in site.build(job).made]
        return self._taken(found)

    def _there(self, task: Task) -> Task:
        out = self._folder / task.language
        return replace(task, out=out, job=replace(task.job, out=out))

    def _taken(self, addresses: Sequence[str]) -> dict[str, bytes]:
        return {address: (self._folder / address).read_bytes() for address in addresses}


class _Base(msgspec.Struct, frozen=True):
    """The content as it was last read as a whole."""

    config: Config
    today: date
    draft: Draft
    tasks: Mapping[str, Task]

    @property
    def simple(self) -> bool:
        """Whether a page can be made without the others."""
        return self.draft.identity.plain and not self.draft.circumstances.custom

    def files(self) -> dict[str, Path]:
        media = {
            f"{language}/{name}": file
            for language, files in self.draft.media.items()
            for name, file in files.items()
        }
        return {**self.draft.files, **media}

    def texts(self, changed: Collection[Path]) -> dict[str, Article] | None:
        """The public articles among the files ``changed``, by path, as they are now; None where more than their text
        is new, or something is wrong with them."""
        if not self.simple:
            return None
        found: dict[str, Article] = {}
        for file in changed:
            article = self._text(file)
            if article is None:
                return None
            if self.draft.catalog.get(article.language, article.id) is not None:
                found[article.path] = article
        return found

    def _text(self, file: Path) -> Article | None:
        config, catalog = self.config, self.draft.content.catalog
        place = config.root / config.articles
        if not file.is_relative_to(place) or file.suffix != ".md" or file.is_symlink() or not file.is_file():
            return None
        language, _, name = file.relative_to(place).as_posix().partition("/")
        old = catalog.get(language, name.removesuffix(".md"))
        if old is None or old.origin is not Origin.WRITTEN:
            return None
        entry = reader.Entry(language, old.id, ".md", old.path, str(file), file.stat().st_size)
        read, problems = reader.load(entry, config.languages)
        if _above(read) != _above(old):
            return None
        new = replace(old, written=read.written)
        problems += self._findings(new, catalog)
        return None if any(p.severity == "error" for p in reading.judge(config, problems)) else new

    def _findings(self, article: Article, catalog: Catalog) -> list[Any]:
        media, articles = self.draft.content.media, self.config.articles_dir
        return checks.check_text(article, catalog, media, self.today, articles=articles)


def _above(article: Article) -> str:
    """All that stands above an article's text."""
    return article.text.replace("\r\n", "\n").removesuffix(article.body) if article.body else article.text


class _Memory(Cache):
    """The cache of a process that reads the same articles again and again: records are decoded once, and new ones
    stay in memory. Nothing is written, so no lock is held."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._own: dict[str, Any] = {}
        self._read: dict[str, tuple[tuple[int, int, int] | None, Any]] = {}

    def read(self, name: str, kind: type[Value]) -> Value | None:
        if name in self._own:
            value: Value = self._own[name]
            return value
        stamp = self._stamp(name)
        known = self._read.get(name)
        if known is None or known[0] != stamp:
            known = self._read[name] = stamp, super().read(name, kind)
        found: Value | None = known[1]
        return found

    def write(self, name: str, value: Any) -> None:
        self._own[name] = value
        self._read.pop(name, None)

    def _stamp(self, name: str) -> tuple[int, int, int] | None:
        try:
            status = self.file_of(name).stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size, status.st_ino
