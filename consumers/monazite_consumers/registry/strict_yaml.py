"""YAML without its surprises: `no` is text, `012` no octal, a day stays text for the model to judge; lines are kept."""

import re
from collections.abc import Iterator
from typing import Any, Final

import yaml
from yaml.nodes import MappingNode, Node

_RESOLVERS: Final = (
    ("tag:yaml.org,2002:null", re.compile(r"^(~|null|)$"), ["~", "n", ""]),
    ("tag:yaml.org,2002:bool", re.compile(r"^(true|false)$"), ["t", "f"]),
    ("tag:yaml.org,2002:int", re.compile(r"^-?(0|[1-9][0-9]*)$"), list("-0123456789")),
    # Floats are told from text so that the model can refuse them by name.
    ("tag:yaml.org,2002:float", re.compile(r"^[-+]?[0-9]+\.[0-9]*([eE][-+]?[0-9]+)?$"), list("-+0123456789")),
)


class _Loader(yaml.SafeLoader):
    yaml_implicit_resolvers = {}  # noqa: RUF012 - the name and the place are PyYAML's


for _tag, _pattern, _first in _RESOLVERS:
    _Loader.add_implicit_resolver(_tag, _pattern, _first)


class Document:
    """One parsed file. Values are constructed only when asked for, so that every node can still name its line.

    Raises:
        yaml.YAMLError: the text is not one YAML document.
    """

    def __init__(self, text: str) -> None:
        self._loader = _Loader(text)
        try:
            self.root: Node | None = self._loader.get_single_node()
        finally:
            self._loader.dispose()

    def value(self, node: Node) -> Any:
        """The plain value of a node. Raises yaml.YAMLError on a tag that is not plain data."""
        return self._loader.construct_object(node, deep=True)

    def fields(self, node: MappingNode) -> Iterator[tuple[str, Node, int]]:
        """(key, value, line) of a mapping, repeated keys included."""
        for key, value in node.value:
            yield str(self.value(key)), value, line_of(key)


def line_of(node: Node) -> int:
    """The line on which a node begins, from 1."""
    return int(node.start_mark.line) + 1
