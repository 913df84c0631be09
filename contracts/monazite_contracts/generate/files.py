"""All generated files, by their path under the folder that ships them."""

import json
import re
from pathlib import Path
from typing import Any, Final

import yaml

from monazite_contracts.generate.asyncapi import asyncapi
from monazite_contracts.generate.examples import example_record, examples
from monazite_contracts.generate.pages import messages_page, topics_page
from monazite_contracts.generate.schemas import schema_of
from monazite_contracts.generate.vectors import vectors
from monazite_contracts.messages import MESSAGES

_LIST_OF_SCALARS: Final = re.compile(r"\[\n\s+([^\[\]{}]*?)\n\s+\]")

GENERATED_FOLDERS: Final = ("schemas", "examples")
"""Folders in which every file is generated: what is not, is an orphan."""


def generated_files() -> dict[str, str]:
    """Path and text of each."""
    shown = examples()
    files = {f"schemas/{message.title}.schema.json": json_text(schema_of(message)) for message in MESSAGES}
    files |= {f"examples/{title}.json": json_text(example) for title, example in shown.items()}
    return files | {
        "examples/envelope.v1.record.json": json_text(example_record()),
        "vectors.json": json_text(vectors()),
        "asyncapi.yaml": yaml.dump(asyncapi(), Dumper=_PlainDumper, sort_keys=False, allow_unicode=True, width=120),
        "topics.md": topics_page(),
        "messages.md": messages_page(),
    }


def write_files(folder: Path) -> list[Path]:
    """Writes them all and removes generated files of messages that are no more; returns what was written."""
    files = generated_files()
    for name in GENERATED_FOLDERS:
        for path in sorted((folder / name).glob("*.json")):
            if path.relative_to(folder).as_posix() not in files:
                path.unlink()
    written = []
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
        written.append(path)
    return written


def json_text(document: Any) -> str:
    """JSON for people: indented, a list of plain values on one line."""
    text = json.dumps(document, indent=2, ensure_ascii=False)
    return _LIST_OF_SCALARS.sub(lambda found: f"[{' '.join(found[1].split())}]", text) + "\n"


class _PlainDumper(yaml.SafeDumper):
    """Repeats what is the same instead of pointing to it: `&id001` is for machines."""

    def ignore_aliases(self, _data: Any) -> bool:
        """Always."""
        return True
