"""The ladder: markup comes back whole from any engine, or the source stays."""

import re
from collections.abc import Sequence

import pytest

from kb.language import inline
from kb.language.markup import MarkupLostError, Terms, TokenStyle, mask, translate_segments, unmask
from tests.language import rendering
from tests.language.rendering import HERE, STYLE, Engine, identity, shouter, translated

TORTURE = (HERE / "torture.md").read_text(encoding="utf-8")


def ladder(text: str, engine: Engine, **options: object) -> tuple[str | None, str, str]:
    (outcome,) = translate_segments([text], engine, style=STYLE, **options)  # type: ignore[arg-type]
    return outcome.text, outcome.rung, outcome.reason


@pytest.mark.parametrize("line", TORTURE.splitlines())
def test_a_parsed_line_is_the_line(line: str) -> None:
    assert inline.source(inline.parse(line)) == line


def test_markup_goes_to_the_engine_as_its_own_tokens() -> None:
    masked = mask("Click **Save** or run `kb build` ([help](https://example.com)).", STYLE)
    assert masked.text == "Click T.0 Save T.1 or run T.2 (T.3 help T.4)."
    assert unmask(masked, "Clique em T.0 Salvar T.1 ou execute T.2 ( T.3 ajuda T.4 ).") == (
        "Clique em **Salvar** ou execute `kb build` ([ajuda](https://example.com))."
    )


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        ("Clique em Salvar T.1 3", "'t.0' came back 0 times"),
        ("T.0 T.0 Salvar T.1 3", "'t.0' came back 2 times"),
        ("Clique T.1 em T.0 Salvar 3", "another order"),
        ("Clique em T.0 T.1 Salvar 3", "came back empty"),
        ("Clique em T.0 Salvar T.1 4", "3 lost, 4 added"),
        ("Clique em T.0 Salvar T.1 3 <b>", "stray markup '<>'"),
        ("  ", "returned nothing"),
    ],
)
def test_a_loss_is_named(output: str, reason: str) -> None:
    with pytest.raises(MarkupLostError, match=re.escape(reason)):
        unmask(mask("Click **Save** 3", STYLE), output)


def test_a_style_begins_where_the_text_does_not_use_it() -> None:
    assert mask("T.0 is `not` a token", STYLE).text == "T.0 is T.1 a token"
    assert mask("**a** b", TokenStyle("{}", first=7310)).text == "7310 a 7311 b"
    with pytest.raises(MarkupLostError, match="too many tokens"):
        mask("`a` and `b`", TokenStyle("T.{}", limit=1))


@pytest.mark.parametrize(
    ("engine", "rung"),
    [
        (shouter, "masked"),
        (lambda texts: [re.sub(r"T\.1\b", "", text) for text in texts], "pairs"),
        (rendering.dropper, "split"),
        (rendering.silent, "source"),
    ],
)
def test_the_ladder_goes_down_as_far_as_it_must(engine: Engine, rung: str) -> None:
    text, reached, reason = ladder("Press **Save *now*** please.", engine)
    assert reached == rung
    assert bool(reason) == (rung != "masked")
    assert (text is None) == (rung == "source")
    assert text is None or re.sub(r"\w", "x", text.lower()) == "xxxxx **xxxx *xxx*** xxxxxx."


def test_each_rung_is_one_call_and_no_text_is_asked_twice() -> None:
    calls: list[Sequence[str]] = []

    def engine(texts: Sequence[str]) -> list[str]:
        calls.append(texts)
        return rendering.dropper(texts)

    texts = ["One **bold** word.", "Plain words.", "Plain words.", "A `code` word.", "One **bold** word."]
    outcomes = translate_segments(texts, engine, style=STYLE)
    assert [outcome.rung for outcome in outcomes] == ["aligned", "masked", "masked", "split", "aligned"]
    assert len(calls) <= 5
    asked = [text for call in calls for text in call]
    assert len(asked) == len(set(asked))


def test_only_the_sentence_that_failed_is_cut() -> None:
    def engine(texts: Sequence[str]) -> list[str]:
        return [re.sub(r"T\.\d", "", text.upper()) if "lost" in text else text.upper() for text in texts]

    text, rung, _ = ladder("A **kept** word. A `lost` word.", engine)
    assert (text, rung) == ("A **KEPT** WORD. A `lost` WORD.", "masked")
    text, rung, _ = ladder("A **kept** word. What is lost in `code` here.", engine)
    assert (text, rung) == ("A **KEPT** WORD. WHAT IS LOST IN `code` HERE.", "split")


def test_what_is_refused_whole_is_tried_in_clauses() -> None:
    def engine(texts: Sequence[str]) -> list[str]:
        """Loses the end of what is long."""
        return [" ".join(text.split()[:9]).upper() for text in texts]

    def whole(source: str, translation: str) -> str:
        return "" if len(source.split()) == len(translation.split()) else "much shorter"

    text = "Take the parcel to the shop, show the label, and keep the slip you are given."
    outcome = ladder(text, engine, accept=whole)
    assert outcome == (text.upper(), "split", "masked: much shorter")
    assert ladder("Ten words " * 5, engine, accept=lambda *_: "no good")[0] is None


def test_alt_texts_and_titles_are_translated_apart() -> None:
    text, _, _ = ladder('See ![a "red" shoe](a.png "The `shoe`") and <img alt="x y" src="z"> there.', shouter)
    assert text == 'SEE ![A "RED" SHOE](a.png "THE `shoe`") AND <img alt="X Y" src="z"> THERE.'


def test_quotes_in_a_translated_title_cannot_end_it() -> None:
    text, _, _ = ladder(
        'A [link](x "title") here', lambda texts: [t.replace("title", 'ti"tle') for t in texts]
    )
    assert text == 'A [link](x "ti&quot;tle") here'


def test_terms_are_kept_and_translated_as_the_glossary_says() -> None:
    terms = Terms(keep=("BabelFAQ",), glossary=(("parcel", "encomenda"),))
    text, _, _ = ladder("Parcel and parcels from BabelFAQ: a parcel.", shouter, protect=terms)
    assert text == "Encomenda AND PARCELS FROM BabelFAQ: A encomenda."


def test_words_the_page_needs_are_kept() -> None:
    assert ladder("All css rules of CSS.", shouter, keep=[("CSS",)])[0] == "ALL CSS RULES OF CSS."
    assert ladder("All css rules of Css.", shouter, keep=[("Css",)])[0] == "ALL CSS RULES OF Css."


def test_characters_the_model_lacks_never_reach_it() -> None:
    seen: list[str] = []

    def engine(texts: Sequence[str]) -> list[str]:
        seen.extend(texts)
        return shouter(texts)

    text, _, _ = ladder("From “here” → there ≥ 5 naïve …", engine, encodable=lambda part: part.isascii())
    assert text == 'FROM "HERE" → THERE ≥ 5 naïve …'
    assert all(part.isascii() for part in seen)


def test_long_texts_are_cut_into_sentences_and_clauses() -> None:
    seen: list[str] = []

    def engine(texts: Sequence[str]) -> list[str]:
        seen.extend(texts)
        return shouter(texts)

    text = "Write to Mr. Smith, e.g. by mail. Then wait. " + "one two three, " * 60 + "end."
    assert ladder(text, engine, max_words=40)[0] == text.upper().replace("E.G.", "E.G.")
    assert seen[:2] == ["Write to Mr. Smith, e.g. by mail.", "Then wait."]
    assert max(len(part.split()) for part in seen) <= 40


def test_hard_breaks_part_the_words_and_stay() -> None:
    assert ladder("One line  \nand `code`\\\nthird", shouter)[0] == "ONE LINE  \nAND `code`\\\nTHIRD"


def test_what_the_gates_refuse_goes_down_to_the_source() -> None:
    text, rung, reason = ladder(
        "Words of *some* kind", identity, accept=lambda source, translation: "no good"
    )
    assert (text, rung) == (None, "source")
    assert reason == "masked: no good; aligned: no good; pairs: no good; split: no good"


@pytest.mark.parametrize(
    ("text", "rung"), [("A **bold** word", "aligned"), ("A **bold** `code` word", "split")]
)
def test_a_model_without_tokens_can_keep_pairs_but_no_code_in_a_sentence(text: str, rung: str) -> None:
    (outcome,) = translate_segments([text], shouter, style=None)
    assert (outcome.text, outcome.rung) == (text.upper().replace("CODE", "code"), rung)


PORTUGUESE = {
    "Choose your online accounts in Settings.": "Escolha suas contas online nas Configurações.",
    "online accounts": "Contas online.",
    "Settings": "configurações",
}


def forgetful(texts: Sequence[str]) -> list[str]:
    """Knows some Portuguese, and loses every token."""
    return [PORTUGUESE.get(text, re.sub(r"T\.\d+", "", text)) for text in texts]


def test_pairs_are_put_around_what_their_words_became_in_the_sentence() -> None:
    text, rung, reason = ladder("Choose your [online accounts](a.md) in **Settings**.", forgetful)
    assert text == "Escolha suas [contas online](a.md) nas **Configurações**."
    assert rung == "aligned"
    assert "came back 0 times" in reason


def test_a_model_that_loses_many_tokens_is_asked_for_the_plain_sentence_first() -> None:
    calls: list[Sequence[str]] = []

    def engine(texts: Sequence[str]) -> list[str]:
        calls.append(texts)
        return forgetful(texts)

    text = "Choose your [online accounts](a.md) in **Settings**."
    (outcome,) = translate_segments([text], engine, style=TokenStyle("T.{}", steady=False))
    assert (outcome.rung, outcome.reason) == ("aligned", "")
    assert calls == [["Choose your online accounts in Settings.", "online accounts", "Settings"]]


@pytest.mark.parametrize(
    ("source", "answer", "target", "expected"),
    [
        ("online accounts", "Contas online.", "pt", "contas online"),
        ("Online accounts", "contas online", "pt", "Contas online"),
        ("online accounts", "Konten im Netz", "de", "Konten im Netz"),
        ("your address", "IP-endereço", "pt", "IP-endereço"),
        ("Wait here", "Espere. Aqui.", "pt", "Espere. Aqui."),
        ("Wait here.", "Espere aqui.", "pt", "Espere aqui."),
    ],
)
def test_a_fragment_keeps_its_first_letter_and_its_end(
    source: str, answer: str, target: str, expected: str
) -> None:
    assert ladder(source, lambda texts: [answer for _ in texts], target=target)[0] == expected


def test_nothing_to_translate_asks_nothing() -> None:
    def engine(texts: Sequence[str]) -> list[str]:
        raise AssertionError(texts)

    assert ladder("`code` ![](x.png) 5", engine)[0] == "`code` ![](x.png) 5"


def test_an_engine_that_answers_too_little_is_an_error() -> None:
    with pytest.raises(ValueError, match="returned 0 texts for 1"):
        ladder("Words", lambda texts: [])


def test_what_an_engine_raises_passes_through() -> None:
    def engine(texts: Sequence[str]) -> list[str]:
        raise OSError("engine died")

    with pytest.raises(OSError, match="engine died"):
        ladder("Words", engine)


LITERALS = re.findall(
    r"https?://[^\s)>\"]+|[\w.]+@[\w.]+|\{\w+\}|\{\{ ?[\w.]+ ?\}\}|%\w+\$?s?|`\w[^` \n]*`|€[\d.]+|\+\+[\w+]+\+\+",
    TORTURE,
)


@pytest.mark.parametrize(
    ("engine", "left_percent"),
    [(identity, 0), (shouter, 0), (rendering.dropper, 0), (rendering.reverser, 5), (rendering.doubler, 100),
     (rendering.silent, 100), (rendering.inventor, 100)],
)  # fmt: skip
def test_no_engine_breaks_the_torture_page(engine: Engine, left_percent: int) -> None:
    from kb.language.pagecheck import skeleton
    from kb.language.segments import body

    checked, outcomes = translated(TORTURE, engine)
    source, page = skeleton(rendering.render(body(TORTURE))), skeleton(rendering.render(body(checked.text)))
    assert page.parts == source.parts
    assert len(LITERALS) > 40
    assert [literal for literal in LITERALS if literal not in checked.text] == []
    left = sum(1 for text in checked.translations if text is None)
    assert 100 * left <= left_percent * len(outcomes)
