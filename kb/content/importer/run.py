"""One import from beginning to end: find the pages, place them, rewrite them, gather the files to write."""

import json
import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from kb.content import media, names, starter
from kb.content.importer import kramdown, liquid, markup
from kb.content.importer.notes import note
from kb.content.importer.pages import Page, find, key
from kb.content.importer.places import Places, arrange
from kb.content.links import relative
from kb.content.outline import Reference, outline
from kb.errors import ConfigError, Problem, ranked


@dataclass(frozen=True, slots=True)
class Options:
    """``kind`` is ``markdown`` or ``jekyll``; ``categories`` ``auto``, ``folders`` or ``front-matter``; ``existing``
    are the files (below the language folder) and ``reserved`` the categories that are taken."""

    kind: str
    language: str
    articles: str = "articles"
    categories: str = "auto"
    media: Path | None = None
    old_site: str = ""
    existing: frozenset[str] = frozenset()
    reserved: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Summary:
    """How many of each."""

    pages: int
    articles: int
    categories: int
    images_and_files: int
    old_addresses_kept: int
    things_to_look_at: int
    remarks: int


@dataclass(frozen=True, slots=True)
class Result:
    """``files`` maps paths, relative to the content folder, to what is to be written there."""

    files: Mapping[str, str | bytes]
    problems: tuple[Problem, ...]
    summary: Summary


def read(src: Path, options: Options) -> Result:
    """Read all pages below ``src``; nothing is written.

    Raises:
        ConfigError: ``src`` is no folder, or has no pages.
    """
    if not src.is_dir():
        raise ConfigError(f"{src} is not a folder")
    pages, problems = find(src, options.kind)
    if not pages:
        raise ConfigError(f"{src} has no pages", hint="name the folder that holds the .md files")
    read_pages = len(pages)
    taken = {file.removesuffix(".md") for file in options.existing if file.endswith(".md")}
    if "index" not in taken and not any(page.address == "" for page in pages):
        pages.append(_home(options.language))
    places = arrange(pages, categories=options.categories, existing=taken, reserved=options.reserved)
    run = _Run(src, options, places)
    files: dict[str, str | bytes] = {}
    for page in places.articles:
        files[run.file(f"{page.id}.md")] = run.article(page)
    for category, title in places.categories.items():
        files[run.file(f"{category}/index.md")] = f"---\ntitle: {_quoted(title)}\n---\n"
    files.update(run.copies)
    found = ranked([*problems, *places.problems, *(p for page in pages for p in page.problems)])
    grave = sum(p.severity != "info" for p in found)
    kept = sum(map(len, places.former.values()))
    ids = {page.id.rpartition("/")[0] for page in places.articles} - {""}
    summary = Summary(
        read_pages, len(places.articles), len(ids), len(run.copies), kept, grave, len(found) - grave
    )
    return Result(files, tuple(found), summary)


def _home(language: str) -> Page:
    """The home page, where the pages had none: old links to it have to lead somewhere."""
    head: dict[str, str | list[str]] = {"title": starter.home_title(language)}
    return Page("index.md", head, {}, "", 1, "", is_folder=True)


@dataclass
class _Run:
    src: Path
    options: Options
    places: Places
    copies: dict[str, str | bytes] = field(default_factory=dict)
    copied: dict[Path, str] = field(default_factory=dict)
    """source file → name below the language folder"""

    def __post_init__(self) -> None:
        old = urlsplit(self.options.old_site)
        self.old_host = f"{old.scheme}://{old.netloc}" if old.netloc else ""
        self.old_base = old.path.strip("/")
        includes = [self.src / "_includes", self.src.parent / "_includes"]
        variables = {"site.baseurl": "", "site.url": "", "site.lang": self.options.language}
        self.site = liquid.Site(variables, tuple(folder for folder in includes if folder.is_dir()))

    def file(self, name: str) -> str:
        return f"{self.options.articles}/{self.options.language}/{name}"

    def article(self, page: Page) -> str:
        """The whole file of one page."""
        body, title = page.body, page.text("title")
        is_html = page.path.lower().endswith((".html", ".htm"))

        def report(code: str, line: int, message: str, hint: str) -> None:
            page.problems.append(note(code, page.path, page.body_line + line - 1, message, hint))

        if self.options.kind == "jekyll":
            values = {name: value for name, value in page.head.items() if isinstance(value, str)}
            title = liquid.translate(title, self.site, values, report)
            if not is_html:
                body = kramdown.translate(body, report)
            body = liquid.translate(body, self.site, values, report)
        body = self.relinked(page, body)
        body = markup.translate(body, report)
        if self.options.kind == "jekyll":
            body = re.sub(r"(?m)^:[ \t]+(?=\S)", ":   ", body)
        body = kramdown.with_deep_lists(body, interrupting=self.options.kind == "markdown")
        title, body = _title(page, title, body)
        if page.raw_head:
            body = f"{liquid.comment(page.raw_head)}\n\n{body}"
        body = re.sub(r"\n{3,}", "\n\n", body).strip("\n")
        return f"---\n{self.head(page, title)}---\n{body}\n"

    def head(self, page: Page, title: str) -> str:
        lines = [f"title: {_quoted(title)}"]
        description = " ".join(page.text("description").split())
        if description:
            lines.append(f"description: {_quoted(description)}")
        for name, values in (
            ("questions", page.texts("questions")),
            ("tags", [*page.texts("tags"), page.text("sub_category")]),
            ("redirect_from", self.places.former.get(page.id, [])),
        ):
            values = list(dict.fromkeys(value for value in values if value))
            if values:
                lines += [f"{name}:", *(f"  - {_quoted(value)}" for value in values)]
        if re.fullmatch(r"-?\d{1,9}", page.text("order") or page.text("nav_order")):
            lines.append(f"order: {int(page.text('order') or page.text('nav_order'))}")
        if page.text("published") == "false" or page.text("draft") == "true" or "_drafts/" in f"/{page.path}":
            lines.append("draft: true")
        self.left_out(page)
        return "".join(f"{line}\n" for line in lines)

    def left_out(self, page: Page) -> None:
        known = {
            "title",
            "description",
            "questions",
            "tags",
            "sub_category",
            "redirect_from",
            "permalink",
            "category",
        }
        known |= {"categories", "published", "draft", "layout"}
        known |= {name for name in ("order", "nav_order") if re.fullmatch(r"-?\d{1,9}", page.text(name))}
        for name, value in page.head.items():
            if name not in known and value:
                shown = value if isinstance(value, str) else ", ".join(value)
                shown = shown if len(shown) <= 100 else f"{shown[:97]}…"
                line = page.lines.get(name)
                page.problems.append(note("import-key", page.path, line, f"'{name}: {shown}' was left out"))

    # ------------------------------------------------------------ links

    def relinked(self, page: Page, body: str) -> str:
        """``body`` with links to other pages as relative paths, and images copied beside the article."""
        edits: list[tuple[int, int, str]] = []
        for reference in outline(body, page.body_line).references:
            if reference.kind == "snippet":
                continue
            start, end = reference.target_span
            if (start, end) == (0, 0):
                continue  # the definition of a label, below
            new = self.goal(page, reference)
            if new is None:
                edits += self.unlinked(reference, body)
            elif new != reference.target:
                edits.append(
                    (start, end, new if body[start - 1] in "\"'" else _bracketed(new, body[start - 1]))
                )
        for match in _DEFINITION.finditer(body):
            line = page.body_line + body.count("\n", 0, match.start())
            is_image = bool(re.search(rf"!\[[^\]]*\]\[{re.escape(match[1])}\]", body))
            reference = Reference("image" if is_image else "link", match[2], match[1], line)
            new = self.goal(page, reference)
            if new is None:
                edits.append((match.start(2), match.end(2), "#"))
                edits.append((match.end(), match.end(), f"\n\n{liquid.comment(f'led to: {match[2]}')}\n"))
            elif new != match[2]:
                edits.append((match.start(2), match.end(2), new))
        return _edited(body, edits)

    def unlinked(self, reference: Reference, body: str) -> list[tuple[int, int, str]]:
        """The edits that leave a dead link's text, or a missing image's description, with the target in a comment."""
        start, end = reference.span
        whole = body[start:end]
        left = liquid.comment(
            f"{'image missing' if reference.kind == 'image' else 'led to'}: {reference.target}"
        )
        if whole.startswith("<"):
            if reference.kind == "image":
                return [(start, end, left)]
            close = re.compile(r"</a\s*>", re.I).search(body, end)
            return [(start, end, ""), (close.start(), close.end(), left)] if close else [(start, end, left)]
        mark = 2 if whole.startswith("!") else 1
        words = len(reference.text or "")
        if reference.kind == "image":
            alone = body[max(0, start - 1) : start] != "["
            left = liquid.comment(f"image missing: {reference.target} ({reference.text})") if alone else left
            return [(start, end, left if alone else f"{reference.text}{left}")]
        return [(start, start + mark, ""), (start + mark + words, end, left)]

    def goal(self, page: Page, reference: Reference) -> str | None:
        """What the link is to say; None when it leads nowhere."""
        target = reference.target.strip()
        if self.old_host and target.startswith(self.old_host):
            inside = target[len(self.old_host) :].lstrip("/")
            if inside.partition("#")[0].strip("/").startswith(self.old_base):
                target = f"/{inside}"
        try:
            parts = urlsplit(target)
        except ValueError:
            return reference.target
        if parts.scheme or parts.netloc or not parts.path:
            return reference.target
        anchor = f"#{parts.fragment}" if parts.fragment else ""
        for place in self.candidates(page, unquote(parts.path)):
            found = self.places.by_address.get(place)
            if found is not None and reference.kind == "link":
                return relative(found.id, page.id) + anchor
            if place in self.places.elsewhere and reference.kind == "link":
                return self.places.elsewhere[place]
        copy = self.copy(page, unquote(parts.path), reference)
        if copy is not None:
            return copy
        return self.dead(page, reference, target)

    def candidates(self, page: Page, path: str) -> list[str]:
        """Addresses that ``path`` may mean: from the root, from the file's folder, from the page's own address."""
        if path.startswith("/"):
            plain = key(path)
            base = self.old_base
            return [
                plain.removeprefix(f"{base}/") if base and plain != base else "" if base else plain,
                plain,
            ]
        folder = posixpath.dirname(page.path)
        below = page.address if page.is_folder else posixpath.dirname(page.address)
        bases = (folder, below, page.address)
        return [key(posixpath.normpath(posixpath.join(base, path))) if path else "" for base in bases]

    def dead(self, page: Page, reference: Reference, target: str) -> str | None:
        is_image = reference.kind == "image"
        code = "import-image-missing" if is_image else "import-link-dead"
        what = "the image" if is_image else "the link leads to"
        shown = f"{what} {target}{' is not there' if is_image else ', which is not among the pages'}"
        if self.old_host and not is_image and target.startswith("/"):
            base = (
                f"/{self.old_base}" if self.old_base and not target.startswith(f"/{self.old_base}/") else ""
            )
            address = f"{self.old_host}{base}{target}"
            hint = f"it now leads to {address}"
            page.problems.append(note(code, page.path, reference.line, shown, hint))
            return address
        hint = (
            "add the file, and the image in place of the comment"
            if is_image
            else "see the comment in the article"
        )
        page.problems.append(note(code, page.path, reference.line, shown, hint))
        return None

    def copy(self, page: Page, path: str, reference: Reference) -> str | None:
        """The link to a copy of the file beside the article; None when there is no such file, or an unsafe one."""
        file = self.found_file(page, path)
        if file is None:
            return None
        faults = [
            p
            for p in media.faults(path, file.suffix.lower(), file, file.stat().st_size)
            if p.severity == "error"
        ]
        if faults or file.suffix.lower() not in media.IMAGES | media.OTHERS:
            message = faults[0].message if faults else f"{file.suffix} files are not published"
            page.problems.append(note("import-unreadable", page.path, reference.line, f"{path}: {message}"))
            return None
        if file not in self.copied:
            category = page.id.rpartition("/")[0]
            folder = "images" if file.suffix.lower() in media.IMAGES else "files"
            stem, ending = names.suggestion(file.stem), file.suffix.lower()
            taken = {*self.copied.values(), *self.options.existing}
            options = (stem, *(f"{stem}-{n}" for n in range(2, 1000)))
            place = posixpath.join(category, folder)
            name = next(n for n in (f"{place}/{option}{ending}" for option in options) if n not in taken)
            self.copied[file] = name
            self.copies[self.file(name)] = file.read_bytes()
        return posixpath.relpath(self.copied[file], page.id.rpartition("/")[0] or ".")

    def found_file(self, page: Page, path: str) -> Path | None:
        tops = [self.src, self.src.parent, *([self.options.media] if self.options.media else [])]
        inner = path.lstrip("/")
        if self.old_base:
            inner = inner.removeprefix(f"{self.old_base}/")
        tries = (
            [top / inner for top in tops] if path.startswith("/") else [(self.src / page.path).parent / path]
        )
        if not path.startswith("/") and self.options.media:
            tries.append(self.options.media / path)
        for file in tries:
            real = file.resolve()
            if (
                file.is_file()
                and any(real.is_relative_to(top.resolve()) for top in tops)
                and not file.is_symlink()
            ):
                return real
        return None


_DEFINITION = re.compile(r"^ {0,3}\[([^\]\n^]+)\]:[ \t]*<?([^\s<>]+)>?", re.M)


def _edited(text: str, edits: list[tuple[int, int, str]]) -> str:
    pieces, position = [], 0
    for start, end, new in sorted(edits):
        if start < position:
            continue  # inside something that was replaced as a whole
        pieces += [text[position:start], new]
        position = end
    return "".join([*pieces, text[position:]])


def _bracketed(target: str, before: str) -> str:
    return f"<{target}>" if before == "(" and re.search(r"[\s()]", target) else target


def _title(page: Page, title: str, body: str) -> tuple[str, str]:
    """The title, and the body without it: headings of the first level move down, the title being the only one."""
    headings = [heading for heading in outline(body).headings if heading.level == 1]
    if not title and headings and body.lstrip().startswith("#"):
        lines = body.split("\n")
        title = headings[0].text
        del lines[headings[0].line - 1]
        body, headings = "\n".join(lines), headings[1:]
    if not title:
        title = page.id.removesuffix("/index").rpartition("/")[2].replace("-", " ").capitalize()
        message = f"the page has no title; '{title}' was made of its name"
        page.problems.append(note("import-title", page.path, 1, message, "write a title"))
    if headings:
        body = _lowered(body)
    return " ".join(title.split()), body


def _lowered(body: str) -> str:
    lines = body.split("\n")
    for heading in outline(body).headings:
        line = lines[heading.line - 1]
        if line.lstrip().startswith("#"):
            lines[heading.line - 1] = f"#{line}" if heading.level < 6 else line
        elif heading.level == 1:
            lines[heading.line] = lines[heading.line].replace("=", "-")
    return "\n".join(lines)


def _quoted(text: str) -> str:
    """A YAML string: a JSON string is one."""
    return json.dumps(text, ensure_ascii=False)
