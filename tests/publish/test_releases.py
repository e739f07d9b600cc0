"""Releases in a web server's folder: one switch, five kept, a way back, and nothing foreign ever touched."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from kb.cli import main
from kb.errors import BuildError
from kb.publish import releases
from tests.publish.test_release import INDEX, ROOT, assert_whole, versions, write_site

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)

PUBLISHER = """
import sys
from pathlib import Path
from tests.publish.test_releases import make_site
from kb.publish import releases
site, target, number = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
while True:
    number += 1
    made = make_site(site / str(number), number)
    print(f"go {number}", flush=True)
    releases.publish(made, target, keep=3)
"""

HOLDER = """
import sys, time
from pathlib import Path
from kb.publish import releases
with releases._opened(Path(sys.argv[1]), site=Path("/nowhere/site")):
    print("holding", flush=True)
    time.sleep(600)
"""


def make_site(folder: Path, version: int) -> Path:
    folder.mkdir(parents=True)
    write_site(folder, version)
    return folder


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "www" / "help"


class Publisher:
    """``publisher(7)`` publishes a site whose pages all say 7, an hour after the one before."""

    def __init__(self, folder: Path, target: Path) -> None:
        self.folder, self.target, self.now = folder, target, NOON

    def __call__(self, version: int, keep: int = 5) -> releases.Release:
        self.now += timedelta(hours=1)
        site = make_site(self.folder / f"{version}-{self.now:%H%M}", version)
        return releases.publish(site, self.target, keep=keep, commit=f"{version:010x}", now=self.now)


@pytest.fixture
def publisher(tmp_path: Path, target: Path) -> Publisher:
    return Publisher(tmp_path / "built", target)


def served(target: Path) -> str:
    found = versions((target / "current").resolve())
    assert_whole(found)
    return found[0]


def commits(target: Path) -> list[str]:
    return [each.commit.lstrip("0") for each in releases.releases(target)]


def test_first_release_is_served_through_a_relative_link(publisher: Publisher, target: Path) -> None:
    release = publisher(1)
    assert served(target) == "1"
    assert release.name == "20261121T130000Z-0000000001"
    assert os.readlink(target / "current") == f"releases/{release.name}"
    assert sorted(entry.name for entry in target.iterdir()) == [releases.MARKER, "current", "releases"]


def test_last_five_are_kept(publisher: Publisher, target: Path) -> None:
    for version in range(1, 8):
        publisher(version)
    assert served(target) == "7"
    assert commits(target) == ["3", "4", "5", "6", "7"]


def test_rollback_goes_back_one_release_at_a_time(publisher: Publisher, target: Path) -> None:
    for version in (1, 2, 3):
        publisher(version)
    assert releases.rollback(target).commit.lstrip("0") == "2"
    assert served(target) == "2"
    releases.rollback(target)
    assert served(target) == "1"
    with pytest.raises(BuildError, match="no release before"):
        releases.rollback(target)
    assert served(target) == "1"


def test_rollback_never_returns_to_a_release_that_was_rolled_back(publisher: Publisher, target: Path) -> None:
    publisher(1)
    publisher(2)
    releases.rollback(target)
    publisher(3)
    releases.rollback(target)
    assert served(target) == "1"
    assert [each.withdrawn for each in releases.releases(target)] == [False, True, True]


def test_release_that_is_served_is_never_removed(publisher: Publisher, target: Path) -> None:
    publisher(1)
    for version in range(2, 5):
        publisher(version)
    for _ in range(3):
        releases.rollback(target)
    (target / "releases" / f"{releases._UNFINISHED}x").mkdir()
    releases._prune(target, keep=1)
    assert served(target) == "1"
    assert commits(target) == ["1", "4"]
    assert not list((target / "releases").glob("20261121T14*"))


def test_clock_that_was_set_back_does_not_change_the_order(publisher: Publisher, target: Path) -> None:
    publisher(1)
    publisher.now -= timedelta(days=2)
    publisher(2)
    publisher.now = NOON + timedelta(hours=0)
    publisher(3)
    assert served(target) == "3"
    assert commits(target) == ["1", "2", "3"]
    releases.rollback(target)
    assert served(target) == "2"


def test_unchanged_files_are_shared_and_keep_their_time(
    publisher: Publisher, target: Path, tmp_path: Path
) -> None:
    first = make_site(tmp_path / "a", 1)
    (first / "same.css").write_text("body {}")
    os.utime(first / "same.css", (1, 1))
    second = make_site(tmp_path / "b", 2)
    (second / "same.css").write_text("body {}")
    one = releases.publish(first, target, now=NOON)
    two = releases.publish(second, target, now=NOON + timedelta(hours=1))
    old, new = target / "releases" / one.name / "same.css", target / "releases" / two.name / "same.css"
    assert old.stat().st_ino == new.stat().st_ino
    assert new.stat().st_mtime == 1
    assert (target / "releases" / one.name / "index.html").read_text() == INDEX.format(1)


def test_file_systems_without_hard_links_get_copies(
    publisher: Publisher, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError("not supported")

    monkeypatch.setattr(os, "link", refuse)
    publisher(1)
    publisher(1)
    assert served(target) == "1"


@pytest.mark.parametrize("what", ["file in it", "site", "file", "dangling link", "current is a folder"])
def test_foreign_folders_are_refused_and_left_as_they_are(
    publisher: Publisher, target: Path, tmp_path: Path, what: str
) -> None:
    target.parent.mkdir(parents=True)
    if what == "file":
        target.write_text("mine")
    elif what == "dangling link":
        target.symlink_to(tmp_path / "gone")
    elif what == "site":
        make_site(target, 9)
    else:
        target.mkdir()
        (target / "photo.jpg").write_text("mine")
    if what == "current is a folder":
        (target / releases.MARKER).write_text("BabelFAQ releases, format 1\n")
        (target / "current").mkdir()
    before = sorted(str(path) for path in target.parent.rglob("*"))
    with pytest.raises(BuildError):
        publisher(1)
    assert sorted(str(path) for path in target.parent.rglob("*")) == before


def test_folder_of_a_later_version_is_refused(publisher: Publisher, target: Path) -> None:
    publisher(1)
    (target / releases.MARKER).write_text("BabelFAQ releases, format 2\n")
    with pytest.raises(BuildError, match="another version"):
        publisher(2)


def test_unfinished_site_and_nested_folders_are_refused(tmp_path: Path, target: Path) -> None:
    (tmp_path / "site").mkdir()
    with pytest.raises(BuildError, match="no whole site"):
        releases.publish(tmp_path / "site", target)
    site = make_site(tmp_path / "built", 1)
    with pytest.raises(BuildError, match="one in the other"):
        releases.publish(site, site / "en" / "releases")
    with pytest.raises(BuildError, match="nothing was published"):
        releases.rollback(target)
    assert not target.exists()


def test_full_disk_leaves_the_release_that_is_served(
    publisher: Publisher, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publisher(1)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("shutil.copy2", full)
    with pytest.raises(BuildError, match=r"No space left.*still served"):
        publisher(2)
    assert served(target) == "1"
    assert [entry.name for entry in (target / "releases").iterdir()] == ["20261121T130000Z-0000000001"]


def test_second_process_is_told_to_wait(publisher: Publisher, target: Path) -> None:
    publisher(1)
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(target)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout
    try:
        assert holder.stdout.readline() == "holding\n"
        with pytest.raises(BuildError, match="another process"):
            publisher(2)
    finally:
        holder.kill()
        holder.wait()
    publisher(2)
    assert served(target) == "2"


def test_killed_at_any_moment_one_whole_release_is_served(tmp_path: Path, target: Path) -> None:
    rng = random.Random(5)
    releases.publish(make_site(tmp_path / "first", 0), target)
    number = 0
    for round in range(12):
        process = subprocess.Popen(
            [sys.executable, "-c", PUBLISHER, str(tmp_path / f"sites-{round}"), str(target), str(number)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout
        number = int(process.stdout.readline().split()[1])
        time.sleep(rng.uniform(0, 0.12))
        process.send_signal(signal.SIGKILL)
        process.wait()
        found = versions((target / "current").resolve())
        assert_whole(found)
        for release in releases.releases(target):
            assert_whole(versions(target / "releases" / release.name))
        number = int(found[0]) + 50
    releases.publish(make_site(tmp_path / "last", 9999), target, keep=3)
    assert served(target) == "9999"
    assert not list((target / "releases").glob(".*"))
    assert not list(target.glob(".current-*"))
    assert len(releases.releases(target)) <= 3


# ---------------------------------------------------------------- the command


@pytest.fixture
def centre(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text('[tool.kb]\nlanguages = ["en"]\n')
    make_site(tmp_path / "site", 1)
    return tmp_path


def test_command_publishes_and_rolls_back(
    centre: Path, target: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--root", str(centre), "publish", str(target)]) == 0
    assert f"published {releases.releases(target)[0].name}" in capsys.readouterr().err
    assert main(["--root", str(centre), "publish", str(target)]) == 0
    assert f"kb publish {target} --rollback" in capsys.readouterr().err
    assert main(["--root", str(centre), "publish", str(target), "--rollback", "--format", "json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["version"] == 1
    assert [each["current"] for each in report["releases"]] == [True, False]
    assert report["release"] == report["releases"][0]
    assert main(["--root", str(centre), "publish", str(target), "--rollback"]) == 1
    assert "no release before" in capsys.readouterr().err


def test_command_names_the_commit(centre: Path, target: Path) -> None:
    git = ["git", "-c", "user.name=A", "-c", "user.email=a@shop.example"]
    subprocess.run([*git, "init", "-q"], cwd=centre, check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "First"], cwd=centre, check=True)
    assert main(["--root", str(centre), "publish", str(target)]) == 0
    head = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=centre, capture_output=True, text=True, check=True
    )
    assert releases.releases(target)[0].commit == head.stdout[:10]


def test_command_refuses_what_was_put_into_the_site(
    centre: Path, target: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (centre / "site" / ".env").write_text("PASSWORD=secret")
    assert main(["--root", str(centre), "publish", str(target)]) == 1
    assert "output-forbidden" in capsys.readouterr().err
    assert not target.exists()


def test_keep_wants_a_number(centre: Path, target: Path) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["--root", str(centre), "publish", str(target), "--keep", "0"])
