"""The index on disk after edits answers as one written anew does, and costs what was edited."""

import random
from functools import partial
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from kb.index import disk, reader, writer
from kb.index.document import Document, Section
from kb.index.packed import Packed
from kb.index.rules import Rules
from kb.index.writer import Before, Written

RULES = Rules(frozenset({"the"}), ())
WORDS = (  # noqa: SIM905 - easier to read
    "parcel refund card courier branch lamp bed order bank club point van warranty password link mail"
).split()


def article(number: int, seed: int) -> Document:
    chosen = random.Random(f"{number} {seed}").choices(WORDS, k=12)
    text = " ".join([*chosen, f"word{seed}"])
    sections = (Section("", "", text), Section("more", chosen[0], text.upper()))
    return Document(
        f"c/{number:03}", f"c/{number:03}/", chosen[1], "en", (" ".join(chosen[2:5]),), (), "c", sections
    )


def write(folder: Path, documents: list[Document], before: Before | None = None) -> Written:
    return writer.write(
        writer.sources(documents), language="en", rules=RULES, index_dir=folder, before=before
    )


def held_by_whoosh(folder: Path) -> set[int]:
    """The files that Whoosh wrote, each known wherever it is linked."""
    return {file.stat().st_ino for file in folder.glob("*MAIN*")}


def said(folder: Path) -> list[object]:
    """Everything that ranking asks of an index."""
    index = disk.DiskIndex(folder)
    numbers = range(len(index.terms))
    said: list[object] = [
        list(index.terms),
        [index.postings(n) for n in numbers],
        [list(index.shares(n)) for n in numbers],
        [index.article(n) for n in range(len(index.about["lengths"]))],
        index.about["lengths"],
    ]
    index.close()
    return said


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(["edit", "add", "remove"]), st.integers(0, 99)), max_size=8))
def test_after_any_edits_the_index_says_what_a_new_one_says(
    tmp_path_factory: pytest.TempPathFactory, edits: list[tuple[str, int]]
) -> None:
    tmp_path = tmp_path_factory.mktemp("edits")
    now = {number: article(number, 0) for number in range(0, 80, 2)}
    folder = tmp_path / "0"
    written = write(folder, list(now.values()))
    for turn, (what, number) in enumerate(edits, 1):
        if what == "remove":
            now.pop(number, None)
        elif what == "add" or number in now:
            now[number] = article(number, turn)
        documents = [now[each] for each in sorted(now)]
        after = tmp_path / str(turn)
        written = write(after, documents, Before(written.packed, folder))
        assert held_by_whoosh(after) == held_by_whoosh(folder)
        folder = after
    write(tmp_path / "anew", [now[each] for each in sorted(now)])
    assert said(folder) == said(tmp_path / "anew")


def test_whoosh_writes_again_when_much_has_changed(tmp_path: Path) -> None:
    documents = [article(number, 0) for number in range(40)]
    first = write(tmp_path / "first", documents)
    changed = [article(number, 1) for number in range(40)]
    write(tmp_path / "second", changed, Before(first.packed, tmp_path / "first"))
    assert not held_by_whoosh(tmp_path / "second") & held_by_whoosh(tmp_path / "first")
    write(tmp_path / "anew", changed)
    assert said(tmp_path / "second") == said(tmp_path / "anew")


def test_the_index_of_before_is_left_as_it_was(tmp_path: Path) -> None:
    documents = [article(number, 0) for number in range(5)]
    first = write(tmp_path / "first", documents)
    was = {file.name: file.read_bytes() for file in (tmp_path / "first").iterdir()}
    write(
        tmp_path / "second",
        [*documents[:3], replace(documents[4], title="Other")],
        Before(first.packed, tmp_path / "first"),
    )
    assert {file.name: file.read_bytes() for file in (tmp_path / "first").iterdir()} == was


@pytest.mark.parametrize("name", ["articles.bin", "changes.bin", "about.json"])
def test_a_damaged_index_of_before_is_written_anew(tmp_path: Path, name: str) -> None:
    documents = [article(number, 0) for number in range(5)]
    first = write(tmp_path / "first", documents)
    (tmp_path / "first" / name).write_bytes(b"\x00")
    write(tmp_path / "second", documents, Before(first.packed, tmp_path / "first"))
    found = reader.open(tmp_path / "second").search("word0")
    assert len(found.suggestions) == 5


def test_documents_read_by_other_code_are_other_documents() -> None:
    one, same, other = (writer.source(article(1, 0), made_by).key for made_by in (b"1", b"1", b"2"))
    assert one == same != other


def browsers(folder: Path, documents: list[Document], packed: Packed | None = None) -> Written:
    before = Before(packed, folder / "nowhere") if packed else None
    return writer.write(writer.sources(documents), language="en", rules=RULES, site_dir=folder, before=before)


def held(folder: Path, written: Written) -> list[tuple[str, bytes]]:
    return [(file, (folder / file).read_bytes()) for file in written.files]


def wordy(number: int, seed: int) -> Document:
    """One of many whose words are now common, now rare, now gone."""
    words = random.Random(f"{number} {seed}").choices([f"word{n}" for n in range(400)], k=30)
    return replace(article(number, seed), sections=(Section("", "", " ".join(words)),))


@pytest.fixture(params=[1, 1 << 15], ids=["many parts", "few parts"])
def _parts(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    for least in ("_STRETCH", "_PART"):
        monkeypatch.setattr(f"kb.index.packed.{least}", request.param)


@pytest.mark.usefixtures("_parts")
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.sampled_from(["edit", "add", "remove", "move"]), st.integers(0, 99)), max_size=8)
)
def test_the_browsers_file_does_not_depend_on_what_was_before(
    tmp_path_factory: pytest.TempPathFactory, edits: list[tuple[str, int]]
) -> None:
    tmp_path = tmp_path_factory.mktemp("edits")
    now = {number: wordy(number, number % 7) for number in range(0, 80, 2)}
    packed = browsers(tmp_path / "0", list(now.values())).packed
    for turn, (what, number) in enumerate(edits, 1):
        if what == "remove":
            now.pop(number, None)
        elif what == "move":
            now = dict(sorted(now.items(), key=lambda found: (found[0] % (number + 1), found[0])))
        elif what == "add" or number in now:
            now[number] = wordy(number, turn)
        documents = list(now.values())
        kept = msgspec.msgpack.decode(msgspec.msgpack.encode(packed), type=Packed)
        after = browsers(tmp_path / str(turn), documents, kept)
        anew = browsers(tmp_path / f"{turn}-anew", documents)
        assert held(tmp_path / str(turn), after) == held(tmp_path / f"{turn}-anew", anew)
        packed = after.packed


def test_a_document_that_is_there_twice_is_kept_twice(tmp_path: Path) -> None:
    documents = [article(1, 0), article(2, 0), article(1, 0)]
    first = browsers(tmp_path / "first", documents)
    again = browsers(tmp_path / "again", documents, first.packed)
    assert held(tmp_path / "first", first) == held(tmp_path / "again", again)
    once, anew = (
        browsers(tmp_path / "once", documents[:2], again.packed),
        browsers(tmp_path / "anew", documents[:2]),
    )
    assert held(tmp_path / "once", once) == held(tmp_path / "anew", anew)


def test_only_new_documents_are_asked_for(tmp_path: Path) -> None:
    documents = [article(number, 0) for number in range(50)]
    sources = [writer.source(document) for document in documents]
    first = writer.write(
        sources, language="en", rules=RULES, site_dir=tmp_path / "a", index_dir=tmp_path / "b"
    )
    asked: list[int] = []

    def ask(number: int) -> Document:
        asked.append(number)
        return documents[number]

    lazy = [writer.Source(source.key, partial(ask, number)) for number, source in enumerate(sources)]
    lazy[7] = writer.Source(b"changed", lazy[7].document)
    before = Before(first.packed, tmp_path / "b")
    writer.write(
        lazy, language="en", rules=RULES, site_dir=tmp_path / "c", index_dir=tmp_path / "d", before=before
    )
    assert asked == [7]
