"""The gates: what people translate passes, what machines break does not."""

import pytest

from kb.language.markup import Terms
from kb.language.quality import check, gate

SOURCE = "You can return the goods within 14 days after the delivery, but not without the receipt."
HUMAN = "Você pode devolver os produtos em até 14 dias após a entrega, mas não sem a nota fiscal."


def codes(source: str, translation: str, languages: str = "en pt", terms: Terms | None = None) -> set[str]:
    source_language, target_language = languages.split()
    findings = check(
        source,
        translation,
        source_language=source_language,
        target_language=target_language,
        terms=terms or Terms(),
    )
    assert all(finding.message for finding in findings)
    return {finding.code for finding in findings}


@pytest.mark.parametrize(
    ("source", "translation", "languages"),
    [
        (SOURCE, HUMAN, "en pt"),
        (SOURCE, "Товар можна повернути протягом 14 днів після доставки, але не без чека.", "en uk"),
        (SOURCE, "Товар можно вернуть в течение 14 дней после доставки, но не без чека.", "en ru"),
        (
            SOURCE,
            "お届けから14日以内であれば返品できますが、レシートが必要で、ない場合はできません。",
            "en ja",
        ),
        (SOURCE, "يمكنك إرجاع البضائع خلال 14 يومًا بعد التسليم، ولكن ليس بدون الإيصال.", "en ar"),
        (
            "Товар можна повернути, якщо ви не носили його.",
            "You can return the goods if you have not worn them.",
            "uk en",
        ),
        (
            "Товар можна повернути, якщо ви його не носили.",
            "Товар можно вернуть, если вы его не носили.",
            "uk ru",
        ),
        ("Size", "Tamanho do produto", "en pt"),
        ("It costs 1,234.50 and **not** more.", "Custa 1.234,50 e **não** mais.", "en pt"),
        ("This is not available here at all.", "Isto está completamente indisponível aqui.", "en pt"),
        ("Do you deliver to Kyiv Business Centre?", "Vocês entregam no Kyiv Business Centre?", "en pt"),
        ("Go, go, go, go and never stop!", "Vai, vai, vai, vai e nunca pare!", "en pt"),
    ],
)
def test_what_people_write_passes(source: str, translation: str, languages: str) -> None:
    assert codes(source, translation, languages) == set()


@pytest.mark.parametrize(
    ("translation", "code"),
    [
        (" ", "empty"),
        (HUMAN.replace("14", "40"), "numbers"),
        (HUMAN[:40] + ".", "length"),
        (HUMAN + " " + HUMAN, "length"),
        ("Ви можете повернути товар протягом 14 днів після доставки, але не без чека взагалі.", "script"),
        (SOURCE, "untranslated"),
        ("Você can return the goods em até 14 dias após a entrega, mas não sem a nota.", "untranslated"),
        (
            "Você pode devolver os produtos 14 dias, os dias, os dias, os dias, os dias, não os dias.",
            "repetition",
        ),
        (
            "Você pode devolver devolver devolver devolver devolver devolver os 14 produtos, não mais.",
            "repetition",
        ),
        ("Você pode devolver os produtos em até 14 dias após a entrega, mas com a nota fiscal.", "negation"),
        (HUMAN.rstrip("."), "punctuation"),
        (
            "Usted puede devolver los productos en los 14 días y no sin el recibo del pedido.",
            "sister-language",
        ),
        (HUMAN + " https://example.com", "links"),
        (HUMAN.replace("produtos", "`produtos`"), "code"),
        (HUMAN.replace("produtos", "{produtos}"), "placeholders"),
        (HUMAN.replace("produtos", "<b>produtos</b>"), "markup"),
    ],
)
def test_what_machines_break_is_named(translation: str, code: str) -> None:
    assert code in codes(SOURCE, translation)


@pytest.mark.parametrize(
    ("source", "translation", "code"),
    [
        ("See [the guide](https://example.com/a) now", "Veja [o guia](https://example.com/b) agora", "links"),
        ("See ![a shoe](a.png) now", "Veja agora um sapato", "links"),
        ("Run `kb build` now", "Execute agora", "code"),
        ("Order {order_id} is here", "O pedido {pedido} está aqui", "placeholders"),
        ("Use %s or %d here", "Use %s ou %s aqui", "placeholders"),
        ("Press ++ctrl+s++ now", "Prima ++ctrl+t++ agora", "markup"),
    ],
)
def test_literals_must_be_equal(source: str, translation: str, code: str) -> None:
    assert code in codes(source, translation)


def test_alt_texts_and_titles_may_be_translated() -> None:
    assert (
        codes('See [x](y "A title") ![a shoe](a.png)', 'Veja [x](y "Um título") ![um sapato](a.png)') == set()
    )


def test_terms_and_the_glossary_are_required() -> None:
    terms = Terms(keep=("Nova Post",), glossary=(("parcel", "encomenda"),))
    assert codes("Your parcel by Nova Post", "As suas encomendas pela Nova Post", terms=terms) == set()
    assert codes("Your parcel by Nova Post", "O seu pacote pelo Novo Correio", terms=terms) == {
        "term",
        "glossary",
    }
    assert codes("Your letter", "A sua carta", terms=terms) == set()


def test_russian_is_not_ukrainian() -> None:
    source = "Send the goods back to us."
    assert codes(source, "Надішліть нам товар назад.", "en uk") == set()
    assert "sister-language" in codes(
        source, "Вышлите нам товар, чтобы мы его вернули, или как вы хотите.", "en uk"
    )
    assert "sister-language" in codes(source, "Надішліть її нам назад, якщо це можливо.", "en ru")


def test_the_gate_is_a_sentence_for_the_ladder() -> None:
    accept = gate("en", "pt")
    assert accept(SOURCE, HUMAN) == ""
    assert accept("It costs 5 euros.", "Custa 6 euros.") == "5 is missing, 6 is new [numbers]"
