"""What was meant when the keyboard was set to another layout, and words written in Latin letters.

Twin of ``search/scripts.js``. Layouts list, key by key, what the keys of a US keyboard give.
"""

import re
from collections.abc import Mapping

_KEYS = "`qwertyuiop[]asdfghjkl;'zxcvbnm,./"
_LAYOUTS: Mapping[str, str] = {
    "uk": "'йцукенгшщзхїфівапролджєячсмитьбю.",
    "ru": "ёйцукенгшщзхъфывапролджэячсмитьбю.",
    "el": "`;ςερτυθιοπ[]ασδφγηξκλ΄'ζχψωβνμ,./",
    "he": ";/'קראטוןםפ][שדגכעיחלךף,זסבהנמצתץ.",
    "ar": "ذضصثقفغعهخحجدشسيبلاتنمكطئءؤر\u0000ىةوزظ",
}
"""``ar``: the key ``b`` gives two letters, lam and alef; it is handled apart."""
_LAM_ALEF = "لا"
_SHIFTED = dict(zip('~{}:"<>?', "`[];',./", strict=True))
_SCRIPTS = {
    "latin": re.compile(r"[a-zà-ɏ]"),
    "cyrillic": re.compile(r"[а-яёђ-ҁҊ-ӿ]"),
    "greek": re.compile(r"[α-ώ]"),
    "hebrew": re.compile(r"[א-ת]"),
    "arabic": re.compile(r"[ء-ي]"),
}
_LAYOUTS_OF_SCRIPT = {"cyrillic": ("uk", "ru"), "greek": ("el",), "hebrew": ("he",), "arabic": ("ar",)}
_CYRILLIC = frozenset({"uk", "ru", "be", "bg", "sr", "mk", "kk", "ky", "mn"})
_SCRIPT_OF_LANGUAGE = {"el": "greek", "he": "hebrew", "ar": "arabic", "fa": "arabic", "ur": "arabic"}


def script_of(language: str) -> str:
    """The script a language is written in, as far as layouts and transliteration care."""
    code = language.split("-")[0].lower()
    return "cyrillic" if code in _CYRILLIC else _SCRIPT_OF_LANGUAGE.get(code, "latin")


def _forward(layout: str) -> dict[str, str]:
    table = {key: to for key, to in zip(_KEYS, _LAYOUTS[layout], strict=True) if to != "\0"}
    if layout == "ar":
        table["b"] = _LAM_ALEF
    table.update({shifted: table[key] for shifted, key in _SHIFTED.items() if key in table})
    return table


_TO_LAYOUT = {name: _forward(name) for name in _LAYOUTS}
_TO_KEYS = {
    name: {to: key for key, to in zip(_KEYS, letters, strict=True) if to != "\0"}
    for name, letters in _LAYOUTS.items()
}


def other_layouts(chunk: str, language: str) -> list[tuple[str, str]]:
    """(layout, text) for each way the chunk may have been typed with the wrong layout for ``language``."""
    text = chunk.lower()
    wanted = script_of(language)
    code = language.split("-")[0].lower()
    if wanted != "latin":
        if _SCRIPTS[wanted].search(text):
            return []
        known = _LAYOUTS_OF_SCRIPT.get(wanted, ())
        names = (code,) if code in known else known
        return [(name, "".join(_TO_LAYOUT[name].get(c, c) for c in text)) for name in names]
    found = []
    for script, layouts in _LAYOUTS_OF_SCRIPT.items():
        if _SCRIPTS[script].search(text):
            found += [(name, keys) for name in layouts for keys in _keys(name, text)]
    return found


def _keys(layout: str, text: str) -> list[str]:
    table = _TO_KEYS[layout]
    readings = [text]
    if layout == "ar" and _LAM_ALEF in text:
        readings = [text.replace(_LAM_ALEF, "b"), text]
    return ["".join(table.get(c, c) for c in reading) for reading in readings]


_SKELETON_STEPS = (
    ("shch", "w"), ("sch", "w"), ("zgh", "zh"), ("sh", "w"), ("ch", "q"), ("zh", "j"), ("kh", "h"), ("ts", "c"),
    ("tz", "c"), ("ph", "f"), ("yo", "io"), ("jo", "io"), ("yu", "iu"), ("ju", "iu"), ("ya", "ia"), ("ja", "ia"),
    ("ye", "e"), ("ie", "e"), ("je", "e"),
)  # fmt: skip
_SKELETON_LETTERS = str.maketrans({"g": "h", "x": "h", "y": "i", "w": "v", "'": ""})
_CYRILLIC_SKELETON = str.maketrans({
    "а": "a", "б": "b", "в": "v", "г": "h", "ґ": "h", "д": "d", "е": "e", "є": "e", "э": "e", "ё": "e", "ж": "j",
    "з": "z", "и": "i", "і": "i", "ї": "i", "й": "i", "ы": "i", "к": "k", "л": "l", "м": "m", "н": "n", "о": "o",
    "п": "p", "р": "r", "с": "s", "т": "t", "у": "u", "ў": "u", "ф": "f", "х": "h", "ц": "c", "ч": "q", "ш": "w",
    "щ": "w", "ь": "", "ъ": "", "ю": "iu", "я": "ia", "'": "",
})  # fmt: skip
_IE = re.compile(r"ie")
_REPEATED = re.compile(r"(.)\1+")
_LATIN_WORD = re.compile(r"^[a-z]+$")


def is_latin(term: str) -> bool:
    return bool(_LATIN_WORD.match(term))


def skeleton_of_latin(term: str) -> str:
    """What stays of a Cyrillic word in Latin letters whichever of the usual ways it is written."""
    text = term
    # One pass a pair, the longest first, into letters no later pair reads.
    for pair, to in _SKELETON_STEPS:
        text = text.replace(pair, to.upper())
    return _squeeze(text.translate(_SKELETON_LETTERS).lower())


def skeleton_of_cyrillic(term: str) -> str:
    """The same of a term of the index; terms in other scripts keep their letters."""
    return _squeeze(term.translate(_CYRILLIC_SKELETON))


def _squeeze(text: str) -> str:
    return _REPEATED.sub(r"\1", _IE.sub("e", text))
