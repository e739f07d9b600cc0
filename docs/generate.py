"""The references of the documentation, made from the code: ``python docs/generate.py`` writes them.

A test compares what is committed with what this module makes.
"""

import argparse
import ast
import inspect
import itertools
import json
import re
import textwrap
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import yaml

from kb import cli, config
from kb.content.findings import FINDINGS
from kb.content.mend import MENDABLE

ARTICLES = Path(__file__).parent / "articles"
UKRAINIAN = Path(__file__).parent / "findings-uk.yml"


def pages() -> Mapping[str, str]:
    """Path below the articles → text of every generated article. What the program itself says is in English; only what
    editors meet each day is in Ukrainian too."""
    return {
        "en/reference/configuration.md": _configuration(),
        "en/reference/commands.md": _commands(),
        "en/reference/findings.md": _findings(),
        "uk/reference/findings.md": _findings_in_ukrainian(),
    }


def _front(title: str, description: str, questions: list[str], order: int) -> str:
    # A JSON string is a YAML string.
    lines = [f"title: {title}", f"description: {json.dumps(description, ensure_ascii=False)}", "questions:"]
    lines += [f"  - {json.dumps(question, ensure_ascii=False)}" for question in questions]
    return "\n".join(["---", *lines, f"order: {order}", "---", ""])


# ---------------------------------------------------------------- configuration


def _configuration() -> str:
    head = _front(
        "Configuration reference",
        "Every setting of [tool.kb] in pyproject.toml, with its default.",
        [
            "Which settings are there?",
            "What can I write in pyproject.toml?",
            "How do I set an environment variable?",
        ],
        10,
    )
    intro = """
Settings stand in `pyproject.toml` of the content folder. A key that does not exist is refused, naming the nearest one.

Every setting can be given as an environment variable as well, which wins: `KB_OUTPUT` sets `output`,
`KB_DESK_DATABASE` sets `database` of `[tool.kb.desk]`. Secrets are variables only and never stand in a file that is
committed; each can be a file too: `KB_DESK_KEY_FILE` names a file that holds what `KB_DESK_KEY` would.

Name, address and look of the site stand in `mkdocs.yml`, as in any MkDocs site with the Material theme.
"""
    return head + intro.lstrip() + "\n".join(_tables(config.Config, "tool.kb"))


def _tables(kind: type[Any], name: str) -> Iterator[str]:
    texts, hints = _attribute_texts(kind), typing.get_type_hints(kind)
    own = [
        f
        for f in msgspec.structs.fields(kind)
        if f.name != "root" and not config.is_table(hints[f.name])
    ]
    yield f"\n## [{name}] {{ #{name.replace('.', '-')} }}\n"
    about = _prose(kind.__doc__ or "").split(": ", 1)[-1]
    yield f"{about[:1].upper()}{about[1:]}\n"
    yield "| setting | default | what it is |\n|---|---|---|"
    for field in own:
        yield f"| `{field.name}` | {_default(field)} | {texts.get(field.name, _words(field.name))} |"
    for field in msgspec.structs.fields(kind):
        if config.is_table(hints[field.name]):
            yield from _tables(hints[field.name], f"{name}.{field.name}")


def _attribute_texts(kind: type[Any]) -> dict[str, str]:
    """Field → the docstring below it, which Python itself does not keep."""
    (body,) = (
        node.body
        for node in ast.parse(textwrap.dedent(inspect.getsource(kind))).body
        if isinstance(node, ast.ClassDef)
    )
    found = {}
    for field, text in itertools.pairwise(body):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(text, ast.Expr)
            and isinstance(text.value, ast.Constant)
        ):
            assert isinstance(field.target, ast.Name)
            found[field.target.id] = _cell(_prose(str(text.value.value)))
    return found


def _prose(text: str) -> str:
    return " ".join(text.replace("``", "`").split())


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _words(name: str) -> str:
    return f"{name.replace('_', ' ').capitalize()}."


def _default(field: msgspec.structs.FieldInfo) -> str:
    if field.default_factory is not msgspec.NODEFAULT:
        return "empty"
    value = field.default
    if value in ("", ()):
        return "empty"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, tuple):
        return "`[" + ", ".join(f'"{each}"' for each in value) + "]`"
    return f'`"{value}"`' if isinstance(value, str) else f"`{value}`"


# ---------------------------------------------------------------- commands


def _commands() -> str:
    head = _front(
        "Command reference",
        "Every command of kb with all its options.",
        ["Which commands are there?", "What options does kb build have?", "What do the exit codes mean?"],
        20,
    )
    intro = """
`kb COMMAND --help` says the same in the terminal. `kb --root DIR COMMAND` works on a content folder elsewhere.

Exit codes: 0 fine, 1 problems found, 2 wrong use, 130 interrupted. Results go to standard output, everything else to
standard error. What `--format json` prints carries a version, and changes only with it.
"""
    return head + intro.lstrip() + "\n".join(_sections(cli.parser(), level=2))


def _sections(parser: argparse.ArgumentParser, *, level: int) -> Iterator[str]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, sub in action.choices.items():
                full = f"{parser.prog} {name}"
                yield f"\n{'#' * level} {full} {{ #{full.replace(' ', '-')} }}\n"
                yield f"{_tidy(sub.description or '')}\n"
                yield f"```text\n{_usage(sub, full)}\n```\n"
                yield from _arguments(sub)
                if sub.epilog:
                    yield f"\n{_tidy(sub.epilog)}"
                yield from _sections(sub, level=min(level + 1, 3))


def _usage(parser: argparse.ArgumentParser, name: str) -> str:
    """One line a piece, so that the width of a terminal changes nothing."""
    formatter = argparse.HelpFormatter(name, width=10_000)
    formatter.add_usage(parser.usage, parser._actions, parser._mutually_exclusive_groups, prefix="")
    return " ".join(formatter.format_help().split()).replace("[-h] ", "").removesuffix(" [-h]")


def _arguments(parser: argparse.ArgumentParser) -> Iterator[str]:
    rows = []
    for action in parser._actions:
        if isinstance(action, argparse._HelpAction | argparse._SubParsersAction):
            continue
        name = ", ".join(action.option_strings) or str(action.metavar or action.dest)
        if action.option_strings and action.nargs != 0 and not action.choices:
            name += f" {action.metavar or action.dest.upper()}"
        said = _tidy((action.help or "") % {"default": action.default, "prog": parser.prog})
        if action.choices:
            known = ", ".join(f"`{choice}`" for choice in action.choices)
            said = f"{known}; {said}" if said else known
        rows.append(f"| `{name}` | {_cell(said)} |")
    if rows:
        yield "| argument | what it does |\n|---|---|"
        yield from rows


def _tidy(text: str) -> str:
    return " ".join(re.sub(r"'(kb [^']*)'", r"`\1`", text).replace("<", "&lt;").split())


# ---------------------------------------------------------------- findings


def _findings() -> str:
    head = _front(
        "Findings of kb check",
        "Every finding by its code: what it means, an example, and how severe it is.",
        ["What does this error of kb check mean?", "Why was nothing published?", "What is link-dead?"],
        30,
    )
    intro = """
Each finding has a code that stays the same. Errors keep a site from being built; warnings do not, unless `--strict`
says so. [How to mend, to lower and to know them](../start/write-an-article.md#check).
"""
    texts = {code: (each.title, each.why) for code, each in FINDINGS.items()}
    mended = "`kb check --fix` mends it where only one answer is right."
    return head + intro.lstrip() + _list(texts, {}, mended, "Example")


def _findings_in_ukrainian() -> str:
    head = _front(
        "Зауваження kb check",
        "Кожне зауваження за його кодом: що воно означає, приклад і наскільки воно важливе.",
        ["Що означає ця помилка kb check?", "Чому нічого не опубліковано?", "Що таке link-dead?"],
        30,
    )
    intro = """
Кожне зауваження має код, який не змінюється. З помилками сайт не збирається; з попередженнями збирається, якщо немає
`--strict`. [Як їх виправити, послабити чи взяти до відома](../start/write-an-article.md#check).
"""
    texts = yaml.safe_load(UKRAINIAN.read_text("utf-8"))
    severities = {"error": "помилка", "warning": "попередження", "info": "примітка"}
    mended = "`kb check --fix` виправляє його там, де правильна відповідь лише одна."
    return head + intro.lstrip() + _list(texts, severities, mended, "Приклад")


def _list(
    texts: Mapping[str, tuple[str, str]], severities: Mapping[str, str], mended: str, example: str
) -> str:
    """A section for each finding. ``texts`` are its title and its reason by code."""
    parts = []
    for each in FINDINGS.values():
        title, why = texts[each.code]
        severity = severities.get(each.severity, each.severity)
        more = f" {mended}" if each.code in MENDABLE else ""
        parts.append(f"## {each.code} {{ #{each.code} }}\n")
        parts.append(f"**{title[:1].upper()}{title[1:]}** ({severity}). {_escaped(why)}{more}\n")
        # Not a block of its own: a snippet's mark at the beginning of a line is followed even there.
        parts.append(f"{example}: `` {each.example} ``\n")
    return "\n" + "\n".join(parts)


def _escaped(text: str) -> str:
    return text.replace("<", "&lt;")


def main() -> None:
    for name, text in pages().items():
        (ARTICLES / name).write_text(text, "utf-8")


if __name__ == "__main__":
    main()
