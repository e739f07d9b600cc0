"""Mending: the finding is gone, every other byte is as it was, and a second run mends nothing."""

from collections.abc import Mapping
from datetime import date
from itertools import combinations
from pathlib import Path
from tempfile import NamedTemporaryFile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.content import checks, edits, media
from kb.content.article import Article, Catalog
from kb.content.edits import Edit
from kb.content.media import Media
from kb.content.mend import MENDABLE, Mended, Whereabouts, mend
from kb.content.reader import Entry, load
from kb.errors import Problem

from .conftest import HelpCentre

TODAY = date(2026, 11, 21)
HEAD = "---\ntitle: New\nquestions: [Q]\n"


@pytest.fixture
def centre(centre: HelpCentre) -> HelpCentre:
    """A small help centre without any finding."""
    centre.write("en/returns/index.md", "---\ntitle: Returns\n---\n")
    centre.article("en/returns/size.md", "## How long? { #how-long }\n", questions="[Too small]")
    centre.write("en/returns/images/box.svg", '<svg xmlns="http://www.w3.org/2000/svg"/>')
    return centre


def findings(centre: HelpCentre) -> list[Problem]:
    catalog, problems = centre.read()
    files, _ = media.read(centre.root, "articles", centre.languages)
    return [*problems, *checks.check(catalog, files, TODAY, articles=centre.articles)]


def mended(centre: HelpCentre, path: str, *, moved: Mapping[str, str] | None = None) -> Mended | None:
    """One round of mending of the article at ``path``."""
    catalog, _ = centre.read()
    files, _ = media.read(centre.root, "articles", centre.languages)
    places = Whereabouts(
        catalog, files, moved or {}, {"https://old.example/a": "https://new.example/b?c=1&d=2"}
    )
    return mend(centre.get(path), findings(centre), places)


def front(rest: str) -> str:
    """An article with something more in its front matter."""
    return f"{HEAD}{rest}---\nText\n"


def text(body: str) -> str:
    return f"{HEAD}---\n{body}"


MISTAKES = [
    # code, before, after
    (
        "front-matter-unknown-key",
        "---\nTitle: New\nquestions: [Q]\n---\nText\n",
        "---\ntitle: New\nquestions: [Q]\n---\nText\n",
    ),
    ("front-matter-unknown-key", front("Review-By: 2027-01-31\n"), front("review_by: 2027-01-31\n")),
    ("front-matter-date", front("review_by: 2027/1/5  # soon\n"), front("review_by: 2027-01-05  # soon\n")),
    ("front-matter-date", front("expires: '31.01.2027'\n"), front("expires: 2027-01-31\n")),
    ("front-matter-date", front("expires: 2027-01-31 00:00:00\n"), front("expires: 2027-01-31\n")),
    ("front-matter-duplicate-key", front("title: New\n"), text("Text\n")),
    (
        "front-matter-type",
        "---\ntitle: New\nquestions: Де мій пакунок?\n---\nText\n",
        '---\ntitle: New\nquestions: ["Де мій пакунок?"]\n---\nText\n',
    ),
    (
        "front-matter-type",
        "---\ntitle: New\nquestions:\n  - Доставка: коли?\n  - B\n---\nText\n",
        '---\ntitle: New\nquestions:\n  - "Доставка: коли?"\n  - B\n---\nText\n',
    ),
    ("front-matter-value", front("audience: Public\n"), front("audience: public\n")),
    (
        "front-matter-syntax",
        '---\ntitle: Повернення: "як"\nquestions: [Q]\n---\nText\n',
        '---\ntitle: "Повернення: \\"як\\""\nquestions: [Q]\n---\nText\n',
    ),
    ("front-matter-missing", "\n \n" + text("Text\n"), text("Text\n")),
    ("control-character", text("Te\x00xt\x0bmore\x1b\n"), text("Text more\n")),
    ("line-ends", text("One\rTwo\n"), text("One\nTwo\n")),
    ("line-ends", text("One\nTwo\n").replace("\n", "\r\r\n"), text("One\nTwo\n").replace("\n", "\r\n")),
    (
        "related-unknown",
        front("related: ['returns/old-size', returns/index]\n"),
        front("related: ['returns/size', returns/index]\n"),
    ),
    ("related-unknown", front("related:\n  - returns/old-size\n"), front("related:\n  - returns/size\n")),
    ("related-self", front("related: [returns/size, returns/new]\n"), front("related: [returns/size]\n")),
    ("related-self", front("related: [returns/new, returns/size]\n"), front("related: [returns/size]\n")),
    (
        "related-self",
        front("related:\n  - returns/new\n  - returns/size\n"),
        front("related:\n  - returns/size\n"),
    ),
    ("redirect-clash", front("redirect_from: [returns/new, faq/1]\n"), front("redirect_from: [faq/1]\n")),
    ("heading-jump", text("### A ###\n\n#### B\n\n### C\n"), text("## A ###\n\n### B\n\n## C\n")),
    ("heading-top", text("# A\n\n## B\n\n# C\n"), text("## A\n\n### B\n\n## C\n")),
    ("heading-top", text("A\n=====\n\n## B\n"), text("A\n-----\n\n### B\n")),
    (
        "link-not-a-file",
        text('A [b](/returns/size/#how-long "t") c\n'),
        text('A [b](size.md#how-long "t") c\n'),
    ),
    (
        "link-not-a-file",
        text("<a href='/en/returns/size/'>x</a> [b](<../size/>)\n"),
        text("<a href='size.md'>x</a> [b](<size.md>)\n"),
    ),
    (
        "link-not-a-file",
        text('[a][r] [b][r]\n\n[r]: /returns/size/ "t"\n'),
        text('[a][r] [b][r]\n\n[r]: size.md "t"\n'),
    ),
    ("link-dead", text("[a](old-size.md#how-long)\n"), text("[a](size.md#how-long)\n")),
    ("link-dead", text("[a](Size.md)\n"), text("[a](size.md)\n")),
    ("image-missing", text("![a](Images/Box.SVG)\n"), text("![a](images/box.svg)\n")),
    ("anchor-dead", text("[a](size.md#How-Long)\n"), text("[a](size.md#how-long)\n")),
    ("anchor-dead", text("[a](#my%20place)\n\n## My place\n"), text("[a](#my-place)\n\n## My place\n")),
]


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
@pytest.mark.parametrize(("code", "before", "after"), MISTAKES)
def test_a_mistake_is_mended_and_nothing_else(
    centre: HelpCentre, code: str, before: str, after: str, ends: str
) -> None:
    if ends == "\r\n" and "\r" not in before:
        before, after = before.replace("\n", ends), after.replace("\n", ends)
    centre.write("en/returns/new.md", before)
    assert code in {p.code for p in findings(centre)}
    found = mended(centre, "en/returns/new.md", moved={"returns/old-size": "returns/size"})
    assert found is not None
    assert found.text == after
    assert {each.code for each in found.mends} == {code}
    assert all(each.line >= 1 and each.what for each in found.mends)
    centre.write("en/returns/new.md", found.text)
    assert code not in {p.code for p in findings(centre)}
    assert mended(centre, "en/returns/new.md", moved={"returns/old-size": "returns/size"}) is None


def test_every_code_that_can_be_mended_has_an_example() -> None:
    assert {code for code, _, _ in MISTAKES} | {"external-link-moved"} == MENDABLE


@pytest.mark.parametrize(
    "text",
    [
        HEAD + "review_by: 05/06/2027\n---\nText\n",
        HEAD + "review_by: 2027-02-30\n---\nText\n",
        HEAD + "review_by: soon\n---\nText\n",
        HEAD + "title: Other\n---\nText\n",
        HEAD + "titel: Other\n---\nText\n",
        "---\ntitle: New\nquestions: One, two\n---\nText\n",
        "---\ntitle: Returns: how # to\nquestions: [Q]\n---\nText\n",
        '---\ntitle: "Returns" and more: x\nquestions: [Q]\n---\nText\n',
        "---\ntitle: New\nquestions: [Q\n---\nText\n",
        HEAD + "related: [returns/gone]\n---\nText\n",
        HEAD + "redirect_from: [returns/size]\n---\nText\n",
        HEAD + "---\n## A\n\n#### B\n\n### C\n",
        HEAD + "---\n#### A\n\n## B\n",
        HEAD + "---\n# New\n\n## B\n",
        HEAD + "---\n## A\n\nB\n===\n",
        HEAD + "---\n[a](gone.md) [b](/gone/) [c](form.pdf) ![d](no.png)\n",
        HEAD + "---\n[a](size.md#how-lang)\n",
        HEAD + "---\n[a](/returns/size/?page=2)\n",
        HEAD + "---\n[a](javascript:alert(1)) [b][r]\n",
    ],
)
def test_what_needs_a_person_is_left_alone(centre: HelpCentre, text: str) -> None:
    centre.write("en/returns/new.md", text)
    assert findings(centre)
    assert mended(centre, "en/returns/new.md") is None


def test_code_and_comments_are_no_links(centre: HelpCentre) -> None:
    same = "`[b](/returns/size/)` <!-- [b](/returns/size/) -->\n\n```\n[b](/returns/size/)\n### x\n```\n"
    centre.write("en/returns/new.md", f"{HEAD}---\n{same}[b](/returns/size/)\n")
    found = mended(centre, "en/returns/new.md")
    assert found is not None
    assert found.text == f"{HEAD}---\n{same}[b](size.md)\n"


def test_an_address_elsewhere_follows_its_move(centre: HelpCentre) -> None:
    text = HEAD + '---\n[a](https://old.example/a) <a href="https://old.example/a">b</a>\n'
    file = centre.write("en/returns/new.md", text)
    path = file.relative_to(centre.root).as_posix()
    moved = [Problem("external-link-moved", path, 5, "moved", severity="warning")]
    catalog, _ = centre.read()
    files, _ = media.read(centre.root, "articles", centre.languages)
    places = Whereabouts(catalog, files, {}, {"https://old.example/a": "https://new.example/b?c=1&d=2"})
    found = mend(centre.get("en/returns/new.md"), moved, places)
    assert found is not None
    assert "[a](https://new.example/b?c=1&d=2)" in found.text
    assert '<a href="https://new.example/b?c=1&amp;d=2">' in found.text


SMALL = [
    each for each in MISTAKES if each[0] not in ("front-matter-syntax", "front-matter-missing", "line-ends")
]


@pytest.mark.parametrize(
    ("one", "other"), list(combinations([m for m in SMALL if "heading" not in m[0]][::3], 2))
)
def test_mistakes_are_mended_side_by_side(
    centre: HelpCentre, one: tuple[str, str, str], other: tuple[str, str, str]
) -> None:
    """The second one's body below the first one's front matter and body: all is mended after a few rounds."""
    centre.write("en/returns/new.md", one[1] + "\n" + other[1].split("---\n", 2)[2])
    codes = {p.code for p in findings(centre)} & MENDABLE
    for _ in range(3):
        found = mended(centre, "en/returns/new.md", moved={"returns/old-size": "returns/size"})
        if found is None:
            break
        centre.write("en/returns/new.md", found.text)
    left = {p.code for p in findings(centre)}
    assert not left & codes
    assert found is None


LINES = st.lists(st.text("ab é\u2028🙂", max_size=6), min_size=1, max_size=6)
ENDS = st.sampled_from(["\n", "\r\n", "\r"])


@given(LINES, st.lists(ENDS, min_size=6, max_size=6), st.data())
def test_edits_change_their_columns_only(lines: list[str], ends: list[str], data: st.DataObject) -> None:
    text = "".join(line + end for line, end in zip(lines, ends, strict=False))
    # A carriage return and a line feed that meet are one end.
    lines = edits.lines(text)
    assert edits.apply(text, []) == text
    number = data.draw(st.integers(1, len(lines)))
    start = data.draw(st.integers(0, len(lines[number - 1])))
    end = data.draw(st.integers(start, len(lines[number - 1])))
    new = edits.apply(text, [Edit(number, start, end, "NEW")])
    expected = [*lines]
    expected[number - 1] = lines[number - 1][:start] + "NEW" + lines[number - 1][end:]
    assert edits.lines(new) == expected
    if len(set(ends)) == 1:
        assert len(edits.lines(edits.apply(text, [edits.drop(number)]))) == max(len(lines) - 1, 1)


def parsed(text: str) -> Article:
    with NamedTemporaryFile() as file:
        Path(file.name).write_bytes(text.encode())
        entry = Entry("en", "returns/new", ".md", "articles/en/returns/new.md", file.name, len(text.encode()))
        return load(entry, ("en",))[0]


@given(st.text("#ab\n[]():-/.\r\x00\v\"'=. ", max_size=120))
def test_nothing_makes_mending_stumble_or_go_on_for_ever(text: str) -> None:
    path = "articles/en/returns/new.md"
    problems = [Problem(code, path, line, "x") for code in MENDABLE - {"line-ends"} for line in range(1, 12)]
    for _ in range(8):
        article = parsed(HEAD + "---\n" + text)
        places = Whereabouts(Catalog(("en",), {"en": {article.id: article}}), Media(("en",), {}), {}, {})
        found = mend(article, problems, places)
        if found is None:
            break
        text = found.text.split("---\n", 2)[2]
    assert found is None
