"""The words of the pages: interface strings, names and directions of languages, counts and dates.

Strings live in ``theme/strings/<lang>.yml``: a flat mapping from key to text. A text may hold ``{name}`` fields; a
countable one is a mapping from CLDR plural category (``one``, ``few``, ``many``, ``other``…) to text. A
content folder's
own ``theme/strings/<lang>.yml`` wins key by key over the shipped file.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import cached_property, lru_cache
from pathlib import Path

import msgspec
import yaml
from babel import Locale
from babel.dates import format_date
from markupsafe import Markup

from kb.content.languages import locale
from kb.errors import BuildError, Problem

REFERENCE = "en"
"""The language whose file holds every key."""

DESK = "desk."
"""Begins the keys of the contact form's texts, which lie in ``strings/desk/<lang>.yml``."""

Text = str | Mapping[str, str]


def autonym(language: str) -> str:
    """The language's own name for itself, as its speakers look for it: ``Українська``."""
    name: str = locale(language).get_display_name() or language
    return name[:1].upper() + name[1:]


class Strings(msgspec.Struct, frozen=True, dict=True):
    """Every interface text of one language."""

    language: str
    texts: Mapping[str, Text]
    autonyms: Mapping[str, str] = msgspec.field(default_factory=dict)
    """Languages' own names, as far as they are known already: to look one up takes long."""
    forms: Sequence[str] = ()
    """Plural forms that 0, 1, 2… take, as far as they are known already."""

    def __call__(self, key: str, **fields: object) -> str:
        """The text of ``key`` with its fields filled in.

        Raises:
            BuildError: the key is in no strings file.
        """
        return _fill(self._text(key), fields)

    def count(self, key: str, n: int, **fields: object) -> str:
        """The text of ``key`` in the plural form that ``n`` takes; ``{n}`` is the number itself."""
        text = self.texts.get(key)
        if not isinstance(text, Mapping):
            return self(key, n=n, **fields)
        form = self.forms[n] if 0 <= n < len(self.forms) else self._locale.plural_form(n)
        return _fill(text.get(form, text.get("other", "")), {"n": n, **fields})

    def date(self, day: date) -> str:
        """A day as the language writes it in running text: ``5 листопада 2026 р.``"""
        return format_date(day, format="long", locale=self._locale)

    def autonym(self, language: str) -> str:
        """As :func:`autonym`."""
        return self.autonyms.get(language) or autonym(language)

    def name(self, language: str) -> str:
        """Another language's name in this one: ``англійська``."""
        return str(locale(language).get_display_name(self._locale) or language)

    def subset(self, prefix: str) -> dict[str, Text]:
        """Texts whose key begins with ``prefix``, for the scripts of a page."""
        return {
            key: dict(t) if isinstance(t, Mapping) else t
            for key, t in self.texts.items()
            if key.startswith(prefix)
        }

    def script(self, keys: Iterable[str]) -> Markup:
        """Some texts as JSON for a data block of a page; ``<`` is escaped, so that no text can end the block."""
        texts = {key: self.texts[key] for key in keys}
        return Markup(json.dumps(texts, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c"))

    def plural_forms(self, count: int) -> list[str]:
        """The :attr:`forms` of the first ``count`` numbers."""
        return [self._locale.plural_form(n) for n in range(count)]

    @cached_property
    def _locale(self) -> Locale:
        return locale(self.language)

    def _text(self, key: str) -> str:
        text = self.texts.get(key)
        if text is None:
            raise BuildError(
                f"no text for '{key}' in the interface strings of '{self.language}'",
                hint=f"add it to theme/strings/{REFERENCE}.yml and theme/strings/{self.language}.yml",
            )
        return text if isinstance(text, str) else text["other"]


def load_strings(language: str, folders: Iterable[Path]) -> tuple[Strings, tuple[Problem, ...]]:
    """The strings of ``language`` from ``folders``, the later winning, and what is missing in them.

    A language without a file, or a key without a text, shows English and is a warning: a page with one English
    button is better than none.
    """
    own: dict[str, Text] = {}
    reference: dict[str, Text] = {}
    desk: dict[str, Text] = {}
    tags = dict.fromkeys((language.split("-")[0], language))
    for folder in folders:
        reference |= _read(folder / "strings" / f"{REFERENCE}.yml")
        for tag in tags:
            own |= _read(folder / "strings" / f"{tag}.yml")
        # Whoever brings a language of their own need not translate the form: without a destination nobody sees it.
        for tag in (REFERENCE, *tags):
            desk |= {
                DESK + key: text for key, text in _read(folder / "strings" / "desk" / f"{tag}.yml").items()
            }
    problems = []
    missing = sorted(reference.keys() - own.keys())
    if missing:
        what = (
            "has no file" if not own else f"lacks {', '.join(missing[:5])}{'…' if len(missing) > 5 else ''}"
        )
        problems.append(
            Problem(
                "strings-missing",
                f"theme/strings/{language}.yml",
                None,
                f"the interface in {autonym(language)} {what}; English is shown",
                f"copy theme/strings/{REFERENCE}.yml from the package and translate it",
                "warning",
            )
        )
    return Strings(language, {**reference, **own, **desk}), tuple(problems)


def _read(file: Path) -> Mapping[str, Text]:
    try:
        return _parsed(file, file.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except UnicodeDecodeError as error:
        raise BuildError(f"{file}: not valid YAML: {error}") from None


_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@lru_cache(maxsize=256)
def _parsed(file: Path, text: str) -> Mapping[str, Text]:
    try:
        data = yaml.load(text, Loader=_Loader)
    except yaml.YAMLError as error:
        raise BuildError(f"{file}: not valid YAML: {error}") from None
    if not isinstance(data, dict):
        raise BuildError(f"{file}: must be a mapping from key to text")
    return data


def _fill(text: str, fields: Mapping[str, object]) -> str:
    for name, value in fields.items():
        text = text.replace("{" + name + "}", str(value))
    return text
