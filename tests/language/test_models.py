"""Installing models: from files, and from an index that answers on this machine."""

import io
import json
import shutil
import stat
import struct
import tarfile
import threading
import zipfile
from collections.abc import Callable, Iterator
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from kb.errors import ModelError
from kb.language import firefox, models
from kb.language.pins import Pins
from tests.language.test_argos import MODEL
from tests.language.test_firefox import install as firefox_folder
from tests.language.test_firefox import vocabulary

IDENTITY = "argos/translate-en_pt-0.1"
FILES = {
    "metadata.json": json.dumps({"from_code": "en", "to_code": "pt", "package_version": "1.0"}).encode(),
    "model/config.json": b"{}",
    "model/model.bin": b"weights",
    "model/shared_vocabulary.json": b"[]",
    "sentencepiece.model": vocabulary("abcdefghijklmnop"),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "models"


def package(file: Path, files: dict[str, bytes] | None = None, *, top: str = "translate-en_pt-1_0") -> Path:
    """An Argos package with these files."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in (FILES if files is None else files).items():
            archive.writestr(f"{top}/{name}" if top else name, data)
    return file


def installed(folder: Path) -> list[str]:
    """What lies in the models folder, lock file and temporary files included."""
    return (
        sorted(f.relative_to(folder).as_posix() for f in folder.rglob("*") if f.is_file())
        if folder.exists()
        else []
    )


# --- from a file ---


def test_a_real_package_is_installed_and_pinned(folder: Path) -> None:
    pins = Pins(folder)
    assert models.install_file(MODEL, folder, pins) == IDENTITY
    names = [name for name in installed(folder) if name.startswith("argos/")]
    assert {"argos/translate-en_pt-0.1/model/model.bin", "argos/translate-en_pt-0.1/metadata.json"} <= set(
        names
    )
    (model,) = models.installed(folder, {"HOME": "/nonexistent"}, pins)
    assert (model.identity, model.source, model.target, model.ours) == (IDENTITY, "en", "pt", True)
    assert (
        model.pin.files["model/model.bin"]
        == sha256((folder / "argos" / "translate-en_pt-0.1" / "model" / "model.bin").read_bytes()).hexdigest()
    )
    assert (folder / ".gitignore").read_text() == "*\n!.gitignore\n!lock.json\n"


def test_the_same_package_again_changes_nothing_and_another_of_its_name_is_refused(
    folder: Path, tmp_path: Path
) -> None:
    pins = Pins(folder)
    file = package(tmp_path / "a.argosmodel")
    models.install_file(file, folder, pins)
    models.install_file(file, folder, pins)
    other = package(tmp_path / "b.argosmodel", {**FILES, "model/model.bin": b"other weights"})
    with pytest.raises(ModelError, match="not the pinned one"):
        models.install_file(other, folder, pins)
    assert (folder / "argos" / "translate-en_pt-1.0" / "model" / "model.bin").read_bytes() == b"weights"


def test_removing_a_model_removes_its_pin(folder: Path, tmp_path: Path) -> None:
    pins = Pins(folder)
    models.install_file(package(tmp_path / "a.argosmodel"), folder, pins)
    (model,) = models.installed(folder, {}, pins)
    models.remove(model, pins)
    assert models.installed(folder, {}, pins) == []
    assert list(Pins(folder)) == []


def test_a_model_of_another_program_is_not_removed(folder: Path, tmp_path: Path) -> None:
    pins = Pins(tmp_path / "elsewhere")
    models.install_file(package(tmp_path / "a.argosmodel"), tmp_path / "elsewhere", pins)
    environ = {"ARGOS_PACKAGES_DIR": str(tmp_path / "elsewhere" / "argos")}
    (model,) = models.installed(folder, environ, pins)
    with pytest.raises(ModelError, match="installed by another program"):
        models.remove(model, pins)


def test_a_firefox_model_is_installed_from_its_folder(folder: Path, tmp_path: Path) -> None:
    source = firefox_folder(tmp_path / "enpt-1693087644")
    (source / "notes.txt").write_text("not needed")
    identity = models.install_file(source, folder, Pins(folder))
    assert identity.startswith("firefox/en-pt-")
    assert "firefox/en-pt/vocab.enpt.spm" in installed(folder)
    assert not any("notes" in name for name in installed(folder))


def test_a_firefox_model_is_installed_from_a_zip(folder: Path, tmp_path: Path) -> None:
    source = firefox_folder(tmp_path / "x")
    files = {file.name: file.read_bytes() for file in source.iterdir()}
    identity = models.install_file(package(tmp_path / "enpt.zip", files, top=""), folder, Pins(folder))
    assert identity.startswith("firefox/en-pt-")


@pytest.mark.parametrize(
    ("text", "pair"),
    [
        ("en-pt", ("en", "pt")),
        ("en_pt", ("en", "pt")),
        ("en→uk", ("en", "uk")),
        ("model.argosmodel", None),
        ("en", None),
    ],
)
def test_a_pair_has_many_spellings(text: str, pair: tuple[str, str] | None) -> None:
    assert models.parse_pair(text) == pair


# --- B13: dangerous archives ---


def link(archive: zipfile.ZipFile, top: str) -> None:
    entry = zipfile.ZipInfo(f"{top}/model/model.bin")
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    archive.writestr(entry, "/etc/passwd")


def twice(archive: zipfile.ZipFile, top: str) -> None:
    archive.writestr(f"{top}/Metadata.json", b"{}")
    archive.writestr(f"{top}/metadata.JSON", b"{}")


DANGEROUS: dict[str, tuple[Callable[[zipfile.ZipFile, str], None], str]] = {
    "parent": (lambda a, top: a.writestr(f"{top}/../../escaped", b"x"), "leads out"),
    "absolute": (lambda a, top: a.writestr("/tmp/escaped", b"x"), "leads out"),
    "backslash": (lambda a, top: a.writestr(f"{top}\\..\\escaped", b"x"), "leads out"),
    "drive": (lambda a, top: a.writestr("C:/escaped", b"x"), "leads out"),
    "link": (link, "link or a device"),
    "bomb": (
        lambda a, top: a.writestr(f"{top}/model/model.bin", bytes(50_000_000)),
        "unpacks to 50,000,000 bytes",
    ),
    "case twins": (twice, "in it twice"),
}


@pytest.mark.parametrize("danger", DANGEROUS)
def test_b13_a_dangerous_archive_is_refused_before_anything_is_written(
    folder: Path, tmp_path: Path, danger: str
) -> None:
    build, reason = DANGEROUS[danger]
    file = tmp_path / "evil.argosmodel"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        build(archive, "translate-en_pt-1_0")
    with pytest.raises(ModelError, match=reason):
        models.install_file(file, folder, Pins(folder))
    assert installed(folder) == []
    assert not (tmp_path / "escaped").exists()
    assert not Path("/tmp/escaped").exists()


def test_b13_a_hundred_thousand_entries_are_refused(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "many.argosmodel"
    local = struct.pack("<4s5H3L2H", b"PK\x03\x04", 20, 0, 0, 0, 33, 0, 0, 0, 1, 0) + b"f"
    names = [b"%d" % number for number in range(100_000)]
    central = b"".join(
        struct.pack("<4s6H3L5H2L", b"PK\x01\x02", 20, 20, 0, 0, 0, 33, 0, 0, 0, len(name), 0, 0, 0, 0, 0, 0)
        + name
        for name in names
    )
    # The field for the count holds 65,535 at most; readers count what the directory's size leads them through.
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0xFFFE, 0xFFFE, len(central), len(local), 0)
    file.write_bytes(local + central + end)
    with pytest.raises(ModelError, match="100000 entries"):
        models.install_file(file, folder, Pins(folder))
    assert installed(folder) == []


def test_b13_a_tar_is_refused(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "model.argosmodel"
    with tarfile.open(file, "w:gz") as archive:
        for name, data in FILES.items():
            info = tarfile.TarInfo(f"translate-en_pt-1_0/{name}")
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    with pytest.raises(ModelError, match="not a model archive"):
        models.install_file(file, folder, Pins(folder))
    assert installed(folder) == []


def test_b13_a_lying_version_is_no_way_out(folder: Path, tmp_path: Path) -> None:
    evil = json.dumps({"from_code": "en", "to_code": "pt", "package_version": "../../../escaped"}).encode()
    with pytest.raises(ModelError, match="cannot be the name of a folder"):
        models.install_file(
            package(tmp_path / "a.zip", {**FILES, "metadata.json": evil}), folder, Pins(folder)
        )
    assert not list(tmp_path.rglob("escaped*"))


@pytest.mark.parametrize("place", [0.2, 0.5, 0.9])
def test_b14_a_damaged_archive_is_refused(folder: Path, tmp_path: Path, place: float) -> None:
    data = bytearray(MODEL.read_bytes())
    data[int(len(data) * place)] ^= 0xFF
    file = tmp_path / "model.argosmodel"
    file.write_bytes(data)
    with pytest.raises(ModelError):
        models.install_file(file, folder, Pins(folder))
    assert not [name for name in installed(folder) if name.startswith("argos")]


def test_b14_a_truncated_archive_is_refused(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "model.argosmodel"
    file.write_bytes(MODEL.read_bytes()[:-1000])
    with pytest.raises(ModelError, match="damaged"):
        models.install_file(file, folder, Pins(folder))


def test_b15_pickled_parts_of_a_package_are_never_unpacked(folder: Path, tmp_path: Path) -> None:
    extra = {
        "stanza/en/tokenize/ewt.pt": b"\x80\x04evil.",
        "model/extra.pkl": b"\x80\x04evil.",
        "run.py": b"evil()",
    }
    models.install_file(package(tmp_path / "a.argosmodel", {**FILES, **extra}), folder, Pins(folder))
    kept = {
        name.removeprefix("argos/translate-en_pt-1.0/")
        for name in installed(folder)
        if name.startswith("argos")
    }
    assert kept == set(FILES)


@pytest.mark.parametrize(
    "missing", ["model/model.bin", "sentencepiece.model", "model/shared_vocabulary.json"]
)
def test_an_incomplete_package_is_refused(folder: Path, tmp_path: Path, missing: str) -> None:
    files = {name: data for name, data in FILES.items() if name != missing}
    with pytest.raises(ModelError, match=r"missing|No such file"):
        models.install_file(package(tmp_path / "a.argosmodel", files), folder, Pins(folder))


def test_something_else_is_named_as_such(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="neither an Argos package nor a Firefox model"):
        models.install_file(
            package(tmp_path / "a.zip", {"readme.txt": b"hello"}, top=""), folder, Pins(folder)
        )
    with pytest.raises(ModelError, match="there is no file"):
        models.install_file(tmp_path / "nothing.argosmodel", folder, Pins(folder))


# --- the lock file ---


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"version": 9}', '{"version": 1, "models": {"a": {"files": {"b": "c"}}}}']
)
def test_a_damaged_lock_file_is_an_error(folder: Path, text: str) -> None:
    folder.mkdir()
    (folder / "lock.json").write_text(text)
    with pytest.raises(ModelError, match="lock"):
        Pins(folder)


# --- by network, from a server on this machine ---


class Server:
    """An index and its files. `cut` makes the next answer end after so many bytes."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.cut = 0
        self.asked: list[tuple[str, str]] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.answer(self)

            def log_message(self, *_: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}"
        threading.Thread(target=self.http.serve_forever, args=(0.01,), daemon=True).start()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        data, span = self.files.get(request.path), request.headers.get("Range", "")
        self.asked.append((request.path, span))
        if data is None:
            request.send_error(404)
            return
        tag = f'"{sha256(data).hexdigest()[:8]}"'
        resumed = span and request.headers.get("If-Range") == tag
        start = int(span.removeprefix("bytes=").rstrip("-")) if resumed else 0
        request.send_response(206 if resumed else 200)
        request.send_header("Content-Length", str(len(data) - start))
        request.send_header("ETag", tag)
        request.end_headers()
        end, self.cut = (start + self.cut if self.cut else len(data)), 0
        request.wfile.write(data[start:end])

    def argos(self, data: bytes, *, version: str = "1.0") -> str:
        """Add a package; the index's address."""
        link = f"/{version}/translate-en_pt.argosmodel"
        listed = json.loads(self.files.get("/index.json", b"[]"))
        entry = {"from_code": "en", "to_code": "pt", "package_version": version, "links": [self.url + link]}
        self.files |= {link: data, "/index.json": json.dumps([*listed, entry]).encode()}
        return f"{self.url}/index.json"


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.http.shutdown()
    made.http.server_close()


def nothing(done: int, total: int, what: str) -> None:
    """A progress nobody looks at."""


def test_the_newest_package_of_the_index_is_installed_with_progress(
    folder: Path, tmp_path: Path, server: Server
) -> None:
    seen: list[tuple[int, int, str]] = []
    server.argos(b"old", version="0.9")
    index = server.argos(package(tmp_path / "a").read_bytes(), version="1.10")
    pins = Pins(folder)
    identity = models.install_pair(
        "en", "pt", folder, pins, engine="argos", index=index, progress=lambda *step: seen.append(step)
    )
    assert identity == "argos/translate-en_pt-1.0"
    done, total, name = seen[-1]
    assert (done, name) == (total, "translate-en_pt.argosmodel")
    assert pins.get(identity).origin == f"{server.url}/1.10/translate-en_pt.argosmodel"
    assert installed(folder / ".downloads") == []


def test_a_download_that_broke_off_goes_on_where_it_ended(folder: Path, server: Server) -> None:
    index = server.argos(MODEL.read_bytes())
    cut_package(server, 2_000_000)
    with pytest.raises(ModelError, match=r"broke off after 2,000,000 of 5,\d+,\d+ bytes"):
        models.install_pair("en", "pt", folder, Pins(folder), engine="argos", index=index, progress=nothing)
    server.asked.clear()
    identity = models.install_pair(
        "en", "pt", folder, Pins(folder), engine="argos", index=index, progress=nothing
    )
    assert identity == IDENTITY
    assert [span for path, span in server.asked if path.endswith(".argosmodel")] == ["bytes=2000000-"]


def cut_package(server: Server, size: int) -> None:
    """Let the next answer with a package end after `size` bytes."""
    answer = server.answer

    def once(request: BaseHTTPRequestHandler) -> None:
        if request.path.endswith(".argosmodel"):
            server.answer = answer  # type: ignore[method-assign]
            server.cut = size
        answer(request)

    server.answer = once  # type: ignore[method-assign]


def test_another_file_at_the_address_is_not_glued_to_the_first_half(
    folder: Path, tmp_path: Path, server: Server
) -> None:
    index = server.argos(MODEL.read_bytes())
    cut_package(server, 2_000_000)
    with pytest.raises(ModelError):
        models.install_pair("en", "pt", folder, Pins(folder), engine="argos", index=index, progress=nothing)
    server.files["/1.0/translate-en_pt.argosmodel"] = package(tmp_path / "a").read_bytes()
    identity = models.install_pair(
        "en", "pt", folder, Pins(folder), engine="argos", index=index, progress=nothing
    )
    assert identity == "argos/translate-en_pt-1.0"


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({}, r"cannot be loaded: .*404"),
        ({"/index.json": b"<html>"}, "not valid JSON"),
        ({"/index.json": b"{}"}, "not an index of Argos packages"),
        ({"/index.json": b"[]"}, "no Argos package from 'en' to 'pt'"),
        ({"/index.json": b'[{"from_code": "en", "to_code": "pt", "links": ["ftp://x/y"]}]'}, "no address"),
    ],
)
def test_an_index_that_does_not_serve_is_named(
    folder: Path, server: Server, files: dict[str, bytes], reason: str
) -> None:
    server.files = files
    with pytest.raises(ModelError, match=reason):
        models.install_pair(
            "en",
            "pt",
            folder,
            Pins(folder),
            engine="argos",
            index=f"{server.url}/index.json",
            progress=nothing,
        )


def test_no_network_says_what_to_do_instead(folder: Path) -> None:
    with pytest.raises(ModelError, match="cannot be loaded") as caught:
        models.install_pair(
            "en",
            "pt",
            folder,
            Pins(folder),
            engine="argos",
            index="http://127.0.0.1:9/index.json",
            progress=nothing,
        )
    assert "kb models install FILE" in caught.value.hint


def zstd(data: bytes) -> bytes:
    """A Zstandard frame with one uncompressed block."""
    header = b"\x28\xb5\x2f\xfd" + bytes([0xA0]) + struct.pack("<I", len(data))
    return header + struct.pack("<I", len(data) << 3 | 1)[:3] + data


@pytest.mark.skipif(not firefox.is_available(), reason="the extra 'firefox' is not installed")
@pytest.mark.parametrize("damaged", [False, True])
def test_a_firefox_model_comes_from_its_index_and_is_checked(
    folder: Path, tmp_path: Path, server: Server, damaged: bool
) -> None:
    source = firefox_folder(tmp_path / "x")
    records = []
    for file in sorted(source.iterdir()):
        data = file.read_bytes()
        server.files[f"/files/{file.name}.zst"] = zstd(data[::-1] if damaged else data)
        records.append(
            {
                "id": file.name, "last_modified": 1, "schema": 1, "name": file.name, "version": "2.1",
                "fileType": "model" if "model" in file.name else "lex" if "lex" in file.name else "vocab",
                "sourceLanguage": "en", "targetLanguage": "pt", "architecture": "tiny",
                "decompressedHash": sha256(data).hexdigest(),
                "attachment": {"hash": "0" * 64, "size": 1, "filename": file.name, "mimetype": "application/zstd",
                               "location": f"{file.name}.zst"},
            }
        )  # fmt: skip
    server.files["/v1/buckets/main/collections/models/records"] = json.dumps({"data": records}).encode()
    server.files["/v1/"] = json.dumps(
        {"capabilities": {"attachments": {"base_url": f"{server.url}/files/"}}}
    ).encode()
    index = f"{server.url}/v1/buckets/main/collections/models/records"
    pins = Pins(folder)
    if damaged:
        with pytest.raises(ModelError, match="is damaged"):
            models.install_pair("en", "pt", folder, pins, engine="firefox", index=index, progress=nothing)
        assert not (folder / "firefox").exists()
        return
    identity = models.install_pair("en", "pt", folder, pins, engine="firefox", index=index, progress=nothing)
    assert identity == "firefox/en-pt-2.1"
    assert (folder / "firefox" / "en-pt" / "model.enpt.intgemm.alphas.bin").read_bytes() == b"no model"
    shutil.rmtree(folder / "firefox")
    models.install_pair("en", "pt", folder, pins, engine="firefox", index=index, progress=nothing)
