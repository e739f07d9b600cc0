"""Sitemap, robots.txt, RSS, llms.txt and OpenSearch, read back as their readers do."""

from datetime import date
from email.utils import parsedate_to_datetime
from pathlib import Path
from xml.etree import ElementTree

import pytest

from kb.publish import feeds
from kb.publish.pages import Plan
from tests.publish.shop import Shop
from tests.publish.surroundings import URL, Surroundings

SITEMAP = {"s": "http://www.sitemaps.org/schemas/sitemap/0.9", "x": "http://www.w3.org/1999/xhtml"}
OPENSEARCH = {"o": "http://a9.com/-/spec/opensearch/1.1/"}
ATOM_LINK = "{http://www.w3.org/2005/Atom}link"


@pytest.fixture
def around(shop: Shop) -> Surroundings:
    """Two articles in English, one of them in Ukrainian too; and three that nobody may see."""
    shop.article("en/returns/index", title="Returns", order=1)
    shop.article(
        "en/returns/size", title="Exchange <size> & colour", description="How to [exchange]", order=1
    )
    shop.article("en/returns/refunds", title="Refunds", order=2)
    shop.article("en/returns/secret-draft", title="Hush one", draft="true")
    shop.article("en/returns/secret-internal", title="Hush two", audience="internal")
    shop.article("en/returns/secret-expired", title="Hush three", expires="2020-01-01")
    shop.article("uk/index", "Вітаємо.", title="Чим допомогти?", description="Відповіді про замовлення")
    shop.article("uk/returns/index", title="Повернення")
    shop.article("uk/returns/size", title="Обмін розміру")
    shop.article("uk/returns/secret-draft", title="Тихо")
    updated = {
        "en/returns/size": date(2026, 3, 1),
        "en/returns/refunds": date(2026, 5, 2),
        "uk/returns/size": date(2026, 4, 1),
        "en/returns/secret-draft": date(2026, 6, 1),
    }
    return Surroundings(shop, updated=updated)


def sitemap(text: str) -> dict[str, tuple[str | None, dict[str, str]]]:
    """Address → (lastmod, hreflang → address)."""
    root = ElementTree.fromstring(text)
    assert root.tag == "{http://www.sitemaps.org/schemas/sitemap/0.9}urlset"
    found = {}
    for url in root.findall("s:url", SITEMAP):
        links = {link.attrib["hreflang"]: link.attrib["href"] for link in url.findall("x:link", SITEMAP)}
        found[url.findtext("s:loc", namespaces=SITEMAP) or ""] = (
            url.findtext("s:lastmod", namespaces=SITEMAP),
            links,
        )
    return found


def test_sitemap_lists_every_real_text_and_no_fallback(around: Surroundings) -> None:
    assert sorted(sitemap(around.feeds()["sitemap.xml"])) == [
        f"{URL}{address}"
        for address in (
            "en/", "en/returns/", "en/returns/refunds/", "en/returns/size/", "uk/", "uk/returns/", "uk/returns/size/",
        )
    ]  # fmt: skip


def test_sitemap_names_translations_and_days_of_change(around: Surroundings) -> None:
    pages = sitemap(around.feeds()["sitemap.xml"])
    day, links = pages[f"{URL}uk/returns/size/"]
    assert day == "2026-04-01"
    assert links == {
        "en": f"{URL}en/returns/size/",
        "uk": f"{URL}uk/returns/size/",
        "x-default": f"{URL}en/returns/size/",
    }
    # The one text of its own: a fallback in Ukrainian is no version of it.
    assert set(pages[f"{URL}en/returns/refunds/"][1]) == {"en", "x-default"}


def test_root_is_the_default_version_of_the_home_pages(around: Surroundings) -> None:
    links = sitemap(around.feeds()["sitemap.xml"])[f"{URL}uk/"][1]
    assert links == {"en": f"{URL}en/", "uk": f"{URL}uk/", "x-default": URL}


def test_hreflang_links_of_the_sitemap_are_mutual(around: Surroundings) -> None:
    pages = sitemap(around.feeds()["sitemap.xml"])
    for address, (_, links) in pages.items():
        for language, other in links.items():
            if language != "x-default":
                assert address in pages[other][1].values(), f"{other} does not link back to {address}"


@pytest.mark.parametrize("limits", [{"limit_urls": 3}, {"limit_bytes": 1200}])
def test_large_sitemap_is_split_and_indexed(around: Surroundings, limits: dict[str, int]) -> None:
    whole = sitemap(around.feeds()["sitemap.xml"])
    files = dict(feeds.sitemap(around.centre, around.plans, **limits))
    index = ElementTree.fromstring(files.pop("sitemap.xml"))
    assert index.tag == "{http://www.sitemaps.org/schemas/sitemap/0.9}sitemapindex"
    listed = [loc.text for loc in index.findall("s:sitemap/s:loc", SITEMAP)]
    assert listed == [URL + name for name in files]
    assert len(files) > 1
    parts = [sitemap(text) for text in files.values()]
    assert {address: entry for part in parts for address, entry in part.items()} == whole
    assert sum(len(part) for part in parts) == len(whole)
    assert all(len(part) <= limits.get("limit_urls", 50_000) for part in parts)


def test_robots_names_the_sitemap_and_closes_only_endless_addresses(shop: Shop) -> None:
    shop.article("en/returns/size")
    below = Surroundings(shop, url="https://oselya.example/help/")
    assert below.feeds()["robots.txt"] == (
        "User-agent: *\nDisallow: /help/api/\nDisallow: /help/en/search/?\nDisallow: /help/uk/search/?\n\n"
        "Sitemap: https://oselya.example/help/sitemap.xml\n"
    )


def test_rss_lists_own_articles_newest_first(around: Surroundings) -> None:
    channel = ElementTree.fromstring(around.feeds()["en/feed.xml"]).find("channel")
    assert channel is not None
    items = channel.findall("item")
    assert [item.findtext("title") for item in items] == ["Refunds", "Exchange <size> & colour"]
    assert items[1].findtext("description") == "How to [exchange]"
    assert items[1].findtext("link") == items[1].findtext("guid") == f"{URL}en/returns/size/"
    assert items[1].findtext("category") == "Returns"
    published = [parsedate_to_datetime(item.findtext("pubDate") or "").date() for item in items]
    assert published == [date(2026, 5, 2), date(2026, 3, 1)]
    assert (
        channel.findtext("lastBuildDate") == items[0].findtext("pubDate") == "Sat, 02 May 2026 00:00:00 GMT"
    )
    ukrainian = ElementTree.fromstring(around.feeds()["uk/feed.xml"])
    assert [title.text for title in ukrainian.iterfind("channel/item/title")] == ["Обмін розміру"]


def test_rss_channel_says_what_it_is_in_its_language(around: Surroundings) -> None:
    feed = ElementTree.fromstring(around.feeds()["uk/feed.xml"])
    assert (feed.tag, feed.attrib["version"]) == ("rss", "2.0")
    assert feed.findtext("channel/title") == "Oselya: Нові та змінені статті"
    assert feed.findtext("channel/link") == f"{URL}uk/"
    assert feed.findtext("channel/description") == "Відповіді про замовлення"
    assert feed.findtext("channel/language") == "uk"
    link = feed.find(f"channel/{ATOM_LINK}")
    assert link is not None
    assert link.attrib == {"href": f"{URL}uk/feed.xml", "rel": "self", "type": "application/rss+xml"}


def test_rss_keeps_to_fifty_items(shop: Shop) -> None:
    updated = {f"en/returns/a{n:02}": date(2026, 1, 1 + n % 28) for n in range(60)}
    for id in updated:
        shop.article(id)
    feed = ElementTree.fromstring(Surroundings(shop, updated=updated).feeds()["en/feed.xml"])
    days = [parsedate_to_datetime(day.text or "") for day in feed.iterfind("channel/item/pubDate")]
    assert len(days) == 50
    assert days == sorted(days, reverse=True)


def test_rss_without_git_is_an_empty_channel(shop: Shop) -> None:
    shop.article("en/returns/size")
    feed = ElementTree.fromstring(Surroundings(shop).feeds()["en/feed.xml"])
    assert feed.findall("channel/item") == []
    assert feed.find("channel/lastBuildDate") is None


def test_llms_txt_lists_the_language_own_articles_by_category(around: Surroundings) -> None:
    assert around.feeds()["en/llms.txt"] == (
        "# Oselya\n\n## Returns\n\n"
        f"- [Exchange \\<size> & colour]({URL}en/returns/size/): How to [exchange]\n"
        f"- [Refunds]({URL}en/returns/refunds/)\n"
    )
    assert around.feeds()["uk/llms.txt"] == (
        "# Oselya\n\n> Відповіді про замовлення\n\n## Повернення\n\n"
        f"- [Обмін розміру]({URL}uk/returns/size/)\n"
    )


def test_root_llms_txt_lists_the_languages(around: Surroundings) -> None:
    assert around.feeds()["llms.txt"] == (
        f"# Oselya\n\n## Language\n\n- [English]({URL}en/llms.txt): 2 articles\n"
        f"- [Українська]({URL}uk/llms.txt): 1 стаття\n"
    )


def test_title_cannot_add_an_entry_to_llms_txt(shop: Shop) -> None:
    shop.article("en/returns/size", title='"a](https://evil.example/) \\n\\n## Evil\\n- [b"')
    text = Surroundings(shop).feeds()["en/llms.txt"]
    entries = [line for line in text.splitlines() if line.startswith(("- ", "## "))]
    assert entries == [
        "## Returns",
        f"- [a\\](https://evil.example/) ## Evil - \\[b]({URL}en/returns/size/)",
    ]


def test_opensearch_asks_the_language_search_page(around: Surroundings) -> None:
    description = ElementTree.fromstring(around.feeds()["uk/opensearch.xml"])
    assert description.tag == "{http://a9.com/-/spec/opensearch/1.1/}OpenSearchDescription"
    assert description.findtext("o:ShortName", namespaces=OPENSEARCH) == "Oselya"
    assert description.findtext("o:LongName", namespaces=OPENSEARCH) == "Oselya: Центр допомоги"
    assert description.findtext("o:Description", namespaces=OPENSEARCH) == "Пошук у центрі допомоги"
    assert description.findtext("o:Language", namespaces=OPENSEARCH) == "uk"
    templates = {
        url.attrib["type"]: url.attrib["template"] for url in description.findall("o:Url", OPENSEARCH)
    }
    assert templates["text/html"] == f"{URL}uk/search/?q={{searchTerms}}"
    assert templates["application/opensearchdescription+xml"] == f"{URL}uk/opensearch.xml"


def test_opensearch_names_stay_within_their_limits(shop: Shop) -> None:
    shop.article("en/returns/size")
    around = Surroundings(shop, name="Oselya, everything for a home that you love to come back to")
    description = ElementTree.fromstring(around.feeds()["en/opensearch.xml"])
    assert description.findtext("o:ShortName", namespaces=OPENSEARCH) == "Oselya, everyth…"
    assert len(description.findtext("o:LongName", namespaces=OPENSEARCH) or "") <= 48


def test_B2_markup_in_front_matter_stays_text_in_feeds(shop: Shop) -> None:
    attack = "<img src=x onerror=alert(1)>"
    shop.article("en/returns/size", title=f"'{attack}'", description=f"']]>{attack}'")
    around = Surroundings(shop, name=attack, updated={"en/returns/size": date(2026, 1, 1)})
    for name, text in around.feeds().items():
        if name.endswith(".xml"):
            ElementTree.fromstring(text)
        assert "<img" not in text.replace("\\<img", ""), name
    feed = ElementTree.fromstring(around.feeds()["en/feed.xml"])
    assert feed.findtext("channel/item/title") == attack
    assert feed.findtext("channel/item/description") == f"]]>{attack}"


def test_B18_hidden_articles_are_in_no_feed(around: Surroundings) -> None:
    assert around.hidden == {"returns/secret-draft", "returns/secret-internal", "returns/secret-expired"}
    for name, text in around.feeds().items():
        for trace in ("secret", "Hush", "Тихо"):
            assert trace not in text, f"{trace} in {name}"


def test_without_an_address_there_are_only_relative_feeds(shop: Shop) -> None:
    shop.article("en/returns/size", title="Size")
    files = Surroundings(shop, url="").feeds()
    assert sorted(files) == ["en/llms.txt", "llms.txt", "robots.txt", "uk/llms.txt"]
    assert "- [Size](returns/size/)" in files["en/llms.txt"]
    assert "Sitemap" not in files["robots.txt"]


def test_addresses_in_other_alphabets_are_encoded(shop: Shop) -> None:
    shop.article("en/повернення/обмін", title="Обмін")
    files = Surroundings(shop, updated={"en/повернення/обмін": date(2026, 1, 1)}).feeds()
    encoded = "%D0%BE%D0%B1%D0%BC%D1%96%D0%BD/"
    for name in ("sitemap.xml", "en/feed.xml", "en/llms.txt"):
        assert encoded in files[name]
        assert "/обмін" not in files[name]


def test_same_articles_give_the_same_feeds(around: Surroundings, shop: Shop, tmp_path: Path) -> None:
    plans = [Plan(p.edition, p.languages, p.origins, dict(reversed(p.updated.items()))) for p in around.plans]
    assert feeds.feeds(around.centre, plans) == around.feeds()
