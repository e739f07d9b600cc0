"""What ``mkdocs.yml`` may say in a help centre, and what it may not, with the reason.

Theme options, Markdown extensions, hooks and plugins work as in MkDocs. Refused is what would break a promise: files
outside the content folder, requests to other origins, code in YAML, or a second authority over languages and
navigation.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from kb.errors import ConfigError, Problem

FILE = "mkdocs.yml"

_REFUSED_KEYS = {
    "nav": "navigation comes from the folders of articles; order it with 'order' in their front matter",
    "docs_dir": "articles live in the folder that [tool.kb] articles names",
    "site_dir": "the output folder is [tool.kb] output",
    "use_directory_urls": "addresses of articles are part of the format: <lang>/<category>/<slug>/",
    "INHERIT": "settings of a help centre are in one file, so that a review sees them all",
}
_REFUSED_PLUGINS = {
    "i18n": "languages are built in: list them in [tool.kb] languages",
    "static-i18n": "languages are built in: list them in [tool.kb] languages",
    "redirects": "use redirect_from in the article's front matter",
    "rss": "feeds are built in",
    "awesome-nav": "navigation comes from the folders; use order in the front matter",
    "awesome-pages": "navigation comes from the folders; use order in the front matter",
    "privacy": "no page refers to another origin, so there is nothing to download",
    "social": "it draws cards with fonts from another origin",
    "optimize": "it calls programs on every image; optimise images before committing them",
    "offline": "pages already work from any file server; opening them as file:// has no search",
    "blog": "it makes pages outside categories and languages",
    "minify": "it rewrites pages after they passed the sanitiser and the policy was computed",
}
_OWN_PLUGINS = frozenset({"search", "material/search"})
"""Dropped without a word: MkDocs adds its search by default, and ours takes its place."""
_PYTHON_NAME = re.compile(r"tag:yaml\.org,2002:python/name:(material|pymdownx|markdown)\.[\w.]+$")
_ELSEWHERE = re.compile(r"^(?:[a-z][a-z0-9+.-]*:)?//", re.IGNORECASE)


def read(root: Path) -> dict[str, Any]:
    """``mkdocs.yml`` as plain data, for the border to MkDocs; refused settings raise.

    Raises:
        ConfigError: the file is missing or no YAML, or holds something a help centre cannot have.
    """
    file = root / FILE
    try:
        text = file.read_text("utf-8")
    except (FileNotFoundError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: {error}", hint="run 'kb init DIR' to see a working one") from None
    try:
        # MkDocs reads the file once more.
        loader = _PlainLoader(text)
        node = loader.get_single_node()
        _refuse_code(node)
        data = loader.construct_document(node) if node else None
    except yaml.YAMLError as error:
        raise ConfigError(f"{FILE}: not valid YAML: {error}") from None
    if not isinstance(data, dict):
        raise ConfigError(f"{FILE}: must be a mapping of settings", hint="at least: site_name: My shop")
    _refuse(data)
    return data


def _plugins(data: Mapping[str, Any]) -> list[Any]:
    """What the file names, without the search that MkDocs would add."""
    return [p for p in _as_list(data.get("plugins")) if _name(p) not in _OWN_PLUGINS]


def overrides(data: Mapping[str, Any]) -> dict[str, Any]:
    """What to load MkDocs with instead of its own defaults: another theme, and a search."""
    theme = {} if "theme" in data else {"theme": {"name": "material"}}
    return {"plugins": _plugins(data), **theme}


def notes(data: Mapping[str, Any]) -> tuple[Problem, ...]:
    """What works differently from plain MkDocs and is worth knowing."""
    found = []
    if not data.get("site_url"):
        found.append(
            Problem(
                "site-url-missing",
                FILE,
                None,
                "no site_url: pages get no canonical address, no hreflang and no sitemap",
                "add: site_url: https://help.example.com/",
                "warning",
            )
        )
    return tuple(found)


class _PlainLoader(yaml.SafeLoader):
    """Reads MkDocs' ``!ENV`` and Python names as placeholders: only their place matters here."""


_PlainLoader.add_multi_constructor("tag:yaml.org,2002:python/name:", lambda loader, suffix, node: suffix)
_PlainLoader.add_multi_constructor("!", lambda loader, suffix, node: None)


def _refuse_code(node: yaml.Node | None) -> None:
    for child in _walk(node):
        tag = child.tag
        if "python/" in tag and not _PYTHON_NAME.match(tag):
            line = child.start_mark.line + 1
            raise ConfigError(
                f"{FILE}:{line}: the tag '{tag}' runs code",
                hint="only !!python/name: of material, pymdownx and markdown is accepted; use a hook for code",
            )


def _walk(node: yaml.Node | None) -> Iterator[yaml.Node]:
    pending, seen = [node], set()
    while pending:
        current = pending.pop()
        if current is None or id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        if isinstance(current, yaml.SequenceNode):
            pending.extend(current.value)
        elif isinstance(current, yaml.MappingNode):
            pending.extend(part for pair in current.value for part in pair)


def _refuse(data: Mapping[str, Any]) -> None:
    for key, reason in _REFUSED_KEYS.items():
        if key in data and not (key == "use_directory_urls" and data[key] is True):
            raise ConfigError(f"{FILE}: '{key}' is not for a help centre", hint=reason)
    for plugin in _as_list(data.get("plugins")):
        name = _name(plugin).removeprefix("material/")
        if name in _REFUSED_PLUGINS:
            raise ConfigError(f"{FILE}: the plugin '{name}' is refused", hint=_REFUSED_PLUGINS[name])
    _refuse_theme(data.get("theme", "material"))
    if isinstance(extra := data.get("extra"), dict) and extra.get("analytics"):
        raise ConfigError(
            f"{FILE}: 'extra.analytics' sends visitors' data to another origin",
            hint="the desk counts searches and answers without cookies; see 'kb report'",
        )
    for key in ("extra_css", "extra_javascript"):
        for item in data.get(key) or []:
            path = str(item.get("path", "") if isinstance(item, dict) else item)
            if _ELSEWHERE.match(path):
                raise ConfigError(
                    f"{FILE}: '{key}' loads {path} from another origin",
                    hint="put the file below the theme's custom_dir, in assets/, and name it from there",
                )


def _refuse_theme(theme: Any) -> None:
    options = {"name": theme} if isinstance(theme, str) else dict(theme or {})
    if options.get("name", "material") != "material":
        raise ConfigError(f"{FILE}: theme '{options['name']}'", hint="a help centre is built on 'material'")
    if "language" in options:
        raise ConfigError(
            f"{FILE}: 'theme.language' is set by each language's build", hint="list them in [tool.kb]"
        )
    if options.get("font"):
        raise ConfigError(
            f"{FILE}: 'theme.font' loads fonts from another origin",
            hint="remove it, and name a font shipped below custom_dir/assets in extra_css",
        )
    if any(str(f).startswith("navigation.instant") for f in options.get("features") or []):
        raise ConfigError(
            f"{FILE}: 'navigation.instant' replaces pages by script, which loses each page's own policy and language",
            hint="remove it from theme.features",
        )


def _as_list(plugins: Any) -> list[Any]:
    if plugins is None:
        return []
    return [{k: v} for k, v in plugins.items()] if isinstance(plugins, dict) else list(plugins)


def _name(plugin: Any) -> str:
    return str(next(iter(plugin))) if isinstance(plugin, dict) else str(plugin)
