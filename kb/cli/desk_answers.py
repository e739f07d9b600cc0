"""What the team's answer says: a text, an article's opening, or both, in the customer's language."""

from collections.abc import Mapping

from kb.cli.desk_setup import Setup, public_catalog
from kb.content.article import Article
from kb.content.outline import plain_text
from kb.desk.team import Answer, Compose
from kb.desk.tickets import Ticket
from kb.errors import ConfigError, did_you_mean

_QUOTE_CHARACTERS = 700


def composer(setup: Setup, *, text: str, language: str, article: str, translate: bool) -> Compose:
    """How to answer a ticket. ``language`` is that of ``text``, the customer's when empty.

    Raises:
        ConfigError: no such article, or nothing to say.
    """
    if not text and not article:
        raise ConfigError("there is no text to send", hint="give --message, --file or --article")
    if translate and not language:
        raise ConfigError("--translate needs to know what from", hint="say --lang LANGUAGE of your text")
    quotes = _quotes(setup, article) if article else {}

    def compose(ticket: Ticket) -> Answer:
        wanted = ticket.draft.language
        said, machine = text, False
        if text and translate and language != wanted:
            said, machine = _engine(setup, language, wanted, text), True
        parts = [part for part in (said, quotes.get(wanted, "")) if part]
        spoken = wanted if machine or not language else language
        return Answer("\n\n".join(parts), spoken, article, machine)

    return compose


def translated(setup: Setup, ticket: Ticket, language: str) -> str:
    """A ticket's conversation by machine in ``language``."""
    parts = [(ticket.draft.language, f"{ticket.draft.subject}\n\n{ticket.draft.body}")]
    parts += [(message.language, message.body) for message in ticket.messages]
    return "\n\n---\n".join(
        text if own == language else _engine(setup, own, language, text) for own, text in parts
    )


def _quotes(setup: Setup, id: str) -> Mapping[str, str]:
    """Language → the opening of the article, with a link to all of it."""
    config = setup.config
    catalog = public_catalog(config)
    if id not in catalog.sources:
        raise ConfigError(f"there is no article '{id}'", hint=did_you_mean(id, catalog.sources))
    base = setup.site_url
    quotes = {}
    for language in config.languages:
        article = catalog.edition(language).by_id[id]
        quotes[language] = f"{article.title}\n\n{_opening(article)}\n{base}/{language}/{id}/"
    return quotes


def _opening(article: Article) -> str:
    """The first paragraphs, without markup."""
    taken: list[str] = []
    for paragraph in article.body.split("\n\n"):
        text = paragraph.strip()
        # Headings, boxes, tables, pictures and lists of definitions make no sense out of their page.
        if not text or text.startswith(("#", "!!!", "???", "===", "|", "![", "<", "[^", "*[", "    ")):
            if taken:
                break
            continue
        taken.append("\n".join(plain_text(line) for line in text.splitlines()))
        if sum(map(len, taken)) > _QUOTE_CHARACTERS:
            break
    return "\n\n".join(taken)


def _engine(setup: Setup, source: str, target: str, text: str) -> str:
    """``text`` by the installed engines.

    Raises:
        EngineError: there is none for the pair.
    """
    from kb.language import engines
    from kb.language.pins import Pins

    config = setup.config
    models = config.root / config.translate.models
    installed = engines.available(config.translate.engines, models, setup.environ, Pins(models))
    try:
        return engines.translate_text(text, source, target, installed)[0]
    finally:
        for engine in installed:
            engine.close()
