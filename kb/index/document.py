"""What is indexed and what is answered: frozen values, no input or output."""

import msgspec

ASKING_WEIGHT = 2
"""A word of the title, the tags or the questions counts as so many of the text: they are how customers put it."""


class Section(msgspec.Struct, frozen=True):
    """Plain text below one heading; the text before the first heading has no anchor and no heading."""

    anchor: str
    heading: str
    text: str


class Document(msgspec.Struct, frozen=True):
    """One article as search sees it. ``url`` is relative to the language's folder of the site."""

    id: str
    url: str
    title: str
    language: str
    questions: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    category: str = ""
    sections: tuple[Section, ...] = ()
    origin: str = "written"

    def fields(self) -> tuple[str, ...]:
        """All texts in the order in which both engines store them."""
        sections = (part for section in self.sections for part in (section.heading, section.text))
        return (self.title, " ".join(self.tags), *self.questions, *sections)

    def weights(self) -> tuple[int, ...]:
        """What a word of each field counts, in the order of :meth:`fields`."""
        ask = (ASKING_WEIGHT,) * (2 + len(self.questions))
        return (*ask, *(1, 1) * len(self.sections))


class Passage(msgspec.Struct, frozen=True):
    """The part of an article that answers; ``marks`` are (start, end) offsets of matched words in ``text``."""

    text: str
    anchor: str = ""
    heading: str = ""
    marks: tuple[tuple[int, int], ...] = ()


class Suggestion(msgspec.Struct, frozen=True):
    """An article that answers a question. ``score`` lies between 0 and 1.

    ``language`` is that of the edition it opens in, ``matched`` the language in which the question met it.
    ``why`` names what had to be understood first: ``corrected``, ``layout``, ``transliterated``, ``translated``.
    """

    id: str
    url: str
    title: str
    category: str
    passage: Passage
    score: float
    language: str
    matched: str
    origin: str = "written"
    why: tuple[str, ...] = ()


class Answer(msgspec.Struct, frozen=True):
    """All that a question brings: ``shown`` is the question as it was understood, empty when as it was typed."""

    suggestions: tuple[Suggestion, ...]
    shown: str = ""
    why: tuple[str, ...] = ()
