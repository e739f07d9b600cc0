"""Every finding about content, in one table: its stable code, how severe it is, why it matters, an example.

The documentation's list of findings and the rules of machine-readable reports are made from :data:`FINDINGS`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from kb.errors import Problem, Severity


@dataclass(frozen=True, slots=True)
class Finding:
    """One kind of finding: ``title`` is a phrase, ``why`` a sentence for editors, ``example`` sets it off."""

    code: str
    severity: Severity
    title: str
    why: str
    example: str


_TABLE: tuple[Finding, ...] = (
    Finding(
        "articles-missing",
        "error",
        "no articles",
        "There is nothing to publish: the articles folder, or a folder for any of the languages, is missing.",
        'languages = ["en"] in pyproject.toml, but no folder articles/en',
    ),
    Finding(
        "language-not-configured",
        "warning",
        "articles in a language that is not configured",
        "A folder with articles beside the language folders is not published, rarely what was meant.",
        "articles/ua/ while the languages are en and uk",
    ),
    Finding(
        "symbolic-link",
        "error",
        "symbolic link",
        "A link could publish any file of the machine that builds the site, so none is followed.",
        "articles/en/returns/terms.md -> /etc/passwd",
    ),
    Finding(
        "unreadable",
        "error",
        "file that cannot be read",
        "The file is not a regular file, or the build may not read it.",
        "a named pipe, a file without read permission",
    ),
    Finding(
        "name-forbidden",
        "error",
        "file or folder name that cannot be published",
        "Names become addresses and must work on every system: no spaces, no invisible characters, "
        "no names that Windows reserves, no characters with a meaning in addresses.",
        "articles/en/returns/con.md, articles/en/How to return?.md",
    ),
    Finding(
        "name-case-twin",
        "error",
        "names that differ by case only",
        "On many systems and hosts they are one file, and one page would overwrite the other.",
        "articles/en/returns/size.md and articles/uk/returns/Size.md",
    ),
    Finding(
        "address-clash",
        "error",
        "two articles at one address",
        "An article and a folder's index.md of the same name would be published at the same address.",
        "articles/en/returns/size.md and articles/en/returns/size/index.md",
    ),
    Finding(
        "article-without-category",
        "error",
        "article outside a category",
        "Only index.md, the home page's text, lies right in a language's folder; articles need a category.",
        "articles/en/refunds.md",
    ),
    Finding(
        "file-too-large",
        "error",
        "file too large",
        "An article of more than 1 MB, or another file of more than 5, is a mistake or an attack.",
        "a 5 MB article",
    ),
    Finding(
        "encoding",
        "error",
        "text that is not UTF-8",
        "Saved in another encoding, letters would be wrong on the page.",
        "a Ukrainian article saved as windows-1251",
    ),
    Finding(
        "control-character",
        "error",
        "control character",
        "NUL and other control characters are not text; browsers and search drop or stumble over them.",
        "a NUL byte between two words",
    ),
    Finding(
        "line-ends",
        "error",
        "line ends of old Macintosh files",
        "Most programs take lines that end in a lone carriage return for one. LF and CRLF are both fine.",
        "a file exported with classic Mac line ends",
    ),
    Finding(
        "front-matter-missing",
        "error",
        "no front matter",
        "Each article begins with its title and other details between two lines of three hyphens.",
        "an article that begins with '# How to return'",
    ),
    Finding(
        "front-matter-unclosed",
        "error",
        "front matter without an end",
        "Without the second line of three hyphens the whole article would be taken for details.",
        "--- / title: Returns / (no closing ---)",
    ),
    Finding(
        "front-matter-syntax",
        "error",
        "front matter that is not YAML",
        "A colon or a quotation mark in a value without quotes is the usual reason.",
        "title: Returns: how to",
    ),
    Finding(
        "front-matter-not-a-mapping",
        "error",
        "front matter that is not a list of names and values",
        "Each line says 'name: value'.",
        "--- / just a sentence / ---",
    ),
    Finding(
        "front-matter-too-large",
        "error",
        "front matter too large",
        "More than 64 KB, or nested deeper than any detail of an article is: refused before it costs time.",
        "tags: [[[[[[[[[[[[…",
    ),
    Finding(
        "front-matter-tag",
        "error",
        "YAML tag",
        "Tags ask a program to build objects; articles have no use for them and attackers do.",
        "title: !!python/object/apply:os.system [id]",
    ),
    Finding(
        "front-matter-alias",
        "error",
        "YAML alias",
        "Aliases can blow a small file up to gigabytes, so values are written out.",
        "tags: *common",
    ),
    Finding(
        "front-matter-unknown-key",
        "error",
        "unknown detail",
        "A misspelt name would be ignored without a word.",
        "titel: Returns",
    ),
    Finding(
        "front-matter-duplicate-key",
        "error",
        "detail given twice",
        "Only one of the two values could count.",
        "two lines 'title: …'",
    ),
    Finding(
        "front-matter-type",
        "error",
        "value of the wrong kind",
        "A list where a text belongs, a word where a number belongs.",
        "questions: Where is my parcel?  (a list is needed)",
    ),
    Finding(
        "front-matter-value",
        "error",
        "value that is not allowed",
        "Some details know only a few values.",
        "audience: staff  (public or internal)",
    ),
    Finding(
        "front-matter-date",
        "error",
        "date that does not exist",
        "Dates are written year-month-day and must exist in the calendar.",
        "review_by: 2027-02-30",
    ),
    Finding(
        "front-matter-id",
        "error",
        "not an article id",
        "An id is the path below the language folder without its ending; so is an old address.",
        "related: ['https://shop.example/returns']",
    ),
    Finding(
        "title-missing",
        "error",
        "no title",
        "The title is the page's heading, its entry in menus and in search results.",
        "--- / tags: [refund] / ---",
    ),
)

FINDINGS: Mapping[str, Finding] = MappingProxyType({finding.code: finding for finding in _TABLE})
"""code → what it means; in the order of the documentation."""


def problem(code: str, path: str, line: int | None, message: str, hint: str = "") -> Problem:
    """A :class:`Problem` with the severity of the table; ``KeyError`` for a code that is not in it."""
    return Problem(code, path, line, message, hint, FINDINGS[code].severity)
