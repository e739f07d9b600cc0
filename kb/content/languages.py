"""What is known of languages by their tags (BCP 47), for whoever writes text: pages, mails, forms."""

from functools import lru_cache

from babel import Locale, UnknownLocaleError
from babel.core import get_global

_FALLBACK = "en"


@lru_cache(maxsize=64)
def locale(language: str) -> Locale:
    """Babel's locale for a BCP 47 tag; the language alone, or English, where CLDR knows no better."""
    for tag in (language, language.split("-")[0], _FALLBACK):
        try:
            return Locale.parse(tag, sep="-")
        except (UnknownLocaleError, ValueError):
            continue
    raise AssertionError("CLDR always knows English")


_FROM_THE_RIGHT = frozenset({"Adlm", "Arab", "Hebr", "Mand", "Mend", "Nkoo", "Rohg", "Samr", "Syrc", "Thaa"})
"""Scripts (ISO 15924)."""


@lru_cache(maxsize=64)
def direction(language: str) -> str:
    """``rtl`` for languages written from right to left (Arabic, Hebrew, Persian…), else ``ltr``."""
    # Babel knows, too, and reads all that CLDR says of the language for it: months, currencies, countries.
    return "rtl" if _script(locale(language)) in _FROM_THE_RIGHT else "ltr"


def _script(locale: Locale) -> str:
    """The script, as a rule that in which the language is written there (UTS 35, "Likely Subtags")."""
    if locale.script:
        return locale.script
    likely = get_global("likely_subtags")
    found = likely.get(f"{locale.language}_{locale.territory}") or likely.get(locale.language) or ""
    return str(found).partition("_")[2].partition("_")[0]
