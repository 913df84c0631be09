"""What can go wrong with the embedded servers; a docstring is the default message and names the remedy."""


class EmbeddedError(Exception):
    """The embedded servers cannot do what was asked."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or type(self).__doc__)


class DownloadError(EmbeddedError):
    """A part could not be downloaded. Check the network and the package index or proxy settings, then start again."""


class ChecksumError(DownloadError):
    """A downloaded part is not the one that the lock file names. Check the mirror or proxy it came from."""


class JavaError(EmbeddedError):
    """Kafka needs Java 17 or newer. Install one (for example openjdk-17-jre-headless) or point JAVA_HOME at it."""


class DataError(EmbeddedError):
    """The data directory cannot be used. Choose another one with --data."""


class DataInUseError(DataError):
    """Another process runs on this data directory. Stop it (monazite down) or choose another one with --data."""


class DiskFullError(DataError):
    """The disk is full. Free some space or choose a data directory on another disk with --data."""


class ChildError(EmbeddedError):
    """A child process ended or did not get ready; its log says why."""


class PortTakenError(ChildError):
    """A port that a server needs is held by another process. Stop that process, or start the servers afresh."""
