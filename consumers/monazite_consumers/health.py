"""Whether a process can do its work: named checks, green until told otherwise."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from time import monotonic

from monazite_consumers.metrics import HEALTHY


@dataclass(slots=True)
class Check:
    """One thing that must be so. `detail` says what is wrong."""

    healthy: bool
    detail: str = ""


@dataclass(slots=True)
class Health:
    """The checks of one process. A beat that stays out longer than its limit turns red by itself."""

    checks: dict[str, Check] = field(default_factory=dict)
    now: Callable[[], float] = monotonic
    _beats: dict[str, tuple[float, float]] = field(default_factory=dict)

    def red(self, name: str, detail: str) -> None:
        """Something does not work."""
        self.checks[name] = Check(healthy=False, detail=detail)
        HEALTHY.set(0)

    def green(self, name: str) -> None:
        """It works again."""
        self.checks[name] = Check(healthy=True)
        HEALTHY.set(int(self.healthy))

    def is_red(self, names: Collection[str]) -> bool:
        """Whether one of these does not work."""
        return any(name in names and not check.healthy for name, check in self.report().items())

    def forget(self, name: str) -> None:
        """It is no longer this process's matter."""
        self.checks.pop(name, None)

    def beat(self, name: str, limit_s: float) -> None:
        """A loop is alive; it must beat again within the limit."""
        self._beats[name] = (self.now(), limit_s)

    def rest(self, name: str) -> None:
        """The loop has nothing to do: it need not beat until it says so again."""
        self._beats.pop(name, None)

    def report(self) -> dict[str, Check]:
        """Every check, with the loops that went silent."""
        silent = {
            name: Check(healthy=False, detail=f"no sign of life for {self.now() - at:.0f} s")
            for name, (at, limit_s) in self._beats.items()
            if self.now() - at > limit_s
        }
        return {**self.checks, **silent}

    @property
    def healthy(self) -> bool:
        """Whether everything works."""
        return all(check.healthy for check in self.report().values())
