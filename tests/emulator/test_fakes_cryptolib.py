"""AES as the firmware uses it, against the vector of FIPS 197, appendix C, and MicroPython's own answers."""

KEY = bytes(range(16)).hex()
PLAIN = "00112233445566778899aabbccddeeff"
CIPHER = "69c4e0d86a7b0430d8cdb78070b4c55a"


def test_ecb_into_a_buffer_and_back(bench) -> None:
    said = bench.results(f"""
import binascii, cryptolib
key = binascii.unhexlify({KEY!r})
plain = binascii.unhexlify({PLAIN!r})
out = bytearray(16)
cryptolib.aes(key, 1).encrypt(plain, out)
say("into", binascii.hexlify(out).decode())
aes = cryptolib.aes(key, 1)
say("new", [binascii.hexlify(aes.encrypt(plain + plain)).decode()])
same = bytearray(plain)
cryptolib.aes(key, 1).encrypt(same, same)
say("same", same == out)
say("back", cryptolib.aes(key, 1).decrypt(bytes(out)) == plain)
say("cbc", cryptolib.aes(key, 2, bytes(16)).encrypt(plain) == bytes(out))
say("turn", kind_of(aes.decrypt, plain))
say("part", kind_of(cryptolib.aes(key, 1).encrypt, b"123"))
say("key", kind_of(cryptolib.aes, b"short", 1))
say("iv", kind_of(cryptolib.aes, key, 2, b"x"))
say("room", kind_of(cryptolib.aes(key, 1).encrypt, plain, bytearray(8)))
""")
    assert said == {
        "into": CIPHER,
        "new": [CIPHER * 2],
        "same": True,
        "back": True,
        "cbc": True,
        **dict.fromkeys(("turn", "part", "key", "iv", "room"), "ValueError"),
    }
