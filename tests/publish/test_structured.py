"""What JSON-LD may hold: whatever stands in a title, and nothing that ends its element."""

import json

import pytest

from kb.content.article import Article, Edition, Text
from kb.publish.pages import Page, Plan
from kb.publish.structured import structured_data


def data_of(title: str) -> str:
    place = "returns/size"
    article = Article(id=place, language="en", path=f"en/{place}.md", title=title, written=Text.of("", ""))
    page = Page(kind="article", source=f"{place}.md", url=f"{place}/", title=title, article=article)
    plan = Plan(Edition("en", None, ()), ("en",), {})
    return structured_data(page, plan, "https://help.example/", "Shop", ())


@pytest.mark.parametrize(
    "title", ["</script><!-- & 'quoted' \"twice\"", "Тапки \u2028 👟 \x07", "half \ud83d a shoe"]
)
def test_any_title_is_told_and_ends_nothing(title: str) -> None:
    data = data_of(title)
    assert json.loads(data)["@graph"][0]["name"] == title
    assert not set(data) & set("<>&")
