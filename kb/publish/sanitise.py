"""The allow-list that every article's HTML passes last, after all extensions.

Editors and translations are trusted with words and layout, not with code: what a browser could run, send or
load from elsewhere is removed. The names allowed are those that Python-Markdown, PyMdown Extensions and Material
produce.
"""

from functools import lru_cache

import nh3

_SVG = {"viewBox", "xmlns", "d", "fill", "fill-rule", "clip-rule", "width", "height", "transform", "points"}
_SHAPES = {"svg", "path", "g", "circle", "rect", "polygon", "polyline", "ellipse", "line"}

_TAGS = nh3.ALLOWED_TAGS | _SHAPES | {
    "address", "details", "summary", "figure", "figcaption", "input", "label", "section", "article", "main",
    "mark", "kbd", "samp", "var", "ins", "del", "s", "sub", "sup", "small", "abbr", "dl", "dt", "dd",
    "source", "video", "audio", "track", "time", "progress", "meter", "u", "bdi", "bdo", "wbr", "data",
}  # fmt: skip
_ATTRIBUTES: dict[str, set[str]] = {
    "*": {"id", "class", "title", "lang", "dir", "role", "hidden", "translate", "align"},
    "a": {"href", "hreflang", "rel", "download"},
    "img": {"src", "alt", "width", "height", "loading"},
    "source": {"src", "type", "media"},
    "video": {"src", "controls", "width", "height", "muted", "poster", "preload", "playsinline"},
    "audio": {"src", "controls", "preload"},
    "track": {"src", "kind", "srclang", "label", "default"},
    "input": {"checked", "disabled", "name"},
    "label": {"for"},
    "details": {"open", "name"},
    "ol": {"start", "type", "reversed"},
    "li": {"value"},
    "td": {"colspan", "rowspan", "headers"},
    "th": {"colspan", "rowspan", "headers", "scope", "abbr"},
    "col": {"span"},
    "colgroup": {"span"},
    "time": {"datetime"},
    "data": {"value"},
    "meter": {"value", "min", "max", "low", "high", "optimum"},
    "progress": {"value", "max"},
    "blockquote": {"cite"},
    "q": {"cite"},
    **dict.fromkeys(
        _SHAPES, _SVG | {"cx", "cy", "r", "rx", "ry", "x", "y", "x1", "y1", "x2", "y2", "stroke"}
    ),
}
# Content tabs are radio buttons and task lists check boxes; no other input has a meaning without a form.
_INPUT_TYPES = {"input": {"type": {"radio", "checkbox"}}}
_PREFIXES = {"aria-", "data-tabs", "data-md-"}
_SCHEMES = {"http", "https", "mailto", "tel", "sms"}


@lru_cache(maxsize=1)
def _cleaner() -> nh3.Cleaner:
    return nh3.Cleaner(
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        tag_attribute_values=_INPUT_TYPES,
        generic_attribute_prefixes=_PREFIXES,
        clean_content_tags={"script", "style", "iframe", "object", "embed", "template", "noscript"},
        url_schemes=_SCHEMES,
        link_rel=None,
        strip_comments=True,
    )


def clean(html: str) -> str:
    """``html`` with everything outside the allow-list gone; text stays text."""
    return _cleaner().clean(html)


@lru_cache(maxsize=1)
def _inline_cleaner() -> nh3.Cleaner:
    return nh3.Cleaner(
        tags={"code", "em", "strong", "kbd", "sub", "sup", "bdi"}, attributes={}, link_rel=None
    )


def clean_inline(html: str) -> str:
    """A heading's HTML for a table of contents: words and a little emphasis."""
    return _inline_cleaner().clean(html) if "<" in html or "&" in html else html
