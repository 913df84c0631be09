"""Files that bear their seal at their end: an Ed25519 signature over every byte before it, where readers ignore it."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from nacl.signing import SigningKey, VerifyKey

from monazite_contracts.seal import SIGNATURE_BYTES, decode_base64url, encode_base64url, pae, verifies

REPORT_PAYLOAD_TYPE: Final = "application/vnd.monazite.report-file"
"""Sealed apart from envelopes and heartbeats; one for all formats."""

_KEY, _SIGNATURE = rb"(?P<key>[A-Za-z0-9_-]{43})", rb"(?P<signature>[A-Za-z0-9_-]{86})"


class SealError(Exception):
    """A file's seal is missing, damaged, another's, or does not fit the file; the message says which."""


@dataclass(frozen=True, slots=True)
class Form:
    """How one kind of file begins, and how its seal is written after its last byte.

    `head`: what stands before the bytes that are signed. `line`: around what a file says of itself, the last that is
    signed; None where the content says it. `is_archive`: the seal is the comment of a zip archive, and its length
    stands before it.
    """

    name: str
    begins: tuple[bytes, ...]
    tail: tuple[bytes, bytes, bytes]
    head: bytes = b""
    line: tuple[bytes, bytes] | None = None
    is_archive: bool = False

    def said(self, words: bytes) -> bytes:
        """What a file says of itself, as it stands in it."""
        if self.line is None or not words:
            return b""
        return self.line[0] + words + self.line[1]

    def seal(self, key: bytes, signature: bytes) -> bytes:
        """The seal's own bytes."""
        before, between, after = self.tail
        return before + key + between + signature + after

    @property
    def pattern(self) -> re.Pattern[bytes]:
        """What finds the seal."""
        before, between, after = map(re.escape, self.tail)
        return re.compile(before + _KEY + between + _SIGNATURE + after)


_WORDS: Final = (b"monazite-seal v1 key=", b" signature=")
_SAYS: Final = b"monazite-report v1 "
_LENGTH: Final = len(_WORDS[0]) + 43 + len(_WORDS[1]) + 86
"""Of the seal in an archive's comment."""

FORMS: Final[Mapping[str, Form]] = MappingProxyType({
    form.name: form
    for form in (
        Form("json", (b'{"report":',), (b',"seal":{"key":"', b'","signature":"', b'"}}\n'), head=b'{"report":'),
        Form("pdf", (b"%PDF-",), (b"%" + _WORDS[0], _WORDS[1], b"\n"), line=(b"%" + _SAYS, b"\n")),
        Form(
            "html", (b"<!DOCTYPE html", b"<!doctype html"), (b"<!-- " + _WORDS[0], _WORDS[1], b" -->\n"),
            line=(b"<!-- " + _SAYS, b" -->\n"),
        ),
        Form("zip", (b"PK\x03\x04",), (*_WORDS, b""), line=(_SAYS, b"\n"), is_archive=True),
    )
})  # fmt: skip
"""JSON (`{"report":…,"seal":…}`: signed is the report alone, in canonical form), PDF (a comment line after the end of
the file), HTML (a comment), and archives: XLSX, and CSV files in a zip (the archive's comment). All but JSON say
before it, in a line of the same kind, whose month they are."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """A file whose seal fits. `content`: what was signed. `says`: what it says of itself; empty where it says nothing.

    `key`: the public key, base64url.
    """

    form: str
    key: str
    content: bytes
    says: bytes = b""


def seal_file(content: bytes, key: SigningKey, says: bytes = b"") -> bytes:
    """The file with its seal. `content`: the canonical bytes of a report, or a whole PDF, HTML page or zip archive.

    `says`: what a file that is none for programs says of itself: JSON in ASCII, on one line.

    Raises:
        SealError: it is of none of these kinds, or an archive that bears a comment already.
    """
    form = FORMS["json"] if content.startswith(b"{") else _form_of(content)
    said = form.said(says)
    signed = _with_room(content, len(said)) if form.is_archive else content
    if form.name in {"pdf", "html"} and not signed.endswith(b"\n"):
        signed += b"\n"
    signed += said
    signature = key.sign(pae(signed, REPORT_PAYLOAD_TYPE)).signature
    public = encode_base64url(bytes(key.verify_key)).encode()
    return form.head + signed + form.seal(public, encode_base64url(signature).encode())


def _with_room(archive: bytes, said: int) -> bytes:
    """An archive that says how long its comment will be; the comment is all that follows. `said`: of its other part."""
    if archive[-22:-18] != b"PK\x05\x06" or archive[-2:] != b"\0\0":
        raise SealError("the archive does not end in its directory, or bears a comment already")
    return archive[:-2] + (said + _LENGTH).to_bytes(2, "little")


def open_sealed(file: bytes, keys: Collection[VerifyKey] = ()) -> Sealed:
    """The file's content, if its seal fits; with keys only if it is one of theirs.

    Without any the seal proves that the file is whole, not whose it is: compare `key` with the published one.

    Raises:
        SealError: says what is wrong.
    """
    form = _form_of(file)
    found = list(form.pattern.finditer(file))
    if not found:
        raise SealError(f"this {form.name} file bears no seal that can be read: it was never sealed, its end is cut "
                        "off or damaged, or another program saved it anew")  # fmt: skip
    last = found[-1]
    if last.end() != len(file):
        raise SealError(f"{len(file) - last.end()} bytes follow the seal: the file was added to after it was sealed")
    public = last["key"].decode()
    raw, signature = decode_base64url(public, 32), decode_base64url(last["signature"].decode(), SIGNATURE_BYTES)
    if raw is None or signature is None:
        raise SealError("the seal itself is damaged")
    if keys and raw not in map(bytes, keys):
        given = ", ".join(encode_base64url(bytes(key)) for key in keys)
        raise SealError(f"the seal is another key's ({public}), not that of {given}")
    content = file[len(form.head) : last.start()]
    if not verifies(content, signature, VerifyKey(raw), REPORT_PAYLOAD_TYPE):
        raise SealError("the seal does not fit the file: the file, its key or its seal was changed")
    return Sealed(form.name, public, content, _said(content, form))


def _said(content: bytes, form: Form) -> bytes:
    """What stands in the last line that is signed."""
    if form.line is None:
        return b""
    before, after = form.line
    _, found, words = content.rpartition(before)
    return words.removesuffix(after) if found and words.endswith(after) else b""


def _form_of(file: bytes) -> Form:
    for form in FORMS.values():
        if file.startswith(form.begins):
            return form
    if not file:
        raise SealError("the file is empty")
    if file.lstrip().startswith((b"{", b"[")):
        raise SealError(
            'this JSON file was never sealed, or written anew by another program: sealed ones begin with {"report":'
        )
    raise SealError("this is no report: it begins like neither JSON, PDF, HTML nor a zip archive (XLSX, CSV)")
