"""The desk's words, from ``theme/strings/desk/<lang>.yml``: one flat table a language."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from types import MappingProxyType

import yaml

from kb.content.languages import locale
from kb.errors import DeskError

_BASE = "en"


class Strings:
    """The words of all languages; one that is missing is taken from English."""

    def __init__(self, tables: Mapping[str, Mapping[str, str]]) -> None:
        if _BASE not in tables:
            raise DeskError("the desk's English strings are missing", hint="reinstall babelfaq")
        self.tables = tables

    def table(self, language: str) -> Mapping[str, str]:
        """Every word in ``language``: its own, else its base language's, else English."""
        base = language.partition("-")[0]
        found = {**self.tables[_BASE], **self.tables.get(base, {}), **self.tables.get(language, {})}
        return MappingProxyType(found)

    def text(self, language: str, key: str, **values: object) -> str:
        """One word or sentence with its ``{placeholders}`` filled in."""
        return self.table(language)[key].format(**values)


def load_strings(folder: Path) -> Strings:
    """All ``<lang>.yml`` files of ``folder``.

    Raises:
        DeskError: a file cannot be read.
    """
    tables: dict[str, Mapping[str, str]] = {}
    for file in sorted(folder.glob("*.yml")):
        try:
            data = yaml.safe_load(file.read_text("utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise DeskError(f"{file}: cannot be read: {error}") from None
        if not isinstance(data, dict):
            raise DeskError(f"{file}: not a table of strings")
        tables[file.stem] = MappingProxyType({str(key): str(value) for key, value in data.items()})
    return Strings(tables)


def moment(when: datetime, language: str) -> str:
    """A day and time as people of that language write it, in the zone of ``when``."""
    from babel.dates import format_datetime

    return format_datetime(when, "EEEE d MMMM, HH:mm", locale=locale(language))
