"""When the customer will hear back: the team's own last seven days, laid over its working hours."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from statistics import median
from zoneinfo import ZoneInfo

from kb.desk.settings import WorkingHours

WINDOW_DAYS = 7
LEAST_SAMPLES = 5
"""Below this a median is an anecdote, and nothing is promised from it."""
_HORIZON_DAYS = 60


def expected_by(
    replies: Sequence[tuple[int, int]], hours: WorkingHours, now: datetime, *, least: int = LEAST_SAMPLES
) -> datetime | None:
    """When a ticket filed now will probably be answered; ``None`` when too little is known.

    ``replies`` holds filed and first answered (milliseconds since 1970) of recently answered tickets.
    """
    if len(replies) < least:
        return None
    zone = ZoneInfo(hours.timezone)
    worked = [
        working_time(datetime.fromtimestamp(a / 1000, zone), datetime.fromtimestamp(b / 1000, zone), hours)
        for a, b in replies
    ]
    return after_working(
        now.astimezone(zone), timedelta(seconds=median(w.total_seconds() for w in worked)), hours
    )


def working_time(start: datetime, end: datetime, hours: WorkingHours) -> timedelta:
    """How much of the time between two moments falls into working hours."""
    if not hours.days:
        return max(end - start, timedelta())
    total = timedelta()
    day = start.replace(hour=0, minute=0, second=0, microsecond=0)
    while day < end and day < start + timedelta(days=_HORIZON_DAYS):
        opening = _opening(day, hours)
        if opening is not None:
            total += max(min(end, opening[1]) - max(start, opening[0]), timedelta())
        day += timedelta(days=1)
    return total


def after_working(start: datetime, amount: timedelta, hours: WorkingHours) -> datetime | None:
    """The moment by which ``amount`` of working time will have passed."""
    if not hours.days:
        return start + amount
    day = start.replace(hour=0, minute=0, second=0, microsecond=0)
    for _ in range(_HORIZON_DAYS):
        opening = _opening(day, hours)
        if opening is not None and opening[1] > start:
            begin = max(start, opening[0])
            if opening[1] - begin >= amount:
                return begin + amount
            amount -= opening[1] - begin
        day += timedelta(days=1)
    return None


def _opening(day: datetime, hours: WorkingHours) -> tuple[datetime, datetime] | None:
    if day.date() in hours.holidays or day.weekday() not in hours.days:
        return None
    first, last = hours.days[day.weekday()]
    return (
        day.replace(hour=first.hour, minute=first.minute),
        day.replace(hour=last.hour, minute=last.minute),
    )
