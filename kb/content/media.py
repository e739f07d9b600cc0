"""Images and other files that lie beside the articles.

A language uses its own file where it has one, else that of the first configured language which has it:
the same rule as for articles.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.parsers import expat

import msgspec

from kb.content import names, reader
from kb.content.findings import problem
from kb.errors import Problem

MEDIA_LIMIT_BYTES = 20_000_000
HEAVY_IMAGE_BYTES = 1_000_000
IMAGES = frozenset([".svg", ".png", ".jpg", ".jpeg", ".gif", ".webp", ".avif"])
OTHERS = frozenset(
    [".pdf", ".mp4", ".webm", ".vtt", ".mp3", ".csv", ".docx", ".xlsx", ".odt", ".ods", ".zip"]
)
_NOT_MEDIA = frozenset([".md", ".markdown", ".mdown", ".mkd", ".po"])
_SIGNATURES: Mapping[str, tuple[bytes, ...]] = {
    ".png": (b"\x89PNG\r\n\x1a\n",),
    ".jpg": (b"\xff\xd8\xff",),
    ".jpeg": (b"\xff\xd8\xff",),
    ".gif": (b"GIF87a", b"GIF89a"),
    ".webp": (b"RIFF",),
    ".pdf": (b"%PDF-",),
}


class MediaFile(msgspec.Struct, frozen=True):
    """``name`` is the path below the language folder with its ending (``returns/images/box.svg``), ``path``
    that from the content folder; ``file`` is where to copy it from."""

    language: str
    name: str
    path: str
    file: Path
    size: int


class Media(msgspec.Struct, frozen=True):
    """All files by language and name. ``languages`` is the configured order."""

    languages: tuple[str, ...]
    files: Mapping[str, Mapping[str, MediaFile]]

    def resolve(self, language: str, name: str) -> MediaFile | None:
        """The file that readers of ``language`` get for ``name``, None when no language has it."""
        for each in (language, *self.languages):
            found = self.files.get(each, {}).get(name)
            if found is not None:
                return found
        return None

    def names(self) -> frozenset[str]:
        return frozenset(name for of_language in self.files.values() for name in of_language)


def read(root: Path, articles: str, languages: Sequence[str]) -> tuple[Media, tuple[Problem, ...]]:
    """Every file beside the articles that may be published, and what is wrong with the others.

    Symbolic links and names that cannot be published are reported by :func:`kb.content.reader.read`.
    """
    problems: list[Problem] = []
    files: dict[str, Mapping[str, MediaFile]] = {}
    for language in languages:
        found: dict[str, MediaFile] = {}
        keys: dict[str, str] = {}
        for entry in reader.walk(root, articles, language, report=_ignore):
            ending = entry.ending.lower()
            if ending in _NOT_MEDIA:
                continue
            problems += faults(entry.path, ending, Path(entry.file), entry.size)
            if ending in IMAGES | OTHERS and entry.size <= MEDIA_LIMIT_BYTES:
                name = entry.id + entry.ending
                twin = keys.setdefault(names.twin_key(name), entry.path)
                if twin != entry.path:
                    problems.append(_twin(entry.path, twin))
                found[name] = MediaFile(language, name, entry.path, Path(entry.file), entry.size)
        files[language] = found
    return Media(tuple(languages), files), tuple(problems)


def _twin(path: str, other: str) -> Problem:
    message = f"the name differs from '{other}' by case only"
    return problem("name-case-twin", path, None, message, "rename one of them")


def _ignore(_: Problem) -> None:
    """The article reader walks the same folders and reports what it meets there."""


def faults(path: str, ending: str, file: Path, size: int) -> list[Problem]:
    """What is wrong with one file; ``ending`` is lower case, ``size`` in bytes."""
    if ending not in IMAGES | OTHERS:
        allowed = " ".join(sorted(IMAGES | OTHERS))
        what = f"files ending in '{ending}'" if ending else "files without an ending"
        return [problem("file-type", path, None, f"{what} are not published", f"known: {allowed}")]
    if size > MEDIA_LIMIT_BYTES:
        message = f"the file has {size / 1e6:.1f} MB; {MEDIA_LIMIT_BYTES / 1e6:.0f} MB is the most"
        return [problem("file-too-large", path, None, message, "make it smaller, or link to where it lies")]
    found = []
    if ending in IMAGES and size > HEAVY_IMAGE_BYTES:
        message = f"the image has {size / 1e6:.1f} MB, which takes long on a phone"
        found.append(problem("image-heavy", path, None, message, "save it smaller, or as WebP"))
    try:
        with open(file, "rb") as opened:
            data = opened.read() if ending == ".svg" else opened.read(16)
    except OSError as error:
        return [problem("unreadable", path, None, f"the file cannot be read: {error.strerror}")]
    if ending == ".svg":
        return found + [
            problem("svg-unsafe", path, line, message, hint) for line, message, hint in unsafe(data)
        ]
    if ending in _SIGNATURES and not data.startswith(_SIGNATURES[ending]):
        hint = "save it again in the right format, or correct the ending"
        found.append(problem("file-content", path, None, f"the content is not that of a {ending} file", hint))
    return found


# ---------------------------------------------------------------- SVG

_SVG = "http://www.w3.org/2000/svg"
_ELEMENTS = frozenset(
    re.split(
        r"\s+",
        """svg g defs symbol use title desc metadata style switch view a path rect circle ellipse line
        polyline polygon text tspan textPath image marker pattern mask clipPath linearGradient radialGradient
        stop filter feBlend feColorMatrix feComponentTransfer feComposite feConvolveMatrix feDiffuseLighting
        feDisplacementMap feDistantLight feDropShadow feFlood feFuncA feFuncB feFuncG feFuncR feGaussianBlur
        feMerge feMergeNode feMorphology feOffset fePointLight feSpecularLighting feSpotLight feTile
        feTurbulence animate animateMotion animateTransform mpath""",
    )
)
"""What drawings need. Not among them: script, foreignObject, iframe, set, handler and whatever comes next."""
_EDITORS = (
    "http://www.inkscape.org/",
    "http://sodipodi.sourceforge.net/",
    "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "http://creativecommons.org/ns#",
    "http://web.resource.org/cc/",
    "http://purl.org/dc/elements/1.1/",
    "http://www.bohemiancoding.com/sketch/ns",
    "http://www.serif.com/",
    "http://ns.adobe.com/",
)
"""Namespaces of drawing programs' own notes, which browsers do not draw."""
_RASTER = re.compile(r"data:image/(?:png|jpe?g|gif|webp);base64,[A-Za-z0-9+/=\s]*", re.I)
_STYLE_FETCH = re.compile(
    r"""@import|expression\s*\(|javascript:|\\|image-set\s*\(|url\s*\(\s*["']?(?!\s*["']?\#)""", re.I | re.X
)
"""A backslash could spell any of these another way."""
_OWN_PARTS = "refer to parts of this file only: url(#id)"
_FINDINGS_LIMIT = 20

Unsafe = tuple[int, str, str]
"""Line of the file, message, hint."""


def unsafe(data: bytes) -> list[Unsafe]:
    """Everything in an SVG file that could run, fetch or forge something; empty when it only draws."""
    return _SvgCheck().run(data)


class _SvgCheck:
    def __init__(self) -> None:
        self.found: list[Unsafe] = []
        self.root_seen = False
        self.style: list[str] | None = None
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = self.end
        self.parser.CharacterDataHandler = self.characters
        self.parser.buffer_text = True
        self.parser.StartDoctypeDeclHandler = self.doctype
        self.parser.EntityDeclHandler = self.entity
        self.parser.ProcessingInstructionHandler = self.instruction

    def run(self, data: bytes) -> list[Unsafe]:
        try:
            self.parser.Parse(data, True)
        except _EnoughError:
            pass
        except expat.ExpatError as error:
            self.found.append(
                (error.lineno, f"not well-formed XML: {expat.ErrorString(error.code)}", "export it again")
            )
        except (ValueError, LookupError) as error:
            self.found.append((1, f"not readable as XML: {error}", "export it again"))
        return self.found[:_FINDINGS_LIMIT]

    def report(self, message: str, hint: str) -> None:
        self.found.append((self.parser.CurrentLineNumber, message, hint))
        if len(self.found) >= _FINDINGS_LIMIT:
            raise _EnoughError

    def doctype(self, name: str, system: str | None, public: str | None, internal: int) -> None:
        # The old SVG 1.1 doctype that programs still write is harmless without a subset of its own.
        if internal:
            self.report("a document type with declarations of its own", "remove the <!DOCTYPE …> declaration")
            raise _EnoughError

    def entity(self, *_: object) -> None:
        self.report("an entity declaration", "remove the <!DOCTYPE …> declaration")
        raise _EnoughError

    def instruction(self, target: str, _: str) -> None:
        self.report(f"a processing instruction <?{target}?>", "remove it")

    def start(self, name: str, attributes: dict[str, str]) -> None:
        namespace, _, local = name.rpartition(" ")
        if not self.root_seen:
            self.root_seen = True
            if (namespace, local) != (_SVG, "svg"):
                self.report(
                    f"the root element is <{local}>, not an SVG drawing", "export it again as plain SVG"
                )
        if namespace == _SVG and local not in _ELEMENTS:
            self.report(f"the element <{local}>", "remove it: drawings only draw")
        elif namespace != _SVG and not namespace.startswith(_EDITORS):
            self.report(f"the element <{local}> of another kind of document", "export it again as plain SVG")
        self.style = [] if local == "style" else None
        for key, value in attributes.items():
            self.attribute(local, key.rpartition(" ")[2], value)

    def attribute(self, element: str, name: str, value: str) -> None:
        low = name.lower()
        if low.startswith("on"):
            self.report(f"the event handler {name}", "remove the attribute")
        elif low in ("href", "src", "base"):
            target = value.strip()
            raster = element == "image" and _RASTER.fullmatch(target)
            if not target.startswith("#") and not raster:
                self.report(f"a reference to {target[:60]!r}", "embed the picture, or draw it in this file")
        elif element.startswith("animate") and low == "attributename":
            if value.strip().lower().rpartition(":")[2] in (
                "href",
                "src",
            ) or value.strip().lower().startswith("on"):
                self.report(f"an animation of {value.strip()}", "remove it")
        elif (low == "style" or "url" in value.lower()) and _STYLE_FETCH.search(value):
            self.report(f"a style that fetches or runs something, in {name}", _OWN_PARTS)

    def end(self, _: str) -> None:
        if self.style is not None and _STYLE_FETCH.search("".join(self.style)):
            self.report("a style sheet that fetches or runs something", _OWN_PARTS)
        self.style = None

    def characters(self, text: str) -> None:
        if self.style is not None:
            self.style.append(text)


class _EnoughError(Exception):
    """The rest of the file need not be looked at."""
