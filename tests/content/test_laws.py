"""Laws of the reader and its scans, for any text an editor, a program or an attacker may write."""

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from kb.content import frontmatter, media
from kb.content.article import Article, Text
from kb.content.importer import kramdown, liquid, markup
from kb.content.links import Leads, destination, relative
from kb.content.outline import outline, without_code
from kb.content.reader import read

_WORDS = "title tags order draft questions 2027-01-01 true ~ é"
_SIGNS = [
    ": ",
    ":",
    "- ",
    "? ",
    "[",
    "]",
    "{",
    "}",
    "&a ",
    "*a",
    "!!x ",
    "|",
    ">",
    "'",
    '"',
    "#",
    ",",
    "%",
    "@",
]
_BREAKS = ["\n", "\n  ", "\t", "---", "...", "\x00", "\x85"]
YAML = st.lists(
    st.sampled_from([*_WORDS.split(), *_SIGNS, *_BREAKS]) | st.text(max_size=4),
    max_size=25,
).map("".join)
_LINKS = ["[", "](", ")", "![", "]: ", "[r]", "\\", "<a href='x'>", "</a>", "<img src=y>", "--8<-- 'a'"]
_CODE = ["`", "``", "```", "~~~", "<!--", "-->", "<pre>", "</pre>", "    ", "\t"]
_BLOCKS = [
    "\n",
    "\n\n",
    "# ",
    "## ",
    "- ",
    "1. ",
    "| a | b |\n|---|---|\n",
    "<p>",
    "</p>",
    "<ul><li>",
    "</li></ul>",
]
_FOREIGN = [
    "{: #x }",
    "{:toc}",
    "{::comment}",
    "{:/}",
    "{{ x }}",
    "{% if %}",
    "===",
    "---",
    "&amp;",
    "word",
    " ",
]
MARKDOWN = st.lists(st.sampled_from([*_LINKS, *_CODE, *_BLOCKS, *_FOREIGN]), max_size=30).map("".join)


@settings(max_examples=300, deadline=None)
@given(YAML)
def test_B8_any_front_matter_gives_an_article_or_a_finding(yaml: str) -> None:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "articles" / "en" / "a" / "b.md"
        file.parent.mkdir(parents=True)
        file.write_bytes(f"---\n{yaml}\n---\nBody\n".encode("utf-8", "surrogatepass"))
        catalog, problems = read(Path(folder), "articles", ("en",))
    article = catalog.get("en", "a/b")
    assert article is not None
    assert article.title
    # What is not sound is never published by mistake.
    assert article.draft or not [p for p in problems if p.code.startswith(("front-matter", "title"))]
    lines = yaml.count("\n") + yaml.count("\r") + 5
    assert all(p.line is None or 1 <= p.line <= lines + yaml.count("\x85") for p in problems)


@settings(max_examples=300, deadline=None)
@given(YAML)
def test_splitting_loses_no_line(text: str) -> None:
    whole = f"---\n{text.replace(chr(13), '')}\n---\nBody\n"
    head = frontmatter.split(whole)
    assert head.body == "\n".join(whole.split("\n")[head.body_line - 1 :])


@settings(max_examples=400, deadline=None)
@given(MARKDOWN)
def test_every_reference_stands_where_its_span_and_line_say(text: str) -> None:
    assert len(without_code(text)) == len(text)
    for reference in outline(text, 7).references:
        start, end = reference.span
        assert 7 <= reference.line <= 7 + text.count("\n")
        if reference.kind != "snippet":
            assert 0 <= start < end <= len(text)
            assert text[start] in "[!<"
        first, last = reference.target_span
        assert (first, last) == (0, 0) or start < first <= last <= end


@settings(max_examples=300, deadline=None)
@given(MARKDOWN)
def test_the_importer_takes_any_text(text: str) -> None:
    found: list[int] = []

    def report(code: str, line: int, message: str, hint: str) -> None:
        found.append(line)

    once = kramdown.translate(text, report)
    assert once.count("\n") == text.count("\n"), "kramdown's marks keep their lines"
    twice = markup.translate(liquid.translate(once, liquid.Site(), {}, report), report)
    assert kramdown.with_deep_lists(twice).split() == twice.split(), "lists change their indentation only"
    assert all(line >= 1 for line in found)


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="ab/._-#?%:\\ \n", max_size=20))
def test_B5_no_link_leads_out_of_the_language(target: str) -> None:
    for id in ("index", "a/index", "a/b", "a/b/c"):
        goal = destination(target, id, ("en",))
        if goal.leads in (Leads.ARTICLE, Leads.FILE, Leads.ADDRESS):
            assert not goal.path.startswith("/")
            assert ".." not in goal.path.split("/")


@given(
    st.sampled_from(["index", "a/index", "a/b", "b/c/d"]),
    st.sampled_from(["index", "a/index", "a/b", "b/c/d"]),
)
def test_a_relative_link_leads_back_to_its_article(one: str, other: str) -> None:
    assert destination(relative(one, other), other).path == one


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200) | YAML.map(str.encode))
def test_B11_only_svg_drawings_pass(data: bytes) -> None:
    assert media.unsafe(data), "no random bytes are a drawing"


@given(head=st.text(), body=st.text(), line_ends=st.booleans())
def test_text_and_body_are_as_they_were_and_kept_once(head: str, body: str, line_ends: bool) -> None:
    """A body with plain line ends is no part of a file with others."""
    whole = head + (body.replace("\n", "\r\n") if line_ends else body)
    kept = Text.of(whole, body)
    article = Article("a/b", "en", "articles/en/a/b.md", "B", kept)
    assert (article.text, article.body) == (whole, body)
    if whole.endswith(body):
        assert kept.utf8 == whole.encode()
