"""Addresses that articles no longer have: where each leads now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kb.content.article import Catalog
from kb.publish.assets import Assets
from kb.publish.centre import Centre
from kb.publish.history import History
from kb.publish.pages import Plan


@dataclass(frozen=True, slots=True)
class Moved:
    """``to`` is the new address, relative to the language's root."""

    to: str


@dataclass(frozen=True, slots=True)
class Gone:
    """``neighbours`` are the ids of articles that may help instead."""

    neighbours: tuple[str, ...]


Target = Moved | Gone


def former(catalog: Catalog, history: History, *, articles: str) -> Mapping[str, Target]:
    """Former address, relative to a language's root → where it leads now; the same in every language, as ids are.

    ``catalog`` is the public one; ``articles`` the folder of articles as paths in ``history`` begin.
    """
    raise NotImplementedError


def pages(
    centre: Centre, plans: Sequence[Plan], targets: Mapping[str, Target], assets: Assets
) -> Mapping[str, str]:
    """The page at each former address in each language: address relative to the root of the site → HTML."""
    raise NotImplementedError


def redirects(centre: Centre, targets: Mapping[str, Target]) -> Mapping[str, str]:
    """Moved addresses for hosts that answer with a status: path on the host → path on the host."""
    raise NotImplementedError
