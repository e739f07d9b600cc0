"""From files to the catalog; every fault of a file is found, with its place."""

import os
import unicodedata
from datetime import date
from pathlib import Path

import pytest

from kb.content import names
from kb.content.article import Origin
from kb.content.reader import ARTICLE_LIMIT_BYTES, read

from .conftest import HelpCentre


def test_an_article_has_its_details_body_and_lines(centre: HelpCentre) -> None:
    centre.write(
        "en/returns/size.md",
        "---\n"
        "title: Swap a size\n"
        "description: >\n  One\n  sentence.\n"
        "questions:\n  - It is too small\n  - 'Wrong size: what now?'\n"
        "tags: [size, 2027, yes]\n"
        "related: [/en/returns/refund-times/, orders/status.md]\n"
        "order: 20\n"
        "review_by: 2027-06-30\nexpires: '2027-01-15'\n"
        "draft: no\naudience: internal\n"
        "redirect_from: [/size-swap/, returns/old.html]\n"
        "translate: review\n"
        "---\n"
        "First line.\n",
    )
    article = centre.get("en/returns/size.md")
    assert centre.problems() == []
    assert article.id == "returns/size"
    assert article.path == "articles/en/returns/size.md"
    assert article.origin is Origin.WRITTEN
    assert article.title == "Swap a size"
    assert article.description == "One sentence."
    assert article.questions == ("It is too small", "Wrong size: what now?")
    assert article.tags == ("size", "2027", "yes")
    assert article.related == ("returns/refund-times", "orders/status")
    assert (article.order, article.review_by, article.expires) == (20, date(2027, 6, 30), date(2027, 1, 15))
    assert (article.draft, article.audience, article.translate) == (False, "internal", "review")
    assert article.redirect_from == ("size-swap", "returns/old")
    assert article.body == "First line.\n"
    assert article.text.split("\n")[article.body_line - 1] == "First line."
    assert article.lines["order"] == 11


def test_words_that_yaml_takes_for_other_things_stay_words(centre: HelpCentre) -> None:
    centre.write("en/a/no.md", "---\ntitle: No\ndescription: 12:30\ntags: [1.10, null-value]\n---\n")
    article = centre.get("en/a/no.md")
    assert (article.title, article.description, article.tags) == ("No", "12:30", ("1.10", "null-value"))


def test_a_detail_without_a_value_is_as_if_it_were_not_there(centre: HelpCentre) -> None:
    centre.write(
        "en/a/b.md", "---\ntitle: B\nquestions:\n# none yet\ntags: ~\norder: null\ndescription: ''\n---\n"
    )
    article = centre.get("en/a/b.md")
    assert centre.problems() == []
    assert (article.questions, article.tags, article.order, article.description) == ((), (), None, "")


def test_related_may_name_a_category(centre: HelpCentre) -> None:
    centre.write("en/returns/index.md")
    centre.article("en/returns/size.md", related="[/returns/]")
    assert centre.get("en/returns/size.md").related == ("returns/index",)


def test_other_files_and_hidden_files_are_no_articles(centre: HelpCentre) -> None:
    for path in ("en/a/picture.svg", "en/a/b.po", "en/a/.hidden.md", "en/.obsidian/x.md", "glossary/uk.yml"):
        centre.write(path, "x")
    catalog, problems = centre.read()
    assert (catalog.ids, problems) == (("index",), ())


def test_crlf_and_a_byte_order_mark_are_read_like_plain_text(centre: HelpCentre) -> None:
    centre.write("en/a/b.md", b"\xef\xbb\xbf---\r\ntitle: B\r\n---\r\nOne\r\ntwo\r\n")
    article = centre.get("en/a/b.md")
    assert centre.problems() == []
    assert (article.title, article.body, article.body_line) == ("B", "One\ntwo\n", 4)


def test_all_problems_of_a_run_come_together(centre: HelpCentre) -> None:
    centre.write("en/a/one.md", "---\ntitel: One\norder: first\nreview_by: 2027-02-30\n---\n")
    centre.write("uk/a/two.md", "No front matter\n")
    assert centre.findings() == [
        ("front-matter-date", "en/a/one.md", 4),
        ("front-matter-missing", "uk/a/two.md", 1),
        ("front-matter-type", "en/a/one.md", 3),
        ("front-matter-unknown-key", "en/a/one.md", 2),
        ("title-missing", "en/a/one.md", 1),
    ]


def test_an_unknown_key_is_refused_naming_the_nearest(centre: HelpCentre) -> None:
    centre.write("en/a/b.md", "---\ntitle: B\nrealted: [a]\n---\n")
    (problem,) = centre.problems()
    assert (problem.code, problem.line, problem.hint) == (
        "front-matter-unknown-key",
        3,
        "did you mean 'related'?",
    )


@pytest.mark.parametrize(
    ("head", "code", "line"),
    [
        ("title: Returns: how to", "front-matter-syntax", 2),
        ("title: B\ntags:\n\t- x", "front-matter-syntax", 4),
        ("title: 'B", "front-matter-syntax", 3),
        ("title: B\ntitle: C", "front-matter-duplicate-key", 3),
        ("title: [B]", "front-matter-type", 2),
        ("title: B\nquestions: Where is it?", "front-matter-type", 3),
        ("title: B\nquestions:\n- Fine\n- Why: then?", "front-matter-type", 5),
        ("title: B\nquestions:\n- Fine\n-", "front-matter-type", 5),
        ("title: B\norder: 1.5", "front-matter-type", 3),
        ("title: B\ndraft: maybe", "front-matter-type", 3),
        ("title: B\naudience: staff", "front-matter-value", 3),
        ("title: B\ntranslate: never", "front-matter-value", 3),
        ("title: B\nrelated: [https://shop.example/x]", "front-matter-id", 3),
        ("title: B\nredirect_from: [../../etc]", "front-matter-id", 3),
        ("title: ", "title-missing", 2),
        ("order: 1\ntitle:", "title-missing", 3),
        ("title: '  '", "title-missing", 2),
        ("", "title-missing", 1),
        ("title: B\n? [a, b]\n: c", "front-matter-unknown-key", 3),
    ],
)
def test_a_wrong_detail_is_reported_at_its_line(centre: HelpCentre, head: str, code: str, line: int) -> None:
    centre.write("en/a/b.md", f"---\n{head}\n---\nText\n")
    assert centre.findings() == [(code, "en/a/b.md", line)]
    assert all(problem.message for problem in centre.problems())


def test_an_unreadable_article_stays_in_the_catalog_as_a_draft(centre: HelpCentre) -> None:
    centre.write("en/a/how-to-pay.md", "---\ntitle: [\n---\n")
    article = centre.get("en/a/how-to-pay.md")
    assert (article.title, article.draft) == ("How to pay", True)


def test_an_article_directly_below_the_language_is_told_to_move(centre: HelpCentre) -> None:
    centre.write("en/refunds.md")
    (problem,) = centre.problems()
    assert problem.code == "article-without-category"
    assert "articles/en/general/refunds.md" in problem.hint


def test_a_folder_of_a_language_that_is_not_configured_is_pointed_out(centre: HelpCentre) -> None:
    centre.write("ua/a/b.md")
    (problem,) = centre.problems()
    assert (problem.code, problem.severity, problem.path) == (
        "language-not-configured",
        "warning",
        "articles/ua",
    )
    assert problem.hint == "known: en, uk"


def test_an_article_outside_the_language_folders_is_pointed_out(centre: HelpCentre) -> None:
    centre.write("size.md")
    centre.write("glossary/uk.yml", "a: b")
    centre.write("_snippets/terms.md", "Terms")
    assert centre.findings() == [("language-not-configured", "size.md", None)]


def test_an_empty_content_folder_is_an_error(tmp_path: Path) -> None:
    catalog, problems = read(tmp_path, "articles", ["en"])
    assert catalog.ids == ()
    assert [p.code for p in problems] == ["articles-missing"]


def test_B6_symbolic_link_to_a_file_is_refused(centre: HelpCentre) -> None:
    centre.write("en/a/b.md")
    (centre.articles / "en/a/terms.md").symlink_to("/etc/passwd")
    (centre.articles / "en/a/.hidden").symlink_to("/etc/passwd")
    assert centre.findings() == [
        ("symbolic-link", "en/a/.hidden", None),
        ("symbolic-link", "en/a/terms.md", None),
    ]
    assert "a/terms" not in centre.read()[0].ids


@pytest.mark.parametrize("place", ["en/a", "uk"])
def test_B6_symbolic_link_to_a_folder_is_refused(centre: HelpCentre, tmp_path: Path, place: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.md").write_text("---\ntitle: Secret\n---\n")
    (centre.articles / place).symlink_to(outside)
    assert ("symbolic-link", place, None) in centre.findings()
    assert centre.read()[0].ids == ("index",)


def test_B6_a_symbolic_link_beside_the_language_folders_is_refused_and_not_searched(
    centre: HelpCentre,
) -> None:
    (centre.articles / "everything").symlink_to("/")
    assert centre.findings() == [("symbolic-link", "everything", None)]


def test_B6_symbolic_link_in_place_of_the_articles_folder_is_refused(tmp_path: Path) -> None:
    real = HelpCentre(tmp_path / "real")
    (tmp_path / "articles").symlink_to(real.articles)
    codes = {p.code for p in read(tmp_path, "articles", ["en"])[1]}
    assert codes == {"symbolic-link", "articles-missing"}


def test_B6_a_named_pipe_does_not_hang_the_reader(centre: HelpCentre) -> None:
    os.mkfifo(centre.articles / "en" / "pipe.md")
    assert centre.findings() == [("unreadable", "en/pipe.md", None)]


@pytest.mark.parametrize(
    "value",
    [
        "!!python/object/apply:os.system [touch pwned]",
        "!!binary aGk=",
        "!local x",
        "!<tag:x,2020:y> z",
        "!x!y z",
    ],
)
def test_B7_yaml_tags_are_refused(centre: HelpCentre, value: str) -> None:
    centre.write("en/a/b.md", f"---\norder: 1\ntitle: {value}\n---\n")
    assert centre.findings() == [("front-matter-tag", "en/a/b.md", 3)]
    assert centre.get("en/a/b.md").draft


@pytest.mark.parametrize(
    "head",
    [
        "title: " + "[" * 3000,
        "- " * 3000,
        "? " * 30000,
        "title: B\ntags: " + "{a: " * 9000,
        "x: " + "[" * 60000,
    ],
)
def test_B8_deep_front_matter_is_refused_without_a_crash(centre: HelpCentre, head: str) -> None:
    centre.write("en/a/b.md", f"---\n{head}\n---\n")
    ((code, path, line),) = centre.findings()
    assert (code, path) == ("front-matter-too-large", "en/a/b.md")
    assert line in (2, 3)


def test_B8_an_alias_bomb_is_refused(centre: HelpCentre) -> None:
    levels = "".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]\n" for n in range(1, 10))
    centre.write("en/a/b.md", f"---\nl0: &l0 [lol]\n{levels}---\n")
    assert [code for code, _, _ in centre.findings()] == ["front-matter-alias"]


def test_B8_an_alias_to_itself_is_refused(centre: HelpCentre) -> None:
    centre.write("en/a/b.md", "---\ntitle: B\ntags: &t [*t]\n---\n")
    assert [code for code, _, _ in centre.findings()] == ["front-matter-alias"]


def test_B8_large_front_matter_is_refused(centre: HelpCentre) -> None:
    centre.write("en/a/b.md", f"---\ntitle: {'x' * 70_000}\n---\n")
    assert centre.findings() == [("front-matter-too-large", "en/a/b.md", 2)]


@pytest.mark.parametrize("head", ["just a sentence", "- a\n- b"])
def test_B8_front_matter_that_is_no_mapping_is_an_error(centre: HelpCentre, head: str) -> None:
    centre.write("en/a/b.md", f"---\n{head}\n---\n")
    assert centre.findings() == [("front-matter-not-a-mapping", "en/a/b.md", 2)]


def test_B8_front_matter_without_end_is_an_error(centre: HelpCentre) -> None:
    centre.write("en/a/b.md", "---\ntitle: B\n\nText\n")
    assert centre.findings() == [("front-matter-unclosed", "en/a/b.md", 1)]


def test_B8_front_matter_below_the_first_line_is_an_error(centre: HelpCentre) -> None:
    centre.write("en/a/b.md", "\n---\ntitle: B\n---\nText\n")
    (problem,) = centre.problems()
    assert (problem.code, problem.line) == ("front-matter-missing", 1)
    assert "first line" in problem.hint


@pytest.mark.parametrize("value", ["2027-02-30", "30.06.2027", "tomorrow", "2027-6-1", "2027-06-30 10:00"])
def test_B8_a_wrong_date_is_an_error(centre: HelpCentre, value: str) -> None:
    centre.write("en/a/b.md", f"---\ntitle: B\nexpires: {value}\n---\n")
    assert centre.findings() == [("front-matter-date", "en/a/b.md", 3)]


def test_B8_nul_and_control_characters_are_errors(centre: HelpCentre) -> None:
    centre.write("en/a/b.md", b"---\ntitle: B\n---\nOne\nt\x00wo\n")
    centre.write("en/a/c.md", b"---\ntitle: B\x1b[31m\n---\n")
    findings = centre.findings()
    assert ("control-character", "en/a/b.md", 5) in findings
    assert ("control-character", "en/a/c.md", 2) in findings


def test_B8_a_control_character_in_deep_front_matter_is_an_error(centre: HelpCentre) -> None:
    centre.write("en/a/b.md", "---\n- - - \x08\n---\n")
    assert {code for code, _, _ in centre.findings()} == {"control-character", "front-matter-syntax"}


def test_B8_text_that_is_not_utf8_is_an_error_with_its_line(centre: HelpCentre) -> None:
    centre.write("uk/a/b.md", "---\ntitle: B\n---\nПовернення\n".encode("cp1251"))
    assert centre.findings() == [("encoding", "uk/a/b.md", 4)]


def test_B8_lone_carriage_returns_are_an_error(centre: HelpCentre) -> None:
    centre.write("en/a/b.md", b"---\rtitle: B\r---\rText\r")
    assert ("line-ends", "en/a/b.md", 1) in centre.findings()


def test_B9_a_huge_article_is_refused_unread_and_others_are_still_reported(centre: HelpCentre) -> None:
    centre.write("en/a/big.md", b"---\ntitle: B\n---\n" + b"x" * 5_000_000)
    centre.write("en/a/wrong.md", "---\ntitle: B\nx: y\n---\n")
    assert centre.findings() == [
        ("file-too-large", "en/a/big.md", None),
        ("front-matter-unknown-key", "en/a/wrong.md", 3),
    ]
    assert centre.get("en/a/big.md").text == ""
    assert ARTICLE_LIMIT_BYTES < 5_000_000


@pytest.mark.parametrize(
    "name",
    [
        "zero\u200bwidth",
        "bidi\u202egnp",
        "soft\u00adhyphen",
        "two words",
        "con",
        "NUL",
        "com1",
        "aux.old",
        "a..b",
        "dot.",
        "-rf",
        "what?",
        "a#b",
        "100%",
        "back\\slash",
        "new\nline",
        "quote'",
        "brace{x}",
        unicodedata.normalize("NFD", "café"),
        "x" * 200,
    ],
)
@pytest.mark.parametrize("kind", ["file", "folder"])
def test_B12_a_name_that_cannot_be_published_is_refused(centre: HelpCentre, name: str, kind: str) -> None:
    centre.write(f"en/a/{name}.md" if kind == "file" else f"en/{name}/b.md")
    (problem,) = centre.problems()
    assert problem.code == "name-forbidden"
    assert problem.path.isprintable()
    assert not any(unicodedata.category(c) == "Cf" for c in problem.path + problem.message)
    assert centre.read()[0].ids == ("index",)
    better = names.suggestion(name[:100])
    assert names.fault(better) == ""


def test_B12_names_that_are_not_utf8_are_refused(centre: HelpCentre) -> None:
    folder = os.fsencode(centre.articles / "en")
    with open(folder + b"/bad\xff.md", "wb") as file:
        file.write(b"x")
    (problem,) = centre.problems()
    assert problem.code == "name-forbidden"
    problem.path.encode()


@pytest.mark.parametrize("name", ["розмір", "חזרות", "การคืนเงิน", "v1.2", "Size_Chart"])
def test_B12_names_in_any_script_are_fine(centre: HelpCentre, name: str) -> None:
    centre.write(f"en/a/{name}.md")
    assert centre.problems() == []
    assert f"a/{name}" in centre.read()[0].ids


def test_B12_case_twins_are_refused_in_one_language_and_across(centre: HelpCentre) -> None:
    centre.write("en/a/Size.md")
    centre.write("en/a/size.md")
    centre.write("en/b/pay.md")
    centre.write("uk/b/Pay.md")
    assert centre.findings() == [
        ("name-case-twin", "en/a/size.md", None),
        ("name-case-twin", "en/b/pay.md", None),
    ]


def test_B12_an_article_and_a_folder_page_may_not_share_an_address(centre: HelpCentre) -> None:
    centre.write("en/a/size.md")
    centre.write("en/a/size/index.md")
    assert centre.findings() == [("address-clash", "en/a/size/index.md", None)]


@pytest.mark.parametrize("name", ["README.md", "Index.md", "page.MD", "page.markdown"])
def test_B12_file_names_that_other_tools_take_for_pages_are_refused(centre: HelpCentre, name: str) -> None:
    centre.write(f"en/a/{name}")
    assert centre.findings() == [("name-forbidden", f"en/a/{name}", None)]


@pytest.mark.parametrize(
    ("reference", "id"),
    [
        ("returns/size", "returns/size"),
        ("/returns/size/", "returns/size"),
        ("returns/size.md", "returns/size"),
        ("/returns/size/index.html", "returns/size/index"),
        ("/uk/returns/size/", "returns/size"),
        ("uk/returns", "returns"),
        ("returns/index.md", "returns/index"),
        ("index", "index"),
        ("old.html", "old"),
        ("uk", "uk"),
    ],
)
def test_an_id_is_understood_from_paths_and_addresses(reference: str, id: str) -> None:
    assert names.as_id(reference, ("en", "uk")) == id


@pytest.mark.parametrize(
    "reference", ["", "/", "../x", "a/../b", "//evil", "https://x.example", "a?b", "a#b", "a\\b"]
)
def test_what_names_no_article_is_refused(reference: str) -> None:
    with pytest.raises(names.NotAnIdError):
        names.as_id(reference)
