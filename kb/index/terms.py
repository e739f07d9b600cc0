"""From text to terms: the contract of search, kept word for word by its twin ``search/terms.js``.

Text is cut at white space into chunks; each chunk gives its terms on its own. So a chunk's terms may be
remembered, and the browser rebuilds the index from the texts it shows anyway. A term is a normalised word,
a number or code kept whole, or a pair of neighbouring characters where words are written without spaces.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

TERMS_VERSION = 1
"""Part of every stored index: an index made under other rules is refused."""

WORD_LIMIT = 40
"""Characters of a word that count; nothing a person types is longer, and hostile input is cut here."""
PREFIX = 5
GRAM = 4
GRAM_HANGUL = 2
EXACT_WEIGHT = 2.0
"""Weight of a word's own feature; its prefix and each of its n-grams weigh one."""

_IGNORED = "\u00ad\u061c\u180e\ufeff\u00a9\u00ae\u2120\u2122" + "".join(
    chr(c) for a, b in ((0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x2069)) for c in range(a, b + 1)
)
_APOSTROPHES = "\u2018\u2019\u201b\u02bc\u02b9\u02bb\u00b4\u0060\u2032\uff07\u05f3"
_HYPHENS = "\u2010\u2011\u2012\u2013\u2014\u2212"
_DIGIT_ZEROS = (0x0660, 0x06F0, 0x0966, 0x09E6, 0x0E50)
_FOLDED_RANGES = ((0xC0, 0x24F), (0x370, 0x52F), (0x1E00, 0x1FFF))
_KEPT = "йїў"
"""Letters of their own that merely look composed; nobody leaves their marks out."""
_FOLDED = {
    "ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i", "ħ": "h",
    "ŋ": "n", "ŧ": "t", "ґ": "г", "ς": "σ",
    "أ": "ا", "إ": "ا", "آ": "ا", "ٱ": "ا", "ى": "ي", "ئ": "ي", "ی": "ي", "ؤ": "و", "ة": "ه", "ک": "ك",
    "ہ": "ه", "ھ": "ه", "ـ": "",
    "ך": "כ", "ם": "מ", "ן": "נ", "ף": "פ", "ץ": "צ",
}  # fmt: skip
_MARKS = ((0x300, 0x36F), (0x483, 0x487), (0x591, 0x5BD), (0x5BF, 0x5C7), (0x610, 0x61A), (0x64B, 0x65F))
_ELIDING = frozenset({"fr", "it", "ca", "oc"})
"""Languages in which an apostrophe stands between two words (``l'ordine``)."""


def _fold_table() -> dict[int, str]:
    table: dict[int, str] = {}
    for first, last in _FOLDED_RANGES:
        for code in range(first, last + 1):
            parts = unicodedata.normalize("NFD", chr(code))
            if len(parts) > 1 and chr(code) not in _KEPT:
                table[code] = "".join(c for c in parts if not unicodedata.combining(c))
    for zero in _DIGIT_ZEROS:
        table.update({zero + n: str(n) for n in range(10)})
    for first, last in _MARKS:
        table.update(dict.fromkeys(range(first, last + 1), ""))
    table[0x670] = ""
    table.update({ord(c): to for c, to in _FOLDED.items()})
    return table


_BEFORE = str.maketrans({**dict.fromkeys(_IGNORED, ""), **dict.fromkeys(_APOSTROPHES, "'")})
_AFTER = {**_fold_table(), **dict.fromkeys(map(ord, _HYPHENS), "-")}

# Scripts whose vowel signs are marks: their blocks belong to words as a whole, but for the punctuation in them.
_INDIC = "\u0900-\u0963\u0966-\u096f\u0971-\u0df3\u0f00\u0f18-\u0f39\u0f3e-\u0f84\u0f86-\u0fbc\u135d-\u135f"
UNSPACED = (
    "\u0e01-\u0e3a\u0e40-\u0e4e\u0e81-\u0ecd\u0edc-\u0edf\u1000-\u103f\u1050-\u109f\u1780-\u17d3"
    "\u3005\u3040-\u309f\u30a0-\u30fa\u30fc-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f"
)
"""Characters of scripts written without spaces, as the inside of a regular expression's class."""
_OTHER_PLANES = "\U00010000-\U0001e8ff\U0001e960-\U0001ffff\U00031350-\U0010ffff"
"""Left out but for Adlam and ideographs: runtimes of different age disagree on what is a letter there."""
WORD = rf"(?:[^\W_{_OTHER_PLANES}]|[{_INDIC}{UNSPACED}])"
_SIMPLE_WORD = r"[^\W_]"
_SIMPLE_END = "\u0900"
_SEPARATOR = re.compile(r"[-._/:,#+]")
_DIGIT = re.compile(r"[0-9]")
_THOUSANDS = re.compile(r"[0-9]{1,3}(?:[.,][0-9]{3})+")
_DECIMAL = re.compile(r"[0-9]+[.,][0-9]+")
_HANGUL = re.compile(r"[\u1100-\u11ff\uac00-\ud7af]")


class _Cuts(NamedTuple):
    compound: re.Pattern[str]
    inner_apostrophe: re.Pattern[str]


@cache
def _cuts(word: str) -> _Cuts:
    return _Cuts(re.compile(rf"{word}+(?:[-._/:,#+]{word}+)*"), re.compile(rf"(?<={word})'(?={word})"))


@cache
def _unspaced() -> re.Pattern[str]:
    return re.compile(rf"[{UNSPACED}]")


@cache
def _runs() -> re.Pattern[str]:
    return re.compile(rf"[{UNSPACED}]+|[^{UNSPACED}]+")


def word_in(text: str) -> str:
    """:data:`WORD`, or what says the same of this text: Latin, Greek, Cyrillic, Hebrew and Arabic do without the large
    classes, which take longer to compile than an article to cut, and longer to match."""
    return _SIMPLE_WORD if text.isascii() or max(text) < _SIMPLE_END else WORD


def normalise(text: str) -> str:
    """Lower case, one form of each letter and apostrophe, no diacritics that people leave out."""
    if text.isascii():
        return text.replace("`", "'").lower()
    return unicodedata.normalize("NFKC", text.translate(_BEFORE)).lower().translate(_AFTER)


def terms(text: str, language: str = "") -> list[str]:
    """The terms of a text, in order; ``language`` (a BCP 47 tag) decides what an apostrophe means."""
    eliding = language[:2] in _ELIDING
    found: list[str] = []
    for chunk in normalise(text).split():
        found.extend(_of_chunk(chunk, eliding))
    return found


def _of_chunk(chunk: str, eliding: bool) -> Iterator[str]:
    word = word_in(chunk)
    cuts = _cuts(word)
    if "'" in chunk:
        chunk = cuts.inner_apostrophe.sub(" " if eliding else "", chunk)
    for match in cuts.compound.finditer(chunk):
        compound = match.group()
        parts = _SEPARATOR.split(compound)
        if len(parts) > 1:
            yield from _whole(compound, parts)
        for part in parts:
            if word is _SIMPLE_WORD:
                yield part[:WORD_LIMIT]
            else:
                yield from _of_word(part)


def _whole(compound: str, parts: list[str]) -> Iterator[str]:
    """The compound as one term: codes and numbers always, and hyphenated words that many write as one."""
    if _DIGIT.search(compound):
        if _DECIMAL.fullmatch(compound) and not _THOUSANDS.fullmatch(compound):
            yield compound.replace(",", ".")[:WORD_LIMIT]
        else:
            yield "".join(parts)[:WORD_LIMIT]
    elif len(parts) == 2 and "-" in compound and min(map(len, parts)) <= 2:
        yield "".join(parts)[:WORD_LIMIT]


def _of_word(word: str) -> Iterator[str]:
    unspaced = _unspaced()
    if not unspaced.search(word):
        yield word[:WORD_LIMIT]
        return
    for run in _runs().findall(word):
        if unspaced.match(run) and len(run) > 1:
            yield from (run[i : i + 2] for i in range(len(run) - 1))
        else:
            yield run[:WORD_LIMIT]


def is_plain(term: str) -> bool:
    """Whether a term is a word with inflections and typing errors; numbers, codes and character pairs are not."""
    return not _DIGIT.search(term) and (term < UNSPACED[0] or not _unspaced().match(term))


def features(term: str) -> list[str]:
    """What terms are compared by, each once, the term's own feature ``=term`` first.

    ``^`` begins the prefix; n-grams are those of ``<term>``.
    """
    if not is_plain(term):
        return ["=" + term]
    bounded = f"<{term}>"
    size = GRAM_HANGUL if _HANGUL.match(term) else GRAM
    found = ["=" + term]
    if len(term) >= PREFIX:
        found.append("^" + term[:PREFIX])
    grams = [bounded[i : i + size] for i in range(max(1, len(bounded) - size + 1))]
    return list(dict.fromkeys(found + grams))
