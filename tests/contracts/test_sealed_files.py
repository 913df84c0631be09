"""Seals at the end of files: whoever has the file and the public key can tell."""

import io
import random
import zipfile

import pytest
from nacl.signing import SigningKey

from monazite_contracts.envelope import canonical
from monazite_contracts.sealed_files import SealError, open_sealed, seal_file

KEY, OTHER = SigningKey(b"1" * 32), SigningKey(b"2" * 32)


def an_archive() -> bytes:
    kept = io.BytesIO()
    with zipfile.ZipFile(kept, "w") as archive:
        archive.writestr("caps.csv", "holder,granted\nshihe,1\n")
    return kept.getvalue()


CONTENTS = {
    "json": canonical({"type": "monazite.traceability-report.v1", "name": "石河"}),
    "pdf": b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n%%EOF\n",
    "html": "<!DOCTYPE html>\n<html><body>石河</body></html>\n".encode(),
    "zip": an_archive(),
}

SAYS = b'{"month":"2023-05"}'

CHANGES = {
    "json": ("石".encode(), "岩".encode()),
    "pdf": (b"obj", b"OBJ"),
    "html": ("石".encode(), "岩".encode()),
    "zip": (b"shihe", b"shine"),
}


@pytest.mark.parametrize("form", CONTENTS)
def test_what_was_sealed_is_found_to_be_whole_and_whose_it_is(form: str) -> None:
    sealed = open_sealed(seal_file(CONTENTS[form], KEY), [KEY.verify_key])
    assert sealed.form == form
    assert sealed.content[:20] == CONTENTS[form][:20]
    assert open_sealed(seal_file(CONTENTS[form], KEY)).key == sealed.key


@pytest.mark.parametrize("form", CONTENTS)
def test_a_file_says_under_its_seal_what_it_is(form: str) -> None:
    sealed = open_sealed(seal_file(CONTENTS[form], KEY, SAYS), [KEY.verify_key])
    assert sealed.says == (b"" if form == "json" else SAYS)
    assert open_sealed(seal_file(CONTENTS[form], KEY)).says == b""


@pytest.mark.parametrize("form", CONTENTS)
def test_a_file_may_bear_any_of_the_keys_that_were_published(form: str) -> None:
    for key in (KEY, OTHER):
        sealed = open_sealed(seal_file(CONTENTS[form], key), [KEY.verify_key, OTHER.verify_key])
        assert sealed.key == open_sealed(seal_file(CONTENTS[form], key)).key


@pytest.mark.parametrize("form", CONTENTS)
def test_any_bit_that_is_flipped_is_noticed(form: str) -> None:
    file = seal_file(CONTENTS[form], KEY, SAYS)
    for bit in range(len(file) * 8):
        flipped = bytearray(file)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises(SealError):
            open_sealed(bytes(flipped), [KEY.verify_key])


@pytest.mark.parametrize("form", CONTENTS)
def test_a_file_that_was_cut_off_at_any_byte_is_noticed(form: str) -> None:
    file = seal_file(CONTENTS[form], KEY, SAYS)
    for length in range(len(file)):
        with pytest.raises(SealError):
            open_sealed(file[:length], [KEY.verify_key])


@pytest.mark.parametrize("form", CONTENTS)
def test_what_is_wrong_is_said(form: str) -> None:
    file, content = seal_file(CONTENTS[form], KEY), CONTENTS[form]
    with pytest.raises(SealError, match=r"no seal|no report"):
        open_sealed(b'{"report":' + content if form == "json" else content, [KEY.verify_key])
    with pytest.raises(SealError, match="another key"):
        open_sealed(file, [OTHER.verify_key])
    with pytest.raises(SealError, match="follow the seal"):
        open_sealed(file + b"\n", [KEY.verify_key])
    with pytest.raises(SealError, match="does not fit"):
        open_sealed(file.replace(*CHANGES[form], 1), [KEY.verify_key])
    with pytest.raises(SealError, match="no report"):
        open_sealed(b"ELF" + file, [KEY.verify_key])


@pytest.mark.parametrize("form", CONTENTS)
def test_another_signature_under_the_right_key_s_name_is_noticed(form: str) -> None:
    forged = seal_file(CONTENTS[form], OTHER)
    renamed = forged.replace(open_sealed(forged).key.encode(), open_sealed(seal_file(CONTENTS[form], KEY)).key.encode())
    with pytest.raises(SealError, match="does not fit"):
        open_sealed(renamed, [KEY.verify_key])


def test_an_archive_under_seal_is_an_archive_still() -> None:
    file = seal_file(CONTENTS["zip"], KEY, SAYS)
    with zipfile.ZipFile(io.BytesIO(file)) as archive:
        assert archive.testzip() is None
        assert archive.comment.startswith(b"monazite-report v1 {")
        assert b"\nmonazite-seal v1 key=" in archive.comment


def test_an_archive_that_bears_a_comment_already_is_not_sealed() -> None:
    kept = io.BytesIO(CONTENTS["zip"])
    with zipfile.ZipFile(kept, "a") as archive:
        archive.comment = b"mine"
    with pytest.raises(SealError, match="comment already"):
        seal_file(kept.getvalue(), KEY)


def test_a_json_file_that_was_formatted_anew_and_an_empty_one_are_told_from_what_is_no_report() -> None:
    with pytest.raises(SealError, match="written anew"):
        open_sealed(b'{\n  "report": {}\n}')
    with pytest.raises(SealError, match="is empty"):
        open_sealed(b"")


def test_seals_of_chance_are_none() -> None:
    chance = random.Random(71)  # noqa: S311 - not for secrets
    for form, content in CONTENTS.items():
        with pytest.raises(SealError):
            open_sealed(content + chance.randbytes(200), [KEY.verify_key])
        assert form
