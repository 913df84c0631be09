"""Months are calendar months in Asia/Shanghai; an instant has one spelling and fits everywhere."""

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from monazite_contracts import builders as a
from monazite_contracts.envelope import canonical
from monazite_contracts.events import EVENT, event_time
from monazite_contracts.months import (
    SHANGHAI,
    day_of,
    day_start,
    is_month,
    last_instant,
    month_after,
    month_before,
    month_end,
    month_of,
    month_start,
    months_over,
)
from monazite_contracts.times import INSTANT_MAX, INSTANT_MIN, Day, Instant, Month, Period

ZONE = ZoneInfo("Asia/Shanghai")
OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
INSTANTS = st.datetimes(datetime(2000, 1, 2), datetime(2099, 12, 30), timezones=OFFSETS)  # noqa: DTZ001 - hypothesis adds the zone
INSTANT: TypeAdapter[datetime] = TypeAdapter(Instant)


def accepts(kind: Any, text: str) -> bool:
    try:
        TypeAdapter(kind).validate_json(f'"{text}"')
    except ValidationError:
        return False
    return True


@given(INSTANTS)
def test_days_are_those_of_the_zone_database(instant: datetime) -> None:
    assert day_of(instant) == instant.astimezone(ZONE).date()


@given(st.dates(date(2000, 1, 1), date(2099, 12, 31)))
def test_a_day_starts_at_midnight_in_shanghai(day: date) -> None:
    start = datetime(day.year, day.month, day.day, tzinfo=ZONE)
    assert day_start(day) == start
    assert day_of(day_start(day)) == day
    assert day_of(last_instant(day_start(day))) == day - timedelta(days=1)


@given(st.integers(2000, 2099), st.integers(1, 12))
def test_a_month_ends_where_the_next_begins(year: int, number: int) -> None:
    end = month_end(f"{year}-{number:02}")
    following = datetime(year + number // 12, number % 12 + 1, 1, tzinfo=ZONE)
    assert end == following
    assert day_of(last_instant(end)).month == number


@given(st.integers(2000, 2099), st.integers(1, 12))
def test_months_follow_each_other(year: int, number: int) -> None:
    month = f"{year}-{number:02}"
    after = month_after(month)
    assert month_start(after) == month_end(month)
    assert month_before(after) == month
    assert (month_of(last_instant(month_end(month))), month_of(month_end(month))) == (month, after)


def test_months_that_are_over_begin_with_that_of_a_day() -> None:
    ends = datetime(2023, 6, 30, 16, tzinfo=UTC)
    assert list(months_over(date(2023, 5, 22), ends)) == ["2023-05", "2023-06"]
    assert list(months_over(date(2023, 5, 22), ends.replace(hour=15))) == ["2023-05"]
    assert list(months_over(None, ends)) == []


@given(INSTANTS)
def test_an_instant_comes_back_from_the_wire(instant: datetime) -> None:
    assert INSTANT.validate_json(INSTANT.dump_json(instant)) == instant
    assert INSTANT.validate_json(f'"{instant.isoformat()}"') == instant


@pytest.mark.parametrize(
    "text",
    [
        "2023-05-04T08:00:00Z",
        "2023-05-04T08:00:00.1+08:00",
        "2023-05-04T08:00:00.123456-11:30",
        "2000-01-01T00:00:00Z",
        "2099-12-31T23:59:59.999999Z",
        "2024-02-29T00:00:00Z",
    ],
)
def test_an_rfc_3339_instant_is_taken(text: str) -> None:
    assert INSTANT.validate_json(f'"{text}"').utcoffset() is not None


@pytest.mark.parametrize(
    "text",
    [
        "1683158400",
        "2023-05-04",
        "2023-05-04T08:00:00",
        "2023-05-04 08:00:00Z",
        "2023-05-04_08:00:00Z",
        "2023-05-04t08:00:00z",
        "2023-05-04T08:00Z",
        "2023-05-04T08:00:00+0800",
        "2023-05-04T08:00:00+08",
        "2023-05-04T08:00:00,5Z",
        "2023-05-04T08:00:00.Z",
        "2023-05-04T08:00:00.1234567Z",
        "2023-05-04T08:00:60Z",
        "2023-05-04T24:00:00Z",
        "2023-02-29T08:00:00Z",
        "2023-13-04T08:00:00Z",
        "2023-05-04T08:00:00+24:00",
        "2023-05-04T08:00:00+08:60",
        "0001-01-01T00:00:00+08:00",
        "1999-12-31T23:59:59.999999Z",
        "2000-01-01T00:00:00+08:00",
        "2100-01-01T00:00:00Z",
        "2099-12-31T23:59:59-08:00",
        "9999-12-31T23:59:59Z",
        "２023-05-04T08:00:00Z",
        "",
    ],
)
def test_any_other_spelling_or_year_is_refused(text: str) -> None:
    assert not accepts(Instant, text)


@pytest.mark.parametrize("number", ["1683158400", "1683158400.5", "1e9", "true", "null", "[]"])
def test_an_instant_is_never_a_number(number: str) -> None:
    with pytest.raises(ValidationError):
        INSTANT.validate_json(number)


def test_in_python_an_instant_is_an_aware_datetime_within_the_bounds() -> None:
    assert INSTANT.validate_python(INSTANT_MIN, strict=True) == INSTANT_MIN
    for wrong in (INSTANT_MAX, INSTANT_MIN - timedelta(microseconds=1), datetime(2023, 5, 4), "2023-05-04T08:00:00Z"):  # noqa: DTZ001 - that is the point
        with pytest.raises(ValidationError):
            INSTANT.validate_python(wrong, strict=True)


def test_months_and_days_are_real_ones() -> None:
    assert all(accepts(Month, text) for text in ("2023-01", "2099-12"))
    assert not any(accepts(Month, text) for text in ("2023-00", "2023-13", "2023-1", "1999-12", "2023-01-01"))
    assert all(accepts(Day, text) for text in ("2023-05-04", "2024-02-29"))
    assert not any(accepts(Day, text) for text in ("2023-02-29", "2023-04-31", "2023-5-4", "2023-00-01"))


def period(start: datetime, end: datetime) -> bytes:
    return canonical({"start": start.isoformat(), "end": end.isoformat()})


@given(INSTANTS, st.timedeltas(timedelta(days=-2), timedelta(days=40)))
def test_a_period_is_taken_exactly_when_it_lies_in_one_month_of_the_zone_database(
    start: datetime, length: timedelta
) -> None:
    end = start + length
    last = (end - timedelta(microseconds=1)).astimezone(ZONE)
    first = start.astimezone(ZONE)
    fits = length > timedelta(0) and (first.year, first.month) == (last.year, last.month)
    if end.astimezone(UTC) >= INSTANT_MAX:
        return
    try:
        Period.model_validate_json(period(start, end))
    except ValidationError:
        assert not fits
    else:
        assert fits


def test_a_whole_month_is_a_period_and_a_microsecond_more_is_none() -> None:
    start, end = datetime(2023, 5, 1, tzinfo=SHANGHAI), datetime(2023, 6, 1, tzinfo=SHANGHAI)
    Period.model_validate_json(period(start, end))
    for wrong in ((start, end + timedelta(microseconds=1)), (start - timedelta(microseconds=1), end), (end, start)):
        with pytest.raises(ValidationError):
            Period.model_validate_json(period(*wrong))


def time_of(event: dict[str, Any]) -> str:
    return event_time(EVENT.validate_json(canonical(event))).astimezone(SHANGHAI).isoformat()


def test_the_event_time_is_the_last_instant_of_a_period_or_month_else_that_of_the_act() -> None:
    production = a.a_production()
    assert time_of(production) == "2023-05-04T23:59:59.999999+08:00"
    assert time_of(a.a_declaration()) == "2023-05-31T23:59:59.999999+08:00"
    assert time_of(a.a_loss()) == a.NOON
    assert time_of(a.a_void(production)) == "2023-05-06T10:00:00+08:00"
    assert time_of(a.an_assay_finalised(production)) == "2023-05-20T15:00:00+08:00"


def test_a_corrections_time_is_that_of_the_statement_it_puts_in_place() -> None:
    moved = {"start": "2023-06-01T00:00:00+08:00", "end": "2023-06-02T00:00:00+08:00"}
    assert time_of(a.a_correction(a.a_production(), {"period": moved})) == "2023-06-01T23:59:59.999999+08:00"
    assert time_of(a.a_correction(a.a_dispatch(), {})) == a.NOON


@pytest.mark.parametrize("text", ["2023-13", "2023-5", "1999-12", "2023-05\n", "20\uff12\uff13-05", ""])
def test_what_is_no_month_is_none_in_contracts_and_commands(text: str) -> None:
    assert is_month("2023-05")
    assert not is_month(text)
    with pytest.raises(ValidationError):
        TypeAdapter(Month).validate_python(text)
