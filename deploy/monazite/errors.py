"""What can go wrong at the command line."""


class CommandError(Exception):
    """The command cannot be carried out."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (self.__doc__ or "").strip())


class ConfigurationError(CommandError):
    """A setting is not what it should be."""
