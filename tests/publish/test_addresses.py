"""Former addresses: where each leads, and the page that stands there."""

import re
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest

from kb.publish import addresses, history
from kb.publish.addresses import Gone, Moved
from kb.publish.history import History
from tests.publish.shop import Shop
from tests.publish.surroundings import URL, Surroundings


def past(renamed: dict[str, str] | None = None, removed: tuple[str, ...] = ()) -> History:
    """History of paths below ``articles/``, endings left out."""
    return History(
        renamed={f"articles/{old}.md": f"articles/{new}.md" for old, new in (renamed or {}).items()},
        removed=frozenset(f"articles/{path}.md" for path in removed),
    )


@pytest.fixture
def returns(shop: Shop) -> Shop:
    for n, name in enumerate(("size", "refunds", "late", "damaged", "gift", "abroad")):
        shop.article(f"en/returns/{name}", order=n)
    shop.article("en/delivery/cost")
    return shop


def test_redirect_from_leads_to_the_article(shop: Shop) -> None:
    shop.article("en/returns/size", redirect_from="[exchange/size, /en/help/exchange.html]")
    assert Surroundings(shop).former() == {
        "exchange/size/": Moved("returns/size/"),
        "help/exchange/": Moved("returns/size/"),
    }


def test_renames_in_history_are_followed_to_the_end(returns: Shop) -> None:
    chain = past({"en/returns/a": "en/returns/b", "en/returns/b": "en/returns/size"})
    assert Surroundings(returns, history=chain).former() == {
        "returns/a/": Moved("returns/size/"),
        "returns/b/": Moved("returns/size/"),
    }


def test_history_leads_into_redirect_from(shop: Shop) -> None:
    shop.article("en/returns/size", redirect_from="[returns/exchange]")
    around = Surroundings(
        shop, history=past({"en/returns/swap": "en/returns/exchange"}, ("en/returns/exchange",))
    )
    assert around.former()["returns/swap/"] == Moved("returns/size/")


def test_redirect_from_wins_over_history(returns: Shop) -> None:
    returns.article("en/returns/refunds", redirect_from="[returns/old]", order=1)
    around = Surroundings(returns, history=past({"en/returns/old": "en/returns/size"}))
    assert around.former() == {"returns/old/": Moved("returns/refunds/")}


def test_address_that_is_live_again_is_not_redirected(returns: Shop) -> None:
    returns.article("en/returns/late", redirect_from="[returns/refunds]", order=2)
    around = Surroundings(returns, history=past({"en/returns/size": "en/returns/gift"}))
    assert around.former() == {}


def test_circle_of_renames_is_no_redirect(returns: Shop) -> None:
    circle = past({"en/returns/a": "en/returns/b", "en/returns/b": "en/returns/a"})
    assert Surroundings(returns, history=circle).former() == {}


def test_removed_article_suggests_its_category(returns: Shop) -> None:
    around = Surroundings(returns, history=past(removed=("en/returns/old", "en/gone/last")))
    former = around.former()
    neighbours = ("returns/size", "returns/refunds", "returns/late", "returns/damaged", "returns/gift")
    assert former["returns/old/"] == Gone(neighbours)
    # Of a category that is gone too, the most asked articles: here the first of each category.
    assert former["gone/last/"] == former["gone/"] == Gone(("delivery/cost", "returns/size"))


def test_renamed_then_removed_article_is_gone(returns: Shop) -> None:
    around = Surroundings(returns, history=past({"en/delivery/a": "en/delivery/b"}, ("en/delivery/b",)))
    assert around.former() == {
        "delivery/a/": Gone(("delivery/cost",)),
        "delivery/b/": Gone(("delivery/cost",)),
    }


def test_renamed_category_moves_all_addresses_and_its_index(returns: Shop) -> None:
    renamed = {f"en/exchange/{name}": f"en/returns/{name}" for name in ("size", "refunds")}
    around = Surroundings(returns, history=past({**renamed, "en/exchange/cost": "en/delivery/cost"}))
    assert around.former() == {
        "exchange/": Moved("returns/"),
        "exchange/cost/": Moved("delivery/cost/"),
        "exchange/refunds/": Moved("returns/refunds/"),
        "exchange/size/": Moved("returns/size/"),
    }


def test_redirect_from_of_a_category_speaks_for_its_articles(shop: Shop) -> None:
    shop.article("en/returns/index", title="Returns", redirect_from="[exchange/]")
    shop.article("en/returns/size")
    shop.article("en/returns/refunds", redirect_from="[exchange/money]")
    assert Surroundings(shop).former() == {
        "exchange/": Moved("returns/"),
        "exchange/money/": Moved("returns/refunds/"),
        "exchange/refunds/": Moved("returns/refunds/"),
        "exchange/size/": Moved("returns/size/"),
    }


def test_images_and_translations_in_history_are_no_addresses(returns: Shop) -> None:
    around = Surroundings(
        returns,
        history=History(
            renamed={"articles/en/returns/a.md": "articles/uk/returns/a.md"},
            removed=frozenset({"articles/en/returns/x.svg", "articles/uk/returns/old.po", "README.md"}),
        ),
    )
    assert around.former() == {}


def test_names_that_differ_only_in_case_never_overwrite_a_page(returns: Shop) -> None:
    around = Surroundings(
        returns, history=past(removed=("en/Returns/Size", "en/returns/Old", "en/returns/old"))
    )
    assert list(around.former()) == ["returns/Old/"]


def test_redirect_from_that_no_host_could_serve_is_a_warning(shop: Shop) -> None:
    shop.article("en/returns/size", redirect_from="['a b/c', con]")
    around = Surroundings(shop)
    targets, problems = addresses.former(around.catalog, History(), articles="articles")
    assert targets == {}
    assert [(p.code, p.path, p.line, p.severity) for p in problems] == [
        ("redirect-from-unusable", "articles/en/returns/size.md", 4, "warning")
    ] * 2


@pytest.mark.parametrize("details", [{"draft": "true"}, {"audience": "internal"}, {"expires": "2020-01-01"}])
def test_B18_hidden_article_has_no_former_address(returns: Shop, details: dict[str, str]) -> None:
    returns.article("en/returns/hush", redirect_from="[returns/hush-said]", **details)
    renames = past(
        {"en/returns/hush-old": "en/returns/hush", "en/private/plan": "en/returns/hush"}, ("uk/returns/hush",)
    )
    assert Surroundings(returns, history=renames).former() == {}


def test_history_of_a_repository_keeps_old_addresses(shop: Shop) -> None:
    text = "A long enough text, so that git sees the file again under its new name.\n" * 5
    shop.article("en/exchange/index", "About exchanges.", title="Exchange")
    shop.article("en/exchange/size", text)
    shop.article("en/exchange/swap", "Something else entirely.", title="Swap")
    commit(shop.root, "first")
    git(shop.root, "mv", "articles/en/exchange", "articles/en/returns")
    git(shop.root, "rm", "-qf", "articles/en/returns/swap.md")
    commit(shop.root, "second")
    known, _ = history.read(shop.root, "articles")
    assert Surroundings(shop, history=known).former() == {
        "exchange/": Moved("returns/"),
        "exchange/size/": Moved("returns/size/"),
        "exchange/swap/": Gone(("returns/size",)),
    }


def git(root: Path, *args: str) -> None:
    who = ["-c", "user.name=Editor", "-c", "user.email=editor@example.com", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *who, *args], cwd=root, check=True, capture_output=True)


def commit(root: Path, message: str) -> None:
    if not (root / ".git").exists():
        git(root, "init", "-q")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", message)


class Head(HTMLParser):
    """Elements of a page with their attributes, as a browser without scripts sees them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def all(self, tag: str, **wanted: str) -> list[dict[str, str | None]]:
        return [a for t, a in self.found if t == tag and all(a.get(k) == v for k, v in wanted.items())]


@pytest.fixture
def moved(returns: Shop) -> Surroundings:
    returns.article("uk/returns/size", title="Обмін розміру")
    return Surroundings(
        returns,
        ("en", "uk", "ar"),
        history=past({"en/old/shop/size": "en/returns/size"}, ("en/returns/old",)),
    )


def test_moved_page_works_without_scripts_and_below_a_path(moved: Surroundings) -> None:
    page = Head(moved.former_pages()["uk/old/shop/size/index.html"])
    target = "../../../returns/size/"
    assert page.all("meta", content=f"0; url={target}") == [
        {"http-equiv": "refresh", "content": f"0; url={target}"}
    ]
    assert page.all("link", rel="canonical") == [{"rel": "canonical", "href": f"{URL}uk/returns/size/"}]
    assert page.all("meta", name="robots") == [{"name": "robots", "content": "noindex"}]
    assert [a["href"] for a in page.all("a")] == [target]
    assert page.all("html") == [{"lang": "uk", "dir": "ltr"}]
    stylesheet = page.all("link", rel="stylesheet")[0]["href"]
    assert stylesheet is not None
    assert re.fullmatch(r"\.\./\.\./\.\./\.\./assets/kb-[0-9a-f]+/standalone\.css", stylesheet)


def test_former_pages_are_in_the_reader_language(moved: Surroundings) -> None:
    pages = moved.former_pages()
    assert sorted(address.partition("/")[0] for address in pages if "shop/size" in address) == [
        "ar",
        "en",
        "uk",
    ]
    assert "Статтю перенесено" in pages["uk/old/shop/size/index.html"]
    arabic = pages["ar/returns/old/index.html"]
    assert Head(arabic).all("html") == [{"lang": "ar", "dir": "rtl"}]
    assert "لم تعد هذه المقالة موجودة" in arabic


def test_gone_page_suggests_neighbours_in_the_language_they_have(moved: Surroundings) -> None:
    page = Head(moved.former_pages()["uk/returns/old/index.html"])
    links = [(a["href"], a.get("lang")) for a in page.all("a")]
    assert links[:2] == [("../../returns/size/", "uk"), ("../../returns/refunds/", "en")]
    assert links[-1] == ("../../", None)
    assert len(links) == 6
    assert page.all("meta", name="robots") == [{"name": "robots", "content": "noindex"}]
    assert not page.all("link", rel="canonical")


def test_every_link_of_a_former_page_leads_to_a_file(moved: Surroundings, tmp_path: Path) -> None:
    site = moved.write(tmp_path / "www")
    for address in moved.former_pages():
        page = Head((site / address).read_text("utf-8"))
        links = [a["href"] for a in page.all("a") + page.all("link", rel="stylesheet")]
        links += [script["src"] for script in page.all("script")]
        for link in links:
            assert link is not None
            target = (site / address).parent / link
            assert (target / "index.html").is_file() or target.is_file(), f"{link} on {address}"


def test_former_pages_have_a_policy_and_nothing_inline(moved: Surroundings) -> None:
    for address, html in moved.former_pages().items():
        policy = Head(html).all("meta", **{"http-equiv": "Content-Security-Policy"})[0]["content"]
        assert policy is not None
        assert "default-src 'none'" in policy
        assert "script-src 'self';" in policy, address
        assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", html), address


def test_redirects_for_hosts_keep_the_path_of_the_site(returns: Shop) -> None:
    around = Surroundings(
        returns,
        url="https://oselya.example/help/",
        history=past({"en/старе": "en/returns/size", "en/returns/x": "en/returns/size"}, ("en/returns/old",)),
    )
    found = addresses.redirects(around.centre, around.former())
    assert found["/help/uk/returns/x/"] == "/help/uk/returns/size/"
    assert found["/help/en/%D1%81%D1%82%D0%B0%D1%80%D0%B5/"] == "/help/en/returns/size/"
    assert len(found) == 4


def test_B2_titles_on_a_gone_page_stay_text(shop: Shop) -> None:
    shop.article("en/returns/size", title="<img src=x onerror=alert(1)>")
    pages = Surroundings(shop, history=past(removed=("en/returns/old",))).former_pages()
    assert "<img" not in pages["en/returns/old/index.html"]
    assert "&lt;img" in pages["en/returns/old/index.html"]


def test_B18_public_articles_alone_are_neighbours(returns: Shop) -> None:
    returns.article("en/delivery/secret", audience="internal")
    around = Surroundings(returns, history=past(removed=("en/delivery/old",)))
    assert around.former() == {"delivery/old/": Gone(("delivery/cost",))}
