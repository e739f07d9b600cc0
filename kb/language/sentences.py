"""Where a text may be cut for an engine that loses words in long units."""

import re
from collections.abc import Callable

ABBREVIATIONS = {
    "en": (
        "approx dept est etc e.g i.e fig incl max min misc mr mrs ms dr no nos vs vol viz resp ext "
        "tel a.m p.m inc ltd "
    ),
    "uk": (
        "див ім напр т.д т.п т.ін т.зв ст стор рис табл гр грн коп млн млрд тис вул буд кв м.п ін "
        "проф акад хв сек тел "
    ),
    "ru": (
        "см им напр т.д т.п т.е т.к т.н др пр ст стр рис табл гр руб коп млн млрд тыс ул д кв проф "
        "акад мин сек тел г гг "
    ),
    "pt": ("aprox sr sra dr dra prof ex p.ex etc núm nº pág pp tel av máx mín vol art depto ltda s.a obs "),
    "es": (
        "aprox sr sra dr dra prof p.ej ej etc núm nº pág págs tel av avda máx mín vol art dpto ud "
        "uds ee.uu s.a "
    ),
    "de": ("bzw ca d.h dr etc evtl ggf inkl max min mind nr s st str tel u.a usw vgl z.b zzgl abs art bspw "),
    "fr": ("env etc ex m mm mme mlle dr p pp n° no tél vol art av bd max min cf c.-à-d "),
    "pl": ("np itd itp m.in ok tzn tzw dr mgr inż ul al nr str tel godz min max tys mln mld pkt art zł gr "),
}
"""Words that carry a full stop inside a sentence, per language; sentencex knows others."""

_CLAUSE = re.compile(r"(?<=[;:,—–])\s+|\s+(?=[—–(])")


def words(text: str) -> int:
    """How many words an engine would count."""
    return len(text.split())


def splitter(language: str, max_words: int) -> Callable[[str], list[str]]:
    """A function that cuts a text into sentences of at most `max_words`; joined, they are the text."""
    from sentencex import segment  # type: ignore[import-untyped]  # late: compiled, and only needed to translate

    code = language.split("-")[0].split("_")[0].lower()
    known = frozenset(ABBREVIATIONS.get(code, "").split())

    def split(text: str) -> list[str]:
        pieces = list(segment(code, text)) if re.search(r"[.!?…。！？؟।]\S*\s", text) else [text]
        if "".join(pieces) != text:
            pieces = [text]
        return [part for piece in _rejoined(pieces, known) for part in _capped(piece, max_words)]

    return split


def _rejoined(pieces: list[str], abbreviations: frozenset[str]) -> list[str]:
    """Pieces cut behind an abbreviation, or without a space, put together again."""
    output: list[str] = []
    for piece in pieces:
        last = output[-1].rstrip() if output else ""
        word = last.rsplit(None, 1)[-1].strip("(\"'«“").rstrip(".").lower() if last else ""
        cut_short = last.endswith(".") and word in abbreviations
        if output and (cut_short or not output[-1][-1:].isspace()):
            output[-1] += piece
        else:
            output.append(piece)
    return output


def _capped(sentence: str, max_words: int) -> list[str]:
    """A sentence in parts of at most `max_words`, cut at clauses where it has them."""
    if words(sentence) <= max_words:
        return [sentence]
    cuts = [match.end() for match in _CLAUSE.finditer(sentence)]
    middle = len(sentence) / 2
    spaces = [match.end() for match in re.finditer(r"\s+", sentence.rstrip())]
    best = min(cuts, key=lambda cut: abs(cut - middle), default=None)
    if best is None or words(sentence[:best]) > max_words or words(sentence[best:]) > max_words:
        best = min(cuts or spaces, key=lambda cut: abs(cut - middle))
    if not sentence[:best].strip() or not sentence[best:].strip():
        best = min(spaces, key=lambda cut: abs(cut - middle))
    return [*_capped(sentence[:best], max_words), *_capped(sentence[best:], max_words)]
