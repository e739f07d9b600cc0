"""A help centre in a temporary folder: articles in, catalog and findings out."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from kb.content.article import Article, Catalog
from kb.content.reader import read
from kb.errors import Problem

ARTICLE = "---\ntitle: {title}\nquestions: [How?]\n---\nText.\n"


class HelpCentre:
    """``write("en/returns/size.md", …)`` puts a file below ``articles/``; ``read()`` reads them all."""

    def __init__(self, root: Path, languages: Sequence[str] = ("en", "uk")) -> None:
        self.root, self.languages = root, tuple(languages)
        self.articles = root / "articles"
        self.write("en/index.md", "---\ntitle: Help\n---\nWelcome.\n")

    def write(self, path: str, content: str | bytes | None = None) -> Path:
        file = self.articles / path
        file.parent.mkdir(parents=True, exist_ok=True)
        if content is None:
            content = ARTICLE.format(title=Path(path).stem)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return file

    def article(self, path: str, body: str = "Text.\n", **details: object) -> Path:
        """An article with a title, a question, and ``details`` written as YAML as they are."""
        head = {"title": Path(path).stem, "questions": "[How?]", **details}
        lines = "".join(f"{key}: {value}\n" for key, value in head.items())
        return self.write(path, f"---\n{lines}---\n{body}")

    def read(self) -> tuple[Catalog, tuple[Problem, ...]]:
        return read(self.root, "articles", self.languages)

    def problems(self) -> list[Problem]:
        return list(self.read()[1])

    def findings(self) -> list[tuple[str, str, int | None]]:
        """(code, path below articles/, line) of each problem, sorted."""
        return sorted((p.code, p.path.removeprefix("articles/"), p.line) for p in self.problems())

    def get(self, path: str) -> Article:
        language, _, rest = path.partition("/")
        article = self.read()[0].get(language, rest.removesuffix(".md"))
        assert article is not None, f"{path} is not in the catalog"
        return article


@pytest.fixture
def centre(tmp_path: Path) -> HelpCentre:
    return HelpCentre(tmp_path)
