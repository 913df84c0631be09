"""Where a service can be made to die: named seams of the shipped code, wrapped in a child process only."""

import functools
import importlib
import inspect
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

SEAM, NTH, HITS, SIGNAL = "CHAOS_SEAM", "CHAOS_NTH", "CHAOS_HITS", "CHAOS_SIGNAL"
"""Environment of a child: which seam, at which passing it strikes, where to note that it did, and with which signal."""


@dataclass(frozen=True)
class Seam:
    """A phase of a service's work: before or after a call."""

    name: str
    service: Literal["intake", "relay", "watch", "custody", "reports"]
    module: str
    attribute: str
    when: Literal["before", "after"]


_CONSUMING = "monazite_consumers.intake.consuming"
_PROGRESS = "monazite_consumers.intake.progress"
_PUBLISHING, _JUDGING = "monazite_consumers.relay.publishing", "monazite_consumers.watch.judging"
_CLOSING, _STORING = "monazite_consumers.reports.closing", "monazite_consumers.reports.storing"
_SNAPSHOTS = "monazite_consumers.reports.snapshots"
_FOLLOWING, _PORTIONS = "monazite_consumers.custody.following", "monazite_consumers.decisions.portions"

SEAMS = (
    Seam("intake: before the transaction", "intake", _CONSUMING, "Intake._decide", "before"),
    Seam("intake: in it, the position moved", "intake", _CONSUMING, "advance", "after"),
    Seam("intake: in it, all written", "intake", _CONSUMING, "decide_arrivals", "after"),
    Seam("intake: committed, not yet known", "intake", _CONSUMING, "Intake._decide", "after"),
    Seam("intake: known, before the lag offsets", "intake", _PROGRESS, "Progress.show", "before"),
    Seam("relay: before it publishes", "relay", _PUBLISHING, "_send", "before"),
    Seam("relay: published, not yet marked", "relay", _PUBLISHING, "_send", "after"),
    Seam("relay: marked", "relay", _PUBLISHING, "_measure", "before"),
    Seam("watch: before a pass", "watch", _JUDGING, "Watch.pass_once", "before"),
    Seam("watch: in it, all written", "watch", _JUDGING, "Watch._judge", "after"),
    Seam("watch: after a pass", "watch", _JUDGING, "Watch.pass_once", "after"),
    Seam("custody: before a portion", "custody", _FOLLOWING, "Custody.pass_once", "before"),
    Seam("custody: in it, posted and not yet judged", "custody", _PORTIONS, "follow", "after"),
    Seam("custody: in it, all written", "custody", _FOLLOWING, "portion", "after"),
    Seam("custody: committed", "custody", _FOLLOWING, "Custody.pass_once", "after"),
    Seam("reports: the rest is judged, no snapshot yet", "reports", _SNAPSHOTS, "_settled", "after"),
    Seam("reports: computed, not yet stored", "reports", _CLOSING, "store", "before"),
    Seam("reports: in it, stored and not yet announced", "reports", _STORING, "put", "before"),
    Seam("reports: in it, all written", "reports", _CLOSING, "store", "after"),
    Seam("reports: committed, what was restated not yet forgotten", "reports", _CLOSING, "_draw_up", "after"),
)


def armed(seam: str, nth: int, hits: Path, by: str = "SIGKILL") -> dict[str, str]:
    """The environment of a child that shall strike at a seam."""
    return {SEAM: seam, NTH: f"{nth}", HITS: f"{hits}", SIGNAL: by}


def arm(name: str, nth: int, hits: Path) -> None:
    """Makes this process die at the n-th passing of a seam; ends it at once where the seam is gone."""
    seam = next((each for each in SEAMS if each.name == name), None)
    if seam is None:
        sys.exit(f"there is no seam called {name}")
    try:
        owner, last = wrapped(seam)
    except AttributeError as error:
        sys.exit(f"the seam {name!r} is gone from {seam.module}: {error}. Move it in tests/chaos/seams.py.")
    setattr(owner, last, _deadly(getattr(owner, last), seam, nth, hits))


def wrapped(seam: Seam) -> tuple[Any, str]:
    """Whose attribute of which name a seam wraps.

    Raises:
        AttributeError: it is gone.
    """
    owner: Any = importlib.import_module(seam.module)
    *path, last = seam.attribute.split(".")
    for part in path:
        owner = getattr(owner, part)
    getattr(owner, last)
    return owner, last


def _deadly(original: Callable[..., Any], seam: Seam, nth: int, hits: Path) -> Callable[..., Any]:
    passings = 0

    def pass_by(when: str) -> None:
        nonlocal passings
        if when != seam.when:
            return
        passings += 1
        if passings == nth:
            with hits.open("a") as noted:
                noted.write(f"{seam.name}\n")
            os.kill(os.getpid(), signal.Signals[os.environ.get(SIGNAL, "SIGKILL")])

    @functools.wraps(original)
    async def awaited(*args: Any, **keywords: Any) -> Any:
        pass_by("before")
        result = await original(*args, **keywords)
        pass_by("after")
        return result

    @functools.wraps(original)
    def called(*args: Any, **keywords: Any) -> Any:
        pass_by("before")
        result = original(*args, **keywords)
        pass_by("after")
        return result

    return awaited if inspect.iscoroutinefunction(original) else called
