"""Forms a source's envelopes: numbers them, chains them by hash, and keeps them within the contract's limits.

What is formed is the value, which a gateway stores; the seal is added at each send, with the key that is current then.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from monazite_contracts.envelope import ENVELOPE_BYTES_MAX, EVENTS_MAX, Continues, Source, canonical, value_hash
from monazite_contracts.events import EVENT_BYTES_MAX
from monazite_producers.errors import EnvelopeTooLargeError, EventTooLargeError


@dataclass(frozen=True, slots=True)
class FormedEnvelope:
    """One envelope of a source. `value` is its RFC 8785 form; `hash` and `previous` are raw SHA-256."""

    sequence: int
    value: bytes
    hash: bytes
    previous: bytes | None


class Chain:
    """The envelopes of one source (plant, gateway, stream, incarnation), in order from sequence 1.

    `continues` names the last envelope of the earlier incarnation that the spool held; the first envelope says so.
    The same events in the same calls give the same bytes.
    """

    def __init__(self, source: Source, continues: Continues | None = None) -> None:
        """Starts at sequence 1; an incarnation is never taken up again, a restart is a new one."""
        self.source = source
        self._source_form = canonical(source.model_dump(mode="json"))
        self._continues_form = b"" if continues is None else canonical(continues.model_dump(mode="json"))
        self._sequence = 0
        self._last_hash: bytes | None = None
        # The longest sequence number, so that an envelope's length is known before its number is.
        self._frame_bytes = len(self._value(2**53 - 1, bytes(32), ())) + len(self._continues_form)

    @property
    def last(self) -> Continues | None:
        """The envelope formed last, as a later incarnation names it; None before the first."""
        if self._last_hash is None:
            return None
        return Continues(incarnation=self.source.incarnation, sequence=self._sequence, hash=self._last_hash.hex())

    def form(self, events: Sequence[Any]) -> FormedEnvelope:
        """The next envelope, with all of these events (decoded JSON).

        Raises:
            EventTooLargeError: an event is over 64 KiB.
            EnvelopeTooLargeError: no events, or more than one envelope holds; nothing was numbered.
        """
        runs = self._runs(events)
        if len(runs) != 1:
            raise EnvelopeTooLargeError(f"{len(events)} events need {len(runs)} envelopes: form_all splits them")
        return self._close(runs[0])

    def form_all(self, events: Sequence[Any]) -> tuple[FormedEnvelope, ...]:
        """As many envelopes as these events need, in their order; none for no events.

        Raises:
            EventTooLargeError: an event is over 64 KiB; nothing was numbered.
        """
        return tuple([self._close(run) for run in self._runs(events)])

    def _runs(self, events: Iterable[Any]) -> list[list[bytes]]:
        runs: list[list[bytes]] = []
        length = ENVELOPE_BYTES_MAX + 1
        for form in map(_event_form, events):
            length += len(form) + 1  # and its comma
            if length > ENVELOPE_BYTES_MAX or len(runs[-1]) == EVENTS_MAX:
                runs.append([])
                length = self._frame_bytes + len(form)
            runs[-1].append(form)
        return runs

    def _close(self, forms: list[bytes]) -> FormedEnvelope:
        sequence, previous = self._sequence + 1, self._last_hash
        value = self._value(sequence, previous, forms)
        self._sequence, self._last_hash = sequence, value_hash(value)
        return FormedEnvelope(sequence, value, self._last_hash, previous)

    def _value(self, sequence: int, previous: bytes | None, forms: Sequence[bytes]) -> bytes:
        """The canonical form, put together from canonical parts: sorted by key, as RFC 8785 asks."""
        continues = b'"continues":' + self._continues_form + b"," if self._continues_form and sequence == 1 else b""
        link = b"null" if previous is None else b'"' + previous.hex().encode() + b'"'
        return b"".join(
            (
                b"{",
                continues,
                b'"events":[',
                b",".join(forms),
                b'],"previous":',
                link,
                b',"sequence":%d,"source":' % sequence,
                self._source_form,
                b"}",
            )
        )


def _event_form(event: Any) -> bytes:
    form = canonical(event)
    if len(form) > EVENT_BYTES_MAX:
        raise EventTooLargeError(f"an event has {len(form)} bytes, at most {EVENT_BYTES_MAX} are allowed")
    return form
