"""Settings: ``[tool.kb]`` of the content folder's ``pyproject.toml``, over which ``KB_*`` variables win.

Each table of ``[tool.kb]`` is one frozen struct here; a key is a field, with ``-`` and ``_`` alike. Unknown keys
are refused, naming the nearest known one. ``KB_DESK_DATABASE`` sets ``[tool.kb.desk] database``; a variable's
value is read as TOML, or as a string when it is not TOML.
"""

import re
import tomllib
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeGuard, get_args, get_origin, get_type_hints
from urllib.parse import urlsplit

import msgspec

from kb.errors import ConfigError, did_you_mean

_WHERE = "pyproject.toml, [tool.kb]"
_CONTACT = "pyproject.toml, [tool.kb.contact]"


class TranslateConfig(msgspec.Struct, frozen=True):
    """``[tool.kb.translate]``: how machine translation is made. A build needs none of it."""

    engines: tuple[str, ...] = ("argos", "firefox", "apertium")
    """Engines in order of preference; one that is not installed is passed over."""
    models: str = "models"
    """Folder of the project's own models, relative to the content folder; its lock file is committed."""
    glossary: str = "articles/glossary"
    """Folder with ``<lang>.yml`` files: ``Term: translation``."""
    do_not_translate: tuple[str, ...] = ()
    """Names that stay as they are in every language."""
    review: tuple[str, ...] = ()
    """Categories whose machine text is held back until a person approved it."""
    routes: Mapping[str, str] = msgspec.field(default_factory=dict)
    """Language → the language to translate it from first, where that is not the source's."""


class SearchConfig(msgspec.Struct, frozen=True):
    """``[tool.kb.search]``: the index and the suggestions."""

    threshold: float = 0.0
    """Score (0 to 1) below which nothing is suggested; 0 takes the engine's calibrated default."""
    vectors: bool = True
    """Whether to write the table of word vectors where a library for the language is installed."""


class CheckConfig(msgspec.Struct, frozen=True):
    """``[tool.kb.check]``: how severe findings are. Of the errors only those that a site can be built with may be
    lowered."""

    severity: Mapping[str, str] = msgspec.field(default_factory=dict)
    """Code of a finding → ``error``, ``warning``, ``info`` or ``off``."""
    baseline: str = "kb-baseline.json"
    """File of the findings that are known and not reported again; ``kb check --baseline`` writes it."""
    ignore_links: tuple[str, ...] = ()
    """Addresses of other sites that ``kb check --online`` does not ask for, with ``*`` for any text."""


class ContactZendeskConfig(msgspec.Struct, frozen=True):
    """``[tool.kb.contact.zendesk]``: the form makes requests in Zendesk, from the browser and without a secret.

    Zendesk has to take requests from anybody, without registration.
    """

    url: str = ""
    """Like ``https://shop.zendesk.com``."""
    ticket_form: int = 0
    """Id of the ticket form, where Zendesk has several."""
    fields: Mapping[str, int] = msgspec.field(default_factory=dict)
    """What was typed → id of the custom field it goes into: ``order``, ``category``, ``language`` or ``page``."""
    locales: Mapping[str, int] = msgspec.field(default_factory=dict)
    """Language → Zendesk's number for it (``/api/v2/locales.json``), in which Zendesk then writes to the customer."""


class ContactZammadConfig(msgspec.Struct, frozen=True):
    """``[tool.kb.contact.zammad]``: the form makes tickets in Zammad, from the browser and without a secret.

    Zammad's channel "Form" has to be active.
    """

    url: str = ""
    """Like ``https://support.shop.example``."""


class ContactConfig(msgspec.Struct, frozen=True):
    """``[tool.kb.contact]``: where "Contact us" leads. The contact page has a form where one of ``desk``, ``mail``,
    ``webhook``, ``zendesk`` and ``zammad`` says where it goes."""

    email: str = ""
    """Where customers can write; offered as well when the form cannot be sent."""
    phone: str = ""
    url: str = ""
    """Address of a contact page elsewhere."""
    desk: str = ""
    """Path of the ticket service on the site's own origin, usually ``/api``."""
    mail: bool = False
    """Whether the form opens the customer's mail program, with a mail to ``email`` that holds all that was typed."""
    webhook: str = ""
    """Address of a program of yours that takes the form as a browser sends it; nothing is signed, since a page keeps no
    secret."""
    expected_reply: Mapping[str, str] = msgspec.field(default_factory=dict)
    """Language → a sentence on when customers hear back."""
    zendesk: ContactZendeskConfig = ContactZendeskConfig()
    zammad: ContactZammadConfig = ContactZammadConfig()


class DeskMailConfig(msgspec.Struct, frozen=True):
    """``[tool.kb.desk.mail]``: the SMTP server. Its password is ``KB_DESK_MAIL_PASSWORD``."""

    host: str = ""
    """Without one no mail is sent."""
    port: int = 587
    security: str = "starttls"
    """``starttls``, ``tls`` or ``none``."""
    user: str = ""
    sender: str = ""
    """``Shop help <help@shop.example>``; the contact address when not set."""
    team: str = ""
    """Where the team is told of each ticket."""


class DeskWebhookConfig(msgspec.Struct, frozen=True):
    """``[tool.kb.desk.webhook]``: each change as a signed POST. The secret is ``KB_DESK_WEBHOOK_SECRET``."""

    url: str = ""


class DeskZendeskConfig(msgspec.Struct, frozen=True):
    """``[tool.kb.desk.zendesk]``: tickets in Zendesk. The API token is ``KB_DESK_ZENDESK_TOKEN``."""

    url: str = ""
    user: str = ""
    """The agent the token belongs to."""


class DeskZammadConfig(msgspec.Struct, frozen=True):
    """``[tool.kb.desk.zammad]``: tickets in Zammad. The access token is ``KB_DESK_ZAMMAD_TOKEN``."""

    url: str = ""
    group: str = "Users"


class DeskHoursConfig(msgspec.Struct, frozen=True):
    """``[tool.kb.desk.hours]``: when somebody answers, for an honest reply time."""

    timezone: str = "UTC"
    days: Mapping[str, str] = msgspec.field(default_factory=dict)
    """Day → opening hours: ``mon = "9:00-18:00"``. A day not named is closed; none named: always open."""
    holidays: tuple[str, ...] = ()
    """Dates without work: ``["2026-12-25"]``."""


class DeskLimitsConfig(msgspec.Struct, frozen=True):
    """``[tool.kb.desk.limits]``: how much is taken before somebody has to wait."""

    tickets_per_address_hour: int = 20
    tickets_per_mailbox_day: int = 10
    replies_per_mailbox_hour: int = 30
    tickets_per_minute: int = 120
    """From everybody together; beyond it browsers have to prove work."""
    reads_per_address_minute: int = 240
    """Suggestions, look-ups and events."""
    receipts_per_day: int = 5000
    """Automatic mails to customers."""
    in_flight: int = 128
    """Requests worked on at once; more are told to come back."""


class DeskConfig(msgspec.Struct, frozen=True):
    """``[tool.kb.desk]``: the ticket service. Secrets come from the environment or from files only: each is a variable,
    or the variable with ``_FILE`` at its end names a file with it."""

    database: str = ".kb/desk.sqlite"
    """Path of the SQLite file, relative to the content folder, or a ``postgresql://`` address."""
    public_url: str = ""
    """Where customers reach site and service: ``https://help.shop.example``. Needed for links in mails."""
    hosts: tuple[str, ...] = ()
    """Further host names the service answers to."""
    origins: tuple[str, ...] = ()
    """Other sites whose pages may embed the form: ``https://shop.example``."""
    trusted_proxies: tuple[str, ...] = ()
    """Addresses or networks whose ``X-Forwarded-For`` is believed."""
    allowed_networks: tuple[str, ...] = ()
    """Host names, addresses or networks that deliveries may reach although they are not public."""
    site_name: str = ""
    """The shop's name in mails and on the service's pages; ``site_name`` of ``mkdocs.yml`` when not set."""
    proof_of_work: str = "pressure"
    """When browsers have to prove work: ``never``, under ``pressure``, or ``always``."""
    keep_days: int = 365
    """Texts and addresses of closed tickets are erased after this many days."""
    events_days: int = 180
    """What was searched and suggested is forgotten after this many days."""
    link_days: int = 90
    """A status link works this long after the ticket's last change."""
    mail: DeskMailConfig = DeskMailConfig()
    webhook: DeskWebhookConfig = DeskWebhookConfig()
    zendesk: DeskZendeskConfig = DeskZendeskConfig()
    zammad: DeskZammadConfig = DeskZammadConfig()
    hours: DeskHoursConfig = DeskHoursConfig()
    limits: DeskLimitsConfig = DeskLimitsConfig()


class Config(msgspec.Struct, frozen=True):
    """Everything configured, resolved once."""

    root: Path
    """The content folder, absolute."""
    languages: tuple[str, ...] = ("en",)
    """In order of precedence: the first in which a person wrote an article is the article's source."""
    default_language: str = ""
    """Where visitors go whose languages the site does not have; the first language when not set."""
    articles: str = "articles"
    """Folder with a folder of articles for each language."""
    output: str = "site"
    """Where the built site goes."""
    cache: str = ".kb/cache"
    """What builds remember; safe to delete, worth keeping between the runs of a pipeline."""
    require: Mapping[str, str] = msgspec.field(default_factory=dict)
    """Language → ``written``, ``reviewed`` or ``machine``: the least that ``kb check`` accepts."""
    parity: tuple[str, ...] = ()
    """Languages that may have no fewer articles than the default language."""
    translate: TranslateConfig = TranslateConfig()
    search: SearchConfig = SearchConfig()
    check: CheckConfig = CheckConfig()
    contact: ContactConfig = ContactConfig()
    desk: DeskConfig = DeskConfig()

    @property
    def articles_dir(self) -> Path:
        return self.root / self.articles

    @property
    def output_dir(self) -> Path:
        return self.root / self.output

    @property
    def cache_dir(self) -> Path:
        return self.root / self.cache


def load(root: Path, environ: Mapping[str, str]) -> Config:
    """The settings of the content folder ``root``.

    Raises:
        ConfigError: no ``pyproject.toml`` with ``[tool.kb]``, an unknown key, or a value of the wrong type.
    """
    table = _with_environment(_table(root / "pyproject.toml"), environ)
    config: Config = _build(Config, {**table, "root": root.resolve()}, where=_WHERE)
    if not config.default_language:
        config = msgspec.structs.replace(
            config, default_language=config.languages[0] if config.languages else ""
        )
    _check_languages(config)
    _check_contact(config)
    return config


def _table(file: Path) -> dict[str, Any]:
    try:
        data = tomllib.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        raise ConfigError(
            f"{file.parent} is not a help centre: it has no pyproject.toml",
            hint="run 'kb init DIR' to make one, or name one with --root",
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: not valid TOML: {error}") from None
    table = data.get("tool", {}).get("kb")
    if table is None:
        raise ConfigError(f"{file} has no [tool.kb] table", hint='add: [tool.kb]\nlanguages = ["en"]')
    return {key.replace("-", "_"): value for key, value in table.items()}


def _with_environment(table: dict[str, Any], environ: Mapping[str, str]) -> dict[str, Any]:
    sections = {name for name, hint in get_type_hints(Config).items() if is_table(hint)}
    result = dict(table)
    for name, value in environ.items():
        if not name.startswith("KB_"):
            continue
        key = name[3:].lower()
        section, _, rest = key.partition("_")
        if section in sections and rest in _section_type(section).__struct_fields__:
            result[section] = {**result.get(section, {}), rest: _value(value)}
        elif key in set(Config.__struct_fields__) - sections - {"root"}:
            result[key] = _value(value)
    return result


def _value(text: str) -> object:
    try:
        return tomllib.loads(f"v = {text}")["v"]
    except tomllib.TOMLDecodeError:
        return text


def _section_type(name: str) -> type[msgspec.Struct]:
    hint = get_type_hints(Config)[name]
    assert is_table(hint)
    return hint


def is_table(hint: Any) -> TypeGuard[type[msgspec.Struct]]:
    """Whether a setting's type is that of a table of settings."""
    return isinstance(hint, type) and issubclass(hint, msgspec.Struct)


def _build(kind: type[Any], table: Mapping[str, Any], *, where: str) -> Any:
    hints = get_type_hints(kind)
    values: dict[str, Any] = {}
    for raw, value in table.items():
        key = raw.replace("-", "_")
        if key not in hints:
            raise ConfigError(f"{where}: unknown key '{raw}'", hint=did_you_mean(key, set(hints) - {"root"}))
        values[key] = _coerce(hints[key], value, where=where, key=key)
    return kind(**values)


def _coerce(hint: Any, value: Any, *, where: str, key: str) -> Any:
    if is_table(hint):
        _expect(isinstance(value, Mapping), where, key, "a table")
        return _build(hint, value, where=f"{where[:-1]}.{key}]" if where.endswith("]") else f"{where}.{key}")
    origin, args = get_origin(hint), get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return next(_coerce(arg, value, where=where, key=key) for arg in args if arg is not type(None))
    if origin is tuple:
        _expect(isinstance(value, list | tuple), where, key, "a list")
        return tuple(_coerce(args[0], item, where=where, key=key) for item in value)
    if origin is not None and issubclass(origin, Mapping):
        _expect(isinstance(value, Mapping), where, key, "a table")
        return types.MappingProxyType(
            {str(k): _coerce(args[1], v, where=where, key=f"{key}.{k}") for k, v in value.items()}
        )
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if hint is not Any:
        right = isinstance(value, hint) and (hint is bool or not isinstance(value, bool))
        _expect(right, where, key, _NAMES.get(hint, "another type"))
    return value


_NAMES: dict[Any, str] = {str: "a string", int: "a whole number", float: "a number", bool: "true or false"}


def _expect(right: bool, where: str, key: str, what: str) -> None:
    if not right:
        raise ConfigError(f"{where}: '{key}' must be {what}")


def _check_languages(config: Config) -> None:
    if not config.languages:
        raise ConfigError(f"{_WHERE}: 'languages' is empty", hint='for example: languages = ["en", "uk"]')
    if len(set(config.languages)) < len(config.languages):
        raise ConfigError(f"{_WHERE}: 'languages' names one twice")
    for language in config.languages:
        # They become folder names and addresses; BCP 47 needs letters, digits and hyphens only.
        if not language.replace("-", "").isalnum() or not language.isascii() or not language[0].isalpha():
            raise ConfigError(
                f"{_WHERE}: '{language}' is not a language tag", hint="for example: en, uk, pt-BR"
            )
    for key in ("require", "parity"):
        for language in getattr(config, key):
            if language not in config.languages:
                raise ConfigError(
                    f"{_WHERE}: '{key}' names '{language}'", hint=did_you_mean(language, config.languages)
                )
    if config.default_language not in config.languages:
        raise ConfigError(
            f"{_WHERE}: 'default_language' is '{config.default_language}'",
            hint=did_you_mean(config.default_language, config.languages),
        )


_TYPED = ("order", "category", "language", "page")
_ADDRESS = re.compile(r"[^@\s?&%<>\"';,]+@[^@\s?&%<>\"';,]+")
_HOST = re.compile(r"([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?")
_REST = re.compile(r"[A-Za-z0-9/._~!$&()*+=:@%?-]*")
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})


def _check_contact(config: Config) -> None:
    contact = config.contact
    goes_to = {
        "desk": contact.desk,
        "mail": contact.mail,
        "webhook": contact.webhook,
        "zendesk": contact.zendesk.url,
        "zammad": contact.zammad.url,
    }
    used = [name for name, where in goes_to.items() if where]
    if len(used) > 1:
        raise ConfigError(
            f"{_CONTACT}: the form cannot go to {' and '.join(used)} at once",
            hint="keep one; 'kb desk serve' can pass tickets on: [tool.kb.desk]",
        )
    if set(used) & {"mail", "zendesk", "zammad"} and not _ADDRESS.fullmatch(contact.email):
        # Without scripts these forms can only become a mail.
        raise ConfigError(
            f"{_CONTACT}: '{used[0]}' needs 'email' as well", hint='for example: email = "help@shop.example"'
        )
    if not contact.desk.startswith("/") or contact.desk.startswith("//"):
        _check_address("desk", contact.desk)
    for name in ("webhook", "zendesk", "zammad"):
        _check_address(name, str(goes_to[name]))
    for name in contact.zendesk.fields:
        if name not in _TYPED:
            raise ConfigError(f"{_CONTACT}: zendesk: fields: '{name}'", hint=did_you_mean(name, _TYPED))
    for language in contact.zendesk.locales:
        if language not in config.languages:
            raise ConfigError(
                f"{_CONTACT}: zendesk: locales: '{language}'", hint=did_you_mean(language, config.languages)
            )


def _check_address(name: str, url: str) -> None:
    """What becomes part of a page's policy has to be an address and nothing more."""
    parts = urlsplit(url)
    found = _HOST.fullmatch(parts.netloc)
    secure = parts.scheme == "https" or (parts.scheme == "http" and found and found[1] in _LOOPBACK)
    if url and not (secure and found and _REST.fullmatch(parts.path + parts.query) and not parts.fragment):
        raise ConfigError(
            f"{_CONTACT}: {name}: '{url}' is no address to send to", hint="like https://shop.example"
        )
