"""The characters a SentencePiece model knows, read without the library.

What a model has no piece for is dropped without a word by Firefox's engine, and spelled in bytes that the
translation garbles by others. The file is a protocol buffer, `sentencepiece_model.proto`: field 1 of the
model is a piece, whose field 1 is its text and field 3 its type.
"""

import unicodedata
from collections.abc import Iterator

_NORMAL, _USER_DEFINED = 1, 4  # types of pieces that stand for text
_SPACE = "\u2581"
_PLAIN = {"’": "'", "‘": "'", "‚": "'", "“": '"', "”": '"', "„": '"', "–": "-", "—": "-", "‑": "-", "−": "-"}


class Vocabulary:
    """What a model can read. Raises ValueError when `model` is not a SentencePiece model."""

    def __init__(self, model: bytes) -> None:
        self._known = dict.fromkeys(characters(model), True)

    def encodable(self, text: str) -> bool:
        """Whether every character, or a plain form of it, is known."""
        return all(map(self._is_known, self.simplified(text)))

    def simplified(self, text: str) -> str:
        """With the typographic signs the model does not know replaced by plain ones it knows."""
        if text.isascii():
            return text
        return "".join(char if self._is_known(char) else _PLAIN.get(char, char) for char in text)

    def _is_known(self, char: str) -> bool:
        if char not in self._known:
            parts = unicodedata.normalize("NFKC", char)
            self._known[char] = parts != char and all(self._known.get(part, False) for part in parts)
        return self._known[char]


def characters(model: bytes) -> frozenset[str]:
    """The characters that are pieces by themselves, and white space."""
    found = {" ", "\n", "\t"}
    try:
        for number, value in _fields(model):
            if number == 1 and isinstance(value, bytes):
                fields = dict(_fields(value))
                text, kind = fields.get(1, b""), fields.get(3, _NORMAL)
                if kind in (_NORMAL, _USER_DEFINED) and isinstance(text, bytes):
                    found |= _single(text.decode("utf-8"))
    except (IndexError, UnicodeDecodeError) as error:
        raise ValueError(f"not a SentencePiece model: {error}") from None
    if len(found) < 10:
        raise ValueError("not a SentencePiece model: it has no pieces")
    return frozenset(found)


def _single(piece: str) -> set[str]:
    text = piece.removeprefix(_SPACE)
    return {text} if len(text) == 1 else set()


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    position = 0
    while position < len(data):
        key, position = _varint(data, position)
        kind = key & 7
        if kind == 0:
            value, position = _varint(data, position)
            yield key >> 3, value
        elif kind == 2:
            length, position = _varint(data, position)
            yield key >> 3, data[position : position + length]
            position += length
        elif kind in (1, 5):
            position += 8 if kind == 1 else 4
        else:
            raise IndexError(f"unknown wire type {kind} at byte {position}")


def _varint(data: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if not byte & 0x80:
            return value, position
        shift += 7
