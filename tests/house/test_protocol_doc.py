"""docs/protocol.md tells the truth: its bytes are in the vectors, its tables are those of the code, its proofs are right."""

import base64
import binascii
import hashlib
import hmac
import json
import re
from pathlib import Path
from typing import Any

import pytest

from callcore import attest, causes, claim, evidence, framer, handover, media, messages, refusals, sentences, verify
from tincall.relay import bridge, device_leg, handshake, live_call, session
from tincall.relay.limits import Limits
from tincall.settings import CallSettings, LimitSettings


@pytest.fixture(scope="module")
def page(checkout: Path) -> str:
    return (checkout / "docs/protocol.md").read_text()


@pytest.fixture(scope="module")
def vectors(checkout: Path) -> dict[str, Any]:
    return {path.stem: json.loads(path.read_text()) for path in (checkout / "tests/vectors").glob("*.json")}


def strings(value: Any) -> list[str]:
    """Give every string in a JSON value."""
    if isinstance(value, str):
        return [value]
    members = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return [text for member in members for text in strings(member)]


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)


def rows(page: str, head: str) -> list[list[str]]:
    """Give the cells of the table that begins with `head`."""
    lines = page[page.index(head) :].splitlines()[2:]
    table = []
    for line in lines:
        if not line.startswith("|"):
            break
        table.append([cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]])
    return table


def test_each_block_of_bytes_is_in_the_vectors(page: str, vectors: dict[str, Any]) -> None:
    known = strings(vectors)
    examples = ["".join(block.split()) for block in blocks(page, "hex")]
    assert len(examples) >= 12
    for example in examples:
        assert re.fullmatch(r"([0-9a-f]{2})+", example), example
        assert any(example in text for text in known), example


def test_each_message_shown_is_in_the_vectors(page: str, vectors: dict[str, Any]) -> None:
    known = {bytes.fromhex(case["hex"]).decode() for case in vectors["messages"]["valid"]}
    shown = [line for block in blocks(page, "json") for line in block.splitlines() if line.startswith('{"t"')]
    assert len(shown) >= 6
    assert [line for line in shown if line not in known] == []


def test_the_verification_shown_proves_itself(page: str) -> None:
    """With HMAC and SHA-256 of the standard library, from the page's own words."""
    begin, challenge, finish, grant = (json.loads(line) for line in blocks(page, "json")[0].splitlines())
    auth = hmac.digest(bytes(range(32)), b"voip1 auth\x01", "sha256")
    fields = [
        b"voip1 verify",
        begin["sn"].encode(),
        begin["model_id"].encode(),
        begin["kv"].to_bytes(4, "big"),
        bytes.fromhex(begin["uid"]),
        base64.b64decode(begin["dn"]),
        base64.b64decode(challenge["nonce"]),
        challenge["sid"].encode(),
        finish["ctr"].to_bytes(8, "big"),
        base64.b64decode(finish["cb"]),
    ]
    th = hashlib.sha256(b"".join(len(field).to_bytes(2, "big") + field for field in fields)).digest()
    assert finish["sid"] == challenge["sid"]
    assert base64.b64decode(finish["proof"]) == hmac.digest(auth, b"\x01" + th, "sha256")
    body_hash = hashlib.sha256(grant["body"].encode()).digest()
    assert base64.b64decode(grant["sproof"]) == hmac.digest(auth, b"\x02" + th + body_hash, "sha256")
    assert auth.hex() in page and th.hex() in page


def test_the_verification_shown_is_read_by_both_sides(page: str) -> None:
    begin, challenge, finish, grant = (line.encode() for line in blocks(page, "json")[0].splitlines())
    assert verify.parse_begin(begin).sn == "SN-0001"
    assert evidence.parse_challenge(challenge)[0] == verify.parse_finish(finish).sid == "S1"
    assert evidence.parse_grant(grant)[0] == '{"exp":3600}'
    with pytest.raises(attest.AttestError):
        evidence.parse_grant_body('{"exp":3600}')


def test_the_claim_shown_proves_itself(page: str) -> None:
    """With HMAC and SHA-256 of the standard library, from the page's own words; and both sides read it."""
    asked, answer = (json.loads(line) for line in blocks(page, "json")[1].splitlines())
    secret = bytes(range(0x20, 0x30))
    fields = [b"voip1 claim", asked["sn"].encode(), asked["model_id"].encode(), bytes.fromhex(asked["uid"])]
    fields += [base64.b64decode(asked["dn"]), asked["claim_id"].encode(), base64.b64decode(asked["cb"])]
    th = hashlib.sha256(b"".join(len(field).to_bytes(2, "big") + field for field in fields)).digest()
    assert base64.b64decode(asked["proof"]) == hmac.digest(secret, b"\x11" + th, "sha256")
    body_hash = hashlib.sha256(answer["body"].encode()).digest()
    assert base64.b64decode(answer["sproof"]) == hmac.digest(secret, b"\x12" + th + body_hash, "sha256")
    mask = hmac.digest(secret, b"\x13" + th, "sha256")
    hidden = base64.b64decode(json.loads(answer["body"])["key"])
    assert bytes(a ^ b for a, b in zip(hidden, mask, strict=True)) == bytes(range(32))
    assert handover.parse(asked).proof == base64.b64decode(asked["proof"]) and th.hex() in page
    assert claim.granted(secret, th, answer) == (1, bytes(range(32)))


def fields_of(record: Any) -> list[str]:
    return [name for name, _ in record.required + record.optional]


def test_every_message_is_in_the_table_with_its_fields_and_sender(page: str) -> None:
    senders = {"board": messages.FROM_BOARD, "relay": messages.FROM_RELAY}
    senders["either"] = messages.FROM_BOARD | messages.FROM_RELAY
    told: list[tuple[str, int, list[str]]] = []
    for message, sender, name, kind, _ in rows(page, "| message | from | field |"):
        if message:
            told.append((message.strip("`"), senders[sender], []))
        told[-1][2].append(name.strip("`"))
        assert kind
    meant = [(name, sender, fields_of(shape)) for name, shapes in messages.MESSAGES.items() for sender, shape in shapes]
    assert told == meant


def test_the_objects_of_the_verification_have_these_fields(page: str) -> None:
    head = "| field | type | is |"
    tables = [
        [row[0].strip("`") for row in rows(page[match.start() :], head)]
        for match in re.finditer("^" + re.escape(head), page, re.M)
    ]
    begin, challenge, finish, grant, body, asked, handed = tables
    assert begin == fields_of(verify._VERSION) + fields_of(verify._BEGIN)
    assert challenge == fields_of(evidence._CHALLENGE)
    assert finish == fields_of(verify._VERSION) + fields_of(verify._FINISH)
    assert grant == fields_of(evidence._GRANT)
    assert body == fields_of(evidence._GRANT_BODY)
    assert asked == fields_of(verify._VERSION) + fields_of(handover._CLAIM)
    assert handed == ["kv", "key"]


def test_every_reason_has_its_row(page: str) -> None:
    told = {row[0].strip("`"): row[1] for row in rows(page, "| `reason` | status |") if row[0].startswith("`")}
    meant = {word: str(status) if status else "-" for word, (status, _, _) in refusals.REASONS.items()}
    assert told == meant


def test_every_cause_has_its_row(page: str) -> None:
    told = {int(row[0]): row[1].strip("`") for row in rows(page, "| cause | name |")}
    meant = {number: causes.name(number) for number in range(1, 1000) if sentences.is_known(number)}
    assert told == meant


def test_every_codec_has_its_row(page: str) -> None:
    told = {row[0].strip("`"): row[1:4] for row in rows(page, "| codec | payload type |")}
    for name in media.CODECS:
        payload_type, clock_hz = media.codec(name)[:2]
        sizes = " / ".join(str(media.frame_bytes(name, ptime_ms)) for ptime_ms in media.PTIMES_MS)
        assert told.pop(name) == [str(payload_type), f"{clock_hz:,} Hz", sizes]
    assert told == {}


def test_every_close_code_has_its_row(page: str) -> None:
    told = {int(row[0]) for row in rows(page, "| close code | from |")}
    ours = {value for name, value in vars(session).items() if name.startswith("CLOSE_") and isinstance(value, int)}
    ours |= {framer.CLOSE_NORMAL, framer.CLOSE_NOT_UTF8, framer.CLOSE_TOO_BIG}
    assert told == ours


def test_the_words_of_a_board_are_listed(page: str, checkout: Path) -> None:
    told = {row[0].strip("`") for row in rows(page, "| word | means |")}
    said: set[str] = set()
    for path in (checkout / "firmware/handset").glob("*.py"):
        text = path.read_text()
        said |= set(re.findall(r'LinkError\(\s*"(\w+)"', text))
        said |= set(re.findall(r'^    \("[^"]+", "(\w+)", "[^"]+"\),$', text, re.M))  # the table in tls.py
        said |= set(re.findall(r'^    \d{4}: \("(\w+)", "[^"]+"\),$', text, re.M))  # the table in link.py
    assert {"tls_wrong_ca", "superseded", "link_lost"} <= said
    assert told == said


def test_the_bounds_are_those_of_the_code(page: str) -> None:
    told = {row[0]: row[1] for row in rows(page, "| bound | value |")}
    limits = Limits()
    rates, calls = LimitSettings(), CallSettings()
    assert Limits.of(rates) == limits
    assert told == {
        "text message": f"{framer.MAX_TEXT_BYTES:,} bytes",
        "binary message": f"{framer.MAX_BINARY_BYTES:,} bytes",
        "control frame": f"{framer.MAX_CONTROL_BYTES} bytes",
        "packets of one board": f"{limits.media_per_s} a second, {limits.media_burst} at once",
        "messages and control frames of one board": f"{limits.messages_per_s} a second, {limits.message_burst} at once",
        "messages answered with `error`": f"1 a second, {limits.error_burst} at once",
        "signalling waiting for a link": f"{limits.signalling_queue} messages",
        "a link that takes no data": f"{limits.stalled_ms // 1000} s",
        "request head": f"{limits.head_bytes:,} bytes, {limits.headers} fields",
        "body of a verification request or a claim": f"{verify.MAX_REQUEST_BYTES:,} bytes",
        "TLS handshake; one request; idle between requests": "; ".join(
            f"{ms // 1000} s" for ms in (limits.handshake_ms, limits.request_ms, limits.idle_ms)
        ),
        "verifications for one serial number from one address": f"{rates.attempts_per_minute} a minute",
        "verifications from one address": f"{rates.attempts_per_minute_address} a minute",
        "connections; from one address": f"{limits.connections:,}; {limits.connections_per_address}",
        "calls at one time": str(calls.max_calls),
        "answer that a board must take": "head 2,048 bytes, body 8,192 bytes",
    }


def test_the_times_in_the_text_are_those_of_the_code(page: str) -> None:
    flat = " ".join(page.split())
    limits = Limits()
    assert f"no byte for {limits.silence_ms // 1000} s" in flat
    assert f"says `hello` for {limits.hello_ms // 1000} s" in flat
    assert f"sound for {bridge.MEDIA_TIMEOUT_MS // 1000} s" in flat
    assert f"The relay waits {device_leg.REPORT_MS // 1000} s for the last one" in flat
    assert f"longer than {live_call.LAST_WORD_MS / 1000} s" in flat


def test_the_upgrade_shown_is_the_one_that_is_taken(page: str) -> None:
    key = re.findall(r"^Sec-WebSocket-Key: (.+)$", page, re.M)[0]
    assert f"Sec-WebSocket-Accept: {handshake.accept_value(key)}" in page
    assert binascii.a2b_base64(key) == b"the sample nonce"
    assert f"Sec-WebSocket-Protocol: {handshake.SUBPROTOCOL}" in page
    for path, method in handshake.METHODS.items():
        assert f"{method} {path}" in page
