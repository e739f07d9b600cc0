"""What operators see: log lines and counters, without texts, addresses or secrets."""

import json
import logging
from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime

BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 10.0)
_OWN_KEYS = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}


class JsonLines(logging.Formatter):
    """One JSON object a line: time, level, message, and whatever ``extra`` named."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
        }
        line |= {key: value for key, value in vars(record).items() if key not in _OWN_KEYS}
        if record.exc_info and record.exc_info[0] is not None:
            # The kind and the place; an exception's own words may quote what a customer typed.
            line["exception"] = record.exc_info[0].__name__
            line["at"] = _place(record)
        return json.dumps(line, ensure_ascii=False, default=str)


def _place(record: logging.LogRecord) -> str:
    trace = record.exc_info[2] if record.exc_info else None
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_name}:{trace.tb_lineno}" if trace is not None else ""


class Metrics:
    """Counters in the text format of Prometheus. Labels are routes and statuses: few, and nobody's data."""

    def __init__(self) -> None:
        self._requests: Counter[tuple[str, int]] = Counter()
        self._times: dict[str, list[int]] = {}
        self._sums: Counter[str] = Counter()
        self._counts: Counter[str] = Counter()

    def request(self, route: str, status: int, seconds: float) -> None:
        self._requests[route, status] += 1
        times = self._times.setdefault(route, [0] * (len(BUCKETS_S) + 1))
        times[bisect_left(BUCKETS_S, seconds)] += 1
        self._sums[route] += seconds  # type: ignore[assignment]

    def count(self, what: str) -> None:
        """One more of ``what`` (``tickets_filed``)."""
        self._counts[what] += 1

    def text(self, gauges: Mapping[str, Mapping[str, float]]) -> str:
        """Everything counted, and ``gauges``: name → label → value."""
        lines = ["# TYPE kb_desk_requests_total counter"]
        for (route, status), n in sorted(self._requests.items()):
            lines.append(f'kb_desk_requests_total{{route="{route}",status="{status}"}} {n}')
        lines.append("# TYPE kb_desk_request_seconds histogram")
        for route, times in sorted(self._times.items()):
            lines += self._histogram(route, times)
        for what, n in sorted(self._counts.items()):
            lines += [f"# TYPE kb_desk_{what}_total counter", f"kb_desk_{what}_total {n}"]
        for name, values in gauges.items():
            lines.append(f"# TYPE kb_desk_{name} gauge")
            lines += [
                f'kb_desk_{name}{{state="{label}"}} {value:g}' for label, value in sorted(values.items())
            ]
        return "\n".join(lines) + "\n"

    def _histogram(self, route: str, times: list[int]) -> list[str]:
        lines, total = [], 0
        for limit, n in zip((*(f"{b:g}" for b in BUCKETS_S), "+Inf"), times, strict=True):
            total += n
            lines.append(f'kb_desk_request_seconds_bucket{{route="{route}",le="{limit}"}} {total}')
        lines.append(f'kb_desk_request_seconds_sum{{route="{route}"}} {self._sums[route]:.6f}')
        lines.append(f'kb_desk_request_seconds_count{{route="{route}"}} {total}')
        return lines
