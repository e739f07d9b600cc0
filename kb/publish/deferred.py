"""What extensions make as soon as they are loaded, made when an article first asks for it: most builds make few pages.

Material's index of icons and emoji takes as long as making fifty pages: thousands of files are listed. The patterns of
``^^``, ``==`` and ``~~`` take longer than a page: each names all punctuation there is, again and again.
"""

import re
from collections.abc import Callable, Mapping
from functools import cached_property, partial
from types import SimpleNamespace
from typing import Any

from material.extensions import emoji  # type: ignore[import-untyped]

try:
    from pymdownx import delimiterprocessor
except ImportError:  # an older version
    delimiterprocessor = None

Index = Callable[[Mapping[str, Any], Any], Mapping[str, Any]]
"""Gives an index of emoji, as ``emoji_index`` of pymdownx.emoji
(https://facelessuser.github.io/pymdown-extensions/extensions/emoji/)."""

ICON = re.compile(rb":[\w+-]+:")
"""What an icon in Markdown looks like."""

_LARGE = 1_000
"""Characters of a regular expression that is worth deferring."""


class _Later(dict[str, Any]):
    def __init__(self, make: Callable[[], Mapping[str, Any]]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, key: str) -> Any:
        self.update(self._make())
        return dict.get(self, key)


def _deferred(index: Index) -> Index:
    return lambda options, md: _Later(lambda: index(options, md))


class _Pattern:
    """A regular expression; whatever is asked of it has it compiled."""

    def __init__(self, compile: Callable[[], re.Pattern[str]]) -> None:
        self._compile = compile

    @cached_property
    def _compiled(self) -> re.Pattern[str]:
        return self._compile()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._compiled, name)


def _pattern(text: str, *args: Any, **kwargs: Any) -> Any:
    compile = partial(re.compile, text, *args, **kwargs)
    return _Pattern(compile) if len(text) > _LARGE else compile()


_material = emoji.twemoji
_RE = SimpleNamespace(**{**vars(re), "compile": _pattern})


def defer() -> None:
    """Let ``!!python/name:material.extensions.emoji.twemoji`` name an index that is made later, and delimiters have
    patterns that are compiled later."""
    if emoji.twemoji is _material:
        emoji.twemoji = _deferred(_material)
    if delimiterprocessor:
        delimiterprocessor.re = _RE


def load(make: Callable[[], Any], *, icons: bool) -> None:
    """Make everything now, the index of ``icons`` where it is going to be asked for, for processes that will be forked.
    ``make`` gives an instance of Markdown."""
    if delimiterprocessor:
        # Python remembers what was compiled.
        delimiterprocessor.re = re
    md = make()
    if icons and "emoji" in md.inlinePatterns:
        md.inlinePatterns["emoji"].emoji_index["emoji"]
