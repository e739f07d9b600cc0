"""The help centre as a whole: what the files around the pages need to know of it."""

from collections.abc import Mapping
from functools import cached_property
from urllib.parse import quote, urlsplit

import msgspec

from kb.publish.interface import Strings


class Centre(msgspec.Struct, frozen=True, dict=True):
    """``url`` ends in ``/``, or is empty when the site does not know its own address. ``strings`` holds the
    interface texts of every language, in the order in which languages are listed."""

    url: str
    name: str
    default_language: str
    strings: Mapping[str, Strings]

    @property
    def languages(self) -> tuple[str, ...]:
        return tuple(self.strings)

    @property
    def own_strings(self) -> Strings:
        """The texts of the default language; of the first, when only some languages are built."""
        return self.strings.get(self.default_language) or next(iter(self.strings.values()))

    @cached_property
    def path(self) -> str:
        """Path of the site on its host, with both slashes: ``/`` or ``/help/``."""
        inner = urlsplit(self.url).path.strip("/")
        return f"/{inner}/" if inner else "/"

    def absolute(self, address: str) -> str:
        """Address on the web of an address relative to the root of the site."""
        return self.url + quoted(address)

    def on_host(self, address: str) -> str:
        """The same from the host's root, for what is served at any depth: ``/help/uk/``."""
        return self.path + quoted(address)


def quoted(address: str) -> str:
    """``address`` as a link has it: ids may hold letters of any alphabet, links only those of ASCII."""
    return quote(address, safe="/:?#=&{}*%")
