"""The judge of the tests: Python-Markdown with all the extensions a MkDocs site may use, and engines that misbehave."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import markdown
from markdown.extensions.toc import slugify_unicode
from material.extensions.emoji import to_svg, twemoji  # type: ignore[import-untyped]

from kb.language.markup import Outcome, TokenStyle, translate_segments
from kb.language.pagecheck import Checked, check_page
from kb.language.segments import scan

HERE = Path(__file__).parent
CORPORA = Path(__file__).parents[3] / "shared" / "corpora"
STYLE = TokenStyle("T.{}")

_EXTENSIONS = [
    *["abbr", "admonition", "attr_list", "def_list", "footnotes", "md_in_html", "tables", "toc"],
    *["pymdownx.arithmatex", "pymdownx.betterem", "pymdownx.caret", "pymdownx.details", "pymdownx.emoji"],
    *["pymdownx.highlight", "pymdownx.inlinehilite", "pymdownx.keys", "pymdownx.mark", "pymdownx.snippets"],
    *["pymdownx.superfences", "pymdownx.tabbed", "pymdownx.tasklist", "pymdownx.tilde"],
    *["pymdownx.blocks.admonition", "pymdownx.blocks.caption", "pymdownx.blocks.definition"],
    *["pymdownx.blocks.details", "pymdownx.blocks.html", "pymdownx.blocks.tab"],
]
_SETTINGS: dict[str, dict[str, object]] = {
    "toc": {"permalink": True, "slugify": slugify_unicode},
    "pymdownx.arithmatex": {"generic": True},
    "pymdownx.emoji": {"emoji_index": twemoji, "emoji_generator": to_svg},
    "pymdownx.snippets": {"check_paths": False, "base_path": [str(HERE / "cases")]},
    "pymdownx.tabbed": {"alternate_style": True},
}


def render(body: str) -> str:
    """A Markdown body as HTML."""
    converter = markdown.Markdown(extensions=_EXTENSIONS, extension_configs=_SETTINGS)
    return converter.convert(body.replace("\r\n", "\n"))


Engine = Callable[[Sequence[str]], Sequence[str]]


def identity(texts: Sequence[str]) -> list[str]:
    """Answers what it was asked."""
    return list(texts)


def shouter(texts: Sequence[str]) -> list[str]:
    """Answers in capitals, so that whatever reached it as words is changed."""
    return [text.upper() for text in texts]


def dropper(texts: Sequence[str]) -> list[str]:
    """Loses every token."""
    return [re.sub(r"T\.\d+", "", text) for text in texts]


def doubler(texts: Sequence[str]) -> list[str]:
    """Says everything twice."""
    return [f"{text} {text}" for text in texts]


def reverser(texts: Sequence[str]) -> list[str]:
    """Turns the order of the words round."""
    return [" ".join(reversed(text.split())) for text in texts]


def silent(texts: Sequence[str]) -> list[str]:
    """Answers nothing."""
    return ["" for _ in texts]


def inventor(texts: Sequence[str]) -> list[str]:
    """Adds markup of its own."""
    return [f"<b>{text} **[x](javascript:y) `code` {{z}}" for text in texts]


def translated(text: str, engine: Engine) -> tuple[Checked, list[Outcome]]:
    """A page through the ladder and the page check."""
    document = scan(text)
    outcomes = translate_segments(
        [segment.text for segment in document.segments],
        engine,
        style=STYLE,
        keep=[segment.keep for segment in document.segments],
    )
    return check_page(document, [outcome.text for outcome in outcomes], render=render), outcomes
