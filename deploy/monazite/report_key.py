"""The platform's signing key for reports: one file that only its owner may read, made once and on purpose."""

import os
from pathlib import Path
from typing import Final

from nacl.signing import SigningKey

from monazite.errors import CommandError
from monazite_contracts.seal import decode_base64url, encode_base64url

FILE_NAME: Final = "report-signing.key"
_OTHERS: Final = 0o077


def read_key(path: Path) -> SigningKey:
    """The key in a file.

    Raises:
        CommandError: there is none, it is no key, or others may read it.
    """
    try:
        mode, text = path.stat().st_mode, path.read_text(encoding="ascii")
    except FileNotFoundError:
        raise CommandError(f"there is no signing key at {path}: `monazite report key` makes one") from None
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"the signing key at {path} cannot be read: {error}") from error
    if mode & _OTHERS:
        raise CommandError(f"others may read the signing key at {path}: take away their rights (chmod 600)")
    seed = decode_base64url(text.strip(), 32)
    if seed is None:
        raise CommandError(f"{path} holds no signing key: 32 bytes in base64url without padding")
    return SigningKey(seed)


def make_key(path: Path) -> SigningKey:
    """The key in a file, made anew if there is none."""
    if path.exists():
        return read_key(path)
    made = SigningKey.generate()
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            _put(beside, f"{encode_base64url(bytes(made))}\n")
            os.link(beside, path)  # whole or not at all
        finally:
            beside.unlink(missing_ok=True)
    except FileExistsError:
        return read_key(path)  # whoever comes second finds the file there
    except OSError as error:
        raise CommandError(f"no signing key can be written to {path}: {error}") from error
    return made


def _put(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def public_text(key: SigningKey) -> str:
    """The public key as it is published: base64url."""
    return encode_base64url(bytes(key.verify_key))
