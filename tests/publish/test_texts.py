"""Generated files go where their address says, and nowhere else."""

from pathlib import Path

import pytest

from kb.errors import BuildError
from kb.publish.centre import Centre
from kb.publish.texts import write


def test_texts_are_written_as_utf8_with_plain_line_feeds(tmp_path: Path) -> None:
    write({"uk/llms.txt": "# Оселя\n"}, tmp_path)
    assert (tmp_path / "uk" / "llms.txt").read_bytes() == "# Оселя\n".encode()


@pytest.mark.parametrize("address", ["../evil.html", "/etc/evil.html", "uk/../../evil.html", "uk\\evil.html"])
def test_address_outside_the_site_is_refused(tmp_path: Path, address: str) -> None:
    site = tmp_path / "site"
    site.mkdir()
    with pytest.raises(BuildError, match="not an address inside the site"):
        write({address: "evil"}, site)
    assert not list(tmp_path.rglob("*evil*"))


@pytest.mark.parametrize("second", ["uk/size/index.html", "uk/size/index.html/index.html", "uk/size"])
def test_B12_a_file_never_overwrites_another(tmp_path: Path, second: str) -> None:
    write({"uk/size/index.html": "first"}, tmp_path)
    with pytest.raises(BuildError, match="two files of the site have the address"):
        write({second: "second"}, tmp_path)
    assert (tmp_path / "uk/size/index.html").read_text() == "first"


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("", "/"),
        ("https://help.oselya.example/", "/"),
        ("https://oselya.example/help/", "/help/"),
        ("https://oselya.example/a/b/", "/a/b/"),
    ],
)
def test_path_of_a_site_on_its_host(url: str, path: str) -> None:
    assert Centre(url, "Oselya", "en", {}).path == path
