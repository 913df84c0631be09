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
    path.parent.mkdir(parents=True, exist_ok=True)
    made = SigningKey.generate()
    # Whoever comes second finds the file there and reads it.
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return read_key(path)
    except OSError as error:
        raise CommandError(f"no signing key can be written to {path}: {error}") from error
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(encode_base64url(bytes(made)) + "\n")
        file.flush()
        os.fsync(file.fileno())
    return made


def public_text(key: SigningKey) -> str:
    """The public key as it is published: base64url."""
    return encode_base64url(bytes(key.verify_key))
