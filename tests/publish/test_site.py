"""The pages of a built site, as a visitor's browser receives them."""

import json
import re
from pathlib import Path

import pytest

from kb.errors import ConfigError, ContentError
from tests.publish.shop import Shop


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """Four languages: everything written in English, some in Ukrainian, one in Arabic, nothing in Portuguese."""
    shop = Shop(tmp_path_factory.mktemp("shop"), ("en", "uk", "ar", "pt"))
    shop.article(
        "en/returns/index",
        title="Returns",
        icon="material/keyboard-return",
        order=1,
        description="Send it back",
    )
    shop.article(
        "en/returns/size",
        "Send it **back**. See [refunds](refunds.md#when).\n\n"
        "## First step { #first }\n\n!!! note\n    Keep the box.\n\n## Second step\n\nText.\n",
        title='Exchange "size" & colour',
        description="How to exchange",
        related="[returns/refunds]",
        order=1,
    )
    shop.article("en/returns/refunds", "## When { #when }\n\nSoon.\n", title="Refunds", order=2)
    shop.article("en/returns/late", title="Too late", order=3)
    shop.article("uk/index", "Вітаємо.", title="Чим допомогти?")
    shop.article("uk/returns/index", title="Повернення")
    shop.article(
        "uk/returns/size", "!!! note\n    Збережіть коробку.\n\n## Перший крок\n", title="Обмін розміру"
    )
    shop.article("ar/returns/size", "نص", title="تبديل المقاس")
    shop.build()
    return shop


def head_links(html: str, rel: str) -> list[str]:
    return re.findall(rf'<link rel="{rel}"[^>]*href="([^"]+)"', html)


def json_ld(html: str) -> list[dict[str, object]]:
    match = re.search(r'<script type="application/ld\+json">(.*?)</script>', html, re.DOTALL)
    assert match, "the page has no JSON-LD"
    graph: list[dict[str, object]] = json.loads(match[1])["@graph"]
    return graph


def test_every_article_has_a_page_in_every_language(built: Shop) -> None:
    for language in ("en", "uk", "ar", "pt"):
        for address in ("", "returns/", "returns/size/", "returns/refunds/", "search/", "contact-us/"):
            assert (built.site / language / address / "index.html").is_file(), f"{language}/{address}"
        assert (built.site / language / "404.html").is_file()


def test_text_from_front_matter_is_escaped(built: Shop) -> None:
    page = built.page("en/returns/size")
    assert "<h1>Exchange &#34;size&#34; &amp; colour</h1>" in page
    assert "<title>Exchange &#34;size&#34; &amp; colour · Oselya</title>" in page


def test_links_between_articles_lead_to_pages_of_the_same_language(built: Shop) -> None:
    assert 'href="../refunds/#when"' in built.page("en/returns/size")


def test_interface_is_in_the_language_of_the_page(built: Shop) -> None:
    page = built.page("uk/returns/size")
    assert '<html lang="uk"' in page
    assert "Зв’язатися з нами" in page
    assert "Contact us" not in page


def test_default_admonition_title_is_in_the_language_of_the_page(built: Shop) -> None:
    assert '<p class="admonition-title">Примітка</p>' in built.page("uk/returns/size")
    assert '<p class="admonition-title">Note</p>' in built.page("en/returns/size")


def test_headings_in_other_alphabets_have_readable_anchors(built: Shop) -> None:
    assert 'id="перший-крок"' in built.page("uk/returns/size")


def test_fallback_shows_the_source_with_its_own_language_and_direction(built: Shop) -> None:
    page = built.page("ar/returns/refunds")
    assert re.search(r'<body[^>]*dir="rtl"', page)
    assert re.search(r'<div class="kb-answer[^"]*" lang="en" dir="ltr">', page)
    assert "هذه المقالة غير متاحة بالعربية بعد" in page


def test_fallback_is_canonical_to_its_source_and_not_indexed(built: Shop) -> None:
    page = built.page("uk/returns/refunds")
    assert head_links(page, "canonical") == ["https://help.oselya.example/en/returns/refunds/"]
    assert '<meta name="robots" content="noindex">' in page
    assert "hreflang" not in "".join(re.findall(r"<link[^>]*>", page))
    assert "application/ld+json" not in page


def test_hreflang_names_real_texts_only(built: Shop) -> None:
    page = built.page("en/returns/size")
    found = dict(re.findall(r'<link rel="alternate" hreflang="([^"]+)" href="([^"]+)"', page))
    base = "https://help.oselya.example"
    assert found == {
        "en": f"{base}/en/returns/size/",
        "uk": f"{base}/uk/returns/size/",
        "ar": f"{base}/ar/returns/size/",
        "x-default": f"{base}/en/returns/size/",
    }


def test_language_switcher_keeps_the_article_and_says_what_is_missing(built: Shop) -> None:
    page = built.page("en/returns/size")
    switcher = page.partition('class="kb-languages__list"')[2].partition("</ul>")[0]
    items = re.findall(r'<a href="([^"]+)" hreflang="(\w+)".*?</a>', switcher, re.DOTALL)
    assert items == [
        (f"../../../{language}/returns/size/", language) for language in ("en", "uk", "ar", "pt")
    ]
    assert switcher.count("not translated yet") == 1


def test_breadcrumbs_lead_home_and_to_the_category(built: Shop) -> None:
    path = built.page("uk/returns/size").partition('class="kb-path"')[2].partition("</nav>")[0]
    assert re.findall(r'href="([^"]+)"', path) == ["../../", "../../returns/"]
    assert "Повернення" in path


def test_neighbours_follow_the_order_of_the_source(built: Shop) -> None:
    page = built.page("uk/returns/refunds")
    around = page.partition('class="kb-around"')[2].partition("</nav>")[0]
    assert re.findall(r'rel="(\w+)" href="([^"]+)"', around) == [
        ("prev", "../../returns/size/"),
        ("next", "../../returns/late/"),
    ]


def test_related_articles_are_those_the_article_names(built: Shop) -> None:
    related = built.page("en/returns/size").partition('id="kb-related"')[2].partition("</section>")[0]
    assert re.findall(r'href="([^"]+)"', related) == ["../../returns/refunds/"]


def test_sidebar_marks_the_page_it_is_on(built: Shop) -> None:
    page = built.page("en/returns/refunds")
    assert re.findall(r'<a href="([^"]+)"[^>]* aria-current="page"', page) == ["../../returns/refunds/"]


def test_article_is_a_question_with_its_phrasings_in_json_ld(built: Shop) -> None:
    faq, breadcrumbs = json_ld(built.page("en/returns/size"))
    assert faq["@type"] == "FAQPage"
    (question,) = faq["mainEntity"]  # type: ignore[misc]
    assert question["name"] == 'Exchange "size" & colour'  # type: ignore[index]
    assert question["alternateName"] == ["How?", "Why?"]  # type: ignore[index]
    assert "Send it back." in question["acceptedAnswer"]["text"]  # type: ignore[index]
    assert [item["item"] for item in breadcrumbs["itemListElement"]] == [  # type: ignore[attr-defined]
        "https://help.oselya.example/en/",
        "https://help.oselya.example/en/returns/",
        "https://help.oselya.example/en/returns/size/",
    ]


def test_open_graph_names_title_address_and_language(built: Shop) -> None:
    page = built.page("uk/returns/size")
    found = dict(re.findall(r'<meta property="(og:[\w:]+)" content="([^"]*)"', page))
    assert found["og:title"] == "Обмін розміру"
    assert found["og:url"] == "https://help.oselya.example/uk/returns/size/"
    assert found["og:locale"] == "uk"


def test_page_refers_to_no_other_origin(built: Shop) -> None:
    for file in built.site.rglob("*.html"):
        html = file.read_text("utf-8")
        loaded = re.findall(r"""(?:src|srcset)=["']?([^"'\s>]+)""", html)
        loaded += re.findall(r'<link rel="(?:stylesheet|icon|preload|preconnect)"[^>]*href="([^"]+)"', html)
        assert not [url for url in loaded if re.match(r"(?:https?:)?//", url)], file


def test_policy_allows_no_inline_code_and_needs_none(built: Shop) -> None:
    page = built.page("en/returns/size")
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', page)
    assert policy
    assert "default-src &#39;none&#39;" in policy[1] or "default-src 'none'" in policy[1]
    assert "unsafe" not in policy[1]
    assert not re.search(r"\sstyle=", page)
    assert not re.findall(r"<script(?![^>]*\bsrc=)(?![^>]*application/(?:ld\+)?json)[^>]*>", page)


def test_pages_of_one_site_share_their_assets(built: Shop) -> None:
    assert {p.name for p in (built.site).iterdir() if p.is_dir()} == {"assets", "en", "uk", "ar", "pt"}
    assert not list(built.site.glob("*/assets"))
    assert not [f for f in built.files() if f.endswith(".map")]


def test_missing_page_works_at_any_depth(built: Shop) -> None:
    page = built.page("uk/404.html")
    addresses = re.findall(r' (?:href|src|action)="([^"#][^"]*)"', page)
    local = [a for a in addresses if not a.startswith(("https://", "mailto:", "tel:"))]
    assert local
    assert all(a.startswith("/") for a in local), [a for a in local if not a.startswith("/")]


def test_image_of_the_source_serves_other_languages_until_they_have_their_own(shop: Shop) -> None:
    shop.article("en/returns/size", "![The box](images/box.svg)")
    shop.article("uk/returns/size", "![Коробка](images/box.svg)")
    shop.write(
        "articles/en/returns/images/box.svg", '<svg xmlns="http://www.w3.org/2000/svg"><path d="M1 1"/></svg>'
    )
    shop.build()
    assert (shop.site / "uk/returns/images/box.svg").read_text() == (
        shop.site / "en/returns/images/box.svg"
    ).read_text()
    assert '<img alt="Коробка" src="../images/box.svg">' in shop.page("uk/returns/size")


def test_body_that_looks_like_metadata_is_kept(shop: Shop) -> None:
    shop.article("en/returns/size", "Note: call us first.\n\nThen send it.")
    shop.build()
    assert "Note: call us first." in shop.page("en/returns/size")


def test_category_with_a_thousand_articles_keeps_pages_small(shop: Shop) -> None:
    for at in range(120):
        shop.article(f"en/returns/answer-{at:03}", title=f"Answer number {at}")
    shop.build(languages=["en"])
    sidebar = (
        shop.page("en/returns/answer-000").partition('class="kb-nav__section"')[2].partition("</nav>")[0]
    )
    assert sidebar.count("returns/answer-") == 40
    category = shop.page("en/returns")
    assert all(f"returns/answer-{at:03}/" in category for at in range(120))


def test_site_below_a_path_has_canonical_addresses_with_it(shop: Shop) -> None:
    shop.write("mkdocs.yml", "site_name: Shop\nsite_url: https://shop.example/help\n")
    shop.article("en/returns/size")
    shop.build()
    assert head_links(shop.page("en/returns/size"), "canonical") == [
        "https://shop.example/help/en/returns/size/"
    ]
    assert 'href="/help/en/' in shop.page("en/404.html")


def test_plugin_hook_and_extension_of_a_mkdocs_user_work(shop: Shop) -> None:
    shop.write(
        "hooks.py",
        "def on_page_markdown(markdown, **kwargs):\n    return markdown.replace('SHOP', 'Oselya')\n",
    )
    with (shop.root / "mkdocs.yml").open("a") as file:
        file.write("hooks: [hooks.py]\nextra: {tone: friendly}\ncopyright: © Oselya\n")
    shop.article("en/returns/size", "Ask SHOP. :material-check:")
    shop.build(languages=["en"])
    page = shop.page("en/returns/size")
    assert "Ask Oselya." in page
    assert "<svg" in page.partition("<p>Ask Oselya.")[2][:200]
    assert "© Oselya" in page


def test_template_of_the_shop_wins_over_ours(shop: Shop) -> None:
    shop.write(
        "mkdocs.yml",
        "site_name: Shop\ntheme: {name: material, custom_dir: overrides}\nextra_css: [assets/shop.css]\n",
    )
    shop.write("overrides/kb/contactcard.html", "<p>Ask <b>us</b></p>")
    shop.write("overrides/assets/shop.css", "p{color:red}")
    shop.article("en/returns/size")
    shop.build(languages=["en"])
    assert "<p>Ask <b>us</b></p>" in shop.page("en/returns/size")
    assert 'href="../../../assets/shop.css"' in shop.page("en/returns/size")
    assert (shop.site / "assets/shop.css").is_file()


def test_strings_of_the_shop_win_over_ours(shop: Shop) -> None:
    shop.write("mkdocs.yml", "site_name: Shop\ntheme: {name: material, custom_dir: overrides}\n")
    shop.write("overrides/strings/en.yml", "contact: Ask Maria\n")
    shop.article("en/returns/size")
    shop.build(languages=["en"])
    assert "Ask Maria" in shop.page("en/returns/size")


def test_nobody_is_invited_to_write_where_there_is_no_way_to(shop: Shop) -> None:
    shop.article("en/returns/size")
    shop.build(languages=["en"])
    assert 'class="kb-ask"' in shop.page("en/returns/size")
    shop.write("pyproject.toml", '[tool.kb]\nlanguages = ["en"]\n')
    shop.build(languages=["en"])
    for address in ("en", "en/returns", "en/returns/size", "en/search"):
        assert "contact-us" not in shop.page(address), address


def test_language_without_strings_is_built_in_english_and_reported(tmp_path: Path) -> None:
    shop = Shop(tmp_path, ("en", "eo"))
    shop.article("en/returns/size")
    report = shop.build()
    assert [p.code for p in report.problems if p.code == "strings-missing"] == ["strings-missing"]
    assert "Contact us" in shop.page("eo/returns/size")


def test_warning_of_mkdocs_becomes_a_finding_with_the_article(shop: Shop) -> None:
    shop.write(
        "hooks.py",
        "import logging\n\ndef on_page_markdown(markdown, page, **kwargs):\n"
        "    if 'size' in page.file.src_uri:\n"
        "        logging.getLogger('mkdocs.hooks').warning(\"'%s' looks odd\", page.file.src_uri)\n",
    )
    with (shop.root / "mkdocs.yml").open("a") as file:
        file.write("hooks: [hooks.py]\n")
    shop.article("en/returns/size")
    report = shop.build(languages=["en"])
    assert [(p.path, p.severity) for p in report.problems if p.code == "mkdocs"] == [
        ("articles/en/returns/size.md", "warning")
    ]


def test_article_in_the_place_of_an_interface_page_is_refused(shop: Shop) -> None:
    shop.article("en/search/how")
    with pytest.raises(ContentError) as caught:
        shop.build()
    assert [p.code for p in caught.value.problems if p.severity == "error"] == ["category-reserved"]


@pytest.mark.parametrize(
    ("setting", "names"),
    [
        ("nav: [index.md]", "nav"),
        ("docs_dir: other", "docs_dir"),
        ("site_dir: other", "site_dir"),
        ("use_directory_urls: false", "use_directory_urls"),
        ("plugins: [i18n]", "i18n"),
        ("plugins: [{privacy: {enabled: true}}]", "privacy"),
        ("plugins: [material/social]", "social"),
        ("theme: readthedocs", "readthedocs"),
        ("theme: {name: material, language: uk}", "theme.language"),
        ("theme: {name: material, font: {text: Roboto}}", "theme.font"),
        ("theme: {name: material, features: [navigation.instant]}", "navigation.instant"),
        ("extra: {analytics: {provider: google}}", "extra.analytics"),
        ("extra_javascript: ['https://cdn.example/x.js']", "https://cdn.example/x.js"),
        ("extra_css: [//cdn.example/x.css]", "//cdn.example/x.css"),
        ("extra_css: [assets/none.css]", "assets/none.css"),
        ("markdown_extensions: [{pymdownx.snippets: {base_path: ../..}}]", "pymdownx.snippets"),
        ("markdown_extensions: [no.such.extension]", "no.such.extension"),
        ("just text", "mapping"),
        ("[", "YAML"),
    ],
)
def test_setting_a_help_centre_cannot_have_is_refused_with_the_reason(
    shop: Shop, setting: str, names: str
) -> None:
    prefix = "" if setting in {"just text", "["} else "site_name: Shop\n"
    shop.write("mkdocs.yml", prefix + setting + "\n")
    shop.article("en/returns/size")
    with pytest.raises(ConfigError) as caught:
        shop.build()
    assert names in f"{caught.value.message} {caught.value.hint}"
    assert not shop.site.exists()


def test_site_without_an_address_is_built_and_reported(shop: Shop) -> None:
    shop.write("mkdocs.yml", "site_name: Shop\n")
    shop.article("en/returns/size")
    report = shop.build()
    assert "site-url-missing" in {p.code for p in report.problems}
    assert "canonical" not in shop.page("en/returns/size")


def test_contact_page_has_the_form_where_a_desk_answers(shop: Shop) -> None:
    settings = (
        '[tool.kb]\nlanguages = ["en", "uk"]\n[tool.kb.contact]\ndesk = "/api"\nemail = "a@b.example"\n'
    )
    shop.write("pyproject.toml", settings)
    shop.article("en/returns/size")
    shop.build()
    page = shop.page("uk/contact-us")
    form = page.partition("data-kb-desk-form")[2].partition("</form>")[0]
    assert 'action="/api/contact"' in page
    assert 'data-language="uk"' in page
    assert "Електронна пошта" in form
    assert '<option value="returns">' in form
    module = re.search(r'data-search="([^"]+)"', page)
    assert module
    assert (shop.site / "uk/contact-us" / module[1]).resolve().is_file()


def test_contact_page_without_a_desk_has_no_form_to_nowhere(shop: Shop) -> None:
    shop.article("en/returns/size")
    shop.build(languages=["en"])
    assert "data-kb-desk-form" not in shop.page("en/contact-us")
    assert "desk/" not in shop.page("en/contact-us")
