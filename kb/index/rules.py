"""What editors own of search: stop lists and synonyms, ``search/<lang>/stopwords.yml`` and ``synonyms.yml``."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec
import yaml

from kb.errors import ContentError, Problem
from kb.index.terms import terms

_FILE_LIMIT_BYTES = 256 * 1024
_PHRASE_LIMIT_WORDS = 4


class Rules(msgspec.Struct, frozen=True):
    """``synonyms`` are groups of phrases that mean the same; each phrase is a tuple of terms."""

    stop: frozenset[str] = frozenset()
    synonyms: tuple[tuple[tuple[str, ...], ...], ...] = ()


def load(language: str, folders: Iterable[Path]) -> Rules:
    """The rules of a language from each folder's ``<lang>/`` together; files that do not exist add nothing.

    Raises:
        ContentError: a file that is not a list of words (or of lists of words, for synonyms).
    """
    stop: set[str] = set()
    groups: dict[tuple[tuple[str, ...], ...], None] = {}
    seen: set[Path] = set()
    for folder in folders:
        of_language = (folder / language).resolve()
        if of_language in seen:
            continue
        seen.add(of_language)
        for word in _strings(of_language / "stopwords.yml"):
            stop.update(terms(word, language))
        for group in _groups(of_language / "synonyms.yml"):
            phrases = (tuple(terms(phrase, language)) for phrase in group)
            kept = tuple(dict.fromkeys(p for p in phrases if 0 < len(p) <= _PHRASE_LIMIT_WORDS))
            if len(kept) > 1:
                groups[kept] = None
    return Rules(frozenset(stop), tuple(groups))


def _strings(path: Path) -> Sequence[str]:
    values = _read(path)
    if not isinstance(values, list) or not all(isinstance(v, str) for v in values):
        raise _wrong(
            path, "is not a list of words", "write one word a line: '- the'; quote yes, no, on and off"
        )
    return values


def _groups(path: Path) -> Sequence[Sequence[str]]:
    values = _read(path)
    if not isinstance(values, list) or not all(
        isinstance(group, list) and all(isinstance(v, str) for v in group) for group in values
    ):
        raise _wrong(
            path, "is not a list of groups of words", "write one group a line: '- [refund, money back]'"
        )
    return values


def _read(path: Path) -> object:
    try:
        text = path.read_bytes()[: _FILE_LIMIT_BYTES + 1].decode("utf-8")
    except FileNotFoundError:
        return []
    except UnicodeDecodeError:
        raise _wrong(path, "is not UTF-8", "save it as UTF-8") from None
    if len(text) > _FILE_LIMIT_BYTES:
        raise _wrong(path, "is too long", f"keep it below {_FILE_LIMIT_BYTES // 1024} KB")
    try:
        # The C loader where there is one: lists of a thousand lines are read in every build.
        return yaml.load(text, Loader=_LOADER) or []
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        raise _wrong(path, "is not valid YAML", "", mark.line + 1 if mark else None) from None


_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _wrong(path: Path, what: str, hint: str, line: int | None = None) -> ContentError:
    place = "/".join(path.parts[-3:])
    problem = Problem("search-rules", place, line, f"{path.name} {what}", hint)
    return ContentError(f"{place} {what}", [problem])
