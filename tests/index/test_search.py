"""What a question finds, on disk and in the browser."""

import json
import random
import unicodedata
from pathlib import Path

import pytest

from kb.errors import SearchIndexError
from kb.index import browser, reader, writer
from kb.index.document import Document, Section
from kb.index.library import Library
from kb.index.packed import follows
from kb.index.rules import Rules

from . import help_centre

QUESTIONS = {
    "en": ("when is my money refunded", "forgoten pasword", "deliverey cost", "OS-4821073", "гарантія", "kettle",
           "reimbursement", "вудшмукн", "", "?!"),
    "uk": ("коли повернуть гроші", "забув парол", "rjkb gjdthyenm uhjis", "skilky yide posylka", "dostavka", "ліжко",
           "how long does shipping take", "OS4821073", "звязок", "rhjdfnm"),
}  # fmt: skip


def best(library: Library, text: str, language: str) -> str:
    found = library.search(text, language).suggestions
    return found[0].id if found else ""


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("en", "how long does it take to ship", "delivery/times"),
        ("en", "password forgotten", "account/password"),
        ("en", "os4821073", "products/warranty"),
        ("en", "reimbursement", "returns/refund"),
        ("uk", "повернути кошти", "returns/refund"),
        ("uk", "ліжка", "delivery/times"),
    ],
)
def test_a_question_finds_its_article(library: Library, language: str, text: str, expected: str) -> None:
    assert best(library, text, language) == expected


def test_typing_errors_are_corrected_and_said(library: Library) -> None:
    answer = library.search("forgoten pasword", "en")
    assert answer.suggestions[0].id == "account/password"
    assert answer.shown == "forgotten password"
    assert answer.why == ("corrected",)


def test_a_questions_first_unknown_words_are_corrected(library: Library) -> None:
    unknown = " ".join(f"xyz{letter}vwq" for letter in "abcdefgh")
    assert library.search(f"forgoten {unknown}", "en").why == ("corrected",)
    assert library.search(f"{unknown} forgoten", "en").why == ()


@pytest.mark.parametrize(
    ("text", "shown", "why"),
    [
        ("ufhfynsz", "гарантія", "layout"),
        ("gjdthyenm rjinb", "повернуть кошти", "layout"),
        ("posylka", "посилка", "transliterated"),
        ("harantiia", "гарантія", "transliterated"),
        ("garantiya", "гарантія", "transliterated"),
    ],
)
def test_wrong_layouts_and_latin_letters_are_understood(
    library: Library, text: str, shown: str, why: str
) -> None:
    answer = library.search(text, "uk")
    assert (answer.shown, answer.why) == (shown, (why,))
    assert answer.suggestions[0].score > library.index("uk").threshold


def test_english_typed_on_a_cyrillic_layout_is_understood(library: Library) -> None:
    answer = library.search("зфыыцщкв", "en")
    assert answer.why == ("layout",)
    assert answer.suggestions[0].id == "account/password"


def test_a_question_in_another_language_opens_the_readers_own_article(library: Library) -> None:
    found = library.search("how long does shipping take", "uk").suggestions[0]
    assert (found.id, found.title, found.language, found.matched) == (
        "delivery/times",
        "Терміни та вартість доставки",
        "uk",
        "en",
    )
    assert found.why == ("translated",)


def test_the_passage_answers_with_marked_words_and_opens_at_its_heading(library: Library) -> None:
    passage = library.search("how much is a courier", "en").suggestions[0].passage
    assert passage.anchor == "details"
    assert passage.text.startswith("A courier costs 130 hryvnias.")
    assert "courier" in [passage.text[start:end] for start, end in passage.marks]


def test_a_word_that_goes_on_is_completed(library: Library) -> None:
    index = library.index("en")
    assert index.search("warr", typing=True).suggestions[0].id == "products/warranty"
    assert index.search("forgotten pass", typing=True).suggestions[0].id == "account/password"


def test_a_category_limits_what_is_found(library: Library) -> None:
    found = library.search("how long", "en", category="products").suggestions
    assert [s.id for s in found] == ["products/warranty"]


def test_nothing_is_suggested_for_what_no_article_answers(library: Library) -> None:
    assert library.suggest("the weather in lisbon tomorrow", "en") == ()
    assert library.suggest("how long does shipping take", "en")[0].id == "delivery/times"


def test_scores_lie_between_0_and_1(library: Library) -> None:
    for language, questions in QUESTIONS.items():
        for question in questions:
            scores = [s.score for s in library.search(question, language).suggestions]
            assert all(0 < score <= 1 for score in scores)
            assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize("language", ["en", "uk"])
def test_both_engines_give_the_same_answers(engine: Path, indexed: Path, language: str) -> None:
    on_disk = reader.open(indexed / language)
    answers = browser.ask(engine, indexed / "site" / language, QUESTIONS[language])
    for question, answer in zip(QUESTIONS[language], answers, strict=True):
        own = on_disk.search(question, limit=5)
        assert [r["id"] for r in answer["results"]] == [s.id for s in own.suggestions], question
        assert answer["shown"] == own.shown
        for result, suggestion in zip(answer["results"], own.suggestions, strict=True):
            assert result["score"] == pytest.approx(suggestion.score, abs=2e-6)
            assert result["title"] == suggestion.title
            assert result["passage"]["text"] == suggestion.passage.text
            assert result["passage"]["anchor"] == suggestion.passage.anchor
            assert [tuple(mark) for mark in result["passage"]["marks"]] == list(suggestion.passage.marks)


HOSTILE = ['"><img src=x onerror=alert(1)>', '% _ * " NEAR( [', "AND OR NOT (", "\x00\x1b", "a" * 50_000, "' " * 25_000,
           "ſ" * 5000, "\u202e" * 3000, "١" * 3000, "東" * 20_000, "-" * 50_000, "a-" * 25_000]  # fmt: skip


@pytest.mark.parametrize("language", ["en", "uk"])
def test_b10_r12_hostile_questions_are_taken_literally(engine: Path, indexed: Path, language: str) -> None:
    chance = random.Random(5)
    # Runtimes of different age disagree only on characters added to Unicode lately.
    known = [chr(code) for code in range(1, 0xD800) if unicodedata.category(chr(code)) != "Cn"]
    questions = HOSTILE + [
        "".join(chance.choice((chr(chance.randint(1, 127)), chance.choice(known))) for _ in range(40))
        for _ in range(300)
    ]
    on_disk = reader.open(indexed / language)
    answers = browser.ask(engine, indexed / "site" / language, questions)
    for question, answer in zip(questions, answers, strict=True):
        own = on_disk.search(question, limit=5)
        assert [r["id"] for r in answer["results"]] == [s.id for s in own.suggestions], question[:60]


def test_the_browsers_file_is_the_same_for_the_same_articles(tmp_path: Path, indexed: Path) -> None:
    again = help_centre.write(tmp_path)
    first = sorted((indexed / "site" / "en" / "search").iterdir())
    second = sorted((again / "site" / "en" / "search").iterdir())
    assert [f.name for f in first] == [f.name for f in second]
    assert [f.read_bytes() for f in first] == [f.read_bytes() for f in second]


def test_an_index_without_articles_answers_nothing(tmp_path: Path) -> None:
    writer.write([], language="en", rules=help_centre.RULES["en"], index_dir=tmp_path / "en")
    assert reader.open(tmp_path / "en").search("anything").suggestions == ()


def test_a_missing_damaged_or_older_index_is_refused(tmp_path: Path, indexed: Path) -> None:
    with pytest.raises(SearchIndexError, match="no search index"):
        reader.open(tmp_path)
    (tmp_path / "about.json").write_text("{")
    with pytest.raises(SearchIndexError, match="damaged"):
        reader.open(tmp_path)
    about = json.loads((indexed / "en" / "about.json").read_text())
    (tmp_path / "about.json").write_text(json.dumps({**about, "format": 0}))
    with pytest.raises(SearchIndexError, match="another version"):
        reader.open(tmp_path)


HEADINGS = (
    ("Delivery times", "delivery-times"),
    ("Скільки коштує доставка?", "скільки-коштує-доставка"),
    ("«Нова пошта» — де вона? П’ять кроків", "нова-пошта--де-вона-пять-кроків"),
    ("E-mail & SMS (both)", "e-mail--sms-both"),
    ("Delivery times", "delivery-times_1"),
    ("Ščedrý ŁÓDŹ ÜBER", "ščedrý-łódź-über"),
    ("كيف أدفع؟", "كيف-أدفع"),
    ("מתי תגיע ההזמנה", "מתי-תגיע-ההזמנה"),
    ("İstanbul’da teslimat", "istanbulda-teslimat"),
    ("Straẞe ΟΔΟΣ 配送 ᲅ", "strasse-οδος-配送-ᲅ"),
    ("Named otherwise", "own-name"),
    ("Without an anchor", ""),
)


def test_the_browser_knows_every_anchor(engine: Path, tmp_path: Path) -> None:
    sections = tuple(Section(anchor, head, f"word{n} here") for n, (head, anchor) in enumerate(HEADINGS))
    documents = [Document(f"a/{n}", f"a/{n}/", "Title", "uk", sections=(s,)) for n, s in enumerate(sections)]
    documents.append(Document("a/all", "a/all/", "Title", "uk", sections=sections))
    writer.write(writer.sources(documents), language="uk", rules=Rules(), site_dir=tmp_path)
    answers = browser.ask(engine, tmp_path, [f"word{n}" for n in range(len(HEADINGS))])
    for (heading, anchor), answer in zip(HEADINGS, answers, strict=True):
        passages = [result["passage"] for result in answer["results"][:2]]
        assert {(passage["heading"], passage["anchor"]) for passage in passages} == {(heading, anchor)}


def test_most_anchors_follow_from_their_headings() -> None:
    told = [follows(Section(anchor, heading, "")) for heading, anchor in HEADINGS]
    assert told == [True, True, True, True, False, True, True, True, False, False, False, False]
