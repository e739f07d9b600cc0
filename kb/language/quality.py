"""What a translation must keep: the gates every machine translation passes before it is published.

The thresholds are set so that translations made by people pass: a gate that cries wolf leaves good text out.
None of the gates sees meaning; they see what got lost, looped or stayed in the wrong language.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from kb.language import inline, wordlists
from kb.language.inline import Atom, Node, Span, Text
from kb.language.markup import NO_TERMS, Terms, numbers

LENGTH_RATIOS = ((40, 0.6, 1.9), (80, 0.7, 1.6))
"""From so many characters of the source, the shortest and the longest translation as parts of its length."""
UNTRANSLATED_RUN = 4
"""So many words of the source in a row are a copy."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Why a translation was refused: a stable `code` (numbers, links, length, …) and a sentence."""

    code: str
    message: str

    def __str__(self) -> str:
        return f"{self.message} [{self.code}]"


@dataclass(frozen=True, slots=True)
class _Side:
    """One of the two texts: its nodes, its words and its language."""

    nodes: tuple[Node, ...]
    words: str
    language: str


def check(
    source: str,
    translation: str,
    *,
    source_language: str,
    target_language: str,
    terms: Terms = NO_TERMS,
) -> tuple[Finding, ...]:
    """Everything the gates hold against a translation; () when it may be published."""
    if not translation.strip():
        return (Finding("empty", "the translation is empty"),)
    before, after = _side(source, source_language), _side(translation, target_language)
    findings = [finding for gate in _GATES for finding in gate(before, after)]
    return (*findings, *_terms(before, after, terms))


def gate(source_language: str, target_language: str, *, terms: Terms = NO_TERMS) -> Callable[[str, str], str]:
    """`check` as the `accept` argument of `markup.translate_segments`."""

    def accept(source: str, translation: str) -> str:
        findings = check(
            source, translation, source_language=source_language, target_language=target_language, terms=terms
        )
        return "; ".join(str(finding) for finding in findings)

    return accept


def _side(text: str, language: str) -> _Side:
    nodes = inline.parse(text)
    return _Side(nodes, " ".join(_words(nodes).split()), re.split("[-_]", language.lower())[0])


def _words(nodes: tuple[Node, ...]) -> str:
    """The running text; quantities stay, because their numbers count."""
    pieces = []
    for node in nodes:
        if isinstance(node, Text):
            pieces.append(node.text)
        elif isinstance(node, Span):
            pieces.append(_words(node.children))
        else:
            pieces.append(node.source if node.kind == "quantity" else _plain_atom(node))
    return "".join(pieces)


def _plain_atom(atom: Atom) -> str:
    return inline.plain((atom,)) if atom.kind in ("entity", "escape") else " "


# Gates on what must be equal


_LITERALS = {
    "code": frozenset({"code", "math", "element"}),
    "placeholders": frozenset({"placeholder"}),
    "links": frozenset({"address", "mail", "autolink", "image", "reference", "wikilink"}),
    "markup": frozenset({"tag", "keys", "emoji", "footnote", "comment", "critic"}),
}


def _literals(before: _Side, after: _Side) -> Iterator[Finding]:
    for code, kinds in _LITERALS.items():
        wanted, found = _sources(before.nodes, code, kinds), _sources(after.nodes, code, kinds)
        lost, new = sorted((wanted - found).elements()), sorted((found - wanted).elements())
        if lost:
            yield Finding(code, f"lost {', '.join(lost)}")
        if new:
            yield Finding(code, f"not in the source: {', '.join(new)}")


def _sources(nodes: tuple[Node, ...], code: str, kinds: frozenset[str]) -> Counter[str]:
    """The literals of one class, without the words inside them."""
    found: Counter[str] = Counter()
    for node in inline.walk(nodes):
        if isinstance(node, Atom) and node.kind in kinds:
            found["…".join(node.raw[0::2])] += 1
        if isinstance(node, Span) and (code, node.kind) in (("links", "link"), ("markup", "html")):
            found["…".join(node.opening[0::2]) + "…".join(node.closing[0::2])] += 1
    return found


def _numbers(before: _Side, after: _Side) -> Iterator[Finding]:
    wanted, found = numbers(before.words), numbers(after.words)
    if wanted != found:
        lost, new = sorted((wanted - found).elements()), sorted((found - wanted).elements())
        changes = [f"{number} is missing" for number in lost] + [f"{number} is new" for number in new]
        yield Finding("numbers", ", ".join(changes))


def _terms(before: _Side, after: _Side, terms: Terms) -> Iterator[Finding]:
    text = after.words.casefold()
    for term in terms.keep:
        if _has_word(before.words, term) and term not in after.words:
            yield Finding("term", f"{term!r} must stay as it is")
    for term, translation in terms.glossary:
        if _has_word(before.words.casefold(), term.casefold()) and not _has_stems(
            text, translation.casefold()
        ):
            yield Finding("glossary", f"{term!r} is {translation!r} in the glossary")


def _has_word(text: str, word: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text) is not None


def _has_stems(text: str, phrase: str) -> bool:
    """Whether each word of the phrase is there in some inflection."""
    return all(word[: max(3, len(word) - 3)] in text for word in phrase.split())


# Gates on the words


def _length(before: _Side, after: _Side) -> Iterator[Finding]:
    limits = [(low, high) for size, low, high in LENGTH_RATIOS if len(before.words) >= size]
    if not limits:
        return
    low, high = limits[-1]
    if before.language in wordlists.DENSE_LANGUAGES:
        low, high = low, high * 4
    if after.language in wordlists.DENSE_LANGUAGES:
        low, high = low / 4, high
    ratio = len(after.words) / len(before.words)
    if not low <= ratio <= high:
        size = "shorter" if ratio < low else "longer"
        yield Finding("length", f"much {size} than the source ({ratio:.0%} of its length)")


def _script(before: _Side, after: _Side) -> Iterator[Finding]:
    name, letter = wordlists.script_of(after.language)
    names = set(_tokens(before.words))
    letters = [char for word in _tokens(after.words) if word not in names for char in word if char.isalpha()]
    if len(letters) >= 12 and sum(1 for char in letters if letter.match(char)) < len(letters) / 2:
        yield Finding("script", f"most letters are not {name}")


def _repetition(before: _Side, after: _Side) -> Iterator[Finding]:
    words, original = _tokens(after.words), _tokens(before.words)
    for size, allowed in ((1, 4), (2, 3), (3, 2), (4, 2)):
        # How often a phrase follows itself without a pause.
        repeated = _longest_run(words, size)
        if repeated > max(allowed, _longest_run(original, size) + 1):
            yield Finding("repetition", f"a phrase of {size} words comes {repeated} times in a row")
            return


def _longest_run(words: list[str], size: int) -> int:
    longest = run = 1 if len(words) >= size else 0
    for start in range(size, len(words) - size + 1):
        same = words[start : start + size] == words[start - size : start]
        run = run + 1 if same else (1 if start % size == 0 else run)
        longest = max(longest, 1 + (run - 1) // size if size > 1 else run)
    return longest


def _tokens(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())


def _untranslated(before: _Side, after: _Side) -> Iterator[Finding]:
    if before.language == after.language:
        return
    source = re.findall(r"[^\W\d_]+", before.words)
    text = " " + " ".join(_tokens(after.words)) + " "
    for start in range(len(source) - UNTRANSLATED_RUN + 1):
        run = source[start : start + UNTRANSLATED_RUN]
        # Names stay; a run of them is no copy.
        common = [word for word in run if word.islower() and len(word) > 2]
        if len(common) >= 2 and f" {' '.join(run).casefold()} " in text:
            yield Finding("untranslated", f"“{' '.join(run)}” is still in the source language")
            return


def _negation(before: _Side, after: _Side) -> Iterator[Finding]:
    wanted, found = (wordlists.NEGATIONS.get(side.language) for side in (before, after))
    if not wanted or not found:
        return
    negated = re.findall(rf"(?<!\w)(?:{wanted})(?!\w)", before.words, re.I)
    if negated and not re.search(rf"(?<!\w)(?:{found})(?!\w)", after.words, re.I):
        yield Finding("negation", f"“{negated[0]}” has no counterpart")


_ENDS = {".": ".。।۔…", "?": "?？؟;", "!": "!！."}
_CLOSING = "\"'»”’)]*_ \u200f"


def _punctuation(before: _Side, after: _Side) -> Iterator[Finding]:
    end = before.words.rstrip(_CLOSING)[-1:]
    if end in _ENDS and len(before.words) > 12 and after.language not in ("th", "lo", "km"):
        last = after.words.rstrip(_CLOSING + "“«")[-1:]
        if last not in _ENDS[end] and last not in "…:":
            yield Finding("punctuation", f"the source ends with {end!r}, the translation does not")


def _sister(before: _Side, after: _Side) -> Iterator[Finding]:
    words = _tokens(after.words)
    letters = wordlists.SISTER_LETTERS.get(after.language, "")
    foreign = [word for word in words if set(word) & set(letters)]
    if len(foreign) >= 2:
        yield Finding("sister-language", f"“{foreign[0]}” is not {after.language}")
        return
    for (own, sister), common in wordlists.OWN_WORDS.items():
        if own != after.language or (sister, own) not in wordlists.OWN_WORDS:
            continue
        ours = set(common.split())
        theirs = set(wordlists.OWN_WORDS[sister, own].split()) - ours
        theirs_found = [word for word in words if word in theirs]
        if len(theirs_found) >= 2 and len(theirs_found) > sum(1 for word in words if word in ours - theirs):
            yield Finding("sister-language", f"looks like {sister}: “{theirs_found[0]}”, “{theirs_found[1]}”")
            return


_GATES: tuple[Callable[[_Side, _Side], Iterator[Finding]], ...] = (
    _literals, _numbers, _length, _script, _repetition, _untranslated, _negation, _punctuation, _sister,
)  # fmt: skip
