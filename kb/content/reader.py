"""Folders of Markdown files → a :class:`~kb.content.article.Catalog`, and everything wrong with them.

A file that cannot be read as an article is still in the catalog where its name allows it, as a draft with
a stand-in title: links to it are then not reported as dead, and it is never published by mistake. Its
problems are errors, so no build goes on with it.
"""

import os
import re
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec
from msgspec.structs import replace

from kb.content import frontmatter, names
from kb.content.article import INDEX, Article, Catalog, Text
from kb.content.findings import problem
from kb.errors import Problem, did_you_mean

ARTICLE_LIMIT_BYTES = 1_000_000
CONTROL = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f]")

Report = Callable[[Problem], None]


class Entry(msgspec.Struct, frozen=True):
    """A regular file below a language folder. ``id`` is its path there without ending, ``path`` that from the
    content folder, both with ``/``; ``file`` is where to open it."""

    language: str
    id: str
    ending: str
    path: str
    file: str
    size: int


def read(root: Path, articles: str, languages: Sequence[str]) -> tuple[Catalog, tuple[Problem, ...]]:
    """Every written article below ``root/articles/<language>/``.

    Nothing is raised for what an editor can get wrong: each such thing is a problem, all of them together.
    """
    texts: dict[str, dict[str, Article]] = {}
    problems: list[Problem] = []
    for language in languages:
        texts[language], found = read_language(root, articles, language, languages)
        problems += found
    catalog, found = together(root, articles, languages, texts)
    return catalog, (*problems, *found)


def read_language(
    root: Path, articles: str, language: str, languages: Sequence[str], *, load: "Load | None" = None
) -> tuple[dict[str, Article], list[Problem]]:
    """The articles in one language's folder, by id, and what is wrong with its files. ``load`` takes the place of
    :func:`load` where articles are remembered."""
    problems: list[Problem] = []
    entries = walk(root, articles, language, report=problems.append)
    return _articles(entries, tuple(languages), problems.append, load or _load), problems


def together(
    root: Path, articles: str, languages: Sequence[str], texts: Mapping[str, Mapping[str, Article]]
) -> tuple[Catalog, list[Problem]]:
    """The catalog of all languages' articles, and what is wrong with them as a whole."""
    problems = _folder_problems(root, articles, languages, found=any(texts.values()))
    catalog = _resolved(Catalog(tuple(languages), texts))
    problems += _name_clashes(catalog)
    return catalog, problems


def walk(root: Path, articles: str, language: str, *, report: Report) -> Iterator[Entry]:
    """The regular files of one language in order of their names. Links, odd files and names that cannot be
    published are reported and passed over; hidden files are passed over."""
    if _has_link(root, articles, language, report):
        return
    top = f"{articles}/{language}"
    folder = root / articles / language
    if folder.is_dir():
        yield from _walk(str(folder), top, "", language, report)


def _has_link(root: Path, articles: str, language: str, report: Report) -> bool:
    place = root
    for part in [*Path(articles).parts, language]:
        place = place / part
        if place.is_symlink():
            report(_link(names.visible(place.relative_to(root).as_posix())))
            return True
    return False


def _link(path: str) -> Problem:
    return problem(
        "symbolic-link",
        path,
        None,
        "this is a symbolic link, and links are not followed",
        "put a copy of the file or folder here, or remove the link",
    )


def _walk(folder: str, path: str, id: str, language: str, report: Report) -> Iterator[Entry]:
    try:
        with os.scandir(folder) as found:
            entries = sorted(found, key=lambda entry: entry.name)
    except OSError as error:
        report(
            problem("unreadable", names.visible(path), None, f"the folder cannot be read: {error.strerror}")
        )
        return
    for entry in entries:
        inner = f"{path}/{entry.name}"
        if entry.is_symlink():
            report(_link(names.visible(inner)))
        elif not entry.name.startswith("."):
            yield from _entry(entry, inner, id, language, report)


def _entry(entry: os.DirEntry[str], path: str, parent: str, language: str, report: Report) -> Iterator[Entry]:
    is_folder = entry.is_dir(follow_symlinks=False)
    stem, ending = (entry.name, "") if is_folder else _parts(entry.name)
    fault = names.fault(stem)
    if fault:
        better = names.suggestion(stem) + ending.lower()
        shown = names.visible(entry.name)
        kind = "folder" if is_folder else "file"
        report(
            problem(
                "name-forbidden",
                names.visible(path),
                None,
                f"the {kind} name '{shown}' {fault}",
                f"rename it, for example to '{better}'",
            )
        )
        return
    id = f"{parent}/{stem}" if parent else stem
    if is_folder:
        yield from _walk(entry.path, path, id, language, report)
        return
    status = entry.stat(follow_symlinks=False)
    if not stat.S_ISREG(status.st_mode):
        report(problem("unreadable", path, None, "this is not a regular file", "remove it"))
        return
    yield Entry(language, id, ending, path, entry.path, status.st_size)


def _parts(name: str) -> tuple[str, str]:
    stem, dot, ending = name.rpartition(".")
    return (stem, dot + ending) if stem else (name, "")


def _articles(
    entries: Iterator[Entry], languages: tuple[str, ...], report: Report, load: "Load"
) -> dict[str, Article]:
    found: dict[str, Article] = {}
    for entry in entries:
        if entry.ending.lower() in (".md", ".markdown", ".mdown", ".mkd"):
            if _misplaced(entry, report):
                continue
            article, problems = load(entry, languages)
            found[entry.id] = article
            for each in problems:
                report(each)
    return found


def _misplaced(entry: Entry, report: Report) -> bool:
    """Files whose ending or place makes them no article."""
    if entry.ending != ".md":
        report(
            problem(
                "name-forbidden",
                entry.path,
                None,
                f"articles end in '.md', not '{entry.ending}'",
                "rename the file",
            )
        )
        return True
    slug = entry.id.rpartition("/")[2]
    # MkDocs and code hosts take README for the folder's own page; here only index.md is.
    if slug.lower() in ("readme", INDEX) and slug != INDEX:
        report(
            problem(
                "name-forbidden",
                entry.path,
                None,
                f"'{slug}.md' is not an article's name",
                "name it 'index.md'",
            )
        )
        return True
    if "/" not in entry.id and entry.id != INDEX:
        folder = entry.path.rpartition("/")[0]
        report(
            problem(
                "article-without-category",
                entry.path,
                None,
                "the article is in no category",
                f"move it into a folder, for example {folder}/general/{entry.id}.md",
            )
        )
        return True
    return False


def load(entry: Entry, languages: tuple[str, ...] = ()) -> tuple[Article, list[Problem]]:
    """One article, and everything wrong with its file; a draft when its front matter is not sound."""
    text, problems = _text(entry)
    if text is None:
        return _stand_in(entry, ""), problems
    plain = text.replace("\r\n", "\n") if "\r" in text else text
    if "\r" in plain:
        line = plain[: plain.index("\r")].count("\n") + 1
        problems.append(
            problem(
                "line-ends",
                entry.path,
                line,
                "a line ends in a lone carriage return",
                "save it with LF or CRLF",
            )
        )
        plain = plain.replace("\r", "\n")
    problems += _control_characters(plain, entry.path)
    try:
        head = frontmatter.split(plain)
    except frontmatter.UnclosedError:
        problems.append(
            problem(
                "front-matter-unclosed",
                entry.path,
                1,
                "the front matter has no end",
                "add a line '---' below its last detail",
            )
        )
        return _stand_in(entry, text), problems
    details = frontmatter.read(head, entry.path, languages)
    values = details.values
    if not details.sound:
        values = {**values, "title": values.get("title") or _title(entry.id), "draft": True}
    article = Article(
        id=entry.id,
        language=entry.language,
        path=entry.path,
        written=Text.of(text, head.body),
        body_line=head.body_line,
        lines=details.lines,
        **values,
    )
    return article, problems + details.problems


Load = Callable[[Entry, tuple[str, ...]], tuple[Article, list[Problem]]]
_load: Load = load


def _text(entry: Entry) -> tuple[str | None, list[Problem]]:
    """The decoded file without a byte order mark, or None when it is not to be read."""
    if entry.size > ARTICLE_LIMIT_BYTES:
        return None, [
            problem(
                "file-too-large",
                entry.path,
                None,
                f"the article has {entry.size / 1e6:.1f} MB; {ARTICLE_LIMIT_BYTES / 1e6:.0f} MB is the most",
                "split it into several articles",
            )
        ]
    try:
        with open(entry.file, "rb") as file:
            data = file.read(ARTICLE_LIMIT_BYTES + 1)
        return data.decode("utf-8-sig"), []
    except OSError as error:
        return None, [problem("unreadable", entry.path, None, f"the file cannot be read: {error.strerror}")]
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        message = f"this is not UTF-8 text (byte 0x{data[error.start]:02x})"
        return None, [problem("encoding", entry.path, line, message, "save the file with the encoding UTF-8")]


def _control_characters(text: str, path: str) -> list[Problem]:
    match = CONTROL.search(text)
    if match is None:
        return []
    line = text.count("\n", 0, match.start()) + 1
    name = "a NUL character" if match.group() == "\0" else f"the control character U+{ord(match.group()):04X}"
    return [problem("control-character", path, line, f"the line contains {name}", "delete it")]


def _title(id: str) -> str:
    return id.rpartition("/")[2].replace("-", " ").capitalize()


def _stand_in(entry: Entry, text: str) -> Article:
    return Article(
        id=entry.id,
        language=entry.language,
        path=entry.path,
        title=_title(entry.id),
        written=Text.of(text, ""),
        draft=True,
    )


def _folder_problems(root: Path, articles: str, languages: Sequence[str], *, found: bool) -> list[Problem]:
    """Folders with articles that belong to no language, and the lack of any article."""
    problems = []
    top = root / articles
    if not found:
        folders = ", ".join(f"{articles}/{language}" for language in languages)
        problems.append(
            problem(
                "articles-missing",
                articles,
                None,
                f"there are no articles in {folders}",
                "try: kb new general/hello",
            )
        )
    if not top.is_dir() or top.is_symlink():
        return problems
    for entry in sorted(os.scandir(top), key=lambda entry: entry.name):
        path = names.visible(f"{articles}/{entry.name}")
        if entry.name in languages:
            continue
        if entry.is_symlink():
            problems.append(_link(path))
        # Folders such as _snippets hold parts of articles, not articles.
        elif not entry.name.startswith((".", "_")) and _has_articles(entry):
            shown = names.visible(entry.name)
            message = f"what is here is not published: '{shown}' is not the folder of a configured language"
            hint = did_you_mean(entry.name, languages)
            problems.append(problem("language-not-configured", path, None, message, hint))
    return problems


def _has_articles(entry: os.DirEntry[str]) -> bool:
    if entry.is_file(follow_symlinks=False):
        return entry.name.endswith(".md")
    return any(name.endswith(".md") for _, _, found in os.walk(entry.path) for name in found)


def _resolved(catalog: Catalog) -> Catalog:
    """With ``related`` naming a category (``returns``) pointing at its page (``returns/index``)."""
    ids = set(catalog.ids)

    def real(id: str) -> str:
        return f"{id}/{INDEX}" if id not in ids and f"{id}/{INDEX}" in ids else id

    texts = {
        language: {
            id: replace(article, related=tuple(map(real, article.related)))
            if any(other not in ids for other in article.related)
            else article
            for id, article in of_language.items()
        }
        for language, of_language in catalog.texts.items()
    }
    return Catalog(catalog.languages, texts)


def _name_clashes(catalog: Catalog) -> Iterator[Problem]:
    """Ids that differ by case only, in any two languages, and ids with the same address."""
    by_key: dict[str, str] = {}
    by_address: dict[str, str] = {}
    paths: dict[str, str] = {}
    for article in catalog:
        paths.setdefault(article.id, article.path)
    for id in catalog.ids:
        key = names.twin_key(id)
        first = by_key.setdefault(key, id)
        if first != id:
            message = f"the name differs from '{paths[first]}' by case only"
            yield problem(
                "name-case-twin", paths[id], None, message, "rename one of them, or give both the same name"
            )
            continue
        other = by_address.setdefault(names.address(key), id)
        if other != id:
            message = f"'{paths[other]}' would be published at the same address"
            yield problem("address-clash", paths[id], None, message, "rename one of them")
