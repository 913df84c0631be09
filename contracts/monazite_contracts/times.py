"""Instants on the wire: RFC 3339 with an offset, to the microsecond."""

from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError
from typing import Self

from monazite_contracts.model import Contract
from monazite_contracts.months import day_of, last_instant

Instant = Annotated[AwareDatetime, Field(examples=["2023-05-04T08:00:00+08:00"])]
"""An instant with its offset from UTC; at most six decimals of a second."""


def _a_real_month(month: str) -> str:
    if not 1 <= int(month[5:]) <= 12:
        raise PydanticCustomError("month", "the month is 01 to 12")
    return month


Month = Annotated[str, StringConstraints(pattern=r"^20[0-9]{2}-[0-9]{2}$"), AfterValidator(_a_real_month)]
"""A calendar month in Asia/Shanghai, `2023-05`."""


class Period(Contract):
    """From `start` (included) to `end` (excluded), within one calendar month in Asia/Shanghai."""

    start: Instant
    end: Instant

    @model_validator(mode="after")
    def _within_one_month(self) -> Self:
        if self.end <= self.start:
            raise PydanticCustomError("period_order", "a period ends after it starts")
        first, last = day_of(self.start), day_of(last_instant(self.end))
        if (first.year, first.month) != (last.year, last.month):
            raise PydanticCustomError("period_straddles", "a period lies within one month in Asia/Shanghai: split it")
        return self
