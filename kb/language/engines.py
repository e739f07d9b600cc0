"""The engines that are installed, and a text through them: what commands start from."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from kb.errors import ConfigError, EngineError, did_you_mean
from kb.language import apertium, argos, firefox
from kb.language.engine import Route, Translator, find_route
from kb.language.markup import translate_segments
from kb.language.pins import Pins
from kb.language.quality import gate

PACKAGE = "babelfaq"
NAMES = (argos.NAME, firefox.NAME, apertium.NAME)


def available(names: Sequence[str], models: Path, environ: Mapping[str, str], pins: Pins) -> list[Translator]:
    """The engines of these names, in their order. `models` is the project's folder, searched before the places
    where the engines' own programs keep their models.

    Raises:
        ConfigError: a name no engine has.
    """
    return [_engine(name, models, environ, pins) for name in names]


def _engine(name: str, models: Path, environ: Mapping[str, str], pins: Pins) -> Translator:
    if name == argos.NAME:
        return argos.Argos([models / name, *argos.folders(environ)], pins)
    if name == firefox.NAME:
        return firefox.Firefox([models / name, *firefox.folders(environ)], pins)
    if name == apertium.NAME:
        return apertium.Apertium(environ)
    raise ConfigError(f"'{name}' is not an engine", hint=did_you_mean(name, NAMES))


def missing(names: Sequence[str], environ: Mapping[str, str]) -> str:
    """What to install where none of the engines of these names can run; "" when one can."""
    usable = {
        argos.NAME: argos.is_available(),
        firefox.NAME: firefox.is_available(),
        apertium.NAME: apertium.is_available() and bool(apertium.program_in(environ)),
    }
    if any(usable[name] for name in names):
        return ""
    extras = [f"pip install '{PACKAGE}[{name}]'" for name in names]
    beside = " beside the program Apertium" if apertium.NAME in names else ""
    return " or ".join(extras) + beside


def needed_route(source: str, target: str, engines: Sequence[Translator]) -> Route:
    """Raises EngineError where nothing leads from `source` to `target`."""
    route = find_route(source, target, engines)
    if route is None:
        raise EngineError(
            f"no installed engine translates from '{source}' to '{target}'",
            hint=f"kb models install {source}-{target}",
        )
    return route


def translate_text(text: str, source: str, target: str, engines: Sequence[Translator]) -> tuple[str, str]:
    """A text of some paragraphs in another language, and the identity of the model.

    For messages, not for articles: paragraphs that fail a gate stay as they are.

    Raises:
        EngineError, ModelError: there is no engine for the pair, or it fails.
    """
    route = needed_route(source, target, engines)
    model = route.model()
    paragraphs = text.split("\n")
    wanted = list(dict.fromkeys(line for line in paragraphs if line.strip()))
    outcomes = translate_segments(
        wanted,
        route,
        style=model.tokens,
        language=source,
        encodable=model.encodable,
        accept=gate(source, target),
        max_words=model.max_words,
        target=target,
    )
    answers = {line: outcome.text or line for line, outcome in zip(wanted, outcomes, strict=True)}
    return "\n".join(answers.get(line, line) for line in paragraphs), model.identity
