"""An article's place among its texts: which words they have in common, whichever of them is long.

Each of an article's texts (its title, each question, heading and section) is a vector of length one, in which a term
weighs by its rarity and the logarithm of its number. The article is the direction of their sum (Rocchio 1971), so that
five short questions speak with five voices beside one long section.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from math import log, sqrt


def rarity(holders: int, articles: int) -> float:
    """Weight of a word that ``holders`` of the ``articles`` have."""
    return log(1 + (articles + 0.5) / (holders + 0.5))


def centroids(articles: Sequence[Sequence[Sequence[str]]]) -> Iterator[dict[str, float]]:
    """Each article's vector of length one, by term; ``articles`` are the terms of each text of each article."""
    holders = Counter(term for texts in articles for term in {term for text in texts for term in text})
    rarities = {term: rarity(number, len(articles)) for term, number in holders.items()}
    for texts in articles:
        total: dict[str, float] = {}
        for text in texts:
            weights = {term: (1 + log(n)) * rarities[term] for term, n in Counter(text).items()}
            for term, share in _unit(weights).items():
                total[term] = total.get(term, 0.0) + share
        yield _unit(total)


def _unit(weights: Mapping[str, float]) -> dict[str, float]:
    norm = sqrt(sum(weight * weight for weight in weights.values()))
    return {term: weight / norm for term, weight in weights.items()}
