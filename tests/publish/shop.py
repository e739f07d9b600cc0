"""A shop's help centre in a temporary folder: articles in, pages out."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

from kb import config
from kb.build import steps
from kb.build.steps import Report

TODAY = date(2026, 11, 21)

MKDOCS = """\
site_name: Oselya
site_url: https://help.oselya.example/
theme:
  name: material
  palette:
    - scheme: default
      primary: teal
      toggle: {icon: material/weather-night, name: dark}
    - scheme: slate
      primary: teal
      toggle: {icon: material/weather-sunny, name: light}
markdown_extensions:
  - abbr
  - admonition
  - attr_list
  - def_list
  - footnotes
  - md_in_html
  - tables
  - toc: {permalink: true}
  - pymdownx.details
  - pymdownx.emoji:
      emoji_index: !!python/name:material.extensions.emoji.twemoji
      emoji_generator: !!python/name:material.extensions.emoji.to_svg
  - pymdownx.highlight
  - pymdownx.keys
  - pymdownx.snippets
  - pymdownx.superfences
  - pymdownx.tabbed: {alternate_style: true}
  - pymdownx.tasklist
"""


class Shop:
    """``article("en/returns/size", "Text", title="Size")`` writes one, ``build()`` publishes, ``page()`` reads."""

    site_name = "Oselya"

    def __init__(self, root: Path, languages: Sequence[str] = ("en", "uk")) -> None:
        self.root = root
        tags = ", ".join(f'"{language}"' for language in languages)
        self.write(
            "pyproject.toml", f'[tool.kb]\nlanguages = [{tags}]\n[tool.kb.contact]\nphone = "0 800 500 123"\n'
        )
        self.write("mkdocs.yml", MKDOCS)
        self.article("en/index", "Welcome.", title="How can we help?")

    def write(self, path: str, content: str | bytes) -> Path:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return file

    def article(self, path: str, body: str = "Text.", **details: object) -> Path:
        head = {"title": path.rpartition("/")[2], "questions": "[How?, Why?]", **details}
        lines = "".join(f"{key}: {value}\n" for key, value in head.items())
        return self.write(f"articles/{path}.md", f"---\n{lines}---\n{body}\n")

    def mkdocs(self, theme: str) -> str:
        """``mkdocs.yml`` with another theme and the present name of the site."""
        before, _, rest = MKDOCS.partition("theme:")
        name = before.replace("site_name: Oselya", f"site_name: {self.site_name!r}")
        return f"{name}{theme}\n{rest[rest.index('markdown_extensions:') :]}"

    def build(self, *, languages: Sequence[str] = (), today: date = TODAY) -> Report:
        settings = config.load(self.root, {})
        return steps.build(settings, today=today, languages=languages, workers=1)

    @property
    def site(self) -> Path:
        return self.root / "site"

    def page(self, address: str) -> str:
        file = self.site / address
        return (file / "index.html" if not file.suffix else file).read_text("utf-8")

    def files(self) -> list[str]:
        return sorted(p.relative_to(self.site).as_posix() for p in self.site.rglob("*") if p.is_file())
