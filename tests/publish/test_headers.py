"""What the hosts' files say: the same headers, redirects and error pages in every dialect."""

import json
import re
import tomllib
from collections.abc import Mapping

import pytest

from kb.publish import hosts, policy
from kb.publish.hosts import CACHE_BRIEFLY, CACHE_FOREVER, Serving
from kb.publish.policy import Sources

LASTING = ("assets/kb-0123456789ab/", "assets/stylesheets/", "assets/javascripts/")


@pytest.fixture
def serving() -> Serving:
    return Serving(
        headers=policy.headers(Sources(scripts=frozenset({"'sha256-YWJj'"}))),
        redirects={"/help/uk/old/": "/help/uk/new/", "/help/uk/%D1%81%D1%82/": "/help/uk/new/"},
        languages=("en", "uk"),
        path="/help/",
        assets_folder="assets/kb-0123456789ab",
    )


def rules(text: str) -> dict[str, dict[str, str]]:
    """A ``_headers`` file as its hosts read it: pattern → name → value."""
    found: dict[str, dict[str, str]] = {}
    pattern = ""
    for line in text.splitlines():
        if line.startswith(" "):
            name, _, value = line.strip().partition(": ")
            found[pattern][name] = value
        else:
            pattern = line
            found[pattern] = {}
    return found


def pairs(items: list[dict[str, str]]) -> Mapping[str, str]:
    return {item["key"]: item["value"] for item in items}


def test_headers_file_gives_every_page_the_policy(serving: Serving) -> None:
    found = rules(hosts.inside(serving)["_headers"])
    assert found["/help/*"] == serving.headers
    assert "'sha256-YWJj'" in found["/help/*"]["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in found["/help/*"]["Content-Security-Policy"]


def test_headers_file_keeps_versioned_files_for_ever(serving: Serving) -> None:
    found = rules(hosts.inside(serving)["_headers"])
    assert {pattern: each for pattern, each in found.items() if "Cache-Control" in each} == {
        f"/help/{folder}*": {"Cache-Control": CACHE_FOREVER} for folder in LASTING
    }


def test_redirects_file_moves_first_and_then_names_error_pages(serving: Serving) -> None:
    assert hosts.inside(serving)["_redirects"].splitlines() == [
        "/help/uk/old/ /help/uk/new/ 301",
        "/help/uk/%D1%81%D1%82/ /help/uk/new/ 301",
        "/help/en/* /help/en/404.html 404",
        "/help/uk/* /help/uk/404.html 404",
    ]


def test_B17_only_the_two_files_of_hosts_are_in_the_site(serving: Serving) -> None:
    assert sorted(hosts.inside(serving)) == ["_headers", "_redirects"]


@pytest.mark.parametrize("name", ["nginx.conf", "apache.htaccess", "Caddyfile"])
def test_servers_send_every_header(serving: Serving, name: str) -> None:
    text = hosts.outside(serving, output="site")[name]
    for header, value in serving.headers.items():
        assert re.search(rf'{re.escape(header)} "{re.escape(value)}"', text), header
    assert CACHE_FOREVER in text
    assert CACHE_BRIEFLY in text
    assert "/help/uk/404.html" in text


def test_nginx_repeats_headers_in_each_location(serving: Serving) -> None:
    """An add_header in a location puts those outside it out of force."""
    text = hosts.outside(serving, output="site")["nginx.conf"]
    blocks = re.findall(r"^location (\S+) \{\n(.*?)^\}", text, re.DOTALL | re.MULTILINE)
    assert [path for path, _ in blocks] == [
        "/help/en/",
        "/help/uk/",
        "/help/",
        *(f"/help/{f}" for f in LASTING),
    ]
    for path, block in blocks:
        assert block.count("add_header ") == len(serving.headers) + 1, path
        assert (CACHE_FOREVER in block) == ("assets" in path), path
    assert 'location = "/help/uk/ст/" { return 301 "/help/uk/new/$is_args$args"; }' in text


def test_apache_redirects_take_addresses_literally(serving: Serving) -> None:
    text = hosts.outside(serving, output="site")["apache.htaccess"]
    patterns = re.findall(r'^RedirectMatch 301 "([^"]+)" "([^"]+)"$', text, re.MULTILINE)
    assert len(patterns) == 2
    for pattern, target in patterns:
        assert target == "/help/uk/new/"
        assert not re.match(pattern, "/help/uk/older/")
    assert re.match(patterns[0][0], "/help/uk/old/")
    assert re.match(patterns[0][0], "/help/uk/old")


def test_netlify_redirects_although_a_page_is_there(serving: Serving) -> None:
    config = tomllib.loads(hosts.outside(serving, output="site")["netlify.toml"])
    assert config["build"] == {"publish": "site"}
    assert config["redirects"][0] == {
        "from": "/help/uk/old/",
        "to": "/help/uk/new/",
        "status": 301,
        "force": True,
    }
    assert len(config["redirects"]) == 2


def test_vercel_and_firebase_say_the_same(serving: Serving) -> None:
    files = hosts.outside(serving, output="public")
    vercel, firebase = json.loads(files["vercel.json"]), json.loads(files["firebase.json"])["hosting"]
    assert (vercel["outputDirectory"], firebase["public"]) == ("public", "public")
    assert pairs(vercel["headers"][0]["headers"]) == serving.headers
    assert pairs(firebase["headers"][0]["headers"]) == {**serving.headers, "Cache-Control": CACHE_BRIEFLY}
    for config in (vercel, firebase):
        lasting = [pairs(rule["headers"]) for rule in config["headers"][1:]]
        assert lasting == [{"Cache-Control": CACHE_FOREVER}] * 3
        assert [r["destination"] for r in config["redirects"]] == ["/help/uk/new/"] * 2
    assert vercel["redirects"][0]["statusCode"] == firebase["redirects"][0]["type"] == 301


def test_azure_routes_redirects_headers_and_the_error_page(serving: Serving) -> None:
    config = json.loads(hosts.outside(serving, output="site")["staticwebapp.config.json"])
    assert config["globalHeaders"] == {**serving.headers, "Cache-Control": CACHE_BRIEFLY}
    assert config["routes"][0] == {"route": "/help/uk/old/", "redirect": "/help/uk/new/", "statusCode": 301}
    assert config["routes"][-1]["headers"] == {"Cache-Control": CACHE_FOREVER}
    assert config["responseOverrides"] == {"404": {"rewrite": "/help/404.html"}}


def test_site_at_the_root_of_its_host(serving: Serving) -> None:
    root = Serving(serving.headers, {}, ("en",), "/", serving.assets_folder)
    assert hosts.inside(root)["_redirects"] == "/en/* /en/404.html 404\n"
    assert next(iter(rules(hosts.inside(root)["_headers"]))) == "/*"
    assert "location / {" in hosts.outside(root, output="site")["nginx.conf"]


def test_a_quote_in_a_header_ends_no_directive(serving: Serving) -> None:
    odd = Serving({"X-Odd": 'a"; b'}, {}, ("en",), "/", serving.assets_folder)
    files = hosts.outside(odd, output="site")
    assert 'add_header X-Odd "a\\"; b" always;' in files["nginx.conf"]
    assert 'X-Odd "a\\"; b"' in files["Caddyfile"]
    assert 'X-Odd "a\\"; b"' in files["apache.htaccess"]
