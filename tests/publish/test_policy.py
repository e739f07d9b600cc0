"""The Content-Security-Policy: what it allows, and how it counts inline code."""

from base64 import b64encode
from hashlib import sha256

from kb.publish.policy import MARKER, Sources, headers, inline, policy, secure


def digest(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def test_policy_allows_the_site_itself_and_nothing_else() -> None:
    directives = dict(part.split(" ", 1) for part in policy(Sources()).split("; "))
    assert directives["default-src"] == "'none'"
    assert directives["script-src"] == directives["style-src"] == directives["worker-src"] == "'self'"
    assert directives["img-src"] == "'self' data:"
    assert directives["base-uri"] == "'none'"


def test_inline_code_is_allowed_by_its_hash_alone() -> None:
    html = f"<meta content='{MARKER}'><script>go()</script><style>p{{}}</style>"
    page, sources = secure(html)
    assert sources == Sources(frozenset({digest("go()")}), frozenset({digest("p{}")}))
    assert f"script-src 'self' {digest('go()')};" in page
    assert f"style-src 'self' {digest('p{}')};" in page
    assert MARKER not in page


def test_files_and_data_are_no_inline_code() -> None:
    assert inline('<script src="x.js"></script><script type="application/ld+json">{}</script>') == Sources()
    assert inline('<script type="application/json" id="c">{}</script>') == Sources()


def test_script_whose_data_attribute_ends_in_src_is_inline() -> None:
    assert inline('<script data-src="x">go()</script>').scripts == {digest("go()")}


def test_origins_of_a_configured_form_are_added() -> None:
    text = policy(Sources(), connect=["https://desk.example"], form_action=["https://desk.example"])
    assert "connect-src 'self' https://desk.example;" in text
    assert "form-action 'self' https://desk.example;" in text


def test_headers_say_what_a_meta_tag_cannot() -> None:
    found = headers(Sources())
    assert found["Content-Security-Policy"].endswith("; frame-ancestors 'none'")
    assert found["X-Content-Type-Options"] == "nosniff"
