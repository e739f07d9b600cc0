"""Texts that people wrote, and the glossary: what is a breach, and above all what is none."""

from pathlib import Path

import pytest

from kb.content.article import Article, Catalog, Origin, Text
from kb.errors import Problem
from kb.language import glossary
from kb.language.glossary import Term
from kb.language.terminology import breaches

SOURCE = "The parcel is here. We send a parcel. Open your parcel at once.\n"


def article(language: str, body: str, *, title: str = "T", origin: Origin = Origin.WRITTEN) -> Article:
    path = f"articles/{language}/a/b.md"
    head = f"---\ntitle: {title}\n---\n"
    return Article(
        "a/b",
        language,
        path,
        title,
        Text.of(head + body, body),
        body_line=4,
        origin=origin,
        lines={"title": 2},
    )


def found(source: Article, text: Article, *terms: Term) -> list[Problem]:
    catalog = Catalog(("en", text.language), {each.language: {"a/b": each} for each in (source, text)})
    return list(breaches(catalog, {text.language: terms}))


@pytest.mark.parametrize(
    ("language", "term", "text"),
    [
        ("uk", "посилка", "Вантаж уже тут."),
        ("ru", "посылка", "Отправление уже здесь."),
        ("ar", "طرد", "وصلت العلبة."),
        ("pt", "encomenda", "O pacote está aqui."),
        ("uk", "подарункова картка", "Подарунковий сертифікат тут."),
    ],
)
def test_a_term_that_carries_the_source_has_to_be_there(language: str, term: str, text: str) -> None:
    (problem,) = found(article("en", SOURCE), article(language, text), Term("parcel", term))
    assert (problem.code, problem.severity, problem.line) == ("glossary-term", "warning", 2)
    assert f"is '{term}' in the glossary" in problem.message


@pytest.mark.parametrize(
    ("language", "term", "text"),
    [
        ("uk", "посилка", "Немає вашої посилки? Посилкою займається кур’єр."),
        ("uk", "стіл", "Ми привезли столи."),
        ("uk", "поштомат", "Заберіть у поштоматі."),
        ("uk", "повернення", "Як повернути товар."),
        ("ru", "посылка", "Пять посылок."),
        ("ar", "طرد", "وصلت الطرود."),
        ("ar", "طرد", "وصل طردك."),
        ("pt", "encomenda", "As suas encomendas."),
        ("de", "Haus", "Zwei Häuser."),
    ],
)
def test_an_inflected_term_is_there(language: str, term: str, text: str) -> None:
    assert not found(article("en", SOURCE), article(language, text), Term("parcel", term))


@pytest.mark.parametrize(
    "body",
    [
        "A parcel. One more parcel.\n",
        "`parcel` [x](parcel.md) <b id='parcel'> [parcel]: https://x.org/parcel parcel\n",
        "Pay cash on parcel, by cash on parcel, with cash on parcel.\n",
        "A parcel locker here, the parcel locker there, one parcel locker more.\n",
        "Parcels, parcels and parcels.\n",
    ],
)
def test_what_the_source_only_mentions_may_be_said_in_another_way(body: str) -> None:
    terms = (Term("parcel", "посилка"), Term("parcel locker", "поштомат"))
    assert not found(article("en", body), article("uk", "Поштомат тут."), *terms)


def test_a_title_carries_weight() -> None:
    assert found(
        article("en", "Text\n", title="Your parcel"), article("uk", "Вантаж."), Term("parcel", "посилка")
    )


@pytest.mark.parametrize("origin", [Origin.MACHINE, Origin.REVIEWED])
def test_translations_have_gates_of_their_own(origin: Origin) -> None:
    text = article("uk", "Вантаж.", origin=origin)
    assert not found(article("en", SOURCE), text, Term("parcel", "посилка", ("вантаж",)))


@pytest.mark.parametrize(
    ("word", "text", "seen"),
    [
        ("пакунок", "Ось ваш пакунок.", "пакунок"),
        ("вантаж", "Немає вантажу.", "вантажу"),
        ("бандероль", "Дві бандеролі.", "бандеролі"),
        ("van", "Our vans vanish. The van is here.", "van"),
        ("gift voucher", "Two gift\nvouchers.", "gift\nvouchers"),
    ],
)
def test_a_word_to_avoid_is_pointed_out_where_it_stands(word: str, text: str, seen: str) -> None:
    (problem,) = found(
        article("en", "x"), article("uk", f"Line\n\n{text}\n"), Term("parcel", "посилка", (word,))
    )
    assert problem.line == 6
    assert problem.message.startswith(f"'{seen}' is a word to avoid")
    assert problem.hint == "write 'посилка'"


@pytest.mark.parametrize("text", ["Завантажити файл.", "`вантаж` [x](вантаж.md)", "Вантажівкою."])
def test_other_words_are_not_to_be_avoided(text: str) -> None:
    assert not found(article("en", "x"), article("uk", text), Term("parcel", "посилка", ("вантаж",)))


def test_sources_avoid_words_too() -> None:
    source = article("en", "A package here.\n")
    catalog = Catalog(("en",), {"en": {"a/b": source}})
    (problem,) = breaches(catalog, {"en": (Term("parcel", "parcel", ("package",)),)})
    assert problem.line == 4


def test_a_glossary_names_words_to_avoid(tmp_path: Path) -> None:
    (tmp_path / "uk.yml").write_text(
        "parcel: посилка\nvan: { use: фургон, avoid: [бус, мікроавтобус] }\nbad: { use: x }\nworse: [a]\n"
        "odd: { use: a, avoid: [b], why: c }\n",
        "utf-8",
    )
    terms, problems = glossary.terms(tmp_path, ["en", "uk"], root=tmp_path)
    assert terms == {"uk": (Term("parcel", "посилка"), Term("van", "фургон", ("бус", "мікроавтобус")))}
    assert [(p.code, p.line) for p in problems] == [("glossary", 3), ("glossary", 4), ("glossary", 5)]
    assert glossary.read(tmp_path, ["uk"], root=tmp_path)[0] == {
        "uk": (("parcel", "посилка"), ("van", "фургон"))
    }
