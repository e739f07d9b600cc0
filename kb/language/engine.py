"""What the program asks of a translation engine, and the way from one language to another over engines."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from kb.language.markup import TokenStyle

Pair = tuple[str, str]
"""Source and target language."""

_BRIDGES = ("en", "es", "fr", "de", "ru")  # languages models are most often made from and to
_OTHER_NAMES = {
    "pt-br": ("pb", "pt"),
    "zh-tw": ("zt",),
    "zh-hant": ("zt",),
    "zh-hans": ("zh",),
    "no": ("nb",),
}


@dataclass(frozen=True, slots=True)
class Model:
    """What is known of the model an engine uses for a pair.

    `identity` is engine, model and version (`argos/translate-en_pt-0.1`). `tokens` is what the model copies,
    None when it copies nothing, `calibrated` whether that was measured. `encodable` tells whether a text has
    only characters the model knows. `max_words` is the longest text it translates whole, `rate` the segments
    it does in a second, 0 when never measured.
    """

    identity: str
    tokens: TokenStyle | None = None
    calibrated: bool = False
    encodable: Callable[[str], bool] = lambda text: True
    max_words: int = 70
    rate: float = 0.0


class Translator(Protocol):
    """An engine. Its calls raise EngineError (dead, hanging, nonsense) and ModelError (missing, damaged)."""

    name: str

    def pairs(self) -> Collection[Pair]:
        """What it can translate with what is installed; cheap."""

    def model(self, source: str, target: str) -> Model:
        """The model of one of its pairs."""

    def translate(self, texts: Sequence[str], source: str, target: str) -> list[str]:
        """As many texts as it was given, in their order."""

    def forget(self) -> None:
        """Look its models up anew at the next question, after something was measured about one."""

    def close(self) -> None:
        """End its processes."""


@dataclass(frozen=True, slots=True)
class Leg:
    """One step of a route: `source` and `target` are the engine's own names of the languages."""

    engine: Translator
    source: str
    target: str

    def model(self) -> Model:
        return self.engine.model(self.source, self.target)

    def __call__(self, texts: Sequence[str]) -> list[str]:
        return self.engine.translate(texts, self.source, self.target)


@dataclass(frozen=True, slots=True)
class Route:
    """A way from the language `source` to `target`, over one leg or two."""

    source: str
    target: str
    legs: tuple[Leg, ...]

    def __str__(self) -> str:
        """`en→pt (argos)`, `uk→en→pt (argos, firefox)`."""
        stops = [self.source, *(leg.target for leg in self.legs[:-1]), self.target]
        engines = dict.fromkeys(leg.engine.name for leg in self.legs)
        return f"{'→'.join(stops)} ({', '.join(engines)})"

    def model(self) -> Model:
        """The legs as one model: what the first can read, and tokens that survive all of them."""
        models = [leg.model() for leg in self.legs]
        first, last = models[0], models[-1]
        if len(models) == 1:
            return first
        rates = [model.rate for model in models]
        return Model(
            identity="+".join(model.identity for model in models),
            tokens=replace(first.tokens, steady=first.tokens.steady and last.tokens.steady)
            if first.tokens and last.tokens
            else None,
            calibrated=all(model.calibrated for model in models),
            # The words change alphabet on the way; what is no word has to pass every leg.
            encodable=lambda text: first.encodable(text) and (text.isalnum() or last.encodable(text)),
            max_words=min(model.max_words for model in models),
            rate=1 / sum(1 / rate for rate in rates) if all(rates) else 0.0,
        )

    def __call__(self, texts: Sequence[str]) -> list[str]:
        """Translate over all legs; each leg gets the tokens it copies."""
        answers = list(texts)
        tokens = self.legs[0].model().tokens
        for leg in self.legs:
            own = leg.model().tokens
            answers = leg([_retoken(text, tokens, own) for text in answers])
            tokens = own
        first = self.legs[0].model().tokens
        return [_retoken(text, tokens, first) for text in answers]


def _retoken(text: str, old: TokenStyle | None, new: TokenStyle | None) -> str:
    if old is None or new is None or old == new:
        return text
    for number in reversed(range(min(old.limit, new.limit))):
        text = text.replace(old.token(number), new.token(number))
    return text


def names(language: str) -> tuple[str, ...]:
    """What engines may call a language, the best name first: `pt-BR` → pt-BR, pt_BR, pb, pt."""
    base = language.split("-")[0]
    other = _OTHER_NAMES.get(language.lower(), ())
    return tuple(dict.fromkeys([language, language.replace("-", "_"), *other, base]))


def find_route(source: str, target: str, engines: Iterable[Translator]) -> Route | None:
    """Direct before pivot, and the engines in their order; None when nothing leads there."""
    engines = list(engines)
    legs = _direct(source, target, engines) or _pivot(source, target, engines)
    return Route(source, target, legs) if legs else None


def _direct(source: str, target: str, engines: Sequence[Translator]) -> tuple[Leg, ...]:
    for engine in engines:
        pairs = engine.pairs()
        for a in names(source):
            for b in names(target):
                if a != b and (a, b) in pairs:
                    return (Leg(engine, a, b),)
    return ()


def _pivot(source: str, target: str, engines: Sequence[Translator]) -> tuple[Leg, ...]:
    middles = {b for engine in engines for a, b in engine.pairs() if a in names(source)}
    order = [*(m for m in _BRIDGES if m in middles), *sorted(middles - set(_BRIDGES))]
    for middle in order:
        legs = (*_direct(source, middle, engines), *_direct(middle, target, engines))
        if len(legs) == 2:
            return legs
    return ()


NEAR: Mapping[str, tuple[str, ...]] = {
    "be": ("uk", "ru"),
    "bg": ("mk",),
    "bs": ("hr", "sr"),
    "ca": ("es",),
    "cs": ("sk",),
    "da": ("nb", "sv"),
    "es": ("ca", "gl", "pt"),
    "gl": ("es", "pt"),
    "hr": ("bs", "sr"),
    "mk": ("bg",),
    "nb": ("nn", "da"),
    "nn": ("nb",),
    "oc": ("ca",),
    "pt": ("gl", "es"),
    "ru": ("uk", "be"),
    "sk": ("cs",),
    "sr": ("hr", "bs"),
    "sv": ("nb", "da"),
    "uk": ("ru", "be"),
}
"""Languages so close that a person's text in one is the better source for the other."""
