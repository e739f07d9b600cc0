"""Whether texts that people wrote keep to the glossary.

Words are inflected, and a translator may well say "it" for a parcel. So a term counts as missing only where the source
puts weight on it and the other text has nothing that could be a form of its translation; a word to avoid is pointed out
only where it surely is that word.
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from kb.content.article import Article, Catalog, Origin
from kb.content.findings import problem
from kb.content.outline import without_code
from kb.errors import Problem
from kb.language.glossary import Glossary, Term

OFTEN = 3
"""Times a term stands in the source's text; once in its title is as much. Fewer may be another meaning of the word, or
a sentence that another language puts in another way."""
_VOWELS = re.compile(
    r"[aeiouyáàâãäåéèêëíìîïóòôõöúùûüýąęœæø" r"аеиоуыэюяёіїєўьъй’'ʼ" r"اويىةأإآؤئءـ\u064b-\u0652]"
)
_ENDINGS = "aeiouyáàâãäåéèêëíìîïóòôõöúùûüąęаеиоуыэюяёіїєьй"
_ARABIC = re.compile(r"[\u0600-\u06ff]")
_ADDRESSES = re.compile(r"\]\([^()\n]*\)|<[^<>\n]*>|https?://\S+|\{[^{}\n]*\}")
_WORD = re.compile(r"\w[\w’'ʼ\u064b-\u0652]*")


def breaches(catalog: Catalog, glossary: Glossary) -> Iterator[Problem]:
    """Terms that texts of `catalog` do not keep to, of those each language's glossary names."""
    for language, terms in glossary.items():
        for article in catalog.texts.get(language, {}).values():
            if article.origin is not Origin.WRITTEN:
                continue
            source = catalog.sources[article.id]
            if source.language != language:
                yield from _missing(article, source, terms)
            yield from _avoided(article, terms)


def _missing(article: Article, source: Article, terms: Sequence[Term]) -> Iterator[Problem]:
    weighty = [term for term in terms if _carries(source, term.term, terms)]
    if not weighty:
        return
    words = frozenset(_WORD.findall(_prose(article).casefold()))
    skeletons = frozenset(_skeleton(word) for word in words)
    for term in weighty:
        if not all(_is_there(word, words, skeletons) for word in _WORD.findall(term.translation.casefold())):
            message = (
                f"'{term.term}' in '{source.path}' is '{term.translation}' in the glossary, which is not here"
            )
            hint = "use the glossary's word, or correct the glossary"
            yield problem("glossary-term", article.path, article.lines.get("title"), message, hint)


def _avoided(article: Article, terms: Sequence[Term]) -> Iterator[Problem]:
    for term in terms:
        for words in term.avoid:
            found = _first(article, _forms(words))
            if found:
                text, line = found
                message = (
                    f"'{text}' is a word to avoid: '{term.term}' is '{term.translation}' in the glossary"
                )
                yield problem("glossary-term", article.path, line, message, f"write '{term.translation}'")


def _first(article: Article, pattern: re.Pattern[str]) -> tuple[str, int | None] | None:
    """Where the pattern first stands in what readers see, with its line."""
    for key in ("title", "description", "questions"):
        value = getattr(article, key)
        match = pattern.search(value if isinstance(value, str) else "\n".join(value))
        if match:
            return match[0], article.lines.get(key)
    body = _body(article.markdown)
    match = pattern.search(body)
    return (match[0], article.body_line + body.count("\n", 0, match.start())) if match else None


def _carries(source: Article, word: str, terms: Sequence[Term]) -> bool:
    """Whether the source puts weight on `word`: not as a part of a longer term, nor of a fixed phrase."""
    pattern = _exact(word)
    longer = [
        _exact(each.term) for each in terms if each.term != word and pattern.search(each.term.casefold())
    ]

    def without_longer(text: str) -> str:
        text = text.casefold()
        for each in longer:
            text = each.sub(" ", text)
        return text

    if pattern.search(without_longer(source.title)):
        return True
    text = without_longer(_prose(source))
    found = [tuple(_WORD.findall(text[: match.start()][-60:])[-2:]) for match in pattern.finditer(text)]
    # "Delivery" that only ever comes as "cash on delivery" is another thing.
    return len(found) >= OFTEN and len(set(found)) > 1


@lru_cache(maxsize=1_000)
def _exact(word: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){re.escape(word.casefold())}(?!\w)")


def _prose(article: Article) -> str:
    """Title, description, questions and text."""
    return "\n".join((article.title, article.description, *article.questions, _body(article.markdown)))


@lru_cache(maxsize=64)
def _body(markdown: bytes) -> str:
    """The text without code and addresses, each character at its place."""
    return _ADDRESSES.sub(lambda match: " " * len(match[0]), without_code(markdown.decode()))


def _is_there(word: str, words: frozenset[str], skeletons: frozenset[str]) -> bool:
    """Whether some form of `word` is among `words`: the same beginning, or the same consonants."""
    if len(word) < 3:
        return word in words
    start, skeleton = word[: max(3, len(word) - 3)], _skeleton(word)
    if any(each.startswith(start) for each in words):
        return True
    bones = skeleton[: max(2, len(skeleton) - (1 if len(skeleton) < 5 else 2))]
    if len(bones) < 2:
        return True  # too little to tell
    # Articles and prepositions grow together with Arabic words.
    inside = _ARABIC.search(word) is not None
    return any(bones in each if inside else each.startswith(bones) for each in skeletons)


@lru_cache(maxsize=10_000)
def _skeleton(word: str) -> str:
    """The consonants: стіл and стола, طرد and طرود are one word."""
    return _VOWELS.sub("", word)


@lru_cache
def _forms(words: str) -> re.Pattern[str]:
    """What surely is a form of each word in their order: long ones with another ending, short ones as they are."""
    parts = []
    for word in words.casefold().split():
        stem = word[:-1] if word[-1] in _ENDINGS else word
        parts.append(re.escape(stem) + r"\w{0,3}" if len(stem) >= 4 else re.escape(word))
    return re.compile(r"(?<!\w)" + r"\s+".join(parts) + r"(?!\w)", re.I)
