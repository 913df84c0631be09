"""Hands the records of a poll through the framework untouched."""

from typing import Any

from faststream.kafka.message import KafkaMessage


async def keep_raw(records: Any) -> KafkaMessage:
    """A parser that touches nothing: the framework's own decodes every header, and loses what it cannot decode."""
    return KafkaMessage(raw_message=records, body=b"", consumer=_NO_CONSUMER)


async def raw(message: Any) -> Any:
    """A decoder that decodes nothing."""
    return message.raw_message


class _NoConsumer:
    async def commit(self) -> None:
        """Nothing: positions are in the database."""

    def seek(self, partition: Any, offset: int) -> None:
        """Nothing."""


_NO_CONSUMER = _NoConsumer()
