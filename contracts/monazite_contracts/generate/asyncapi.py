"""The AsyncAPI 3.0 document, from the topic table and the models; told from the platform's side."""

from importlib.metadata import version
from typing import Any, Final

from monazite_contracts.generate.examples import example_record, examples
from monazite_contracts.generate.schemas import shared_schemas
from monazite_contracts.messages import MESSAGES, Message
from monazite_contracts.topics import TOPICS, Topic, cleanup_policy, compaction_lag_ms

Json = dict[str, Any]

KAFKA_BINDING: Final = "0.5.0"
SEALED: Final = frozenset({"envelope", "heartbeat"})
"""What a plant seals."""

_PARAMETERS: Final = {
    "plant": {"description": "The plant's registered code.", "examples": ["shihe-mine"]},
    "province": {"description": "The province's registered code.", "examples": ["cn-15"]},
}


def asyncapi() -> Json:
    """The whole document."""
    names, schemas = shared_schemas("#/components/schemas/{model}")
    records = [message for message in MESSAGES if message.travels == "record"]
    return {
        "asyncapi": "3.0.0",
        "info": _info(),
        "defaultContentType": "application/json",
        "channels": {_identifier(topic): _channel(topic) for topic in TOPICS},
        "operations": dict(_operation(topic) for topic in TOPICS),
        "components": {
            "messages": {message.name: _message(message, names[message.title]) for message in records},
            "messageTraits": {"sealed": {"headers": _headers()}},
            "schemas": dict(sorted(schemas.items())),
        },
    }


def _info() -> Json:
    return {
        "title": "monazite",
        "version": version("monazite"),
        "description": "What plants, the platform and regulators say to each other. The contracts page has the rules.",
        "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
    }


def _identifier(topic: Topic) -> str:
    return topic.name.replace("{", "").replace("}", "")


def _channel(topic: Topic) -> Json:
    channel: Json = {
        "address": topic.name,
        "description": f"{topic.why} Written by {topic.written_by}, read by {topic.read_by}; record key: {topic.key}.",
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in topic.carries},
        "bindings": {"kafka": _topic_binding(topic)},
    }
    parameters = {name: described for name, described in _PARAMETERS.items() if f"{{{name}}}" in topic.name}
    return channel | {"parameters": parameters} if parameters else channel


def _topic_binding(topic: Topic) -> Json:
    settings: Json = {"cleanup.policy": cleanup_policy(topic).split(","), "retention.ms": topic.retention_ms}
    lag_ms = compaction_lag_ms(topic)
    # The binding has no word for the compaction lag, and admits no further ones; an extension carries it.
    extension = {"x-min.compaction.lag.ms": lag_ms} if lag_ms else {}
    return {
        "partitions": topic.partitions,
        "topicConfiguration": settings,
        "bindingVersion": KAFKA_BINDING,
    } | extension


def _operation(topic: Topic) -> tuple[str, Json]:
    action = "receive" if topic.written_by == "gateways" else "send"
    channel = _identifier(topic)
    return f"{action}-{channel}", {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        "summary": topic.why,
        "messages": [{"$ref": f"#/channels/{channel}/messages/{name}"} for name in topic.carries],
    }


def _message(message: Message, schema: str) -> Json:
    key = next(topic.key for topic in TOPICS if message.name in topic.carries)
    described: Json = {
        "name": message.type or message.title,
        "title": message.title,
        "contentType": "application/json",
        "payload": {"$ref": f"#/components/schemas/{schema}"},
        "bindings": {"kafka": {"key": {"type": "string", "description": key}, "bindingVersion": KAFKA_BINDING}},
        "examples": [{"name": message.name, "payload": examples()[message.title]}],
    }
    if message.name not in SEALED:
        return described
    if message.name == "envelope":
        described["examples"][0]["headers"] = example_record()["headers"]
    return described | {"traits": [{"$ref": "#/components/messageTraits/sealed"}]}


def _headers() -> Json:
    return {
        "type": "object",
        "required": ["key", "seal"],
        "properties": {
            "key": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$", "description": "Id of the signing key."},
            "seal": {
                "type": "string",
                "pattern": "^[A-Za-z0-9_-]{86}$",
                "description": "Ed25519 signature over DSSE's PAE of the value, base64url without padding.",
            },
        },
    }
