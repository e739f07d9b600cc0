"""Where the shipped data lies: beside the package in a checkout, inside it when installed."""

from pathlib import Path

_PACKAGE = Path(__file__).parent


def theme_dir() -> Path:
    """The Material overrides, strings and style sheets."""
    return _shipped("theme")


def search_dir() -> Path:
    """The browser engine, synonyms and stop lists."""
    return _shipped("search")


def _shipped(name: str) -> Path:
    installed = _PACKAGE / "_shipped" / name
    return installed if installed.is_dir() else _PACKAGE.parent / name
