"""Links, images, headings and anchors of a Markdown text, with their lines."""

import re
from collections import Counter
from pathlib import Path

import html5lib
import pytest
from markdown import Markdown
from markdown.extensions.toc import TocExtension
from pymdownx.slugs import slugify

from kb.content.outline import Outline, outline, plain_text, slug, without_code
from kb.content.reader import read

ROOT = Path(__file__).parents[2]
EXTENSIONS = "abbr admonition attr_list def_list footnotes md_in_html tables toc".split(" ")  # noqa: SIM905
EXTENSIONS += [f"pymdownx.{name}" for name in ("details", "superfences", "tabbed", "tasklist")]


def targets(text: str) -> list[tuple[str, str, int]]:
    return [(r.kind, r.target, r.line) for r in outline(text).references]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[a](b.md)", [("link", "b.md", 1)]),
        ("x\n\n![a](b.png)", [("image", "b.png", 3)]),
        ('[a](b.md "A title") and [c](<d e.md>)', [("link", "b.md", 1), ("link", "d e.md", 1)]),
        ("[a](b_(c).md)", [("link", "b_(c).md", 1)]),
        ("[a](b.md){ .button }", [("link", "b.md", 1)]),
        ("[![alt](i.png)](b.md)", [("image", "i.png", 1), ("link", "b.md", 1)]),
        ("[a\nb](c.md)", [("link", "c.md", 1)]),
        ("[a][r]\n\n[r]: b.md 'Title'\n", [("link", "b.md", 1)]),
        ("[r][] and [R]\n\n[r]: <b.md>\n", [("link", "b.md", 1), ("link", "b.md", 1)]),
        ("![a][r]\n\n[r]:\n  b.png\n", [("image", "b.png", 1)]),
        ("[a](b.md?x=1&amp;y=2)", [("link", "b.md?x=1&y=2", 1)]),
        ("[a](my file.md)", [("link", "my file.md", 1)]),
        ('<a class="x"\nhref="b.md">b</a>', [("link", "b.md", 1)]),
        ("<img src=b.png alt=B>", [("image", "b.png", 1)]),
        ("<video src=\"v.mp4\" poster='p.png'></video>", [("image", "v.mp4", 1), ("image", "p.png", 1)]),
        ("| [a](b.md) | ![c](d.svg) |", [("link", "b.md", 1), ("image", "d.svg", 1)]),
        ("!!! note\n\n    [a](b.md)\n", [("link", "b.md", 3)]),
        ("1.  One\n\n    [a](b.md)\n", [("link", "b.md", 3)]),
        ("Term\n:   [a](b.md)\n\n    [c](d.md)\n", [("link", "b.md", 2), ("link", "d.md", 4)]),
        ("- [ ] task\n- [x] done", []),
        ("text[^1]\n\n[^1]: [a](b.md)", [("link", "b.md", 3)]),
        (r"\[a](b.md)", []),
        ("`[a](b.md)` and ``[a](`b.md)``", []),
        ("```\n[a](b.md)\n```\n[c](d.md)", [("link", "d.md", 4)]),
        ("~~~~ md\n[a](b.md)\n~~~\n~~~~\n", []),
        ("!!! note\n\n    ```\n    [a](b.md)\n    ```\n    [c](d.md)\n", [("link", "d.md", 6)]),
        ("```\nnever closed [a](b.md)", [("link", "b.md", 2)]),
        ("text\n\n    [code](b.md)\n\ntext [a](c.md)", [("link", "c.md", 5)]),
        ("<!-- [a](b.md)\n[c](d.md) -->\n[e](f.md)", [("link", "f.md", 3)]),
        ("<pre>[a](b.md)</pre><code>[a](b.md)</code>", []),
        ("`<!--` [a](b.md) `-->`", [("link", "b.md", 1)]),
        ("a lone ` tick\n\n[a](b.md) `", [("link", "b.md", 3)]),
        ("array[0](x", []),
        ('--8<-- "terms.md"', [("snippet", "terms.md", 1)]),
        ("```\n--8<-- 'a.txt'\n```", [("snippet", "a.txt", 2)]),
        ("--8<--\na.md\n\nb.md\n--8<--", [("snippet", "a.md", 2), ("snippet", "b.md", 4)]),
    ],
)
def test_references_are_found_where_they_count(text: str, expected: list[tuple[str, str, int]]) -> None:
    assert targets(text) == expected


def test_the_first_line_of_the_file_is_counted_from() -> None:
    assert outline("a\n[b](c.md)", first_line=8).references[0].line == 9


def test_texts_of_links_and_images_keep_their_code() -> None:
    first, second = outline("[a `b`](c.md) <img src=d.png>").references
    assert (first.text, second.text) == ("a `b`", None)


def test_an_undefined_label_is_found_and_footnotes_are_not() -> None:
    found: Outline = outline("[a][b]\n\ntext[^1] [c]\n\n[^1]: note\n")
    assert [(u.label, u.line) for u in found.undefined] == [("b", 1)]


def test_headings_have_levels_texts_and_anchors() -> None:
    text = (
        "## First *one* `x`\n\n### Second { #two }\n\n##Third##\n\nFourth\n------\n\nFifth\n=====\n\n"
        "## Розмір ноги\n\n## First one x\n\n```\n# comment\n```\n\n| a |\n|---|\n"
    )
    assert [(h.level, h.text, h.anchor, h.line) for h in outline(text).headings] == [
        (2, "First one x", "first-one-x", 1),
        (3, "Second", "two", 3),
        (2, "Third", "third", 5),
        (2, "Fourth", "fourth", 7),
        (1, "Fifth", "fifth", 10),
        (2, "Розмір ноги", "розмір-ноги", 13),
        (2, "First one x", "first-one-x_1", 15),
    ]


def test_anchors_are_also_those_written_by_hand() -> None:
    text = "Text.\n{ #par }\n\n<a name=\"old\"></a><p id='p1'>\n\n[x]{:#mark .c}\n"
    assert outline(text).anchors == {"par", "old", "p1", "mark"}


@pytest.mark.parametrize(
    "heading",
    [
        "How long?",
        "Price: 5 € *net*",
        "`kb` build",
        "[Link](x.md) here",
        "C&amp;A",
        "snake_case and _em_",
        "A – b - c",
        "Й і ї?",
    ],
)
def test_anchors_are_those_of_the_rendered_page(heading: str) -> None:
    page = Markdown(extensions=["attr_list", TocExtension(slugify=slugify(case="lower"))])
    page.convert(f"## {heading}\n")
    (token,) = page.toc_tokens  # type: ignore[attr-defined]
    assert outline(f"## {heading}\n").headings[0].anchor == token["id"]


def test_the_example_articles_have_the_links_and_anchors_of_their_pages() -> None:
    """The scan is no renderer; on real articles it has to see just what one shows."""
    articles = [
        a for a in read(ROOT, "articles", ("en", "uk"))[0] if a.language == "en" or a.category == "returns"
    ]
    assert len(articles) > 40
    for article in articles:
        links, anchors = rendered(article.body)
        found = outline(article.body)
        assert Counter(reference.target for reference in found.references) == links, article.path
        assert [(heading.level, heading.anchor) for heading in found.headings] == anchors, article.path


def rendered(body: str) -> tuple[Counter[str], list[tuple[int, str]]]:
    """Targets of links and images, and (level, id) of headings, as MkDocs would make them."""
    page = Markdown(
        extensions=EXTENSIONS,
        extension_configs={
            "toc": {"slugify": slugify(case="lower")},
            "pymdownx.tabbed": {"alternate_style": True},
        },
    )
    tree = html5lib.parseFragment(page.convert(body), namespaceHTMLElements=False)
    elements = [element for element in tree.iter() if isinstance(element.tag, str)]
    links = [e.get("href") for e in elements if e.tag == "a" and "footnote" not in (e.get("class") or "")]
    links += [e.get("src") for e in elements if e.tag == "img"]
    headings = [e for e in elements if re.fullmatch("h[1-6]", e.tag)]
    return Counter(link for link in links if link), [(int(e.tag[1]), e.get("id")) for e in headings]


def test_blanking_out_code_keeps_every_position() -> None:
    text = "a `b\nc` <!-- d\n --> ```x\n\n```\ny\n```\n\n    z\n"
    blank = without_code(text)
    assert len(blank) == len(text)
    assert [i for i, c in enumerate(blank) if c == "\n"] == [i for i, c in enumerate(text) if c == "\n"]


def test_plain_text_and_slug() -> None:
    assert plain_text("**Bold** _and_ [a](b) \\* &amp; <b>x</b>") == "Bold and a * & x"
    assert slug("  What's new - in 2027?") == "whats-new---in-2027"


@pytest.mark.parametrize(
    "text",
    [
        "[" * 400_000,
        "[a](b" * 80_000,
        "](x (" * 80_000,
        '](x "' * 80_000,
        "# [a](" * 80_000,
        "``` x\n" * 80_000 + "``\n",
        " ".join("`" * n for n in range(1, 800)),
        "<pre" * 80_000,
        "<!--" * 80_000,
        "{ #" * 100_000,
        "<a " * 100_000,
        "# " + "_a " * 100_000,
        "\\" * 400_000,
        "\n" * 400_000,
        " " * 400_000 + "x",
        "# " + " #" * 100_000,
        "[x]: \n" * 80_000,
    ],
    ids=lambda text: repr(text[:8]),
)
def test_B9_text_made_to_be_slow_is_scanned(text: str) -> None:
    """Each scan takes well below a second; with one step quadratic, this test would run for minutes."""
    assert outline(text).references == ()
