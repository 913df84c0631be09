"""Writes the lock file of Kafka's jars anew: `python -m monazite.embedded.lock`. Run it when KAFKA or SLF4J changes."""

import hashlib
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

LOCK_FILE = Path(__file__).with_name("kafka.lock")
KAFKA = "org.apache.kafka:kafka_2.13:4.3.1"  # 4.4.0 is incomplete in the registry
SLF4J = "org.slf4j:slf4j-simple:1.7.36"  # the version of slf4j-api that this Kafka asks for
HEADER = """\
# Kafka's jars: coordinates, size in bytes, sha256. Written by `python -m monazite.embedded.lock`; not edited by hand.
"""


@dataclass(frozen=True)
class Jar:
    """One locked jar."""

    coordinates: str  # group:artifact:version
    size: int  # bytes
    sha256: str

    @property
    def filename(self) -> str:
        """As in the registry: artifact-version.jar."""
        _, artifact, version = self.coordinates.split(":")
        return f"{artifact}-{version}.jar"


def read(path: Path = LOCK_FILE) -> list[Jar]:
    """The locked jars, in class path order."""
    rows = [line.split() for line in path.read_text().splitlines() if line and not line.startswith("#")]
    return [Jar(coordinates, int(size), sha256) for coordinates, size, sha256 in rows]


def write(jars: Iterable[Jar], path: Path = LOCK_FILE) -> None:
    """Writes a lock file that read understands."""
    lines = [f"{jar.coordinates} {jar.size} {jar.sha256}\n" for jar in jars]
    path.write_text(HEADER + "".join(lines))


def resolve(repository: Path) -> list[Jar]:
    """Asks the registry what Kafka needs, downloads it into a folder and takes its checksums."""
    from jgo.maven import MavenContext, PythonResolver  # noqa: PLC0415 - heavy, and only needed here

    context = MavenContext(resolver=PythonResolver(), repo_cache=repository, timeout=60)
    wanted = [context.create_dependency(coordinates) for coordinates in (KAFKA, SLF4J)]
    direct, transitive = context.resolver.resolve(wanted)
    return [_locked(dependency.artifact) for dependency in [*direct, *transitive]]


def _locked(artifact) -> Jar:  # type: ignore[no-untyped-def]  # noqa: ANN001 - jgo ships no types
    content = artifact.resolve().read_bytes()
    coordinates = f"{artifact.groupId}:{artifact.artifactId}:{artifact.version}"
    return Jar(coordinates, len(content), hashlib.sha256(content).hexdigest())


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        write(resolve(Path(temporary)))
