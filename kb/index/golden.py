"""Golden questions of a content folder, ``search/<lang>/questions.tsv``: each must find its article."""

import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from kb.content.article import Edition
from kb.errors import ContentError, Problem
from kb.index import evaluate, rules, writer
from kb.index.documents import documents_from_edition
from kb.index.evaluate import Asked, Found

WITHIN = 3
"""A golden question's article must be among so many."""
QUESTIONS = "questions.tsv"


def check(root: Path, editions: Mapping[str, Edition], folders: Iterable[Path]) -> list[Problem]:
    """What the golden questions of ``root`` hold against ``editions`` (those published, by language).

    ``folders`` hold the synonyms and stop lists. Word vectors are left out: an edit must be judged the same where
    they are not installed. A language without a file of questions is passed over.
    """
    with_rules = list(folders)
    problems: list[Problem] = []
    for language, edition in editions.items():
        path = f"search/{language}/{QUESTIONS}"
        if (root / path).is_file():
            problems += _of_language(root / path, path, edition, with_rules)
    return problems


def _of_language(file: Path, path: str, edition: Edition, folders: list[Path]) -> list[Problem]:
    from kb.index import reader  # Whoosh takes long to import, and most folders have no golden questions

    try:
        asked = evaluate.read_questions(file)
        own = rules.load(edition.language, folders)
    except ContentError as error:
        found = error.problems or (Problem("questions-unreadable", path, None, error.message),)
        return [
            Problem(p.code, path if p.code.startswith("questions") else p.path, p.line, p.message, p.hint)
            for p in found
        ]
    with tempfile.TemporaryDirectory(prefix="kb-golden-") as scratch:
        folder = Path(scratch) / edition.language
        writer.write(
            writer.sources(documents_from_edition(edition)),
            language=edition.language,
            rules=own,
            index_dir=folder,
        )
        index = reader.open(folder)

        def search(question: Asked) -> Found:
            answers = index.search(question.text, limit=WITHIN).suggestions
            return Found(tuple(s.id for s in answers), answers[0].score if answers else 0.0)

        try:
            return evaluate.golden(asked, path, search, WITHIN)
        finally:
            index.close()
