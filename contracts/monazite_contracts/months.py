"""The calendar that the law counts in: days, months and years in Asia/Shanghai."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Final

SHANGHAI: Final = timezone(timedelta(hours=8), "Asia/Shanghai")
"""China has kept one offset without daylight saving since 1991; a fixed offset needs no zone database at a plant."""

MONTH_PATTERN: Final = r"^20[0-9]{2}-(0[1-9]|1[0-2])$"
"""A month as text, in every contract and command: `2023-05`."""

MICROSECOND: Final = timedelta(microseconds=1)


def day_of(instant: datetime) -> date:
    """The calendar day in Asia/Shanghai of an aware instant."""
    return instant.astimezone(SHANGHAI).date()


def day_start(day: date) -> datetime:
    """The first instant of a day in Asia/Shanghai, in UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=SHANGHAI).astimezone(UTC)


def month_of(instant: datetime) -> str:
    """The month that an aware instant counts into, written `2023-05`."""
    return f"{day_of(instant):%Y-%m}"


def is_month(text: str) -> bool:
    """Whether a text is a month as it is written: `2023-05`."""
    return len(text) == len("2023-05") and re.match(MONTH_PATTERN, text) is not None


def first_day(month: str) -> date:
    """The first day of a month written `2023-05`."""
    return date(int(month[:4]), int(month[5:]), 1)


def month_start(month: str) -> datetime:
    """The first instant of a month written `2023-05`, in UTC."""
    return day_start(first_day(month))


def month_end(month: str) -> datetime:
    """The first instant after a month written `2023-05`, in UTC."""
    year, number = int(month[:4]), int(month[5:])
    following = date(year + number // 12, number % 12 + 1, 1)
    return day_start(following)


def month_before(month: str) -> str:
    """The calendar month before a month written `2023-05`."""
    return month_of(last_instant(month_start(month)))


def month_after(month: str) -> str:
    """The calendar month after a month written `2023-05`."""
    return month_of(month_end(month))


def months_over(since: date | None, by: datetime) -> Iterator[str]:
    """The months that are over by an instant, in their order, from that of a day on; without a day, none."""
    month = f"{since:%Y-%m}" if since is not None else None
    while month is not None and month_end(month) <= by:
        yield month
        month = month_after(month)


def last_instant(end: datetime) -> datetime:
    """The last instant (1 µs) before a period's end."""
    return end - MICROSECOND
