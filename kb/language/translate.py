"""Catalog → catalog with translated texts, from what the memory holds. No engine takes part.

Which text an article is translated from (its base), what is published and what is held back, how far each
language is, and what `kb check` says about it. The engines' side is in `kb.language.run`.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from kb.content.article import Article, Catalog, Origin, Text
from kb.errors import Problem
from kb.language.memory import Entry, Memory, State
from kb.language.pagecheck import check_page
from kb.language.segments import Document, body, join, scan

LEVELS = ("machine", "reviewed", "written")
"""What `[tool.kb.require]` can ask of a language, the least first."""


@dataclass(frozen=True, slots=True)
class Translation:
    """An article's translation as it stands: `entries` has one item a segment, None where there is none."""

    memory: Memory
    base: Article
    document: Document
    entries: tuple[Entry | None, ...]
    held: bool
    """Whether it is kept back until a person approved all of it."""

    @property
    def state(self) -> State:
        """The worst of its segments, but MISSING only when nothing at all is translated."""
        states = {entry.state if entry else State.MISSING for entry in self.entries}
        if states <= {State.MISSING}:
            return State.MISSING
        if State.STALE in states:
            return State.STALE
        return State.REVIEWED if states == {State.REVIEWED} else State.MACHINE

    @property
    def published(self) -> bool:
        return self.state is State.REVIEWED if self.held else self.state is not State.MISSING


def is_held(article: Article, review: Collection[str]) -> bool:
    """Whether machine text of this article waits for approval: by its front matter, or by its category."""
    folders = {article.category, article.category.partition("/")[0]}
    return article.translate == "review" or not folders.isdisjoint(review)


class Documents:
    """Scanned articles, each scanned once however many languages need it."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], Document] = {}

    def of(self, article: Article) -> Document:
        key = article.language, article.id
        if key not in self._found:
            self._found[key] = scan(article.text)
        return self._found[key]


def translations(
    catalog: Catalog,
    memories: Iterable[Memory],
    *,
    review: Collection[str] = (),
    documents: Documents | None = None,
) -> tuple[list[Translation], list[Problem]]:
    """Each memory with the text it translates; and findings about memories that translate nothing."""
    documents = documents or Documents()
    found: list[Translation] = []
    problems: list[Problem] = []
    for memory in memories:
        base = base_of(catalog, memory)
        reason = useless(catalog, memory, base)
        if base is None or reason:
            problems.append(Problem("po-unused", memory.path, None, reason, "remove the file", "warning"))
            continue
        document = documents.of(base)
        entries = tuple(map(memory.find, document.segments))
        source = catalog.sources[memory.id]
        found.append(Translation(memory, base, document, entries, is_held(source, review)))
    return found, problems


def base_of(catalog: Catalog, memory: Memory) -> Article | None:
    """The text the memory's entries are of: that of the language it names, else the article's source."""
    named = catalog.get(memory.source, memory.id)
    if named is not None and named.origin is Origin.WRITTEN:
        return named
    return catalog.sources.get(memory.id)


def useless(catalog: Catalog, memory: Memory, base: Article | None) -> str:
    """Why the memory translates nothing; empty when it does."""
    own = catalog.get(memory.language, memory.id)
    if own is not None and own.origin is Origin.WRITTEN:
        return f"{own.path} is used instead: a person wrote this article in '{memory.language}'"
    if base is None:
        return "there is no article of this name to translate"
    if catalog.sources[memory.id].translate is False:
        return f"{catalog.sources[memory.id].path} says 'translate: false'"
    return ""


def with_memory(
    catalog: Catalog,
    memories: Iterable[Memory],
    *,
    review: Collection[str] = (),
    render: Callable[[str], str] | None = None,
) -> tuple[Catalog, list[Problem]]:
    """The catalog with every translated text that may be published, and what was found on the way.

    `review` are categories whose machine text is held back. With `render` (a Markdown body → HTML under the
    site's extensions) pages on which people worked are checked, and a segment that breaks its page is left in
    the source language; what an engine made was checked when it was made.
    """
    articles, problems = published(catalog, memories, review=review, render=render)
    return catalog.with_texts(articles), problems


def published(
    catalog: Catalog,
    memories: Iterable[Memory],
    *,
    review: Collection[str] = (),
    render: Callable[[str], str] | None = None,
) -> tuple[list[Article], list[Problem]]:
    """The texts that :func:`with_memory` adds, and what it finds; each depends on its memory and base alone."""
    found, problems = translations(catalog, memories, review=review)
    articles, broken = made(found, render=render)
    return articles, problems + broken


def made(
    found: Iterable[Translation], *, render: Callable[[str], str] | None = None
) -> tuple[list[Article], list[Problem]]:
    """The texts of those translations that may be published, and what is wrong with them."""
    articles: list[Article] = []
    problems: list[Problem] = []
    for translation in found:
        if translation.published:
            texts, broken = _texts(translation, render)
            articles.append(_article(translation, texts))
            problems += broken
    return articles, problems


def _texts(
    translation: Translation, render: Callable[[str], str] | None
) -> tuple[Sequence[str | None], list[Problem]]:
    texts = [entry.text or None if entry else None for entry in translation.entries]
    if render is None or not any(entry and entry.by_person for entry in translation.entries):
        return texts, []
    checked = check_page(translation.document, texts, render=render)
    problems = []
    for broken in checked.broken:
        entry = translation.entries[broken.segment]
        problems.append(
            Problem(
                "translation-breaks-page",
                translation.memory.path,
                entry.line if entry else None,
                f"this translation changes the page's structure: {broken.reason}",
                "keep the source's links, code and markup; until then the source's text is shown",
                "warning",
            )
        )
    return checked.translations, problems


def _article(translation: Translation, texts: Sequence[str | None]) -> Article:
    """The base with its words replaced; the front matter's other keys are the base's, so none is parsed."""
    base, memory = translation.base, translation.memory
    text = join(translation.document, texts)
    plain = text.replace("\r\n", "\n")
    below = body(plain)
    words: dict[str, list[str]] = {"title": [], "description": [], "question": []}
    for segment, translated in zip(translation.document.segments, texts, strict=True):
        if segment.kind in words:
            words[segment.kind].append(segment.text if translated is None else translated)
    reviewed = translation.state is State.REVIEWED and None not in texts
    return msgspec.structs.replace(
        base,
        language=memory.language,
        path=memory.path,
        title=" ".join(words["title"]) or base.title,
        description=" ".join(words["description"]) or base.description,
        questions=tuple(words["question"]) or base.questions,
        written=Text.of(text, below),
        body_line=1 + plain.count("\n", 0, len(plain) - len(below)),
        origin=Origin.REVIEWED if reviewed else Origin.MACHINE,
        source_language=base.language,
    )


# --- how far each language is ---


@dataclass(frozen=True, slots=True)
class Progress:
    """One language's articles by state; `held` counts those kept back until approval, `segments` all
    segments of its PO files by state, `stale_segments` among them those to look at again."""

    language: str
    written: int = 0
    reviewed: int = 0
    machine: int = 0
    stale: int = 0
    missing: int = 0
    held: int = 0
    segments: Mapping[str, int] | None = None


def progress(
    catalog: Catalog, memories: Iterable[Memory], *, review: Collection[str] = ()
) -> tuple[Progress, ...]:
    """How far every language is, in the configured order. Each article counts once, by its worst segment."""
    found, _ = translations(catalog, memories, review=review)
    by_place = {(t.memory.language, t.memory.id): t for t in found}
    return tuple(_progress(catalog, language, by_place) for language in catalog.languages)


def _progress(catalog: Catalog, language: str, found: Mapping[tuple[str, str], Translation]) -> Progress:
    articles = dict.fromkeys(("written", "reviewed", "machine", "stale", "missing"), 0)
    segments = dict.fromkeys(("reviewed", "machine", "stale", "missing"), 0)
    held = 0
    for id in catalog.sources:
        own = catalog.get(language, id)
        if own is not None and own.origin is Origin.WRITTEN:
            articles["written"] += 1
            continue
        translation = found.get((language, id))
        articles[translation.state.value if translation else "missing"] += 1
        if translation:
            held += translation.held and not translation.published
            for entry in translation.entries:
                segments[entry.state.value if entry else "missing"] += 1
    return Progress(language, **articles, held=held, segments=segments)


# --- what kb check says ---


def behind(
    catalog: Catalog,
    *,
    require: Mapping[str, str] | None = None,
    parity: Collection[str] = (),
    default_language: str = "",
) -> list[Problem]:
    """Languages behind what is required of them; `catalog` holds the translated texts as well."""
    problems: list[Problem] = []
    for language, level in (require or {}).items():
        problems += _below(catalog, language, level)
    default = default_language or catalog.languages[0]
    for language in parity:
        problems += _fewer(catalog, language, default)
    return problems


def stale(found: Iterable[Translation]) -> Iterator[Problem]:
    """What a person translated and whose source has changed since."""
    for translation in found:
        for entry in translation.entries:
            if entry is not None and entry.state is State.STALE:
                yield Problem(
                    "translation-stale",
                    translation.memory.path,
                    entry.line,
                    f"the source has changed since a person translated it: {_short(entry.source)}",
                    f"compare with 'kb review {translation.memory.language}', or drop the fuzzy flag",
                    "warning",
                )


def _short(text: str) -> str:
    line = text.split("\n")[0]
    return line if len(line) <= 60 else line[:59] + "…"


_RANKS = {
    Origin.FALLBACK: -1,
    Origin.MACHINE: LEVELS.index("machine"),
    Origin.REVIEWED: LEVELS.index("reviewed"),
    Origin.WRITTEN: LEVELS.index("written"),
}
"""-1: nothing, or held back."""


def _below(catalog: Catalog, language: str, level: str) -> Iterator[Problem]:
    if level not in LEVELS:
        known = ", ".join(f"'{name}'" for name in LEVELS)
        yield Problem(
            "require-unknown", "pyproject.toml", None, f"'{level}' is not a level", f"known: {known}"
        )
        return
    for id, source in sorted(catalog.sources.items()):
        rank = _RANKS[catalog.origin(language, id)]
        if source.translate is not False and rank < LEVELS.index(level):
            now = "not available" if rank < 0 else f"only {LEVELS[rank]}"
            yield Problem(
                "translation-required",
                source.path,
                None,
                f"{now} in '{language}', where every article has to be {level}",
                f"write articles/{language}/{id}.md, or translate it and have it approved",
            )


def _fewer(catalog: Catalog, language: str, default: str) -> Iterator[Problem]:
    for id, source in sorted(catalog.sources.items()):
        has, own = catalog.origin(default, id), catalog.origin(language, id)
        if has is not Origin.FALLBACK and own is Origin.FALLBACK:
            yield Problem(
                "translation-parity",
                source.path,
                None,
                f"available in '{default}' but not in '{language}'",
                f"'{language}' may have no fewer articles than '{default}'",
            )
