"""What can go wrong at a plant, one small tree."""


class ProducerError(Exception):
    """Something at the plant's side of the wire failed."""

    def __init__(self, detail: str = "") -> None:
        """`detail` replaces the class's docstring as the message."""
        super().__init__(detail or (self.__doc__ or "").strip())


class EventTooLargeError(ProducerError):
    """An event is longer than the contract allows: at most 64 KiB in its JSON form."""


class EnvelopeTooLargeError(ProducerError):
    """These events do not fit into one envelope: at most 500 events and 512 KiB."""


class PlanImpossibleError(ProducerError):
    """No simulated year follows from this plan."""
