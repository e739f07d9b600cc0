"""Whatever is repeated, in whatever order, over restarts and clock jumps: one key, one effect."""

import shutil
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, rule

from kb.desk.settings import Limits
from tests.desk.harness import Shop, ticket

KEYS = st.sampled_from([f"key-number-{n:08d}" for n in range(4)])
SUBJECTS = st.sampled_from(["Parcel", "Refund", "Посилка"])
GENEROUS = Limits(10**6, 10**6, 10**6, 10**6, 10**6, 10**6)
DAY_S = 86_400


class Customers(RuleBasedStateMachine):
    """Customers whose browsers send everything again and again.

    ``kept`` is what the world should hold: key → what it stands for. ``filed`` and ``said`` count what was accepted.
    """

    filed_tickets: Bundle[dict[str, Any]] = Bundle("filed_tickets")

    @initialize()
    def open(self) -> None:
        # In memory where there is such a place: what a disk makes of a commit is not the question here.
        memory = "/dev/shm" if Path("/dev/shm").is_dir() else None
        self.folder = Path(tempfile.mkdtemp(prefix="kb-desk-", dir=memory))
        self.shop = Shop(self.folder, limits=GENEROUS)
        self.kept: dict[str, tuple[Any, ...]] = {}
        self.tickets: dict[str, dict[str, Any]] = {}
        self.said = 0

    @rule(target=filed_tickets, key=KEYS, subject=SUBJECTS, times=st.integers(1, 4))
    def file(self, key: str, subject: str, times: int) -> dict[str, Any]:
        request = {"method": "POST", "path": "/api/tickets", "value": ticket(subject=subject),
                   "headers": {"Idempotency-Key": key}}  # fmt: skip
        answers = self.shop.together([request] * times)
        stands_for = self.kept.setdefault(key, ("file", subject))
        if stands_for != ("file", subject):
            assert {a.status for a in answers} == {422}
            return {}
        assert {a.status for a in answers} == {201}
        found = {a.json()["number"] for a in answers}
        assert len(found) == 1
        filed = {k: answers[0].json()[k] for k in ("number", "secret")}
        assert self.tickets.setdefault(key, filed) == filed
        return filed

    @rule(key=KEYS, link=filed_tickets, text=SUBJECTS, times=st.integers(1, 3))
    def reply(self, key: str, link: dict[str, Any], text: str, times: int) -> None:
        if not link:
            return
        request = {"method": "POST", "path": "/api/tickets/reply", "value": {**link, "message": text},
                   "headers": {"Idempotency-Key": key}}  # fmt: skip
        answers = self.shop.together([request] * times)
        wanted = ("reply", link["number"], text)
        if key not in self.kept:
            self.kept[key] = wanted
            self.said += 1
        assert {a.status for a in answers} == ({200} if self.kept[key] == wanted else {422})

    @rule(key=KEYS, link=consumes(filed_tickets))
    def close(self, key: str, link: dict[str, Any]) -> None:
        if not link:
            return
        answer = self.shop.post("/api/tickets/close", link, headers={"Idempotency-Key": key})
        wanted = ("close", link["number"])
        assert answer.status == (200 if self.kept.setdefault(key, wanted) == wanted else 422)

    @rule(seconds=st.integers(-2 * DAY_S, 2 * DAY_S))
    def clock_jumps(self, seconds: int) -> None:
        # Within what a key is kept for; keys are forgotten only by retention.
        self.shop.clock.forward(seconds)

    @rule()
    def restart(self) -> None:
        now = self.shop.clock.now
        self.shop.close()
        self.shop = Shop(self.folder, limits=GENEROUS)
        self.shop.clock.now = now

    @invariant()
    def nothing_is_lost_and_nothing_doubled(self) -> None:
        numbers = sorted(row["number"] for row in self.shop.rows("SELECT number FROM tickets"))
        assert numbers == sorted(t["number"] for t in self.tickets.values())
        assert len(self.shop.rows("SELECT position FROM messages")) == self.said

    def teardown(self) -> None:
        if hasattr(self, "shop"):
            self.shop.close()
            shutil.rmtree(self.folder)


TestIdempotency = Customers.TestCase
TestIdempotency.settings = settings(
    max_examples=300, stateful_step_count=8, deadline=None, suppress_health_check=list(HealthCheck)
)
