"""A claim's secret as a person reads and types it: whole, or refused."""

import pytest

from tincall.relay import claim_code

SECRET = bytes(range(0x20, 0x30))
CODE = claim_code.write(SECRET)


def test_it_comes_back_however_it_is_typed():
    assert len(CODE) == 34 and CODE.count("-") == 6
    typed = CODE.replace("0", "o").replace("1", "l").lower().replace("-", " ")
    for text in (CODE, CODE.lower(), CODE.replace("-", ""), f"  {typed}\n", CODE.replace("1", "I")):
        assert claim_code.read(text) == SECRET
    for secret in (bytes(16), b"\xff" * 16):
        assert claim_code.read(claim_code.write(secret)) == secret


def test_it_holds_letters_that_nobody_mistakes():
    text = "".join(claim_code.write(bytes([seed]) * 16) for seed in range(256)).replace("-", "")
    assert set(text) <= set(claim_code.ALPHABET) and not set(text) & set("ILOU")


def test_each_slip_of_the_finger_is_found():
    letters = CODE.replace("-", "")
    wrong = [
        letters[:at] + other + letters[at + 1 :]
        for at in range(len(letters))
        for other in claim_code.ALPHABET
        if other != letters[at]
    ]
    swapped = [letters[:at] + letters[at + 1] + letters[at] + letters[at + 2 :] for at in range(len(letters) - 1)]
    wrong += [text for text in swapped if text != letters]
    missed = [text for text in wrong if claim_code.read(text) is not None]
    assert len(missed) <= len(wrong) / 1000


@pytest.mark.parametrize(
    "text", ["", "-", CODE[:-1], CODE + "0", CODE.replace(CODE[0], "U"), "\u00e9" * 28, "\u0661" * 28]
)
def test_what_is_no_code_is_told_so(text):
    assert claim_code.read(text) is None
