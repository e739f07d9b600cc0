"""One language's pages through one plain MkDocs build; the only importer of mkdocs.

MkDocs gets the articles as files in memory and calls back into one plugin, which gives the pages their place,
cleans their HTML and fills in the policy. A shop's own theme options, extensions, hooks and plugins run as in
any MkDocs
site.
"""

import copy
import logging
import os
import posixpath
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path, PurePosixPath
from types import SimpleNamespace
from typing import Any

import markdown
import yaml
from jinja2 import BytecodeCache, Environment, TemplateError, pass_context
from jinja2.bccache import Bucket
from jinja2.runtime import Context
from markupsafe import Markup
from mkdocs.commands.build import build as mkdocs_build
from mkdocs.commands.build import get_context
from mkdocs.config import load_config
from mkdocs.config.base import Config as PluginConfig
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import MkDocsException
from mkdocs.plugins import BasePlugin, event_priority
from mkdocs.structure.files import File, Files, InclusionLevel
from mkdocs.structure.nav import Navigation, get_navigation
from mkdocs.structure.pages import Page as MkDocsPage
from mkdocs.structure.pages import (
    _ExtractAnchorsTreeprocessor,
    _ExtractTitleTreeprocessor,
    _RawHTMLPreprocessor,
    _RelativePathTreeprocessor,
)
from mkdocs.structure.toc import AnchorLink, TableOfContents, get_toc
from msgspec.structs import replace

from kb.content.article import Category, Origin
from kb.content.languages import direction
from kb.errors import BuildError, ConfigError, Problem
from kb.publish import deferred, keys, pieces, settings
from kb.publish.admonitions import LocalTitles
from kb.publish.assets import Assets
from kb.publish.contact import Contact
from kb.publish.context import Contexts, Link, Own
from kb.publish.interface import Strings
from kb.publish.job import Body, Built, Frame, Heading, Identity, Job, Made, Pieces, References, Report, Ways
from kb.publish.limits import RenderTimeoutError, bounded
from kb.publish.pages import Entry, Page, Plan
from kb.publish.policy import Sources, secure
from kb.publish.sanitise import clean, clean_inline
from kb.publish.sections import Rendered, Section, split

_FORCED_EXTENSIONS: Mapping[str, Mapping[str, Any]] = {
    # A style attribute would need 'unsafe-inline' in the policy.
    "tables": {"use_align_attribute": True},
    "pymdownx.snippets": {"restrict_base_path": True, "url_download": False, "check_paths": True},
}


_TEMPLATES = frozenset({".html", ".j2", ".jinja", ".xml"})

Keep = Callable[[Made, bytes], None]
"""Receives each page as it is written, with its bytes."""


def identity(root: Path, ours: Path) -> Identity:
    """Read and check ``mkdocs.yml``. ``ours`` is the folder of the shipped theme.

    Raises:
        ConfigError: the file is missing, broken, or asks for something a help centre cannot have.
    """
    config = _load(root, root / "site", ours)
    url = (config.site_url or "").rstrip("/")
    dirs = tuple(Path(d) for d in config.theme.dirs)
    _refuse_missing_extras(config, dirs)
    base = (config.mdx_configs or {}).get("pymdownx.snippets", {}).get("base_path", ())
    return Identity(
        config.site_name,
        f"{url}/" if url else "",
        config.site_description or "",
        dirs,
        plain=_is_plain(config),
        snippets=(base,) if isinstance(base, str) else tuple(map(str, base)),
    )


_OWN_EXTENSIONS = ("markdown.extensions.", "pymdownx.", "material.extensions.")
_MARKDOWN_EXTENSIONS = frozenset({
    "abbr", "admonition", "attr_list", "codehilite", "def_list", "extra", "fenced_code", "footnotes", "legacy_attrs",
    "legacy_em", "md_in_html", "meta", "nl2br", "sane_lists", "smarty", "tables", "toc", "wikilinks",
})  # fmt: skip


def _is_plain(config: MkDocsConfig) -> bool:
    """Whether each page is shaped by its article and these settings alone: plugins, hooks and extensions we do not
    know may keep something from page to page, or look elsewhere."""
    known = all(
        isinstance(name, str) and (name in _MARKDOWN_EXTENSIONS or name.startswith(_OWN_EXTENSIONS))
        for name in config.markdown_extensions
    )
    return known and not config.plugins and not config.hooks


def build(job: Job, *, progress: Report | None = None, keep: Keep | None = None) -> Built:
    """Write one language's pages to ``job.out``: those that ``job.known`` wants, or all.

    An article that cannot be rendered becomes a problem; the others are still built, so that one run tells all.

    Raises:
        BuildError: MkDocs, a plugin or a template failed.
    """
    config, env = _prepared(job)
    plugin = _HelpCentre(job, progress or (lambda done: None), keep or (lambda made, html: None))
    config.plugins["kb"] = plugin
    with _listening() as warnings:
        try:
            if job.plain:
                _Press(config, plugin, warnings).run(env)
            else:
                mkdocs_build(config)
        except (MkDocsException, TemplateError, yaml.YAMLError) as error:
            raise BuildError(f"{job.plan.language}: {warnings.last or error}") from error
    problems = (*plugin.problems, *warnings.problems(job.plan, job.articles))
    return Built(
        job.plan.language,
        problems,
        plugin.sources,
        tuple(plugin.rendered),
        plugin.done,
        tuple(plugin.made),
        plugin.pieces,
    )


_Prepared = tuple[MkDocsConfig, Environment]
_prepared_before: dict[str, _Prepared] = {}
_PREPARED_LIMIT = 32


def _prepared(job: Job) -> _Prepared:
    """Settings and templates for a language; those of ``job.warm`` are kept for the next build in this process."""
    if job.warm and job.warm in _prepared_before:
        config, env = _prepared_before[job.warm]
        config.site_dir = str(job.out)
        return config, env
    config = _loaded(job)
    config.theme.dirs = [str(d) for d in job.theme_dirs]
    _configure(config, job)
    env = config.theme.get_env()
    env.bytecode_cache = _compiled
    prepared = config, env
    if job.warm:
        while len(_prepared_before) >= _PREPARED_LIMIT:
            del _prepared_before[next(iter(_prepared_before))]
        _prepared_before[job.warm] = prepared
    return prepared


_loaded_before: dict[str, MkDocsConfig] = {}


def _loaded(job: Job) -> MkDocsConfig:
    """The settings, read once for all languages: only plugins and hooks could tell."""
    if not job.plain or not job.settings:
        return _load(job.root, job.out, job.theme)
    if job.settings not in _loaded_before:
        _loaded_before.clear()
        _loaded_before[job.settings] = _load(job.root, job.out, job.theme)
    config = copy.deepcopy(_loaded_before[job.settings])
    config.site_dir = str(job.out)
    return config


class _Compiled(BytecodeCache):
    """Templates as Python code, kept in memory: the same for every language of a process, and for the processes it
    forks."""

    def __init__(self) -> None:
        self._code: dict[tuple[str, str], Any] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._code.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._code[bucket.key, bucket.checksum] = bucket.code


_compiled = _Compiled()
_MATERIAL = ("base.html", "partials/toc.html", "partials/toc-item.html", "partials/icons.html", "partials/logo.html",
             "partials/palette.html")  # fmt: skip


def prepare(job: Job) -> None:
    """Load settings, templates and extensions, for the processes that will be forked: each would do it for itself.

    Raises:
        ConfigError: ``mkdocs.yml`` cannot be used.
    """
    if not job.plain:
        return
    config, env = _prepared(job)
    _HelpCentre(job, lambda done: None, lambda made, html: None).on_env(env, config=config, files=Files([]))
    names = [path.relative_to(job.theme).as_posix() for path in sorted(job.theme.glob("[!s]*/**/*.html"))]
    for name in (*_MATERIAL, "main.html", *names):
        if not name.startswith(("desk/", "kb/standalone/")):
            env.get_template(name)
    texts = (page.article.markdown for page in job.plan.pages if page.article)
    deferred.load(_Converter(config).renew, icons=any(map(deferred.ICON.search, texts)))


class _Press:
    """Makes the pages one by one, as MkDocs' own build does where there are no plugins; so pages that are known need
    not be made, and rendered Markdown that is known is taken as it is."""

    def __init__(self, config: MkDocsConfig, plugin: "_HelpCentre", warnings: "_Warnings") -> None:
        self.config, self.plugin, self.warnings = config, plugin, warnings
        self.job = plugin.job
        self.files = _Shelf(config, plugin)
        self.converter = _Converter(config)
        self.references: dict[str, References] = {}
        """Source file → what its text refers to, of those that were made."""
        self.listed: Sequence[File] = ()
        """What templates see as ``pages``: asked for once, since listing all files for each page costs time squared."""
        self.nav = Navigation([], [])

    def run(self, env: Environment) -> None:
        self.env = self.plugin.on_env(env, config=self.config, files=self.files)
        wanted = self.job.known.wanted
        views = [view for view in self.job.plan.pages if wanted is None or view.source in wanted]
        if _has_own_templates(self.job):
            self.whole_site(views)
        else:
            binder = None if self.job.whole else _Binder(self)
            for view in views:
                if binder and view.kind in pieces.KINDS:
                    binder.bind(view)
                elif binder and view.kind == "home" and self.job.known.home:
                    binder.home(view)
                else:
                    self.write(self.populated(self.files.page(view)))
        self.check_anchors()

    def whole_site(self, views: Sequence[Page]) -> None:
        """Templates of the shop's own may ask for the whole navigation, ours do not."""
        pages = [self.files.page(view) for view in views]
        if self.job.known.wanted is None:
            self.nav = get_navigation(self.files, self.config)
            self.listed = self.files.documentation_pages()
            pages = [self.populated(page) for page in pages]
        for page in pages:
            self.write(page if self.nav.pages else self.populated(page))

    def populated(self, page: "_ArticlePage") -> "_ArticlePage":
        page.read_source(self.config)
        known = self.known(page.view)
        if known is not None:
            page.restore(known)
        else:
            before, files = len(self.warnings.messages), _Recorder(self.files)
            page.convert(self.converter, files)
            if page.content is not None and not page.failed:
                content = self.plugin.on_page_content(
                    page.content, page=page, config=self.config, files=self.files
                )
                page.content = content
                page.fresh = page.body(files, self.warnings.messages[before:])
                self.references[page.view.source] = page.fresh.references
        return page

    def known(self, view: Page) -> Body | None:
        """A page's rendered Markdown from the build before."""
        body = self.job.known.bodies.get(view.source)
        if body is not None:
            self.warnings.messages += body.references.warnings
            self.references[view.source] = body.references
        return body

    def html(self, page: "_ArticlePage") -> str:
        context = self.plugin.on_page_context(
            get_context(self.nav, self.listed, self.config, page),
            page=page,
            config=self.config,
            nav=self.nav,
        )
        return self.env.get_template("main.html").render(context)

    def write(self, page: "_ArticlePage") -> bytes:
        page.active = True
        output = self.plugin.on_post_page(self.html(page), page=page, config=self.config)
        page.active = False
        html = pieces.encoded(output)
        self.put(page.file.dest_uri, html)
        return html

    def put(self, file: str, output: bytes) -> None:
        path = f"{self.job.out}/{file}"
        try:
            _write(path, output)
        except FileNotFoundError:
            # Most folders are there: they were before.
            os.makedirs(path.rpartition("/")[0], exist_ok=True)
            _write(path, output)

    def check_anchors(self) -> None:
        """Report links to anchors that are not there, also from pages that need not be made."""
        every = {**self.job.known.references, **self.references}
        for view in self.job.plan.pages:
            own = every.get(view.source)
            if own is None:
                continue
            if view.source not in self.references:
                self.warnings.messages += own.warnings
            for target, anchor, link in own.links:
                if target in every and anchor not in every[target].anchors:
                    self.warnings.messages.append(_no_anchor(view.source, target, anchor, link))


def _write(path: str, data: bytes) -> None:
    # Never into a file that is there: it could be a link to the published one.
    with open(path, "xb", buffering=0) as opened:
        opened.write(data)


class _Binder:
    """Joins pages from pieces, with frames from the build before where they are known."""

    def __init__(self, press: _Press) -> None:
        self.press, self.plugin, self.job = press, press.plugin, press.job
        used, known = self.plugin.pieces, press.job.known.pieces
        self.used, self.known, self.frames = used, known, used.frames
        self.contents = pieces.Contents(self.toc, known.contents, used.contents)
        self.lists = pieces.Lists(self.list, self.plugin.contexts.tongue, known.lists, used.lists)
        self._names = keys.names(press.job.plan)
        self._ways: dict[int, tuple[str, ...]] = {}
        self._sidebars: dict[tuple[str, str, int], str] = {}
        self._entries: dict[str, pieces.Shown] = {}

    def bind(self, view: Page) -> None:
        page, body = None, self.press.known(view)
        if body is None:
            page = self.press.populated(self.press.files.page(view))
            body = page.fresh or Body("")
        own = self.plugin.contexts.own(view, body.sections)
        html, sources = self.page(view, own, body)
        file = f"{view.url}index.html"
        self.plugin.take(view, file, html, sources, body.sections, page.fresh if page else None)
        self.press.put(file, html)

    def home(self, view: Page) -> None:
        """The home page, of which most builds change but a number of articles."""
        key, strings = self.job.known.home, self.job.strings
        counts = [strings.count("articles", card.count) for card in self.job.plan.cards]
        frame = self.known.homes.get(key)
        if frame is None:
            html = self.press.write(self.press.populated(self.press.files.page(view)))
            frame = pieces.counted(html, counts, self.plugin.made[-1].sources)
        else:
            body, html = self.press.known(view) or Body(""), pieces.fill(frame, pieces.counts_of(counts))
            self.plugin.take(view, "index.html", html, frame.sources, body.sections, None)
            self.press.put("index.html", html)
        if frame is not None:
            self.used.homes[key] = frame

    def page(self, view: Page, own: Own, body: Body) -> tuple[bytes, Sources]:
        shape = pieces.shape(view, own, body)
        frame = self.frames.get(shape) or self.known.frames.get(shape)
        if pieces.may_hold_code(body.html) or (frame is not None and not frame.texts):
            return self.whole(view, body)
        if frame is None:
            frame = self.frame(shape)
            html, sources = self.joined(frame, shape, view, own, body), frame.sources
            # Something that these settings show may do more with a title than print it: then pages are rendered whole.
            if (html, sources) != self.whole(view, body):
                self.frames[shape] = Frame()
                return self.whole(view, body)
        self.frames[shape] = frame
        return self.joined(frame, shape, view, own, body), frame.sources

    def joined(self, frame: Frame, shape: pieces.Shape, view: Page, own: Own, body: Body) -> bytes:
        plugin, link = self.plugin, Link(_base(shape.depth))
        values = pieces.values(view, own, body, plugin.contexts.tongue, self._entries)
        values["sidebar"] = pieces.encoded(self.sidebar(view, link))
        if pieces.TOC in frame.marks:
            values[pieces.TOC] = self.contents.html(body.toc)
        if pieces.LISTED in frame.marks:
            values[pieces.LISTED] = self.lists.html(plugin.entries(view), link.base)
        for name, tongue in self.tongues(shape, view).items():
            values[name] = pieces.fill(tongue, values)
        return pieces.fill(frame, values)

    def sidebar(self, view: Page, link: Link) -> str:
        category = view.category
        assert category is not None, "every page that is joined belongs to a category"
        at = (link.base, category.id, view.part)
        if at not in self._sidebars:
            key = keys.short(link.base, self._names, keys.sidebar(self.job.plan, category, view.part))
            html = self.known.sidebars.get(key) or self.plugin.section(view, category, link)
            self._sidebars[at] = self.used.sidebars[key] = html
        return _with_mark(self._sidebars[at], link.to(view.url))

    def tongues(self, shape: pieces.Shape, view: Page) -> Mapping[str, Frame]:
        """Apart from the rest: there are many ways of being available in ten languages."""
        # The plan has one mapping for all pages that are to be had in the same way.
        of_page = id(view.choices.origins)
        if of_page not in self._ways:
            self._ways[of_page] = view.choices.ways
        key = Ways(shape.depth, view.indexable, self._ways[of_page])
        found = self.used.tongues.get(key) or self.known.tongues.get(key)
        if found is None:
            origins = {choice.language: choice.origin for choice in view.choices}
            marked = pieces.stand_in(shape, self.job.plan.language, origins).view
            made = self.plugin.tongues(marked, _base(shape.depth))
            found = {name: pieces.cut(html, Sources()) for name, html in made.items()}
        self.used.tongues[key] = found
        return found

    def whole(self, view: Page, body: Body) -> tuple[bytes, Sources]:
        page = self.press.files.page(view)
        page.read_source(self.press.config)
        page.restore(body)
        html, sources = secure(self.press.html(page))
        return pieces.encoded(html), sources

    def frame(self, shape: pieces.Shape) -> Frame:
        press, plugin = self.press, self.plugin
        language, languages = self.job.plan.language, self.job.plan.languages
        view, own, page = pieces.stand_in(shape, language, dict.fromkeys(languages, Origin.WRITTEN))
        context: Any = get_context(press.nav, press.listed, press.config, page)
        context["view"] = view
        kb = context["kb"] = plugin.contexts.kb(view, own, context["base_url"], None)
        kb["tongue"] = pieces.sparing_marks(plugin.contexts.tongue)
        html, sources = secure(press.env.get_template("main.html").render(context))
        return pieces.cut(html, sources)

    def list(self, entries: Sequence[Entry], base: str) -> str:
        return self.plugin.list(entries, Link(base), pieces.sparing_marks(self.plugin.contexts.tongue))

    def toc(self, entries: Sequence[Any]) -> str:
        return self.plugin.toc({"config": self.press.config, "page": SimpleNamespace(toc=entries)})


def _base(depth: int) -> str:
    """The way from a page to its language's root."""
    return "/".join([".."] * depth)


def _has_own_templates(job: Job) -> bool:
    """Whether the shop's own folder of the theme holds templates, which may show anything anywhere."""
    own = job.theme_dirs[: job.theme_dirs.index(job.theme)] if job.theme in job.theme_dirs else ()
    return any(path.suffix in _TEMPLATES for folder in own for path in folder.rglob("*"))


def _file(uri: str, config: MkDocsConfig) -> File:
    """As ``File.generated``, which works inside a plugin only."""
    file = File(uri, None, config.site_dir, config.use_directory_urls, inclusion=InclusionLevel.INCLUDED)
    file.generated_by = "kb"
    return file


def _no_anchor(source: str, target: str, anchor: str, link: str) -> str:
    problem = f"the doc '{target}' does not contain an anchor '#{anchor}'"
    if target == source:
        problem = "there is no such anchor on this page"
        if anchor.startswith("fnref:"):
            problem += " This seems to be a footnote that is never referenced."
    return f"Doc file '{source}' contains a link '{link}', but {problem}."


class _Shelf(Files):
    """The site's files, each made when a link or the build asks for it."""

    def __init__(self, config: MkDocsConfig, plugin: "_HelpCentre") -> None:
        super().__init__([])
        self._config, self._plugin = config, plugin
        self._views = {view.source: view for view in plugin.job.plan.pages}

    def get_file_from_path(self, path: str) -> File | None:
        uri = PurePosixPath(path).as_posix()
        found = self._src_uris.get(uri)
        if found is None and uri in self._views:
            found = self._src_uris[uri] = self._plugin.file(self._views[uri], self._config)
        elif found is None and uri in self._plugin.job.media:
            found = self._src_uris[uri] = self._plugin.media_file(uri, self._config)
        return found

    def __iter__(self) -> Iterator[File]:
        return iter(self.src_uris.values())

    def __len__(self) -> int:
        return len(self.src_uris)

    @property
    def src_uris(self) -> Mapping[str, File]:
        for uri in (*self._views, *self._plugin.job.media):
            self.get_file_from_path(uri)
        return {uri: self._src_uris[uri] for uri in (*self._views, *self._plugin.job.media)}

    def page(self, view: Page) -> "_ArticlePage":
        file = self.get_file_from_path(view.source)
        assert file is not None
        assert isinstance(file.page, _ArticlePage)
        return file.page


class _Recorder:
    """Answers the links of one page, and remembers what they asked for."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self.lookups: dict[str, bool] = {}

    def get_file_from_path(self, path: str) -> File | None:
        found = self._files.get_file_from_path(path)
        self.lookups[path] = found is not None
        return found

    @property
    def src_uris(self) -> Mapping[str, File]:
        return self._files.src_uris


class _Converter:
    """Markdown → HTML with one set of extensions for all pages: making the set costs half as much as a page does.

    What an extension keeps for its page, ``reset`` clears; after a failure a new set is made.
    """

    def __init__(self, config: MkDocsConfig) -> None:
        self.config = config
        self._markdown: markdown.Markdown | None = None

    def convert(self, page: MkDocsPage, files: Any) -> None:
        md, self._markdown = self._markdown, None
        if md is None:
            md = self.renew()
        md.reset()
        raw_html = _RawHTMLPreprocessor()
        anchors = _ExtractAnchorsTreeprocessor(page.file, files, self.config)
        links = _RelativePathTreeprocessor(page.file, files, self.config)
        for each in (raw_html, anchors, links, _ExtractTitleTreeprocessor()):
            each._register(md)
        assert page.markdown is not None
        page.content = md.convert(page.markdown)
        page.toc = get_toc(getattr(md, "toc_tokens", []))
        page.present_anchor_ids = anchors.present_anchor_ids | raw_html.present_anchor_ids
        page.links_to_anchors = links.links_to_anchors
        self._markdown = md

    def renew(self) -> markdown.Markdown:
        return markdown.Markdown(
            extensions=self.config.markdown_extensions, extension_configs=self.config.mdx_configs or {}
        )


def renderer(root: Path, ours: Path) -> Callable[[str], str]:
    """A function from an article's Markdown to HTML with the site's own extensions, before sanitising.

    For checks that compare a translation with its source; links to other articles stay as written.
    """
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
    deferred.defer()
    empty = out.parent / f".{out.name}.docs"
    # MkDocs insists on a folder of documents; ours are in memory.
    empty.mkdir(parents=True, exist_ok=True)
    with _listening() as warnings:
        try:
            config = load_config(
                str(root / settings.FILE),
                docs_dir=str(empty),
                site_dir=str(out),
                **settings.overrides(data),
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
        self.failed = False
        self.fresh: Body | None = None
        self.sections: tuple[Section, ...] | None = None
        self._report = report

    def read_source(self, config: MkDocsConfig) -> None:
        self.markdown = self.view.body
        article = self.view.article
        self.meta = {"title": self.title, "description": str(Markup.escape(self.view.description))}
        if article:
            self.meta["tags"] = [str(Markup.escape(tag)) for tag in article.tags]

    def render(self, config: MkDocsConfig, files: Files) -> None:
        self._bounded(lambda: super(_ArticlePage, self).render(config, files))

    def convert(self, converter: "_Converter", files: Any) -> None:
        """As :meth:`render`, with a converter that all pages share."""
        self._bounded(lambda: converter.convert(self, files))

    def _bounded(self, render: Callable[[], None]) -> None:
        article = self.view.article
        self.content, self.toc = "", TableOfContents([])
        self.present_anchor_ids = set()
        if article is None or not article.body:
            return
        try:
            with bounded():
                render()
        except RenderTimeoutError:
            self._fail(
                "render-slow", "takes too long to render", "simplify it: look for deep nesting or huge tables"
            )
        except RecursionError:
            self._fail("render-deep", "is nested too deeply to render", "flatten its lists and quotes")
        except Exception as error:
            self._fail(
                "render-failed", f"cannot be rendered: {error}", "look at the Markdown near what it names"
            )

    def restore(self, body: Body) -> None:
        """Take rendered Markdown as it was."""
        self.content = body.html
        self.toc = TableOfContents(_links(body.toc, first=True))
        self.sections = body.sections

    def body(self, files: "_Recorder", warnings: Sequence[str]) -> Body:
        """The rendered Markdown, to be kept."""
        links = self.links_to_anchors or {}
        found = [(to.src_uri, anchor, link) for to, named in links.items() for anchor, link in named.items()]
        self.sections = split(self.content or "")
        references = References(
            anchors=tuple(sorted(self.present_anchor_ids or ())),
            links=tuple(found),
            lookups=tuple(files.lookups.items()),
            warnings=tuple(warnings),
        )
        return Body(self.content or "", _headings(self.toc), references, self.sections)

    def _fail(self, code: str, message: str, hint: str) -> None:
        article = self.view.article
        assert article is not None
        self.content = ""
        self.failed = True
        self._report(Problem(code, article.path, None, f"the article {message}", hint))


class _NoOptions(PluginConfig):  # type: ignore[no-untyped-call]
    """MkDocs wants a plugin to declare its options; this one is made in code."""


class _HelpCentre(BasePlugin[_NoOptions]):  # type: ignore[no-untyped-call]
    """Gives MkDocs the articles, and takes its pages."""

    def __init__(self, job: Job, progress: Report, keep: Keep) -> None:
        self.job = job
        self.made: list[Made] = []
        self._keep = keep
        self.problems: list[Problem] = []
        self.sources = Sources()
        self.rendered: list[Rendered] = []
        self.done = 0
        self._progress = progress
        self.contexts = Contexts(job)
        self.pieces = Pieces()
        self._sidebars: dict[tuple[str, str, int], str] = {}
        self._templates: Environment | None = None

    @event_priority(100)
    def on_files(self, files: Files, *, config: MkDocsConfig) -> Files:
        # The theme's files are written once for all languages, not with each.
        mine = Files([])
        for page in self.job.plan.pages:
            mine.append(self.file(page, config))
        for uri in self.job.media:
            mine.append(self.media_file(uri, config))
        return mine

    def file(self, page: Page, config: MkDocsConfig) -> File:
        file = _file(page.source, config)
        file.content_string = ""
        if page.kind == "missing":
            file.dest_uri = "404.html"
        _ArticlePage(page, file, config, self.problems.append)
        return file

    def media_file(self, uri: str, config: MkDocsConfig) -> File:
        file = _file(uri, config)
        file.abs_src_path = str(self.job.media[uri])
        return file

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
            "autonym": strings.autonym,
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
        base = context["base_url"]
        link, content = Link(base), page.content or ""
        if page.sections is None:
            page.sections = split(content)
        own = replace(
            self.contexts.own(view, page.sections),
            sidebar=self.sidebar(view, link),
            pieces={
                pieces.TOC: self.toc(context) if view.kind == "article" and len(page.toc) > 1 else "",
                pieces.LISTED: self.list(self.entries(view), link, self.contexts.tongue)
                if view.kind == "category"
                else "",
                **self.tongues(view, base),
            },
        )
        context["view"] = view
        context["kb"] = self.contexts.kb(view, own, base, self.job.plan)
        return context

    @event_priority(-100)
    def on_post_page(self, output: str, *, page: MkDocsPage, config: MkDocsConfig) -> str:
        assert isinstance(page, _ArticlePage)
        output, sources = self._secured(output, page.view)
        sections = page.sections or ()
        self.take(page.view, page.file.dest_uri, pieces.encoded(output), sources, sections, page.fresh)
        page.content = page.fresh = None
        return output

    def _secured(self, output: str, view: Page) -> tuple[str, Sources]:
        if view.kind != "contact":
            return secure(output)
        contact = self.job.contact
        return secure(output, connect=contact.connect, form_action=contact.form_action)

    def take(
        self,
        view: Page,
        file: str,
        html: bytes,
        sources: Sources,
        sections: Sequence[Section],
        fresh: Body | None,
    ) -> None:
        """Note a page that is made."""
        if sources != self.sources:
            self.sources |= sources
        if view.article and view.kind == "article":
            self.rendered.append(Rendered(view.article.id, view.url, tuple(sections)))
        made = Made(view.source, file, sources, fresh)
        self.made.append(replace(made, body=None))
        self._keep(made, html)
        self.done += 1
        self._progress(self.done)

    def sidebar(self, view: Page, link: Link) -> str:
        if view.kind not in pieces.KINDS or view.category is None:
            return ""
        # All pages at one depth of one section have the same sidebar but for the mark on their own entry.
        key = (link.base, view.category.id, view.part)
        if key not in self._sidebars:
            self._sidebars[key] = self.section(view, view.category, link)
        return _with_mark(self._sidebars[key], link.to(view.url))

    def section(self, view: Page, category: Category, link: Link) -> str:
        """The sidebar of a part of a category, without the mark."""
        parts = self.job.plan.parts(category)
        return self._rendered(
            "kb/sidebar.html",
            plan=self.job.plan,
            current=category,
            entries=parts[view.part],
            whole=len(parts) == 1,
            link=link.to,
            language=self.job.plan.language,
        )

    def entries(self, view: Page) -> Sequence[Entry]:
        """The articles of a category's page."""
        if view.kind != "category" or view.category is None:
            return ()
        return [self.job.plan.entry(article) for article in view.category.articles]

    def list(self, entries: Sequence[Entry], link: Link, tongue: pieces.Tongue) -> str:
        return self._rendered("kb/listed.html", entries=entries, kb={"link": link.to, "tongue": tongue})

    def tongues(self, view: Page, base: str) -> dict[str, str]:
        """What the page shows of other languages."""
        kb = self.contexts.kb(view, Own(), base, None)
        return {name: self._rendered(f"kb/{name}.html", view=view, kb=kb) for name in pieces.TONGUES}

    def toc(self, context: Mapping[str, Any]) -> str:
        """A page's table of contents, as Material's templates make it."""
        return self._rendered("kb/toc.html", **context)

    def _rendered(self, name: str, **context: Any) -> str:
        assert self._templates is not None
        return self._templates.get_template(name).render(context)


def _with_mark(sidebar: str, url: str) -> str:
    """A sidebar in which the page at ``url`` is marked."""
    address = f'href="{Markup.escape(url)}"'
    return sidebar.replace(f"{address}>", f'{address} aria-current="page">', 1)


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
        link = Link(context.get("base_url") or ".")
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


def _headings(items: Any) -> tuple[Heading, ...]:
    return tuple(Heading(item.title, item.id, item.level, _headings(item.children)) for item in items)


def _links(headings: Sequence[Heading], *, first: bool = False) -> list[AnchorLink]:
    found = []
    for heading in headings:
        link = AnchorLink(heading.title, heading.id, heading.level)
        link.children = _links(heading.children)
        found.append(link)
    if first and found:
        found[0].active = True  # type: ignore[attr-defined]  # as MkDocs' get_toc marks it
    return found


def _clean_toc(items: Any) -> None:
    for item in items:
        assert isinstance(item, AnchorLink)
        item.title = clean_inline(item.title)
        _clean_toc(item.children)


__all__ = ["Contact", "Entry", "Job", "build", "identity", "renderer"]
