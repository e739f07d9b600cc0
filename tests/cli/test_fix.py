"""``kb check --fix``: what has one right answer is mended, said, and nothing else is touched."""

import json
import os
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from kb.cli import check
from kb.external.asker import Answer
from kb.language import memory
from kb.language.memory import State

from .conftest import Run

LINKING = "---\ntitle: Swap a size\nquestions: [Too small]\n---\nSee [this](old.md), [that](/orders/order-status/).\n"
OLD = "---\ntitle: Chart of sizes\nquestions: [Which size is mine]\n---\nMeasure the mattress, not the old sheet.\n"


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=Editor", "-c", "user.email=editor@shop.example"]
    command = ["git", *identity, *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def kept(centre: Path) -> Path:
    """The help centre in git, with an article that links to another one and to an address."""
    (centre / "articles/en/returns/old.md").write_text(OLD)
    (centre / "articles/en/returns/size.md").write_text(LINKING)
    git(centre, "init", "-q")
    git(centre, "add", ".")
    git(centre, "commit", "-qm", "Begin")
    return centre


def size(centre: Path) -> str:
    return (centre / "articles/en/returns/size.md").read_text("utf-8").splitlines()[-1]


def test_links_to_addresses_become_links_to_files(kept: Path, run: Run) -> None:
    assert "'kb check --fix' mends 1 of them" in run("--root", kept, "check")[2]
    code, out, err = run("--root", kept, "check", "--fix")
    assert code == 0
    assert out.startswith(
        "mended articles/en/returns/size.md:5: '/orders/order-status/' became '../orders/order-status.md' "
    )
    assert size(kept) == "See [this](old.md), [that](../orders/order-status.md)."
    assert "link-not-a-file" not in err
    before = {file: file.stat().st_mtime_ns for file in kept.glob("articles/**/*.md")}
    code, out, err = run("--root", kept, "check", "--fix")
    assert (out, err) == ("", "no problems\n")
    assert before == {file: file.stat().st_mtime_ns for file in before}


@pytest.mark.parametrize("state", ["untracked", "staged", "committed"])
def test_links_follow_a_renamed_article(kept: Path, run: Run, state: str) -> None:
    (kept / "articles/en/returns/old.md").rename(kept / "articles/en/orders/new.md")
    if state != "untracked":
        git(kept, "add", "-A")
    if state == "committed":
        git(kept, "commit", "-qm", "Move")
    before, objects = git(kept, "status", "--porcelain"), sum(1 for _ in kept.glob(".git/objects/**/*"))
    assert run("--root", kept, "check")[0] == 1
    code, out, _ = run("--root", kept, "check", "--fix")
    assert code == 0, out
    assert "'old.md' became '../orders/new.md'" in out
    assert size(kept).startswith("See [this](../orders/new.md)")
    after = [line for line in git(kept, "status", "--porcelain").splitlines() if "size.md" not in line]
    assert after == before.splitlines(), "the index of the repository is nobody else's business"
    assert objects == sum(1 for _ in kept.glob(".git/objects/**/*"))


def test_links_follow_what_redirect_from_says(kept: Path, run: Run) -> None:
    text = (kept / "articles/en/returns/old.md").read_text("utf-8")
    (kept / "articles/en/returns/old.md").unlink()
    new = text.replace("---\n", "---\nredirect_from: [returns/old]\n", 1)
    (kept / "articles/en/orders/new.md").write_text(new, "utf-8")
    assert run("--root", kept, "check", "--fix")[0] == 0
    assert "../orders/new.md" in size(kept)


def test_what_is_left_decides_the_exit_code(kept: Path, run: Run) -> None:
    (kept / "articles/en/returns/old.md").unlink()
    code, out, err = run("--root", kept, "check", "--fix")
    assert code == 1
    assert "mended" in out
    assert "link-dead" in out
    assert err == "1 error\n"


def test_front_matter_that_can_be_read_again_is_mended_further(kept: Path, run: Run) -> None:
    file = kept / "articles/en/returns/size.md"
    file.write_text(
        "---\ntitle: Size: swap it\nReview-By: 2099/1/2\nquestions: Too small?\n"
        "related: [returns/size, returns/how-to-return]\n---\nText\n"
    )
    code, out, _ = run("--root", kept, "check", "--fix", "--strict")
    assert code == 0, out
    assert file.read_text() == (
        '---\ntitle: "Size: swap it"\nreview_by: 2099-01-02\nquestions: ["Too small?"]\n'
        "related: [returns/how-to-return]\n---\nText\n"
    )


def test_a_dry_run_shows_a_patch_and_writes_nothing(kept: Path, run: Run) -> None:
    file = kept / "articles/en/returns/size.md"
    file.write_bytes(("\ufeff" + LINKING).replace("\n", "\r\n").rstrip().encode())
    git(kept, "add", "-A")
    git(kept, "commit", "-qm", "As on Windows")
    before = file.read_bytes()
    code, patch, err = run("--root", kept, "check", "--fix", "--dry-run")
    assert code == 0
    assert file.read_bytes() == before
    assert "would mend articles/en/returns/size.md:5" in err
    assert "\\ No newline at end of file" in patch
    subprocess.run(["git", "apply", "-"], cwd=kept, input=patch, text=True, check=True)
    patched = file.read_bytes()
    file.write_bytes(before)
    run("--root", kept, "check", "--fix")
    assert file.read_bytes() == patched


def test_byte_order_mark_line_ends_and_mode_stay(kept: Path, run: Run) -> None:
    file = kept / "articles/en/returns/size.md"
    raw = ("\ufeff" + LINKING).replace("\n", "\r\n").encode()
    file.write_bytes(raw)
    file.chmod(0o640)
    run("--root", kept, "check", "--fix")
    assert file.read_bytes() == raw.replace(b"/orders/order-status/", b"../orders/order-status.md")
    assert file.stat().st_mode & 0o777 == 0o640
    assert not list(file.parent.glob(".*"))


def test_only_what_is_asked_for_and_reported_is_mended(kept: Path, run: Run) -> None:
    run("--root", kept, "check", "--fix", kept / "articles/en/orders")
    assert "/orders/order-status/" in size(kept)
    with (kept / "pyproject.toml").open("a", encoding="utf-8") as settings:
        settings.write('\n[tool.kb.check]\nseverity = { link-not-a-file = "off" }\n')
    run("--root", kept, "check", "--fix")
    assert "/orders/order-status/" in size(kept)


def test_beside_a_report_for_machines_mends_are_told_apart(kept: Path, run: Run) -> None:
    code, out, err = run("--root", kept, "check", "--fix", "--format", "json")
    assert code == 0
    assert json.loads(out)["problems"] == []
    assert "mended articles/en/returns/size.md:5" in err


@pytest.mark.parametrize(
    "options", [["--dry-run"], ["--fix", "--dry-run", "--format", "json"], ["--fix", "--baseline"]]
)
def test_contradictions_are_refused(kept: Path, run: Run, options: list[str]) -> None:
    assert run("--root", kept, "check", *options)[0] == 2


PO = """msgid ""
msgstr ""
"Language: uk\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=UTF-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"X-Source: en\\n"

#. title · 000000
msgid "Swap a size"
msgstr "Обмін розміру"

#. paragraph · {id}
{flags}msgid "See [this](old.md), [that](/orders/order-status/)."
msgstr "Дивіться [це](old.md), [те]({target})."

"""


@pytest.mark.parametrize("flags", ["", "#, fuzzy\n"])
def test_translations_follow_and_stay_as_approved_as_they_were(kept: Path, run: Run, flags: str) -> None:
    source = "See [this](old.md), [that](/orders/order-status/)."
    file = kept / "articles/uk/returns/size.po"
    text = PO.format(id=memory.entry_id(source), flags=flags, target="/orders/order-status/")
    file.write_text(text, "utf-8")
    code, out, _ = run("--root", kept, "check", "--fix", "--strict")
    assert code == 0, out
    assert "articles/uk/returns/size.po: links follow their article" in out
    new = source.replace("/orders/order-status/", "../orders/order-status.md")
    expected = text.replace("/orders/order-status/", "../orders/order-status.md")
    assert file.read_text("utf-8") == expected.replace(memory.entry_id(source), memory.entry_id(new))
    known, _ = memory.read(file, language="uk", id="returns/size", root=kept)
    assert known is not None
    assert known.entries[1].state is (State.MACHINE if flags else State.REVIEWED)


def test_a_translation_with_links_of_its_own_is_left_alone(kept: Path, run: Run) -> None:
    file = kept / "articles/uk/returns/size.po"
    file.write_text(PO.format(id="000000", flags="", target="https://elsewhere.example"), "utf-8")
    before = file.read_bytes()
    run("--root", kept, "check", "--fix")
    assert size(kept).endswith("[that](../orders/order-status.md).")
    assert file.read_bytes() == before


def test_a_file_that_cannot_be_replaced_stays_whole(
    kept: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        run("--root", kept, "check", "--fix")
    assert size(kept) == LINKING.splitlines()[-1]
    assert not list((kept / "articles/en/returns").glob(".*"))


# ---------------------------------------------------------------- other sites


@pytest.fixture
def elsewhere(centre: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Answer]:
    """What other sites say, by address; the help centre links to one of them twice."""
    says = {"https://carrier.org/old": Answer("moved", "has moved for good", "https://carrier.org/new")}
    monkeypatch.setattr(check, "_asker", lambda: SimpleNamespace(ask=says.__getitem__))
    body = '[a](https://carrier.org/old#x "t") [b](https://carrier.org/old)\n'
    text = f"---\ntitle: Size\nquestions: [Q]\n---\n{body}"
    (centre / "articles/en/returns/size.md").write_text(text)
    return says


def test_other_sites_are_asked_only_online(centre: Path, elsewhere: dict[str, Answer], run: Run) -> None:
    assert run("--root", centre, "check", "--strict")[0] == 0
    code, out, err = run("--root", centre, "check", "--online", "--strict")
    assert code == 1
    assert out.count("external-link-moved") == 2
    assert "→ write https://carrier.org/new" in out
    assert "mends 2 of them" in err


def test_links_to_other_sites_follow_their_move(centre: Path, elsewhere: dict[str, Answer], run: Run) -> None:
    elsewhere["https://carrier.org/new"] = Answer("alive")
    code, out, _ = run("--root", centre, "check", "--online", "--fix", "--strict")
    assert code == 0, out
    assert size(centre) == '[a](https://carrier.org/new#x "t") [b](https://carrier.org/new)'
    assert run("--root", centre, "check", "--online", "--fix", "--strict")[:2] == (0, "")


def test_answers_can_be_judged_like_any_finding(centre: Path, elsewhere: dict[str, Answer], run: Run) -> None:
    with (centre / "pyproject.toml").open("a", encoding="utf-8") as settings:
        settings.write('\n[tool.kb.check]\nseverity = { external-link-moved = "error" }\n')
    assert run("--root", centre, "check", "--online")[0] == 1
    with (centre / "pyproject.toml").open("a", encoding="utf-8") as settings:
        settings.write('ignore_links = ["https://carrier.org/*"]\n')
    assert run("--root", centre, "check", "--online")[:2] == (0, "")


def test_without_a_network_one_note_is_all(centre: Path, elsewhere: dict[str, Answer], run: Run) -> None:
    elsewhere["https://carrier.org/old"] = Answer("unanswered", "could not be reached", reached=False)
    code, out, err = run("--root", centre, "check", "--online", "--strict")
    assert (code, out) == (0, "")
    assert "no other site could be reached" in err
