"""A shop's desk in one process: requests go straight into the application, time is a number."""

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from kb.desk import tickets
from kb.desk.abuse import Gate
from kb.desk.app import courier_for, create_app
from kb.desk.keys import Keyring
from kb.desk.service import Desk
from kb.desk.settings import Settings
from kb.desk.strings import Strings, load_strings
from kb.desk.suggest import Suggest, Suggestion, nothing
from kb.resources import theme_dir

PUBLIC_URL = "https://help.shop.example"
HOST = "help.shop.example"
KEY = b"a key that only this test knows, 32+"
REFUND = Suggestion(
    "returns/refund", "When you get your money back", "Within three days.", "/en/returns/refund/", "en", 0.8
)


class Clock:
    """Time that passes when it is told to. Seconds since 1970."""

    def __init__(self, now: float = 1_780_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += seconds


class Monotonic:
    """The same time, which does not go back when the clock is set back."""

    def __init__(self, clock: Clock) -> None:
        self._clock, self._latest = clock, clock.now

    def __call__(self) -> float:
        self._latest = max(self._latest, self._clock.now)
        return self._latest


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    def json(self) -> Any:
        return json.loads(self.body)


class Shop:
    """A desk with its application, and customers to use it."""

    def __init__(
        self,
        folder: Path,
        *,
        suggest: Suggest = nothing,
        commit: Callable[[], str] = str,
        database: str = "",
        site: Path | None = None,
        background: bool = False,
        **settings: Any,
    ) -> None:
        self.runner = asyncio.Runner()
        self.clock = Clock()
        self.settings = Settings(**{
            "languages": ("en", "uk", "ar"), "default_language": "en", "site_name": "Shop", "public_url": PUBLIC_URL,
            "categories": {"en": {"returns": "Returns", "delivery": "Delivery"}}, **settings,
        })  # fmt: skip
        keyring = Keyring(KEY)
        self.path = folder / "desk.sqlite"
        self.database = tickets.open_database(database or str(self.path))
        policy = self.settings.proof_of_work
        gate = Gate(
            self.settings.limits, keyring, proof_of_work=policy, clock=Monotonic(self.clock), wall=self.clock
        )
        self.desk = Desk(
            self.settings,
            self.database,
            keyring,
            words(),
            suggest=suggest,
            commit=commit,
            gate=gate,
            clock=self.clock,
        )
        self.app = create_app(self.desk, theme=theme_dir(), site=site, background=background)
        self.courier = courier_for(self.desk)

    def close(self) -> None:
        self.desk.close()
        self.runner.close()

    def call(self, method: str, path: str, **request: Any) -> Answer:
        return self.runner.run(call(self.app, method, path, **request))

    def together(self, requests: Sequence[Mapping[str, Any]]) -> list[Answer]:
        """All at once."""

        async def all_of_them() -> list[Answer]:
            return await asyncio.gather(*(call(self.app, **request) for request in requests))

        return self.runner.run(all_of_them())

    def get(self, path: str, **request: Any) -> Answer:
        return self.call("GET", path, **request)

    def post(self, path: str, value: Any = None, **request: Any) -> Answer:
        return self.call("POST", path, value=value, **request)

    def send(self, path: str, fields: Mapping[str, str], **request: Any) -> Answer:
        """As a page without scripts does."""
        return self.call("POST", path, form=fields, **request)

    def file(self, **changes: Any) -> dict[str, Any]:
        """A ticket filed as it should be; number, secret, link."""
        address = changes.pop("address", "203.0.113.7")
        answer = self.post("/api/tickets", ticket(**changes), address=address)
        assert answer.status == 201, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def deliver(self) -> int:
        """One round of the courier."""
        return self.runner.run(self.courier.deliver_due())

    def stored(self) -> list[tickets.Ticket]:
        return self.database.read(lambda tx: tickets.find(tx, tickets.Filter()))

    def rows(self, sql: str, *values: object) -> list[dict[str, Any]]:
        return self.database.read(lambda tx: tx.rows(sql, values))


@cache
def words() -> Strings:
    """The shipped strings, read once for all tests."""
    return load_strings(theme_dir() / "strings" / "desk")


def ticket(**changes: Any) -> dict[str, Any]:
    """What the form sends."""
    return {
        "language": "en", "subject": "Where is my parcel?", "message": "It should have come on Monday.",
        "email": "olena@customers.com", **changes,
    }  # fmt: skip


@contextmanager
def shop(folder: Path, **settings: Any) -> Iterator[Shop]:
    made = Shop(folder, **settings)
    try:
        yield made
    finally:
        made.close()


async def call(
    app: Any,
    method: str,
    path: str,
    *,
    value: Any = None,
    form: Mapping[str, str] | None = None,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    address: str = "203.0.113.7",
    host: str = HOST,
) -> Answer:
    """One request, as a server would hand it over. A header given as empty is left out."""
    sent = {"host": host}
    if value is not None:
        body, sent["content-type"] = json.dumps(value).encode(), "application/json"
    if form is not None:
        body, sent["content-type"] = urlencode(form).encode(), "application/x-www-form-urlencoded"
    if method not in ("GET", "HEAD", "OPTIONS"):
        sent["content-length"] = str(len(body))
    sent |= {k.lower(): v for k, v in (headers or {}).items()}
    bare, _, query = path.partition("?")
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "path": bare,
        "raw_path": bare.encode(), "query_string": query.encode(), "scheme": "https", "root_path": "",
        "headers": [(k.encode(), v.encode("latin-1")) for k, v in sent.items() if v],
        "client": (address, 50_000), "server": (host, 443),
    }  # fmt: skip
    inbox = [{"type": "http.request", "body": body, "more_body": False}]
    outbox: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        if inbox:
            return inbox.pop()
        await asyncio.sleep(3600)
        raise AssertionError("nobody waits that long")

    async def send(message: Any) -> None:
        outbox.append(dict(message))

    await app(scope, receive, send)
    start = next(m for m in outbox if m["type"] == "http.response.start")
    content = b"".join(m.get("body", b"") for m in outbox if m["type"] == "http.response.body")
    found = {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in start["headers"]}
    return Answer(start["status"], found, content)
