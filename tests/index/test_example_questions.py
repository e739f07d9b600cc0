"""The golden questions of the example help centre: put as customers put them, and answered by both engines."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from kb.content import reader as content
from kb.index import browser, evaluate, reader, rules, writer
from kb.index.document import Document
from kb.index.documents import documents_from_edition
from kb.index.evaluate import Asked
from kb.index.terms import terms

ROOT = Path(__file__).parent.parent.parent
LANGUAGES = ("en", "uk", "ru", "ar")
LEAST = 15
SHARED_MOST, SHARED_MEAN = 0.5, 0.35
"""Share of a question's words, common ones aside, that its article has in some form; at most, and in the mean."""
STEM = 5


def questions(language: str) -> Sequence[Asked]:
    return evaluate.read_questions(ROOT / "search" / language / "questions.tsv")


@pytest.fixture(scope="module", params=LANGUAGES)
def example(request: pytest.FixtureRequest) -> tuple[str, dict[str, Document]]:
    language: str = request.param
    catalog, _ = content.read(ROOT, "articles", [*LANGUAGES, "pt"])
    return language, {d.id: d for d in documents_from_edition(catalog.edition(language))}


def test_questions_share_few_words_with_their_articles(example: tuple[str, dict[str, Document]]) -> None:
    language, documents = example
    stop = rules.load(language, [ROOT / "search"]).stop
    shares = {}
    for asked in questions(language):
        text = {term[:STEM] for part in documents[asked.expected].fields() for term in terms(part, language)}
        words = {term for term in terms(asked.text, language) if term not in stop}
        shares[asked.text] = sum(word[:STEM] in text for word in words) / len(words)

    assert len(shares) >= LEAST
    assert {question: share for question, share in shares.items() if share > SHARED_MOST} == {}
    assert sum(shares.values()) / len(shares) <= SHARED_MEAN


def test_both_engines_have_the_article_among_the_first_three(
    example: tuple[str, dict[str, Document]], engine: Path, tmp_path: Path
) -> None:
    language, documents = example
    own = rules.load(language, [ROOT / "search"])
    writer.write(
        writer.sources(documents.values()),
        language=language,
        rules=own,
        site_dir=tmp_path / "site" / language,
        index_dir=tmp_path / language,
        languages=[language],
    )
    asked = questions(language)
    texts = [one.text for one in asked]
    index = reader.open(tmp_path / language)
    on_disk = [[s.id for s in index.search(text, limit=3).suggestions] for text in texts]
    in_browser = [
        [r["id"] for r in a["results"][:3]] for a in browser.ask(engine, tmp_path / "site" / language, texts)
    ]

    for found in (on_disk, in_browser):
        lost = {one.text: ids for one, ids in zip(asked, found, strict=True) if one.expected not in ids}
        assert lost == {}
