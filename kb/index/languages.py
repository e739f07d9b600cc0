"""Which other of a site's languages a question may be in. Twin of ``search/languages.js``."""

import re
from collections.abc import Sequence

from kb.index.scripts import script_of
from kb.index.terms import UNSPACED, terms

CANDIDATES_LIMIT = 2
"""Languages looked into besides the reader's own."""

_WORDS = {
    "en": "how what where when why which who can do does is are my the i it you for not and to of in with want have",
    "uk": "як що де коли чому хто чи який яка яке скільки можна мій моя моє мені ви не та й і у в на за для хочу є "
    "мене щоб якщо або від це треба",
    "ru": "как что где когда почему кто ли какой какая какое сколько можно мой моя мое мне вы не и в на за для хочу "
    "есть меня чтобы если или от это нужно",
    "pl": "jak co gdzie kiedy dlaczego kto czy jaki jaka jakie ile można mój moja moje mi nie i w na za dla chcę jest "
    "mam żeby jeśli lub od to się",
    "de": "wie was wo wann warum wer welche welcher kann ich mein meine mir sie nicht und in auf für ist habe möchte "
    "wenn oder von das der die es",
    "fr": "comment que où quand pourquoi qui quel quelle combien puis je mon ma mes vous ne pas et en dans pour est ai "
    "veux si ou de le la les un une",
    "es": "cómo qué dónde cuándo por quién cuál cuánto puedo mi mis me usted no y en para es tengo quiero si o de el "
    "la los las un una se",
    "pt": "como o que onde quando por quem qual quanto posso meu minha me você não e em para é tenho quero se ou de a "
    "os as um uma do da",
    "it": "come che dove quando perché chi quale quanto posso mio mia mi lei non e in per è ho voglio se o di il la i "
    "le un una",
    "nl": "hoe wat waar wanneer waarom wie welke kan ik mijn mij u niet en in op voor is heb wil als of van de het een",
    "tr": "nasıl ne nerede zaman neden kim hangi kaç benim bana siz değil ve için var mı mi istiyorum eğer veya bu bir",
    "ar": "كيف ما ماذا أين متى لماذا من هل أي كم يمكن لي أنا لا في على إلى هو هي أريد إذا أو هذا التي الذي عن",
    "he": "איך מה איפה מתי למה מי האם איזה כמה אפשר שלי אני לא של על את זה יש רוצה אם או",
    "el": "πώς τι πού πότε γιατί ποιος ποια πόσο μπορώ μου μας δεν και σε για είναι έχω θέλω αν ή από το η ο να",
}
_LETTERS = {
    "uk": "іїєґ",
    "ru": "ыэъё",
    "pl": "ąćęłńśźż",
    "de": "äöüß",
    "fr": "êèçœëïù",
    "es": "ñ¿¡",
    "pt": "ãõ",
    "tr": "ğışİ",
    "it": "ìò",
}
_HINTS = {language: frozenset(terms(words, language)) for language, words in _WORDS.items()}
_SCRIPTS = (
    ("cyrillic", re.compile("[Ѐ-ӿ]")),
    ("greek", re.compile("[Ͱ-Ͽ]")),
    ("hebrew", re.compile("[\u0590-\u05ff]")),
    ("arabic", re.compile("[\u0600-\u06ff]")),
    ("unspaced", re.compile(f"[{UNSPACED}]")),
    ("latin", re.compile("[A-Za-zÀ-ɏ]")),
)
_UNSPACED_LANGUAGES = frozenset({"zh", "ja", "th", "lo", "my", "km"})


def candidates(text: str, own: str, languages: Sequence[str]) -> list[str]:
    """Languages other than ``own`` that the question speaks more clearly, the likeliest first."""
    script = _script(text)
    found = []
    for position, language in enumerate(languages):
        code = language.split("-")[0]
        if code == own.split("-")[0] or _script_of(code) != script:
            continue
        votes = _votes(text, code) - (_votes(text, own.split("-")[0]) if _script_of(own) == script else 0)
        if votes > 0 or _script_of(own) != script:
            found.append((-votes, position, language))
    return [language for _, _, language in sorted(found)][:CANDIDATES_LIMIT]


def _votes(text: str, code: str) -> int:
    words = set(terms(text, code))
    letters = set(text.lower()) & set(_LETTERS.get(code, ""))
    return len(words & _HINTS.get(code, frozenset())) + 2 * len(letters)


def _script_of(language: str) -> str:
    return "unspaced" if language.split("-")[0] in _UNSPACED_LANGUAGES else script_of(language)


def _script(text: str) -> str:
    """The script most of the text's letters belong to."""
    counts = [(len(pattern.findall(text)), name) for name, pattern in _SCRIPTS]
    most, name = max(counts, key=lambda found: found[0])
    return name if most else ""
