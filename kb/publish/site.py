"""One language's pages through one plain MkDocs build; the only importer of mkdocs.

MkDocs gets the articles as files in memory and calls back into one plugin, which gives the pages their place,
cleans their HTML and fills in the policy. A shop's own theme options, extensions, hooks and plugins run as in
any MkDocs
site.
"""

import logging
import posixpath
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, pass_context
from jinja2.runtime import Context
from markupsafe import Markup
from mkdocs.commands.build import build as mkdocs_build
from mkdocs.config import load_config
from mkdocs.config.base import Config as PluginConfig
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import MkDocsException
from mkdocs.plugins import BasePlugin, event_priority
from mkdocs.structure.files import File, Files
from mkdocs.structure.nav import Navigation
from mkdocs.structure.pages import Page as MkDocsPage
from mkdocs.structure.toc import AnchorLink

from kb.errors import BuildError, ConfigError, Problem
from kb.publish import settings
from kb.publish.admonitions import LocalTitles
from kb.publish.assets import Assets
from kb.publish.interface import Strings, autonym, direction
from kb.publish.limits import RenderTimeout, bounded
from kb.publish.pages import Choice, Entry, Page, Plan, alternates
from kb.publish.policy import MARKER, Sources, secure
from kb.publish.sanitise import clean, clean_inline
from kb.publish.sections import Rendered, split
from kb.publish.structured import structured_data

_FORCED_EXTENSIONS: Mapping[str, Mapping[str, Any]] = {
    # A style attribute would need 'unsafe-inline' in the policy.
    "tables": {"use_align_attribute": True},
    "pymdownx.snippets": {"restrict_base_path": True, "url_download": False, "check_paths": True},
}


@dataclass(frozen=True, slots=True)
class Contact:
    """Where customers reach people: shown on the contact page and under each article."""

    email: str = ""
    phone: str = ""
    url: str = ""


@dataclass(frozen=True)
class Job:
    """All that the build of one language needs; picklable, so that a worker process can take it.

    ``out`` is the language's own folder in the site being built. ``media`` maps addresses relative to the
    language's root to
    files. ``site_url`` ends in ``/`` or is empty.
    """

    root: Path
    out: Path
    plan: Plan
    strings: Strings
    assets: Assets
    default_language: str
    articles: str
    site_url: str = ""
    site_name: str = ""
    media: Mapping[str, Path] = field(default_factory=dict)
    theme: Path = Path()
    """Folder of the shipped theme."""
    theme_dirs: tuple[Path, ...] = ()
    """Every folder of the theme, the one that wins first."""
    contact: Contact = Contact()
    features: frozenset[str] = frozenset()
    """What other rooms offer to the pages: ``search``, ``desk``."""
    data: Mapping[str, str] = field(default_factory=dict)
    """Addresses the pages' scripts need, by name; relative to the root of the site."""


@dataclass(frozen=True, slots=True)
class Built:
    """What came out: findings, the policy's sources, and each article's text for the index."""

    language: str
    problems: tuple[Problem, ...]
    sources: Sources
    rendered: tuple[Rendered, ...]
    pages: int


@dataclass(frozen=True, slots=True)
class Identity:
    """What ``mkdocs.yml`` says about the site as a whole."""

    name: str
    url: str
    description: str
    theme_dirs: tuple[Path, ...]
    """Every folder of the theme, the one that wins first."""


def identity(root: Path, ours: Path) -> Identity:
    """Read and check ``mkdocs.yml``. ``ours`` is the folder of the shipped theme.

    Raises:
        ConfigError: the file is missing, broken, or asks for something a help centre cannot have.
    """
    config = _load(root, root / "site", ours)
    url = (config.site_url or "").rstrip("/")
    dirs = tuple(Path(d) for d in config.theme.dirs)
    _refuse_missing_extras(config, dirs)
    return Identity(config.site_name, f"{url}/" if url else "", config.site_description or "", dirs)


def build(job: Job, *, progress: Callable[[int], None] | None = None) -> Built:
    """Write one language's pages to ``job.out``. ``progress`` receives the number of pages done.

    An article that cannot be rendered becomes a problem; the others are still built, so that one run tells all.

    Raises:
        BuildError: MkDocs, a plugin or a template failed.
    """
    config = _load(job.root, job.out, job.theme)
    config.theme.dirs = [str(d) for d in job.theme_dirs]
    plugin = _HelpCentre(job, progress or (lambda done: None))
    _configure(config, job)
    config.plugins["kb"] = plugin
    with _listening() as warnings:
        try:
            mkdocs_build(config)
        except (MkDocsException, yaml.YAMLError) as error:
            raise BuildError(f"{job.plan.language}: {warnings.last or error}") from error
    problems = (*plugin.problems, *warnings.problems(job.plan, job.articles))
    return Built(job.plan.language, problems, plugin.sources, tuple(plugin.rendered), plugin.done)


def renderer(root: Path, ours: Path) -> Callable[[str], str]:
    """A function from an article's Markdown to HTML with the site's own extensions, before sanitising.

    For checks that compare a translation with its source; links to other articles stay as written.
    """
    import markdown

    config = _load(root, root / "site", ours)
    _force_extensions(config, None)
    configs = config.mdx_configs or {}

    def render(body: str) -> str:
        return markdown.Markdown(extensions=config.markdown_extensions, extension_configs=configs).convert(
            body
        )

    return render


def _load(root: Path, out: Path, ours: Path) -> MkDocsConfig:
    data = settings.read(root)
    empty = out.parent / f".{out.name}.docs"
    # MkDocs insists on a folder of documents; ours are in memory.
    empty.mkdir(parents=True, exist_ok=True)
    with _listening() as warnings:
        try:
            config = load_config(
                str(root / settings.FILE), docs_dir=str(empty), site_dir=str(out), plugins=settings.plugins(data)
            )
        except (MkDocsException, yaml.YAMLError, OSError) as error:
            raise ConfigError(f"{settings.FILE}: {warnings.last or error}") from error
        finally:
            empty.rmdir()
    custom = config.theme.custom_dir
    at = 1 if custom else 0
    config.theme.dirs.insert(at, str(ours))
    return config


def _refuse_missing_extras(config: MkDocsConfig, dirs: Sequence[Path]) -> None:
    for kind, items in (("extra_css", config.extra_css), ("extra_javascript", config.extra_javascript)):
        for item in items:
            if not any((folder / str(item)).is_file() for folder in dirs):
                raise ConfigError(
                    f"{settings.FILE}: '{kind}' names {item}, which is not there",
                    hint="files of the theme lie below its custom_dir: theme.custom_dir: theme → theme/assets/shop.css",
                )


def _configure(config: MkDocsConfig, job: Job) -> None:
    language = job.plan.language
    config.site_name = job.site_name
    config.site_url = f"{job.site_url}{language}/" if job.site_url else None
    config.theme["language"] = language
    config.theme["direction"] = direction(language)
    config.theme["font"] = False
    config.theme.static_templates = set()
    _localise_palette(config, job.strings)
    config.validation.links.anchors = logging.WARNING
    config.validation.nav.omitted_files = logging.DEBUG
    _force_extensions(config, job)


def _localise_palette(config: MkDocsConfig, strings: Strings) -> None:
    palette = config.theme.get("palette", None)
    for option in palette if isinstance(palette, list) else []:
        if isinstance(toggle := option.get("toggle"), dict):
            dark = option.get("scheme") == "slate"
            toggle["name"] = strings("theme_light" if dark else "theme_dark")


def _force_extensions(config: MkDocsConfig, job: Job | None) -> None:
    from pymdownx.slugs import slugify

    configs = config.mdx_configs
    for name, options in _FORCED_EXTENSIONS.items():
        if name in config.markdown_extensions:
            configs[name] = {**configs.get(name, {}), **options}
    # The default drops every letter that is not ASCII: all Ukrainian headings would be "_1", "_2"…
    configs["toc"] = {"slugify": slugify(case="lower"), **configs.get("toc", {})}
    if job is None:
        return
    if configs["toc"].get("permalink"):
        configs["toc"]["permalink_title"] = job.strings("permalink")
    if "footnotes" in config.markdown_extensions:
        configs["footnotes"] = {
            **configs.get("footnotes", {}),
            "BACKLINK_TITLE": job.strings("footnote_back", n="%d"),
        }
    if "pymdownx.snippets" in config.markdown_extensions:
        configs["pymdownx.snippets"].setdefault("base_path", [str(job.root / job.articles)])
        _inside(configs["pymdownx.snippets"]["base_path"], job.root)
    config.markdown_extensions.append(LocalTitles(job.strings))  # type: ignore[arg-type]


def _inside(base_path: Any, root: Path) -> None:
    for path in [base_path] if isinstance(base_path, str) else base_path:
        if not (root / str(path)).resolve().is_relative_to(root):
            raise ConfigError(
                f"{settings.FILE}: pymdownx.snippets takes files from outside the content folder: {path}",
                hint="set base_path to a folder inside it",
            )


@contextmanager
def _listening() -> Iterator["_Warnings"]:
    """Collects what MkDocs, its plugins and hooks log inside the block, instead of letting it go to the terminal."""
    warnings = _Warnings()
    logger = logging.getLogger("mkdocs")
    level, propagate = logger.level, logger.propagate
    logger.addHandler(warnings)
    logger.propagate = False
    logger.setLevel(logging.WARNING)
    try:
        yield warnings
    finally:
        logger.removeHandler(warnings)
        logger.propagate = propagate
        logger.setLevel(level)


class _Warnings(logging.Handler):
    """Collects what MkDocs and plugins only log, so that no page goes missing quietly."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: list[str] = []

    @property
    def last(self) -> str:
        return self.messages[-1] if self.messages else ""

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())

    def problems(self, plan: Plan, articles: str) -> list[Problem]:
        paths = {page.source: page.article.path for page in plan.pages if page.article}
        found = []
        for message in self.messages:
            source = next((s for s in paths if f"'{s}'" in message), None)
            path = paths[source] if source else f"{articles}/{plan.language}"
            found.append(Problem("mkdocs", path, None, message, severity="warning"))
        return found


class _ArticlePage(MkDocsPage):
    """A page whose Markdown is at hand; MkDocs' own front matter reader would guess at ``Note: text``."""

    def __init__(
        self, view: Page, file: File, config: MkDocsConfig, report: Callable[[Problem], None]
    ) -> None:
        super().__init__(str(Markup.escape(view.title)), file, config)
        self.view = view
        self._report = report

    def read_source(self, config: MkDocsConfig) -> None:
        self.markdown = self.view.body
        article = self.view.article
        self.meta = {"title": self.title, "description": str(Markup.escape(self.view.description))}
        if article:
            self.meta["tags"] = [str(Markup.escape(tag)) for tag in article.tags]

    def render(self, config: MkDocsConfig, files: Files) -> None:
        article = self.view.article
        self.content, self.toc = "", []  # type: ignore[assignment]
        self.present_anchor_ids = set()
        if article is None or not article.body:
            return
        try:
            with bounded():
                super().render(config, files)
        except RenderTimeout:
            self._fail(
                "render-slow", "takes too long to render", "simplify it: look for deep nesting or huge tables"
            )
        except RecursionError:
            self._fail("render-deep", "is nested too deeply to render", "flatten its lists and quotes")
        except Exception as error:
            self._fail(
                "render-failed", f"cannot be rendered: {error}", "look at the Markdown near what it names"
            )

    def _fail(self, code: str, message: str, hint: str) -> None:
        article = self.view.article
        assert article is not None
        self.content = ""
        self._report(Problem(code, article.path, None, f"the article {message}", hint))


class _NoOptions(PluginConfig):  # type: ignore[no-untyped-call]
    """MkDocs wants a plugin to declare its options; this one is made in code."""


class _HelpCentre(BasePlugin[_NoOptions]):  # type: ignore[no-untyped-call]
    """Gives MkDocs the articles, and takes its pages."""

    def __init__(self, job: Job, progress: Callable[[int], None]) -> None:
        self.job = job
        self.problems: list[Problem] = []
        self.sources = Sources()
        self.rendered: list[Rendered] = []
        self.done = 0
        self._progress = progress
        self._sidebars: dict[tuple[str, int], str] = {}
        self._templates: Environment | None = None

    @event_priority(100)
    def on_files(self, files: Files, *, config: MkDocsConfig) -> Files:
        # The theme's files are written once for all languages, not with each.
        mine = Files([])
        for page in self.job.plan.pages:
            file = File.generated(config, page.source, content="")
            if page.kind == "missing":
                file.dest_uri = "404.html"
            _ArticlePage(page, file, config, self.problems.append)
            mine.append(file)
        for uri, path in self.job.media.items():
            mine.append(File.generated(config, uri, abs_src_path=str(path)))
        return mine

    @event_priority(-100)
    def on_page_content(self, html: str, *, page: MkDocsPage, config: MkDocsConfig, files: Files) -> str:
        _clean_toc(page.toc)
        return _name_tasks(clean(html), self.job.strings) if html else ""

    def on_env(self, env: Environment, *, config: MkDocsConfig, files: Files) -> Environment:
        job, strings = self.job, self.job.strings
        # Material's templates, and those a shop wrote for Material, write HTML; ours write text, which is escaped
        # unless marked.
        env.autoescape = _is_ours(job.theme, job.theme_dirs)
        env.trim_blocks = env.lstrip_blocks = True
        env.filters["url"] = _url_filter(job.assets)
        env.globals |= {
            "t": strings,
            "tn": strings.count,
            "tdate": strings.date,
            "autonym": autonym,
            "direction_of": direction,
            "language_name": strings.name,
            "icon": _icon(env),
            "material_strings": _material_strings(strings),
        }
        self._templates = env
        return env

    @event_priority(100)
    def on_page_context(
        self, context: Any, *, page: MkDocsPage, config: MkDocsConfig, nav: Navigation
    ) -> Any:
        assert isinstance(page, _ArticlePage)
        view = page.view
        if view.kind == "missing":
            # Hosts show it at any depth, so its addresses start at the site's own path.
            context["base_url"] = f"/{_path(self.job.site_url)}{self.job.plan.language}"
        context["view"] = view
        context["kb"] = self._context(view, page, context["base_url"])
        return context

    @event_priority(-100)
    def on_post_page(self, output: str, *, page: MkDocsPage, config: MkDocsConfig) -> str:
        assert isinstance(page, _ArticlePage)
        output, sources = secure(output)
        self.sources |= sources
        article = page.view.article
        if article and page.view.kind == "article":
            self.rendered.append(Rendered(article.id, page.view.url, split(page.content or "")))
        page.content = None
        self.done += 1
        self._progress(self.done)
        return output

    def _context(self, view: Page, page: MkDocsPage, base: str) -> dict[str, Any]:
        job = self.job
        link = _Link(base)
        language = view.article.language if view.article else job.plan.language
        return {
            "page": view,
            "plan": job.plan,
            "language": job.plan.language,
            "direction": direction(job.plan.language),
            "text_language": language,
            "text_direction": direction(language),
            "link": link.to,
            "root": link.root,
            "assets": job.assets,
            "sidebar": Markup(self._sidebar(view, link)),
            "related": job.plan.related(view),
            "alternates": [
                (lang, job.site_url + url) for lang, url in alternates(view, job.default_language)
            ],
            "canonical": self._canonical(view),
            "source": self._source(view),
            "ld": Markup(structured_data(view, job.plan, job.site_url, job.site_name, page.content or "")),
            "contact": job.contact,
            "features": job.features,
            "data": {name: link.root(path) for name, path in job.data.items()},
            "policy": MARKER,
            "site_url": job.site_url,
        }

    def _canonical(self, view: Page) -> str:
        if not self.job.site_url or view.kind == "missing":
            return ""
        article = view.article
        language = (
            article.language if article and article.origin.value == "fallback" else self.job.plan.language
        )
        return f"{self.job.site_url}{language}/{view.url}"

    def _source(self, view: Page) -> Choice | None:
        """Where the text of a translated or borrowed page comes from."""
        article = view.article
        if article is None or not article.source_language:
            return None
        return next((c for c in view.choices if c.language == article.source_language), None)

    def _sidebar(self, view: Page, link: "_Link") -> str:
        if view.kind not in {"article", "category"} or view.category is None or self._templates is None:
            return ""
        # All pages at one depth of one section have the same sidebar but for the mark on their own entry.
        key = (f"{link.base}|{view.category.id}", view.part)
        if key not in self._sidebars:
            template = self._templates.get_template("kb/sidebar.html")
            parts = self.job.plan.parts(view.category)
            self._sidebars[key] = template.render(
                plan=self.job.plan,
                current=view.category,
                entries=parts[view.part],
                whole=len(parts) == 1,
                link=link.to,
                language=self.job.plan.language,
            )
        address = f'href="{Markup.escape(link.to(view.url))}"'
        return self._sidebars[key].replace(
            f"{address}>",
            f'{address} aria-current="page">',
            1,
        )


@dataclass(frozen=True, slots=True)
class _Link:
    """Addresses from one page: ``base`` leads to the language's root."""

    base: str

    def to(self, url: str) -> str:
        """To an address relative to the language's root."""
        return f"{self.base}/{url}" if url else f"{self.base}/"

    def root(self, url: str) -> str:
        """To an address relative to the root of the whole site."""
        if self.base.startswith("/"):
            return f"{self.base.rpartition('/')[0]}/{url}"
        return f"../{url}" if self.base == "." else f"{self.base}/../{url}"


def _path(site_url: str) -> str:
    """Path of ``https://host/sub/`` without its leading slash: ``sub/``."""
    return site_url.split("://", 1)[-1].partition("/")[2]


def _is_ours(theme: Path, dirs: Sequence[Path]) -> Callable[[str | None], bool]:
    # Jinja asks for every include of every page.
    @cache
    def is_ours(name: str | None) -> bool:
        winner = next((folder for folder in dirs if (folder / (name or "")).is_file()), None)
        return winner == theme

    return is_ours


def _url_filter(assets: Assets) -> Callable[..., str]:
    @pass_context
    def url(context: Context, value: object) -> str:
        text = str(value)
        if text.startswith(("/", "#", "http:", "https:", "mailto:", "data:", "../")):
            return text
        link = _Link(context.get("base_url") or ".")
        if text.startswith("assets/"):
            return link.root(assets.address(text))
        return (
            posixpath.normpath(link.to(text)) + ("/" if text.endswith("/") else "") if text else link.to("")
        )

    return url


def _icon(env: Environment) -> Callable[[str], Markup]:
    def icon(name: str) -> Markup:
        """One of Material's icons, inline; unknown names show the generic one."""
        loader = env.loader
        assert loader is not None
        for candidate in (name, "material/help-circle-outline"):
            try:
                return Markup(loader.get_source(env, f".icons/{candidate}.svg")[0])
            except Exception as error:
                if candidate != name:
                    raise BuildError(f"icon '{name}' does not exist") from error
        raise AssertionError

    cache: dict[str, Markup] = {}
    return lambda name: cache[name] if name in cache else cache.setdefault(name, icon(name))


def _material_strings(strings: Strings) -> dict[str, str]:
    """Material's own texts that its templates and script show, in our words."""
    return {
        "language": strings.language,
        "direction": direction(strings.language),
        "action.skip": strings("skip"),
        "clipboard.copy": strings("copy"),
        "clipboard.copied": strings("copied"),
        "footer": strings("footer"),
        "footer.next": strings("next"),
        "footer.previous": strings("previous"),
        "header": strings("home"),
        "nav": strings("nav"),
        "search": strings("search"),
        "search.placeholder": strings("search_placeholder"),
        "select.language": strings("languages"),
        "tabs": strings("categories"),
        "toc": strings("on_this_page"),
        "top": strings("to_top"),
    }


def _name_tasks(html: str, strings: Strings) -> str:
    """A task list's boxes have no text of their own; a screen reader says what their mark means."""
    box = '<input type="checkbox" disabled=""'
    if box not in html:
        return html
    done, todo = (Markup.escape(strings(key)) for key in ("task_done", "task_open"))
    html = html.replace(f'{box} checked="">', f'{box} checked="" aria-label="{done}">')
    return html.replace(f"{box}>", f'{box} aria-label="{todo}">')


def _clean_toc(items: Any) -> None:
    for item in items:
        assert isinstance(item, AnchorLink)
        item.title = clean_inline(item.title)
        _clean_toc(item.children)


__all__ = ["Built", "Contact", "Entry", "Identity", "Job", "build", "identity", "renderer"]
