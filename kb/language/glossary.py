"""Words with a fixed translation: `<lang>.yml` files of `Term: translation` that editors keep."""

from collections.abc import Iterable
from pathlib import Path

import yaml

from kb.content.frontmatter import RefusedYamlError, compose
from kb.errors import Problem

Pairs = tuple[tuple[str, str], ...]


def read(folder: Path, languages: Iterable[str], *, root: Path) -> tuple[dict[str, Pairs], list[Problem]]:
    """Language → (term, translation), and what is wrong with the files. A missing file is an empty glossary."""
    found: dict[str, Pairs] = {}
    problems: list[Problem] = []
    for language in languages:
        file = folder / f"{language}.yml"
        if file.is_file():
            path = file.relative_to(root).as_posix() if file.is_relative_to(root) else file.name
            found[language] = _read(file, path, problems)
    return found, problems


def _read(file: Path, path: str, problems: list[Problem]) -> Pairs:
    def bad(message: str, line: int | None = None) -> None:
        problems.append(Problem("glossary", path, line, message, "a line is: Term: translation"))

    try:
        node = compose(file.read_text("utf-8"))
    except UnicodeDecodeError as error:
        bad(f"not UTF-8: byte {error.start}")
        return ()
    except RefusedYamlError as error:
        bad(str(error))
        return ()
    if node is None:
        return ()
    if not isinstance(node, yaml.MappingNode):
        bad("not a list of terms")
        return ()
    pairs: dict[str, str] = {}
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode) or not isinstance(value, yaml.ScalarNode) or not value.value:
            bad("a term or its translation is not a text", key.start_mark.line + 1)
        else:
            pairs[key.value] = value.value
    return tuple(pairs.items())
