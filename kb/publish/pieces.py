"""Pages joined from pieces: what many pages share is rendered once, by the same templates, and reused.

Templates are rendered for a stand-in of all pages of one shape, in which marks stand where each page shows something
of its own: title, addresses, text, sidebar. The text between the marks, a frame, then serves every page of this
shape. A shape holds whatever templates decide by, such as whether there is a description; a stand-in is made of its
shape and nothing else, so that no page can show what belongs to another.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import chain, takewhile
from secrets import token_hex
from types import SimpleNamespace
from typing import Any, NamedTuple

import msgspec
from markupsafe import Markup, escape

from kb.content.article import Article, Category, Origin, Text
from kb.publish.context import Own
from kb.publish.job import Body, Frame, Heading
from kb.publish.pages import RELATED_LIMIT, Choices, Entry, Page
from kb.publish.policy import Sources

KINDS = frozenset({"article", "category"})
"""Kinds of pages that are many. Of the others each language has one, which is rendered whole."""

TOC, LISTED = "toc", "listed"
TONGUES = ("languages", "versions", "locales")
"""What a page shows of the other languages it is available in."""
NAMES = (TOC, LISTED, *TONGUES)
"""Pieces of HTML within a page, each made by its own template ``kb/<name>.html``."""

_TOKEN = f"kb{token_hex(16)}"
"""Nobody who writes an article can know it, and it is in no page: marks are replaced before anything is written."""
_MARK = re.compile(_TOKEN + r"(\w+?)\.")
_CODE = re.compile(r"<s(?:cript|tyle)", re.IGNORECASE)
_SPECIAL = re.compile("[<>&'\"]")
_A_DAY = "day"


class Shape(NamedTuple):
    """All that templates decide by. ``language`` is that of the text, empty where there is none; ``depth`` the number
    of folders in the address; ``toc`` the number of its first entries, at most two; ``related`` that of links."""

    kind: str
    depth: int
    language: str
    origin: str
    source_language: str
    icon: str
    title: bool
    description: bool
    content: bool
    toc: int
    ld: bool
    updated: bool
    previous: bool
    next: bool
    related: int
    top: bool


def shape(view: Page, own: Own, body: Body) -> Shape:
    """The shape of a page with its ``body``."""
    article = view.article
    return Shape(
        view.kind,
        view.url.count("/"),
        article.language if article else "",
        article.origin.value if article else "",
        article.source_language if article else "",
        view.category.icon if view.kind == "category" and view.category else "",
        bool(view.title),
        bool(view.description),
        bool(body.html),
        min(len(body.toc), 2),
        bool(own.ld),
        bool(own.day),
        view.previous is not None,
        view.next is not None,
        len(own.related),
        own.top is not None,
    )


class StandIn(NamedTuple):
    """What stands for all pages of a shape: ``page`` is what Material's templates see of it."""

    view: Page
    own: Own
    page: Any


def stand_in(shape: Shape, language: str, origins: Mapping[str, Origin]) -> StandIn:
    """The page of marks for a shape in one language; ``origins`` says how it is available in each."""
    title = _mark("title") if shape.title else ""
    url = _mark("url")
    article = None
    if shape.language:
        article = Article(
            id=_mark("id"),
            path="",
            language=shape.language,
            title=title,
            written=Text.of("", ""),
            origin=Origin(shape.origin),
            source_language=shape.source_language,
        )
    view = Page(
        kind=shape.kind,
        source="",
        url=url,
        title=title,
        description=_mark("description") if shape.description else "",
        article=article,
        category=Category(_mark("id"), _mark("toptitle"), "", shape.icon, 0, None, ()),
        previous=_entry("previous") if shape.previous else None,
        next=_entry("next") if shape.next else None,
        choices=Choices(url, language, tuple(origins), origins),
    )
    own = Own(
        sidebar=_mark("sidebar"),
        pieces={name: _mark(name) for name in NAMES},
        ld=_mark("ld") if shape.ld else "",
        related=tuple(_entry(f"related{at}") for at in range(shape.related)),
        top=_entry("top") if shape.top else None,
        day=_mark(_A_DAY) if shape.updated else "",
        date=_mark("date") if shape.updated else "",
    )
    page = SimpleNamespace(
        url="-/" * shape.depth,
        title=title,
        meta={"title": title, "description": view.description},
        content=_mark("content") if shape.content else "",
        toc=[_Heading("skip", 1, ())] * shape.toc,
        is_homepage=False,
    )
    return StandIn(view, own, page)


Tongue = Callable[[str], Markup]
"""Language → the attributes of text in it."""


def sparing_marks(tongue: Tongue) -> Tongue:
    """``tongue``, which leaves the mark where an entry's attributes belong."""
    return lambda language: Markup(language) if language.startswith(_TOKEN) else tongue(language)


Shown = tuple[bytes, bytes, bytes]
"""An entry's address, title, and the attributes of its language."""


def values(view: Page, own: Own, body: Body, tongue: Tongue, entries: dict[str, Shown]) -> dict[str, bytes]:
    """What stands at each mark of a page, but for the sidebar and the pieces of :data:`NAMES`. ``entries`` remembers
    those that many pages of a language name, by address."""
    found = {
        "title": _text(view.title),
        "url": _text(view.url),
        "description": _text(view.description),
        "content": encoded(body.html),
        "ld": encoded(own.ld),
        _A_DAY: encoded(own.day),
        "date": _text(own.date),
    }
    if body.toc:
        found["skipid"] = encoded(body.toc[0].id)
    for marks, entry in zip(_ENTRIES, (view.previous, view.next, own.top, *own.related), strict=False):
        if entry:
            shown = entries.get(entry.url)
            if shown is None:
                shown = _text(entry.url), _text(entry.title), encoded(tongue(entry.language))
                entries[entry.url] = shown
            found.update(zip(marks, shown, strict=True))
    return found


_ENTRIES = [
    (f"{name}url", f"{name}title", f"{name}tongue")
    for name in ("previous", "next", "top", *(f"related{at}" for at in range(RELATED_LIMIT)))
]


def cut(html: str, sources: Sources) -> Frame:
    """The frame in ``html``, which has marks."""
    parts = _MARK.split(html)
    return Frame(
        tuple(encoded(text) for text in parts[::2]),
        tuple(parts[1::2]),
        tuple(sorted(sources.scripts)),
        tuple(sorted(sources.styles)),
    )


_COUNT = re.compile(r'(?<=<span class="kb-card__count">)[^<]*(?=</span>)')
"""As ``kb/cards.html`` writes it."""


def counted(html: bytes, counts: Sequence[str], sources: Sources) -> Frame | None:
    """The frame in a home page that shows these ``counts`` of articles, which become its marks; None when a text of
    the page looks like one of them."""
    text = html.decode()
    if _COUNT.findall(text) != [str(escape(count)) for count in counts]:
        return None
    return Frame(
        tuple(encoded(part) for part in _COUNT.split(text)),
        tuple(counts_of(counts)),
        tuple(sorted(sources.scripts)),
        tuple(sorted(sources.styles)),
    )


def counts_of(counts: Sequence[str]) -> dict[str, bytes]:
    """What stands at the marks of :func:`counted`."""
    return {f"count{at}": _text(count) for at, count in enumerate(counts)}


def fill(frame: Frame, values: Mapping[str, bytes]) -> bytes:
    """The text of ``frame`` with a page's own values."""
    own = [values[name] for name in frame.marks]
    return b"".join(chain.from_iterable(zip(frame.texts, own, strict=False))) + frame.texts[-1]


def may_hold_code(html: str) -> bool:
    """Whether a page with this text has to be looked through for inline code, even if only to find that it is part of
    an attribute."""
    return _CODE.search(html) is not None


def encoded(html: str) -> bytes:
    return html.encode("utf-8", "xmlcharrefreplace")


class Contents:
    """Tables of contents, with a frame for each arrangement of headings. ``render`` gives the HTML of entries as
    MkDocs has them; frames that are ``known`` are taken, and those ``used`` are noted."""

    def __init__(
        self, render: Callable[[Sequence[Any]], str], known: Mapping[str, Frame], used: dict[str, Frame]
    ) -> None:
        self._render, self._known, self._used = render, known, used

    def html(self, toc: Sequence[Heading]) -> bytes:
        key = _arrangement(toc)
        frame = self._used.get(key)
        if frame is None:
            frame = self._known.get(key) or cut(self._render(_entries(toc)), Sources())
            self._used[key] = frame
        found: dict[str, bytes] = {}
        for at, heading in enumerate(_flat(toc)):
            found[f"heading{at}title"], found[f"heading{at}id"] = encoded(heading.title), encoded(heading.id)
            if heading.children:
                found[f"heading{at}label"] = _text(Markup(heading.title).striptags())
        return fill(frame, found)


class _Heading:
    """Stands for an entry of a table of contents."""

    def __init__(self, name: str, level: int, children: Sequence["_Heading"]) -> None:
        self.title = _Title(name)
        self.id = _mark(f"{name}id")
        self.url = f"#{self.id}"
        self.level = level
        self.children = children
        self.active = False


class Lists:
    """Lists of articles, with a frame for their entries. ``render`` gives the HTML of entries on a page that is so far
    from its language's root; frames that are ``known`` are taken, and those ``used`` are noted."""

    def __init__(
        self,
        render: Callable[[Sequence[Entry], str], str],
        tongue: Tongue,
        known: Mapping[str, Frame],
        used: dict[str, Frame],
    ) -> None:
        self._render, self._tongue, self._known, self._used = render, tongue, known, used

    def html(self, entries: Sequence[Entry], base: str) -> bytes:
        items = [
            fill(self._frame(base, "described" if each.description else "plain"), self._values(each))
            for each in entries
        ]
        return fill(self._frame(base, "around"), {"items": b"".join(items)})

    def _values(self, entry: Entry) -> dict[str, bytes]:
        return {
            "itemtitle": _text(entry.title),
            "itemurl": _text(entry.url),
            "itemtongue": encoded(self._tongue(entry.language)),
            "itemdescription": _text(entry.description),
        }

    def _frame(self, base: str, kind: str) -> Frame:
        key = f"{base} {kind}"
        if key not in self._used:
            self._used.update({key: self._known[key]} if key in self._known else self._made(base))
        return self._used[key]

    def _made(self, base: str) -> dict[str, Frame]:
        """Told from lists of no entry and of one, since an entry looks the same wherever it stands."""
        item = _entry("item")
        described = msgspec.structs.replace(item, description=_mark("itemdescription"))
        empty, plain, whole = (self._render(entries, base) for entries in ([], [item], [described]))
        same = takewhile(lambda signs: len(set(signs)) == 1, zip(empty, plain, whole, strict=False))
        start = len(list(same))
        rest = len(empty) - start
        found = {
            "around": f"{empty[:start]}{_mark('items')}{empty[start:]}",
            "plain": plain[start : len(plain) - rest],
            "described": whole[start : len(whole) - rest],
        }
        return {f"{base} {kind}": cut(html, Sources()) for kind, html in found.items()}


class _Title:
    """A heading's title, which Material's templates print as it is, and once more without markup."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __str__(self) -> str:
        return _mark(f"{self._name}title")

    def __html__(self) -> str:
        return _mark(f"{self._name}label")


def _arrangement(toc: Sequence[Heading]) -> str:
    return "".join([f"{heading.level}({_arrangement(heading.children)})" for heading in toc])


def _flat(toc: Sequence[Heading]) -> list[Heading]:
    found: list[Heading] = []
    for heading in toc:
        found.append(heading)
        found += _flat(heading.children)
    return found


def _entries(toc: Sequence[Heading], first: int = 0) -> list[_Heading]:
    """Stand-ins for headings, numbered as :func:`_flat` lists them."""
    found = []
    for heading in toc:
        children = _entries(heading.children, first + 1)
        found.append(_Heading(f"heading{first}", heading.level, children))
        first += 1 + len(_flat(heading.children))
    return found


def _entry(name: str) -> Entry:
    return Entry(_mark(f"{name}title"), _mark(f"{name}url"), _mark(f"{name}tongue"))


def _mark(name: str) -> str:
    return f"{_TOKEN}{name}."


def _text(text: str) -> bytes:
    """As a template prints text."""
    return encoded(str(escape(text))) if _SPECIAL.search(text) else encoded(text)
