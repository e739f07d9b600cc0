"""The pages of a folder as they are: where each lies, what its front matter says, at what address it was."""

import os
import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from kb.content import frontmatter
from kb.content.importer.notes import note
from kb.content.reader import ARTICLE_LIMIT_BYTES
from kb.errors import Problem

PAGES = (".md", ".markdown", ".mkd", ".mdown", ".html", ".htm")
_PASSED_OVER = frozenset(
    ["_includes", "_layouts", "_sass", "_site", "_data", "_plugins", "node_modules", "vendor"]
)
_POST = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})-(.+)")


@dataclass(slots=True)
class Page:
    """One source page. ``path`` is relative to the folder; ``address`` is where it was, without slashes at the ends
    and without ``index``; ``is_folder`` tells that it was the page of a folder. ``head`` holds texts and lists."""

    path: str
    head: dict[str, str | list[str]]
    lines: dict[str, int]
    body: str
    body_line: int
    address: str
    is_folder: bool
    raw_head: str = ""
    id: str = ""
    problems: list[Problem] = field(default_factory=list)

    def text(self, key: str) -> str:
        value = self.head.get(key, "")
        return value.strip() if isinstance(value, str) else ""

    def texts(self, key: str) -> list[str]:
        """A list, or a text as Jekyll splits it: at blanks for tags, whole otherwise."""
        value = self.head.get(key, [])
        if isinstance(value, str):
            return value.split() if key in ("tags", "categories") else [value] if value.strip() else []
        return value

    @property
    def redirect(self) -> str:
        """Where a page that only forwards led to; empty for any other."""
        target = self.text("redirect_to") or (
            self.text("redirect") if "redirect" in self.text("layout") else ""
        )
        return target or next(iter(self.texts("redirect_to")), "")


def find(src: Path, kind: str) -> tuple[list[Page], list[Problem]]:
    """All pages below ``src`` in order of their paths, and what was passed over."""
    pages: list[Page] = []
    problems: list[Problem] = []
    for path, file in _files(src, problems):
        ending = file.suffix.lower()
        name = file.name
        if ending not in PAGES:
            if not ending or ending in _TEXTS:
                problems.append(note("import-skipped", path, None, "this is no page"))
            continue
        if kind == "jekyll" and (
            name.startswith("_") or (file.parent == src and name.upper() == "README.MD")
        ):
            problems.append(note("import-skipped", path, None, "Jekyll does not publish this file"))
            continue
        page = _page(path, file, kind, problems)
        if page is not None:
            pages.append(page)
    return pages, problems


_TEXTS = frozenset([".txt", ".rst", ".adoc", ".yml", ".yaml", ".toml", ".json", ".xml", ".csv"])


def _files(src: Path, problems: list[Problem]) -> Iterator[tuple[str, Path]]:
    for folder, folders, names in os.walk(src):
        here = Path(folder)
        for name in sorted(folders):
            if (here / name).is_symlink():
                path = (here / name).relative_to(src).as_posix()
                problems.append(note("import-unreadable", path, None, "symbolic links are not followed"))
        folders[:] = sorted(
            n for n in folders if n not in _PASSED_OVER and n[0] != "." and not (here / n).is_symlink()
        )
        for name in sorted(names):
            file = here / name
            path = file.relative_to(src).as_posix()
            if file.is_symlink() or not file.is_file():
                problems.append(note("import-unreadable", path, None, "symbolic links are not followed"))
            elif not name.startswith("."):
                yield path, file


def _page(path: str, file: Path, kind: str, problems: list[Problem]) -> Page | None:
    if file.stat().st_size > ARTICLE_LIMIT_BYTES:
        problems.append(note("import-unreadable", path, None, "the page is larger than a megabyte"))
        return None
    try:
        text = (
            file.read_bytes().decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")
        )
    except UnicodeDecodeError as error:
        problems.append(
            note("import-unreadable", path, None, f"not UTF-8 text: {error.reason}", "save it as UTF-8")
        )
        return None
    try:
        head = frontmatter.split(text)
    except frontmatter.UnclosedError:
        head = frontmatter.Head(None, text, 1)
    if kind == "jekyll" and head.yaml is None:
        problems.append(
            note("import-skipped", path, None, "without front matter, Jekyll takes it for no page")
        )
        return None
    values: dict[str, str | list[str]] = {}
    lines: dict[str, int] = {}
    own: list[Problem] = []
    try:
        root = frontmatter.compose(head.yaml or "")
        values, lines = _values(root)
    except frontmatter.RefusedYamlError as error:
        own.append(note("import-front-matter", path, error.line + 1, error.message, error.hint))
    address, is_folder = _address(path, values)
    return Page(
        path=path,
        head=values,
        lines=lines,
        body=head.body,
        body_line=head.body_line,
        address=address,
        is_folder=is_folder,
        raw_head=(head.yaml or "") if own else "",
        problems=own,
    )


def _values(root: yaml.Node | None) -> tuple[dict[str, str | list[str]], dict[str, int]]:
    values: dict[str, str | list[str]] = {}
    lines: dict[str, int] = {}
    for key, node in root.value if isinstance(root, yaml.MappingNode) else ():
        name = str(key.value)
        lines[name] = key.start_mark.line + 2
        if isinstance(node, yaml.ScalarNode):
            values[name] = node.value if node.style or node.value not in ("~", "null") else ""
        elif isinstance(node, yaml.SequenceNode):
            values[name] = [item.value if isinstance(item, yaml.ScalarNode) else "…" for item in node.value]
        else:
            values[name] = "…"
    return values, lines


def _address(path: str, head: Mapping[str, str | list[str]]) -> tuple[str, bool]:
    permalink = head.get("permalink", "")
    if isinstance(permalink, str) and permalink.strip() and ":" not in permalink:
        plain = permalink.strip()
        is_folder = posixpath.basename(plain).startswith("index.")
        return key(plain), is_folder
    parts = path.split("/")
    if len(parts) > 1 and parts[0].startswith("_"):
        parts = parts[1:]  # the collection's folder is no part of the address
    stem = parts[-1].rpartition(".")[0]
    post = _POST.fullmatch(stem)
    if post:
        return "/".join([*parts[:-1], post[1], post[2].zfill(2), post[3].zfill(2), post[4]]), False
    is_folder = stem.lower() in ("index", "readme")
    return "/".join(parts[:-1] if is_folder else [*parts[:-1], stem]), is_folder


def key(address: str) -> str:
    """An address as pages are looked up: without slashes at the ends, ending and ``index``."""
    text = re.sub(
        r"(?:/|^)(?:index|README)(?:\.html?|\.md)?$|\.(?:html?|md|markdown)$", "", address.strip("/ ")
    )
    return text.strip("/")


def name_of(page: Page) -> str:
    """The file name the article gets, without its ending."""
    stem = page.path.rpartition("/")[2].rpartition(".")[0]
    post = _POST.fullmatch(stem)
    return post[4] if post else stem
