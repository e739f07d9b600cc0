"""What new things begin with: the files of a new content folder, and the skeleton of a new article.

The texts lie in ``kb/starter/``; nothing is written here.
"""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from kb import __version__
from kb.content import names
from kb.content.article import Article
from kb.errors import ConfigError

_FOLDER = Path(__file__).parents[1] / "starter"
_TAG = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")
_SAMPLE = "en"
"""Whose articles stand in where the starter has none in any of the languages asked for."""
_PUBLISHING = {
    "github.yml": ".github/workflows/help-centre.yml",
    "gitlab.yml": ".gitlab-ci.yml",
    "pre-commit.yml": ".pre-commit-config.yaml",
    "requirements.txt": "requirements.txt",
    "Dockerfile": "Dockerfile",
    "dockerignore": ".dockerignore",
    "models-gitignore": "models/.gitignore",
    "babelfaq-desk.service": "deploy/babelfaq-desk.service",
    "to-server.sh": "deploy/to-server.sh",
    "to-storage.sh": "deploy/to-storage.sh",
}
"""What checks and publishes the help centre: in ``kb/starter/publishing/`` → in the new folder."""


def folder(name: str, languages: Sequence[str], *, with_articles: bool = True) -> Mapping[str, str]:
    """Path → text of every file of a new help centre called ``name``.

    Raises:
        ConfigError: no language, one twice, or one that is not a language tag.
    """
    _check(languages)
    files = {}
    for path, target in (
        ("mkdocs.yml",) * 2,
        ("pyproject.toml",) * 2,
        ("README.md",) * 2,
        ("gitignore", ".gitignore"),
    ):
        text = (_FOLDER / path).read_text("utf-8")
        files[target] = _filled(text, name, languages, quoted=path != "README.md")
    for path, target in _PUBLISHING.items():
        files[target] = (_FOLDER / "publishing" / path).read_text("utf-8").replace("KB_VERSION", __version__)
    if with_articles:
        files.update(_articles(languages))
    return files


def _check(languages: Sequence[str]) -> None:
    hint = "for example: en,uk,pt-BR"
    if not languages:
        raise ConfigError("a help centre needs at least one language", hint=hint)
    for language in languages:
        if not _TAG.fullmatch(language):
            raise ConfigError(f"'{language}' is not a language code", hint=hint)
    if len(set(languages)) < len(languages):
        raise ConfigError("a language is named twice", hint=hint)


def _filled(text: str, name: str, languages: Sequence[str], *, quoted: bool) -> str:
    # A JSON string is a YAML and a TOML string as well.
    shown = json.dumps(name, ensure_ascii=False) if quoted else name
    text = text.replace("DEFAULT_LANGUAGE", json.dumps(languages[0]))
    text = text.replace("LANGUAGES", json.dumps(list(languages)))
    return text.replace("SHOP_NAME", shown).replace("LANGUAGE", languages[0])


def _articles(languages: Sequence[str]) -> Mapping[str, str]:
    known = [language for language in languages if (_FOLDER / "articles" / language).is_dir()]
    pairs = [(language, language) for language in known] or [(_SAMPLE, languages[0])]
    found = {}
    for source, language in pairs:
        top = _FOLDER / "articles" / source
        for file in sorted(top.rglob("*.md")):
            found[f"articles/{language}/{file.relative_to(top).as_posix()}"] = file.read_text("utf-8")
    return found


def home_title(language: str) -> str:
    """The title of the example home page, in English where there is none in ``language``."""
    known = language if speaks(language) else _SAMPLE
    text = (_FOLDER / "articles" / known / "index.md").read_text("utf-8")
    return text.partition("title: ")[2].partition("\n")[0]


def speaks(language: str) -> bool:
    """Whether there are example articles in ``language``."""
    return (_FOLDER / "articles" / language).is_dir()


_ARTICLE = """\
---
title: {title}
# One sentence for search results, menus and the top of the page.
description:
# Three to eight ways customers really ask, in their words: search finds the article by them.
questions:
#  - Where is my parcel?
tags: []
# Ids of articles to read next, such as returns/refund-times.
related: []
# Position in its category: 10, 20, 30 …
#order: 10
# When somebody should read it again, and its last day on the site.
#review_by: 2027-12-31
#expires: 2027-12-31
# Where the article was before, when you have renamed it.
#redirect_from: [old/name]
# Delete this line to publish the article.
draft: true
---
Begin with the answer itself, in one or two sentences.

## Details

1. First step.
2. Second step.
"""


_CATEGORY = """\
---
title: {title}
# One sentence for menus and for the card on the home page.
description:
# A drawing for the card: names are at https://pictogrammers.com/library/mdi/
#icon: material/truck-fast-outline
# Position among the categories: 10, 20, 30 …
#order: 10
---
What customers find here, in a sentence or two.
"""


def article(id: str, title: str, source: Article | None = None) -> str:
    """The text of a new article, or of a category's own page: its front matter explained. ``source`` is the article it
    is the translation of."""
    if source is None:
        skeleton = _CATEGORY if is_category(id) else _ARTICLE
        return skeleton.format(title=json.dumps(title, ensure_ascii=False))
    body = source.body.lstrip("\n")
    title = json.dumps(title, ensure_ascii=False)
    return (
        f"---\n# A translation of {source.path}: translate the text, leave links and {{ #ids }} as they are.\n"
        f"title: {title}\ndescription:\nquestions:\n"
        "# Delete this line to publish the translation.\ndraft: true\n---\n"
        f"{body}"
    )


def title_of(id: str) -> str:
    """A first title for an article of this id: ``returns/exchange-size`` → ``Exchange size``; that of a category's own
    page is named after the category."""
    return id.removesuffix("/index").rpartition("/")[2].replace("-", " ").replace("_", " ").capitalize()


def is_category(id: str) -> bool:
    """Whether this is the id of a category's own page."""
    return id.endswith("/index")


def check_id(id: str) -> None:
    """Refuse what cannot be the id of a new article.

    Raises:
        ConfigError: no category, or a part that cannot be a file name.
    """
    if "/" not in id and id != "index":
        raise ConfigError(f"'{id}' names no category", hint=f"for example: general/{id}")
    for part in id.split("/"):
        fault = names.fault(part)
        if fault:
            shown = names.visible(part)
            raise ConfigError(f"the name '{shown}' {fault}", hint=f"for example: {names.suggestion(part)}")
