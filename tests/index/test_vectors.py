"""Word vectors: found where the library is installed, and the same on both sides."""

import json
import shutil
from pathlib import Path

import pytest

from kb.errors import SearchIndexError
from kb.index import browser, reader, writer
from kb.index.vectors import Table, available, dot

from . import help_centre


def test_what_is_no_table_is_refused() -> None:
    with pytest.raises(SearchIndexError):
        Table(b"nothing")


@pytest.fixture(scope="module")
def with_meaning(tmp_path_factory: pytest.TempPathFactory, word_vectors: None) -> Path:
    if not available("en"):
        pytest.skip("the optional libraries of word vectors are not installed")
    cache = Path.home() / ".cache" / "babelfaq" / "vectors"
    if not (cache / "en.v1.npz").exists():
        pytest.skip("encoding a language's common words takes half a minute; 'kb eval' keeps them")
    folder = tmp_path_factory.mktemp("meaning")
    writer.write(
        writer.sources(help_centre.documents("en")),
        language="en",
        rules=help_centre.RULES["en"],
        site_dir=folder / "site" / "en",
        index_dir=folder / "en",
        languages=("en",),
        vectors=cache,
    )
    return folder


def test_every_article_has_a_vector_of_length_one(with_meaning: Path) -> None:
    (file,) = (with_meaning / "site" / "en" / "search").glob("vectors.*.bin")
    found = Table(file.read_bytes()).articles
    assert len(found) == len(help_centre.ENGLISH)
    assert [dot(vector, vector) for vector in found] == pytest.approx([1.0] * len(found), abs=0.05)


def test_vectors_of_another_index_are_refused(engine: Path, with_meaning: Path, tmp_path: Path) -> None:
    shutil.copytree(with_meaning / "site" / "en", tmp_path / "en")
    writer.write(
        writer.sources(help_centre.documents("en")[:2]),
        language="en",
        rules=help_centre.RULES["en"],
        site_dir=tmp_path / "fewer",
    )
    (index,) = (tmp_path / "fewer" / "search").glob("index.*.bin")
    manifest = tmp_path / "en" / "search" / "manifest.json"
    shutil.copy(index, manifest.parent)
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "index": index.name}))
    with pytest.raises(SearchIndexError, match="another index"):
        browser.ask(engine, tmp_path / "en", ["couch"])


def test_meaning_finds_what_shares_no_word(with_meaning: Path) -> None:
    index = reader.open(with_meaning / "en")
    assert index.search("couch transport fee").suggestions[0].id == "delivery/times"


def test_mistyped_words_of_the_language_that_no_article_has_are_corrected(with_meaning: Path) -> None:
    index = reader.open(with_meaning / "en")
    assert index.search("sofa trnsport fee").shown == "sofa transport fee"
    assert index.search("ho can i chnge it").shown == "ho can i change it"
    assert index.search("is the pnc bank open").shown == ""


def test_both_engines_agree_with_meaning(engine: Path, with_meaning: Path) -> None:
    questions = [
        "couch transport fee",
        "when is my cash back",
        "cannot log on",
        "broken boiler",
        "forgoten pasword",
        "sofa trnsport fe",
    ]
    answers = browser.ask(engine, with_meaning / "site" / "en", questions)
    index = reader.open(with_meaning / "en")
    for question, answer in zip(questions, answers, strict=True):
        own = index.search(question, limit=5).suggestions
        assert [r["id"] for r in answer["results"]] == [s.id for s in own], question
        assert answer["results"][0]["score"] == pytest.approx(own[0].score, abs=1e-5)
