"""`kb translate`, `kb status`, `kb review` and `kb models` as people run them."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from kb.cli.console import Console
from kb.cli.review import edited, side_by_side
from kb.errors import ConfigError
from kb.language import argos
from kb.language.memory import Entry, State
from tests.language.test_argos import MODEL
from tests.language.translating import RETURNS, entry, po, write

pytestmark = pytest.mark.skipif(not argos.is_available(), reason="the extra 'argos' is not installed")

NO_NETWORK = """
import socket

def refuse(*args, **kwargs):
    raise OSError("this test has no network")

socket.socket.connect = socket.socket.connect_ex = refuse
socket.getaddrinfo = socket.create_connection = refuse
"""
"""As `sitecustomize`, every Python process of a command begins with it, those of the engines too."""

NO_LIBRARIES = """
import importlib.util

found = importlib.util.find_spec
libraries = {"ctranslate2", "sentencepiece", "sentencex", "fxtranslate"}
importlib.util.find_spec = lambda name, package=None: None if name in libraries else found(name, package)
"""
"""Added to it, a command finds none of the engines' libraries."""

PATIENCE_S = 300

INTERRUPTED = """
import os, signal, sys
written = []
def interrupt(event, details):
    if event == "os.rename" and os.fsdecode(details[1]).endswith(".po"):
        written.append(details[1])
        if len(written) == 2:
            os.killpg(0, signal.SIGINT)
sys.addaudithook(interrupt)
"""
"""Put before a command, somebody presses Ctrl-C in its terminal when it has kept one article and is about to keep the
next: seen from outside, a fast machine may be done by then."""

COMMANDS = "import sys, kb.cli\nkb.cli.COMMANDS = ('translate', 'review', 'models')\nsys.exit(kb.cli.main())"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A help centre in English, to be translated into Portuguese, with the small real model."""
    write(tmp_path, en__returns__how=RETURNS, en__payment__ways=RETURNS.replace("return", "send"))
    (tmp_path / "pyproject.toml").write_text('[tool.kb]\nlanguages = ["en", "pt"]\n')
    (tmp_path / "blocked").mkdir()
    (tmp_path / "blocked" / "sitecustomize.py").write_text(NO_NETWORK)
    return tmp_path


def environment(root: Path) -> dict[str, str]:
    path = os.pathsep.join([str(root / "blocked"), *sys.path])
    return {"PATH": "/usr/bin:/bin", "HOME": str(root / "home"), "PYTHONPATH": path}


def kb(root: Path, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    """A command in a process of its own, without a network."""
    done = subprocess.run(
        [sys.executable, "-c", COMMANDS, "--root", str(root), *arguments],
        capture_output=True,
        text=True,
        env=environment(root),
        cwd=root,
        stdin=subprocess.DEVNULL,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done


def files(root: Path) -> dict[str, bytes]:
    return {f.relative_to(root).as_posix(): f.read_bytes() for f in sorted((root / "articles").rglob("*.po"))}


def test_from_a_model_file_to_reviewed_articles_without_a_network(shop: Path) -> None:
    kb(shop, "models", "install", str(MODEL))
    (listed,) = json.loads(kb(shop, "models", "list", "--format", "json").stdout)["models"]
    assert (listed["model"], listed["from"], listed["to"], listed["pinned"]) == (
        "argos/translate-en_pt-0.1",
        "en",
        "pt",
        True,
    )

    planned = json.loads(kb(shop, "translate", "--dry-run", "--format", "json").stdout)["languages"]["pt"]
    assert (planned["segments_to_translate"], planned["articles"]) == (9, 2)
    assert planned["routes"][0]["route"] == "en→pt (argos)"
    assert planned["seconds"] > 0
    assert files(shop) == {}

    report = json.loads(kb(shop, "translate", "--format", "json").stdout)
    assert report["files"] == ["articles/pt/payment/ways.po", "articles/pt/returns/how.po"]
    assert report["segments_translated"] == 9
    found = entry(shop, "Send the goods back")
    assert found.engine == "argos/translate-en_pt-0.1"
    assert "14 dias" in found.text

    before = files(shop)
    assert "nothing changed" in kb(shop, "translate", "pt").stderr
    assert files(shop) == before
    assert json.loads(kb(shop, "translate", "--dry-run", "--format", "json").stdout)["languages"]["pt"][
        "segments_to_translate"
    ] == 0  # fmt: skip

    kb(shop, "review", "pt", "--approve", "returns/how")
    assert {e.state for e in po(shop).entries} <= {State.REVIEWED, State.MISSING}
    name = json.loads(kb(shop, "review", "pt", "--format", "json").stdout)["entries"][0]["name"]
    assert name.startswith("payment/ways#")
    kb(shop, "review", "pt", "--approve", name)
    status = json.loads(kb(shop, "status", "--format", "json").stdout)["languages"]["pt"]
    assert sum(status["articles"].values()) == 2
    assert status["segments"]["reviewed"] >= len(po(shop).entries) - 1


def test_status_is_a_table(shop: Path) -> None:
    lines = kb(shop, "status").stdout.splitlines()
    assert [line.split() for line in lines] == [
        ["written", "reviewed", "machine", "stale", "missing", "held", "back"],
        ["en", "2", "0", "0", "0", "0", "0"],
        ["pt", "0", "0", "0", "0", "2", "0"],
    ]


def test_without_an_engine_the_language_is_named_and_nothing_written(shop: Path) -> None:
    done = kb(shop, "translate")
    assert "9 segments wait for a translation from 'en'" in done.stderr
    assert "kb models install en-pt" in done.stderr
    kb(shop, "translate", "pt", code=1)
    assert files(shop) == {}


def test_without_any_engine_the_extras_are_named(shop: Path) -> None:
    hidden = shop / "blocked" / "sitecustomize.py"
    hidden.write_text(hidden.read_text() + NO_LIBRARIES)
    for command in (["translate"], ["translate", "--dry-run"]):
        error = kb(shop, *command).stderr + kb(shop, *command).stdout
        assert "no engine is installed at all" in error
        for engine in ("argos", "firefox", "apertium"):
            assert f"pip install 'babelfaq[{engine}]'" in error
    assert "pip install 'babelfaq[argos]', then kb models install en-pt" in (
        kb(shop, "translate", "pt", "--engine", "argos", code=1).stderr
    )
    assert "babelfaq[firefox]" in kb(shop, "models", "calibrate", code=2).stderr
    assert files(shop) == {}


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["translate", "xx"], 2, "'xx' is not a language here"),
        (["review", "xx"], 2, "'xx' is not a language here"),
        (["review", "pt", "--approve", "returns/who"], 2, "has no translation in 'pt'"),
        (["models", "install", "nothing.argosmodel"], 1, "there is no file"),
        (["models", "install", "en-pt"], 1, "cannot be loaded"),
        (["models", "remove", "argos/x"], 2, "there is no model 'argos/x'"),
        (["models", "calibrate"], 2, "there is no model to calibrate"),
        (["models", "calibrate", "english"], 2, "'english' is not a pair"),
    ],
)
def test_wrong_use_says_what_is_wrong(shop: Path, arguments: list[str], code: int, message: str) -> None:
    assert message in kb(shop, *arguments, code=code).stderr


def test_a_damaged_model_stops_the_run_with_its_name(shop: Path) -> None:
    kb(shop, "models", "install", str(MODEL))
    file = shop / "models" / "argos" / "translate-en_pt-0.1" / "model" / "model.bin"
    file.write_bytes(file.read_bytes()[:-1])
    assert "argos/translate-en_pt-0.1 is not the pinned one" in kb(shop, "translate", "pt", code=1).stderr
    assert files(shop) == {}


def test_a_file_with_a_conflict_is_named_and_left_alone(shop: Path) -> None:
    file = shop / "articles" / "pt" / "returns" / "how.po"
    file.parent.mkdir(parents=True)
    file.write_text('msgid ""\nmsgstr ""\n\n<<<<<<< HEAD\nmsgid "a"\nmsgstr "b"\n')
    before = file.read_bytes()
    kb(shop, "models", "install", str(MODEL))
    done = kb(shop, "translate", "pt", code=1)
    assert "articles/pt/returns/how.po" in done.stderr
    assert "4: error an unresolved merge conflict" in done.stderr
    assert file.read_bytes() == before
    assert (shop / "articles" / "pt" / "payment" / "ways.po").exists()


def test_ctrl_c_keeps_what_is_done_and_leaves_no_process(shop: Path) -> None:
    kb(shop, "models", "install", str(MODEL))
    for number in range(24):
        text = RETURNS + "\n\n".join(f"The {number}th shelf has place for {n} lamps." for n in range(12))
        write(shop, **{f"en__shelves__s{number}": text})
    process = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED + COMMANDS, "--root", str(shop), "translate", "pt"],
        env=environment(shop),
        cwd=shop,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    _, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130, errors
    kept = files(shop)
    assert 0 < len(kept) < 26
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)
    kb(shop, "translate", "pt")
    assert len(files(shop)) == 26
    assert {name: data for name, data in files(shop).items() if name in kept} == kept


def test_two_runs_at_once_do_each_segment_once(shop: Path) -> None:
    kb(shop, "models", "install", str(MODEL))
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", COMMANDS, "--root", str(shop), "translate", "--format", "json"],
            env=environment(shop),
            cwd=shop,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        for _ in range(2)
    ]
    reports = [json.loads(process.communicate(timeout=PATIENCE_S)[0]) for process in runs]
    assert sorted(report["segments_translated"] for report in reports) == [0, 9]
    assert len(files(shop)) == 2


# --- the reviewer's terminal ---


def test_source_and_translation_stand_side_by_side() -> None:
    assert side_by_side("one two three", "um\ndois", 15) == ["one    │ um", "two    │ dois", "three  │"]


def test_the_reviewers_editor_gives_the_new_text(tmp_path: Path) -> None:
    editor = tmp_path / "editor"
    editor.write_text("#!/bin/sh\nsed -i 's/velho/novo/' \"$1\"\n")
    editor.chmod(0o755)
    assert edited(Entry("Old <!-- x -->", "Texto velho\nem duas linhas"), {"EDITOR": str(editor)}) == (
        "Texto novo\nem duas linhas"
    )


@pytest.mark.parametrize("editor", ["false", "no-such-editor"])
def test_what_a_failed_editor_leaves_is_no_decision(editor: str) -> None:
    with pytest.raises(ConfigError) as refused:
        edited(Entry("Old", "Texto velho"), {"EDITOR": editor})
    assert editor in refused.value.message


def test_a_review_saves_each_decision(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from kb import cli
    from kb.cli import review

    kb(shop, "models", "install", str(MODEL))
    kb(shop, "translate", "pt")
    monkeypatch.setattr(cli, "COMMANDS", ("review",))
    monkeypatch.setattr(review, "interactive", lambda: True)
    decisions = iter(["a", "?", "e", "Um texto novo", "y", "s", "q"])
    monkeypatch.setattr("builtins.input", lambda prompt="": next(decisions))
    monkeypatch.delenv("EDITOR", raising=False)
    monkeypatch.delenv("VISUAL", raising=False)
    args = cli.parser().parse_args(["--root", str(shop), "review", "pt", "--article", "returns"])
    err = io.StringIO()
    assert args.run(args, Console(io.StringIO(), err, {})) == 0
    assert [e.state is State.REVIEWED for e in po(shop).entries if e.text][:3] == [True, True, False]
    assert "Um texto novo" in [e.text for e in po(shop).entries]
    assert "2 decided" in err.getvalue()


def test_help_loads_no_engine() -> None:
    heavy = ("ctranslate2", "sentencepiece", "fxtranslate", "sentencex", "mkdocs")
    code = (
        "import sys, kb.cli\n"
        "kb.cli.COMMANDS = ('translate', 'review', 'models')\n"
        "kb.cli.parser()\n"
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
