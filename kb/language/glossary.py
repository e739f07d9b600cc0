"""Words with a fixed translation: `<lang>.yml` files of `Term: translation` that editors keep.

A term may also name words that must not stand for it::

    parcel: encomenda
    refund: { use: reembolso, avoid: [devolução do dinheiro, restituição] }
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import yaml

from kb.content.frontmatter import RefusedYamlError, compose
from kb.errors import Problem

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Term:
    """`term` of the source is `translation`, and none of `avoid`, in the glossary's language."""

    term: str
    translation: str
    avoid: tuple[str, ...] = ()


Glossary = dict[str, tuple[Term, ...]]
"""Language → its terms."""


def read(folder: Path, languages: Iterable[str], *, root: Path) -> tuple[dict[str, Pairs], list[Problem]]:
    """Language → (term, translation), and what is wrong with the files. A missing file is an empty glossary."""
    found, problems = terms(folder, languages, root=root)
    return {
        language: tuple((each.term, each.translation) for each in its) for language, its in found.items()
    }, problems


def terms(folder: Path, languages: Iterable[str], *, root: Path) -> tuple[Glossary, list[Problem]]:
    """Everything the files say, and what is wrong with them."""
    found: Glossary = {}
    problems: list[Problem] = []
    for language in languages:
        file = folder / f"{language}.yml"
        if file.is_file():
            path = file.relative_to(root).as_posix() if file.is_relative_to(root) else file.name
            found[language] = _read(file, path, problems)
    return found, problems


def _read(file: Path, path: str, problems: list[Problem]) -> tuple[Term, ...]:
    def bad(message: str, line: int | None = None) -> None:
        problems.append(
            Problem(
                "glossary",
                path,
                line,
                message,
                "a line is: Term: translation, or Term: { use: translation, avoid: [other words] }",
            )
        )

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
    found: dict[str, Term] = {}
    for key, value in node.value:
        term = _term(key, value)
        if term is None:
            bad("a term or its translation is not a text", key.start_mark.line + 1)
        else:
            found[term.term] = term
    return tuple(found.values())


def _term(key: yaml.Node, value: yaml.Node) -> Term | None:
    """One line of the glossary; None when it is none."""
    if not isinstance(key, yaml.ScalarNode):
        return None
    if isinstance(value, yaml.ScalarNode):
        return Term(key.value, value.value) if value.value else None
    if not isinstance(value, yaml.MappingNode):
        return None
    parts = {part.value: node for part, node in value.value}
    use, avoid = parts.pop("use", None), parts.pop("avoid", None)
    words = avoid.value if isinstance(avoid, yaml.SequenceNode) else []
    texts = all(isinstance(word, yaml.ScalarNode) and word.value for word in words)
    if parts or not isinstance(use, yaml.ScalarNode) or not use.value or not words or not texts:
        return None
    return Term(key.value, use.value, tuple(word.value for word in words))
