"""Rendered articles as text: what a reader of the results sees, and where each part lies."""

import pytest

from kb.publish.sections import Section, lines, plain, split


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>One\nparagraph.</p>\n<p>And another.</p>", "One paragraph.\nAnd another."),
        ("<ul>\n<li>a box</li>\n<li>a label</li>\n</ul>", "a box\na label"),
        ("<ul><li>First<ul><li>Inner</li></ul></li><li>Second</li></ul>", "First\nInner\nSecond"),
        ("<ol>\n<li>\n<p>Pack it.</p>\n</li>\n<li><p>Send it.</p></li></ol>", "Pack it.\nSend it."),
        (
            "<table><thead><tr><th>How</th><th>Price</th></tr></thead>"
            "<tbody><tr><td>A <b>van</b></td>\n<td>₴490</td> <td>2 days</td></tr></tbody></table>",
            "How · Price\nA van: ₴490 · 2 days",
        ),
        ("<table><tr><td>alone</td></tr></table>", "alone"),
        (
            '<div class="admonition note">\n<p class="admonition-title">Note</p>\n<p>It is hot.</p>\n</div>',
            "Note:\nIt is hot.",
        ),
        ("<details><summary>Why is it locked?</summary><p>For safety.</p></details>", "Why is it locked?\nFor safety."),
        ("<dl><dt>Term</dt><dd>Its meaning.</dd></dl>", "Term:\nIts meaning."),
        (
            '<div class="tabbed-set"><div class="tabbed-labels"><label>Kyiv</label><label>Lviv</label></div>'
            '<div class="tabbed-content"><div class="tabbed-block"><p>By van.</p></div>'
            '<div class="tabbed-block"><p>By parcel.</p></div></div></div>',
            "Kyiv:\nBy van.\nLviv:\nBy parcel.",
        ),
        ('<p>Noted<sup id="r"><a class="footnote-ref" href="#f">1</a></sup>.</p>', "Noted."),
        ("<p>2 &lt; 3 &amp; <code>a  b</code></p>", "2 < 3 & a b"),
        ("<p>line<br />end</p>", "line\nend"),
        ("<p>مرحبا</p><ul><li>أولًا</li><li>ثانيًا</li></ul>", "مرحبا\nأولًا\nثانيًا"),
    ],
    ids=[
        "paragraphs", "list", "nested list", "steps", "table", "one cell", "notice", "details", "definitions", "tabs",
        "footnote", "entities", "line break", "right to left",
    ],
)  # fmt: skip
def test_each_block_is_a_line(html: str, text: str) -> None:
    assert lines(html) == text
    assert plain(html) == text.replace("\n", " ")


def test_tabs_within_tabs_keep_their_labels() -> None:
    inner = (
        '<div class="tabbed-labels"><label>x</label><label>y</label></div>'
        '<div class="tabbed-block"><p>1</p></div><div class="tabbed-block"><p>2</p></div>'
    )
    html = (
        '<div class="tabbed-labels"><label>A</label><label>B</label></div>'
        f'<div class="tabbed-block">{inner}</div><div class="tabbed-block"><p>3</p></div>'
    )

    assert lines(html).split("\n") == ["A:", "x:", "1", "y:", "2", "B:", "3"]


def test_sections_begin_at_headings_with_an_address() -> None:
    html = (
        '<p>Before.</p><h2 id="how">How<a class="headerlink" href="#how">¶</a></h2><ul><li>a</li><li>b</li></ul>'
        '<h3 id="why">Why &amp; when</h3>'
    )

    assert split(html) == (
        Section("", "", "Before."), Section("how", "How", "a\nb"), Section("why", "Why & when", ""),
    )  # fmt: skip
