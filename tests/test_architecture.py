"""The directions in which rooms import one another, and how light the command starts."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "kb"

MAY_IMPORT = {
    "errors": set(),
    "resources": set(),
    "locks": set(),
    "garbage": set(),
    "network": set(),
    "external": {"errors", "content", "network"},
    "config": {"errors"},
    "content": {"errors"},
    "language": {"errors", "content"},
    "publish": {"errors", "content", "locks"},
    "index": {"errors", "content"},
    "desk": {"errors", "content", "index", "network"},
    "insight": {"errors", "content", "desk"},
    "preview": {"errors", "resources"},
    "build": {"errors", "config", "content", "garbage", "index", "language", "locks", "publish", "resources"},
    "cli": {
        "errors", "config", "content", "language", "publish", "index", "desk", "insight", "build", "preview",
        "resources", "external", "garbage",
    },
    "__main__": {"cli"},
    "__init__": set(),
}  # fmt: skip
"""Room → the rooms it may import. ``language``, ``publish`` and ``index`` never meet but in the catalog."""

ONLY_IMPORTERS = {
    "mkdocs": {"publish/site.py"},
    "whoosh": {"index/disk.py"},
    "nh3": {"publish/sanitise.py"},
    "fxtranslate": {"language/firefox.py"},
    "psycopg": {"desk/postgresql.py"},
}
"""Library → the only files that may import it: a change of the library is a change of one file."""


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def imports(file: Path) -> Iterator[str]:
    """Full dotted names that ``file`` imports, whether it loads them at once, late, or for types only."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def room(file: Path) -> str:
    return file.relative_to(PACKAGE).with_suffix("").parts[0]


@pytest.mark.parametrize("file", modules(), ids=lambda file: file.relative_to(PACKAGE).as_posix())
def test_module_imports_only_rooms_below_its_own(file: Path) -> None:
    own = room(file)
    assert own in MAY_IMPORT, f"'{own}' is a new room: say in ARCHITECTURE.md and here whom it may import"
    used = {name.split(".")[1] for name in imports(file) if name.startswith("kb.")} - {"__version__"}
    assert used - MAY_IMPORT[own] - {own} == set()


@pytest.mark.parametrize("library", ONLY_IMPORTERS)
def test_library_is_met_in_one_file(library: str) -> None:
    importers = {
        file.relative_to(PACKAGE).as_posix()
        for file in modules()
        if any(name == library or name.startswith(f"{library}.") for name in imports(file))
    }
    assert importers <= ONLY_IMPORTERS[library]


def test_modules_import_one_another_without_cycles() -> None:
    names = {
        ".".join(f.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__"): f
        for f in modules()
    }
    graph = {
        # "from kb.content import reader" needs the module, not the package's own names.
        name: {
            target for i in imports(file) if (target := i if i in names else i.rpartition(".")[0]) in names
        }
        for name, file in names.items()
    }
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, " → ".join((*path[path.index(name) :], name))
        if name not in done:
            for target in graph[name] - {name}:
                visit(target, (*path, name))
            done.add(name)

    for name in graph:
        visit(name, ())


def test_only_the_command_prints() -> None:
    for file in modules():
        if room(file) != "cli":
            calls = [n for n in ast.walk(ast.parse(file.read_text("utf-8"))) if isinstance(n, ast.Call)]
            assert not [c for c in calls if isinstance(c.func, ast.Name) and c.func.id == "print"], file


HEAVY = (
    "mkdocs",
    "material",
    "markdown",
    "jinja2",
    "babel",
    "whoosh",
    "ctranslate2",
    "sentencepiece",
    "starlette",
    "uvicorn",
)


def test_help_loads_no_heavy_library() -> None:
    code = (
        "import sys\nfrom kb.cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        f"print('LOADED', [name for name in {HEAVY!r} if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "LOADED []" in run.stdout, run.stdout[-300:]


def test_no_torch_stanza_or_minisbd_is_required() -> None:
    """B15: what can unpickle a model, and what is under the AGPL, stays out of the set of dependencies."""
    for file in (PACKAGE.parent / "requirements").glob("*.txt"):
        names = {
            line.split("==")[0].strip().lower()
            for line in file.read_text("utf-8").splitlines()
            if "==" in line
        }
        assert not names & {"torch", "stanza", "minisbd", "spacy", "transformers"}, file
