"""Every finding, in one table: its stable code, how severe it is, why it matters, an example.

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
    Finding(
        "file-type",
        "warning",
        "file of a kind that is not published",
        "Only images, documents, sound and video beside the articles are copied to the site.",
        "articles/en/returns/form.html",
    ),
    Finding(
        "file-content",
        "error",
        "file that is not what its name says",
        "A browser would not show it, or would take it for something else.",
        "a web page saved as photo.png",
    ),
    Finding(
        "image-heavy",
        "warning",
        "heavy image",
        "Customers on a phone wait for every megabyte.",
        "a photo of 4 MB straight from the camera",
    ),
    Finding(
        "svg-unsafe",
        "error",
        "SVG that does more than draw",
        "SVG files can hold scripts and fetch other files, so only drawing elements are allowed.",
        "<svg …><script>…</script></svg>",
    ),
    Finding(
        "link-dead",
        "error",
        "dead link",
        "The link leads to no article and no file.",
        "[refunds](refund.md) where the file is refunds.md",
    ),
    Finding(
        "link-outside",
        "error",
        "link or image outside the content",
        "A page may only use what lies in its language's folder, or an article could publish any file.",
        "![](../../../../etc/passwd), ![](/logo.png)",
    ),
    Finding(
        "link-not-a-file",
        "warning",
        "link to an address instead of a file",
        "Links to files are checked, work in editors, and follow the site when it moves; addresses do not.",
        "[refunds](/returns/refunds/)",
    ),
    Finding(
        "link-scheme",
        "warning",
        "link of a kind that is removed",
        "Links that run something, or that browsers do not know, are taken off the page.",
        "[click](javascript:alert(1))",
    ),
    Finding(
        "link-undefined",
        "warning",
        "link label without a definition",
        "Readers would see the square brackets.",
        "[refunds][r] without a line [r]: refunds.md",
    ),
    Finding(
        "link-to-hidden",
        "warning",
        "link to an article readers do not see",
        "The article is a draft, internal or expired; the link would lead nowhere.",
        "a link to an article with draft: true",
    ),
    Finding(
        "anchor-dead",
        "warning",
        "link to a place that is not there",
        "The page opens at its top instead of at the heading that was meant.",
        "refunds.md#how-log",
    ),
    Finding(
        "image-missing",
        "error",
        "missing image",
        "The file exists neither in this language nor in any other.",
        "![label](images/lable.png)",
    ),
    Finding(
        "image-external",
        "warning",
        "image on another server",
        "Pages ask no other server, for the readers' privacy: the image is not shown.",
        "![](https://other.example/logo.png)",
    ),
    Finding(
        "image-alt-missing",
        "warning",
        "image without alternative text",
        "People who cannot see the image, and search, have nothing instead.",
        "![](images/label.png)",
    ),
    Finding(
        "snippet-outside",
        "error",
        "snippet outside the articles folder",
        "A snippet is copied into the page, so it may come from the articles folder only.",
        '--8<-- "/etc/passwd"',
    ),
    Finding(
        "snippet-missing",
        "error",
        "missing snippet",
        "The file that is to be copied into the page does not exist.",
        '--8<-- "_snippets/trems.md"',
    ),
    Finding(
        "related-unknown",
        "error",
        "related article that does not exist",
        "'related' lists ids of articles.",
        "related: [returns/refund]",
    ),
    Finding(
        "related-self",
        "warning",
        "article related to itself",
        "The link would lead to the page it is on.",
        "related: [returns/size] in returns/size.md",
    ),
    Finding(
        "redirect-clash",
        "error",
        "old address that is in use",
        "An article is published there, so it cannot lead to another one.",
        "redirect_from: [returns/refunds] while returns/refunds.md exists",
    ),
    Finding(
        "redirect-twice",
        "error",
        "old address claimed twice",
        "It can lead to one article only.",
        "redirect_from: [faq/1] in two articles",
    ),
    Finding(
        "review-overdue",
        "warning",
        "review date passed",
        "Someone promised to read the article again by that day.",
        "review_by: 2024-01-31",
    ),
    Finding(
        "expired",
        "warning",
        "expired article",
        "It is not published any more; a forgotten file only confuses.",
        "expires: 2024-12-31",
    ),
    Finding(
        "questions-missing",
        "warning",
        "article without questions",
        "The ways customers ask are the strongest help search can get.",
        "an article without 'questions'",
    ),
    Finding(
        "body-empty",
        "warning",
        "article without text",
        "Customers would open an empty page.",
        "front matter and nothing below it",
    ),
    Finding(
        "category-unnamed",
        "warning",
        "category without a page",
        "Its name is then made of the folder's name, in every language the same.",
        "a folder returns/ without returns/index.md",
    ),
    Finding(
        "title-twice",
        "warning",
        "title given twice",
        "In menus and search results nobody can tell the two articles apart.",
        "two articles 'Delivery'",
    ),
    Finding(
        "question-twice",
        "warning",
        "question in two articles",
        "Search cannot know which of the two answers it.",
        "'Where is my parcel?' in two articles",
    ),
    Finding(
        "article-twice",
        "warning",
        "two articles with nearly the same text",
        "Sooner or later only one of them is kept right.",
        "a copied article with another title",
    ),
    Finding(
        "heading-top",
        "warning",
        "second top heading",
        "The title is the page's only heading of the first level; screen readers and search rely on that.",
        "# Refunds",
    ),
    Finding(
        "heading-jump",
        "warning",
        "heading that skips a level",
        "People who jump from heading to heading think they have missed one.",
        "#### below ##",
    ),
    Finding(
        "secret",
        "error",
        "password or key in an article",
        "Everyone who reads the site, or the repository, can use it.",
        "a private key pasted as an example",
    ),
)

_ELSEWHERE: tuple[Finding, ...] = (
    Finding(
        "category-reserved",
        "error",
        "category named like a page of the site",
        "The site itself has pages at search, contact, assets and api.",
        "articles/en/search/index.md",
    ),
    Finding(
        "translation-stale",
        "warning",
        "translation older than its source",
        "The source changed after a person had translated it; readers may be told something that is no longer so.",
        "the English price changed, the approved Ukrainian text did not",
    ),
    Finding(
        "translation-required",
        "error",
        "language behind what is required of it",
        "'require' in pyproject.toml says how good every article of a language has to be at least.",
        'require = { uk = "reviewed" }, and an article is machine text only',
    ),
    Finding(
        "translation-parity",
        "error",
        "language with fewer articles than the default one",
        "'parity' in pyproject.toml names languages that must have every article.",
        'parity = ["uk"], and an article exists in English only',
    ),
    Finding(
        "translation-breaks-page",
        "warning",
        "translation that changes the page's structure",
        "The piece stays in the source's language, since with it a list or a table would fall apart.",
        "msgstr with one more | in a table's row",
    ),
    Finding(
        "translation-refused",
        "info",
        "machine translation that was refused",
        "It lost a link, a number or a placeholder; the piece stays in the source's language.",
        "{order_id} in the source, none in the translation",
    ),
    Finding(
        "no-engine",
        "warning",
        "no engine for a pair of languages",
        "Pieces wait for a translation, and no installed engine or model makes it.",
        "an article to translate into uk, and no model en-uk",
    ),
    Finding(
        "require-unknown",
        "error",
        "level that does not exist",
        "'require' knows machine, reviewed and written.",
        'require = { uk = "perfect" }',
    ),
    Finding(
        "po-syntax",
        "error",
        "PO file that cannot be read",
        "A line is no part of a PO file, or an entry lacks a part.",
        "msgid without its msgstr",
    ),
    Finding(
        "po-merge-conflict",
        "error",
        "PO file with an unresolved merge",
        "Git left both versions in the file.",
        "<<<<<<< HEAD",
    ),
    Finding(
        "po-encoding",
        "error",
        "PO file that is not UTF-8",
        "Saved in another encoding, letters would be wrong on the page.",
        "a .po file saved as windows-1251",
    ),
    Finding(
        "po-plural",
        "error",
        "plural forms in a PO file",
        "Articles have none; another program's file may have been put here.",
        "msgid_plural",
    ),
    Finding(
        "po-duplicate",
        "error",
        "piece translated twice in one file",
        "Only one of the two could be used.",
        "two entries with the same msgctxt and msgid",
    ),
    Finding(
        "po-unused",
        "warning",
        "PO file that translates nothing",
        "There is no such article, or a person wrote it in this language.",
        "returns/size.po without any returns/size.md",
    ),
    Finding(
        "glossary",
        "error",
        "glossary that cannot be read",
        "Each line of articles/glossary/<lang>.yml is 'Term: translation'.",
        "- parcel",
    ),
    Finding(
        "golden-question",
        "error",
        "golden question that lost its article",
        "A question in search/<lang>/questions.tsv no longer finds its article among the first three.",
        "en / where is my parcel / delivery/track-parcel",
    ),
    Finding(
        "questions-columns",
        "error",
        "golden question with missing columns",
        "Each line has a language, a question and an article's id, separated by tabs.",
        "en / where is my parcel (and no third column)",
    ),
    Finding(
        "questions-unreadable",
        "error",
        "golden questions that cannot be read",
        "The file is not UTF-8 text.",
        "questions.tsv saved as a spreadsheet",
    ),
    Finding(
        "search-rules",
        "error",
        "synonyms or stop words that cannot be read",
        "synonyms.yml is a list of lists of words, stopwords.yml a list of words.",
        "parcel: package",
    ),
    Finding(
        "redirect-from-unusable",
        "warning",
        "former address that cannot be one",
        "A host could not serve a page under this name.",
        "redirect_from: ['old/what?']",
    ),
    Finding(
        "history-shallow",
        "warning",
        "history that is cut off",
        "Dates of articles and redirects of renamed ones come from git; fetch all of it.",
        "a clone with --depth 1",
    ),
    Finding(
        "site-url-missing",
        "warning",
        "site without an address",
        "Search engines need it: without it there is no sitemap and no canonical address.",
        "mkdocs.yml without site_url",
    ),
    Finding(
        "strings-missing",
        "warning",
        "interface not translated",
        "Buttons and notices are shown in English in this language.",
        "a language without theme/strings/<lang>.yml",
    ),
    Finding(
        "mkdocs",
        "warning",
        "what MkDocs or a plugin reports",
        "The message is theirs.",
        "a warning of a plugin in mkdocs.yml",
    ),
    Finding(
        "cache-damaged",
        "warning",
        "damaged entry of the cache",
        "What earlier builds remembered is not what they wrote, and was made anew; when this repeats, the disk is failing.",
        "a file below .kb/cache cut short by a full disk",
    ),
    Finding(
        "output-forbidden",
        "error",
        "file that must not be published",
        "Databases, settings, logs and hidden files have no place in a site.",
        ".env in the theme's folder",
    ),
    Finding(
        "output-machine-path",
        "error",
        "path of the build machine in a page",
        "A plugin or hook writes it; it tells strangers how the machine is set up.",
        "/home/anna/help in a page",
    ),
    Finding(
        "render-slow",
        "error",
        "article that takes too long to render",
        "Deep nesting or a huge table would hold up every build.",
        "5,000 opening brackets in a row",
    ),
    Finding(
        "render-deep",
        "error",
        "article nested too deeply",
        "Lists and quotes inside one another have an end.",
        "a quote in a quote, hundreds of times",
    ),
    Finding(
        "render-failed",
        "error",
        "article that cannot be rendered",
        "A Markdown extension stumbles over it.",
        "Markdown that an extension in mkdocs.yml cannot take",
    ),
)
"""What is not found in the articles' own text: translations, search, settings, the finished site."""

FINDINGS: Mapping[str, Finding] = MappingProxyType(
    {finding.code: finding for finding in (*_TABLE, *_ELSEWHERE)}
)
"""code → what it means; in the order of the documentation."""

OF_BUILDS = frozenset(
    {
        "cache-damaged",
        "mkdocs",
        "output-forbidden",
        "output-machine-path",
        "redirect-from-unusable",
        "render-deep",
        "render-failed",
        "render-slow",
        "site-url-missing",
        "strings-missing",
    }
)
"""Codes of what only a build can find."""


def problem(code: str, path: str, line: int | None, message: str, hint: str = "") -> Problem:
    """A :class:`Problem` with the severity of the table; ``KeyError`` for a code that is not in it."""
    return Problem(code, path, line, message, hint, FINDINGS[code].severity)
