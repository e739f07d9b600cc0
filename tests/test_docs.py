"""The documentation: whole, current, and every command in it works as it is written."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
import yaml

from docs import generate
from kb.content.findings import FINDINGS

REPOSITORY = Path(__file__).parent.parent
DOCS = REPOSITORY / "docs"
BIN = Path(sys.executable).parent
MODEL = REPOSITORY / "tests/data/models/translate-en_pt-0_1.argosmodel"
BLOCK = re.compile(r'^(`{3,})(\w+)(?: title="([^"]+)")?\n(.*?)^\1$', re.MULTILINE | re.DOTALL)
SERVERS = ("kb serve", "kb desk serve")
FOLLOWED = ("kb ", "git ", "sqlite3 ", "mkdir ", "cp ", "rm ")
"""What a reader is asked to type and a test can type as well."""
EXIT_CODE = re.compile(r"\s+# exit code (\d+)$")
SETTINGS = "pyproject.toml"
PATIENCE_S = 120
NUMBER = "K7M4QX2P"
"""The number of the ticket in the documentation."""

Blocks = list[tuple[str, str, str]]


def blocks(page: Path) -> Blocks:
    """Kind, title and text of each fenced block."""
    return [(kind, title, text) for _, kind, title, text in BLOCK.findall(page.read_text("utf-8"))]


def commands(page: Path) -> list[str]:
    consoles = "".join(text for kind, _, text in blocks(page) if kind == "console")
    return re.findall(r"^\$ (.*)$", consoles, re.MULTILINE)


PAGES = {
    page.relative_to(DOCS / "articles/en").with_suffix("").as_posix(): page
    for page in DOCS.glob("articles/en/*/*.md")
}
WITH_COMMANDS = sorted(id for id, page in PAGES.items() if commands(page))


def test_documentation_has_no_findings() -> None:
    run = subprocess.run(
        [BIN / "kb", "--root", DOCS, "check", "--strict"], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout


@pytest.mark.parametrize("name", sorted(generate.pages()))
def test_reference_says_what_the_code_says(name: str) -> None:
    committed = (generate.ARTICLES / name).read_text("utf-8")
    assert committed == generate.pages()[name], "run 'make docs' and commit what it changes"


@pytest.mark.parametrize("id", sorted(PAGES))
def test_every_page_but_what_only_the_program_says_is_written_in_ukrainian(id: str) -> None:
    in_english_only = id in ("reference/commands", "reference/configuration")
    assert (DOCS / f"articles/uk/{id}.md").exists() != in_english_only


def test_every_finding_is_explained_in_both_languages() -> None:
    known = yaml.safe_load(generate.UKRAINIAN.read_text("utf-8"))
    assert list(known) == list(FINDINGS), "docs/findings-uk.yml has the program's codes, in its order"
    for code, (title, why) in known.items():
        for language in ("en", "uk"):
            page = (DOCS / f"articles/{language}/reference/findings.md").read_text("utf-8")
            assert f"## {code} {{ #{code} }}\n" in page
        assert re.search("[а-яіїєґ]", title), code
        assert re.search(r"[а-яіїєґ].*\.$", why), code


@pytest.mark.parametrize("id", WITH_COMMANDS)
def test_both_languages_show_the_same_commands_and_files(id: str) -> None:
    english, ukrainian = blocks(PAGES[id]), blocks(DOCS / f"articles/uk/{id}.md")
    assert english == ukrainian


def test_every_command_is_explained() -> None:
    shown = " ".join(command for page in PAGES.values() for command in commands(page))
    for name in (
        "init",
        "new",
        "check",
        "build",
        "serve",
        "publish",
        "search",
        "suggest",
        "eval",
        "translate",
        "status",
        "models",
        "import",
        "review",
        "desk serve",
        "desk list",
        "desk show",
        "desk reply",
    ):
        assert f"kb {name}" in shown, name


class Reader:
    """Does what a page says, in order: writes its files, types its commands, compares what they print.

    ``…`` in what a page shows stands for what is different each time. Settings are added to those there are.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.number = NUMBER
        self.environ = {
            **{k: v for k, v in os.environ.items() if not k.startswith("KB_")},
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "KB_SEARCH_VECTORS": "false",  # where the extra is installed, a build would take half a minute longer
            "PYTHONUNBUFFERED": "1",
            "GIT_AUTHOR_NAME": "Editor", "GIT_AUTHOR_EMAIL": "editor@shop.example",
            "GIT_COMMITTER_NAME": "Editor", "GIT_COMMITTER_EMAIL": "editor@shop.example",
        }  # fmt: skip

    def follow(self, page: Path) -> None:
        for kind, title, text in blocks(page):
            if kind == "console":
                for command, output in self._typed(text):
                    self.type(command.replace(NUMBER, self.number), output)
            elif title == SETTINGS:
                self._set(text)
            elif title and not title.startswith("/"):
                file = self.folder / title
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text, "utf-8")

    def type(self, line: str, expected: list[str]) -> None:
        found = EXIT_CODE.search(line)
        command, code = EXIT_CODE.sub("", line), int(found[1]) if found else 0
        if command.startswith("cd "):
            self.folder = self.folder / command[3:]
            return
        assert command.startswith(FOLLOWED), f"{line}: cannot be followed"
        output = self._serve(command) if command.startswith(SERVERS) else self._run(command, code)
        for shown in expected:
            shown = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:…", shown.strip()).replace(NUMBER, self.number)
            pattern = ".*".join(map(re.escape, shown.split("…")))
            assert re.search(pattern, output), f"$ {line}\n{shown}\nis not in\n{output}"

    def _set(self, text: str) -> None:
        """Each table takes the place of the one there is."""
        file = self.folder / SETTINGS
        tables = re.split(r"^(?=\[)", file.read_text("utf-8"), flags=re.MULTILINE)
        new = re.split(r"^(?=\[)", text, flags=re.MULTILINE)[1:]
        names = {table.partition("\n")[0] for table in new}
        kept = [table for table in tables if table.partition("\n")[0] not in names]
        file.write_text("".join([*kept, "\n", *new]), "utf-8")

    def _run(self, command: str, code: int) -> str:
        run = subprocess.run(
            ["bash", "-c", command],
            cwd=self.folder,
            env=self.environ,
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == code, f"$ {command}\n{run.stdout}{run.stderr}"
        return run.stdout + run.stderr

    def _serve(self, command: str) -> str:
        """What a server says until it serves; then it is told to stop. The desk gets a ticket before that."""
        process = subprocess.Popen(
            [*command.split(), "--port", "0"],
            cwd=self.folder, env=self.environ, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert process.stderr
        said = ""
        for line in process.stderr:
            said += line
            if "(Ctrl-C stops)" in line:
                break
        port = re.search(r"127\.0\.0\.1:(\d+)", line)
        assert port, said
        if "desk" in command:
            self.number = self._ask(int(port[1]))
        process.send_signal(signal.SIGINT)
        said += process.communicate(timeout=PATIENCE_S)[1]
        assert "Traceback" not in said, said
        return said

    def _ask(self, port: int) -> str:
        """Send what the form sends; the ticket's number."""
        public = re.search(r'public_url = "https://(.+)"', (self.folder / SETTINGS).read_text("utf-8"))
        host = public[1] if public else f"127.0.0.1:{port}"
        question = {
            "language": "en",
            "subject": "Lamp sent back",
            "message": "I sent the lamp back three weeks ago. Where is my money?",
            "email": "customer@shop.example",
        }
        headers = {"Content-Type": "application/json", "Host": host}
        address = f"http://127.0.0.1:{port}/api/tickets"
        request = Request(address, json.dumps(question).encode(), headers)
        with urlopen(request, timeout=PATIENCE_S) as answer:
            number: str = json.load(answer)["number"]
        return number

    @staticmethod
    def _typed(text: str) -> Iterator[tuple[str, list[str]]]:
        for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
            command, *output = part.splitlines()
            yield command, output


@pytest.fixture(scope="module")
def centre(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("docs") / "my-help"
    subprocess.run([BIN / "kb", "init", folder, "--languages", "en,uk", "--name", "My shop"], check=True)
    origin = folder.parent / "origin.git"
    for command in (
        f"init -q --bare {origin}", "init -q -b main", "add .", "commit -q -m Begin", f"remote add origin {origin}",
        "push -q origin main",
    ):  # fmt: skip
        subprocess.run(["git", *command.split()], cwd=folder, env=Reader(folder).environ, check=True)
    return folder


@pytest.mark.parametrize("id", WITH_COMMANDS)
def test_every_command_of_a_page_works(id: str, centre: Path, tmp_path: Path) -> None:
    page, folder = PAGES[id], tmp_path
    if not commands(page)[0].startswith(("kb init", "kb import")):
        folder = tmp_path / "my-help"
        shutil.copytree(centre, folder)
    if any(command.startswith("sqlite3 ") for command in commands(page)) and not shutil.which("sqlite3"):
        pytest.skip("needs sqlite3")
    if "models install" in " ".join(commands(page)):
        pytest.importorskip("ctranslate2", reason="the engine is not installed")
        _ReaderWithModel(folder).follow(page)
    else:
        Reader(folder).follow(page)


def test_nginx_takes_the_settings_shown(centre: Path, tmp_path: Path) -> None:
    nginx, openssl = shutil.which("nginx", path="/usr/sbin:/usr/bin"), shutil.which("openssl")
    if not nginx or not openssl:
        pytest.skip("needs nginx and openssl")
    help_centre = shutil.copytree(centre, tmp_path / "help")
    environ = Reader(help_centre).environ
    subprocess.run([BIN / "kb", "--root", help_centre, "build", "--lang", "en"], env=environ, check=True)
    certificate = (
        "req -x509 -newkey rsa:2048 -nodes -subj /CN=help.shop.example -keyout privkey.pem -out fullchain.pem"
    )
    subprocess.run([openssl, *certificate.split()], cwd=tmp_path, check=True, capture_output=True)
    (shown,) = (text for kind, _, text in blocks(PAGES["operate/production"]) if kind == "nginx")
    (addresses,) = (text for kind, _, text in blocks(PAGES["operate/moving"]) if kind == "nginx")
    server = shown.replace("root ", f"{addresses}    root ").replace("/srv/help/", f"{help_centre}/")
    server = server.replace("/etc/letsencrypt/live/help.shop.example", str(tmp_path))
    settings = tmp_path / "nginx.conf"
    settings.write_text(
        f"pid {tmp_path}/pid; error_log stderr; events {{}}\n"
        f"http {{ access_log off; client_body_temp_path {tmp_path}; proxy_temp_path {tmp_path};\n{server}}}\n"
    )
    run = subprocess.run([nginx, "-t", "-c", settings], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


class _ReaderWithModel(Reader):
    """Has the model's file where the page says it is."""

    def type(self, line: str, expected: list[str]) -> None:
        if line.startswith("kb models install"):
            shutil.copy(MODEL, self.folder)
        super().type(line, expected)
