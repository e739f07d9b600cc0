"""``kb check`` on 1,000 articles in ten languages: the first time, again, and with one article changed."""

import shutil
import tempfile
from pathlib import Path

from bench import corpus, measure

LANGUAGES = ["en", "uk", "ru", "ar", "pt", "es", "fr", "de", "pl", "he"]
ARTICLES = 1_000
LIMIT_WHOLE_S = 10.0
LIMIT_CHANGED_S = 1.0


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch) / "centre"
        corpus.write(root, articles=ARTICLES, languages=LANGUAGES)
        first = measure.kb("check", cwd=root)
        again = measure.kb("check", cwd=root)
        article = next((root / "articles/en").glob("topic-*/answer-*.md"))
        article.write_text(article.read_text("utf-8") + "\nOne more sentence.\n", "utf-8")
        changed = measure.kb("check", cwd=root)
        shutil.rmtree(root / ".kb")
        forgotten = measure.kb("check", cwd=root)
    rows = [
        [what, f"{usage.user_seconds:.2f}", limit, f"{usage.peak_mib:.0f}"]
        for what, usage, limit in (
            ("first time", first, f"{LIMIT_WHOLE_S:g}"),
            ("again, nothing changed", again, ""),
            ("one article changed", changed, f"{LIMIT_CHANGED_S:g}"),
            ("without a cache, once more", forgotten, f"{LIMIT_WHOLE_S:g}"),
        )
    ]
    measure.table(
        f"kb check, {ARTICLES:,} articles in {len(LANGUAGES)} languages",
        ("run", "user CPU, s", "at most", "peak MiB"),
        rows,
    )


if __name__ == "__main__":
    main()
