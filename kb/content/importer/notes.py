"""What an import has to say about the pages it read, in one table like that of :mod:`kb.content.findings`."""

from collections.abc import Mapping
from types import MappingProxyType

from kb.content.findings import Finding
from kb.errors import Problem

_TABLE = (
    Finding(
        "import-tag",
        "warning",
        "template tag",
        "Articles hold no logic; the tag stays in a comment.",
        "{% if page.beta %}",
    ),
    Finding(
        "import-value",
        "warning",
        "template value",
        "What it stood for is not known; it stays visible as code.",
        "{{ site.data.prices }}",
    ),
    Finding(
        "import-include",
        "warning",
        "text from another file",
        "The file was not among the pages; the tag stays in a comment.",
        "{% include contact.md %} without _includes/contact.md",
    ),
    Finding(
        "import-extension",
        "warning",
        "mark of kramdown",
        "It has no counterpart and stays in a comment.",
        "{::options parse_block_html='true' /}",
    ),
    Finding(
        "import-attribute",
        "info",
        "attribute left out",
        "Looks are the theme's business; classes and ids are kept.",
        '{:style="width:100%"}',
    ),
    Finding(
        "import-key",
        "info",
        "front matter left out",
        "Articles have no such detail; its value is in the report.",
        "nav_title: Short title",
    ),
    Finding(
        "import-front-matter",
        "warning",
        "front matter that could not be read",
        "It stays in a comment at the head of the article.",
        "title: Returns: how to",
    ),
    Finding(
        "import-title",
        "warning",
        "page without a title",
        "The title was made of the file's name.",
        "a page without title and heading",
    ),
    Finding(
        "import-html",
        "warning",
        "HTML that the site removes",
        "Scripts, frames, forms and styles are taken off every page.",
        "<iframe src=…>",
    ),
    Finding(
        "import-html-kept",
        "info",
        "HTML kept as it is",
        "It has no counterpart in Markdown and works as HTML.",
        "<video>, a table with lists in its cells",
    ),
    Finding(
        "import-link-dead",
        "warning",
        "link to a page that is not there",
        "Its text stays, its target is in a comment.",
        "[contact](/contact) where there is no such page",
    ),
    Finding(
        "import-image-missing",
        "warning",
        "missing image",
        "The file was not among the pages; path and description are in a comment.",
        "![Label](/images/label.png) without the file",
    ),
    Finding(
        "import-redirect",
        "warning",
        "old address that cannot be kept",
        "It led to another site, to nothing, or to where an article now is.",
        "redirect: https://blog.example/",
    ),
    Finding(
        "import-renamed",
        "info",
        "page renamed",
        "Another page has the same category and name.",
        "vpn/index.md and mail/index.md in one category",
    ),
    Finding(
        "import-skipped",
        "info",
        "file passed over",
        "It is no page of text.",
        "LICENSE, _config.yml",
    ),
    Finding(
        "import-unreadable",
        "warning",
        "file that could not be read",
        "A link, a file that is too large, or text that is not UTF-8.",
        "a symbolic link",
    ),
)

NOTES: Mapping[str, Finding] = MappingProxyType({finding.code: finding for finding in _TABLE})
"""code → what it means."""


def note(code: str, path: str, line: int | None, message: str, hint: str = "") -> Problem:
    """A finding of an import; ``path`` is that of the source file, relative to the imported folder."""
    return Problem(code, path, line, message, hint, NOTES[code].severity)
