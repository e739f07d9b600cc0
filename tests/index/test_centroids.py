"""An article's place among its texts."""

from math import sqrt

import pytest

from kb.index.centroids import centroids, rarity


def test_each_text_speaks_with_one_voice_however_long() -> None:
    short, long = {"refund": 1}, dict.fromkeys(("parcel", "branch", "courier", "van"), 1)
    (found,) = centroids([[short, long]])
    assert found["refund"] == pytest.approx(1 / sqrt(2))
    assert [found[term] for term in long] == pytest.approx([1 / sqrt(8)] * 4)


def test_rare_terms_weigh_more_and_repeated_ones_by_their_logarithm() -> None:
    first, _ = centroids([[{"card": 1, "refund": 2}], [{"card": 1}]])
    assert first["refund"] / first["card"] == pytest.approx((1 + 0.6931472) * rarity(1, 2) / rarity(2, 2))


def test_an_article_without_words_has_no_place() -> None:
    assert list(centroids([[{}, {}], [{"card": 1}]])) == [{}, {"card": pytest.approx(1.0)}]
