"""The firefox engine: on a real model where one is at hand, and around it everywhere."""

import json
import os
import struct
from pathlib import Path

import pytest

from kb.errors import EngineError, ModelError
from kb.language import firefox
from kb.language.firefox import Firefox, Record, folders
from kb.language.pins import Pins

needs_library = pytest.mark.skipif(not firefox.is_available(), reason="the extra 'firefox' is not installed")


def vocabulary(chars: str) -> bytes:
    """The bytes of a SentencePiece model with a piece for each character."""
    pieces = [
        b"\x0a" + bytes([len(c.encode())]) + c.encode() + b"\x15" + struct.pack("<f", 0.0) for c in chars
    ]
    return b"".join(b"\x0a" + bytes([len(piece)]) + piece for piece in pieces)


def install(folder: Path, *, chars: str = "abcdefghijklmnopqrstuvwxyz?.") -> Path:
    """A model's folder whose model is none."""
    folder.mkdir(parents=True)
    (folder / "model.enpt.intgemm.alphas.bin").write_bytes(b"no model")
    (folder / "lex.50.50.enpt.s2t.bin").write_bytes(b"no list")
    (folder / "vocab.enpt.spm").write_bytes(vocabulary(chars))
    return folder


def real_model() -> Path | None:
    """A real en→pt model, where the environment names its folder (`make bench` fetches one)."""
    named = os.environ.get("KB_TEST_FIREFOX_MODEL", "")
    return Path(named) if named and Path(named).is_dir() else None


def test_models_are_found_with_their_identity(tmp_path: Path) -> None:
    install(tmp_path / "en-pt")
    (tmp_path / "notes").mkdir()
    (tmp_path / "xx-yy").mkdir()
    (model,) = firefox.models(tmp_path)
    assert (model.source, model.target) == ("en", "pt")
    assert model.identity.startswith("firefox/en-pt-")
    (tmp_path / "en-pt" / "metadata.json").write_text(json.dumps({"version": "2.0"}))
    (model,) = firefox.models(tmp_path)
    assert model.identity == "firefox/en-pt-2.0"


def test_split_vocabularies_are_told_apart(tmp_path: Path) -> None:
    folder = install(tmp_path / "en-ja")
    (folder / "vocab.enpt.spm").rename(folder / "srcvocab.enja.spm")
    with pytest.raises(ModelError, match=r"vocab\.\*\.spm is missing"):
        firefox.read_files(folder, "en", "ja")
    (folder / "trgvocab.enja.spm").write_bytes(vocabulary("あいうえおかきくけこ"))
    model = firefox.read_files(folder, "en", "ja")
    assert (model.source_vocabulary.name, model.target_vocabulary.name) == (
        "srcvocab.enja.spm",
        "trgvocab.enja.spm",
    )


@needs_library
def test_characters_outside_the_vocabulary_are_known_before_they_vanish(tmp_path: Path) -> None:
    install(tmp_path / "en-pt")
    model = Firefox([tmp_path], Pins(tmp_path)).model("en", "pt")
    assert model.encodable("how?")
    assert not model.encodable("`")
    assert model.max_words < 75, "the library loses the end of longer texts"


@needs_library
def test_a_model_that_is_none_is_an_engine_error(tmp_path: Path) -> None:
    install(tmp_path / "en-pt")
    engine = Firefox([tmp_path], Pins(tmp_path), answer_seconds=20)
    with pytest.raises(EngineError, match="the engine 'firefox'"):
        engine.translate(["how?"], "en", "pt")


@needs_library
def test_b14_a_changed_model_is_refused(tmp_path: Path) -> None:
    folder = install(tmp_path / "en-pt")
    (folder / "metadata.json").write_text(json.dumps({"version": "2.0"}))
    pins = Pins(tmp_path)
    (model,) = firefox.models(tmp_path)
    pins.verify(model.identity, model.folder, model.names)
    (folder / "lex.50.50.enpt.s2t.bin").write_bytes(b"another list")
    with pytest.raises(ModelError, match=r"not the pinned one: lex\.50\.50"):
        Firefox([tmp_path], Pins(tmp_path)).translate(["how?"], "en", "pt")


def test_downloaded_models_are_found_where_fxtranslate_keeps_them() -> None:
    assert folders({"XDG_CACHE_HOME": "/cache"}) == (Path("/cache/fxtranslate/models"),)
    assert folders({"HOME": "/home/kb"}) == (Path("/home/kb/.cache/fxtranslate/models"),)


def test_of_several_architectures_the_smallest_is_taken() -> None:
    def record(architecture: str) -> Record:
        return Record("model.enpt.bin", "en", "pt", "2.0", architecture, "", "")

    assert {r.architecture for r in firefox.one_model([record("base"), record("tiny"), record("base")])} == {
        "tiny"
    }
    assert len(firefox.one_model([record("other"), record("other")])) == 2


@needs_library
@pytest.mark.skipif(real_model() is None, reason="KB_TEST_FIREFOX_MODEL names no model")
def test_it_translates_for_real(tmp_path: Path) -> None:
    folder = real_model()
    assert folder is not None
    (tmp_path / "en-pt").symlink_to(folder)
    engine = Firefox([tmp_path], Pins(tmp_path))
    answers = engine.translate(["How do I return a faulty product?", "", "It’s free – call us."], "en", "pt")
    engine.close()
    assert "devolver" in answers[0]
    assert answers[1] == ""
    assert "grátis" in answers[2] or "gratuito" in answers[2]
