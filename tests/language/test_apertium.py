"""The apertium engine on programs that behave as the real ones do, and on the real ones where they are installed."""

import os
import shutil
import stat
import sys
from pathlib import Path

import pytest

from kb.errors import EngineError
from kb.language.apertium import Apertium, escape, unescape

STAGE = """#!{python} -u
import os, sys, time
data = b""
while True:
    block = os.read(0, 65536)
    if not block:
        break
    *texts, data = (data + block).split(b"\\0")
    for text in texts:
        answer = {answer}
        os.write(1, answer + b"\\0")
"""


def program(folder: Path, text: str, *, name: str) -> Path:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    file.chmod(file.stat().st_mode | stat.S_IXUSR)
    return file


def apertium(root: Path, *, tagged: str, untagged: str = "text.upper()", seconds: float = 10) -> Apertium:
    """An installation with a few modes. `tagged` and `untagged` are what its pipeline makes of `text` (Python), with
    the tagger and with the constraint grammar in its place."""
    binaries = root / "bin"
    grammar = f"({untagged}) if '-n' in sys.argv else text"
    program(binaries, STAGE.format(python=sys.executable, answer=tagged), name="apertium-tagger")
    program(binaries, STAGE.format(python=sys.executable, answer=grammar), name="cg-proc")
    program(binaries, "#!/bin/sh\necho 'apertium 3.8.3'\n", name="apertium")
    pipeline = f"{binaries}/cg-proc -z -w 'x.rlx.bin' | {binaries}/apertium-tagger -z -g $2 'x.prob' | cat"
    program(binaries, f"#!/bin/sh\ncat <<'EOF'\n{pipeline}\nEOF\n", name="apertium-wblank-mode")
    for mode in ("spa-cat", "spa-cat_valencia", "rus-ukr"):
        program(root / "share" / "apertium" / "modes", "", name=f"{mode}.mode")
    return Apertium({"PATH": os.environ["PATH"]}, program=str(binaries / "apertium"), answer_seconds=seconds)


def test_pairs_come_from_the_installed_modes_in_two_letter_codes(tmp_path: Path) -> None:
    engine = apertium(tmp_path, tagged="text")
    assert set(engine.pairs()) == {("es", "ca"), ("ru", "uk")}
    assert engine.model("es", "ca").identity == "apertium/spa-cat-3.8.3"


def test_nothing_installed_is_no_pair(tmp_path: Path) -> None:
    assert not Apertium({"PATH": str(tmp_path)}).pairs()


def test_one_pipe_answers_many_texts_in_their_order(tmp_path: Path) -> None:
    engine = apertium(tmp_path, tagged="text.upper()")
    texts = [f"casa {n} [t0] \\ / {{x}}" for n in range(300)]
    assert engine.translate(texts, "es", "ca") == [text.upper() for text in texts]
    assert engine.translate(["", "una casa"], "es", "ca") == ["", "UNA CASA"]
    assert len(engine._pipes) == 1
    engine.close()


def test_a_silent_engine_is_an_error(tmp_path: Path) -> None:
    engine = apertium(tmp_path, tagged="b''", untagged="b''")
    with pytest.raises(EngineError, match="the engine 'apertium' answered nothing to a text"):
        engine.translate(["una casa"], "es", "ca")
    engine.close()


def test_a_dead_pipe_is_an_error(tmp_path: Path) -> None:
    engine = apertium(tmp_path, tagged="os._exit(139)", untagged="os._exit(139)", seconds=60)
    with pytest.raises(EngineError, match="answered nothing"):
        engine.translate(["una casa"], "es", "ca")
    engine.close()


def test_a_crashing_tagger_is_passed_by(tmp_path: Path) -> None:
    engine = apertium(tmp_path, tagged="os._exit(139)", seconds=60)
    assert engine.translate(["una casa", "dos"], "es", "ca") == ["UNA CASA", "DOS"]
    engine.close()


def test_a_hanging_pipe_is_ended_and_named(tmp_path: Path) -> None:
    engine = apertium(tmp_path, tagged="time.sleep(60)", seconds=0.3)
    with pytest.raises(EngineError, match=r"the engine 'apertium' did not answer within 0\.3 seconds"):
        engine.translate(["una casa"], "es", "ca")
    engine.close()


@pytest.mark.parametrize("text", ["a [b] {c} <d> ^e$ f/g @h \\", "[t0]a[t12]", "plain"])
def test_reserved_signs_survive(text: str) -> None:
    assert unescape(escape(text)) == text
    assert ("[t0]" in text) == ("[t0]" in escape(text))


REAL = Apertium(os.environ)


@pytest.mark.skipif(
    ("es", "ca") not in REAL.pairs() or not shutil.which("cg-proc"), reason="no apertium-spa-cat"
)
def test_the_real_program_translates_spanish_and_passes_tokens() -> None:
    answers = REAL.translate(["La casa es roja.", "", "El [t0]perro[t1] ladra [x]."], "es", "ca")
    REAL.close()
    assert answers == ["La casa és vermella.", "", "El [t0]gos[t1] borda [x]."]


@pytest.mark.skipif(
    ("ru", "uk") not in REAL.pairs() or not shutil.which("cg-proc"), reason="no apertium-rus-ukr"
)
def test_the_crash_of_the_real_tagger_is_noticed_and_passed_by() -> None:
    texts = ["Как вернуть товар?", "Заказ [t0]отправлен[t1] вчера.", "Да"]
    answers = REAL.translate(texts, "ru", "uk")
    REAL.close()
    assert answers[1].startswith("Замовлення [t0]")
    assert all(answers)
