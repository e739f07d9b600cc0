"""kramdown and CommonMark to the Markdown of the site: attribute lists, extensions, indentation of lists.

Python-Markdown wants nested parts of a list four spaces deep; elsewhere they start where the item's text starts.
"""

import re
from collections.abc import Iterator

from kb.content.importer.liquid import Report, comment
from kb.content.outline import without_code

_EXTENSION = re.compile(r"\{::(?P<name>\w+)(?P<options>[^}]*?)(?P<closed>/)?\}|\{:/(?P<end>\w*)\}")
_LIST = re.compile(r"\{:([^{}\n]*)\}")
_ATTRIBUTE = re.compile(r"""([#.])([\w-]+)|([\w:-]+)=(?:"([^"]*)"|'([^']*)'|(\S+))""")
_TOC = re.compile(r"(?m)^(?:[-*+]|\d+\.)[ \t]+[^\n]*\n\{:\s*toc\s*\}[ \t]*$|^\{:\s*toc\s*\}[ \t]*$")


def translate(text: str, report: Report) -> str:
    """kramdown's own marks as those of the site; what has no counterpart is reported. Lines stay lines."""
    text = _TOC.sub(lambda match: _without_toc(match, report), text)
    if "{:" in text:
        text = _extensions(text, report)
        text = _attribute_lists(text, report)
    return text


def _without_toc(match: re.Match[str], report: Report) -> str:
    line = match.string.count("\n", 0, match.start()) + 1
    report("import-attribute", line, "the table of contents was left out: the site gives every page one", "")
    return "\n" * match.group().count("\n")


def _extensions(text: str, report: Report) -> str:
    blank = without_code(text)
    pieces, position = [], 0
    for match in _EXTENSION.finditer(blank):
        if match.start() < position:
            continue
        pieces.append(text[position : match.start()])
        position = match.end()
        line = text.count("\n", 0, match.start()) + 1
        name = match["name"]
        if name == "comment" and not match["closed"]:
            end = blank.find("{:/", position)
            end = len(text) if end < 0 else end
            inner = text[position:end]
            pieces.append(comment(inner) + "\n" * inner.count("\n"))
            position = end
        elif name and name != "nomarkdown":
            report(
                "import-extension",
                line,
                f"{match.group()} has no counterpart",
                "see the comment in the article",
            )
            pieces.append(comment(match.group()))
    return "".join([*pieces, text[position:]])


_HARMLESS = frozenset(["target", "rel"])
"""The site gives links to other sites these itself."""


def _attribute_lists(text: str, report: Report) -> str:
    blank = without_code(text)
    pieces, position = [], 0
    for match in _LIST.finditer(blank):
        pieces.append(text[position : match.start()])
        position = match.end()
        kept, lost = [], []
        for found in _ATTRIBUTE.finditer(text[match.start(1) : match.end(1)]):
            if found[1]:
                kept.append(found[1] + found[2])
            elif found[3] == "id":
                kept.append(f"#{found[4] or found[5] or found[6]}")
            elif found[3] == "class":
                kept += [f".{name}" for name in (found[4] or found[5] or found[6] or "").split()]
            elif found[3] not in _HARMLESS:
                lost.append(found.group())
        if lost:
            line = text.count("\n", 0, match.start()) + 1
            report("import-attribute", line, f"the attribute {', '.join(lost)} was left out", "")
        if kept:
            # Next to another list, as kramdown writes them, both would be read as one word.
            pieces.append("{: " + " ".join(kept) + " }")
    return "".join([*pieces, text[position:]])


_ITEM = re.compile(r"(?P<indent>[ ]*)(?P<marker>[-*+]|\d{1,9}[.)])(?P<gap>[ ]{1,4}|(?=$))(?P<rest>.*)")
_FENCE = re.compile(r"[ ]*(`{3,}|~{3,})")
STEP = 4


def with_deep_lists(text: str, *, interrupting: bool = False) -> str:
    """``text`` with what belongs to a list item moved to a multiple of four spaces.

    ``interrupting`` tells that a list may follow a paragraph without an empty line, as in CommonMark.
    """
    if not re.search(r"(?m)^[ ]*(?:[-*+]|\d{1,9}[.)])[ ]", text):
        return text
    return "\n".join(_deepened(text.split("\n"), interrupting))


def _deepened(lines: list[str], interrupting: bool) -> Iterator[str]:
    inner: list[int] = []  # where the text of each open item starts in the source
    fence, after_blank, in_paragraph = "", True, False
    for line in lines:
        stripped = line.strip()
        if not stripped:
            after_blank, in_paragraph = True, False
            yield ""
            continue
        indent = len(line) - len(line.lstrip(" "))
        if fence:
            yield _moved(line, inner)
            if stripped.startswith(fence) and not stripped.strip(fence[0]):
                fence = ""
            continue
        opening = _FENCE.match(line)
        item = None if opening else _ITEM.fullmatch(line)
        if item and item["marker"] in "*-" and not item["rest"].strip("*- "):
            item = None  # a rule across the page
        # A paragraph's next line may start anywhere; only after an empty line, or before a block of another kind,
        # indentation decides.
        if after_blank or item or opening or stripped[0] in "#|><":
            while inner and indent < inner[-1]:
                inner.pop()
        if item and interrupting and in_paragraph and item["marker"] in "-*+1.":
            yield ""
        after_blank, in_paragraph = False, not (item or inner or opening or stripped[0] == "#")
        if opening:
            fence = opening[1]
            yield _moved(line, inner)
        elif item and indent - (inner[-1] if inner else 0) < STEP:
            base = " " * (STEP * len(inner))
            inner.append(indent + len(item["marker"]) + len(item["gap"] or " "))
            gap = " " * max(1, STEP - len(item["marker"]))
            yield f"{base}{item['marker'].replace(')', '.')}{gap}{item['rest'].lstrip(' ')}".rstrip()
        else:
            yield _moved(line, inner)


def _moved(line: str, inner: list[int]) -> str:
    if not inner:
        return line
    indent = len(line) - len(line.lstrip(" "))
    extra = max(0, indent - inner[-1])
    return " " * (STEP * len(inner) + extra) + line.lstrip(" ")
