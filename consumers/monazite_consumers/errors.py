"""What can go wrong at the regulator, one small tree; a docstring is the default message."""


class MonaziteError(Exception):
    """Something went wrong."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (self.__doc__ or "").strip())


class RegistryError(MonaziteError):
    """The registry files do not fit together."""


class SchemaError(MonaziteError):
    """The database's schema is not this release's: run `monazite migrate`."""


class SupersededError(MonaziteError):
    """Another member has taken over this partition: its position has moved. Roll back and rejoin."""


class DoubtedError(MonaziteError):
    """What is in hand may come from another log than the one that is being read. Roll back."""


class FaultError(MonaziteError):
    """Our own code raised on a message; the cause says what."""


class NothingToAdoptError(MonaziteError):
    """The partition's log is the one that is being read."""


class TopicError(MonaziteError):
    """A topic is not as the table of topics has it."""


class RestoredError(MonaziteError):
    """The database was restored from a backup: apply the registry files that were in force last."""


class ControlError(MonaziteError):
    """The newest record of relay-control cannot be read: somebody else has written to that topic."""


class ClockError(MonaziteError):
    """The driven clock never moves backwards."""


class NotYetError(MonaziteError):
    """The month cannot be closed yet."""


class TamperedError(MonaziteError):
    """What was stored is not what is there now: `monazite ledger verify` names all of it."""


class NotReproducibleError(MonaziteError):
    """The report cannot be computed again here: it is of another release, or rests on a report that is not there."""
