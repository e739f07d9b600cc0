"""The table of terms holds on both sides."""

import json
import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kb.index.terms import UNSPACED, WORD, WORD_LIMIT, features, normalise, terms, word_in

CASES = [
    line.split("\t")
    for line in (Path(__file__).parent / "terms_cases.tsv").read_text("utf-8").splitlines()
    if not line.startswith("#")
]


@pytest.mark.parametrize(("language", "text", "expected"), CASES, ids=[case[1] for case in CASES])
def test_python_gives_the_terms_of_the_table(language: str, text: str, expected: str) -> None:
    assert terms(text, language) == expected.split()


def test_the_browser_gives_the_same_terms_and_features(engine: Path) -> None:
    order = {"terms": [[text, language] for language, text, _ in CASES]}
    done = subprocess.run(
        ["node", str(engine / "run.js")], input=json.dumps(order), capture_output=True, text=True, check=True
    )
    found = json.loads(done.stdout)
    expected = [terms(text, language) for language, text, _ in CASES]
    assert found["terms"] == expected
    assert found["features"] == [[features(term) for term in of_text] for of_text in expected]


def test_a_word_has_itself_its_prefix_and_its_grams() -> None:
    assert features("parcels") == ["=parcels", "^parce", "<par", "parc", "arce", "rcel", "cels", "els>"]
    assert features("os4821073") == ["=os4821073"]
    assert features("東京") == ["=東京"]
    assert features("배송") == ["=배송", "<배", "배송", "송>"]


@given(st.text(max_size=200))
@settings(max_examples=200, deadline=None)
def test_any_text_gives_short_terms_without_spaces(text: str) -> None:
    for term in terms(text):
        assert term
        assert len(term) <= WORD_LIMIT
        assert not any(letter.isspace() for letter in term)


@given(st.lists(st.sampled_from([case[1] for case in CASES]), max_size=4))
def test_a_texts_terms_are_those_of_its_chunks(texts: list[str]) -> None:
    together = " ".join(texts)
    assert terms(together) == [term for chunk in together.split() for term in terms(chunk)]


def test_normalising_twice_changes_nothing() -> None:
    for _, text, _ in CASES:
        assert normalise(normalise(text)) == normalise(text)


def test_simple_texts_have_the_same_words_without_the_large_classes() -> None:
    """Each character there is before the first that asks for them."""
    simple = [chr(code) for code in range(0x900)]
    assert {word_in(character) for character in simple} == {word_in("a")} != {word_in("\u0900")} == {WORD}
    differ = [c for c in simple if bool(re.match(WORD, c)) != bool(re.match(word_in(c), c))]
    assert differ == []
    assert not re.search(f"[{UNSPACED}]", "".join(simple))
