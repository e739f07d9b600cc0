"""PO files: our own small dialect, readable by gettext's tools, and merged by git without a conflict."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.language import memory
from kb.language.memory import Entry, Memory, State, dump, entry_for, parse, update
from kb.language.segments import Segment
from tests.language.translating import RETURNS, Echo, entry, po, translate, write

TEXTS = st.text(
    st.characters(
        blacklist_categories=["Cs"], blacklist_characters="\x00\r\x85\u2028\u2029\x0b\x0c\x1c\x1d\x1e"
    )
)


def segment(text: str, kind: str = "paragraph", heading: str = "") -> Segment:
    return Segment(kind, heading, text)


def machine(text: str, translation: str = "") -> Entry:
    return entry_for(segment(text), text=translation or f"[{text}]", fuzzy=True, engine="argos/en-pt-1")


def memory_of(*texts: str) -> Memory:
    made = {text: machine(text) for text in texts}
    return update(Memory("a.po", "pt", "a", "en"), [segment(t) for t in texts], made)


def reread(found: Memory) -> Memory:
    return parse(dump(found), path="a.po", language="pt", id="a")[0]


def sources(found: Memory) -> list[str]:
    return [e.source for e in found.entries]


# --- the format ---


@given(
    source=TEXTS.filter(str.strip),
    text=TEXTS,
    suggestion=TEXTS.map(str.strip),
    heading=st.text("ab ·", max_size=5),
)
def test_any_text_survives_writing_and_reading(source: str, text: str, suggestion: str, heading: str) -> None:
    made = entry_for(
        segment(source, heading=heading),
        text=text,
        fuzzy=True,
        engine="argos/en-pt-1",
        previous=source[::-1],
        suggestion=suggestion,
        suggestion_engine="argos/en-pt-1" if suggestion else "",
    )
    found, problems = parse(dump(Memory("a.po", "pt", "a", "en", (made,))))
    assert problems == []
    assert [(e.source, e.text, e.previous, e.suggestion, e.fuzzy) for e in found.entries] == [
        (source, text, source[::-1], suggestion, True)
    ]


def test_a_file_is_one_block_an_entry_unwrapped_and_without_places_or_dates() -> None:
    made = entry_for(
        segment("Send *it* back.", heading="Steps"), text="Envie.", fuzzy=True, engine="argos/en-pt-1"
    )
    assert dump(Memory("a.po", "pt-BR", "a", "en", (made,))) == (
        'msgid ""\n'
        'msgstr ""\n'
        '"Language: pt_BR\\n"\n'
        '"MIME-Version: 1.0\\n"\n'
        '"Content-Type: text/plain; charset=UTF-8\\n"\n'
        '"Content-Transfer-Encoding: 8bit\\n"\n'
        '"X-Source: en\\n"\n'
        "\n"
        "# mt: argos/en-pt-1\n"
        f"#. paragraph · Steps · {made.id}\n"
        "#, fuzzy\n"
        'msgid "Send *it* back."\n'
        'msgstr "Envie."\n'
        "\n"
    )


FOREIGN = """\
# Portuguese help centre
# Maria, 2026.
msgid ""
msgstr ""
"Project-Id-Version: shop\\n"
"Content-Type: text/plain; charset=UTF-8\\n"
"X-Source: en\\n"
"X-Generator: Poedit 3.4\\n"

# Ask the lawyers.
# mt: argos/en-pt-1
#. paragraph · Steps · 0a1b2c
#: articles/en/a.md:7
#, fuzzy, no-wrap
#| msgid "Send it "
#| "back."
msgid ""
"Send it back "
"within a week."
msgstr ""
"Envie de volta.\\n"
"Já."

msgctxt "table cell"
msgid "Free"
msgstr "Grátis"

# The bank's word.
msgid "Free"
msgstr "Livre"

#~ msgid "Old"
#~ msgstr "Velho"
"""


def test_a_file_of_poedit_is_read_and_written_back_byte_for_byte() -> None:
    found, problems = parse(FOREIGN)
    assert problems == []
    first, cell, plain, old = found.entries
    assert (first.source, first.text) == ("Send it back within a week.", "Envie de volta.\nJá.")
    assert (first.previous, first.flags, first.comments) == (
        "Send it back.",
        ("no-wrap",),
        (" Ask the lawyers.", ": articles/en/a.md:7"),
    )
    assert (cell.context, plain.context, old.obsolete) == ("table cell", "", True)
    assert dump(found).rstrip("\n") == FOREIGN.rstrip("\n")


def test_what_people_added_is_kept_when_an_entry_changes() -> None:
    found, _ = parse(FOREIGN)
    written = memory.render(found.entries[0].approved("Envie em uma semana."))
    assert "# Ask the lawyers." in written
    assert "#: articles/en/a.md:7" in written
    assert "#, no-wrap" in written
    assert "fuzzy" not in written
    assert "#|" not in written


def test_the_context_tells_segments_of_one_text_apart() -> None:
    found, _ = parse(FOREIGN)
    in_cell, elsewhere = found.find(segment("Free", "table cell")), found.find(segment("Free", "heading"))
    assert in_cell is not None
    assert elsewhere is not None
    assert (in_cell.text, elsewhere.text) == ("Grátis", "Livre")


@pytest.mark.skipif(shutil.which("msgfmt") is None, reason="gettext is not installed")
def test_gettext_accepts_the_file(tmp_path: Path) -> None:
    stale = entry_for(segment('New "text"\nhere'), text="Velho\naqui", fuzzy=True, previous="Old text",
                      suggestion="Novo", suggestion_engine="argos/en-pt-1")  # fmt: skip
    refused = entry_for(segment("Seven"), refused="argos/en-pt-1: numbers: 7 lost")
    found = Memory("a.po", "pt", "a", "en", (machine("One"), stale, refused, machine("Two").approved()))
    file = tmp_path / "a.po"
    file.write_text(dump(found), "utf-8")
    done = subprocess.run(
        ["msgfmt", "--check-format", "--check-domain", "-v", "-o", "/dev/null", str(file)],
        env={**os.environ, "LC_ALL": "C"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "1 translated message, 2 fuzzy translations, 1 untranslated message" in done.stderr


def test_polib_reads_the_same(tmp_path: Path) -> None:
    polib = pytest.importorskip("polib")
    found = memory_of('A "quoted" \\ text\twith\nall', "Plain")
    read = polib.pofile(dump(found))
    assert [(e.msgid, e.msgstr, e.flags, e.comment) for e in read] == [
        (e.source, e.text, ["fuzzy"], e.notes[0]) for e in found.entries
    ]
    again, problems = parse(str(read))
    assert problems == []
    assert [(e.source, e.text, e.state, e.engine) for e in again.entries] == [
        (e.source, e.text, e.state, e.engine) for e in found.entries
    ]


@pytest.mark.parametrize(
    ("text", "line", "code"),
    [
        ('msgid "a"\nmsgstr "b\n', 2, "po-syntax"),
        ('msgid "a"\n', 1, "po-syntax"),
        ('msgid "x"\nmsgstr "y"\n\n<<<<<<< HEAD\nmsgid "a"\nmsgstr "b"\n', 4, "po-merge-conflict"),
        ('msgid "a"\nmsgstr "b"\n\n\nmsgid "a"\nmsgstr "c"\n', 5, "po-duplicate"),
        ('msgid "a"\nmsgid_plural "b"\nmsgstr "c"\n', 1, "po-plural"),
        ('msgid "a"\nmsgid_plural "b"\nmsgstr[0] "c"\nmsgstr[1] "d"\n', 1, "po-plural"),
    ],
)
def test_faults_are_reported_with_their_line(text: str, line: int, code: str) -> None:
    _, problems = parse(text, path="articles/pt/a.po")
    assert (code, line) in [(p.code, p.line) for p in problems]
    assert {p.path for p in problems} == {"articles/pt/a.po"}


def test_a_file_that_is_no_text_is_a_finding(tmp_path: Path) -> None:
    file = tmp_path / "articles" / "pt" / "a.po"
    file.parent.mkdir(parents=True)
    file.write_bytes(b'msgid "\xff"\n')
    _, problems = memory.load(tmp_path / "articles", ["pt"], root=tmp_path)
    assert [p.code for p in problems] == ["po-encoding"]


# --- states ---


@pytest.mark.parametrize(
    ("made", "state", "by_person"),
    [
        (Entry("a"), State.MISSING, False),
        (Entry("a", "b", fuzzy=True, engine="argos/x"), State.MACHINE, False),
        (Entry("a", "b", engine="argos/x"), State.REVIEWED, True),
        (Entry("a", "b", fuzzy=True), State.MACHINE, True),
        (Entry("a", "b", fuzzy=True, previous="z"), State.STALE, True),
    ],
)
def test_the_state_follows_from_flag_engine_and_previous_source(
    made: Entry, state: State, by_person: bool
) -> None:
    assert (made.state, made.by_person) == (state, by_person)


# --- changes ---


def test_nothing_changes_for_the_same_article() -> None:
    found = reread(memory_of("One.", "Two.", "Three."))
    assert update(found, [segment(t) for t in ("One.", "Two.", "Three.")], {}) is found


def test_a_moved_paragraph_changes_nothing() -> None:
    found = reread(memory_of("One.", "Two.", "Three."))
    assert update(found, [segment(t) for t in ("Three.", "One.", "Two.")], {}) is found


def test_an_inserted_paragraph_is_one_block_in_the_diff() -> None:
    found = reread(memory_of("One.", "Two."))
    changed = update(found, [segment(t) for t in ("One.", "New.", "Two.")], {"New.": machine("New.")})
    assert sources(changed) == ["One.", "New.", "Two."]
    before, after = dump(found), dump(changed)
    assert after.replace(memory.render(machine("New.")) + "\n\n", "") == before


def test_a_changed_sentence_keeps_its_old_entry_until_the_next_change() -> None:
    found = reread(memory_of("Pay within seven days.", "Two."))
    texts = ["Pay within nine days.", "Two."]
    changed = reread(update(found, [segment(t) for t in texts], {texts[0]: machine(texts[0])}))
    assert [(e.source, e.unused) for e in changed.entries] == [
        ("Pay within nine days.", False),
        ("Pay within seven days.", True),
        ("Two.", False),
    ]
    texts.append("Three.")
    swept = update(changed, [segment(t) for t in texts], {"Three.": machine("Three.")})
    assert sources(swept) == texts


def test_an_approved_paragraph_that_goes_is_kept_as_obsolete_and_comes_back() -> None:
    found = memory_of("One.", "Two.")
    found = reread(Memory("a.po", "pt", "a", "en", (found.entries[0].approved("Um."), found.entries[1])))
    gone = reread(update(found, [segment("Two.")], {}))
    swept = reread(update(gone, [segment("Two."), segment("Three.")], {"Three.": machine("Three.")}))
    assert [(e.source, e.obsolete) for e in swept.entries if e.source == "One."] == [("One.", True)]
    back = update(swept, [segment("One."), segment("Two.")], {"One.": swept.entries[0].with_(obsolete=False)})
    assert [(e.source, e.text) for e in back.entries if e.source == "One."] == [("One.", "Um.")]


def test_saving_leaves_the_old_file_when_it_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "a.po"
    memory.save(file, "old")

    def full(_: int) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr("kb.language.memory.os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        memory.save(file, "new")
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]


# --- merges ---


class Repository:
    """A help centre in git, translated on its main branch."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.git("init", "-q", "-b", "main")
        self.article = RETURNS
        self.change_article(RETURNS)

    def git(self, *arguments: str) -> str:
        names = ["-c", "user.name=Shop", "-c", "user.email=shop@shop.example"]
        done = subprocess.run(
            ["git", *names, *arguments], cwd=self.root, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"git {' '.join(arguments)}: {done.stdout}{done.stderr}"
        return done.stdout

    def change_article(self, text: str) -> None:
        """A writer saves the article and translates it."""
        write(self.root, en__returns__how=text)
        translate(self.root, Echo())
        self.commit()

    def change_entry(self, beginning: str, text: str | None) -> None:
        """A reviewer approves an entry, with another text where they give one."""
        old = po(self.root)
        entries = tuple(e.approved(text) if e.source.startswith(beginning) else e for e in old.entries)
        memory.save(self.root / old.path, dump(Memory(old.path, "pt", old.id, old.source, entries, old.head)))
        self.commit()

    def commit(self) -> None:
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "change")

    def branch(self, name: str) -> None:
        self.git("checkout", "-q", "-b", name, "main")


BANK = "The bank pays within 7 days."
WRITER = {
    "edits the same sentence": lambda text: text.replace(BANK, "The bank always pays within 7 days."),
    "edits the sentence before": lambda text: text.replace(
        "Pack everything well.", "Pack everything very well."
    ),
    "inserts a paragraph before": lambda text: text.replace(BANK, f"We check the goods first.\n\n{BANK}"),
    "inserts a paragraph after": lambda text: text.replace(BANK, f"{BANK}\n\nSome need longer."),
    "moves the paragraph": lambda text: text.replace(f"{BANK}\n\n", "").replace(
        "## Refunds", f"{BANK}\n\n## Refunds"
    ),
}
PERSON = {
    "corrects": lambda repository: repository.change_entry(BANK, "O banco paga em 7 dias."),
    "approves": lambda repository: repository.change_entry(BANK, None),
}


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    return Repository(tmp_path)


@pytest.mark.parametrize("writer", WRITER)
@pytest.mark.parametrize("person", PERSON)
def test_a_reviewer_and_a_writer_merge_without_conflict_or_loss(
    repository: Repository, person: str, writer: str
) -> None:
    text = entry(repository.root, BANK).text if person == "approves" else "O banco paga em 7 dias."
    repository.branch("reviewer")
    PERSON[person](repository)
    repository.branch("writer")
    repository.change_article(WRITER[writer](RETURNS))
    machine_text = entry(repository.root, "The bank").text
    repository.git("merge", "-q", "--no-edit", "reviewer")

    translate(repository.root, Echo())

    found = entry(repository.root, "The bank")
    assert found.text == text
    if writer == "edits the same sentence":
        assert (found.state, found.previous, found.suggestion) == (State.STALE, BANK, machine_text)
    else:
        assert found.state is State.REVIEWED
    engine = Echo()
    assert translate(repository.root, engine).files == []
    assert engine.calls == 0


@pytest.mark.parametrize("first", ["Pack everything", BANK])
def test_two_reviewers_of_neighbouring_entries_merge(repository: Repository, first: str) -> None:
    repository.branch("one")
    repository.change_entry(first, "Embale tudo bem.")
    repository.branch("two")
    repository.change_entry("Refunds", "Reembolsos")
    repository.git("merge", "-q", "--no-edit", "one")
    assert entry(repository.root, first).text == "Embale tudo bem."
    assert entry(repository.root, "Refunds").text == "Reembolsos"


def test_a_new_last_paragraph_and_a_correction_of_the_old_one_merge(repository: Repository) -> None:
    repository.branch("reviewer")
    repository.change_entry("Write to us", "Escreva-nos.")
    repository.branch("writer")
    repository.change_article(f"{RETURNS}\nOr call us at any time.\n")
    repository.git("merge", "-q", "--no-edit", "reviewer")
    assert entry(repository.root, "Write to us").text == "Escreva-nos."
    assert entry(repository.root, "Or call us").state is State.MACHINE


def test_two_writers_in_different_places_merge(repository: Repository) -> None:
    repository.branch("one")
    repository.change_article(WRITER["inserts a paragraph before"](RETURNS))
    repository.branch("two")
    repository.change_article(WRITER["edits the sentence before"](RETURNS))
    repository.git("merge", "-q", "--no-edit", "one")
    translate(repository.root, Echo())
    used = {e.source for e in po(repository.root).entries if not e.unused}
    assert {"We check the goods first.", "Pack everything very well."} <= used
    assert "Pack everything well." not in used
