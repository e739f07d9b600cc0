"""Every language of the interface has every text, in every plural form it needs, with every field."""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml
from babel import Locale

from kb import resources

FOLDER = resources.theme_dir() / "strings"
LANGUAGES = sorted(path.stem for path in FOLDER.glob("*.yml"))


def texts(language: str) -> Mapping[str, str | Mapping[str, str]]:
    found: Mapping[str, str | Mapping[str, str]] = yaml.safe_load(
        (FOLDER / f"{language}.yml").read_text("utf-8")
    )
    return found


def fields(text: str) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", text))


REFERENCE = texts("en")
OTHERS = [language for language in LANGUAGES if language != "en"]


def test_the_first_five_are_there() -> None:
    assert {"en", "uk", "ru", "pt", "ar"} <= set(LANGUAGES)


@pytest.mark.parametrize("language", OTHERS)
def test_every_key_and_no_other(language: str) -> None:
    own = texts(language)

    assert sorted(REFERENCE.keys() - own.keys()) == []
    assert sorted(own.keys() - REFERENCE.keys()) == []
    assert list(own) == list(REFERENCE), "in the order of en.yml, so that files can be read side by side"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_plural_form_of_the_language(language: str) -> None:
    needed = {*Locale.parse(language, sep="-").plural_form.tags, "other"}
    wrong = {
        key: sorted(needed ^ set(text))
        for key, text in texts(language).items()
        if isinstance(REFERENCE[key], dict) and (not isinstance(text, dict) or set(text) != needed)
    }

    assert wrong == {}


@pytest.mark.parametrize("language", OTHERS)
def test_no_field_is_lost_or_invented(language: str) -> None:
    wrong = {}
    for key, text in texts(language).items():
        expected = REFERENCE[key]
        if isinstance(text, str) and isinstance(expected, str):
            if fields(text) != fields(expected):
                wrong[key] = text
        elif isinstance(text, dict) and isinstance(expected, dict):
            allowed = fields(expected["other"])
            for form, each in text.items():
                # "One answer" may say its number in a word; forms that stand for many numbers may not.
                missing = set() if form in {"zero", "one", "two"} else allowed - fields(each)
                if missing or fields(each) - allowed:
                    wrong[f"{key}.{form}"] = each

    assert wrong == {}


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_empty_or_padded(language: str) -> None:
    flat = [
        each
        for text in texts(language).values()
        for each in (text.values() if isinstance(text, dict) else [text])
    ]

    assert [text for text in flat if not isinstance(text, str) or text != text.strip() or not text] == []


def test_every_key_is_used() -> None:
    root = FOLDER.parent
    sources = [*root.rglob("*.html"), *root.rglob("*.js"), *(Path(resources.__file__).parent).rglob("*.py")]
    everything = "\n".join(path.read_text("utf-8") for path in sources)
    unused = [key for key in REFERENCE if not re.search(rf"\b{key}\b", everything) and not made(key)]

    assert unused == []


def made(key: str) -> bool:
    """Whether templates put the key together: ``admonition_`` and the kind of notice."""
    return key.startswith("admonition_")
