"""Which tokens a model copies, found by trying: the same token is kept by one model and translated by the next."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from kb.errors import EngineError
from kb.language.engine import Leg
from kb.language.markup import MarkupLostError, Masked, TokenStyle, mask, unmask
from kb.language.pins import Pins

CANDIDATES = (
    TokenStyle("T.{}"),
    TokenStyle("B-{}", first=52),
    TokenStyle("/x{}"),
    TokenStyle("[{}]"),
    TokenStyle("VAR{}"),
    TokenStyle("{}", first=7310),
    TokenStyle("XX{}XX"),
    TokenStyle("__PH{}__"),
    TokenStyle("⟦{}⟧"),
    TokenStyle("<x{}>"),
)
_SAMPLE = 40
_LEAST_SHARE = (
    0.5  # of texts that come back whole; with less, most segments would be translated twice for nothing
)
_NEARLY = 0.05
_STEADY_SHARE = 0.8
_FEWEST_WORDS, _MOST_WORDS = 6, 25


@dataclass(frozen=True, slots=True)
class Result:
    """The best tokens (None when the model copies none well enough), every candidate's share of texts that
    came back with all tokens, and the segments translated in a second."""

    tokens: TokenStyle | None
    shares: tuple[tuple[TokenStyle, float], ...]
    rate: float


def sample(texts: Iterable[str]) -> list[str]:
    """Sentences to try with, made of the articles' own: each with a pair of markers and a code span in it."""
    chosen: dict[str, None] = {}
    for text in texts:
        words = text.split()
        if _FEWEST_WORDS <= len(words) <= _MOST_WORDS and all(_is_plain(word) for word in words):
            third = len(words) // 3
            marked = f"**{' '.join(words[third : 2 * third])}**"
            chosen.setdefault(" ".join([*words[:third], marked, "`X`", *words[2 * third :]]))
        if len(chosen) == _SAMPLE:
            break
    return list(chosen)


def _is_plain(word: str) -> bool:
    return word.strip(".,;:!?").isalpha()


def measure(leg: Leg, texts: Sequence[str], *, clock: Callable[[], float] = time.perf_counter) -> Result:
    """Try every candidate on `texts` (see `sample`).

    Raises:
        EngineError: there is nothing to try with, or the engine fails.
    """
    if not texts:
        raise EngineError(
            f"no sentences in '{leg.source}' to calibrate with",
            hint="write an article in that language first",
        )
    encodable = leg.model().encodable
    shares = []
    before, done = clock(), 0
    for style in CANDIDATES:
        if not all(encodable(style.token(number)) for number in range(3)):
            continue
        masked = [mask(text, style, encodable=encodable) for text in texts]
        answers = leg([item.text for item in masked])
        whole = sum(_is_whole(item, answer) for item, answer in zip(masked, answers, strict=True))
        shares.append((style, whole / len(texts)))
        done += len(texts)
    seconds = clock() - before
    return Result(_best(shares), tuple(shares), done / seconds if seconds > 0 else 0.0)


def _best(shares: Sequence[tuple[TokenStyle, float]]) -> TokenStyle | None:
    """The first of those that are nearly as good as the best: the candidates are in the order in which they
    disturb the words around them least."""
    top = max((share for _, share in shares), default=0.0)
    good = ((style, share) for style, share in shares if share >= max(top - _NEARLY, _LEAST_SHARE))
    return next((replace(style, steady=share >= _STEADY_SHARE) for style, share in good), None)


def _is_whole(masked: Masked, answer: str) -> bool:
    try:
        unmask(masked, answer)
    except MarkupLostError:
        return False
    return True


def keep(result: Result, identity: str, pins: Pins) -> None:
    """Write the result into the lock file, beside the model's hashes."""
    pins.put(identity, replace(pins.get(identity), tokens=result.tokens, calibrated=True, rate=result.rate))
