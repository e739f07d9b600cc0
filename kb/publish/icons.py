"""Material's index of icons and emoji, made when the first ``:name:`` asks for it.

The extension asks Material for the index as soon as it is loaded, which takes as long as making fifty pages: thousands
of files are listed. Most builds make a page or two, in which there is no icon.
"""

from collections.abc import Callable, Mapping
from typing import Any

from material.extensions import emoji  # type: ignore[import-untyped]

Index = Callable[[Mapping[str, Any], Any], Mapping[str, Any]]
"""Gives an index of emoji, as ``emoji_index`` of pymdownx.emoji
(https://facelessuser.github.io/pymdown-extensions/extensions/emoji/)."""


class _Later(dict[str, Any]):
    def __init__(self, make: Callable[[], Mapping[str, Any]]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, key: str) -> Any:
        self.update(self._make())
        return dict.get(self, key)


def _deferred(index: Index) -> Index:
    return lambda options, md: _Later(lambda: index(options, md))


_material = emoji.twemoji


def defer() -> None:
    """Let ``!!python/name:material.extensions.emoji.twemoji`` name an index that is made later."""
    if emoji.twemoji is _material:
        emoji.twemoji = _deferred(_material)


def load(md: Any) -> None:
    """Make the index now, of an instance of Markdown: for processes that will be forked."""
    if "emoji" in md.inlinePatterns:
        md.inlinePatterns["emoji"].emoji_index["emoji"]
