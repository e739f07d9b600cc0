"""Everything outside the languages' pages: shared files, the site's own pages, feeds, and what stands at former
addresses.

Texts are made in parts, one for each language and one for what all languages share, and each part only where
something it shows has changed.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec

from kb.build.cache import Cache, Pack, Slot
from kb.build.placing import ROOT, Place, Tree, hashed
from kb.publish import standalone
from kb.publish.policy import Sources
from kb.publish.texts import write as write_texts

COMMON = ROOT
"""The part that all languages share; the others are named by their language."""
PAGES = "pages"
"""The part of the site's own pages, which show nothing of the articles."""
RECORD = "root"
"""A part's record in the cache is this, or begins with this and ``-``."""


class _Known(msgspec.Struct, frozen=True):
    """A part as it was last made: address → place in the pack. ``scripts`` and ``styles`` are the hashes of its pages'
    inline code."""

    key: bytes
    pack: str
    texts: dict[str, Slot]
    scripts: list[str]
    styles: list[str]


class TextsOf(msgspec.Struct, frozen=True):
    """A part. ``key`` is the hash of all that its texts show; ``make`` gives them by address."""

    name: str
    key: bytes
    make: Callable[[], Mapping[str, str]]


class Texts:
    """The texts of all ``parts``."""

    def __init__(self, cache: Cache, parts: Sequence[TextsOf]) -> None:
        self.hashes: dict[str, bytes] = {}
        """Address → hash of what is there."""
        self.sources = Sources()
        """What the pages among them have of inline code."""
        self.records: list[str] = []
        """Names in the cache that are in use."""
        self._places: dict[str, tuple[Pack, Slot]] = {}
        self._parts: dict[str, TextsOf] = {}
        for part in parts:
            self._take(cache, part)

    def text(self, address: str) -> str:
        """The text at an address."""
        pack, slot = self._places[address]
        data = pack.get(slot)
        return self._parts[address].make()[address] if data is None else data.decode()

    def _take(self, cache: Cache, part: TextsOf) -> None:
        record = f"{RECORD}-{part.name}" if part.name else RECORD
        known = cache.read(record, _Known)
        if known is None or known.key != part.key:
            known = self._made(cache, record, part, known)
        pack = cache.pack(known.pack)
        self.records += [record, known.pack]
        self.sources |= Sources(frozenset(known.scripts), frozenset(known.styles))
        for address, slot in known.texts.items():
            self.hashes[address] = slot.hash
            self._places[address] = pack, slot
            self._parts[address] = part

    def _made(self, cache: Cache, record: str, part: TextsOf, old: _Known | None) -> _Known:
        texts = part.make()
        # Until the record is written, the pack it speaks of has to stay as it was.
        number = int(old.pack.rpartition("-")[2]) + 1 if old else 0
        pack = cache.pack(f"{RECORD}texts-{part.name}-{number}")
        pack.remove()
        slots = pack.append({address: text.encode() for address, text in texts.items()})
        sources = standalone.sources({a: text for a, text in texts.items() if a.endswith(".html")})
        known = _Known(part.key, pack.name, slots, sorted(sources.scripts), sorted(sources.styles))
        cache.write(record, known)
        return known


class Surroundings:
    """Puts shared ``files`` (address → where from) and ``texts`` in their places."""

    def __init__(self, out: Path, tree: Tree, files: Mapping[str, Path], texts: Texts) -> None:
        self.out, self.texts = out, texts
        self.place = Place(tree.ground(ROOT))
        self._files: Mapping[str, bytes] = {address: path.read_bytes() for address, path in files.items()}
        self._missing: Mapping[str, bytes] = texts.hashes
        if tree.twin:
            # A page may come to be where something of ours was; so that goes first.
            self._files = {
                name: data for name, data in self._files.items() if not self.place.link(name, hashed(data))
            }
            self._missing = self._not_kept(self._missing)
            for address in self.place.known:
                if "/" in address:
                    self.place.free(address)

    @property
    def fresh(self) -> list[str]:
        """Files that were not published before."""
        return [address for address in self.place.signatures if address not in self.place.linked]

    def write(self, more: Mapping[str, str]) -> None:
        """Put everything in its place, with ``more`` texts, when the pages are made."""
        for address, data in self._files.items():
            if not self.place.link(address, hashed(data)):
                self.place.write(address, data)
        own = {address: self.texts.text(address) for address in self._not_kept(self._missing)}
        hashes = {address: hashed(text.encode()) for address, text in more.items()}
        texts = {**own, **{address: more[address] for address in self._not_kept(hashes)}}
        self.place.settle()
        write_texts(texts, self.out)
        for address in texts:
            self.place.written(address, hashes.get(address) or self.texts.hashes[address])
        self.place.tidy()

    def _not_kept(self, hashes: Mapping[str, bytes]) -> dict[str, bytes]:
        return {address: hash for address, hash in hashes.items() if not self.place.link(address, hash)}
