"""Default titles of admonitions in the page's language.

``!!! note`` without a title gets "Note" from Python-Markdown, whatever the language of the page.
"""

from xml.etree.ElementTree import Element

from markdown import Markdown
from markdown.extensions import Extension
from markdown.treeprocessors import Treeprocessor

from kb.publish.interface import Strings


class LocalTitles(Extension):
    """Replaces titles that only repeat the admonition's kind by the strings ``admonition_<kind>``."""

    def __init__(self, strings: Strings) -> None:
        super().__init__()
        self._titles = {
            key.removeprefix("admonition_"): str(text) for key, text in strings.subset("admonition_").items()
        }

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802 - the name is Python-Markdown's
        md.treeprocessors.register(_Titles(md, self._titles), "kb-admonition-titles", 15)


class _Titles(Treeprocessor):
    def __init__(self, md: Markdown, titles: dict[str, str]) -> None:
        super().__init__(md)
        self._titles = titles

    def run(self, root: Element) -> None:
        for block in root.iter():
            if block.tag in {"div", "details"} and len(block):
                self._localise(block, block[0])

    def _localise(self, block: Element, title: Element) -> None:
        is_title = title.tag == "summary" or "admonition-title" in title.get("class", "")
        for kind in block.get("class", "").split():
            if is_title and title.text == kind.capitalize() and kind in self._titles:
                title.text = self._titles[kind]
