"""[tool.kb] and KB_* variables."""

from pathlib import Path

import pytest

from kb.config import Config, load
from kb.errors import ConfigError


def read(root: Path, toml: str, **environ: str) -> Config:
    (root / "pyproject.toml").write_text(toml, "utf-8")
    return load(root, environ)


def test_defaults_need_only_the_languages(tmp_path: Path) -> None:
    config = read(tmp_path, '[tool.kb]\nlanguages = ["en", "uk"]\n')
    assert config.default_language == "en"
    assert config.articles_dir == tmp_path / "articles"
    assert config.output_dir == tmp_path / "site"


def test_hyphens_and_underscores_are_alike(tmp_path: Path) -> None:
    assert (
        read(tmp_path, '[tool.kb]\nlanguages = ["en", "uk"]\ndefault-language = "uk"').default_language
        == "uk"
    )


def test_tables_become_settings_of_their_room(tmp_path: Path) -> None:
    toml = '[tool.kb]\n[tool.kb.translate]\nreview = ["returns"]\n[tool.kb.require]\nen = "reviewed"\n'
    config = read(tmp_path, toml)
    assert config.translate.review == ("returns",)
    assert dict(config.require) == {"en": "reviewed"}


def test_environment_wins_and_is_read_as_toml_or_text(tmp_path: Path) -> None:
    toml = '[tool.kb]\noutput = "public"\n[tool.kb.desk]\ndatabase = "a.sqlite"\n'
    config = read(
        tmp_path,
        toml,
        KB_OUTPUT="www",
        KB_DESK_DATABASE="postgresql:///kb",
        KB_SEARCH_VECTORS="false",
        KB_X="1",
    )
    assert (config.output, config.desk.database, config.search.vectors) == ("www", "postgresql:///kb", False)


@pytest.mark.parametrize(
    ("toml", "says"),
    [
        ('[tool.kb]\nlangauges = ["en"]', "did you mean 'languages'"),
        ("[tool.kb.search]\nvector = true", "did you mean 'vectors'"),
        ('[tool.kb]\nlanguages = "en"', "'languages' must be a list"),
        ("[tool.kb]\nlanguages = [1]", "must be a string"),
        ("[tool.kb]\nlanguages = []", "is empty"),
        ('[tool.kb]\nlanguages = ["en", "en"]', "twice"),
        ('[tool.kb]\nlanguages = ["../x"]', "not a language tag"),
        ('[tool.kb]\nlanguages = ["en"]\ndefault_language = "uk"', "default_language"),
        ('[tool.kb]\nlanguages = ["en"]\n[tool.kb.require]\nuk = "reviewed"', "'require' names 'uk'"),
        ("[tool.kb]\nsearch = 3", "must be a table"),
        ("[tool.kb.search]\nvectors = 1", "true or false"),
        ("[project]\nname = 'x'", "no [tool.kb]"),
        ("[tool.kb", "not valid TOML"),
    ],
)
def test_wrong_setting_says_what_and_what_else(tmp_path: Path, toml: str, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, toml)
    assert says in f"{caught.value.message} {caught.value.hint}"


def test_folder_without_settings_says_how_to_begin(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, {})
    assert "kb init" in caught.value.hint


@pytest.mark.parametrize(
    ("contact", "says"),
    [
        ('desk = "/api"\nmail = true\nemail = "a@b.example"', "desk and mail at once"),
        ("mail = true", "needs 'email'"),
        ('email = "two@b.example,c@d.example"\nmail = true', "needs 'email'"),
        ('zendesk = { url = "https://shop.zendesk.com" }', "needs 'email'"),
        ('webhook = "http://hooks.example/"', "no address to send to"),
        ("webhook = \"https://hooks.example/; script-src 'unsafe-inline'\"", "no address to send to"),
        ('webhook = "https://user:word@hooks.example/"', "no address to send to"),
        ('webhook = "https://hooks.example/#x"', "no address to send to"),
        ('webhook = "javascript:alert(1)"', "no address to send to"),
        ('desk = "//evil.example/api"', "no address to send to"),
        ('desk = "api"', "no address to send to"),
        ('email = "a@b.example"\nzendesk = { url = "https://z.example", fields = { ordr = 1 } }', "mean 'order'"),
        ('email = "a@b.example"\nzendesk = { url = "https://z.example", locales = { uk = 1 } }', "locales: 'uk'"),
    ],
)  # fmt: skip
def test_a_form_goes_to_one_place_that_is_an_address(tmp_path: Path, contact: str, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, f'[tool.kb]\nlanguages = ["en"]\n[tool.kb.contact]\n{contact}\n')
    assert says in f"{caught.value} {caught.value.hint}"


@pytest.mark.parametrize(
    "contact",
    [
        'desk = "/api"',
        'desk = "https://desk.example/api"',
        'webhook = "http://127.0.0.1:8000/contact?a=1"',
        'email = "help@shop.example"\nmail = true',
        'email = "help@shop.example"\nzammad = { url = "https://zammad.example:8443" }',
    ],
)
def test_destinations_of_the_form(tmp_path: Path, contact: str) -> None:
    read(tmp_path, f'[tool.kb]\nlanguages = ["en"]\n[tool.kb.contact]\n{contact}\n')
