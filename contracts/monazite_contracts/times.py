"""Instants on the wire: RFC 3339 with an offset, to the microsecond."""

from datetime import UTC, datetime
from typing import Annotated, Any, Final, Self

from pydantic import (
    AfterValidator,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    StringConstraints,
    model_validator,
)
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from monazite_contracts.model import Contract, Form
from monazite_contracts.months import MONTH_PATTERN, day_of, last_instant

INSTANT_MIN: Final = datetime(2000, 1, 1, tzinfo=UTC)
INSTANT_MAX: Final = datetime(2100, 1, 1, tzinfo=UTC)
"""Nothing that is reported lies outside; every instant between them fits any offset and any database."""

_RFC_3339: Final = r"^20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})$"


class _Rfc3339:
    """The datetime of an RFC 3339 text and of nothing else: pydantic alone would take a Unix time or a space as well.

    All of it runs inside pydantic's core. Python code hands over aware datetimes.
    """

    def __get_pydantic_core_schema__(self, _source: Any, _handler: GetCoreSchemaHandler) -> CoreSchema:
        def instant(*, strict: bool) -> CoreSchema:
            return core_schema.datetime_schema(
                strict=strict, tz_constraint="aware", ge=INSTANT_MIN, lt=INSTANT_MAX, microseconds_precision="error"
            )

        text = core_schema.chain_schema([core_schema.str_schema(pattern=_RFC_3339), instant(strict=False)])
        return core_schema.json_or_python_schema(json_schema=text, python_schema=instant(strict=True))

    def __get_pydantic_json_schema__(self, _schema: CoreSchema, _handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"type": "string", "format": "date-time", "pattern": _RFC_3339}


Instant = Annotated[
    datetime,
    _Rfc3339(),
    Form(
        "RFC 3339 with upper-case T and Z, seconds, an offset, and at most six decimals; 2000 to 2099.",
        "2023-05-04T08:00:00+08:00",
    ),
]
"""An aware datetime; on the wire RFC 3339 with its offset from UTC and at most six decimals of a second."""

Month = Annotated[
    str,
    StringConstraints(pattern=MONTH_PATTERN),
    Form("A calendar month in Asia/Shanghai.", "2023-05"),
]
"""A calendar month in Asia/Shanghai, `2023-05`."""


def _a_real_day(day: str) -> str:
    try:
        datetime.strptime(day, "%Y-%m-%d")  # noqa: DTZ007 - a calendar day has no zone
    except ValueError:
        raise PydanticCustomError("day", "there is no such day in the calendar") from None
    return day


Day = Annotated[
    str,
    StringConstraints(pattern=r"^20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$"),
    AfterValidator(_a_real_day),
    Form("A calendar day.", "2023-05-04"),
]
"""A calendar day, `2023-05-04`."""


class Period(Contract):
    """From `start` (included) to `end` (excluded), within one calendar month in Asia/Shanghai."""

    start: Instant
    """Included."""
    end: Instant
    """Excluded: a day ends at the next day's first instant."""

    @model_validator(mode="after")
    def _within_one_month(self) -> Self:
        if self.end <= self.start:
            raise PydanticCustomError("period_order", "a period ends after it starts")
        first, last = day_of(self.start), day_of(last_instant(self.end))
        if first.month != last.month or first.year != last.year:
            raise PydanticCustomError("period_straddles", "a period lies within one month in Asia/Shanghai: split it")
        return self
