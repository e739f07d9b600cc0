"""Translations that follow a changed link: the sentence is the same, so what a person approved stays approved."""

import re
from collections.abc import Mapping
from dataclasses import replace

from kb.language.memory import Entry, Memory, entry_id
from kb.language.segments import Segment, scan


def followed(memory: Memory, before: str, after: str, targets: Mapping[str, str]) -> Memory:
    """`memory` for an article that changed from `before` to `after`, where the `targets` of links (old → new) did.

    An entry whose translation has other links than its source is left alone, and so is one whose words changed.
    Returns `memory` itself when nothing changes.
    """
    old, new = scan(before).segments, scan(after).segments
    if len(old) != len(new):
        return memory
    changed: dict[tuple[str, str], Entry] = {}
    for one, other in zip(old, new, strict=True):
        entry = memory.find(one) if one.text != other.text else None
        if entry is not None and memory.find(other) is None:
            moved = _moved(entry, one, other, targets)
            if moved is not None:
                changed[entry.key] = moved
    if not changed:
        return memory
    entries = (e if e.obsolete else changed.get(e.key, e) for e in memory.entries)
    return replace(memory, entries=tuple(entries))


def _moved(entry: Entry, old: Segment, new: Segment, targets: Mapping[str, str]) -> Entry | None:
    source, count = _with_targets(old.text, targets)
    text, in_text = _with_targets(entry.text, targets)
    if source != new.text or (entry.text and in_text != count):
        return None
    ids = entry_id(old.text), entry_id(new.text)
    return entry.with_(
        source=new.text,
        text=text,
        suggestion=_with_targets(entry.suggestion, targets)[0],
        notes=tuple(note.replace(*ids) for note in entry.notes),
    )


def _with_targets(text: str, targets: Mapping[str, str]) -> tuple[str, int]:
    """``text`` with its links changed, and how many of them were."""
    if not text or not targets:
        return text, 0
    any_ = "|".join(re.escape(target) for target in sorted(targets, key=len, reverse=True))
    return re.subn(rf"(?<=[(<\"'])(?:{any_})(?=[)>\"'\s])", lambda match: targets[match[0]], text)
