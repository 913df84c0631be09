"""Where the data that ship with the distribution lie: in a wheel inside the package, in a clone beside it."""

from pathlib import Path
from typing import Final

_PACKAGE: Final = Path(__file__).parent


def registry() -> Path:
    """The directory of the real holders and allocations, as `monazite registry apply` takes it.

    Raises:
        FileNotFoundError: the distribution was built without its data.
    """
    for directory in (_PACKAGE / "registry_data", _PACKAGE.parent / "registry"):
        if (directory / "holders.yaml").is_file():
            return directory
    raise FileNotFoundError("the distribution was built without its registry data: reinstall monazite")
