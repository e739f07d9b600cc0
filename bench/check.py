"""``kb check`` on 1,000 articles in ten languages: the first time, again, and with one article changed.

Once with every article written by people, and once written in one language and translated into the others.
"""

import shutil
import tempfile
from pathlib import Path

from bench import corpus, measure
from kb.language import memory, segments

LANGUAGES = ["en", "uk", "ru", "ar", "pt", "es", "fr", "de", "pl", "he"]
ARTICLES = 1_000
LIMIT_WHOLE_S = 10.0
LIMIT_CHANGED_S = 1.0


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        written, translated = Path(scratch) / "written", Path(scratch) / "translated"
        corpus.write(written, articles=ARTICLES, languages=LANGUAGES)
        _measure(written, "written by people")
        corpus.write(translated, articles=ARTICLES, languages=LANGUAGES[:1])
        _translate(translated)
        _measure(translated, "translated from one of them", limit_whole=None)


def _measure(root: Path, how: str, *, limit_whole: float | None = LIMIT_WHOLE_S) -> None:
    first = measure.kb("check", cwd=root)
    again = measure.kb("check", cwd=root)
    article = next((root / "articles/en").glob("topic-*/answer-*.md"))
    article.write_text(article.read_text("utf-8") + "\nOne more sentence.\n", "utf-8")
    changed = measure.kb("check", cwd=root)
    shutil.rmtree(root / ".kb")
    forgotten = measure.kb("check", cwd=root)
    whole = f"{limit_whole:g}" if limit_whole else ""
    rows = [
        [what, f"{usage.user_seconds:.2f}", limit, f"{usage.peak_mib:.0f}"]
        for what, usage, limit in (
            ("first time", first, whole),
            ("again, nothing changed", again, ""),
            ("one article changed", changed, f"{LIMIT_CHANGED_S:g}"),
            ("without a cache, once more", forgotten, whole),
        )
    ]
    measure.table(
        f"kb check, {ARTICLES:,} articles in {len(LANGUAGES)} languages, {how}",
        ("run", "user CPU, s", "at most", "peak MiB"),
        rows,
    )


def _translate(root: Path) -> None:
    """Give each article a PO file in every other language, as an engine leaves it."""
    source = root / "articles" / LANGUAGES[0]
    for file in sorted(source.rglob("*.md")):
        id = file.relative_to(source).with_suffix("").as_posix()
        pieces = {each.text: each for each in segments.scan(file.read_text("utf-8")).segments}
        entries = tuple(
            memory.entry_for(each, text=each.text, fuzzy=True, engine="bench/copy")
            for each in pieces.values()
        )
        for language in LANGUAGES[1:]:
            made = memory.Memory("", language, id, LANGUAGES[0], entries)
            po = root / "articles" / language / f"{id}.po"
            po.parent.mkdir(parents=True, exist_ok=True)
            po.write_text(memory.dump(made), "utf-8")
    settings = root / "pyproject.toml"
    tags = ", ".join(f'"{language}"' for language in LANGUAGES)
    settings.write_text(f"[tool.kb]\nlanguages = [{tags}]\n", "utf-8")


if __name__ == "__main__":
    main()
