"""A translation as the source text it is written into needs it: escaped, on one line, with its prefixes."""

import re

from kb.language import inline

_BLOCK_START = re.compile(
    r"#{1,6}|[*+-](?=\s)|\d+\.(?=\s)|>|!!!|\?\?\?|===|/{3,}|:(?=\s)|:::|\[\^[^\]]*\]:|\*\[[^\]]*\]:|\[[^\]]+\]:|"
    r"`{3,}|~{3,}|;*-+8<-|(?:-[ ]{0,2}){3,}$|(?:_[ ]{0,2}){3,}$|(?:\*[ ]{0,2}){3,}$|\{:|=+$|-+$"
)
_ESCAPABLE = frozenset("\\`*_{}[]()>#+-.!")
_HARD_BREAK = re.compile(r"[ \t]{2,}\n|(?<!\\)(?:\\\\)*\\\n")
_CODE_OR_TAG = re.compile(r"(`+)(?!`).+?(?<!`)\1(?!`)|<!--.*?-->|</?[a-zA-Z][^<>]*>", re.S)


def write(translation: str, source: str, writer: str, prefix: str, newline: str) -> str:
    """The text to put in place of a segment's span.

    `writer` names the context: block, ruled (a block right above a rule), heading, cell, quoted, line, html,
    reference and its quote. `prefix` stands before every line after a hard break.
    """
    if writer == "block":
        return _block(translation, source, prefix, newline)
    if writer == "ruled":
        return _block(translation, source, prefix, newline) + newline + prefix.rstrip()
    line = " ".join(translation.split())
    if writer == "cell":
        return _outside_markup(line, r"(?<!\\)((?:\\\\)*)\|", r"\1\\|", tags=False)
    if writer == "quoted":
        return _outside_markup(line, '"', "&quot;")
    if writer == "heading":
        return re.sub(r"(?<!\\)(#+)$", r"\\\1", line)
    if writer == "html":
        return _outside_markup(line, r"<(?![a-zA-Z/!?])", "&lt;")
    if writer.startswith("reference"):
        return line.replace(*_REFERENCE_QUOTES[writer[-1]])
    return _escape_start(line, source) if writer == "line" else line


_REFERENCE_QUOTES = {'"': ('"', "&quot;"), "'": ("'", "&#39;"), "(": (")", "&#41;")}


def _block(translation: str, source: str, prefix: str, newline: str) -> str:
    lines, position = [], 0
    for match in _HARD_BREAK.finditer(translation):
        marker = "\\" if match.group().endswith("\\\n") else "  "
        words = (
            translation[position : match.end() - 1].rstrip()
            if marker == "  "
            else translation[position : match.end() - 2]
        )
        lines.append(" ".join(words.split()) + marker)
        position = match.end()
    lines.append(" ".join(translation[position:].split()))
    first = _escape_start(lines[0], source)
    return (newline + prefix).join([first, *(_escape_start(line, "") for line in lines[1:])])


def _escape_start(line: str, source: str) -> str:
    """A line that would begin a block the source does not begin, with its first mark escaped."""
    match = _BLOCK_START.match(line)
    if not match:
        return line
    same = _BLOCK_START.match(source)
    if same and same.group() == match.group():
        return line
    mark = match.group()
    if mark[0].isdigit():
        return mark[:-1] + "\\" + line[len(mark) - 1 :]
    if mark[0] in _ESCAPABLE:
        return "\\" + line
    return f"&#{ord(mark[0])};" + line[1:]


def _outside_markup(line: str, pattern: str, replacement: str, *, tags: bool = True) -> str:
    pieces, position = [], 0
    for match in _CODE_OR_TAG.finditer(line):
        if not tags and not match.group(1):
            continue
        pieces += [re.sub(pattern, replacement, line[position : match.start()]), match.group()]
        position = match.end()
    return "".join([*pieces, re.sub(pattern, replacement, line[position:])])


def heading_id(slug: str, *, inside: bool) -> str:
    """An id as an attribute list writes it, alone or at the head of a list that exists."""
    return f" #{slug}" if inside else f" {{ #{slug} }}"


def words_of(lines: list[str], writer: str) -> str:
    """The lines of a span as one text: soft breaks are spaces, hard breaks keep their marker."""
    pieces = []
    for number, line in enumerate(lines):
        words = line.strip()
        last = number == len(lines) - 1
        if last:
            pieces.append(words)
        elif writer in ("block", "ruled") and line.endswith("  "):
            pieces.append(words + "  \n")
        elif writer in ("block", "ruled") and re.search(r"(?<!\\)(?:\\\\)*\\$", words):
            pieces.append(words + "\n")
        else:
            pieces.append(words + " ")
    return "".join(pieces).strip()


def is_translatable(text: str) -> bool:
    """Whether there are words in the text besides its markup."""
    return inline.has_words(text) and inline.translatable(inline.parse(text))
