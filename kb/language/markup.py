"""Inline markup through a translation engine: mask, verify, fall back.

An engine translates plain text and copies some strings of its own choice (`TokenStyle`, found by
calibration). Markup is replaced by such tokens, and a translation counts only when every token came
back once, in the order the page needs, with the same numbers. Otherwise the ladder goes down: one
token a pair with its inner text translated apart; the text between the inline nodes translated piece
by piece, and again in short clauses; at last the source. A model that loses many tokens begins with the
second.
"""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from kb.language import alignment, inline, sentences
from kb.language.inline import Atom, Node, Slots, Span, Text

TranslateBatch = Callable[[Sequence[str]], Sequence[str]]
Encodable = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class TokenStyle:
    """Strings a model copies: `template.format(n)` for n from `first`, at most `limit` of them in one text.

    A model that loses many is not `steady`: pairs are put around the translated words before they are tried as
    tokens. Examples: TokenStyle("T.{}"), TokenStyle("B-{}", first=52), TokenStyle("{}", first=7310).
    """

    template: str
    first: int = 0
    limit: int = 12
    steady: bool = True

    def token(self, number: int) -> str:
        """The token of the given position, counted from 0."""
        return self.template.format(self.first + number)


@dataclass(frozen=True, slots=True)
class Terms:
    """Words with a fixed translation: `keep` stays as it is, `glossary` pairs (term, translation)."""

    keep: tuple[str, ...] = ()
    glossary: tuple[tuple[str, str], ...] = ()


NO_TERMS = Terms()


class MarkupLostError(Exception):
    """A translation did not bring every token back; `str()` is the reason."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """`text` is None when the source was left; `rung` is masked, aligned, pairs, split or source."""

    text: str | None
    rung: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class _Marker:
    """One end of a pair, an atom, or (role "span") a whole pair whose inner text is translated apart."""

    role: str
    node: Atom | Span
    inner: "_Plan | None" = None

    def same(self, other: "_Marker") -> bool:
        return self.role == other.role and self.node is other.node


_Token = tuple[_Marker, ...]
_Part = str | _Token


@dataclass(slots=True)
class _Phrase:
    """A pair taken off a sentence: `start` is where its words are in the sentence without pairs. `job` translates
    them apart, to find them again; None where they are no words."""

    opening: _Token
    closing: _Token
    start: int
    words: str
    job: "_Job | None"


@dataclass(slots=True)
class _Job:
    """One string for the engine and what came of it."""

    coded: str
    tokens: dict[str, _Token]
    text: str = ""
    names: dict[str, str] = field(default_factory=dict)
    glue: dict[str, tuple[bool, bool]] = field(default_factory=dict)
    phrases: list[_Phrase] = field(default_factory=list)
    output: list[_Part] = field(default_factory=list)
    problem: str = ""


@dataclass(slots=True)
class _Plan:
    """A text in the order of its parts: verbatim parts and jobs."""

    parts: "list[_Part | _Job]"

    def jobs(self) -> Iterator[_Job]:
        """All jobs, those inside pairs included."""
        for part in self.parts:
            if isinstance(part, _Job):
                yield part
                yield from (phrase.job for phrase in part.phrases if phrase.job)
            for marker in self._markers(part):
                if marker.inner:
                    yield from marker.inner.jobs()

    @staticmethod
    def _markers(part: "_Part | _Job") -> Iterable[_Marker]:
        if isinstance(part, _Job):
            return [marker for token in part.tokens.values() for marker in token]
        return part if isinstance(part, tuple) else ()

    def result(self) -> "list[str | _Marker]":
        """The translated parts with pairs opened: texts, pair ends and atoms."""
        flat: list[_Part] = []
        for part in self.parts:
            flat.extend(part.output if isinstance(part, _Job) else [part])
        output: list[str | _Marker] = []
        for item in flat:
            if isinstance(item, str):
                output.append(item)
                continue
            for marker in item:
                if marker.role != "span" or not marker.inner:
                    output.append(marker)
                    continue
                inner = marker.inner.result()
                output += [_Marker("open", marker.node), *inner, _Marker("close", marker.node)]
        return output


# Masking


_CODE_BASE = 0xF0000
MANY_TOKENS = 3
"""So many tokens in a clause are too many for a model that lost one in the whole sentence."""
MUCH_LONGER = 2
"""A sentence so many times as long as its source is a hallucination."""
CLAUSE_WORDS = 8
"""Small models lose the thread, or the end, of longer texts: what the gates refused whole is tried in such parts."""
FEW_WORDS = 8
"""Small models say so few words again and again."""
_CASE_OF_THEIR_OWN = frozenset({"de", "lb", "tr", "az"})
"""Languages with capital nouns, or with another capital of i."""
_DETACHED = frozenset({"emoji", "image", "footnote", "comment", "attributes", "character", "break"})
_SUBSTITUTES = str.maketrans(
    {"“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "‘": "'", "’": "'", "–": "-", "—": "-", "\u00a0": " "}
)


def _flatten(
    nodes: Sequence[Node], *, pairs: bool, plan: "Callable[[Sequence[Node]], _Plan]"
) -> list[str | _Marker]:
    items: list[str | _Marker] = []
    for node in nodes:
        if isinstance(node, Text):
            items.append(node.text)
        elif isinstance(node, Atom):
            items.append(_Marker("atom", node))
        elif pairs:
            items.append(_Marker("span", node, plan(node.children)))
        else:
            inner = _flatten(node.children, pairs=pairs, plan=plan)
            items += [_Marker("open", node), *inner, _Marker("close", node)]
    return items


def _coded(items: Sequence[str | _Marker]) -> tuple[str, dict[str, _Token]]:
    """The items as one string in which a private character stands for a run of neighbouring markers."""
    pieces: list[str] = []
    tokens: dict[str, _Token] = {}
    run: list[_Marker] = []

    def close_run() -> None:
        if run:
            code = chr(_CODE_BASE + len(tokens))
            tokens[code] = tuple(run)
            pieces.append(code)
            run.clear()

    for item in items:
        if isinstance(item, _Marker):
            if run and "break" in (item.node.kind, run[-1].node.kind):
                close_run()
            run.append(item)
        elif item:
            close_run()
            pieces.append(item)
    close_run()
    return "".join(pieces), tokens


def _is_code(char: str) -> bool:
    return _CODE_BASE <= ord(char) <= 0x10FFFD


def _decoded(coded: str, tokens: dict[str, _Token]) -> list[_Part]:
    parts: list[_Part] = []
    for piece in re.split("([\U000f0000-\U0010fffd])", coded):
        if piece:
            parts.append(tokens.get(piece, piece))
    return parts


class _Planner:
    """Turns nodes into a plan for one rung."""

    def __init__(self, rung: str, split: Callable[[str], list[str]]) -> None:
        self.rung = rung
        self.split = split

    def plan(self, nodes: Sequence[Node]) -> _Plan:
        items = _flatten(nodes, pairs=self.rung == "pairs", plan=self.plan)
        if self.rung == "split":
            parts: list[_Part | _Job] = []
            for item in items:
                parts += [(item,)] if isinstance(item, _Marker) else self._sentences(item, {})
            return _Plan(parts)
        coded, tokens = _coded(items)
        parts = []
        for chunk in self._chunks(coded, tokens):
            parts += self._sentences(chunk, tokens)
        return _Plan(parts)

    def mended(self, plan: _Plan) -> _Plan:
        """A plan with the sentences that came back whole, and the others cut at their tokens."""
        parts: list[_Part | _Job] = []
        for part in plan.parts:
            if not isinstance(part, _Job) or not _job_problem(part):
                parts.append(part)
                continue
            for piece in _decoded(part.coded, part.tokens):
                parts += self._sentences(piece, {}) if isinstance(piece, str) else [piece]
        return _Plan(parts)

    @staticmethod
    def _chunks(coded: str, tokens: dict[str, _Token]) -> list[str]:
        """The string cut at hard breaks."""
        chunks, start = [], 0
        for position, char in enumerate(coded):
            if char in tokens and any(marker.node.kind == "break" for marker in tokens[char]):
                chunks += [coded[start:position], char]
                start = position + 1
        return [chunk for chunk in [*chunks, coded[start:]] if chunk]

    def _sentences(self, chunk: str, tokens: dict[str, _Token]) -> list[_Part | _Job]:
        parts: list[_Part | _Job] = []
        for sentence in self._clauses(chunk, tokens):
            head, core, tail = _peeled(sentence, tokens)
            if not inline.has_words(core):
                parts += _decoded(sentence, tokens)
                continue
            used = {char: tokens[char] for char in core if char in tokens}
            job = (_without_pairs(core, used) if self.rung == "aligned" else None) or _Job(core, used)
            parts += [*_decoded(head, tokens), job, *_decoded(tail, tokens)]
        return parts

    def _clauses(self, chunk: str, tokens: dict[str, _Token]) -> list[str]:
        """Sentences; on the second rung those with many tokens are cut at their commas too."""
        if self.rung != "pairs":
            return self.split(chunk)
        clauses: list[str] = []
        for sentence in self.split(chunk):
            start, few = len(clauses), MANY_TOKENS
            for part in re.split(r"(?<=[,;:]\s)", sentence):
                together = clauses[-1] + part if len(clauses) > start else ""
                if together and sum(char in tokens for char in together) < few:
                    clauses[-1] = together
                else:
                    clauses.append(part)
        return clauses


def _peeled(sentence: str, tokens: dict[str, _Token]) -> tuple[str, str, str]:
    """What an engine need not see at the edges: white space, emoji and images, a pair around everything."""
    start, end = 0, len(sentence)
    while start < end:
        first, last = sentence[start], sentence[end - 1]
        if first.isspace() or _detached(tokens.get(first)):
            start += 1
        elif last.isspace() or _detached(tokens.get(last)):
            end -= 1
        elif end - start > 1 and _enclose(tokens.get(first), tokens.get(last)):
            start, end = start + 1, end - 1
        else:
            break
    return sentence[:start], sentence[start:end], sentence[end:]


def _detached(token: _Token | None) -> bool:
    return bool(token) and all(m.role == "atom" and m.node.kind in _DETACHED for m in token or ())


def _enclose(first: _Token | None, last: _Token | None) -> bool:
    if not first or not last or len(first) != len(last):
        return False
    pairs = zip(first, reversed(last), strict=True)
    return all(a.role == "open" and b.role == "close" and a.node is b.node for a, b in pairs)


def _without_pairs(coded: str, tokens: dict[str, _Token]) -> _Job | None:
    """The sentence without its pairs; None where pairs have more than words in them, or are cut by its ends."""
    pieces: list[str] = []
    atoms: dict[str, _Token] = {}
    phrases: list[_Phrase] = []
    opening: list[_Marker] = []
    closing: list[_Marker] = []
    start = 0
    for char in coded:
        if char not in tokens:
            if closing:
                return None
            pieces.append(char)
            continue
        for marker in tokens[char]:
            inside = "".join(pieces)[start:] if opening else ""
            if marker.role == "open":
                if inside or closing:
                    return None
                start = start if opening else len(pieces)
                opening.append(marker)
            elif marker.role == "atom":
                if opening:
                    return None
                code = chr(_CODE_BASE + len(atoms))
                atoms[code] = (marker,)
                pieces.append(code)
            elif not opening or not inside.strip() or opening[-1 - len(closing)].node is not marker.node:
                return None
            else:
                closing.append(marker)
                if len(closing) == len(opening):
                    job = _Job(inside.strip(), {}) if inline.has_words(inside) else None
                    at = start + len(inside) - len(inside.lstrip())
                    phrases.append(_Phrase(tuple(opening), tuple(closing), at, inside.strip(), job))
                    opening, closing = [], []
    return None if opening or not phrases else _Job("".join(pieces), atoms, phrases=phrases)


def _place(job: _Job) -> None:
    """Put the pairs around what their words became; sets `problem` where one is not found."""
    codes = {id(token): code for code, token in job.tokens.items()}
    text = "".join(part if isinstance(part, str) else codes[id(part)] for part in job.output)
    phrases = [
        alignment.Phrase(
            phrase.start,
            phrase.words,
            "".join(part for part in phrase.job.output if isinstance(part, str)) if phrase.job else "",
        )
        for phrase in job.phrases
    ]
    places = alignment.find(job.coded, text, phrases)
    if places is None:
        job.problem = "words of a pair are not found in the translation"
        return
    output: list[_Part] = []
    position = 0
    for (start, end), phrase in sorted(zip(places, job.phrases, strict=True), key=lambda each: each[0]):
        output += [
            *_decoded(text[position:start], job.tokens),
            phrase.opening,
            text[start:end],
            phrase.closing,
        ]
        position = end
    job.output = [*output, *_decoded(text[position:], job.tokens)]


def _encode(job: _Job, style: TokenStyle | None, substitute: Callable[[str], str]) -> None:
    """Write the string for the engine: tokens for codes, with spaces where a token would touch a word."""
    codes = [char for char in job.coded if char in job.tokens]
    if codes and (style is None or len(codes) > style.limit):
        job.problem = "too many tokens for the model"
        return
    offset = 0
    if codes and style:
        lowered = job.coded.lower()
        while any(style.token(offset + n).lower() in lowered for n in range(len(codes))):
            offset += len(codes)
    pieces: list[str] = []
    for position, char in enumerate(job.coded):
        if char not in job.tokens or style is None:
            pieces.append(char)
            continue
        before, after = (
            job.coded[position - 1 : position] if position else " ",
            job.coded[position + 1 : position + 2],
        )
        touches_before = before.isalnum() or (bool(before) and before in job.tokens)
        touches_after = after.isalnum() or (bool(after) and after in job.tokens)
        name = style.token(offset + len(job.names))
        job.names[name.lower()] = char
        job.glue[char] = (touches_before, touches_after)
        space = " " if touches_before and pieces and not pieces[-1].endswith(" ") else ""
        pieces.append(space + name + (" " if touches_after else ""))
    job.text = substitute("".join(pieces))


def _decode(job: _Job, output: str, *, own_case: bool = False) -> None:
    """Find the tokens in the engine's answer and put the markers back; sets `problem` on loss."""
    if not output.strip():
        job.problem = "the engine returned nothing"
        return
    output = _like_source(job.coded, _once(job.text, " ".join(output.split())), own_case=own_case)
    if not job.names:
        job.output = [output]
        return
    longest_first = sorted(job.names, key=lambda name: (-len(name), name))
    pattern = re.compile(
        r"(?<![0-9A-Za-z])(" + "|".join(map(re.escape, longest_first)) + r")(?![0-9])", re.IGNORECASE
    )
    pieces = pattern.split(output)
    found = Counter(job.names[name.lower()] for name in pieces[1::2])
    wrong = [name for name, char in job.names.items() if found[char] != 1]
    if wrong:
        job.problem = f"token {wrong[0]!r} came back {found[job.names[wrong[0]]]} times"
        return
    job.output = _respaced(job, pieces)


_LOOP = re.compile(r"\b(\w+(?:\W+\w+){0,3}?)(?:\W{0,3}\b\1\b){2,}", re.IGNORECASE)


def _once(source: str, output: str) -> str:
    """The answer to a few words without its loops."""
    if sentences.words(source) > FEW_WORDS or _LOOP.search(source):
        return output
    return _LOOP.sub(r"\1", output)


def _like_source(source: str, output: str, *, own_case: bool) -> str:
    """The answer without the full stop and the capital letter that models give whatever they take for a sentence.

    `own_case`: the first letter of the target's words is not the source's (German nouns, Turkish i).
    """
    if output[-1] in ".。" and not re.search(r"[.…。!?:;]\W*$", source) and not re.search(r"[.。]\s", output):
        output = output.rstrip(".。 ") or output
    if own_case or not source[1:2].islower() or not output[1:2].islower():
        return output
    if source[0].islower() and output[0].isupper():
        return output[0].lower() + output[1:]
    if source[0].isupper() and output[0].islower():
        return output[0].upper() + output[1:]
    return output


def _respaced(job: _Job, pieces: list[str]) -> list[_Part]:
    """The answer with markers for tokens, and the spaces around them as in the source."""
    texts = pieces[0::2]
    codes = [job.names[name.lower()] for name in pieces[1::2]]
    for number, char in enumerate(codes):
        position = job.coded.index(char)
        before, after = job.coded[:position][-1:], job.coded[position + 1 :][:1]
        if job.glue[char][0]:
            texts[number] = texts[number].rstrip()
        elif before.isspace() and texts[number][-1:].isalnum():
            texts[number] += " "
        elif before and before in "([\"'“«" and texts[number].rstrip().endswith(before):
            texts[number] = texts[number].rstrip()
        if job.glue[char][1]:
            texts[number + 1] = texts[number + 1].lstrip()
        elif after.isspace() and texts[number + 1][:1].isalnum():
            texts[number + 1] = " " + texts[number + 1]
        elif not after.isspace() and re.match(r"\s+[.,;:!?)\]]", texts[number + 1]):
            texts[number + 1] = texts[number + 1].lstrip()
        roles = {marker.role for marker in job.tokens[char]}
        if roles == {"open"}:
            texts[number + 1] = texts[number + 1].lstrip()
        if roles == {"close"}:
            texts[number] = texts[number].rstrip()
    output: list[_Part] = []
    for number, words in enumerate(texts):
        if words:
            output.append(words)
        if number < len(codes):
            output.append(job.tokens[codes[number]])
    return output


# Verifying


_NUMBER = re.compile(r"\d+(?:[.,'\u00a0\u202f ]\d{3}(?!\d))*")
_DIGITS = re.compile(r"\d+(?:[.,:/'\u00a0\u202f-]?\d+)*")
_STRAY = re.compile(r"[*_`\[\]<>{}~^\\|]")


def numbers(text: str) -> Counter[str]:
    """The numbers of a text without their thousands separators."""
    return Counter(re.sub(r"\D", "", match) for match in _NUMBER.findall(text))


def _verify(nodes: Sequence[Node], result: Sequence[str | _Marker]) -> str:
    """Why the result may not stand for the nodes; "" when it may."""
    source = _flatten(nodes, pairs=False, plan=lambda children: _Plan([]))
    if not _same_order(source, result):
        return "the markup came back in another order"
    before = " ".join(item for item in source if isinstance(item, str))
    after = " ".join(item for item in result if isinstance(item, str))
    if numbers(before) != numbers(after):
        return f"numbers differ: {_difference(numbers(before), numbers(after))}"
    stray = Counter(_STRAY.findall(after)) - Counter(_STRAY.findall(before))
    if stray:
        return f"stray markup {''.join(sorted(stray))!r}"
    return _lost_words(source, result)


def _job_problem(job: _Job) -> str:
    """Why the answer to one sentence may not stand for it; "" when it may."""
    if job.problem:
        return job.problem
    output = _Plan([job]).result()
    before = " ".join(part for part in _decoded(job.coded, job.tokens) if isinstance(part, str))
    after = " ".join(item for item in output if isinstance(item, str))
    source = [marker for char in job.coded for marker in job.tokens.get(char, ())]
    if numbers(before) != numbers(after) or not _same_order(source, output):
        return "numbers or markup differ"
    return "much longer" if len(after) > MUCH_LONGER * len(before) + 10 else ""


def _difference(before: Counter[str], after: Counter[str]) -> str:
    lost, new = sorted((before - after).elements()), sorted((after - before).elements())
    return ", ".join([f"{number} lost" for number in lost] + [f"{number} added" for number in new])


def _same_order(source: Sequence[str | _Marker], result: Sequence[str | _Marker]) -> bool:
    def solid(items: Sequence[str | _Marker]) -> list[_Marker]:
        return [i for i in items if isinstance(i, _Marker) and i.node.kind not in inline.LOOSE_KINDS]

    before, after = solid(source), solid(result)
    return len(before) == len(after) and all(a.same(b) for a, b in zip(before, after, strict=True))


def _lost_words(source: Sequence[str | _Marker], result: Sequence[str | _Marker]) -> str:
    """A pair that had words must have words."""
    filled = _filled(result)
    for node, words in _filled(source).items():
        if words and not filled.get(node):
            return "a pair came back empty"
    return ""


def _left_words(nodes: Sequence[Node], result: Sequence[str | _Marker]) -> str:
    """A pair whose words came back as they went is worth asking about apart: between tokens a model often takes
    them for a name (1.1 chrF on GNOME's help). What stays the same then is one."""
    source = _words_inside(_flatten(nodes, pairs=False, plan=lambda children: _Plan([])))
    after = _words_inside(result)
    for node, words in source.items():
        if len(words) > 3 and any(map(str.islower, words)) and after.get(node) == words:
            return f"{words!r} came back untranslated"
    return ""


def _words_inside(items: Sequence[str | _Marker]) -> dict[int, str]:
    """For each pair, the text in it."""
    found: dict[int, list[str]] = {}
    open_pairs: list[int] = []
    for item in items:
        if isinstance(item, str):
            for node in open_pairs:
                found[node].append(item)
        elif item.role == "open":
            open_pairs.append(id(item.node))
            found[id(item.node)] = []
        elif item.role == "close" and id(item.node) in open_pairs:
            open_pairs.remove(id(item.node))
    return {node: " ".join("".join(words).split()) for node, words in found.items()}


def _filled(items: Sequence[str | _Marker]) -> dict[int, bool]:
    """For each pair, whether there is any text in it."""
    filled: dict[int, bool] = {}
    open_pairs: list[int] = []
    for item in items:
        if isinstance(item, str):
            if inline.has_words(item):
                filled.update(dict.fromkeys(open_pairs, True))
        elif item.role == "open":
            open_pairs.append(id(item.node))
            filled.setdefault(id(item.node), False)
        elif item.role == "close" and id(item.node) in open_pairs:
            open_pairs.remove(id(item.node))
    return filled


# One text


@dataclass(frozen=True, slots=True)
class Masked:
    """`text` goes to the engine; the rest is what `unmask` needs."""

    text: str
    job: _Job
    nodes: tuple[Node, ...]


def mask(
    text: str,
    style: TokenStyle,
    *,
    terms: Terms = NO_TERMS,
    keep: Collection[str] = (),
    encodable: Encodable = lambda text: True,
) -> Masked:
    """`text` with markup, terms and characters the model lacks replaced by the model's own tokens.

    Raises MarkupLostError when the text needs more tokens than the style allows.
    """
    nodes = _protected(inline.parse(text), _Protector(terms, keep, encodable))
    coded, tokens = _coded(_flatten(nodes, pairs=False, plan=lambda children: _Plan([])))
    job = _Job(coded, tokens)
    _encode(job, style, lambda words: words)
    if job.problem:
        raise MarkupLostError(job.problem)
    return Masked(job.text, job, nodes)


def unmask(masked: Masked, output: str) -> str:
    """The translation with its markup back; raises MarkupLostError with the reason when any was lost."""
    job = _Job(masked.job.coded, masked.job.tokens, masked.text, masked.job.names, masked.job.glue)
    _decode(job, output)
    problem = job.problem or _verify(masked.nodes, _Plan([job]).result())
    if problem:
        raise MarkupLostError(problem)
    return _written(_Plan([job]).result(), lambda slot: slot)


class _Protector:
    """Finds in plain text what must not reach the engine as words."""

    def __init__(self, terms: Terms, keep: Collection[str], encodable: Encodable) -> None:
        self.glossary = {term.lower(): translation for term, translation in terms.glossary}
        alternatives = []
        kept = sorted({*terms.keep, *keep} - {""}, key=lambda term: (-len(term), term))
        if kept:
            alternatives.append(r"(?P<keep>(?<!\w)(?:" + "|".join(map(re.escape, kept)) + r")(?!\w))")
        if self.glossary:
            longest = sorted(self.glossary, key=lambda term: (-len(term), term))
            alternatives.append(r"(?P<term>(?<!\w)(?i:" + "|".join(map(re.escape, longest)) + r")(?!\w))")
        self.terms = re.compile("|".join(alternatives)) if alternatives else None
        self.encodable = encodable
        self.known: dict[str, bool] = {}

    def find(self, text: str) -> list[tuple[int, int, str, str | None]]:
        """(start, end, kind, output) of each protected part of a text."""
        found: list[tuple[int, int, str, str | None]] = []
        for match in self.terms.finditer(text) if self.terms else ():
            kind = "term" if match.lastgroup == "term" else "kept"
            found.append((match.start(), match.end(), kind, self._translation(match)))
        for match in re.finditer(r"\w+|[^\w\s]", text):
            if not self._encodable(match.group()) and not any(
                a < match.end() and match.start() < b for a, b, *_ in found
            ):
                found.append((match.start(), match.end(), "character", None))
        return sorted(found)

    def _translation(self, match: re.Match[str]) -> str | None:
        if match.lastgroup != "term":
            return None
        translation = self.glossary[match.group().lower()]
        return translation[:1].upper() + translation[1:] if match.group()[0].isupper() else translation

    def _encodable(self, word: str) -> bool:
        return all(self._knows(char) for char in word)

    def _knows(self, char: str) -> bool:
        if char not in self.known:
            self.known[char] = self.encodable(char) or self._substitute(char) != char
        return self.known[char]

    def _substitute(self, char: str) -> str:
        other = char.translate(_SUBSTITUTES)
        return other if other != char and not self.encodable(char) and self.encodable(other) else char

    def substitute(self, text: str) -> str:
        """Typographic characters the model lacks, as the plain ones it has."""
        if text.isascii():
            return text
        return "".join(self._substitute(char) if ord(char) > 127 else char for char in text)


def _protected(nodes: tuple[Node, ...], protector: _Protector) -> tuple[Node, ...]:
    return inline.protect(nodes, protector.find)


def _written(result: Sequence[str | _Marker], slot: Callable[[str], str]) -> str:
    """The result as Markdown, with the words inside the markup translated by `slot`."""
    pieces = []
    for item in result:
        if isinstance(item, str):
            pieces.append(item)
        elif isinstance(item.node, Atom):
            pieces.append(
                item.node.output if item.node.output is not None else _filled_slots(item.node.raw, slot)
            )
        else:
            pieces.append(
                _filled_slots(item.node.opening if item.role == "open" else item.node.closing, slot)
            )
    return "".join(pieces)


def _filled_slots(raw: Slots, slot: Callable[[str], str]) -> str:
    pieces = list(raw)
    for number in range(1, len(pieces), 2):
        words, quote = " ".join(slot(pieces[number]).split()), pieces[number - 1][-1:]
        if quote == '"':
            words = words.replace('"', "&quot;") if '"' not in pieces[number] else words
        elif quote == "'":
            words = words.replace("'", "&#39;") if "'" not in pieces[number] else words
        elif Counter(re.findall(r"[\[\]]", words)) != Counter(re.findall(r"[\[\]]", pieces[number])):
            words = words.replace("[", "&#91;").replace("]", "&#93;")
        unsafe = set("{}<>\n") & (set(words) - set(pieces[number]))
        pieces[number] = pieces[number] if unsafe or not words.strip() else words
    return "".join(pieces)


# Many texts


_RUNGS = ("masked", "aligned", "pairs", "mended", "split", "clauses")
_RUNGS_OF_UNSTEADY = ("aligned", "masked", "pairs", "mended", "split", "clauses")


@dataclass(slots=True)
class _Item:
    """One text on its way down the ladder."""

    text: str
    nodes: tuple[Node, ...]
    result: "list[str | _Marker] | None" = None
    rung: str = "source"
    reasons: list[str] = field(default_factory=list)
    numbers_apart: bool = False
    plan: _Plan | None = None

    def part_numbers(self) -> None:
        """Keep the numbers from an engine that changed them."""
        self.numbers_apart = True
        self.nodes = inline.protect(
            self.nodes, lambda text: [(*match.span(), "quantity", None) for match in _DIGITS.finditer(text)]
        )


def translate_segments(
    texts: Sequence[str],
    translate_batch: TranslateBatch,
    *,
    style: TokenStyle | None,
    language: str = "en",
    encodable: Encodable = lambda text: True,
    protect: Terms = NO_TERMS,
    keep: Sequence[Collection[str]] = (),
    accept: Callable[[str, str], str] = lambda source, translation: "",
    max_words: int = 70,
    target: str = "",
) -> list[Outcome]:
    """One outcome a text, in order; each rung of the ladder is one `translate_batch` call for all that is pending.

    `style` None means the model copies no token: only pairs around plain words can be kept in a whole sentence.
    `language` is the source's code (for the ends of sentences), `target` the translation's (for the case of
    letters). `keep[i]` are words of text i to protect (`Segment.keep`). `accept(source, translation)` returns ""
    or the reason to go down a rung (the gates of `quality`).
    `translate_batch` must return as many strings as it was given: ValueError otherwise. What it raises
    passes through.
    """
    ladder = _Ladder(translate_batch, style, language, max_words, accept, protect, encodable, target)
    keys = [ladder.add(text, keep[number] if keep else ()) for number, text in enumerate(texts)]
    ladder.run()
    return [ladder.outcome(key) for key in keys]


_Key = tuple[str, tuple[str, ...]]


class _Ladder:
    """All texts of a run; the same text is translated once."""

    def __init__(
        self,
        translate_batch: TranslateBatch,
        style: TokenStyle | None,
        language: str,
        max_words: int,
        accept: Callable[[str, str], str],
        terms: Terms,
        encodable: Encodable,
        target: str,
    ) -> None:
        self.own_case = re.split("[-_]", target.lower())[0] in _CASE_OF_THEIR_OWN
        self.translate_batch = translate_batch
        self.style = style
        self.split = sentences.splitter(language, max_words)
        self.short = sentences.splitter(language, min(max_words, CLAUSE_WORDS))
        self.accept = accept
        self.terms = terms
        self.plain = _Protector(terms, (), encodable)
        self.encodable = encodable
        self.items: dict[_Key, _Item] = {}
        self.answers: dict[str, str] = {}

    def add(self, text: str, keep: Collection[str] = ()) -> _Key:
        """Queue a text, and the alt texts and titles in it."""
        key = (text, tuple(sorted(keep)))
        if key not in self.items:
            protector = _Protector(self.terms, keep, self.encodable) if keep else self.plain
            nodes = _protected(inline.parse(text), protector)
            self.items[key] = _Item(text, nodes)
            for slot in inline.slots(nodes):
                self.add(slot, keep)
        return key

    def run(self) -> None:
        """Go down the rungs until every text has a result or none is left."""
        for rung in _RUNGS if self.style and self.style.steady else _RUNGS_OF_UNSTEADY:
            pending = [item for item in self.items.values() if item.result is None and self._fits(item, rung)]
            clauses = rung == "clauses"
            planner = _Planner("split" if clauses else rung, self.short if clauses else self.split)
            plans = [
                planner.mended(item.plan) if rung == "mended" and item.plan else planner.plan(item.nodes)
                for item in pending
            ]
            self._translate([job for plan in plans for job in plan.jobs() if not job.output])
            for item, plan in zip(pending, plans, strict=True):
                self._settle(item, plan, rung)

    def _fits(self, item: _Item, rung: str) -> bool:
        """Whether a rung differs from the one before for this text."""
        marked = not all(isinstance(node, Text) for node in item.nodes)
        if rung == "split":
            return marked or self.style is None
        if rung == "clauses":
            return sentences.words(item.text) > CLAUSE_WORDS
        if rung == "mended":
            return item.plan is not None and not item.numbers_apart
        if rung == "aligned":
            return any(isinstance(node, Span) for node in item.nodes)
        if self.style is None:
            return not marked and rung == "masked"
        again = (
            item.numbers_apart or sum(1 for node in item.nodes if not isinstance(node, Text)) >= MANY_TOKENS
        )
        return rung == "masked" or again or any(isinstance(node, Span) for node in item.nodes)

    def _translate(self, jobs: list[_Job]) -> None:
        for job in jobs:
            _encode(job, self.style, self.plain.substitute)
        wanted = [
            text for text in dict.fromkeys(j.text for j in jobs if not j.problem) if text not in self.answers
        ]
        answers = self.translate_batch(wanted) if wanted else []
        if len(answers) != len(wanted):
            raise ValueError(f"the engine returned {len(answers)} texts for {len(wanted)}")
        self.answers.update(zip(wanted, answers, strict=True))
        for job in jobs:
            if not job.problem:
                _decode(job, self.answers[job.text], own_case=self.own_case)
        for job in jobs:
            if job.phrases and not job.problem:
                _place(job)

    def _settle(self, item: _Item, plan: _Plan, rung: str) -> None:
        problem = next((job.problem for job in plan.jobs() if job.problem), "")
        result: list[str | _Marker] = [] if problem else plan.result()
        problem = problem or _verify(item.nodes, result)
        problem = problem or self.accept(item.text, _written(result, lambda slot: slot))
        if rung == "masked":
            problem = problem or _left_words(item.nodes, result)
        if problem:
            item.reasons.append(f"{rung}: {problem}")
            if "numbers" in problem and not item.numbers_apart:
                item.part_numbers()
            good = [not _job_problem(job) for job in plan.jobs()]
            if rung == "masked" and any(good) and not all(good):
                item.plan = plan
        else:
            item.result, item.rung = result, "split" if rung in ("mended", "clauses") else rung

    def outcome(self, key: _Key) -> Outcome:
        """What became of a text, with the words inside its markup translated too."""
        item = self.items[key]
        if item.result is None:
            return Outcome(None, "source", "; ".join(item.reasons))
        return Outcome(
            _written(item.result, lambda slot: self._slot(slot, key[1])), item.rung, "; ".join(item.reasons)
        )

    def _slot(self, text: str, keep: tuple[str, ...]) -> str:
        item = self.items.get((text, keep))
        if item is None or item.result is None:
            return text
        return _written(item.result, lambda slot: self._slot(slot, keep))
