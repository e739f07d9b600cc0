"""A help centre of any size, made from the words of the example articles.

Words follow the frequencies of real answers in each language, so that Latin, Cyrillic and Arabic pages weigh what they
weigh in life: about 150 words, headings, a list, a table, a notice and links to other articles, as in the example.

    python -m bench.corpus DIR --articles 1000 --languages en uk ar
"""

import argparse
import random
import re
from collections import Counter
from functools import lru_cache
from pathlib import Path

import yaml

REPOSITORY = Path(__file__).parent.parent
ARTICLES_PER_CATEGORY = 25
STAND_INS = {
    "pt": "en",
    "es": "en",
    "fr": "en",
    "de": "en",
    "pl": "en",
    "it": "en",
    "fa": "ar",
    "he": "ar",
    "bg": "ru",
}
"""Languages without example articles borrow the words of one with the same script."""

_WORD = re.compile(r"[^\W\d_]{2,}")


def write(root: Path, *, articles: int, languages: list[str], seed: int = 7, words: int = 150) -> None:
    """Write a content folder with ``articles`` articles in each of ``languages``, all of them by people."""
    (root / "articles").mkdir(parents=True)
    settings = (REPOSITORY / "mkdocs.yml").read_text("utf-8")
    (root / "mkdocs.yml").write_text(settings, "utf-8")
    tags = ", ".join(f'"{language}"' for language in languages)
    # Word vectors cost a minute once where their library is installed, and are measured by bench.search.
    without = "[tool.kb.search]\nvectors = false\n"
    (root / "pyproject.toml").write_text(f"[tool.kb]\nlanguages = [{tags}]\n\n{without}", "utf-8")
    for language in languages:
        _write_language(
            root / "articles" / language, language, articles, random.Random(f"{seed}{language}"), words
        )


def _write_language(folder: Path, language: str, articles: int, rng: random.Random, words: int) -> None:
    speech = _Speech(language, rng)
    ids = [f"topic-{at // ARTICLES_PER_CATEGORY:03}/answer-{at:05}" for at in range(articles)]
    folder.mkdir()
    home = f"---\ntitle: {speech.title()}\nrelated: [{', '.join(ids[:8])}]\n---\n{speech.sentence(12)}\n"
    (folder / "index.md").write_text(home, "utf-8")
    for at, id in enumerate(ids):
        file = folder / f"{id}.md"
        if at % ARTICLES_PER_CATEGORY == 0:
            file.parent.mkdir()
            index = f"---\ntitle: {speech.title()}\ndescription: {speech.sentence(10)}\norder: {at}\n---\n"
            (file.parent / "index.md").write_text(index, "utf-8")
        file.write_text(_article(speech, rng, ids, at, words), "utf-8")


def _article(speech: "_Speech", rng: random.Random, ids: list[str], at: int, words: int) -> str:
    related = rng.sample(ids, min(3, len(ids)))
    head = {
        "title": speech.title(),
        "description": speech.sentence(14),
        "questions": [speech.sentence(rng.randint(4, 8)).rstrip(".") + "?" for _ in range(4)],
        "tags": [speech.word()],
        "related": [id for id in related if id != ids[at]],
        "order": at,
    }
    share = words // 6
    target = rng.choice(ids)
    body = f"""{speech.text(share)} [{speech.title()}](../{target}.md).

## {speech.title()}

1. {speech.sentence(share // 3)}
2. **{speech.word()}** {speech.sentence(share // 3)}
3. {speech.sentence(share // 3)}

!!! note "{speech.title()}"
    {speech.text(share)}

## {speech.title()}

| {speech.word()} | {speech.word()} |
|---|---|
| {speech.word()} | ₴{rng.randint(50, 900)} |
| {speech.word()} | ₴{rng.randint(50, 900)} |

{speech.text(share)} `OS-{rng.randint(10**6, 10**7 - 1)}`.

### {speech.title()}

{speech.text(share)}

- {speech.sentence(share // 2)}
- {speech.sentence(share // 2)}
"""
    return f"---\n{yaml.safe_dump(head, allow_unicode=True, sort_keys=False, width=200)}---\n{body}"


class _Speech:
    """Words drawn by their frequency in the example articles."""

    def __init__(self, language: str, rng: random.Random) -> None:
        counts = _frequencies(language)
        self._words, self._weights = list(counts), list(counts.values())
        self._rng = rng

    def word(self) -> str:
        return self._rng.choices(self._words, self._weights)[0]

    def words(self, n: int) -> str:
        return " ".join(self._rng.choices(self._words, self._weights, k=max(n, 1)))

    def title(self) -> str:
        return self.words(self._rng.randint(3, 6)).capitalize()

    def sentence(self, n: int) -> str:
        return self.words(n).capitalize() + "."

    def text(self, n: int) -> str:
        return " ".join(self.sentence(self._rng.randint(7, 14)) for _ in range(max(n // 10, 1)))


@lru_cache
def _frequencies(language: str) -> Counter[str]:
    folder = REPOSITORY / "articles" / STAND_INS.get(language, language)
    counts: Counter[str] = Counter()
    for file in sorted(folder.rglob("*.md")):
        body = file.read_text("utf-8").split("---\n", 2)[-1]
        counts.update(word.lower() for word in _WORD.findall(body))
    if not counts:
        raise SystemExit(f"no example articles to learn words of '{language}' from: {folder}")
    return counts


def main() -> None:
    parser = argparse.ArgumentParser(description="Write a help centre of any size.")
    parser.add_argument("root", type=Path, metavar="DIR")
    parser.add_argument("--articles", type=int, default=1000)
    parser.add_argument("--languages", nargs="+", default=["en"])
    args = parser.parse_args()
    write(args.root, articles=args.articles, languages=args.languages)


if __name__ == "__main__":
    main()
