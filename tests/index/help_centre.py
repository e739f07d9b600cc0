"""A small help centre in two languages, indexed for both engines."""

from pathlib import Path

from kb.index import writer
from kb.index.document import Document, Section
from kb.index.rules import Rules

ENGLISH = (
    ("delivery/times", "Delivery times and cost", ("how long does shipping take", "what does postage cost"),
     "Parcels reach a branch within three days. A courier costs 130 hryvnias. Furniture comes with our own van."),
    ("returns/refund", "Refunds", ("when do I get my money back",),
     "We refund the card you paid with. The bank needs three to seven days. Bedding must be unopened."),
    ("account/password", "Forgotten password", ("I cannot sign in",),
     "Choose Forgotten password on the sign-in page. A link comes by e-mail and works for one hour."),
    ("products/warranty", "Warranty", ("how long is the guarantee",),
     "Furniture has 24 months, the kettle Veres 1.7 l has 12. Keep order OS-4821073 at hand."),
)  # fmt: skip
UKRAINIAN = (
    ("delivery/times", "Терміни та вартість доставки", ("скільки їде посилка",),
     "Посилка приходить у відділення за три дні. Кур'єр коштує 130 гривень. Меблі, зокрема ліжко, везе наш фургон."),
    ("returns/refund", "Повернення коштів", ("коли повернуть гроші",),
     "Кошти повертаємо на картку, якою ви платили. Банк зараховує їх від трьох до семи днів."),
    ("account/password", "Забутий пароль", ("не можу увійти",),
     "Натисніть «Забули пароль» на сторінці входу. Посилання прийде електронною поштою."),
    ("products/warranty", "Гарантія", ("на скільки гарантія",),
     "Меблі мають гарантію 24 місяці, чайник 12. Знадобиться номер замовлення OS-4821073."),
)  # fmt: skip
RULES = {
    "en": Rules(frozenset({"how", "do", "i", "my", "the"}), ((("refund",), ("reimbursement",)),)),
    "uk": Rules(frozenset({"як", "мій", "на"}), ()),
}


def documents(language: str) -> list[Document]:
    """Each article with its text in two sections, the second under a heading."""
    made = []
    for id, title, questions, text in {"en": ENGLISH, "uk": UKRAINIAN}[language]:
        first, _, rest = text.partition(". ")
        sections = (Section("", "", first + "."), Section("details", title, rest))
        category = id.partition("/")[0]
        made.append(Document(id, f"{id}/", title, language, questions, (), category, sections))
    return made


def write(folder: Path) -> Path:
    """Indexes of both languages: ``folder/<lang>`` on disk, ``folder/site/<lang>`` for the browser."""
    for language in ("en", "uk"):
        writer.write(
            writer.sources(documents(language)),
            language=language,
            rules=RULES[language],
            site_dir=folder / "site" / language,
            index_dir=folder / language,
            languages=("en", "uk"),
        )
    return folder
