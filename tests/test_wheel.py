"""The wheel is whole: installed alone, it makes a help centre and builds it."""

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [
        sys.executable,
        "-m",
        "build",
        "--wheel",
        "--no-isolation",
        "--outdir",
        str(folder),
        str(REPOSITORY),
    ]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel and, lent from this one, what it depends on; not this checkout."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=True)
    python = folder / "bin/python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", wheel], check=True)
    site = next((folder / "lib").glob("python*/site-packages"))
    (site / "lent.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    return folder


def test_wheel_holds_theme_search_and_starter(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for piece in (
        "kb/_shipped/theme/main.html",
        "kb/_shipped/theme/strings/uk.yml",
        "kb/_shipped/search/uk/",
    ):
        assert any(name.startswith(piece) for name in names), piece
    assert any(name.startswith("kb/starter/") for name in names)
    assert not [
        name for name in names if name.startswith(("tests/", "articles/", "bench/")) or name.endswith(".pyc")
    ]


def test_installed_wheel_makes_and_builds_a_help_centre(installed: Path, tmp_path: Path) -> None:
    env = {**os.environ, "PYTHONPATH": ""}
    kb = installed / "bin/kb"
    where = subprocess.run(
        [installed / "bin/python", "-c", "import kb; print(kb.__file__)"],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
        check=True,
    )
    assert where.stdout.startswith(str(installed))
    subprocess.run(
        [kb, "init", "x", "--languages", "en,uk", "--name", "Shop"], cwd=tmp_path, env=env, check=True
    )
    subprocess.run([kb, "build"], cwd=tmp_path / "x", env=env, check=True)
    page = (tmp_path / "x/site/uk/index.html").read_text("utf-8")
    assert '<html lang="uk"' in page
    assert "Зв’язатися з нами" in page
