"""Content-Security-Policy: computed per page for the meta tag, and for all pages for the host's headers.

The policy allows the site's own files and nothing else. Inline scripts and styles, which only a shop's own theme or
plugins can bring, are allowed one by one by their SHA-256 (W3C CSP Level 3, section 2.3.1).
"""

import re
from base64 import b64encode
from collections.abc import Iterable
from functools import lru_cache
from hashlib import sha256

import msgspec

MARKER = "kb-content-security-policy"
"""What the page template writes where the policy belongs."""

_INLINE = re.compile(r"<(script|style)\b([^>]*)>(.*?)</\1\s*>", re.DOTALL | re.IGNORECASE)
_DATA_BLOCK = re.compile(r"""type=["']?application/(?:ld\+)?json""", re.IGNORECASE)
_SOURCE = re.compile(r"\ssrc=", re.IGNORECASE)


class Sources(msgspec.Struct, frozen=True):
    """Hashes of the inline code of one page, or of many."""

    scripts: frozenset[str] = frozenset()
    styles: frozenset[str] = frozenset()

    def __or__(self, other: "Sources") -> "Sources":
        return Sources(self.scripts | other.scripts, self.styles | other.styles)


def inline(html: str) -> Sources:
    """The inline scripts and styles of a page. Data blocks are no scripts: a browser never runs them."""
    found: dict[str, set[str]] = {"script": set(), "style": set()}
    for tag, attributes, content in _INLINE.findall(html):
        if not _SOURCE.search(attributes) and not _DATA_BLOCK.search(attributes):
            found[tag.lower()].add(_hash(content))
    return Sources(frozenset(found["script"]), frozenset(found["style"]))


def policy(sources: Sources, *, connect: Iterable[str] = (), form_action: Iterable[str] = ()) -> str:
    """The policy's text. ``connect`` and ``form_action`` add addresses a configured form posts to."""
    directives = {
        "default-src": ["'none'"],
        "script-src": ["'self'", *sorted(sources.scripts)],
        "style-src": ["'self'", *sorted(sources.styles)],
        "worker-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "media-src": ["'self'"],
        "font-src": ["'self'"],
        "connect-src": ["'self'", *connect],
        "manifest-src": ["'self'"],
        "form-action": ["'self'", *form_action],
        "base-uri": ["'none'"],
    }
    return "; ".join(f"{name} {' '.join(values)}" for name, values in directives.items())


def secure(html: str, *, connect: Iterable[str] = (), form_action: Iterable[str] = ()) -> tuple[str, Sources]:
    """The page with its policy filled in, and what its own code had to be allowed."""
    sources = inline(html)
    return html.replace(MARKER, policy(sources, connect=connect, form_action=form_action), 1), sources


def headers(
    sources: Sources, *, connect: Iterable[str] = (), form_action: Iterable[str] = ()
) -> dict[str, str]:
    """Response headers for every page. ``frame-ancestors`` works in a header only."""
    allowed = policy(sources, connect=connect, form_action=form_action)
    return {
        "Content-Security-Policy": f"{allowed}; frame-ancestors 'none'",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "strict-origin-when-cross-origin",
        "X-Frame-Options": "DENY",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), interest-cohort=()",
    }


@lru_cache(maxsize=1024)
def _hash(content: str) -> str:
    return f"'sha256-{b64encode(sha256(content.encode()).digest()).decode()}'"
