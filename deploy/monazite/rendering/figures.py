"""How figures are written: exact decimals of whole grams, shares, instants in Asia/Shanghai."""

import re
from datetime import date, datetime, time, timedelta
from typing import Final

from monazite_contracts.months import SHANGHAI
from monazite_contracts.quantities import GRAMS_PER_TONNE, PPM

ZONE: Final = "Asia/Shanghai"

_UNSEEN: Final = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u00ad\u061c\u115f\u1160\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0"
    r"\ufff0-\uffff\ud800-\udfff]"
)
"""What a reader cannot see or what turns the line around; summaries and reasons are free text."""


def decimals(mass_g: int) -> tuple[str, str]:
    """The sign and whole tonnes in groups of three, and the six decimals: 1234567890 is `1,234` and `567890`."""
    whole, rest = divmod(abs(mass_g), GRAMS_PER_TONNE)
    return f"{'-' if mass_g < 0 else ''}{whole:,}", f"{rest:06d}"


def tonnes(mass_g: int) -> str:
    """Tonnes for a reader, to the gram: `1,234.567890`."""
    return ".".join(decimals(mass_g))


def plain_tonnes(mass_g: int) -> str:
    """Tonnes for a program, to the gram: `1234.567890`."""
    return tonnes(mass_g).replace(",", "")


def whole_tonnes(mass_g: int) -> str:
    """Tonnes on a drawing, cut to whole ones; the table beside it has the grams."""
    whole = abs(mass_g) // GRAMS_PER_TONNE
    return f"{'-' if mass_g < 0 and whole else ''}{whole:,}"


def share_ppm(part: int, whole: int) -> int | None:
    """Whole parts per million, rounded down; none of nothing."""
    return part * PPM // whole if whole > 0 else None


def local(instant: datetime) -> datetime:
    """The wall clock in Asia/Shanghai."""
    return instant.astimezone(SHANGHAI).replace(tzinfo=None)


def minute(instant: datetime) -> str:
    """`2023-06-11 00:00` on that clock; seconds stand only where they are not zero."""
    shown = local(instant).isoformat(sep=" ")
    return shown.removesuffix(":00") if instant.microsecond == 0 else shown


def deadline(instant: datetime) -> str:
    """`by the end of 2023-06-10`; an instant within a day, which outages make, stands as it is."""
    day = last_day(instant)
    return minute(instant) if day is None else f"by the end of {day}"


def last_day(instant: datetime) -> date | None:
    """The day with which a span ends on that clock; None: it ends within one."""
    end = local(instant)
    return None if end.time() != time() else (end - timedelta(days=1)).date()


def seen(text: str) -> str:
    """The text with a replacement character wherever a reader would see nothing."""
    return _UNSEEN.sub("\N{REPLACEMENT CHARACTER}", text)
