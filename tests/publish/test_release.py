"""Publishing: the site is whole at every moment, and nothing else is ever deleted."""

import errno
import os
import random
import resource
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from kb.errors import BuildError
from kb.publish import release
from kb.publish.release import GENERATOR

PAGES = 30
INDEX = f'<!doctype html><meta name="generator" content="{GENERATOR}"><p>version {{}}</p>'

PUBLISHER = """
import sys
from pathlib import Path
from tests.publish.test_release import write_site
from kb.publish import release
output, number = Path(sys.argv[1]), int(sys.argv[2])
while True:
    with release.staging(output) as site:
        write_site(site, number)
        release.publish(site, output)
    number += 1
    print(number, flush=True)
"""

HOLDER = """
import sys, time
from pathlib import Path
from kb.publish import release
with release.staging(Path(sys.argv[1])) as site:
    (site / "half").write_text("half a page")
    print("building", flush=True)
    time.sleep(600)
"""

ROOT = Path(__file__).parents[2]


def write_site(site: Path, version: int) -> None:
    """A site of ``PAGES`` pages that all name ``version``."""
    (site / "index.html").write_text(INDEX.format(version))
    for number in range(PAGES - 1):
        page = site / "en" / f"page-{number}" / "index.html"
        page.parent.mkdir(parents=True)
        page.write_text(f"<p>version {version}</p>" + "x" * 3000 + f"<p>version {version}</p>")


def publish_version(output: Path, version: int) -> None:
    with release.staging(output) as site:
        write_site(site, version)
        release.publish(site, output)


def build(output: Path, *steps: Callable[[Path], object]) -> None:
    """One build that takes ``steps`` with its folder, and then publishes."""
    with release.staging(output) as site:
        for step in steps:
            step(site)
        release.publish(site, output)


def versions(folder: Path | int) -> list[str]:
    """What each page below ``folder`` (a path, or a descriptor of one) says at its beginning and at its end."""
    found = []
    for _, _, files, at in os.fwalk(".", dir_fd=folder) if isinstance(folder, int) else os.fwalk(folder):
        for name in files:
            descriptor = os.open(name, os.O_RDONLY, dir_fd=at)
            with open(descriptor, encoding="utf-8") as page:
                text = page.read()
            found += [part.partition("<")[0] for part in text.split("version ")[1:]]
    return found


def assert_whole(found: list[str]) -> None:
    assert len(set(found)) == 1, f"pages of versions {sorted(set(found))} are mixed"
    assert len(found) == 2 * PAGES - 1, f"{len(found)} of {2 * PAGES - 1} marks are there"


def start(script: str, *args: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", script, *map(str, args)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path / "www" / "site"


def test_first_release_makes_the_folder_and_leaves_nothing_beside_it(output: Path) -> None:
    publish_version(output, 1)
    assert_whole(versions(output))
    assert [p.name for p in output.parent.iterdir()] == ["site"]


def test_next_release_replaces_every_page(output: Path) -> None:
    publish_version(output, 1)
    (output / "en" / "stale.html").write_text("<p>version 1</p>")
    publish_version(output, 2)
    assert set(versions(output)) == {"2"}
    assert not (output / "en" / "stale.html").exists()
    assert [p.name for p in output.parent.iterdir()] == ["site"]


def test_build_that_fails_leaves_the_site_and_no_leftovers(output: Path) -> None:
    publish_version(output, 1)
    with pytest.raises(ZeroDivisionError):
        build(output, lambda site: (site / "index.html").write_text("half"), lambda site: 1 // 0)
    assert_whole(versions(output))
    assert [p.name for p in output.parent.iterdir()] == ["site"]


def test_empty_folder_is_filled(output: Path) -> None:
    output.mkdir(parents=True)
    publish_version(output, 1)
    assert_whole(versions(output))


def test_mode_of_the_folder_stays(output: Path) -> None:
    publish_version(output, 1)
    output.chmod(0o751)
    publish_version(output, 2)
    assert stat.S_IMODE(output.stat().st_mode) == 0o751


def test_output_behind_a_symbolic_link_is_replaced_where_it_lies(output: Path, tmp_path: Path) -> None:
    publish_version(output, 1)
    link = tmp_path / "current"
    link.symlink_to(output)
    publish_version(link, 2)
    assert link.is_symlink()
    assert set(versions(output)) == {"2"}


@pytest.mark.parametrize("path", ["thesis.txt", "index.html", ".git/config"])
def test_folder_of_something_else_is_refused_and_untouched(output: Path, path: str) -> None:
    work = output / path
    work.parent.mkdir(parents=True)
    work.write_text("three years of work")
    with pytest.raises(BuildError, match="something else"), release.staging(output):
        pytest.fail("a build began")
    assert work.read_text() == "three years of work"
    assert [p.name for p in output.parent.iterdir()] == ["site"]


def test_folder_that_someone_filled_during_the_build_is_refused(output: Path) -> None:

    def fill(site: Path) -> None:
        write_site(site, 1)
        output.mkdir()
        (output / "thesis.txt").write_text("three years of work")

    with pytest.raises(BuildError, match="something else"):
        build(output, fill)
    assert (output / "thesis.txt").read_text() == "three years of work"


def test_file_in_place_of_the_output_is_refused(output: Path) -> None:
    output.parent.mkdir()
    output.write_text("a file")
    with pytest.raises(BuildError, match="is a file"), release.staging(output):
        pytest.fail("a build began")


def test_half_a_site_is_not_published(output: Path) -> None:
    publish_version(output, 1)
    with pytest.raises(BuildError, match="not a whole site"):
        build(output, lambda site: (site / "en").mkdir())
    assert_whole(versions(output))


def test_second_build_in_the_same_process_is_refused(output: Path) -> None:
    with (
        release.staging(output) as site,
        pytest.raises(BuildError, match=f"another build .*{os.getpid()}"),
        release.staging(output),
    ):
        pytest.fail("a second build began")
    with release.staging(output) as site:
        assert site.is_dir()


def test_second_process_is_refused_until_the_first_ends(output: Path) -> None:
    first = start(HOLDER, output)
    try:
        assert first.stdout is not None
        first.stdout.readline()
        with pytest.raises(BuildError, match=f"another build .*{first.pid}"), release.staging(output):
            pytest.fail("a second build began")
    finally:
        first.kill()
        first.wait()
    assert list(output.parent.rglob("half")), "the killed build left nothing to clear"
    publish_version(output, 1)
    assert_whole(versions(output))
    assert [p.name for p in output.parent.iterdir()] == ["site"]


def test_lock_ends_with_the_build_although_its_workers_live_on(output: Path) -> None:
    forked = HOLDER.replace(
        'print("building"', "import os\n    worker = os.fork()\n    worker and print(worker"
    )
    first = start(forked, output)
    assert first.stdout is not None
    worker = int(first.stdout.readline().split()[0])
    try:
        first.kill()
        first.wait()
        publish_version(output, 1)
        assert_whole(versions(output))
    finally:
        os.kill(worker, signal.SIGKILL)


@pytest.fixture
def without_exchange(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a file system that cannot let two folders change places."""
    monkeypatch.setattr(release, "_exchange_call", lambda one, other: errno.EINVAL)


@pytest.mark.usefixtures("without_exchange")
def test_without_exchange_two_renames_publish(output: Path) -> None:
    publish_version(output, 1)
    publish_version(output, 2)
    assert_whole(versions(output))
    assert set(versions(output)) == {"2"}
    assert [p.name for p in output.parent.iterdir()] == ["site"]


@pytest.mark.usefixtures("without_exchange")
def test_B16_build_killed_between_two_renames_is_mended_by_the_next(
    output: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_version(output, 1)

    real = Path.rename
    workspace = output.with_name(".site.kb-build")

    def second_is_killed(source: Path, target: Path) -> Path:
        if target == output:
            raise KeyboardInterrupt
        return real(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", second_is_killed)
        # A killed build clears nothing.
        patch.setattr(release, "_clear", lambda folder: None)
        with pytest.raises(KeyboardInterrupt):
            build(output, lambda site: write_site(site, 2))
    assert not output.exists()
    assert (workspace / "previous").is_dir()
    with release.staging(output):
        assert_whole(versions(output))
        assert set(versions(output)) == {"1"}


def test_without_syncfs_every_file_and_folder_is_synced(
    output: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    real = release._sync_path
    monkeypatch.setattr(release, "_sync_file_system", lambda folder: False)
    monkeypatch.setattr(release, "_sync_path", lambda path, mode: (synced.append(path), real(path, mode)))
    publish_version(output, 1)
    assert len([path for path in synced if path.endswith("index.html")]) == PAGES
    assert len({path for path in synced if path.rpartition("/")[2].startswith("page-")}) == PAGES - 1
    assert synced[-2:] == [str(output.parent), str(output.with_name(".site.kb-build"))]


def test_output_that_cannot_be_replaced_is_told_and_stays(
    output: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_version(output, 1)
    monkeypatch.setattr(release, "_exchange_call", lambda one, other: errno.EBUSY)
    with pytest.raises(BuildError, match="cannot be replaced") as error:
        publish_version(output, 2)
    assert "mount point" in error.value.hint
    assert set(versions(output)) == {"1"}


def test_exchange_is_one_system_call(output: Path) -> None:
    """Where this fails, the tests of kills below prove less than they say."""
    publish_version(output, 1)
    other = output.with_name("other")
    other.mkdir()
    number = release._exchange_call(os.fsencode(output), os.fsencode(other))
    if number in release._NO_EXCHANGE:
        pytest.skip(f"this system or file system cannot exchange folders: {os.strerror(number)}")
    assert number == 0
    assert_whole(versions(other))
    assert list(output.iterdir()) == []


def test_B16_site_is_whole_wherever_a_build_is_killed(output: Path) -> None:
    """A process publishes version after version and is killed at moments spread over a whole build."""
    publish_version(output, 0)
    moments = random.Random(16)
    seen = set()
    for round_number in range(12):
        publisher = start(PUBLISHER, output, 1000 * (round_number + 1))
        try:
            assert publisher.stdout is not None
            publisher.stdout.readline()
            time.sleep(moments.uniform(0, 0.03))
        finally:
            publisher.kill()
            publisher.wait()
        found = versions(output)
        assert_whole(found)
        seen |= set(found)
    assert len(seen) == 12, "the publisher did not get to publish"
    publish_version(output, 1)
    assert [p.name for p in output.parent.iterdir()] == ["site"]


def test_B16_reader_always_sees_one_version(output: Path) -> None:
    """While versions are published one after another, a walk that began in a site finds it whole."""
    publish_version(output, 0)
    publisher = start(PUBLISHER, output, 1)
    whole = set()
    try:
        while len(whole) < 15:
            assert publisher.poll() is None, "the publisher died"
            whole |= read_once(output)
    finally:
        publisher.kill()
        publisher.wait()


def read_once(output: Path) -> set[str]:
    """The version a reader sees; nothing when the site was replaced, and its folder deleted, while reading."""
    folder = os.open(output, os.O_RDONLY)
    try:
        found = versions(folder)
        same = os.path.samestat(os.fstat(folder), os.stat(output))
    except FileNotFoundError:
        same = os.path.samestat(os.fstat(folder), os.stat(output))
        assert not same, "a page of the published site is missing"
    finally:
        os.close(folder)
    if same:
        assert_whole(found)
    return set(found) if same else set()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("only root can mount a small file system here")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_B16_full_disk_leaves_the_old_site(small_disk: Path) -> None:
    output = small_disk / "site"
    publish_version(output, 1)
    with pytest.raises(BuildError, match="no room to write the site") as error:
        build(output, lambda site: (site / "large").write_bytes(b"x" * 2_000_000))
    assert "second copy" in error.value.hint
    assert_whole(versions(output))
    assert [p.name for p in small_disk.iterdir()] == ["site"]
    publish_version(output, 3)
    assert set(versions(output)) == {"3"}


def test_B16_refused_write_leaves_the_old_site(output: Path) -> None:
    publish_version(output, 1)
    script = PUBLISHER.replace("output, number", "import resource\noutput, number", 1).replace(
        "while True:", "resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))\nwhile True:"
    )
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[1] == resource.RLIM_INFINITY
    command = [sys.executable, "-c", script, str(output), "2"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert "BuildError: no room to write the site" in run.stderr
    assert_whole(versions(output))
    assert set(versions(output)) == {"1"}
    assert [p.name for p in output.parent.iterdir()] == ["site"]


@pytest.mark.parametrize(
    "path",
    [
        ".env", "en/.env.local", ".git/HEAD", "data.sqlite", "kb.sqlite-wal", "build.log", "pyproject.toml",
        "mkdocs.yml", "assets/site.py", "en/returns/size.po", "en/returns/size.md", "server.key", "en/page.html~",
        "id_rsa",
    ],
)  # fmt: skip
def test_B17_forbidden_file_is_found(tmp_path: Path, path: str) -> None:
    write_site(tmp_path, 1)
    assert release.scan(tmp_path) == ()
    file = tmp_path / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("secret")
    found = [(p.code, p.severity, p.path) for p in release.scan(tmp_path)]
    assert found == [("output-forbidden", "error", ".git" if ".git" in path else path)]


def test_B17_link_out_of_the_site_is_found(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "etc").symlink_to("/etc")
    (tmp_path / "site" / "hosts.txt").symlink_to("/etc/hosts")
    assert [p.path for p in release.scan(tmp_path / "site")] == ["etc", "hosts.txt"]


def test_B17_path_of_the_machine_is_found_with_its_line(tmp_path: Path) -> None:
    write_site(tmp_path, 1)
    page = tmp_path / "en" / "page-3" / "index.html"
    page.write_text('<p>\n<a href="file:///home/ann/help/articles/en/x.md">')
    machine = [Path("/home/ann/help"), Path("/app")]
    found = release.scan(tmp_path, machine_paths=machine)
    assert [(p.code, p.path, p.line) for p in found] == [("output-machine-path", "en/page-3/index.html", 2)]
    assert "/home/ann/help" in found[0].message


def test_B17_addresses_that_look_like_paths_are_no_finding(tmp_path: Path) -> None:
    write_site(tmp_path, 1)
    page = tmp_path / "index.html"
    page.write_text(
        '<a href="https://oselya.example/home/ann/help/"><a href="/app/"><p>/home/ann/helpers, C:/home/ann/help'
    )
    assert release.scan(tmp_path, machine_paths=[Path("/home/ann/help"), Path("/app")]) == ()


def test_only_named_files_are_looked_at_with_their_folders(tmp_path: Path) -> None:
    for name in ("en/page.html", "en/.git/config", "en/dump.sql", "secret.key"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    named = ["en/page.html", "en/.git/config", "en/dump.sql"]
    assert [p.path for p in release.scan(tmp_path, only=named)] == ["en/.git", "en/dump.sql"]


def test_former_site_is_kept_for_the_next_build_and_brought_up_to_date(output: Path) -> None:
    kept: list[Path] = []
    for number in (1, 2, 3):
        with release.staging(output, reuse=True) as site:
            before = versions(site)
            for page in site.rglob("*.html"):
                page.unlink()
            for folder in sorted(site.rglob("*"), reverse=True):
                folder.rmdir()
            write_site(site, number)
            release.publish(site, output, keep=kept.append)
        assert set(versions(output)) == {str(number)}
        assert set(before) == ({str(number - 2)} if number > 2 else set())
    assert len(kept) == 3
    publish_version(output, 4)
    assert [p.name for p in output.parent.iterdir()] == ["site"], "a build without reuse left the former site"


def test_former_site_is_removed_when_it_cannot_be_brought_up_to_date(output: Path) -> None:
    def no_more_links(folder: Path) -> None:
        raise OSError(errno.EMLINK, "Too many links")

    with release.staging(output, reuse=True) as site:
        write_site(site, 1)
        release.publish(site, output, keep=no_more_links)
    assert_whole(versions(output))
    assert [p.name for p in output.parent.iterdir()] == ["site"]


def test_build_that_fails_leaves_the_former_site_to_the_next(output: Path) -> None:
    with release.staging(output, reuse=True) as site:
        write_site(site, 1)
        release.publish(site, output, keep=lambda folder: write_site(folder, 0))
    with suppress(ZeroDivisionError), release.staging(output, reuse=True) as site:
        assert set(versions(site)) == {"0"}
        _ = 1 // 0
    with release.staging(output, reuse=True) as site:
        assert set(versions(site)) == {"0"}
