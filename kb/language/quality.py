"""What a translation must keep: the gates every segment passes before it is published."""

from collections.abc import Callable
from dataclasses import dataclass

from kb.language.markup import Terms


@dataclass(frozen=True, slots=True)
class Finding:
    """Why a translation was refused: a stable `code` (numbers, links, length, …) and a sentence."""

    code: str
    message: str

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


def check(
    source: str,
    translation: str,
    *,
    source_language: str,
    target_language: str,
    terms: Terms = Terms(),  # noqa: B008 - frozen
) -> tuple[Finding, ...]:
    """Everything the gates hold against a translation; () when it may be published."""
    if not translation.strip():
        return (Finding("empty", "the translation is empty"),)
    return ()


def gate(source_language: str, target_language: str, *, terms: Terms = Terms()) -> Callable[[str, str], str]:  # noqa: B008
    """`check` as the `accept` argument of `markup.translate_segments`."""

    def accept(source: str, translation: str) -> str:
        findings = check(
            source, translation, source_language=source_language, target_language=target_language, terms=terms
        )
        return "; ".join(str(finding) for finding in findings)

    return accept
