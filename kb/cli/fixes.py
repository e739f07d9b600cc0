"""``kb check --fix``: which files change, how, and writing them whole or not at all."""

import difflib
import os
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from tempfile import mkstemp

import msgspec

from kb.build.reading import Content
from kb.config import Config
from kb.content.article import Article, Origin
from kb.content.mend import MENDABLE, Mend, Mended, Whereabouts, mend
from kb.content.names import address
from kb.errors import KbError, Problem

_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Change:
    """A file before and after, and the ``mends`` made in it; a translation that follows its article has none."""

    path: str
    before: bytes
    after: bytes
    mends: tuple[Mend, ...] = ()


def plan(
    config: Config,
    content: Content,
    problems: Collection[Problem],
    *,
    today: date,
    elsewhere: Mapping[str, str],
) -> list[Change]:
    """How to mend what can safely be mended of ``problems``; ``elsewhere`` leads from the address of another site to
    its new one."""
    ours: dict[str, list[Problem]] = {}
    for problem in problems:
        if problem.code in MENDABLE:
            ours.setdefault(problem.path, []).append(problem)
    written = {a.path: a for a in content.catalog if a.origin is Origin.WRITTEN and a.path in ours}
    if not written:
        return []
    places = Whereabouts(content.catalog, content.media, _moved(config, content, today), elsewhere)
    changes: list[Change] = []
    for path, article in sorted(written.items()):
        mended = mend(article, ours[path], places)
        if mended is None:
            continue
        before = (config.root / path).read_bytes()
        mark = _BOM if before.startswith(_BOM) else b""
        if before != mark + article.text.encode():
            raise KbError(f"{path} changed while it was read", hint="run the check again")
        changes.append(Change(path, before, mark + mended.text.encode(), mended.mends))
        changes += _translations(config, content, article, mended)
    return changes


def _moved(config: Config, content: Content, today: date) -> dict[str, str]:
    """Former id → the id of the article that is there now: by ``redirect_from``, by history, and by what was renamed
    since the last commit."""
    from kb.publish import addresses, history
    from kb.publish.addresses import Moved

    catalog = content.catalog
    public = catalog.public(today)
    hidden = set(catalog.ids) - set(public.ids)
    renamed = {**content.history.renamed, **history.uncommitted(config.root, config.articles)}
    past = msgspec.structs.replace(content.history, renamed=renamed)
    found, _ = addresses.former(public, past, articles=config.articles, hidden=hidden)
    by_address = {address(id): id for id in public.sources}
    moved = {
        old.rstrip("/"): by_address[target.to.rstrip("/")]
        for old, target in found.items()
        if isinstance(target, Moved) and target.to.rstrip("/") in by_address
    }
    return moved | {f"{old}/index": id for old, id in moved.items()}


def _translations(config: Config, content: Content, article: Article, mended: Mended) -> Iterator[Change]:
    """Translations of a mended text whose sentences only follow its links."""
    targets = dict(each.targets for each in mended.mends if each.targets)
    if not targets:
        return
    from kb.language import follow, memory  # its many patterns take long to compile

    for language in content.catalog.languages:
        path = f"{config.articles}/{language}/{article.id}{memory.ENDING}"
        file = config.root / path
        if not file.is_file() or file.is_symlink():
            continue
        known, _ = memory.read(file, language=language, id=article.id, root=config.root)
        if known is None or known.source not in ("", article.language):
            continue
        new = follow.followed(known, article.text, mended.text, targets)
        if new is not known:
            yield Change(path, file.read_bytes(), memory.dump(new).encode())


def write(root: Path, changes: Sequence[Change]) -> None:
    """Write each file in one step: a reader, or a run that dies, never meets half a file."""
    for change in changes:
        file = root / change.path
        mode = file.stat().st_mode & 0o777
        handle, name = mkstemp(dir=file.parent, prefix=f".{file.name}.")
        try:
            with os.fdopen(handle, "wb") as out:
                out.write(change.after)
                out.flush()
                os.fsync(out.fileno())
            os.chmod(name, mode)
            os.replace(name, file)
        except BaseException:
            os.unlink(name)
            raise


def diff(changes: Sequence[Change], prefix: str = "") -> str:
    """The changes as a patch that ``git apply`` takes."""
    return "".join(_patch(change, prefix) for change in changes)


def _patch(change: Change, prefix: str) -> str:
    before, after = (re.findall("[^\n]*\n|[^\n]+", data.decode()) for data in (change.before, change.after))
    name = prefix + change.path
    lines = difflib.unified_diff(before, after, f"a/{name}", f"b/{name}")
    return "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines
    )
