"""Headers, redirects and error pages in the words of common static hosts."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Serving:
    """How the site is to be served.

    ``headers`` go with every answer; ``redirects`` maps paths on the host to paths on the host; ``path`` is the site's own
    path (``/`` or ``/help/``); ``assets_folder`` the versioned folder (``assets/kb-1a2b3c4d``).
    """

    headers: Mapping[str, str]
    redirects: Mapping[str, str]
    languages: tuple[str, ...]
    path: str
    assets_folder: str


def inside(serving: Serving) -> Mapping[str, str]:
    """``_headers`` and ``_redirects``, which Netlify and Cloudflare Pages read from the site itself."""
    raise NotImplementedError


def outside(serving: Serving, *, output: str) -> Mapping[str, str]:
    """Configuration for other hosts, to be written outside the site: name → text. ``output`` is the site's folder."""
    raise NotImplementedError
