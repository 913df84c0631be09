"""The one model that every message is built from: frozen, strict, unknown fields refused."""

from pydantic import BaseModel, ConfigDict


class Contract(BaseModel):
    """A part of the wire contract."""

    model_config = ConfigDict(
        frozen=True,
        strict=True,
        extra="forbid",
        use_attribute_docstrings=True,
        ser_json_timedelta="iso8601",
    )
