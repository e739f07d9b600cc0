"""What ``kb init`` writes to check and publish a help centre: valid, and its shell steps are run here as they are."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from kb import __version__
from kb.content import starter
from kb.publish import releases

BIN = Path(sys.executable).parent
REPOSITORY = Path(__file__).parent.parent
GITHUB = ".github/workflows/help-centre.yml"
GITLAB = ".gitlab-ci.yml"

Run = subprocess.CompletedProcess[str]


def tool(name: str) -> str:
    found = shutil.which(name, path=f"{BIN}:{os.environ['PATH']}")
    if not found:
        pytest.skip(f"{name} is not installed")
    return found


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A help centre as ``kb init`` writes it, in git."""
    folder = tmp_path_factory.mktemp("origin") / "help"
    subprocess.run([BIN / "kb", "init", folder, "--languages", "en", "--name", "Oselya"], check=True)
    git = ["git", "-C", folder, "-c", "user.name=Editor", "-c", "user.email=editor@shop.example"]
    subprocess.run([*git, "init", "-q", "-b", "main"], check=True)
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "-q", "-m", "Begin"], check=True)
    return folder


@pytest.fixture
def clone(origin: Path, tmp_path: Path) -> Path:
    """What CI works in."""
    subprocess.run(["git", "clone", "-q", origin, tmp_path / "clone"], check=True)
    return tmp_path / "clone"


@pytest.fixture(scope="module")
def built(origin: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with its site, built once."""
    folder = tmp_path_factory.mktemp("built") / "help"
    subprocess.run(["git", "clone", "-q", origin, folder], check=True)
    assert shell("kb build", folder).returncode == 0
    return folder


def break_a_link(clone: Path) -> None:
    article = clone / "articles/en/returns/how-to-return.md"
    article.write_text(article.read_text("utf-8") + "\nSee [this](gone.md).\n", "utf-8")


def shell(script: str, cwd: Path, env: Mapping[str, str] | None = None) -> Run:
    """As GitHub and GitLab run a step: one shell that stops at the first failure, with ``kb`` on its path."""
    environ = {"PATH": f"{BIN}:/usr/bin:/bin", "HOME": str(cwd), "LANG": "C.UTF-8", **(env or {})}
    return subprocess.run(
        ["bash", "-e", "-c", script], cwd=cwd, env=environ, capture_output=True, text=True, check=False
    )


def workflow(folder: Path, path: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((folder / path).read_text("utf-8"))
    return found


def steps(folder: Path, job: str) -> dict[str, str]:
    """Name → shell text of the steps of a GitHub job that stand for themselves: not what installs or fetches."""
    found = workflow(folder, GITHUB)["jobs"][job]["steps"]
    return {
        step["name"]: step["run"]
        for step in found
        if "run" in step and "pip install" not in step["run"] and "if" not in step
    }


# ---------------------------------------------------------------- they are valid


@pytest.mark.parametrize(
    ("schema", "path"), [("vendor.github-workflows", GITHUB), ("vendor.gitlab-ci", GITLAB)]
)
def test_workflows_follow_their_schemas(origin: Path, schema: str, path: str) -> None:
    run = subprocess.run(
        [tool("check-jsonschema"), "--builtin-schema", schema, origin / path],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout


def test_dockerfile_passes_the_linter(origin: Path) -> None:
    run = subprocess.run(
        [tool("hadolint"), origin / "Dockerfile"], capture_output=True, text=True, check=False
    )
    assert (run.returncode, run.stdout) == (0, "")


def test_scripts_pass_the_linter(origin: Path) -> None:
    scripts = sorted((origin / "deploy").glob("*.sh"))
    run = subprocess.run(
        [tool("shellcheck"), "-s", "sh", *scripts], capture_output=True, text=True, check=False
    )
    assert (run.returncode, run.stdout) == (0, "")


def test_service_is_understood_by_systemd_and_shut_in(origin: Path, tmp_path: Path) -> None:
    analyze = tool("systemd-analyze")
    unit = tmp_path / "babelfaq-desk.service"
    text = (origin / "deploy/babelfaq-desk.service").read_text("utf-8")
    assert "/srv/help/.venv/bin/kb" in text
    unit.write_text(text.replace("/srv/help/.venv/bin/kb", str(BIN / "kb")), "utf-8")
    run = subprocess.run([analyze, "verify", unit], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (0, "")
    shut = [analyze, "security", "--offline=true", "--threshold=20", unit]
    run = subprocess.run(shut, capture_output=True, text=True, check=False)
    if "unrecognized option" in run.stderr:
        pytest.skip("this systemd cannot judge a unit that is not loaded")
    assert run.returncode == 0, run.stdout[-300:]


@pytest.mark.parametrize("file", ["the project's", "a help centre's"])
def test_pre_commit_hook_runs_what_it_says(origin: Path, clone: Path, file: str) -> None:
    if file == "the project's":
        (hook,) = yaml.safe_load((REPOSITORY / ".pre-commit-hooks.yaml").read_text("utf-8"))
    else:
        (hook,) = workflow(origin, ".pre-commit-config.yaml")["repos"][0]["hooks"]
    assert hook["pass_filenames"] is False
    assert re.search(hook["files"], "articles/en/returns/size.md")
    assert not re.search(hook["files"], "README.md")
    assert shell(hook["entry"], clone).returncode == 0
    break_a_link(clone)
    assert shell(hook["entry"], clone).returncode == 1


def test_the_version_that_is_installed_is_this_one(origin: Path) -> None:
    assert f"babelfaq[desk]=={__version__}\n" in (origin / "requirements.txt").read_text()
    written = starter.folder("Shop", ["en"])
    assert not [path for path, text in written.items() if "KB_VERSION" in text]
    assert [path for path, text in written.items() if __version__ in text] == ["requirements.txt"]


# ---------------------------------------------------------------- what strangers may do


def test_actions_are_pinned_by_hash_with_their_release_named(origin: Path) -> None:
    uses = re.findall(r"uses: (.*)", (origin / GITHUB).read_text("utf-8"))
    assert len(uses) >= 8
    for each in uses:
        assert re.fullmatch(r"actions/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", each), each
    assert len({each.partition("@")[0] for each in uses}) == len(set(uses)), "one version of each action"


def test_pull_requests_see_no_secrets_and_may_only_read(origin: Path) -> None:
    found = workflow(origin, GITHUB)
    on = found[True]  # YAML 1.1 reads the key "on" so
    assert set(on) == {"pull_request", "push", "workflow_dispatch"}
    assert found["permissions"] == {}
    for name, job in found["jobs"].items():
        strangers = "event_name != 'pull_request'" not in str(job["if"]) and "needs" not in job
        assert strangers == (name == "check")
        assert ("secrets." in json.dumps(job)) == (name == "elsewhere")
        checkouts = [step for step in job["steps"] if "checkout" in step.get("uses", "")]
        assert all(step["with"]["persist-credentials"] is False for step in checkouts)
    assert found["jobs"]["check"]["permissions"] == {"contents": "read"}
    assert found["jobs"]["pages"]["permissions"] == {"pages": "write", "id-token": "write"}


def test_expressions_of_strangers_never_enter_a_shell(origin: Path) -> None:
    for job in workflow(origin, GITHUB)["jobs"].values():
        for step in job["steps"]:
            assert "${{" not in step.get("run", "")


def test_merge_requests_of_gitlab_neither_publish_nor_translate(origin: Path) -> None:
    found = workflow(origin, GITLAB)
    jobs = {name: job for name, job in found.items() if isinstance(job, dict) and "stage" in job}
    for name, job in jobs.items():
        merge_request = "merge_request_event" in json.dumps(job["rules"])
        assert merge_request == (name in {"check", "preview"})
        assert merge_request or "$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH" in job["rules"][0]["if"]


def test_the_whole_history_is_fetched(origin: Path) -> None:
    assert workflow(origin, GITLAB)["variables"]["GIT_DEPTH"] == "0"
    for name in ("check", "build"):
        checkout = workflow(origin, GITHUB)["jobs"][name]["steps"][0]
        assert checkout["with"]["fetch-depth"] == 0


# ---------------------------------------------------------------- their steps work


def test_github_checks_and_builds_a_sound_pull_request(clone: Path) -> None:
    found = steps(clone, "check")
    assert list(found) == ["Check", "Build"]
    for script in found.values():
        run = shell(script, clone)
        assert run.returncode == 0, run.stderr
    assert (clone / "site/en/returns/how-to-return/index.html").is_file()


def test_github_annotates_a_broken_pull_request_and_stops(clone: Path) -> None:
    break_a_link(clone)
    run = shell(steps(clone, "check")["Check"], clone)
    assert run.returncode == 1
    assert "::error file=articles/en/returns/how-to-return.md,line=" in run.stdout
    assert "title=link-dead::" in run.stdout


def test_github_builds_after_a_merge_without_models(clone: Path) -> None:
    found = steps(clone, "build")
    assert list(found) == ["Translate what changed", "Build"]
    run = shell("\n".join(found.values()), clone)
    assert run.returncode == 0, run.stderr
    assert "No models in the cache" in run.stdout
    assert (clone / "site/index.html").is_file()


def test_github_translates_after_a_merge_where_models_are_cached(clone: Path) -> None:
    (clone / "models/argos/en-uk").mkdir(parents=True)
    run = shell(steps(clone, "build")["Translate what changed"], clone)
    assert run.returncode == 0, run.stderr
    assert "No models" not in run.stdout
    assert "nothing changed" in run.stdout + run.stderr


def test_gitlab_reports_code_quality(clone: Path) -> None:
    (script,) = workflow(clone, GITLAB)["check"]["script"]
    assert shell(script, clone).returncode == 0
    assert json.loads((clone / "gl-code-quality-report.json").read_text()) == []
    break_a_link(clone)
    run = shell(script, clone)
    assert run.returncode == 1
    (found,) = json.loads((clone / "gl-code-quality-report.json").read_text("utf-8"))
    assert found["check_name"] == "link-dead"
    assert "gone.md" in run.stdout, "the job's log says it to people as well"


def test_gitlab_builds_and_publishes_pages(clone: Path) -> None:
    found = workflow(clone, GITLAB)
    run = shell("\n".join(found["build"]["script"] + found["pages"]["script"]), clone)
    assert run.returncode == 0, run.stderr
    assert (clone / "public/en/index.html").is_file()
    assert found["preview"]["script"] == ["kb build"]


# ---------------------------------------------------------------- publishing elsewhere


def test_gitlab_publishes_to_a_folder_of_its_machine(built: Path, tmp_path: Path) -> None:
    (script,) = workflow(built, GITLAB)["folder"]["script"]
    run = shell(script, built, {"PUBLISH_DIR": str(tmp_path / "www")})
    assert run.returncode == 0, run.stderr
    assert (tmp_path / "www/current/en/index.html").is_file()


Publish = Callable[..., Run]


@pytest.fixture
def to_server(built: Path, tmp_path: Path) -> Publish:
    """``to-server.sh`` with an ``ssh`` that runs what it is told on this machine."""
    tool("rsync")
    ssh = tmp_path / "ssh"
    # rsync says "-l editor server", the script "editor@server".
    ssh.write_text(
        '#!/bin/sh\nwhile case $1 in editor@server|server) false;; esac; do shift; done\nshift\nexec sh -c "$*"\n'
    )
    ssh.chmod(0o755)

    def publish(path: str, **env: str) -> Run:
        environ = {"RSYNC_HOST": "editor@server", "RSYNC_PATH": path, "RSYNC_RSH": str(ssh), **env}
        return shell("sh deploy/to-server.sh", built, environ)

    return publish


def test_server_gets_a_release_that_kb_publish_understands(to_server: Publish, tmp_path: Path) -> None:
    run = to_server(str(tmp_path / "www"), COMMIT="0123456789abcdef0123")
    assert run.returncode == 0, run.stderr
    assert (tmp_path / "www/current/en/index.html").is_file()
    (found,) = releases.releases(tmp_path / "www")
    assert (found.commit, found.current) == ("0123456789", True)


def test_server_keeps_five_releases_and_shares_their_files(to_server: Publish, tmp_path: Path) -> None:
    www = tmp_path / "www"
    assert to_server(str(www)).returncode == 0
    first = releases.releases(www)[0].name
    for day in range(1, 6):
        (www / "releases" / first).rename(www / "releases" / f"2026010{day}T000000Z")
        first = f"2026010{day}T000000Z"
        if day < 5:
            shutil.copytree(www / "releases" / first, www / "releases" / "copy")
            (www / "releases" / "copy").rename(www / "releases" / f"2025010{day}T000000Z")
    (www / "current").unlink()
    (www / "current").symlink_to(f"releases/{first}")
    assert to_server(str(www)).returncode == 0
    kept = releases.releases(www)
    assert len(kept) == 5
    assert kept[-1].current
    page = "en/index.html"
    assert (www / "current" / page).stat().st_ino == (www / "releases" / first / page).stat().st_ino
    assert releases.rollback(www).name == first


def test_server_folder_with_something_else_is_left_alone(to_server: Publish, tmp_path: Path) -> None:
    (tmp_path / "www").mkdir()
    (tmp_path / "www/shop.html").write_text("mine")
    run = to_server(str(tmp_path / "www"))
    assert run.returncode == 1
    assert "holds something else" in run.stderr
    assert [entry.name for entry in (tmp_path / "www").iterdir()] == ["shop.html"]


@pytest.mark.parametrize("path", ["relative", "/srv/a b", "/srv/$(id)", "/srv/x';id;'"])
def test_server_path_is_taken_for_nothing_but_a_path(to_server: Publish, path: str) -> None:
    assert to_server(path).returncode == 2


def test_storage_gets_the_site_and_loses_what_is_gone(built: Path, tmp_path: Path) -> None:
    tool("rclone")
    bucket = tmp_path / "bucket"
    bucket.mkdir()
    (bucket / "old.html").write_text("gone")
    run = shell("sh deploy/to-storage.sh", built, {"RCLONE_TARGET": str(bucket)})
    assert run.returncode == 0, run.stderr
    site = {path.relative_to(built / "site") for path in (built / "site").rglob("*") if path.is_file()}
    assert {path.relative_to(bucket) for path in bucket.rglob("*") if path.is_file()} == site


@pytest.mark.parametrize("script", ["to-server.sh", "to-storage.sh"])
def test_nothing_is_published_without_a_site(clone: Path, script: str, tmp_path: Path) -> None:
    env = {"RSYNC_HOST": "a@b", "RSYNC_PATH": "/srv/x", "RCLONE_TARGET": str(tmp_path / "bucket")}
    run = shell(f"sh deploy/{script}", clone, env)
    assert run.returncode == 1
    assert "kb build" in run.stderr
