"""What is known of languages by their tags (BCP 47), for whoever writes text: pages, mails, forms."""

from functools import lru_cache

from babel import Locale, UnknownLocaleError

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


def direction(language: str) -> str:
    """``rtl`` for languages written from right to left (Arabic, Hebrew, Persian…), else ``ltr``."""
    return "rtl" if locale(language).text_direction == "rtl" else "ltr"
