"""``kb models``: which translation models there are, and getting others."""

import argparse
import os
from pathlib import Path
from typing import Any

from kb import config as configuration
from kb.cli.console import Console, Help
from kb.cli.translate import models_folder, open_project, texts_in
from kb.config import Config
from kb.errors import ConfigError, did_you_mean
from kb.language import argos, calibrate, engines, firefox, models
from kb.language.engine import Leg
from kb.language.pins import Pins

JSON_VERSION = 1


def add(commands: Any) -> None:
    """Declare the commands of this module."""
    top = commands.add_parser(
        "models",
        help="translation models: list, install, remove, calibrate",
        description="Argos packages and Firefox models, in the project's folder and where their programs keep them.",
        formatter_class=Help,
    )
    actions = top.add_subparsers(dest="action", metavar="ACTION", required=True)

    listed = actions.add_parser(
        "list",
        help="what there is",
        description="The models that are installed, with what was measured of each.",
    )
    listed.add_argument("--format", choices=("table", "json"), default="table", help="default: table")
    listed.set_defaults(run=run_list)

    install = actions.add_parser(
        "install",
        help="from a file, or by network",
        description="Install a model file, or look a pair up in the engine's index and download it. A download that "
        "was cut off goes on where it ended.",
    )
    install.add_argument(
        "model", metavar="FILE|PAIR", help="a .argosmodel file, a Firefox model's folder, or en-pt"
    )
    install.add_argument(
        "--engine", choices=(argos.NAME, firefox.NAME), default=argos.NAME, help="default: argos"
    )
    install.add_argument("--index", default="", metavar="URL", help="another index than the engine's own")
    install.set_defaults(run=run_install)

    remove = actions.add_parser(
        "remove",
        help="delete a model of the project",
        description="Delete a model from the project's folder. What it translated stays.",
    )
    remove.add_argument("model", metavar="MODEL", help="its name in 'kb models list'")
    remove.set_defaults(run=run_remove)

    measure = actions.add_parser(
        "calibrate",
        help="find which markers models copy",
        description="Translate sentences of the articles with each kind of marker, and keep the best kind for each "
        "model in the lock file.",
    )
    measure.add_argument(
        "pairs", nargs="*", metavar="PAIR", help="for example en-pt (default: all installed)"
    )
    measure.set_defaults(run=run_calibrate)


def run_list(args: argparse.Namespace, console: Console) -> int:
    config = _config(args)
    found = models.installed(models_folder(config), os.environ, Pins(models_folder(config)))
    if args.format == "json":
        console.json({"version": JSON_VERSION, "models": [_as_json(model) for model in found]})
        return 0
    for model in found:
        size = f"{model.size_bytes / 1e6:.0f} MB"
        console.print(
            f"{model.identity}  {model.source}→{model.target}  {size}  {_measured(model)}  {model.folder}"
        )
    if not found:
        console.note("no models; 'kb models install en-uk' gets one")
    return 0


def _measured(model: models.Installed) -> str:
    pin = model.pin
    if not pin.calibrated:
        return "not measured yet"
    tokens = f"keeps {pin.tokens.token(0)}" if pin.tokens else "keeps no marker"
    return f"{tokens}, {pin.rate:.0f} segments a second"


def _as_json(model: models.Installed) -> dict[str, Any]:
    return {
        "model": model.identity,
        "engine": model.engine,
        "from": model.source,
        "to": model.target,
        "folder": str(model.folder),
        "bytes": model.size_bytes,
        "removable": model.ours,
        "pinned": bool(model.pin.files),
        "marker": model.pin.tokens.token(0) if model.pin.tokens else None,
        "segments_per_second": model.pin.rate or None,
    }


def run_install(args: argparse.Namespace, console: Console) -> int:
    config = _config(args)
    folder, pins = models_folder(config), Pins(models_folder(config))
    file, pair = Path(args.model), models.parse_pair(args.model)
    if file.exists() or pair is None:
        identity = models.install_file(file, folder, pins)
    else:
        identity = models.install_pair(
            *pair, folder, pins, engine=args.engine, index=args.index, progress=_progress(console)
        )
    console.note(f"{console.paint('installed', 'good')} {identity}; its files are pinned in {pins.file}")
    engine = identity.partition("/")[0]
    if engine in engines.NAMES and (lacking := engines.missing((engine,), os.environ)):
        console.note(f"before 'kb translate': {lacking}")
    return 0


def _progress(console: Console) -> models.Progress:
    def show(done: int, total: int, what: str) -> None:
        console.progress(done // 1_000_000, total // 1_000_000, f"MB of {what}")

    return show


def run_remove(args: argparse.Namespace, console: Console) -> int:
    config = _config(args)
    pins = Pins(models_folder(config))
    found = models.installed(models_folder(config), os.environ, pins)
    model = next(
        (model for model in found if args.model in (model.identity, f"{model.source}-{model.target}")), None
    )
    if model is None:
        raise ConfigError(
            f"there is no model '{args.model}'", hint=did_you_mean(args.model, [m.identity for m in found])
        )
    models.remove(model, pins)
    console.note(f"removed {model.identity}")
    return 0


def run_calibrate(args: argparse.Namespace, console: Console) -> int:
    project = open_project(Path(args.root))
    pins = Pins(models_folder(project.config))
    installed = engines.available((argos.NAME, firefox.NAME), models_folder(project.config), os.environ, pins)
    wanted = {_pair(text) for text in args.pairs}
    legs = [
        Leg(engine, *pair)
        for engine in installed
        for pair in sorted(engine.pairs())
        if not wanted or pair in wanted
    ]
    if not legs:
        lacking = engines.missing((argos.NAME, firefox.NAME), os.environ)
        raise ConfigError("there is no model to calibrate", hint=lacking or "kb models install en-uk")
    try:
        for leg in legs:
            result = calibrate.measure(leg, calibrate.sample(texts_in(project.catalog, leg.source)))
            calibrate.keep(result, leg.model().identity, pins)
            for style, share in result.shares:
                console.print(f"{leg.model().identity}  {style.token(0):<8} {share:4.0%}")
            console.note(f"{leg.model().identity}: {_chosen(result)}, {result.rate:.0f} segments a second")
    finally:
        for engine in installed:
            engine.close()
    return 0


def _chosen(result: calibrate.Result) -> str:
    if result.tokens is None:
        return "none; markup is put around the translated words, or texts are cut at it"
    lost = "" if result.tokens.steady else ", often lost; markup is first put around the translated words"
    return f"{result.tokens.token(0)}{lost}"


def _pair(text: str) -> tuple[str, str]:
    pair = models.parse_pair(text)
    if pair is None:
        raise ConfigError(f"'{text}' is not a pair of languages", hint="for example: en-pt")
    return pair


def _config(args: argparse.Namespace) -> Config:
    return configuration.load(Path(args.root), os.environ)
