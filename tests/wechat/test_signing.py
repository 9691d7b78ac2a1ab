"""Activation signatures: right by another verifier, by the platform's text, and in parallel."""

import base64
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from tincall.errors import OperatorError
from tincall.wechat.signing import is_signed, load_key, message, sign

KEY = ec.generate_private_key(ec.SECP256R1())
PEM, RAW = serialization.Encoding.PEM, serialization.NoEncryption()
PKCS8, SEC1 = serialization.PrivateFormat.PKCS8, serialization.PrivateFormat.TraditionalOpenSSL


def written(tmp_path, key=KEY, form=PKCS8, lock=RAW, mode=0o600):
    path = tmp_path / "key.pem"
    path.write_bytes(key.private_bytes(PEM, form, lock))
    path.chmod(mode)
    return path


def refused(path):
    with pytest.raises(OperatorError) as caught:
        load_key(path)
    assert caught.value.status == 2 and caught.value.hint
    return caught.value.message


def test_the_text_is_product_and_device():
    assert message(1234, "device-1") == b"1234_device-1"


def test_openssl_takes_it(tmp_path):
    public = tmp_path / "public.pem"
    public.write_bytes(KEY.public_key().public_bytes(PEM, serialization.PublicFormat.SubjectPublicKeyInfo))
    (tmp_path / "text").write_bytes(b"1234_device-1")
    (tmp_path / "signature").write_bytes(base64.b64decode(sign(KEY, 1234, "device-1"), validate=True))
    command = ["openssl", "dgst", "-sha256", "-verify", public, "-signature", tmp_path / "signature", tmp_path / "text"]
    done = subprocess.run(command, capture_output=True, check=True)
    assert done.stdout == b"Verified OK\n"


def test_it_is_one_line_of_der_in_base64():
    made = sign(KEY, 1, "d")
    assert "\n" not in made and base64.b64decode(made, validate=True)[0] == 0x30


def test_another_device_product_or_key_does_not_fit():
    public, made = KEY.public_key(), sign(KEY, 1, "d")
    assert is_signed(public, 1, "d", made)
    assert not is_signed(public, 2, "d", made)
    assert not is_signed(public, 1, "e", made)
    assert not is_signed(ec.generate_private_key(ec.SECP256R1()).public_key(), 1, "d", made)
    assert not is_signed(public, 1, "d", "no base64!")
    assert not is_signed(public, 1, "d", "AAAA")


def test_many_at_once_are_all_right():
    ids = [f"device-{number}" for number in range(400)]
    with ThreadPoolExecutor(16) as pool:
        made = list(pool.map(lambda one: sign(KEY, 7, one), ids))
    assert all(is_signed(KEY.public_key(), 7, one, signature) for one, signature in zip(ids, made, strict=True))


@pytest.mark.parametrize(
    ("product_id", "device_id"), [(0, "d"), (-1, "d"), (1, ""), (1, "a b"), (1, "\u00e9"), (1, "a\n"), (1, "x" * 129)]
)
def test_an_id_that_no_device_has_is_refused(product_id, device_id):
    with pytest.raises(OperatorError) as caught:
        sign(KEY, product_id, device_id)
    assert caught.value.status == 2


@pytest.mark.parametrize("form", [PKCS8, SEC1])
def test_a_key_is_read_in_both_forms(tmp_path, form):
    key = load_key(written(tmp_path, form=form))
    assert is_signed(KEY.public_key(), 1, "d", sign(key, 1, "d"))


def test_a_key_that_cannot_be_used(tmp_path):
    assert "others may read" in refused(written(tmp_path, mode=0o644))
    locked = serialization.BestAvailableEncryption(b"x")
    assert "passphrase" in refused(written(tmp_path, lock=locked))
    assert "P-256" in refused(written(tmp_path, ec.generate_private_key(ec.SECP384R1())))
    assert "P-256" in refused(written(tmp_path, rsa.generate_private_key(65537, 2048)))
    (tmp_path / "key.pem").write_text("nothing")
    assert "no private key" in refused(tmp_path / "key.pem")
    assert "not there" in refused(tmp_path / "other.pem")
