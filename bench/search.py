"""Measures of search: ``python bench/search.py [--eval DIR] [--sample N]`` prints one table. ``make bench`` runs it.

The questions are development data (``--eval``, by default ``../shared/eval`` beside the project); a set that is not
there is passed over. Sizes and times need no data: their articles are cut from the sets' texts, or made of words.
"""

import argparse
import gzip
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from kb.content import reader as content  # noqa: E402 - the checkout is measured, not an installed package
from kb.index import browser, evaluate, reader, rules, vectors, writer  # noqa: E402
from kb.index.document import Document, Section  # noqa: E402
from kb.index.documents import documents_from_edition  # noqa: E402
from kb.index.evaluate import Asked, Found  # noqa: E402

SETS = ("banking77", "clinc150", "gnome-en", "gnome-uk", "gnome-ru", "gnome-de", "gnome-pl")
GNOME = ("gnome-uk", "gnome-ru", "gnome-de", "gnome-pl")
ARTICLE_WORDS = 150
HOSTILE = 100_000
_LATIN = {
    "uk": dict(zip("абвгґдезиіїйклмнопрстуф", "abvhgdezyiiiklmnoprstuf", strict=True))
    | {"є": "ie", "ж": "zh", "х": "kh", "ц": "ts", "ч": "ch", "ш": "sh", "щ": "shch", "ю": "iu", "я": "ia"}
    | {"ь": "", "'": "", "’": "", "ʼ": ""},
    "ru": dict(zip("абвгдезийклмнопрстуфыэё", "abvgdeziyklmnoprstufyee", strict=True))
    | {
        "ж": "zh",
        "х": "kh",
        "ц": "ts",
        "ч": "ch",
        "ш": "sh",
        "щ": "shch",
        "ю": "yu",
        "я": "ya",
        "ь": "",
        "ъ": "",
    },
}
_KEYS = "qwertyuiop[]asdfghjkl;'zxcvbnm,."
_ROWS = {"uk": "йцукенгшщзхїфівапролджєячсмитьбю", "ru": "йцукенгшщзхъфывапролджэячсмитьбю"}


class Bench:
    """One folder of indexes, made once a set."""

    def __init__(self, data: Path, scratch: Path, sample: int) -> None:
        self.data, self.scratch, self.sample = data, scratch, sample
        self.cache = Path.home() / ".cache" / "babelfaq" / "vectors"

    def questions(self, name: str) -> list[Asked]:
        asked = evaluate.read_questions(self.data / name / "questions.tsv")
        inside = [a for a in asked if a.expected]
        step = max(1, len(inside) // self.sample) if self.sample else 1
        return inside[::step] + [a for a in asked if not a.expected]

    def documents(self, name: str) -> tuple[str, tuple[Document, ...]]:
        (language,) = [path.name for path in (self.data / name / "articles").iterdir() if path.is_dir()]
        catalog, _ = content.read(self.data / name, "articles", [language])
        return language, documents_from_edition(catalog.edition(language))

    def folder(self, name: str, *, meaning: bool) -> tuple[Path, str]:
        language, documents = self.documents(name)
        folder = self.scratch / f"{name}-{meaning}"
        if not folder.exists():
            write(documents, language, folder, self.cache if meaning else None)
        return folder, language


def write(documents: Sequence[Document], language: str, folder: Path, cache: Path | None = None) -> None:
    writer.write(
        writer.sources(documents),
        language=language,
        rules=rules.load(language, [ROOT / "search"]),
        site_dir=folder / "site" / language,
        index_dir=folder / language,
        languages=[language],
        vectors=cache,
    )


def by_whoosh(folder: Path, language: str, texts: Sequence[str]) -> list[Found]:
    index = reader.open(folder / language)
    answers = [index.search(text, limit=5).suggestions for text in texts]
    return [Found(tuple(s.id for s in a), a[0].score if a else 0.0) for a in answers]


def by_browser(folder: Path, language: str, texts: Sequence[str]) -> list[Found]:
    answers = browser.ask(ROOT / "search", folder / "site" / language, texts)
    results = [answer["results"] for answer in answers]
    return [Found(tuple(r["id"] for r in a), a[0]["score"] if a else 0.0) for a in results]


def row(name: str, value: object, demand: str = "") -> None:
    print(f"{name:<66}{value!s:>18}  {demand}", flush=True)


def percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f}"


def recall(bench: Bench, name: str) -> None:
    """Recall of one set by both engines, with and without meaning and typing errors, and how often they agree."""
    asked = bench.questions(name)
    texts = [a.text for a in asked]
    mistyped = [evaluate.with_typos(text, 1) for text in texts]
    demands = {"banking77": ("≥ 83", "≥ 89"), "clinc150": ("≥ 87, ≥ .90", "≥ 93, ≥ .94")}
    for meaning in (False, True):
        folder, language = bench.folder(name, meaning=meaning)
        if meaning and not vectors.available(language):
            continue
        found = by_whoosh(folder, language, texts)
        other = by_browser(folder, language, texts)
        measures, again = evaluate.measure(asked, found), evaluate.measure(asked, other)
        auroc = f", {measures.auroc:.3f}" if measures.auroc is not None else ""
        kind = "with vectors" if meaning else "without vectors"
        values = f"{percent(measures.recall[3])} / {percent(again.recall[3])}{auroc}"
        demand = demands.get(name, ("mean of four ≥ 89, none < 86" if name in GNOME else "", ""))[meaning]
        row(f"{name}, recall@3 Whoosh / browser, {kind}", values, demand)
        same = sum(a.ids[:3] == b.ids[:3] for a, b in zip(found, other, strict=True)) / len(asked)
        row(f"{name}, same first three, {kind}", percent(same), "≥ 98")
        wrong = evaluate.measure(asked, by_whoosh(folder, language, mistyped))
        lost = 100 * ((measures.recall[3] or 0) - (wrong.recall[3] or 0))
        row(f"{name}, points of recall@3 lost to typing errors, {kind}", f"{lost:.1f}", "≤ 2")


def scripts(bench: Bench, name: str) -> None:
    """Questions typed with the wrong layout, or in Latin letters."""
    folder, language = bench.folder(name, meaning=False)
    asked = bench.questions(name)
    ways = {
        "as they are": [a.text for a in asked],
        "wrong layout": [mapped(a.text, dict(zip(_ROWS[language], _KEYS, strict=True))) for a in asked],
        "transliterated": [mapped(a.text, _LATIN[language]) for a in asked],
    }
    shares = {}
    for way, texts in ways.items():
        shares[way] = evaluate.measure(asked, by_whoosh(folder, language, texts)).recall[3] or 0.0
    for way in ("wrong layout", "transliterated"):
        row(f"{name}, {way}, share of its recall@3", percent(shares[way] / shares["as they are"]), "≥ 95")


def mapped(text: str, table: dict[str, str]) -> str:
    return "".join(table.get(letter, letter) for letter in text.lower())


def texts_for(bench: Bench, language: str) -> Iterator[str]:
    """Endless running text in a language: the sets' own, then the same words in another order."""
    words: list[str] = []
    for name in SETS:
        if (bench.data / name / "articles" / language).is_dir() and name.startswith("gnome"):
            words += [w for d in bench.documents(name)[1] for s in d.sections for w in s.text.split()]
    extra = ROOT.parent / "shared" / "corpora"
    if language == "en":
        for path in sorted(extra.rglob("*.md")):
            words += path.read_text("utf-8").split()
    chance = random.Random(7)
    words = words or [f"word{chance.randrange(8000)}" for _ in range(50_000)]
    while True:
        yield from words
        blocks = [words[i : i + 12] for i in range(0, len(words), 12)]
        chance.shuffle(blocks)
        words = [word for block in blocks for word in block]


def cut(bench: Bench, language: str, count: int) -> list[Document]:
    """``count`` articles of ``ARTICLE_WORDS`` words."""
    words = texts_for(bench, language)
    made = []
    for number in range(count):
        own = [next(words) for _ in range(ARTICLE_WORDS)]
        title, first, second = " ".join(own[:6]), " ".join(own[6:80]), " ".join(own[80:])
        sections = (Section("", "", first), Section("more", "", second))
        id = f"topics/article-{number}"
        made.append(Document(id, f"{id}/", title, language, (), (), "topics", sections))
    return made


def size_and_time(bench: Bench, language: str, count: int) -> None:
    """What a site's index weighs, and what it costs to make, open and ask."""
    documents = cut(bench, language, count)
    folder = bench.scratch / f"size-{language}-{count}"
    start = time.process_time()
    write(documents, language, folder)
    row(
        f"{language}, {count} articles: both indexes made, CPU s", f"{time.process_time() - start:.2f}", "≤ 4"
    )
    (file,) = (folder / "site" / language / "search").glob("index.*.bin")
    data = file.read_bytes()
    served = min(len(data), len(gzip.compress(data, 9)))
    row(
        f"{language}, {count} articles: browser's index, KB",
        f"{served / 1000:.0f}",
        "≤ 260" if count == 1000 else "",
    )
    chance = random.Random(3)
    questions = []
    for _ in range(300):
        words = " ".join(chance.choice(documents).sections[0].text.split()[: chance.randint(4, 12)])
        questions.append(evaluate.with_typos(words, 1) if chance.random() < 0.2 else words)
    start = time.process_time()
    index = reader.open(folder / language)
    opened = time.process_time() - start
    row(f"{language}, {count} articles: Whoosh opened, CPU s", f"{opened:.2f}")
    costs = []
    for question in questions:
        start = time.process_time()
        index.search(question, limit=5)
        costs.append(1000 * (time.process_time() - start))
    row(f"{language}, {count} articles: Whoosh query, CPU ms, median and p95", quantiles(costs), "p95 ≤ 30")
    order = {"folder": str(folder / "site" / language / "search"), "limit": 5, "questions": questions}
    done = subprocess.run(
        ["node", str(ROOT / "search" / "run.js")],
        input=json.dumps(order),
        capture_output=True,
        text=True,
        check=True,
    )
    answer = json.loads(done.stdout)
    row(f"{language}, {count} articles: browser ready, CPU ms", f"{answer['opened']:.0f}", "≤ 300")
    limit = "p95 ≤ 8" if count == 1000 else "p95 ≤ 30"
    costs = [a["ms"] for a in answer["answers"]]
    row(f"{language}, {count} articles: browser query, CPU ms, median and p95", quantiles(costs), limit)


def quantiles(costs: Sequence[float]) -> str:
    ranked = sorted(costs)
    return f"{ranked[len(ranked) // 2]:.1f} / {ranked[int(0.95 * len(ranked))]:.1f}"


def table_size(bench: Bench) -> None:
    for language in ("en", "ru", "ar"):
        if not vectors.available(language):
            row(f"{language}, word vectors, KB", "not installed")
            continue
        surfaces = {f"site{n}": f"site{n}" for n in range(100)}
        articles = [[vectors.Text(f"site{n % 100} {n}", [f"site{n % 100}"])] for n in range(1000)]
        data = vectors.make(surfaces, language, bench.cache, articles)
        row(f"{language}, word vectors with those of 1000 articles, KB", f"{len(data) / 1000:.0f}", "≤ 1300")


def hostile(bench: Bench, count: int) -> None:
    """Random and ill-meant questions: how long the slowest takes, and that none fails."""
    folder, language = bench.folder("gnome-en", meaning=False)
    index = reader.open(folder / language)
    chance = random.Random(11)
    slowest = 0.0
    for number in range(count):
        length = 50_000 if number % 20_000 == 0 else chance.randint(0, 60)
        top = chance.choice((127, 0x17F, 0x4FF, 0xD7FF))
        text = "".join(chr(chance.randint(1, top)) for _ in range(length))
        if number % 1000 == 1:  # words that are like many others and none of them
            text = " ".join("".join(chance.choices("etaoinsr", k=9)) for _ in range(200))
        start = time.process_time()
        index.search(text, limit=3)
        slowest = max(slowest, time.process_time() - start)
    row(f"{count} random strings: slowest, CPU ms", f"{1000 * slowest:.0f}", "bounded, none fails")


def main(argv: Sequence[str] = ()) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--eval", type=Path, default=ROOT.parent / "shared" / "eval")
    parser.add_argument("--sample", type=int, default=0, help="questions a set (default: all)")
    parser.add_argument("--hostile", type=int, default=HOSTILE, help="random strings")
    parser.add_argument("--only", choices=("recall", "size", "hostile"), help="one part of the table")
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="kb-bench-") as scratch:
        bench = Bench(args.eval, Path(scratch), args.sample)
        there = [name for name in SETS if (args.eval / name).is_dir()]
        if args.only in (None, "recall"):
            for name in there:
                recall(bench, name)
            for name in [n for n in there if n in ("gnome-uk", "gnome-ru")]:
                scripts(bench, name)
        if args.only in (None, "size"):
            for language, count in (("en", 1000), ("uk", 1000), ("ru", 1000), ("en", 10_000)):
                size_and_time(bench, language, count)
            table_size(bench)
        if args.only in (None, "hostile") and "gnome-en" in there:
            hostile(bench, args.hostile)


if __name__ == "__main__":
    main(sys.argv[1:])
