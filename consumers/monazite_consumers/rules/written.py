"""How facts are written in registry files: days, instants, words and tonnages with their bounds."""

import re
from datetime import UTC, date, datetime
from typing import Annotated, Any, Final, Literal
from unicodedata import category

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from monazite_contracts.identifiers import Text
from monazite_contracts.months import day_start

Code = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{1,63}$")]
ListedActivity = Literal["mining", "separation"]

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{5,8}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})")


def _day(value: Any) -> Any:
    # pydantic alone would take "0" for 1970-01-01
    if not isinstance(value, str):
        return value
    try:
        if _DAY.fullmatch(value):
            return date.fromisoformat(value)
    except ValueError:  # the 31st of February
        pass
    raise PydanticCustomError("written_day", "there is no such day")


def _instant(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        if _INSTANT.fullmatch(value):
            return datetime.fromisoformat(value)
    except ValueError:
        pass
    raise PydanticCustomError("written_instant", "there is no such instant, or its offset is missing")


_FIRST_YEAR: Final = 2000
_LAST_YEAR: Final = 2100
_BEGIN, _END = day_start(date(_FIRST_YEAR, 1, 1)), day_start(date(_LAST_YEAR + 1, 1, 1))
_OUTSIDE: Final = f"it lies outside the years {_FIRST_YEAR} to {_LAST_YEAR}"


def _day_in_range(day: date) -> date:
    if not _FIRST_YEAR <= day.year <= _LAST_YEAR:
        raise PydanticCustomError("written_day", _OUTSIDE)
    return day


def _instant_in_range(instant: datetime) -> datetime:
    if not _BEGIN <= instant < _END:  # before it is converted: what lies far outside has no UTC
        raise PydanticCustomError("written_instant", _OUTSIDE)
    return instant.astimezone(UTC)


def _visible(value: Any) -> Any:
    # control, format, surrogate, line and paragraph separator: none can be seen, and PostgreSQL cannot hold some
    if isinstance(value, str) and any(category(each) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for each in value):
        raise PydanticCustomError("visible_text", "it holds a character that cannot be seen")
    return value


Day = Annotated[date, BeforeValidator(_day), AfterValidator(_day_in_range)]
"""A calendar day in Asia/Shanghai."""

Instant = Annotated[AwareDatetime, BeforeValidator(_instant), AfterValidator(_instant_in_range)]
"""An instant, kept in UTC: written with another offset it is still the same entry."""

Year = Annotated[int, Field(ge=_FIRST_YEAR, le=_LAST_YEAR)]

Words = Annotated[Text, BeforeValidator(_visible)]
"""Text that must be there."""

Remark = Annotated[str, Field(max_length=500), BeforeValidator(_visible)]
"""Text that may be left out."""

TonnesReo = Annotated[int, Field(strict=True, ge=-1_000_000_000, le=1_000_000_000)]
"""Far beyond the world's output, and thousands of them in grams still fit 64 bits."""
