"""Golden MACs: the published cases of RFC 4231 (HMAC-SHA-256) and RFC 5869 appendix A (HKDF), each computed once more."""

import hmac
from typing import Any

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

_LONG = b"This is a test using a larger than block-size key and a larger than block-size data. " + (
    b"The key needs to be hashed before being used by the HMAC algorithm."
)

# RFC 4231 sections 4.2 to 4.8: key, data, output
_HMAC = [
    (b"\x0b" * 20, b"Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
    (b"Jefe", b"what do ya want for nothing?", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
    (b"\xaa" * 20, b"\xdd" * 50, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
    (bytes(range(1, 26)), b"\xcd" * 50, "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"),
    (b"\x0c" * 20, b"Test With Truncation", "a3b6167473100ee06e0c796c2955552b"),
    (
        b"\xaa" * 131,
        b"Test Using Larger Than Block-Size Key - Hash Key First",
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
    ),
    (b"\xaa" * 131, _LONG, "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"),
]

# RFC 5869 A.1 to A.3: PRK, info, OKM
_EXPAND = [
    (
        "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5",
        bytes(range(0xF0, 0xFA)),
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
    ),
    (
        "06a6b88c5853361a06104c9ceb35b45cef760014904671014a193f40c15fc244",
        bytes(range(0xB0, 0x100)),
        "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c"
        "59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71"
        "cc30c58179ec3e87c14c01d5c1f3434f1d87",
    ),
    (
        "19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04",
        b"",
        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
    ),
]


def _checked(published: str, computed: bytes) -> str:
    if bytes.fromhex(published) != computed[: len(published) // 2]:
        raise ValueError(f"a published value was copied wrongly: {published}")
    return published


def build() -> dict[str, Any]:
    """Give both lists; bytes are in hexadecimal, a shorter MAC is the beginning of the whole one."""
    return {
        "hmac_sha256": [
            {"key": key.hex(), "data": data.hex(), "mac": _checked(mac, hmac.digest(key, data, "sha256"))}
            for key, data, mac in _HMAC
        ],
        "hkdf_expand": [
            {
                "prk": prk,
                "info": info.hex(),
                "okm": _checked(okm, HKDFExpand(SHA256(), len(okm) // 2, info).derive(bytes.fromhex(prk))),
            }
            for prk, info, okm in _EXPAND
        ],
    }
