"""What is known of languages by their tags."""

import pytest
from babel import Locale, localedata

from kb.content.languages import direction


def test_direction_is_that_of_cldr_in_every_language() -> None:
    differing = {
        tag
        for tag in localedata.locale_identifiers()
        if direction(tag.replace("_", "-")) != ("rtl" if Locale.parse(tag).text_direction == "rtl" else "ltr")
    }
    assert differing == set()


@pytest.mark.parametrize(
    ("tag", "expected"), [("uz-Arab", "rtl"), ("az-Latn-IR", "ltr"), ("xx", "ltr"), ("", "ltr")]
)
def test_direction_follows_the_script_that_is_named(tag: str, expected: str) -> None:
    assert direction(tag) == expected
