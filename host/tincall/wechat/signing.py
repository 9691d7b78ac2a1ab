"""The activation signature of devices that run the platform's Android framework (WMPF): a pure function of key and ids.

It signs the ASCII text `<productId>_<deviceId>` with ECDSA on P-256 over SHA-256, in DER, as base64 without line breaks.
Nothing is shared or written, so any number may be made at once, and no program's version of OpenSSL matters: the troubles
that the platform's FAQ 4.4 tells of its helper script.
"""

import base64
import binascii
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tincall.errors import OperatorError
from tincall.settings import read_secret

ALGORITHM = ec.ECDSA(hashes.SHA256())
DEVICE_ID_MAX_CHARS = 128


def sign(key: ec.EllipticCurvePrivateKey, product_id: int, device_id: str) -> str:
    """Sign for one device; two signatures of the same are different, and both are right.

    Args:
        key: on the curve P-256.
        product_id: of the hardware platform, above 0.
        device_id: 1 to 128 printable ASCII characters without spaces.

    Raises:
        OperatorError: status 2; an id that no device can have.
    """
    return base64.b64encode(key.sign(message(product_id, device_id), ALGORITHM)).decode("ascii")


def is_signed(key: ec.EllipticCurvePublicKey, product_id: int, device_id: str, signature: str) -> bool:
    """Tell whether a signature is that of a device."""
    try:
        key.verify(base64.b64decode(signature, validate=True), message(product_id, device_id), ALGORITHM)
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True


def message(product_id: int, device_id: str) -> bytes:
    """Give the text that is signed.

    Raises:
        OperatorError: status 2; an id that no device can have.
    """
    if product_id <= 0:
        raise OperatorError(f"{product_id} is no product id.", "Copy it from the hardware platform.", 2)
    if not 0 < len(device_id) <= DEVICE_ID_MAX_CHARS or not all("!" <= c <= "~" for c in device_id):
        raise OperatorError(
            f"{device_id!r} is no device id.", "A device id has letters, digits and signs, no spaces.", 2
        )
    return f"{product_id}_{device_id}".encode("ascii")


def load_key(path: Path) -> ec.EllipticCurvePrivateKey:
    """Read the private key whose public half is registered with the hardware platform.

    Args:
        path: PEM, without a passphrase, readable by its owner only.

    Raises:
        OperatorError: status 2; missing, open to others, locked, or not a key on P-256.
    """
    data = read_secret(path, "Give the file of the private key whose public half is registered.")
    try:
        key = serialization.load_pem_private_key(data, None)
    except TypeError:
        hint = "Write a copy without one: openssl pkey -in KEY -out COPY"
        raise OperatorError(f"{path} is locked with a passphrase.", hint, 2) from None
    except (ValueError, UnsupportedAlgorithm):
        hint = "Make one: openssl ecparam -genkey -name prime256v1 -noout -out KEY"
        raise OperatorError(f"{path} holds no private key in PEM.", hint, 2) from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        hint = "Make one: openssl ecparam -genkey -name prime256v1 -noout -out KEY"
        raise OperatorError(f"{path} is not a key on the curve P-256 (prime256v1).", hint, 2)
    return key
