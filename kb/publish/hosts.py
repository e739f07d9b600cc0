"""Headers, redirects and error pages in the words of common static hosts.

Netlify and Cloudflare Pages read two files of the site itself. Every other host has a configuration of its own, which
does not belong into a published folder: those are written beside the site, to be copied or included by whoever runs
the host.
"""

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

import msgspec

CACHE_FOREVER = "public, max-age=31536000, immutable"
"""For files whose name changes with their content."""
CACHE_BRIEFLY = "public, max-age=0, must-revalidate"
"""For pages: kept by browsers, but asked for again each time, which costs one short answer."""
_HASHED_FOLDERS = ("assets/stylesheets", "assets/javascripts")
"""Material's own, with hashes in the files' names."""


class Serving(msgspec.Struct, frozen=True):
    """How the site is to be served.

    ``headers`` go with every answer; ``redirects`` maps paths on the host to paths on the host; ``path`` is the
    site's own path (``/`` or ``/help/``); ``assets_folder`` the versioned folder (``assets/kb-1a2b3c4d``).
    """

    headers: Mapping[str, str]
    redirects: Mapping[str, str]
    languages: tuple[str, ...]
    path: str
    assets_folder: str

    @property
    def lasting(self) -> tuple[str, ...]:
        """Paths of the folders whose files never change, each ending in ``/``."""
        return tuple(f"{self.path}{folder}/" for folder in (self.assets_folder, *_HASHED_FOLDERS))


def inside(serving: Serving) -> Mapping[str, str]:
    """``_headers`` and ``_redirects``, which Netlify and Cloudflare Pages read from the site itself."""
    return {"_headers": _headers(serving), "_redirects": _redirects(serving)}


def outside(serving: Serving, *, output: str) -> Mapping[str, str]:
    """Configuration for other hosts, to be written outside the site: name → text. ``output`` is the site's
    folder, as the configurations that need it name it."""
    return {
        "nginx.conf": _nginx(serving),
        "apache.htaccess": _apache(serving),
        "Caddyfile": _caddy(serving),
        "netlify.toml": _netlify(serving, output),
        "vercel.json": _json(_vercel(serving, output)),
        "firebase.json": _json(_firebase(serving, output)),
        "staticwebapp.config.json": _json(_azure(serving)),
    }


def _headers(serving: Serving) -> str:
    """https://docs.netlify.com/manage/routing/headers/ and developers.cloudflare.com/pages/configuration/headers/.

    Both hosts add up the values of all rules that match, and both have pages revalidated unless told otherwise; so
    only what lasts says how long.
    """
    lines = [f"{serving.path}*", *(f"  {name}: {value}" for name, value in serving.headers.items())]
    for folder in serving.lasting:
        lines += [f"{folder}*", f"  Cache-Control: {CACHE_FOREVER}"]
    return _lines(lines)


def _redirects(serving: Serving) -> str:
    """https://docs.netlify.com/manage/routing/redirects/overview/; Cloudflare passes over the lines with 404, since it
    looks for the nearest ``404.html`` by itself."""
    moved = [f"{old} {new} 301" for old, new in serving.redirects.items()]
    missing = [f"{root}* {root}404.html 404" for root in _language_roots(serving)]
    return _lines([*moved, *missing])


def _netlify(serving: Serving, output: str) -> str:
    # Netlify prefers a file to a redirect, and there is a page at each former address: hence "force".
    lines = ["[build]", f"publish = {_quoted(output)}"]
    for old, new in serving.redirects.items():
        lines += [
            "",
            "[[redirects]]",
            f"from = {_quoted(old)}",
            f"to = {_quoted(new)}",
            "status = 301",
            "force = true",
        ]
    return _lines(lines)


def _nginx(serving: Serving) -> str:
    """A location's ``add_header`` replaces those around it, so each location has them all."""
    headers = [f"add_header {name} {_quoted(value)} always;" for name, value in serving.headers.items()]
    lines = [
        "# Include inside a server block, whose root is the folder of the site's host path.",
        "charset utf-8;",
    ]
    for old, new in serving.redirects.items():
        lines.append(
            f"location = {_quoted(_decoded(old))} {{ return 301 {_quoted(f'{new}$is_args$args')}; }}"
        )
    for root in (*_language_roots(serving), serving.path):
        cache = f'add_header Cache-Control "{CACHE_BRIEFLY}" always;'
        lines += _nginx_location(f"location {root}", [f"error_page 404 {root}404.html;", cache, *headers])
    for folder in serving.lasting:
        cache = f'add_header Cache-Control "{CACHE_FOREVER}";'
        lines += _nginx_location(f"location {folder}", [cache, *headers])
    return _lines(lines)


def _nginx_location(head: str, body: list[str]) -> list[str]:
    return [
        "",
        f"{head} {{",
        "    try_files $uri $uri/ =404;",
        *(f"    {line}" for line in body),
        "}",
    ]


def _apache(serving: Serving) -> str:
    """https://httpd.apache.org/docs/2.4/mod/mod_headers.html; needs ``AllowOverride FileInfo Indexes``."""
    lines = [
        "# Copy to .htaccess in the folder the host serves.",
        "DirectoryIndex index.html",
        "AddDefaultCharset utf-8",
    ]
    lines += [f"ErrorDocument 404 {serving.path}404.html"]
    for root in _language_roots(serving):
        lines += [
            f'<If "%{{REQUEST_URI}} =~ m#^{re.escape(root)}#">',
            f"    ErrorDocument 404 {root}404.html",
            "</If>",
        ]
    lasting = "|".join(re.escape(folder) for folder in serving.lasting)
    lines += [
        "<IfModule mod_headers.c>",
        *(f"    Header always set {name} {_quoted(value)}" for name, value in serving.headers.items()),
        f'    Header set Cache-Control "{CACHE_BRIEFLY}"',
        f'    <If "%{{REQUEST_URI}} =~ m#^(?:{lasting})#">',
        f'        Header set Cache-Control "{CACHE_FOREVER}"',
        "    </If>",
        "</IfModule>",
    ]
    for old, new in serving.redirects.items():
        pattern = re.escape(_decoded(old).rstrip("/"))
        lines.append(f"RedirectMatch 301 {_quoted(f'^{pattern}/?$')} {_quoted(new)}")
    return _lines(lines)


def _caddy(serving: Serving) -> str:
    """https://caddyserver.com/docs/caddyfile/directives: to be imported inside a site block."""
    lines = ["# Import inside a site block that has root and file_server.", "header {"]
    lines += [f"    {name} {_quoted(value)}" for name, value in serving.headers.items()]
    lines += ["}", f"@kb_lasting path {' '.join(f'{folder}*' for folder in serving.lasting)}"]
    lines += [f'header @kb_lasting Cache-Control "{CACHE_FOREVER}"']
    lines += [f"@kb_pages not path {' '.join(f'{folder}*' for folder in serving.lasting)}"]
    lines += [f'header @kb_pages Cache-Control "{CACHE_BRIEFLY}"']
    lines += [f"redir {_decoded(old)} {new} permanent" for old, new in serving.redirects.items()]
    lines += ["handle_errors {"]
    roots = _language_roots(serving)
    for number, root in enumerate(roots):
        lines += _caddy_missing(f"@kb_missing{number}", [f"path {root}*"], f"{root}404.html")
    elsewhere = [f"path {serving.path}*", f"not path {' '.join(f'{root}*' for root in roots)}"]
    lines += _caddy_missing("@kb_missing", elsewhere, f"{serving.path}404.html")
    lines += ["    file_server", "}"]
    return _lines(lines)


def _caddy_missing(name: str, conditions: list[str], page: str) -> list[str]:
    status = "expression {http.error.status_code} == 404"
    body = [f"        {line}" for line in (*conditions, status)]
    return [f"    {name} {{", *body, "    }", f"    rewrite {name} {page}"]


def _vercel(serving: Serving, output: str) -> dict[str, Any]:
    """https://vercel.com/docs/project-configuration"""
    lasting = [
        {"source": f"{_vercel_source(folder)}(.*)", "headers": _pairs({"Cache-Control": CACHE_FOREVER})}
        for folder in serving.lasting
    ]
    return {
        "outputDirectory": output,
        "trailingSlash": True,
        "headers": [
            {"source": f"{_vercel_source(serving.path)}(.*)", "headers": _pairs(serving.headers)},
            *lasting,
        ],
        "redirects": [
            {"source": _vercel_source(old), "destination": new, "statusCode": 301}
            for old, new in serving.redirects.items()
        ],
    }


def _vercel_source(path: str) -> str:
    # Sources are patterns (path-to-regexp), in which these signs mean something.
    return re.sub(r"([.()*+?:{}\\])", r"\\\1", path)


def _firebase(serving: Serving, output: str) -> dict[str, Any]:
    """https://firebase.google.com/docs/hosting/full-config"""
    lasting = [
        {"source": f"{folder}**", "headers": _pairs({"Cache-Control": CACHE_FOREVER})}
        for folder in serving.lasting
    ]
    everywhere = _pairs({**serving.headers, "Cache-Control": CACHE_BRIEFLY})
    return {
        "hosting": {
            "public": output,
            "trailingSlash": True,
            "headers": [{"source": f"{serving.path}**", "headers": everywhere}, *lasting],
            "redirects": [
                {"source": old, "destination": new, "type": 301} for old, new in serving.redirects.items()
            ],
        }
    }


def _azure(serving: Serving) -> dict[str, Any]:
    """https://learn.microsoft.com/azure/static-web-apps/configuration"""
    lasting = [
        {"route": f"{folder}*", "headers": {"Cache-Control": CACHE_FOREVER}} for folder in serving.lasting
    ]
    moved = [{"route": old, "redirect": new, "statusCode": 301} for old, new in serving.redirects.items()]
    return {
        "trailingSlash": "always",
        "routes": [*moved, *lasting],
        "globalHeaders": {**serving.headers, "Cache-Control": CACHE_BRIEFLY},
        "responseOverrides": {"404": {"rewrite": f"{serving.path}404.html"}},
    }


def _language_roots(serving: Serving) -> list[str]:
    return [f"{serving.path}{language}/" for language in serving.languages]


def _pairs(headers: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"key": name, "value": value} for name, value in headers.items()]


def _decoded(path: str) -> str:
    """As hosts compare it: they decode the address first."""
    return unquote(path)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _lines(lines: list[str]) -> str:
    return "\n".join(lines) + "\n"


def _json(data: Mapping[str, Any]) -> str:
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"
