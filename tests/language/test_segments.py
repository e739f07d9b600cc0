"""Segments: what is found, that nothing else changes, and that translations are written safely."""

import re

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from kb.language.segments import body, join, scan, slugify
from tests.language.rendering import CORPORA, HERE, identity, render, shouter, translated

CASES = [
    pytest.param(case, id=case.partition("\n")[0])
    for file in sorted((HERE / "cases").glob("*.md"))
    for case in re.split(r"(?m)^\.\.\.\. ", file.read_text(encoding="utf-8"))[1:]
]


@pytest.mark.parametrize("case", CASES)
def test_golden_case(case: str) -> None:
    source, segments, shouted = re.split(r"(?m)^---- (?:segments|shouted)\n", case.partition("\n")[2])
    found = [f"{segment.kind}: {segment.text!r}" for segment in scan(source).segments]
    assert found == segments.splitlines()
    assert translated(source, shouter)[0].text.rstrip("\n") == shouted.rstrip("\n")


def torture() -> str:
    return (HERE / "torture.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_the_torture_page_has_words_everywhere_and_is_restored(newline: str) -> None:
    text = torture().replace("\n", newline)
    document = scan(text)
    assert len(document.segments) >= 170
    assert len({segment.kind for segment in document.segments}) >= 15
    assert join(document, [None] * len(document.segments)) == text


def test_every_page_of_the_corpora_is_restored_byte_for_byte() -> None:
    if not CORPORA.is_dir():
        pytest.skip("the corpora are not on this machine")
    for page in CORPORA.rglob("*.md"):
        text = page.read_bytes().decode("utf-8", "surrogateescape")
        document = scan(text)
        assert join(document, [None] * len(document.segments)) == text, page


FRAGMENTS = [line + "\n" for line in torture().splitlines()] + [
    "\r\n",
    "\n\n",
    "\r",
    "\t",
    "\0",
    "\ufeff",
    "---\n",
]
TEXTS = st.one_of(
    st.text(),
    st.lists(st.sampled_from(FRAGMENTS), max_size=40).map("".join),
    st.lists(st.one_of(st.sampled_from(FRAGMENTS), st.text(max_size=12)), max_size=30).map("".join),
    st.lists(st.sampled_from(FRAGMENTS), max_size=20).map(lambda lines: "".join(lines).replace("\n", "\r\n")),
)


@settings(max_examples=2000, deadline=None)
@given(TEXTS)
def test_any_text_is_restored(text: str) -> None:
    document = scan(text)
    assert join(document, [None] * len(document.segments)) == text
    for segment in document.segments:
        assert segment.text.strip()
        assert 0 <= segment.start < segment.end <= len(text)
    starts = [segment.start for segment in document.segments]
    assert starts == sorted(starts)
    ends = [segment.end for segment in document.segments]
    assert all(end <= start for end, start in zip(ends, starts[1:], strict=False))


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(FRAGMENTS), max_size=25).map("".join))
def test_any_page_keeps_its_structure_through_the_check(text: str) -> None:
    checked, _ = translated(text, shouter)
    assert skeleton_of(checked.text) == skeleton_of(text)


def skeleton_of(text: str) -> tuple[str, ...]:
    from kb.language.pagecheck import skeleton

    return skeleton(render(body(text))).parts


def test_headings_above_and_abbreviations_within_come_with_a_segment() -> None:
    document = scan("# Sizes\n\nCSS words\n\n*[CSS]: Cascading\n")
    assert [(s.heading, s.keep) for s in document.segments if s.kind == "paragraph"] == [("Sizes", ("CSS",))]


def test_a_list_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="1 segments, 2 translations"):
        join(scan("words\n"), ["a", "b"])


def test_a_blank_translation_leaves_the_source() -> None:
    assert join(scan("# Words\n"), [" \n"]) == "# Words\n"


def test_anchors_are_those_the_site_gives_the_source() -> None:
    headings = ["A & B", "A & B", "`code_x` *and* [a link](x)", "Привіт, світе!", "H~2~O &amp; &copy;", "😀"]
    source = "".join(f"## {heading}\n\n" for heading in headings)
    ids = re.findall(r'<h\d id="([^"]*)"', render(source))
    document = scan(source)
    joined = join(document, [segment.text.upper() for segment in document.segments])
    assert re.findall(r"\{ #(\S+) \}", joined) == ids


def test_another_slug_function_may_be_given() -> None:
    document = scan("# Some Words\n")
    assert join(document, ["x"], slug=lambda words, separator: "id") == "# x { #id }\n"
    assert slugify("Some  Words!") == "some-words"


@pytest.mark.parametrize(
    ("translation", "written"),
    [
        ("# not a heading", r"\# not a heading"),
        ("1. not a list", r"1\. not a list"),
        ("- not a list", r"\- not a list"),
        ("> not a quote", r"\> not a quote"),
        ("!!! note", r"\!!! note"),
        ("??? note", "&#63;?? note"),
        ('=== "Tab"', '&#61;== "Tab"'),
        ("/// note", "&#47;// note"),
        (": not a definition", "&#58; not a definition"),
        ("[^1]: not a footnote", r"\[^1]: not a footnote"),
        ("*[A]: not an abbreviation", r"\*[A]: not an abbreviation"),
        ("[a]: b", r"\[a]: b"),
        ("```x", "\\```x"),
        ("---", r"\---"),
        ("    indented", "indented"),
        ("two\n\nparagraphs", "two paragraphs"),
        ("one  \n# two", "one  \n\\# two"),
        ("**bold** first", "**bold** first"),
    ],
)
def test_a_translation_begins_no_block_of_its_own(translation: str, written: str) -> None:
    document = scan("Some words.\n")
    joined = join(document, [translation])
    assert joined == written + "\n"
    assert set(re.findall(r"<(\w+)", render(joined))) <= {"p", "br", "strong"}


def test_a_paragraph_that_begins_with_a_marker_in_the_source_keeps_it() -> None:
    document = scan("[link]: not a definition because [of this]\n")
    text = document.segments[0].text
    assert join(document, [text]) == document.text


@pytest.mark.parametrize(
    ("source", "translation", "written"),
    [
        ("| A | B |\n|---|---|\n| cell | x |\n", r"a | b \| `c | d`", r"| a \| b \| `c | d` | x |"),
        ('!!! note "Title"\n\n    Words\n', 'Say "x" `"y"`', '!!! note "Say &quot;x&quot; `"y"`"'),
        ('=== "Tab"\n\n    Words\n', '"Tab"', '=== "&quot;Tab&quot;"'),
        ('[a]: b "Title"\n', 'A "b"', '[a]: b "A &quot;b&quot;"'),
        ("# Words\n", "C#", r"# C\# { #words }"),
        ("<p>Words</p>\n", "a < b", "<p>a &lt; b</p>"),
    ],
)
def test_a_translation_is_escaped_as_its_place_needs(source: str, translation: str, written: str) -> None:
    document = scan(source)
    wanted = {"cell", "Title", "Tab", "Words"}
    translations = [
        translation if segment.text in wanted and segment.kind != "paragraph" else None
        for segment in document.segments
    ]
    assert written in join(document, translations)


VALUES = [
    "No",
    "2024-01-01",
    "a: b",
    "- x",
    "#x",
    "it's",
    'a "b"',
    "@x",
    "[x]",
    "ends:",
    "null",
    "tab\there",
    "\\n",
    "é",
]


@pytest.mark.parametrize("value", [*VALUES, "Two words, and more"])
@pytest.mark.parametrize(
    "style", ["title: Words", "title: 'Words'", 'title: "Words"', "title: >-\n  Words", "title: |\n  Words"]
)
def test_any_value_survives_in_any_yaml_style(style: str, value: str) -> None:
    document = scan(f"---\n{style}\norder: 1\n---\nbody text\n")
    joined = join(document, [value, None])
    front = yaml.safe_load(joined.split("---")[1])
    assert (front["title"].strip(), front["order"]) == (value, 1)
    assert body(joined) == "body text\n"


@pytest.mark.parametrize("value", VALUES)
def test_any_value_survives_in_a_flow_list(value: str) -> None:
    document = scan("---\nquestions: [One, Two]\n---\n")
    assert yaml.safe_load(join(document, [value, None]).split("---")[1])["questions"] == [value, "Two"]


@pytest.mark.parametrize(
    "front",
    [
        "title: [" * 3000,
        "title: !!python/object/apply:os.system [x]",
        "a: &a [x]\ntitle: *b",
        "title: 1",
        "- x",
        "\0",
        "",
    ],
)
def test_a_front_matter_without_words_is_left_alone(front: str) -> None:
    text = f"---\n{front}\n---\nwords\n"
    document = scan(text)
    assert [segment.kind for segment in document.segments] == ["paragraph"]
    assert join(document, [None]) == text


def test_a_paragraph_above_a_rule_does_not_become_a_heading() -> None:
    checked, _ = translated("> Words over\n> two lines\n> ---\n", shouter)
    assert checked.text == "> WORDS OVER TWO LINES\n>\n> ---\n"
    assert checked.broken == ()


def test_windows_line_ends_stay_in_a_translated_page() -> None:
    document = scan("- one  \r\n  two\r\n")
    assert join(document, ["eins  \nzwei"]) == "- eins  \r\n  zwei\r\n"


def test_deep_brackets_and_long_lines_take_no_stack_and_no_time() -> None:
    text = "[" * 5000 + "x" + "](y)" * 5000 + "\n\n" + "*" * 5000 + "a" + "`" * 3000 + "<" * 3000 + "\n"
    document = scan(text)
    assert join(document, [None] * len(document.segments)) == text
    assert translated("[" * 200 + "words\n", identity)[0].text == "[" * 200 + "words\n"


def test_questions_in_flow_style_are_found_as_the_reader_finds_them() -> None:
    # Only libyaml takes a question mark at the end of a plain value in a list.
    text = "---\ntitle: Size\nquestions: [How do I swap it?, Why 😀?]\n---\nText.\n"
    document = scan(text)
    assert [s.text for s in document.segments] == ["Size", "How do I swap it?", "Why 😀?", "Text."]
    assert join(document, [None] * 4) == text


def test_front_matter_too_deep_to_parse_has_no_segments() -> None:
    text = f"---\ntitle: {'[' * 30_000}\n---\nText.\n"
    assert [s.text for s in scan(text).segments] == ["Text."]
