"""Where a link leads, seen from the article it stands in.

Links are relative paths of files, as in any folder of Markdown: ``../returns/refund-times.md#how-long``. So
they work in editors and on code hosts, and the site turns them into addresses.
"""

import posixpath
import re
from enum import Enum
from urllib.parse import unquote, urlsplit

import msgspec

from kb.content.names import NotAnIdError, as_id


class Leads(Enum):
    """What a link leads to."""

    ELSEWHERE = "another site, a mailbox, a telephone"
    HERE = "a place on the same page"
    ARTICLE = "an article"
    FILE = "an image or another file beside the articles"
    ADDRESS = "an address of this site instead of a file"
    OUTSIDE = "a file outside the language's folder"
    NOWHERE = "nothing a browser should open"


class Destination(msgspec.Struct, frozen=True):
    """``path`` is an article id for an article, a name of :class:`kb.content.media.Media` for a file, the
    possible ids joined by spaces for an address, else the target as written; ``anchor`` is without ``#``."""

    leads: Leads
    path: str
    anchor: str = ""


_SAFE_SCHEMES = frozenset(["http", "https", "mailto", "tel", "sms", "ftp", "viber", "tg", "whatsapp"])
_SCHEME = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]*):")
_INVISIBLE = re.compile("[\x00-\x20\xad\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff]")


def destination(target: str, id: str, languages: tuple[str, ...] = ()) -> Destination:
    """Where ``target``, written in article ``id``, leads; nothing is looked up."""
    # Browsers drop tabs and line ends inside a scheme: java\nscript: runs.
    scheme = _SCHEME.match(_INVISIBLE.sub("", target))
    if scheme:
        safe = scheme[1].lower() in _SAFE_SCHEMES
        return Destination(Leads.ELSEWHERE if safe else Leads.NOWHERE, target)
    if target.startswith("//"):
        return Destination(Leads.ELSEWHERE, target)
    try:
        parts = urlsplit(target.strip())
    except ValueError:
        return Destination(Leads.NOWHERE, target)
    path, anchor = unquote(parts.path), unquote(parts.fragment)
    if not path:
        return Destination(Leads.HERE, id, anchor)
    if "\\" in path or "\0" in path:
        return Destination(Leads.NOWHERE, target)
    if path.startswith("/"):
        return _address([path], anchor, target, languages)
    folder = id.rpartition("/")[0]
    joined = posixpath.normpath(posixpath.join(folder, path))
    if joined == ".." or joined.startswith("../"):
        return Destination(Leads.OUTSIDE, target, anchor)
    if path.endswith(".md"):
        return Destination(Leads.ARTICLE, joined.removesuffix(".md"), anchor)
    if path.endswith("/") or "." not in posixpath.basename(path):
        # As a path of files it starts in the article's folder, as an address one level deeper.
        return _address([joined, posixpath.normpath(posixpath.join(id, path))], anchor, target, languages)
    return Destination(Leads.FILE, joined, anchor)


def _address(paths: list[str], anchor: str, target: str, languages: tuple[str, ...]) -> Destination:
    ids = []
    for path in paths:
        if path in (".", "/"):
            ids.append("index")
            continue
        try:
            id = as_id(path, languages)
        except NotAnIdError:
            continue
        ids += [id, f"{id}/index"]
    if not ids:
        return Destination(Leads.OUTSIDE, target, anchor)
    return Destination(Leads.ADDRESS, " ".join(ids), anchor)


def relative(id: str, from_id: str) -> str:
    """The link to write in ``from_id`` for article ``id``: ``../returns/refund-times.md``."""
    folder = from_id.rpartition("/")[0]
    return posixpath.relpath(f"{id}.md", folder or ".")
