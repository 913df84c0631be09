"""A second implementation: the end state, from what the broker acknowledged and the registry's files alone.

It imports nothing of ours, and does everything the plain way: all messages at once, in the order of their coordinates.
"""

from chaos.oracle.judging import judge
from chaos.oracle.messages import End, Message

__all__ = ["End", "Message", "judge"]
