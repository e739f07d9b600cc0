"""Phrases found again in a translation that was made without their marks."""

import pytest

from kb.language.alignment import Phrase, find


def found(source: str, translation: str, *pairs: tuple[str, str]) -> list[str] | None:
    """The words that stand for each phrase; `pairs` are phrases in the source's order and their translations."""
    phrases, position = [], 0
    for words, apart in pairs:
        start = source.index(words, position)
        phrases.append(Phrase(start, words, apart))
        position = start + len(words)
    places = find(source, translation, phrases)
    return None if places is None else [translation[start:end] for start, end in places]


@pytest.mark.parametrize(
    ("apart", "expected"),
    [
        ("contas online", "contas online"),
        ("Contas online.", "contas online"),
        ("As contas online", "contas online"),
        ("Conta online", "contas online"),
        ("Faturas", None),
        ("", None),
    ],
)
def test_a_phrase_is_found_as_it_is_without_its_article_or_inflected(
    apart: str, expected: str | None
) -> None:
    words = found(
        "Check your online accounts now.", "Veja suas contas online agora.", ("online accounts", apart)
    )
    assert words == (expected and [expected])


def test_a_name_is_found_though_it_is_translated_when_it_is_alone() -> None:
    assert found("Open Evolution now", "Abra o Evolution agora", ("Evolution", "Evolução")) == ["Evolution"]


def test_equal_words_are_told_apart_by_their_order() -> None:
    source, translation = "Turn keys on, then press keys.", "Ligue teclas, depois prima teclas."
    places = find(source, translation, [Phrase(source.rindex("keys"), "keys", "teclas")])
    assert places == [(translation.rindex("teclas"), translation.rindex("teclas") + len("teclas"))]


def test_a_capital_letter_tells_a_button_from_a_word() -> None:
    source, translation = "Mouse: move the mouse over Mouse Keys", "Mouse: mova o mouse sobre Teclas do Mouse"
    assert found(source, translation, ("Mouse", "Mouse"), ("Mouse Keys", "Teclas do mouse")) == [
        "Mouse",
        "Teclas do Mouse",
    ]


@pytest.mark.parametrize(
    ("source", "translation"),
    [
        ("Save the file", "Salve salve o arquivo"),
        ("Save and save the file", "Salve o arquivo"),
    ],
)
def test_what_cannot_be_told_for_sure_is_not_placed(source: str, translation: str) -> None:
    assert found(source.lower(), translation.lower(), ("save", "salve")) is None


def test_two_phrases_never_share_words() -> None:
    assert (
        found("The red car and the car", "O carro vermelho", ("red car", "carro vermelho"), ("car", "carro"))
        is None
    )
