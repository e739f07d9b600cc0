"""From ``[tool.kb.desk]``, the environment and the articles to a desk that can be used."""

import argparse
import logging
import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, time
from pathlib import Path
from types import MappingProxyType
from typing import TextIO
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from kb import config as configuration
from kb.cli.console import Console
from kb.config import Config, DeskHoursConfig
from kb.content.article import Catalog
from kb.desk import tickets
from kb.desk.database import Database
from kb.desk.keys import Keyring, load_keyring, secret
from kb.desk.observe import JsonLines
from kb.desk.service import Desk
from kb.desk.settings import (
    Limits,
    MailSettings,
    Settings,
    WebhookSettings,
    WorkingHours,
    ZammadSettings,
    ZendeskSettings,
)
from kb.desk.strings import Strings, load_strings
from kb.desk.suggest import Suggest, built_commit, from_index
from kb.errors import ConfigError, did_you_mean
from kb.publish.contact import BUILD_FILE
from kb.resources import theme_dir

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_HOURS = re.compile(r"(\d{1,2}):(\d{2})\s*[-–]\s*(\d{1,2}):(\d{2})")
_SITE_SETTING = r"^{name}:[ \t]*[\"']?(.*?)[\"']?[ \t]*$"
_KEY_FILE = ".kb/desk.key"
BUILT_INDEX = ".kb/index"
"""Where the build leaves the indexes, relative to the content folder."""


@dataclass(frozen=True, slots=True)
class Setup:
    """What a desk is made of."""

    config: Config
    settings: Settings
    keyring: Keyring
    strings: Strings
    environ: Mapping[str, str]

    @property
    def site_url(self) -> str:
        """Where customers read the articles, without a slash at its end; empty where nobody said."""
        return self.settings.public_url or _site_setting(self.config.root, "site_url").rstrip("/")

    def database(self) -> Database:
        return tickets.open_database(database_address(self.config))

    def desk(self, *, address: str, suggest: Suggest) -> Desk:
        """A desk for serving; ``address`` stands in for a public one that is not configured."""
        settings = self.settings
        if not settings.public_url:
            if settings.mail is not None:
                raise ConfigError(
                    "[tool.kb.desk]: mails need 'public_url' for their links",
                    hint='for example: public_url = "https://help.shop.example"',
                )
            settings = replace(settings, public_url=address)
        settings = replace(settings, categories=_categories(self.config))
        built = self.config.root / BUILT_INDEX / BUILD_FILE
        commit = built_commit(built, otherwise=_commit(self.config.root))
        return Desk(settings, self.database(), self.keyring, self.strings, suggest=suggest, commit=commit)

    def suggest(self) -> Suggest:
        """The index of the built site; nothing where there is none yet."""
        return from_index(self.config.root / BUILT_INDEX)

    def log_to(self, stream: TextIO) -> None:
        handler = logging.StreamHandler(stream)
        handler.setFormatter(JsonLines())
        for name in ("kb.desk", "uvicorn"):
            logger = logging.getLogger(name)
            logger.handlers, logger.propagate = [handler], False
            logger.setLevel(logging.INFO)


def load(args: argparse.Namespace, console: Console) -> Setup:
    """The desk of the content folder the command was given."""
    environ = console.environ
    config = configuration.load(Path(args.root), environ)
    return Setup(
        config,
        desk_settings(config, environ),
        load_keyring(environ, config.root / _KEY_FILE),
        load_strings(theme_dir() / "strings" / "desk"),
        environ,
    )


def database_address(config: Config) -> str:
    where = config.desk.database
    return where if "://" in where else str(config.root / where)


def desk_settings(config: Config, environ: Mapping[str, str]) -> Settings:
    """The desk's settings with their secrets.

    Raises:
        ConfigError: a setting that cannot be, or one whose secret is missing.
    """
    desk = config.desk
    if desk.proof_of_work not in ("never", "pressure", "always"):
        raise ConfigError(
            f"[tool.kb.desk]: 'proof_of_work' is '{desk.proof_of_work}'",
            hint=did_you_mean(desk.proof_of_work, ("never", "pressure", "always")),
        )
    return Settings(
        languages=config.languages,
        default_language=config.default_language,
        site_name=desk.site_name or _site_setting(config.root, "site_name"),
        public_url=desk.public_url.rstrip("/"),
        hosts=desk.hosts,
        origins=desk.origins,
        trusted_proxies=desk.trusted_proxies,
        allowed_networks=desk.allowed_networks,
        fallback_email=config.contact.email,
        expected_reply=config.contact.expected_reply,
        hours=_hours(desk.hours),
        limits=Limits(**{name: getattr(desk.limits, name) for name in Limits.__dataclass_fields__}),
        proof_of_work=desk.proof_of_work,
        keep_days=desk.keep_days,
        events_days=desk.events_days,
        link_days=desk.link_days,
        mail=_mail(config, environ),
        webhook=_webhook(config, environ),
        zendesk=_zendesk(config, environ),
        zammad=_zammad(config, environ),
    )


def _mail(config: Config, environ: Mapping[str, str]) -> MailSettings | None:
    mail = config.desk.mail
    if not mail.host:
        return None
    if mail.security not in ("starttls", "tls", "none"):
        raise ConfigError(
            f"[tool.kb.desk.mail]: 'security' is '{mail.security}'",
            hint=did_you_mean(mail.security, ("starttls", "tls", "none")),
        )
    sender = mail.sender or config.contact.email
    if not sender:
        raise ConfigError(
            "[tool.kb.desk.mail]: 'sender' is missing", hint='for example: sender = "help@shop.example"'
        )
    password = secret(environ, "KB_DESK_MAIL_PASSWORD") if mail.user else ""
    return MailSettings(mail.host, sender, mail.port, mail.security, mail.user, password, mail.team)


def _webhook(config: Config, environ: Mapping[str, str]) -> WebhookSettings | None:
    url = config.desk.webhook.url
    return WebhookSettings(url, _needed(environ, "KB_DESK_WEBHOOK_SECRET")) if url else None


def _zendesk(config: Config, environ: Mapping[str, str]) -> ZendeskSettings | None:
    zendesk = config.desk.zendesk
    if not zendesk.url:
        return None
    return ZendeskSettings(zendesk.url, zendesk.user, _needed(environ, "KB_DESK_ZENDESK_TOKEN"))


def _zammad(config: Config, environ: Mapping[str, str]) -> ZammadSettings | None:
    zammad = config.desk.zammad
    return (
        ZammadSettings(zammad.url, _needed(environ, "KB_DESK_ZAMMAD_TOKEN"), zammad.group)
        if zammad.url
        else None
    )


def _needed(environ: Mapping[str, str], name: str) -> str:
    value = secret(environ, name)
    if not value:
        raise ConfigError(f"{name} is not set", hint=f"set it, or {name}_FILE to a file that holds it")
    return value


def _hours(hours: DeskHoursConfig) -> WorkingHours:
    where = "[tool.kb.desk.hours]"
    try:
        ZoneInfo(hours.timezone)
    except (ZoneInfoNotFoundError, ValueError):
        raise ConfigError(
            f"{where}: no such time zone: '{hours.timezone}'", hint="like Europe/Kyiv"
        ) from None
    days: dict[int, tuple[time, time]] = {}
    for day, span in hours.days.items():
        found = _HOURS.fullmatch(span.strip())
        if day not in _DAYS or found is None:
            raise ConfigError(f"{where}: days: '{day} = {span}'", hint='like: mon = "9:00-18:00"')
        numbers = [int(n) for n in found.groups()]
        try:
            days[_DAYS.index(day)] = (time(numbers[0], numbers[1]), time(numbers[2], numbers[3]))
        except ValueError:
            raise ConfigError(f"{where}: days: no such time: '{span}'") from None
    try:
        holidays = frozenset(date.fromisoformat(day) for day in hours.holidays)
    except ValueError as error:
        raise ConfigError(f"{where}: holidays: {error}", hint='like: holidays = ["2026-12-25"]') from None
    return WorkingHours(hours.timezone, MappingProxyType(days), holidays)


def _site_setting(root: Path, name: str) -> str:
    # Only this one line: mkdocs.yml may hold tags that only MkDocs understands.
    try:
        text = (root / "mkdocs.yml").read_text("utf-8")
    except OSError:
        return ""
    found = re.search(_SITE_SETTING.format(name=name), text, re.MULTILINE)
    return found[1] if found else ""


def _commit(root: Path) -> str:
    """The commit of the articles, where they are in git."""
    environ = {**os.environ, "GIT_OPTIONAL_LOCKS": "0"}
    try:
        found = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=root, env=environ, capture_output=True, text=True, check=False
        )
    except OSError:
        return ""
    return found.stdout.strip() if found.returncode == 0 else ""


def public_catalog(config: Config) -> Catalog:
    """What customers can read, translations included."""
    from kb.content.reader import read
    from kb.language import memory, translate

    catalog, _ = read(config.root, config.articles, config.languages)
    memories, _ = memory.load(config.articles_dir, config.languages, root=config.root)
    catalog, _ = translate.with_memory(catalog, memories, review=config.translate.review)
    return catalog.public(date.today())


def _categories(config: Config) -> Mapping[str, Mapping[str, str]]:
    catalog = public_catalog(config)
    titles = {
        language: {category.id: category.title for category in catalog.edition(language).categories}
        for language in config.languages
    }
    return MappingProxyType(titles)
