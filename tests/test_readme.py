"""What the README promises is run."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parent.parent
README = (REPOSITORY / "README.md").read_text("utf-8")


def kb(*args: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "kb", *args], cwd=cwd, capture_output=True, text=True, check=False
    )


def test_every_command_the_readme_lists_exists() -> None:
    listed = set(re.findall(r"^\| .*", README, re.MULTILINE))
    names = {name for line in listed for name in re.findall(r"`kb (\w+)", line)}
    assert len(names) > 10
    for name in sorted(names):
        run = kb(name, "--help", cwd=REPOSITORY)
        assert run.returncode == 0, f"kb {name}: {run.stderr[-300:]}"


def test_first_steps_of_the_readme_work(tmp_path: Path) -> None:
    steps = re.search(r"```console\n\$ pip install babelfaq\n(.*?)```", README, re.DOTALL)
    assert steps
    folder = tmp_path
    for step in steps[1].splitlines():
        command = step.removeprefix("$ ")
        if command.startswith("cd "):
            folder = folder / command[3:]
        elif command == "kb serve":
            assert (folder / "site/index.html").is_file()
        else:
            arguments = [a.strip('"') for a in re.findall(r'"[^"]*"|\S+', command)[1:]]
            run = kb(*arguments, cwd=folder)
            assert run.returncode == 0, f"{command}\n{run.stderr[-2000:]}"


@pytest.mark.parametrize("target", ["demo", "test"])
def test_make_targets_of_the_readme_exist(target: str) -> None:
    assert f"$ make {target}" in README
    assert re.search(rf"^{target}:", (REPOSITORY / "Makefile").read_text("utf-8"), re.MULTILINE)


def test_example_article_of_the_readme_is_accepted(tmp_path: Path) -> None:
    example = re.search(r"```markdown\n(.*?)```", README, re.DOTALL)
    assert example
    from kb.content.reader import read

    file = tmp_path / "articles/en/returns/exchange-size.md"
    file.parent.mkdir(parents=True)
    file.write_text(example[1], "utf-8")
    catalog, problems = read(tmp_path, "articles", ["en"])
    assert [p for p in problems if p.severity == "error"] == []
    assert catalog.ids == ("returns/exchange-size",)
