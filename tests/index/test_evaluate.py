"""The measures of ``kb eval``, typing errors and golden questions."""

import json
from pathlib import Path

import pytest

from kb import cli
from kb.content import reader as content
from kb.errors import ContentError
from kb.index import evaluate, golden, rules
from kb.index.evaluate import Asked, Found

LANGUAGES = ("en", "uk", "ru", "pt", "ar")


def test_measures_of_a_known_run() -> None:
    asked = [
        Asked("en", "a", "x", 1),
        Asked("en", "b", "y", 2),
        Asked("en", "c", "z", 3),
        Asked("en", "d", "", 4),
    ]
    found = [Found(("x", "y"), 0.9), Found(("x", "y"), 0.6), Found(("x",), 0.2), Found(("x",), 0.3)]
    measures = evaluate.measure(asked, found).as_json()
    assert measures == {
        "questions": 4,
        "recall@1": 1 / 3,
        "recall@3": 2 / 3,
        "recall@5": 2 / 3,
        "mrr": 0.5,
        "auroc": 2 / 3,
        "out_of_scope_suggested": 0.0,
        "threshold": 0.6,
    }


def test_without_out_of_scope_questions_their_measures_are_missing() -> None:
    measures = evaluate.measure([Asked("en", "a", "x", 1)], [Found((), 0.0)])
    assert (measures.auroc, measures.out_of_scope_suggested, measures.recall[3]) == (None, None, 0.0)


def test_typing_errors_are_the_same_for_a_seed_and_always_there() -> None:
    questions = ["where is my parcel", "скільки коштує доставка", "как вернуть товар", "كيف أرجع المنتج"]
    for question in questions:
        mistyped = evaluate.with_typos(question, 1)
        assert mistyped != question
        assert mistyped == evaluate.with_typos(question, 1)
        assert len(mistyped.split()) == len(question.split())
        assert [word[0] for word in mistyped.split()] == [word[0] for word in question.split()]
    assert evaluate.with_typos("a bc", 1) == "a bc"


def test_questions_are_read_and_wrong_lines_named(tmp_path: Path) -> None:
    file = tmp_path / "questions.tsv"
    file.write_text("# note\nen\twhere is it\tdelivery/track\r\n\nen\tweather\t\n", "utf-8")
    asked = evaluate.read_questions(file)
    assert [(a.text, a.expected, a.line) for a in asked] == [
        ("where is it", "delivery/track", 2),
        ("weather", "", 4),
    ]
    file.write_text("en\tone\ttwo\tthree\n")
    with pytest.raises(ContentError) as refused:
        evaluate.read_questions(file)
    assert refused.value.problems[0].line == 1


def test_a_golden_question_that_lost_its_article_is_a_problem() -> None:
    asked = [Asked("en", "where is it", "delivery/track", 7), Asked("en", "my money", "returns/refund", 8)]
    answers = {"where is it": Found(("delivery/track",), 0.5), "my money": Found(("payment/methods",), 0.5)}
    problems = evaluate.golden(asked, "search/en/questions.tsv", lambda a: answers[a.text], within=3)
    assert [(p.code, p.line) for p in problems] == [("golden-question", 8)]
    assert "payment/methods" in problems[0].hint


def articles(root: Path) -> Path:
    texts = {
        "delivery": ("Delivery times", "Parcels reach a branch in three days."),
        "refund": ("Refunds", "The bank returns your money in a week."),
        "password": ("Forgotten password", "Choose the link on the page where you sign in."),
    }
    folder = root / "articles" / "en" / "help"
    folder.mkdir(parents=True)
    for name, (title, text) in texts.items():
        (folder / f"{name}.md").write_text(f"---\ntitle: {title}\n---\n\n{text}\n")
    (root / "questions.tsv").write_text(
        "en\twhen does my parcel come\thelp/delivery\nen\tmoney back from the bank\thelp/refund\n"
        "en\tweather tomorrow\t\n"
    )
    return root


@pytest.mark.parametrize(
    "more", [[], ["--typos", "3"], ["--engine", "browser"]], ids=["plain", "typos", "browser"]
)
def test_kb_eval_measures_a_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], engine: Path, more: list[str]
) -> None:
    root = articles(tmp_path)
    given = ["eval", str(root / "questions.tsv"), "--articles", str(root / "articles"), "--format", "json"]
    assert cli.main([*given, "--without-vectors", *more]) == 0
    measures = json.loads(capsys.readouterr().out)
    assert measures["questions"] == 3
    assert measures["recall@3"] == 1.0
    assert measures["auroc"] == 1.0


def test_kb_search_and_suggest_answer_from_the_articles(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = articles(tmp_path)
    (root / "pyproject.toml").write_text('[tool.kb]\nlanguages = ["en"]\n[tool.kb.search]\nvectors = false\n')
    assert cli.main(["--root", str(root), "search", "pasword", "--lang", "en", "--format", "json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["shown"] == "password"
    assert answer["results"][0]["id"] == "help/password"
    assert cli.main(["--root", str(root), "suggest", "weather on mars", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["results"] == []
    assert cli.main(["--root", str(root), "search", "x", "--lang", "uk"]) == 2


def test_the_example_help_centres_golden_questions_find_their_articles() -> None:
    root = Path(__file__).parents[2]
    catalog, _ = content.read(root, "articles", LANGUAGES)
    editions = {language: catalog.edition(language) for language in LANGUAGES}
    assert [str(p) for p in golden.check(root, editions, [root / "search"])] == []


def test_rules_that_are_no_lists_are_problems_with_their_place(tmp_path: Path) -> None:
    folder = tmp_path / "search" / "en"
    folder.mkdir(parents=True)
    for text in ("a: b", "- [1, 2]", "- [", "- !!python/object/apply:os.system [x]", "\x00"):
        (folder / "synonyms.yml").write_text(text)
        with pytest.raises(ContentError) as refused:
            rules.load("en", [tmp_path / "search"])
        assert refused.value.problems[0].path == "search/en/synonyms.yml"


def test_an_editors_rules_join_the_shipped_ones(tmp_path: Path) -> None:
    for name, word in (("shipped", "refund"), ("own", "bed")):
        (tmp_path / name / "en").mkdir(parents=True)
        (tmp_path / name / "en" / "synonyms.yml").write_text(f"- [{word}, {word} in other words]\n")
    found = rules.load("en", [tmp_path / "shipped", tmp_path / "own"])
    assert [group[0] for group in found.synonyms] == [("refund",), ("bed",)]
