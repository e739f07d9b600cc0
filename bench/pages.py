"""What a page costs: a cold build in one language, at 1,000 and at 2,000 articles.

python -m bench.pages
"""

import tempfile
from pathlib import Path

from bench import corpus, measure

SIZES = (1000, 2000)
REPEATS = 2
"""The smaller of the runs counts: other work on the machine only ever adds."""


def main() -> None:
    rows, costs = [], {}
    with tempfile.TemporaryDirectory() as folder:
        for size in SIZES:
            root = Path(folder) / str(size)
            corpus.write(root, articles=size, languages=["en"])
            runs = [measure.kb("build", "--clean", "-j", "1", cwd=root) for _ in range(REPEATS)]
            pages = sorted((root / "site" / "en").rglob("*.html"))
            user = min(run.user_seconds for run in runs)
            costs[size] = 1000 * user / len(pages)
            kib = sum(page.stat().st_size for page in pages) / len(pages) / 1024
            peak = max(run.peak_mib for run in runs)
            rows.append(
                [f"{size:,}", f"{user:.1f} s", f"{costs[size]:.2f} ms", f"{kib:.1f} KB", f"{peak:.0f} MiB"]
            )
    measure.table(
        "Cold build, one language (demanded: ≤ 12 ms and ≤ 50 KB a page, ≤ 200 MB)",
        ["articles", "user CPU", "per page", "HTML per page", "peak memory"],
        rows,
    )
    small, large = SIZES
    print(
        f"\nCost per page at {large:,} against {small:,}: {costs[large] / costs[small]:.2f} (demanded: ≤ 1.15)"
    )


if __name__ == "__main__":
    main()
