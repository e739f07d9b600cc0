"""What the build of one language is given, and what it gives back: values, without MkDocs."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from kb.errors import Problem
from kb.publish.assets import Assets
from kb.publish.contact import Contact
from kb.publish.interface import Strings
from kb.publish.pages import Plan
from kb.publish.policy import Sources
from kb.publish.sections import Rendered, Section


class Heading(msgspec.Struct, frozen=True):
    """An entry of a page's table of contents; ``title`` is HTML."""

    title: str
    id: str
    level: int
    children: tuple["Heading", ...] = ()


class References(NamedTuple):
    """What a rendered text offers to links, and what its own ask for.

    ``links`` are (source file of the target, anchor, link as written); ``lookups`` the source files that links
    asked for, and whether they were there: where one of these answers changes, the HTML has to be made anew.
    ``warnings`` are those of its rendering.
    """

    anchors: tuple[str, ...] = ()
    links: tuple[tuple[str, str, str], ...] = ()
    lookups: tuple[tuple[str, bool], ...] = ()
    warnings: tuple[str, ...] = ()


NONE = References()


class Body(msgspec.Struct, frozen=True):
    """An article's Markdown as HTML, sanitised, with all that was learnt on the way."""

    html: str
    toc: tuple[Heading, ...] = ()
    references: References = NONE
    sections: tuple[Section, ...] = ()


class Frame(msgspec.Struct, frozen=True):
    """What pages of one shape have in common: texts, and between them marks for what each page has of its own.

    ``scripts`` and ``styles`` are the hashes of its inline code. Without any text: these pages must be rendered
    whole.
    """

    texts: tuple[bytes, ...] = ()
    marks: tuple[str, ...] = ()
    scripts: tuple[str, ...] = ()
    styles: tuple[str, ...] = ()

    @property
    def sources(self) -> Sources:
        return Sources(frozenset(self.scripts), frozenset(self.styles))


class Ways(NamedTuple):
    """How a page at a ``depth`` of folders is to be had in each language, as :attr:`kb.publish.pages.Choices.ways`."""

    depth: int
    indexable: bool
    origins: tuple[str, ...]


class Pieces(msgspec.Struct, frozen=True):
    """What a language's pages have in common.

    ``frames``: shape of a page (:class:`kb.publish.pieces.Shape`) → its frame. ``tongues``: what is shown of other
    languages, by the name of the piece. ``contents``: arrangement of headings → the table of contents. ``lists``: what
    lists of articles are made of. ``sidebars``: hash of all that one shows → HTML. ``homes``: hash of all that the home
    page shows but for the numbers of articles → its frame, with a mark for each number.
    """

    frames: dict[Any, Frame] = msgspec.field(default_factory=dict)
    tongues: dict[Ways, dict[str, Frame]] = msgspec.field(default_factory=dict)
    contents: dict[str, Frame] = msgspec.field(default_factory=dict)
    lists: dict[str, Frame] = msgspec.field(default_factory=dict)
    sidebars: dict[bytes, str] = msgspec.field(default_factory=dict)
    homes: dict[bytes, Frame] = msgspec.field(default_factory=dict)


class Known(msgspec.Struct, frozen=True):
    """What need not be made again.

    ``bodies``: source file → its rendered Markdown; ``references``: source file → what that refers to. ``wanted``: the
    source files of the pages to make; None for all.
    """

    bodies: Mapping[str, Body] = msgspec.field(default_factory=dict)
    references: Mapping[str, References] = msgspec.field(default_factory=dict)
    wanted: frozenset[str] | None = None
    pieces: Pieces = msgspec.field(default_factory=Pieces)
    home: bytes = b""
    """The home page's key in :attr:`Pieces.homes`; empty where its text is not known."""


class Job(msgspec.Struct, frozen=True):
    """All that the build of one language needs; picklable, so that a worker process can take it.

    ``out`` is the language's own folder in the site being built. ``media`` maps addresses relative to the
    language's root to files. ``site_url`` ends in ``/`` or is empty.
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
    media: Mapping[str, Path] = msgspec.field(default_factory=dict)
    theme: Path = Path()
    """Folder of the shipped theme."""
    theme_dirs: tuple[Path, ...] = ()
    """Every folder of the theme, the one that wins first."""
    contact: Contact = msgspec.field(default_factory=Contact)
    features: frozenset[str] = frozenset()
    """What other rooms offer to the pages: ``search``, ``desk``."""
    data: Mapping[str, str] = msgspec.field(default_factory=dict)
    """Addresses the pages' scripts need, by name; relative to the root of the site."""
    plain: bool = False
    """Whether nothing but MkDocs and known extensions shapes the pages, so that they can be made one by one."""
    whole: bool = False
    """Whether to render every page as one; else most are joined from pieces, which gives the same bytes."""
    known: Known = Known()
    settings: str = ""
    """The hash of all that mkdocs.yml says, for a process that builds several languages."""
    warm: str = ""
    """The hash of settings and theme, for a process that builds again and again; empty where it ends after one."""


class Made(msgspec.Struct, frozen=True):
    """One page that was made: its file below the language's folder, and what its policy had to allow."""

    source: str
    file: str
    sources: Sources
    body: Body | None
    """The rendered Markdown, where it is new and may be kept."""


class Built(msgspec.Struct, frozen=True):
    """What came out: findings, the policy's sources, and each article's text for the index."""

    language: str
    problems: tuple[Problem, ...]
    sources: Sources
    rendered: tuple[Rendered, ...]
    pages: int
    made: tuple[Made, ...] = ()
    """Without their bodies, which were handed over when each was made."""
    pieces: Pieces = msgspec.field(default_factory=Pieces)
    """Those that were used."""


class Identity(msgspec.Struct, frozen=True):
    """What ``mkdocs.yml`` says about the site as a whole."""

    name: str
    url: str
    description: str
    theme_dirs: tuple[Path, ...]
    """Every folder of the theme, the one that wins first."""
    plain: bool = True
    """False where plugins, hooks or extensions of others shape the pages, which may look at anything."""
    snippets: tuple[str, ...] = ()
    """Folders that articles include from, relative to the content folder; none means that of the articles."""


Report = Callable[[int], None]
"""Receives the number of pages done."""
