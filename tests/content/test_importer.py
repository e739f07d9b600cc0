"""Existing help pages become articles; what cannot be carried over is reported and kept in sight."""

import re
from collections import Counter
from datetime import date
from html import unescape
from pathlib import Path

import pytest

from kb.content import checks, importer, media, reader
from kb.content.article import Article
from kb.content.importer import kramdown, liquid, markup
from kb.content.importer.notes import NOTES
from kb.content.importer.pages import find
from kb.errors import ConfigError, Problem

PNG = b"\x89PNG\r\n\x1a\n"
DUCKDUCKGO = Path(__file__).parents[3] / "shared" / "corpora" / "duckduckgo-help"


class Old:
    """A folder of pages: ``page("_docs/a.md", "Text", title="A")``, then ``run()``."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir()

    def file(self, path: str, content: str | bytes) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)

    def page(self, path: str, body: str = "Text\n", **head: object) -> None:
        lines = "".join(f"{key}: {value}\n" for key, value in {"title": Path(path).stem, **head}.items())
        self.file(path, f"---\n{lines}---\n{body}")

    def run(self, kind: str = "jekyll", **options: object) -> importer.Result:
        return importer.read(self.root, importer.Options(kind=kind, language="en", **options))  # type: ignore[arg-type]


@pytest.fixture
def old(tmp_path: Path) -> Old:
    return Old(tmp_path / "old")


def text(result: importer.Result, id: str) -> str:
    found = result.files[f"articles/en/{id}.md"]
    assert isinstance(found, str)
    return found


def body(result: importer.Result, id: str) -> str:
    return text(result, id).split("---\n", 2)[2].rstrip("\n")


def notes(result: importer.Result, *, info: bool = False) -> list[tuple[str, str, int | None]]:
    return [(p.code, p.path, p.line) for p in result.problems if info or p.severity != "info"]


def ids(result: importer.Result) -> set[str]:
    return {
        path.removeprefix("articles/en/").removesuffix(".md") for path in result.files if path.endswith(".md")
    }


def in_a_help_centre(result: importer.Result, root: Path) -> tuple[list[Article], list[Problem]]:
    for path, content in result.files.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
    catalog, problems = reader.read(root, "articles", ["en"])
    files, file_problems = media.read(root, "articles", ["en"])
    found = checks.check(catalog, files, date(2026, 11, 21), articles=root / "articles")
    return list(catalog), [*problems, *file_problems, *found]


# ---------------------------------------------------------------- places


def test_categories_come_from_front_matter_where_most_pages_name_one(old: Old) -> None:
    old.page("_docs/a/one.md", category="Sync & Backup")
    old.page("_docs/b/two.md", category="Sync & Backup", sub_category="Devices")
    old.page("_docs/c/three.md")
    result = old.run()
    assert ids(result) == {
        "index",
        "sync-backup/index",
        "sync-backup/one",
        "sync-backup/two",
        "c/three",
        "c/index",
    }
    assert 'title: "Sync & Backup"' in text(result, "sync-backup/index")
    assert 'tags:\n  - "Devices"' in text(result, "sync-backup/two")
    folders = old.run(categories="folders")
    assert ids(folders) >= {"a/one", "b/two", "c/three"}


def test_a_folders_page_becomes_the_categorys_page(old: Old) -> None:
    old.page("_docs/vpn/index.md", "About", category="Privacy")
    old.page("_docs/mail/mail-index.md", "Mail", category="Privacy", permalink="/mail/index.html")
    old.page("_docs/mail/use.md", category="Privacy")
    result = old.run()
    assert ids(result) == {"index", "privacy/index", "privacy/vpn", "privacy/use"}
    assert 'redirect_from:\n  - "mail"\n' in text(result, "privacy/index")
    assert '  - "vpn"\n' in text(result, "privacy/vpn")


def test_pages_of_one_name_get_longer_ones(old: Old) -> None:
    for folder in ("vpn", "mail"):
        old.page(f"_docs/{folder}/start.md", category="Privacy")
    result = old.run()
    assert ids(result) >= {"privacy/start", "privacy/vpn-start"}
    assert ("import-renamed", "_docs/vpn/start.md", None) in notes(result, info=True)


def test_names_are_made_fit_for_addresses_and_existing_articles_are_left_alone(old: Old) -> None:
    old.page("My Folder/How to Pay?.md")
    old.page("search/a.md")
    result = old.run(existing=frozenset(["my-folder/how-to-pay.md"]), reserved=frozenset(["search"]))
    assert ids(result) == {"index", "my-folder/my-folder-how-to-pay", "my-folder/index"} | {
        "search-articles/a",
        "search-articles/index",
    }


def test_old_addresses_lead_to_the_articles(old: Old) -> None:
    old.page("_docs/a/one.md", category="X", permalink="/help/first/", redirect_from="[/f.html, /older/]")
    old.page("_docs/a/two.md", category="X", redirect_from="/x/one/")
    old.file("_docs/a/gone.md", "---\nlayout: redirect\nredirect: /help/first#top\n---\n")
    old.file("_docs/a/twice.md", "---\nlayout: redirect\nredirect: /a/gone/\n---\n")
    old.file("_docs/a/away.md", "---\nlayout: redirect\nredirect: https://blog.example/x\n---\n")
    old.file("_docs/a/lost.md", "---\nredirect_to: /nowhere/\n---\n")
    old.page("_docs/a/links.md", "[a](/a/twice/) [b](/a/away)", category="X")
    result = old.run()
    former = re.findall(r'  - "(.*)"', text(result, "x/one"))
    assert former == ["help/first", "f", "older", "a/gone", "a/twice"]
    assert body(result, "x/links") == "[a](one.md) [b](https://blog.example/x)"
    assert notes(result) == [
        ("import-redirect", "_docs/a/away.md", 3),
        ("import-redirect", "_docs/a/lost.md", 2),
        ("import-redirect", "_docs/a/two.md", None),  # /x/one/ is where the first article now is
    ]


# ---------------------------------------------------------------- front matter


def test_front_matter_is_mapped_and_the_rest_reported_with_its_line(old: Old) -> None:
    old.page(
        "a/one.md",
        title="'Pay: now'",
        description="How",
        nav_title="Pay",
        order="10",
        tags="[x, y]",
        published="false",
        image="/a.png",
    )
    result = old.run()
    head = text(result, "a/one").split("---\n")[1]
    assert head == (
        'title: "Pay: now"\ndescription: "How"\ntags:\n  - "x"\n  - "y"\norder: 10\ndraft: true\n'
    )
    assert notes(result, info=True) == [("import-key", "a/one.md", 4), ("import-key", "a/one.md", 8)]


def test_unreadable_front_matter_stays_in_a_comment(old: Old) -> None:
    old.file("a/one.md", "---\ntitle: A: b\n---\nText\n")
    result = old.run()
    assert notes(result) == [("import-title", "a/one.md", 1), ("import-front-matter", "a/one.md", 2)]
    assert "<!-- kb import: title: A: b -->" in body(result, "a/one")


def test_B7_tags_in_front_matter_are_not_obeyed(old: Old) -> None:
    old.file("a/one.md", "---\ntitle: !!python/object/apply:os.system [id]\n---\nText\n")
    assert ("import-front-matter", "a/one.md", 2) in notes(old.run())


def test_pages_without_a_title_take_their_first_heading(old: Old) -> None:
    old.file("a/one.md", "# The title\n\n## Part\n\nText\n")
    old.file("a/two.md", "Text\n\n# Late\n\n## Later\n")
    result = old.run("markdown")
    assert text(result, "a/one") == '---\ntitle: "The title"\n---\n## Part\n\nText\n'
    assert text(result, "a/two") == '---\ntitle: "Two"\n---\nText\n\n## Late\n\n### Later\n'
    assert notes(result) == [("import-title", "a/two.md", 1)]


# ---------------------------------------------------------------- links and files


def test_links_between_pages_become_relative_paths(old: Old) -> None:
    old.page("_docs/a/one.md", category="X")
    old.page(
        "_docs/b/two.md",
        '[a]({{ site.baseurl }}/a/one/#top) [b]({{site.baseurl}}/a/one "T") <a href="/a/one.html">c</a> [d][r]\n'
        "[e](https://x.example) [f](#here) [g](mailto:a@b.example) `[h](/a/one)` [i](../a/one.md)\n\n[r]: /a/one/\n",
        category="Y",
    )
    result = old.run()
    assert body(result, "y/two") == (
        '[a](../x/one.md#top) [b](../x/one.md "T") [c](../x/one.md) [d][r]\n'
        "[e](https://x.example) [f](#here) [g](mailto:a@b.example) `[h](/a/one)` [i](../x/one.md)\n\n[r]: ../x/one.md"
    )
    assert notes(result) == []


def test_a_dead_link_keeps_its_text_and_shows_its_target_to_editors(old: Old) -> None:
    old.page("a/one.md", 'One\n\nSee [*this*](/gone/) and <a href="/lost">that</a> [x][r].\n\n[r]: /never\n')
    result = old.run()
    assert body(result, "a/one") == (
        "One\n\nSee *this*<!-- kb import: led to: /gone/ --> and that<!-- kb import: led to: /lost --> [x][r].\n\n"
        "[r]: #\n\n<!-- kb import: led to: /never -->"
    )
    assert notes(result) == [("import-link-dead", "a/one.md", line) for line in (6, 6, 8)]


def test_with_the_old_sites_address_dead_links_lead_there_and_own_ones_home(old: Old) -> None:
    old.page("a/one.md", "[a](/help/gone/) [b](https://shop.example/help/a/two/) [c](/gone2)\n")
    old.page("a/two.md")
    result = old.run(old_site="https://shop.example/help")
    assert body(result, "a/one") == (
        "[a](https://shop.example/help/gone/) [b](two.md) [c](https://shop.example/help/gone2)"
    )


def test_images_are_copied_beside_the_article_once(old: Old, tmp_path: Path) -> None:
    old.file("images/Big Box.png", PNG)
    old.file("a/local.png", PNG)
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "third.png").write_bytes(PNG)
    old.page("a/one.md", "![A](/images/Big%20Box.png) <img src='local.png' alt='B'> ![C](/third.png)\n")
    old.page("b/two.md", "[![A](/images/Big%20Box.png)](/a/one/)\n")
    result = old.run(media=tmp_path / "more")
    assert body(result, "a/one") == "![A](images/big-box.png) ![B](images/local.png) ![C](images/third.png)"
    assert body(result, "b/two") == "[![A](../a/images/big-box.png)](../a/one.md)"
    copies = {path for path in result.files if path.endswith(".png")}
    assert copies == {f"articles/en/a/images/{name}.png" for name in ("big-box", "local", "third")}


def test_a_missing_image_leaves_its_description_in_a_comment(old: Old) -> None:
    old.page("a/one.md", "![Step one](/images/1.png)\n\n[![Two](/2.png)](/a/one)\n")
    result = old.run()
    assert body(result, "a/one") == (
        "<!-- kb import: image missing: /images/1.png (Step one) -->\n\n"
        "[Two<!-- kb import: image missing: /2.png -->](one.md)"
    )
    assert [code for code, _, _ in notes(result)] == ["import-image-missing"] * 2


@pytest.mark.parametrize(
    "path", ["/../../secret.png", "../../secret.png", "/link.png", "/evil.svg", "/page.png"]
)
def test_B5_B6_B11_files_from_outside_links_and_unsafe_ones_are_not_copied(
    old: Old, tmp_path: Path, path: str
) -> None:
    (tmp_path.parent / "secret.png").write_bytes(PNG)
    (old.root / "link.png").symlink_to(tmp_path.parent / "secret.png")
    old.file("evil.svg", '<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>')
    old.file("page.png", "<html>")
    old.page("a/one.md", f"![A]({path})\n")
    result = old.run()
    assert not [name for name in result.files if not name.endswith(".md")]
    assert {code for code, _, _ in notes(result)} >= {"import-image-missing"}


def test_B6_symbolic_links_among_the_pages_are_reported_and_not_read(old: Old) -> None:
    old.page("a/one.md")
    (old.root / "a" / "passwd.md").symlink_to("/etc/passwd")
    (old.root / "etc").symlink_to("/etc")
    result = old.run()
    assert notes(result) == [("import-unreadable", "a/passwd.md", None), ("import-unreadable", "etc", None)]


def test_files_that_are_no_pages_and_unreadable_ones_are_named(old: Old) -> None:
    old.page("a/one.md")
    old.file("LICENSE", "x")
    old.file("_includes/x.md", "x")
    old.file("a/_defaults.md", "---\n---\n")
    old.file("a/plain.md", "no front matter")
    old.file("a/cp1251.md", "---\ntitle: Ж\n---\n".encode("cp1251"))
    old.file("a/big.md", b"---\ntitle: B\n---\n" + b"x" * 1_000_001)
    assert notes(old.run(), info=True) == [
        ("import-unreadable", "a/big.md", None),
        ("import-unreadable", "a/cp1251.md", None),
        ("import-skipped", "LICENSE", None),
        ("import-skipped", "a/_defaults.md", None),
        ("import-skipped", "a/plain.md", None),
    ]


def test_a_folder_without_pages_is_refused(old: Old) -> None:
    with pytest.raises(ConfigError, match="no pages"):
        old.run()
    with pytest.raises(ConfigError, match="not a folder"):
        importer.read(old.root / "none", importer.Options(kind="markdown", language="en"))


# ---------------------------------------------------------------- Liquid and kramdown


def said(translate: object, source: str, *args: object) -> tuple[str, list[tuple[str, int]]]:
    found: list[tuple[str, int]] = []
    return translate(source, *args, lambda code, line, message, hint: found.append((code, line))), found  # type: ignore[operator]


@pytest.mark.parametrize(
    ("source", "expected", "found"),
    [
        ("{{ site.baseurl }}/a", "/a", []),
        ("{{ page.title | escape }}", "T", []),
        ("{{ '/a' | relative_url }}", "/a", []),
        ("{{ page.title | upcase }}", "T", [("import-value", 1)]),
        ("a\n{{ site.data.x }}", "a\n`{{ site.data.x }}`", [("import-value", 2)]),
        ("{% raw %}{{ x }}{% endraw %}", "{{ x }}", []),
        ("{% comment %}a{% endcomment %}", "<!-- kb import: a -->", []),
        ("{% highlight sh %}\nls\n{% endhighlight %}", "```sh\nls\n```", []),
        ("[a]({% link _docs/a.md %})", "[a](/_docs/a.md)", []),
        (
            "{% if x %}A{% endif %}",
            "<!-- kb import: {% if x %} -->A<!-- kb import: {% endif %} -->",
            [("import-tag", 1)] * 2,
        ),
        ("{%- assign a = 1 -%}", "<!-- kb import: {%- assign a = 1 -%} -->", [("import-tag", 1)]),
        ("{% include no.md %}", "<!-- kb import: {% include no.md %} -->", [("import-include", 1)]),
        (
            "{% include ../../etc/passwd %}",
            "<!-- kb import: {% include ../../etc/passwd %} -->",
            [("import-include", 1)],
        ),
        ("{% include x-->.md %}", "<!-- kb import: {% include x- -&gt;.md %} -->", [("import-include", 1)]),
        ("{% include note.md text='hi' %}", "Note: hi", []),
        ("{% include loop.md %}", "<!-- kb import: {% include loop.md %} -->", [("import-include", 1)]),
    ],
)
def test_liquid(tmp_path: Path, source: str, expected: str, found: list[tuple[str, int]]) -> None:
    (tmp_path / "note.md").write_text("Note: {{ include.text }}\n")
    (tmp_path / "loop.md").write_text("{% include loop.md %}\n")
    site = liquid.Site({"site.baseurl": ""}, (tmp_path,))
    assert said(liquid.translate, source, site, {"title": "T"}) == (expected, found)


@pytest.mark.parametrize(
    ("source", "expected", "found"),
    [
        ('[a](b){:target="_blank"}{:rel="noopener"}', "[a](b)", []),
        ("[a](b){:.button #go}", "[a](b){: .button #go }", []),
        ('[a](b){:class="x y" id="z"}', "[a](b){: .x .y #z }", []),
        ('x\n![a](b){:style="width:1px"}', "x\n![a](b)", [("import-attribute", 2)]),
        ("{::nomarkdown}<b>x</b>{:/}", "<b>x</b>", []),
        ("{::comment}x\ny{:/comment}z", "<!-- kb import: x y -->\nz", []),
        ("{::options a='b' /}", "<!-- kb import: {::options a='b' /} -->", [("import-extension", 1)]),
        ("A\n\n- TOC\n{:toc}\n\nB", "A\n\n\n\n\nB", [("import-attribute", 3)]),
        ("`{:.code}`", "`{:.code}`", []),
    ],
)
def test_kramdown(source: str, expected: str, found: list[tuple[str, int]]) -> None:
    assert said(kramdown.translate, source) == (expected, found)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("- a\n  - b\n    - c\n- d", "-   a\n    -   b\n        -   c\n-   d"),
        ("-   a\n    -   b", "-   a\n    -   b"),
        ("1. a\n\n   More\n\n   - b\n2. c", "1.  a\n\n    More\n\n    -   b\n2.  c"),
        ("10) a\n    b", "10. a\n    b"),
        ("- a\nlazy\n\nNot in it", "-   a\n    lazy\n\nNot in it"),
        (
            "- a\n\n  ```\n  code\n    more\n  ```\n- b",
            "-   a\n\n    ```\n    code\n      more\n    ```\n-   b",
        ),
        ("- a\n## Heading", "-   a\n## Heading"),
        ("```\n- a\n  - b\n```", "```\n- a\n  - b\n```"),
        ("Text\n\n* * *\n\n- a", "Text\n\n* * *\n\n-   a"),
        ("Text 2. no\n\n    - code", "Text 2. no\n\n    - code"),
    ],
)
def test_lists_are_indented_as_the_site_wants_them(source: str, expected: str) -> None:
    assert kramdown.with_deep_lists(source) == expected


def test_a_list_right_below_a_paragraph_gets_an_empty_line_where_it_is_one() -> None:
    assert kramdown.with_deep_lists("Text\n- a\n- b", interrupting=True) == "Text\n\n-   a\n-   b"
    assert kramdown.with_deep_lists("Text\n7. a", interrupting=True).startswith("Text\n7.")


# ---------------------------------------------------------------- HTML


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("<p>A <b>bold </b>and <em>soft</em> &amp; 2 * 3</p>", "A **bold** and *soft* & 2 \\* 3"),
        ("<p>One<br /><br />Two<br>three</p>", "One\n\nTwo<br>\nthree"),
        ("<ul>\n<li>A <a href='b.md' target='_blank'>b</a></li>\n<li>C<ul><li>D</li></ul></li></ul>",
         "-   A [b](b.md)\n-   C\n\n    -   D"),
        ("<ol><li><p>A</p><p>B</p></li></ol>", "1.  A\n\n    B"),
        ("<h1>A <i>b</i></h1><h4>C</h4>", "## A *b*\n\n#### C"),
        ("<blockquote><p>A</p></blockquote>", "> A"),
        ("<pre>a\n  b</pre>", "```\na\n  b\n```"),
        ("<table><tr><th>A</th><th>B</th></tr><tr><td>1|2</td><td><code>x`y</code></td></tr></table>",
         "| A | B |\n| --- | --- |\n| 1\\|2 | ``x`y`` |"),
        ("<table><tr><td>1</td></tr></table>", "|  |\n| --- |\n| 1 |"),
        ("<div><p>A</p><hr/>B</div>", "A\n\n---\n\nB"),
        ("<p><img src='a b.png' alt='x [y]'></p>", "![x \\[y\\]](<a b.png>)"),
        ("<p># no heading</p><p>1. no list</p><p>- none</p>", "\\# no heading\n\n1\\. no list\n\n\\- none"),
        ("<p>&lt;script&gt; _a_ b_c &amp;lt;</p>", "&lt;script> \\_a\\_ b_c &amp;lt;"),
        ("<p>H<sub>2</sub>O <kbd>F1</kbd><span class='x'>!</span></p>", "H<sub>2</sub>O <kbd>F1</kbd>!"),
        ("<p>a<!-- kb import: x --></p>", "a<!-- kb import: x -->"),
        ("A <a href=\"b.md\">*b*</a> and <img src='c.png' alt='d'>", "A [*b*](b.md) and ![d](c.png)"),
        ("`<a href='x'>y</a>`", "`<a href='x'>y</a>`"),
    ],
)  # fmt: skip
def test_html_becomes_markdown(source: str, expected: str) -> None:
    result, found = said(markup.translate, source)
    assert (result.strip("\n"), found) == (expected, [])


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("<p>A</p>\n\n<iframe src='https://x.example'></iframe>", "import-html"),
        ("\n\n<script>\nalert(1)\n</script>", "import-html"),
        ("\n\n<video controls><source src='a.mp4'></video>", "import-html-kept"),
        ("\n\n<table><tr><td colspan='2'>A</td></tr></table>", "import-html-kept"),
        ("\n\n<table><tr><td><ul><li>A</li></ul></td></tr></table>", "import-html-kept"),
        ("\n\n<p>A <b>b</p>", "import-html-kept"),
        ("\n\n<h2 id='x'>A</h2>", "import-html-kept"),
        ("a\n\nb <a id='x' href='y'>c</a>", "import-html-kept"),
    ],
)
def test_html_that_markdown_cannot_say_is_kept_and_reported(source: str, code: str) -> None:
    result, found = said(markup.translate, source)
    assert found == [(code, 3)]
    assert source.split("\n")[-1] in result


# ---------------------------------------------------------------- whole sites


def test_the_result_is_a_help_centre_without_errors(old: Old, tmp_path: Path) -> None:
    old.file("images/a.png", PNG)
    old.page("_docs/a/one.md", "## Part\n\n![A](/images/a.png) [x](/gone) {% include y %}\n", category="X")
    old.page("_docs/a/two.md", "<p><a href='{{ site.baseurl }}/a/one/'>b</a></p>\n", category="X")
    articles, problems = in_a_help_centre(old.run(), tmp_path / "new")
    assert {article.id for article in articles} == {"index", "x/index", "x/one", "x/two"}
    assert [p for p in problems if p.severity == "error"] == []


def test_a_plain_markdown_folder_comes_in_whole(old: Old, tmp_path: Path) -> None:
    old.file("README.md", "# Shop help\n\n[Pay](payment/cards.md)\n")
    old.file("payment/README.md", "# Payment\n\n- [Cards](cards.md#visa)\n  - nested\n")
    old.file(
        "payment/cards.md", "# Cards\n\n## Visa\n\n![Card](img/card.png) [up](../README.md) [folder](./)\n"
    )
    old.file("payment/img/card.png", PNG)
    result = old.run("markdown")
    articles, problems = in_a_help_centre(result, tmp_path / "new")
    assert {(article.id, article.title) for article in articles} == {
        ("index", "Shop help"),
        ("payment/index", "Payment"),
        ("payment/cards", "Cards"),
    }
    assert {p.code for p in problems} == {"questions-missing"}
    assert notes(result, info=True) == []
    assert "[up](../index.md) [folder](index.md)" in body(result, "payment/cards")


@pytest.fixture(scope="module")
def duckduckgo() -> importer.Result:
    if not DUCKDUCKGO.is_dir():
        pytest.skip("the DuckDuckGo help pages are not on this machine")
    return importer.read(DUCKDUCKGO, importer.Options(kind="jekyll", language="en"))


def test_a_live_help_centre_comes_in_without_errors(duckduckgo: importer.Result, tmp_path: Path) -> None:
    articles, problems = in_a_help_centre(duckduckgo, tmp_path)
    assert len(articles) > 200
    assert [str(p) for p in problems if p.severity == "error"] == []
    assert {p.code for p in problems} <= {"questions-missing", "anchor-dead", "article-twice", "heading-jump"}


def test_no_word_of_a_live_help_centre_is_lost(duckduckgo: importer.Result) -> None:
    pages, _ = find(DUCKDUCKGO, "jekyll")
    addresses = {}
    for path, content in duckduckgo.files.items():
        if isinstance(content, str) and path.startswith("articles/"):
            head, text = content.split("---\n", 2)[1:]
            for old in re.findall(r'  - "(.+)"', head.partition("redirect_from:")[2]):
                addresses[old] = text
            addresses.setdefault(
                path.removeprefix("articles/en/").removesuffix(".md").removesuffix("/index"), text
            )
    checked = 0
    for page in pages:
        if not page.redirect:
            missing = _words(page.body) - _words(addresses[page.address])
            assert set(missing) <= {"TOC"}, page.path
            checked += 1
    assert checked > 200


def _words(text: str) -> Counter[str]:
    text = re.sub(r"<!-- kb import: (.*?)-->", r" \1 ", text)
    text = re.sub(r"\{:[^}]*\}|</?[a-zA-Z][^>]*>|\]\([^)]*\)", " ", text)
    return Counter(re.findall(r"\w+", unescape(text).replace("\\", "")))


def test_every_include_of_a_live_help_centre_is_reported_at_its_line(duckduckgo: importer.Result) -> None:
    expected = {
        ("import-include", file.relative_to(DUCKDUCKGO).as_posix(), number)
        for file in DUCKDUCKGO.rglob("*.md")
        for number, line in enumerate(file.read_text("utf-8").split("\n"), 1)
        if "{% include" in line
    }
    found = {note for note in notes(duckduckgo) if note[0] == "import-include"}
    assert found == expected


def test_every_note_is_explained_and_tested() -> None:
    tests = Path(__file__).read_text("utf-8")
    for code, finding in NOTES.items():
        assert f'"{code}"' in tests, f"no test sets off {code}"
        assert finding.why
        assert finding.example
