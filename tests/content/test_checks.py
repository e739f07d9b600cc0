"""What is wrong with the articles taken together. Some test here or nearby sets off each finding."""

import re
from datetime import date
from pathlib import Path

import pytest

from kb.content import checks, media
from kb.content.findings import FINDINGS
from kb.content.outline import outline
from kb.content.reader import read
from kb.errors import Problem

from .conftest import HelpCentre

TODAY = date(2026, 11, 21)
PNG = b"\x89PNG\r\n\x1a\n"
WORDS = (
    "Take the parcel to any branch of the carrier and show the code from your message to the person at the desk. "
    "They print the label for you, weigh the box and hand you a receipt, which you keep until the money is back. "
    "If the branch is closed, the parcel locker beside the door takes boxes of up to forty centimetres at any hour. "
)


@pytest.fixture
def centre(centre: HelpCentre) -> HelpCentre:
    """A small help centre without any finding."""
    for category in ("returns", "orders"):
        centre.write(f"en/{category}/index.md", f"---\ntitle: {category.title()}\n---\n")
    centre.article("en/returns/size.md", "Text.\n\n## How long? { #how-long }\n", questions="[Too small]")
    centre.article("en/orders/status.md", questions="[Where is it]")
    return centre


def check(centre: HelpCentre) -> list[Problem]:
    catalog, problems = centre.read()
    files, file_problems = media.read(centre.root, "articles", centre.languages)
    found = checks.check(catalog, files, TODAY, articles=centre.articles)
    return [*problems, *file_problems, *found]


def findings(centre: HelpCentre) -> list[tuple[str, str, int | None]]:
    return sorted((p.code, p.path.removeprefix("articles/"), p.line) for p in check(centre))


def test_a_sound_help_centre_has_no_findings(centre: HelpCentre) -> None:
    centre.write("en/returns/images/box.png", PNG)
    centre.article(
        "en/orders/change.md",
        "[a](../returns/size.md#how-long) ![A box](../returns/images/box.png) [b](#here) [c](https://x.example)\n"
        "[d](mailto:a@b.example) [e](../index.md)\n\n## Here\n",
        questions="[Other]",
        related="[returns/size]",
        redirect_from="[orders/edit]",
    )
    assert findings(centre) == []


@pytest.mark.parametrize(
    ("body", "code", "hint"),
    [
        ("[a](sise.md)", "link-dead", "did you mean size.md?"),
        ("[a](../orders/size.md)", "link-dead", "did you mean size.md?"),
        ("[a](missing.md)", "link-dead", ""),
        ("[a](/nowhere/)", "link-dead", ""),
        ("[a](form.pdf)", "link-dead", ""),
        ("![a](no.png)", "image-missing", ""),
        ("![a](Box.png)", "image-missing", "did you mean 'returns/box.png'"),
        ("[a](/returns/size/)", "link-not-a-file", "write size.md"),
        ("[a](/en/orders/status/#x)", "link-not-a-file", "write ../orders/status.md#x"),
        ("[a](../size/)", "link-not-a-file", "write size.md"),
        ("[a](/returns)", "link-not-a-file", "write index.md"),
        ("[a](size.md#how-lang)", "anchor-dead", "did you mean #how-long?"),
        ("[a](#gone)", "anchor-dead", ""),
        ("[a](javascript:alert(1))", "link-scheme", ""),
        ("<a href='java\nscript:alert(1)'>a</a>", "link-scheme", ""),
        ("[a](data:text/html;base64,PHM+)", "link-scheme", ""),
        ("[a](c:\\windows)", "link-scheme", ""),
        ("[a][b]", "link-undefined", ""),
        ("![a](https://other.example/x.png)", "image-external", ""),
        ("![](box.png)", "image-alt-missing", ""),
        ("<img src='box.png'>", "image-alt-missing", ""),
        ("# Top", "heading-top", "##"),
        ("### Deep", "heading-jump", "##"),
        ("Text\n", "questions-missing", "three"),
    ],
)
def test_a_finding_in_the_text(centre: HelpCentre, body: str, code: str, hint: str) -> None:
    centre.write("en/returns/box.png", PNG)
    questions = "" if code == "questions-missing" else "questions: [Q]\n"
    centre.write("en/returns/new.md", f"---\ntitle: New\n{questions}---\n\n{body}\n")
    (problem,) = check(centre)
    line = None if code == "questions-missing" else 5 + bool(questions)
    assert (problem.code, problem.path, problem.line) == (code, "articles/en/returns/new.md", line)
    assert hint in problem.hint


@pytest.mark.parametrize(
    "body",
    [
        "![a](/etc/passwd)",
        "![a](../../../../../../etc/passwd)",
        "[a](../../uk/returns/size.md)",
        "[a](../../../pyproject.toml)",
        "<img src='/etc/passwd' alt='x'>",
        "![a](..%2f..%2f..%2fpyproject.toml)",
    ],
)
def test_B5_links_and_images_outside_the_content_are_errors_with_their_line(
    centre: HelpCentre, body: str
) -> None:
    centre.article("en/returns/new.md", f"One\n\n{body}\n")
    (problem,) = check(centre)
    assert (problem.code, problem.severity, problem.line) == ("link-outside", "error", 7)


@pytest.mark.parametrize(
    "name",
    [
        "/etc/passwd",
        "../pyproject.toml",
        "a/../../x",
        "https://evil.example/x",
        ".env",
        "_snippets/.git/config",
        "a\\b",
    ],
)
@pytest.mark.parametrize("form", ['--8<-- "{}"', "--8<--\n{}\n--8<--", '```\n--8<-- "{}"\n```'])
def test_B5_snippets_outside_the_articles_are_errors(centre: HelpCentre, name: str, form: str) -> None:
    (centre.root / "pyproject.toml").touch()
    centre.article("en/returns/new.md", form.format(name) + "\n")
    assert [(p.code, p.severity) for p in check(centre)] == [("snippet-outside", "error")]


def test_B5_snippets_inside_are_fine_when_they_exist(centre: HelpCentre) -> None:
    centre.write("_snippets/terms.md", "Terms")
    centre.article("en/returns/new.md", '--8<-- "_snippets/terms.md:1:3,5:6"\n\n--8<-- "_snippets/no.md"\n')
    assert findings(centre) == [("snippet-missing", "en/returns/new.md", 7)]


def test_B6_a_snippet_behind_a_symbolic_link_is_refused(centre: HelpCentre) -> None:
    (centre.articles / "_snippets").mkdir()
    (centre.articles / "_snippets" / "etc").symlink_to("/etc")
    centre.article("en/returns/new.md", '--8<-- "_snippets/etc/passwd"\n')
    assert findings(centre) == [("symbolic-link", "en/returns/new.md", 5)]


def test_a_huge_snippet_is_refused(centre: HelpCentre) -> None:
    centre.write("_snippets/big.md", "x" * 1_000_001)
    centre.article("en/returns/new.md", '--8<-- "_snippets/big.md"\n')
    assert findings(centre) == [("file-too-large", "en/returns/new.md", 5)]


def test_links_work_from_every_language_through_the_fallback(centre: HelpCentre) -> None:
    centre.write("en/returns/box.png", PNG)
    centre.article("uk/orders/status.md", "[a](../returns/size.md#how-long) ![b](../returns/box.png)\n")
    assert findings(centre) == []


def test_an_anchor_is_looked_for_in_the_readers_language(centre: HelpCentre) -> None:
    centre.article("uk/returns/size.md", "## Як довго?\n", questions="[Мале]")
    centre.article("uk/orders/status.md", "[a](../returns/size.md#how-long)\n")
    assert findings(centre) == [("anchor-dead", "uk/orders/status.md", 5)]


@pytest.mark.parametrize("detail", ["draft: true", "audience: internal", "expires: 2026-11-20"])
def test_a_link_to_what_readers_do_not_see_is_pointed_out(centre: HelpCentre, detail: str) -> None:
    centre.write("en/returns/hidden.md", f"---\ntitle: H\n{detail}\nquestions: [H]\n---\nText\n")
    centre.article("en/returns/new.md", "[a](hidden.md)\n")
    codes = [p.code for p in check(centre)]
    assert sorted({*codes} - {"expired"}) == ["link-to-hidden"]
    assert ("expired" in codes) == detail.startswith("expires")


def test_links_to_an_article_that_cannot_be_read_are_not_reported_as_well(centre: HelpCentre) -> None:
    centre.write("en/returns/broken.md", "---\ntitle: [\n---\n## A\n")
    centre.article("en/returns/new.md", "[a](broken.md#a)\n", related="[returns/broken]")
    assert [code for code, _, _ in findings(centre)] == ["front-matter-syntax"]


def test_related_articles_must_exist(centre: HelpCentre) -> None:
    centre.article("en/returns/new.md", related="[returns/new, returns/sizes]")
    assert [(p.code, p.line, p.hint) for p in check(centre)] == [
        ("related-self", 4, "remove it"),
        ("related-unknown", 4, "did you mean 'returns/size'?"),
    ]


def test_an_old_address_must_be_free_and_belong_to_one_article(centre: HelpCentre) -> None:
    centre.article("en/returns/a.md", redirect_from="[/returns/Size/, faq/1, returns/index]")
    centre.article("en/returns/b.md", redirect_from="[faq/1]")
    centre.article("uk/returns/a.md", redirect_from="[faq/1]")
    assert findings(centre) == [
        ("question-twice", "en/returns/b.md", 3),
        ("redirect-clash", "en/returns/a.md", 4),
        ("redirect-clash", "en/returns/a.md", 4),
        ("redirect-twice", "en/returns/b.md", 4),
    ]


def test_dates_that_passed_are_pointed_out_and_last_days_are_not(centre: HelpCentre) -> None:
    centre.article("en/returns/a.md", review_by="2026-11-20", questions="[A]")
    centre.article("en/returns/b.md", expires="2026-11-20", questions="[B]")
    centre.article("en/returns/c.md", review_by="2026-11-21", expires="2026-11-21", questions="[C]")
    assert findings(centre) == [("expired", "en/returns/b.md", 4), ("review-overdue", "en/returns/a.md", 4)]


def test_drafts_may_be_unfinished(centre: HelpCentre) -> None:
    centre.write(
        "en/returns/draft.md", "---\ntitle: Size\ndraft: true\nreview_by: 2020-01-01\n---\n![](x.png)\n"
    )
    assert findings(centre) == [("image-missing", "en/returns/draft.md", 6)]


def test_an_article_without_text_is_pointed_out(centre: HelpCentre) -> None:
    centre.article("en/returns/new.md", "\n")
    assert findings(centre) == [("body-empty", "en/returns/new.md", 5)]


def test_a_category_without_a_page_is_pointed_out(centre: HelpCentre) -> None:
    centre.article("en/payment/cards.md")
    assert findings(centre) == [("category-unnamed", "en/payment", None)]


def test_titles_and_questions_are_given_once_in_a_language(centre: HelpCentre) -> None:
    centre.article("en/returns/a.md", title="Swap a SIZE", questions="['Wrong size?']")
    centre.article("en/orders/b.md", title="swap  a size", questions="[wrong size]")
    centre.article("uk/orders/b.md", title="swap a size", questions="[wrong size]")
    assert findings(centre) == [
        ("question-twice", "en/returns/a.md", 3),
        ("title-twice", "en/returns/a.md", 2),
    ]


def test_a_copied_article_is_found(centre: HelpCentre) -> None:
    centre.article("en/returns/a.md", WORDS, questions="[A]")
    centre.article("en/returns/b.md", WORDS.replace("forty", "fifty") + "And that is it.", questions="[B]")
    centre.article("uk/returns/a.md", WORDS)
    (problem,) = check(centre)
    assert (problem.code, problem.path) == ("article-twice", "articles/en/returns/b.md")
    assert re.search(r"\b[89]\d% .*articles/en/returns/a.md", problem.message)


def test_many_copies_are_all_found(centre: HelpCentre) -> None:
    for n in range(30):
        centre.article(
            f"en/returns/copy-{n:02}.md", WORDS + f"Number {n}.", questions=f"[Q{n}]", title=f"T{n}"
        )
    assert [code for code, _, _ in findings(centre)] == ["article-twice"] * 29


@pytest.mark.parametrize(
    "secret",
    [
        "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA0Z3VS5JJcds3xfn",
        "AKIA" + "A" * 16,
        "ghp_" + "a1" * 18,
        "glpat-" + "a1" * 10,
        "xoxb-" + "1234567890-abc",
        "sk_live_" + "a1" * 10,
        "AIza" + "a1_-b" * 7,
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0." + "dozjgNryP4J3jVmNHl0w5N",
        "postgres://shop:hunter2@db.internal/shop",
        "API key: `9f8e7d6c5b4a3f2e1d0c9b8a`",
    ],
)
def test_a_secret_is_found_and_not_repeated(centre: HelpCentre, secret: str) -> None:
    centre.article("en/returns/new.md", f"One\n\n```\n{secret}\n```\n")
    (problem,) = check(centre)
    assert (problem.code, problem.severity, problem.line) == ("secret", "error", 8)
    assert secret not in str(problem)


@pytest.mark.parametrize(
    "text",
    [
        "-----BEGIN PRIVATE KEY-----\nXXXX\nXXXX",
        "Your password: choose a long one",
        "token = YOUR-TOKEN",
        "https://a.example:80/b@c",
    ],
)
def test_ordinary_text_is_no_secret(centre: HelpCentre, text: str) -> None:
    centre.article("en/returns/new.md", f"{text}\n")
    assert findings(centre) == []


def test_heading_jumps_are_counted_from_the_heading_before(centre: HelpCentre) -> None:
    centre.article("en/returns/new.md", "## A\n\n### B\n\n## C\n\n#### D\n")
    assert findings(centre) == [("heading-jump", "en/returns/new.md", 11)]


def test_B18_files_of_drafts_are_not_used(centre: HelpCentre) -> None:
    for name in ("public.png", "secret.png"):
        centre.write(f"en/returns/{name}", PNG)
    centre.write("uk/returns/public.png", PNG)
    centre.article("en/returns/a.md", "![a](public.png)\n")
    centre.article("en/returns/b.md", "![a](secret.png)\n", draft="true")
    catalog = centre.read()[0].public(TODAY)
    files, _ = media.read(centre.root, "articles", centre.languages)
    used = checks.used_media(catalog, files)
    assert used == {"articles/en/returns/public.png", "articles/uk/returns/public.png"}


def test_the_example_help_centre_has_no_errors() -> None:
    root, languages = Path(__file__).parents[2], ("en", "uk", "ru", "pt", "ar")
    catalog, problems = read(root, "articles", languages)
    files, file_problems = media.read(root, "articles", languages)
    found = checks.check(catalog, files, TODAY, articles=root / "articles")
    assert [str(p) for p in [*problems, *file_problems, *found] if p.severity == "error"] == []


def test_every_finding_is_explained_and_tested() -> None:
    tests = "".join(file.read_text("utf-8") for file in Path(__file__).parents[1].rglob("test_*.py"))
    for code, finding in FINDINGS.items():
        assert f'"{code}"' in tests, f"no test sets off {code}"
        assert finding.why.endswith(".")
        assert finding.title
        assert finding.example


def test_outline_lines_fit_the_file(centre: HelpCentre) -> None:
    article = centre.get("en/returns/size.md")
    (heading,) = outline(article.body, article.body_line).headings
    assert article.text.split("\n")[heading.line - 1].startswith("## How long?")
