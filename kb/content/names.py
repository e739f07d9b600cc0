"""Names of files and folders, and the article ids made of them."""

import re
import unicodedata

_PLAIN = re.compile(r"[a-z0-9][a-z0-9_-]*")
_RESERVED = frozenset(
    ["con", "prn", "aux", "nul", "conin$", "conout$"]
    + [f"{port}{digit}" for port in ("com", "lpt") for digit in "0123456789¹²³"]
)
"""Device names of Windows, with any ending. https://learn.microsoft.com/windows/win32/fileio/naming-a-file"""
_IN_ADDRESSES = frozenset("<>:\"|?*\\/#%&;'`{}[]^~$!@=,()+")
NAME_LIMIT_BYTES = 150
"""Half of what file systems allow, so that temporary and compressed copies fit beside it."""


def fault(name: str) -> str:
    """Why ``name`` (one part of a path, without ending) cannot be published; empty when it can."""
    if _PLAIN.fullmatch(name) and name not in _RESERVED and len(name) <= NAME_LIMIT_BYTES:
        return ""
    strange = next((c for c in name if unicodedata.category(c)[0] in "CZ"), None)
    if strange is not None:
        return f"contains {_describe(strange)}"
    sign = next((c for c in name if c in _IN_ADDRESSES), None)
    if sign is not None:
        return f"contains '{sign}'"
    if not name or name.startswith((".", "-")) or name.endswith(".") or ".." in name:
        return "begins with '.' or '-', ends in '.' or contains '..'"
    if name.split(".")[0].lower() in _RESERVED:
        return "is a reserved name on Windows"
    if len(name.encode()) > NAME_LIMIT_BYTES:
        return f"is longer than {NAME_LIMIT_BYTES} bytes"
    if unicodedata.normalize("NFC", name) != name:
        return "is written with separate accents (not Unicode NFC)"
    return ""


def _describe(char: str) -> str:
    if char == " ":
        return "a space"
    if "\ud800" <= char <= "\udfff":
        return "bytes that are not UTF-8"
    return f"an invisible character (U+{ord(char):04X} {unicodedata.name(char, 'control')})"


def suggestion(name: str) -> str:
    """A name near to ``name`` that can be published."""
    text = unicodedata.normalize("NFC", name)
    text = "".join(c if c.isalnum() or unicodedata.category(c)[0] == "M" else "-" for c in text).lower()
    text = re.sub("-{2,}", "-", text).strip("-") or "article"
    return f"{text}-article" if fault(text) else text


def visible(path: str) -> str:
    """``path`` with what cannot be seen, or would change the direction of the line, written as escapes."""
    if path.isascii() and path.isprintable():
        return path
    return "".join(
        c.encode("unicode_escape").decode() if unicodedata.category(c)[0] == "C" else c for c in path
    )


def twin_key(id: str) -> str:
    """Equal for two ids that a file system or a host may take for one."""
    return unicodedata.normalize("NFKC", id).casefold()


def address(id: str) -> str:
    """The folder a page is published in: that of ``returns/index`` is ``returns``."""
    return "" if id == "index" else id.removesuffix("/index")


class NotAnIdError(ValueError):
    """A reference that names no article; ``str()`` says why."""


_ID = re.compile(r"(?:[a-z0-9_-]+/)+(?!index$)[a-z0-9_-]+")
"""What nearly every reference is: an id as it has to be."""
_ENDING = re.compile(r"(?:/|^)index(?:\.html?|\.md)?$|\.html?$|\.md$|/$")


def as_id(reference: str, languages: tuple[str, ...] = ()) -> str:
    """An article id from an id, a path (``returns/size.md``) or an address (``/en/returns/size/``).

    Raises:
        NotAnIdError: it is an address of another site, climbs out with ``..``, or is empty.
    """
    if _ID.fullmatch(reference) and reference.partition("/")[0] not in languages:
        return reference
    text = reference.strip()
    if "://" in text or text.startswith("//"):
        raise NotAnIdError("is the address of a site; an id is a path such as returns/refund-times")
    if any(c in text for c in "?#\\") or any(ord(c) < 32 for c in text):
        raise NotAnIdError("contains '?', '#' or '\\'")
    text = text.lstrip("/")
    first, _, rest = text.partition("/")
    if first in languages and text.startswith(f"{first}/"):
        text = rest
    is_index = bool(re.search(r"(?:/|^)index(?:\.html?|\.md)?$", text))
    text = _ENDING.sub("", text).rstrip("/")
    parts = text.split("/")
    if any(part in ("", ".", "..") for part in parts) and text:
        raise NotAnIdError("contains '.', '..' or '//'")
    if is_index:
        return f"{text}/index" if text else "index"
    if not text:
        raise NotAnIdError("is empty")
    return text
