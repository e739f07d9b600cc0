"""Files beside the articles: which are published, which language's, and SVG that only draws."""

from pathlib import Path

import pytest

from kb.content import media

from .conftest import HelpCentre

SVG = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">{}</svg>'
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20


def read(centre: HelpCentre) -> tuple[media.Media, list[tuple[str, str, int | None]]]:
    found, problems = media.read(centre.root, "articles", centre.languages)
    return found, [(p.code, p.path.removeprefix("articles/"), p.line) for p in problems]


def test_a_language_uses_its_own_file_or_the_sources(centre: HelpCentre) -> None:
    centre.write("en/a/images/box.png", PNG)
    centre.write("en/a/images/card.png", PNG)
    centre.write("uk/a/images/box.png", PNG)
    found, problems = read(centre)
    assert problems == []
    own, fallback = found.resolve("uk", "a/images/box.png"), found.resolve("uk", "a/images/card.png")
    assert own is not None
    assert own.path == "articles/uk/a/images/box.png"
    assert fallback is not None
    assert (fallback.language, fallback.file.read_bytes()) == ("en", PNG)
    assert found.resolve("en", "a/images/none.png") is None
    assert found.names() == {"a/images/box.png", "a/images/card.png"}


def test_files_of_unknown_kinds_are_not_published_and_said_so(centre: HelpCentre) -> None:
    for name in ("form.html", "code.js", "LICENSE", "a.md~"):
        centre.write(f"en/a/{name}", "x")
    centre.write("en/a/b.po", "")
    found, problems = read(centre)
    assert found.names() == set()
    assert [(code, path) for code, path, _ in problems] == [
        ("file-type", "en/a/LICENSE"),
        ("file-type", "en/a/a.md~"),
        ("file-type", "en/a/code.js"),
        ("file-type", "en/a/form.html"),
    ]


def test_a_file_must_be_what_its_name_says(centre: HelpCentre) -> None:
    centre.write("en/a/photo.png", "<html><script>alert(1)</script>")
    assert read(centre)[1] == [("file-content", "en/a/photo.png", None)]


def test_large_files_are_refused_and_heavy_images_pointed_out(
    centre: HelpCentre, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(media, "MEDIA_LIMIT_BYTES", 1000)
    monkeypatch.setattr(media, "HEAVY_IMAGE_BYTES", 100)
    centre.write("en/a/huge.png", PNG + b"x" * 2000)
    centre.write("en/a/heavy.png", PNG + b"x" * 200)
    found, problems = read(centre)
    assert problems == [("image-heavy", "en/a/heavy.png", None), ("file-too-large", "en/a/huge.png", None)]
    assert found.names() == {"a/heavy.png"}


def test_B12_case_twins_among_files_are_refused(centre: HelpCentre) -> None:
    for path in ("en/a/Box.png", "en/a/box.png", "uk/a/box.png"):
        centre.write(path, PNG)
    assert read(centre)[1] == [("name-case-twin", "en/a/box.png", None)]


def test_B6_symbolic_links_are_not_media(centre: HelpCentre) -> None:
    (centre.articles / "en/hosts.csv").symlink_to("/etc/hosts")
    assert read(centre)[0].names() == set()
    assert ("symbolic-link", "en/hosts.csv", None) in centre.findings()


@pytest.mark.parametrize(
    "inside",
    [
        '<path d="M0 0h9"/><g fill="url(#g)"><use xlink:href="#a"/></g>',
        '<defs><linearGradient id="g"><stop offset="0" style="stop-color:#fff"/></linearGradient></defs>',
        "<style>.a{fill:url( '#g' )}</style><title>Box</title>",
        '<image href="data:image/png;base64,iVBORw0KGgo="/>',
        '<animate attributeName="opacity" values="0;1"/>',
        '<i:x xmlns:i="http://www.inkscape.org/namespaces/inkscape"/>',
    ],
)
def test_B11_drawings_are_fine(inside: str) -> None:
    assert media.unsafe(SVG.format(inside).encode()) == []


@pytest.mark.parametrize(
    ("inside", "what"),
    [
        ("<script>alert(1)</script>", "<script>"),
        ("<s:script xmlns:s='http://www.w3.org/2000/svg'>x</s:script>", "<script>"),
        ("<foreignObject/>", "<foreignObject>"),
        ("<g onload='x()'/>", "onload"),
        ("<g ONCLICK='x()'/>", "ONCLICK"),
        ("<a href='javascript:alert(1)'/>", "javascript"),
        ("<a xlink:href='https://evil.example'/>", "evil.example"),
        ("<use href='other.svg#x'/>", "other.svg"),
        ("<image href='//evil.example/x.png'/>", "evil.example"),
        ("<image href='data:image/svg+xml;base64,PHN2Zz4='/>", "data:image/svg"),
        ("<use href='data:image/png;base64,AA=='/>", "data:"),
        ("<iframe xmlns='http://www.w3.org/1999/xhtml'/>", "<iframe>"),
        ("<set attributeName='href' to='javascript:x'/>", "<set>"),
        ("<animate attributeName='xlink:href' values='javascript:x'/>", "animation"),
        ("<style>@import url(//evil.example);</style>", "style sheet"),
        ("<style>.a{fill:<![CDATA[u]]>rl(http://evil.example)}</style>", "style sheet"),
        ("<style>.a{background:\\75rl(//evil.example)}</style>", "style sheet"),
        ("<g style='fill:url(http://evil.example)'/>", "style"),
        ("<g fill='url(http://evil.example#a)'/>", "fill"),
        ("<g xml:base='http://evil.example'/>", "evil.example"),
        ("<?xml-stylesheet href='x.css'?>", "xml-stylesheet"),
        ("<path", "not well-formed"),
    ],
)
def test_B11_svg_that_does_more_is_refused_with_its_line(centre: HelpCentre, inside: str, what: str) -> None:
    centre.write("en/a/box.svg", SVG.format(f"\n\n{inside}\n"))
    _, problems = media.read(centre.root, "articles", centre.languages)
    assert {p.code for p in problems} == {"svg-unsafe"}
    assert what in problems[0].message
    assert problems[0].line in (3, 4)


@pytest.mark.parametrize(
    "data",
    [
        b'<!DOCTYPE svg [<!ENTITY x "y">]><svg xmlns="http://www.w3.org/2000/svg">&x;</svg>',
        b'<!DOCTYPE svg [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><svg>&b;</svg>',
        b'<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]><svg>&x;</svg>',
        b"<html><body/></html>",
        b"\xff\xfe\x00",
        b"",
        b"<svg>no namespace</svg>",
    ],
)
def test_B11_documents_with_entities_or_of_other_kinds_are_refused(data: bytes) -> None:
    assert media.unsafe(data)


def test_B11_a_script_in_utf16_is_seen() -> None:
    assert media.unsafe(SVG.format("<script/>").encode("utf-16"))


def test_B11_many_findings_are_cut_off() -> None:
    assert len(media.unsafe(SVG.format("<script/>" * 5000).encode())) == 20


def test_the_plain_doctype_of_svg_is_fine() -> None:
    doctype = (
        '<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">'
    )
    assert media.unsafe((doctype + SVG.format("<path d='M0'/>")).encode()) == []


def test_the_example_help_centres_drawings_are_fine() -> None:
    root = Path(__file__).parents[2]
    found, problems = media.read(root, "articles", ["en"])
    assert problems == ()
    assert found.names()
