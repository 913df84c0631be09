"""The one model that every message is built from: frozen, strict, unknown fields refused."""

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler
from pydantic_core import CoreSchema


class Contract(BaseModel):
    """A part of the wire contract."""

    model_config = ConfigDict(
        frozen=True,
        strict=True,
        extra="forbid",
        use_attribute_docstrings=True,
        ser_json_timedelta="iso8601",
    )


@dataclass(frozen=True, slots=True)
class Form:
    """How a kind of value is written: stands in the JSON Schema beside what a field's docstring says of the field."""

    text: str
    example: str | None = None

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Adds the form as `$comment` and `examples`."""
        written = handler(schema) | {"$comment": self.text}
        return written if self.example is None else written | {"examples": [self.example]}
