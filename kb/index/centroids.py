"""An article's place among its texts: which words they have in common, whichever of them is long.

Each of an article's texts (its title, each question, heading and section) is a vector of length one, in which a term
weighs by its rarity and the logarithm of its number. The article is the direction of their sum (Rocchio 1971), so that
five short questions speak with five voices beside one long section.
"""

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from math import log, sqrt
from typing import TypeVar

_Term = TypeVar("_Term", bound=Hashable)


def rarity(holders: int, articles: int) -> float:
    """Weight of a word that ``holders`` of the ``articles`` have."""
    return log(1 + (articles + 0.5) / (holders + 0.5))


def centroids(articles: Sequence[Sequence[Mapping[_Term, int]]]) -> Iterator[dict[_Term, float]]:
    """Each article's vector of length one, by term.

    ``articles`` are, of each text of each article, the terms with their numbers.
    """
    holders = Counter(chain.from_iterable(set().union(*texts) for texts in articles))
    rarities = {term: rarity(number, len(articles)) for term, number in holders.items()}
    for texts in articles:
        total: dict[_Term, float] = {}
        for text in texts:
            weights = [(1 + log(n) if n > 1 else 1.0) * rarities[term] for term, n in text.items()]
            norm = _norm(weights)
            for term, weight in zip(text, weights, strict=True):
                total[term] = total.get(term, 0.0) + weight / norm
        norm = _norm(total.values())
        yield {term: weight / norm for term, weight in total.items()}


def _norm(weights: Iterable[float]) -> float:
    return sqrt(sum(weight * weight for weight in weights))
