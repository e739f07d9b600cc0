"""The OpenAPI description against the service: whatever is sent, the answer is one that is described, and never a 5xx.

KB_OPENAPI_EXAMPLES raises the number of examples an operation (300 for the full run).
"""

import os
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings

from kb.desk import openapi
from kb.desk.settings import Limits
from tests.desk.harness import Shop

EXAMPLES = int(os.environ.get("KB_OPENAPI_EXAMPLES", "40"))
schema = schemathesis.openapi.from_dict(openapi.describe())
GENEROUS = Limits(10**6, 10**6, 10**6, 10**6, 10**6, 10**6)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Any:
    shop = Shop(tmp_path_factory.mktemp("desk"), limits=GENEROUS)
    filed = shop.file()
    yield shop, {"number": filed["number"], "secret": filed["secret"]}
    shop.close()


@schema.parametrize()
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_answer_is_a_described_one(case: Any, desk: Any) -> None:
    shop, link = desk
    body = case.body
    # Half of what is asked about a ticket is about one that exists.
    if isinstance(body, dict) and "number" in body and len(str(body)) % 2:
        body = {**body, **link}
    headers = {
        k: str(v) for k, v in dict(case.headers or {}).items() if str(v).isascii() and str(v).isprintable()
    }
    lang = str((case.query or {}).get("lang", "")).encode("utf-8", "replace")
    path = f"{case.operation.path}?lang={''.join(f'%{byte:02x}' for byte in lang)}"
    value = (
        None if case.method == "GET" else body if isinstance(body, dict | list | str | int | float) else {}
    )
    answer = shop.call(case.method, path, value=value, headers=headers)
    described = case.operation.definition.raw["responses"]
    assert answer.status < 500
    if case.method != case.operation.method.upper():
        assert answer.status == 405, "a method that is not described"
        return
    assert str(answer.status) in described
    content = described[str(answer.status)].get("content")
    if content:
        _check(content["application/json"]["schema"], answer.json())


def _check(part: dict[str, Any], value: Any) -> None:
    import jsonschema_rs

    whole = {**part, "components": openapi.describe()["components"]}
    jsonschema_rs.validate(whole, value)


def test_the_description_is_served(desk: Any) -> None:
    shop, _ = desk
    assert shop.get("/api/openapi.json").json() == openapi.describe()


def test_every_route_under_api_that_speaks_json_is_described(desk: Any) -> None:
    from kb.desk.api import Api

    shop, _ = desk
    routes = {r.path for r in Api(shop.desk).routes() if r.path.startswith("/api/")} - {"/api/openapi.json"}
    assert routes == set(openapi.describe()["paths"])
