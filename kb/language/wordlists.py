"""Small closed lists of words per language, as the gates of `quality` need them."""

import re

NEGATIONS = {
    "en": r"not|\w+n['’]t|no(?!\.\s*\d)|never|none|nothing|nobody|nowhere|neither|nor|cannot|without",
    "uk": r"не|ні|ані|ніколи|ніхто|ніщо|нічого|нікого|ніде|нікуди|жод\w+|нема\w*|без\w*|не\w{3,}",
    "ru": r"не|ни|никогда|никто|ничто|ничего|никого|нигде|никуда|никак\w*|нет|нельзя|без\w*|бес\w{4,}|не\w{3,}",
    "be": r"не|ні|ніколі|ніхто|нічога|няма|нельга|без\w*|бяз\w*|ня\w*",
    "pt": r"não|nem|nunca|jamais|nada|ninguém|nenhu\w+|sem|exceto|(?:in|im|ir|des)\w{5,}",
    "es": r"no|ni|nunca|jamás|nada|nadie|ning\w+|sin|(?:in|im|ir|des)\w{5,}",
    "de": r"nicht|nichts|nie|niemals|niemand|kein\w*|ohne|weder|noch|un\w{5,}|\w+los",
    "fr": r"ne|n|pas|jamais|rien|aucun\w*|personne|ni|sans|non|(?:in|im|ir|dé)\w{5,}",
    "it": r"non|né|mai|niente|nulla|nessun\w*|senza|(?:in|im|ir)\w{5,}",
    "pl": r"nie\w*|ani|nigdy|nikt|nic|nigdzie|żad\w+|bez\w*|brak\w*",
    "ca": r"no|ni|mai|res|ningú|cap|sense|(?:in|im|des)\w{5,}",
    "nl": r"niet\w*|nooit|geen|niemand|nergens|noch|zonder|on\w{5,}",
    "cs": r"ne\w*|ani|nikdy|nikdo|nic|nikde|žádn\w+|bez\w*|není",
    "tr": r"değil\w*|hayır|asla|hiç\w*|yok\w*|\w+(?:m[ae]|m[ıiuü])\w*|\w+s[ıiuü]z\w*",
    "ar": r"لا|ليس\w*|لم|لن|غير|بدون|دون|ما|عدم|لست|\w*لا\w*",
}
"""What negates, as patterns of whole words; a lost negation is one that has no counterpart at all."""

OWN_WORDS = {
    ("uk", "ru"): "і та що це як або якщо ви щоб від до є були буде також його її які але при",
    ("ru", "uk"): "и что это как или если вы чтобы от есть были будет также его её которые но при",
    ("be", "ru"): "і што гэта як ці калі вы каб ад да ёсць таксама яго якія але",
    ("ru", "be"): "и вы что это как или если чтобы от есть также его которые но",
    (
        "pt",
        "es",
    ): "e o os um uma do da dos das no na nos nas ao com não você é são ou mais seu sua em pelo pela",
    ("es", "pt"): "y el los un una del al con en las su usted es son más pero sin muy no o e",
    ("pt", "gl"): "um uma com não você do da é são em",
    ("ca", "es"): "i els amb per és són dels als més seu aquest aquesta",
    ("es", "ca"): "y los con por su más este usted pero",
    ("cs", "sk"): "a že je jsou nebo jak když aby při není který která které také pro",
    ("sk", "cs"): "a že je sú alebo ako keď aby pri nie ktorý ktorá ktoré tiež pre",
    ("nb", "da"): "og ikke jeg du av til fra etter hva hvordan noen nå mye bare",
    ("da", "nb"): "og ikke jeg du af til fra efter hvad hvordan nogen nu meget kun",
    ("nb", "nn"): "ikke jeg en et hva hvordan noen fra mye bare dere",
    ("nn", "nb"): "ikkje eg ein eit kva korleis nokon frå mykje berre dykk",
}
"""Common words of the first language beside its sister, the second."""

SISTER_LETTERS = {
    "uk": "ыэъё",
    "ru": "іїєґў",
    "be": "ищїєґъ",
    "pt": "ñ¿¡",
    "es": "ãõ",
    "cs": "ľĺŕôä",
    "sk": "ěřů",
}
"""Letters a language does not have but a sister does."""

SCRIPTS = {
    "Cyrillic": ("\u0400-\u052f", "uk ru be bg sr mk kk ky mn tg"),
    "Arabic": ("\u0600-\u06ff\u0750-\u077f\ufb50-\ufdff\ufe70-\ufeff", "ar fa ur ps ku"),
    "Hebrew": ("\u0590-\u05ff", "he yi"),
    "Greek": ("\u0370-\u03ff\u1f00-\u1fff", "el"),
    "Devanagari": ("\u0900-\u097f", "hi mr ne"),
    "Bengali": ("\u0980-\u09ff", "bn"),
    "Tamil": ("\u0b80-\u0bff", "ta"),
    "Thai": ("\u0e00-\u0e7f", "th"),
    "Georgian": ("\u10a0-\u10ff", "ka"),
    "Armenian": ("\u0530-\u058f", "hy"),
    "Hangul": ("\u1100-\u11ff\uac00-\ud7af", "ko"),
    "Japanese": ("\u3040-\u30ff\u4e00-\u9fff", "ja"),
    "Chinese": ("\u3400-\u4dbf\u4e00-\u9fff", "zh"),
}
"""Script name, its characters as a class, and the languages written in it; all others are Latin."""

_LATIN = "A-Za-z\u00aa-\u024f\u1e00-\u1eff"
DENSE_LANGUAGES = frozenset({"zh", "ja", "ko", "th"})
"""Languages whose texts have far fewer characters than their translations."""


def script_of(language: str) -> tuple[str, re.Pattern[str]]:
    """The name of a language's script and a pattern for one of its letters."""
    for name, (characters, languages) in SCRIPTS.items():
        if language in languages.split():
            return name, re.compile(f"[{characters}]")
    return "Latin", re.compile(f"[{_LATIN}]")
