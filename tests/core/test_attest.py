"""Profile voip1: the published known answer, both sides against each other, and every way to fail."""

import json
from binascii import hexlify, unhexlify

from callcore import attest, verify
from callcore.errors import AttestError, LocalError

HERE = __file__[: __file__.rfind("/") + 1]
with open(HERE + "../vectors/attest.json") as file:
    VECTORS = json.load(file)

KEY = b"\x77" * 32
NONCE = b"n" * 32
SEED = b"\x5e" * 32
NEXT = b"\x99" * 32


def hexa(data):
    return hexlify(data).decode()


def reason_of(call, *args):
    try:
        call(*args)
    except AttestError as error:
        return error.reason
    return ""


def refused(call, *args):
    try:
        call(*args)
    except LocalError as error:
        return error.detail
    raise AssertionError("not refused")


def attester(key=KEY):
    return attest.Attester(key, "SN-0001", "model-x", 1, b"\x01\x02\x03", "0.1.0")


def relay_grant(begin, finish, key=KEY, body=""):
    """What a relay that knows `key` answers to the two requests."""
    asked = verify.parse_begin(begin)
    shown = verify.parse_finish(finish)
    auth = attest.Keys(key).auth
    th = attest.transcript(asked, NONCE, shown.sid, shown.ctr, shown.cb)
    body = body or verify.grant_body("token", 3600, 1790000000, 12, "/v1/link", SEED)
    return verify.check_proof(auth, th, shown.proof), verify.grant(auth, th, body)


def begin_of(case):
    return attest.Begin(
        case["sn"], case["model_id"], case["kv"], unhexlify(case["uid"]), unhexlify(case["dn"]), "not hashed"
    )


def test_the_published_known_answer():
    keys = attest.Keys(bytes(range(32)))
    begin = attest.Begin("SN-0001", "model-x", 1, b"\x01\x02\x03\x04\x05\x06", b"\xd0" * 16, "any")
    th = attest.transcript(begin, b"\x50" * 32, "S1", 7, verify.NO_BINDING)
    c2s, s2c = verify.media_keys(bytes(range(32)), th, b"\x5e" * 32)
    assert hexa(keys.auth) == "6f070c33a96e3b7181c0d876cabe461f02576f511affbd755e3ff6c8207dfe7d"
    assert hexa(th) == "a042fe906f1db99a309817dad8408c5ea2e0db30577f83192080dd193e394351"
    assert hexa(attest.proof(keys.auth, th)) == "17c690bdea43eed41751cffde718b5c994cc8582c03f475e27a1cd6da83640d3"
    sproof = attest.server_proof(keys.auth, th, '{"exp":3600}')
    assert hexa(sproof) == "5ec68167dc9c611b9cecc291cace3ab62c9fcb4aef9e0e097e10599b260e037e"
    assert hexa(c2s) == "533350c15abaf8fbdde29b69aee498a75960cf0e0c6c02b7730ecc2683ad"
    assert hexa(s2c) == "b0ce844a010e5da142203ac8ba0218e9218b4a78f2db345b3f2355e919ed"


def test_golden_sessions():
    for case in VECTORS["sessions"]:
        keys = attest.Keys(unhexlify(case["key"]))
        for name in ("auth", "wrap"):
            assert hexa(getattr(keys, name)) == case["k_" + name]
        th = attest.transcript(
            begin_of(case), unhexlify(case["nonce"]), case["sid"], case["ctr"], unhexlify(case["cb"])
        )
        assert hexa(th) == case["th"]
        assert hexa(attest.proof(keys.auth, th)) == case["proof"]
        assert verify.check_proof(keys.auth, th, unhexlify(case["proof"]))
        assert hexa(attest.server_proof(keys.auth, th, case["body"])) == case["sproof"]
        c2s, s2c = verify.media_keys(unhexlify(case["key"]), th, unhexlify(case["seed"]))
        assert (hexa(c2s), hexa(s2c)) == (case["c2s"], case["s2c"])
        hidden = attest.masked_key(keys.wrap, th, unhexlify(case["next_key"]))
        assert hexa(hidden) == case["masked_key"]
        assert attest.masked_key(keys.wrap, th, hidden) == unhexlify(case["next_key"])


def test_a_field_cannot_lend_bytes_to_its_neighbour():
    known, shifted = VECTORS["sessions"][0], VECTORS["sessions"][2]
    assert known["sn"] + known["model_id"] == shifted["sn"] + shifted["model_id"]
    assert known["th"] != shifted["th"]


def test_every_field_is_in_the_transcript():
    good = ("SN-0001", "model-x", 1, b"\x01", b"d" * 16, "fw")
    others = ("SN-0002", "model-y", 2, b"\x02", b"e" * 16)
    base = attest.transcript(attest.Begin(*good), NONCE, "S1", 7, bytes(32))
    for at in range(5):
        changed = list(good)
        changed[at] = others[at]
        assert attest.transcript(attest.Begin(*changed), NONCE, "S1", 7, bytes(32)) != base, at
    begin = attest.Begin(*good)
    assert attest.transcript(begin, b"m" * 32, "S1", 7, bytes(32)) != base
    assert attest.transcript(begin, NONCE, "S2", 7, bytes(32)) != base
    assert attest.transcript(begin, NONCE, "S1", 8, bytes(32)) != base
    assert attest.transcript(begin, NONCE, "S1", 7 + (1 << 40), bytes(32)) != base
    assert attest.transcript(begin, NONCE, "S1", 7, b"c" * 32) != base


def test_both_sides_prove_themselves():
    board = attester()
    assert board.state == attest.IDLE
    begin = board.begin(b"d" * 16)
    assert board.state == attest.ASKED
    finish = board.challenged(verify.challenge("S1", NONCE, 30), 7, attest.channel_binding(b"certificate"))
    assert board.state == attest.CHALLENGED
    right, answer = relay_grant(begin, finish)
    assert right
    granted = board.granted(answer)
    assert board.state == attest.GRANTED
    assert granted["token"] == "token" and granted["ws"] == "/v1/link" and granted["now"] == 1790000000
    assert granted["seed"] == SEED and "rotate" not in granted


def test_the_same_over_the_wire_as_bytes():
    board = attester()
    begin = json.dumps(board.begin(b"d" * 16)).encode()
    challenge = json.dumps(verify.challenge("S1", NONCE, 30)).encode()
    finish = json.dumps(board.challenged(challenge, 2**53 - 1, bytes(32))).encode()
    right, answer = relay_grant(begin, finish)
    assert right
    assert board.granted(json.dumps(answer).encode())["epoch"] == 12


def test_a_board_with_another_key_is_seen():
    board = attester(b"\x78" * 32)
    begin = board.begin(b"d" * 16)
    right, _ = relay_grant(begin, board.challenged(verify.challenge("S1", NONCE, 30), 7, bytes(32)))
    assert not right


def test_a_proof_is_good_for_its_own_challenge_only():
    board = attester()
    begin = board.begin(b"d" * 16)
    finish = board.challenged(verify.challenge("S1", b"m" * 32, 30), 7, bytes(32))
    assert not relay_grant(begin, finish)[0]


def challenged_board():
    board = attester()
    begin = board.begin(b"d" * 16)
    return board, begin, board.challenged(verify.challenge("S1", NONCE, 30), 7, bytes(32))


def rotation(kv, th_of=None):
    """What a board of key version 1 makes of a grant that offers it key version `kv`."""
    board, begin, finish = challenged_board()
    shown = verify.parse_finish(finish)
    keys = attest.Keys(KEY)
    th = attest.transcript(verify.parse_begin(begin), th_of or NONCE, shown.sid, shown.ctr, shown.cb)
    hidden = attest.masked_key(keys.wrap, th, NEXT)
    body = verify.grant_body("token", 3600, 1790000000, 12, "/v1/link", SEED, (kv, hidden))
    assert hexa(NEXT) not in body and hidden != NEXT
    return board, relay_grant(begin, finish, KEY, body)[1]


def test_the_next_key_comes_with_the_grant():
    board, answer = rotation(2)
    assert board.granted(answer)["rotate"] == {"kv": 2, "k": NEXT}
    board, answer = rotation(2, b"o" * 32)
    assert board.granted(answer)["rotate"]["k"] != NEXT, "hidden for one session, it is nothing in another"


def test_a_key_that_does_not_follow_is_refused():
    for kv in (1, 3, 0xFFFFFFFF):
        board, answer = rotation(kv)
        assert reason_of(board.granted, answer) == "bad_answer"
        assert board.state == attest.REFUSED


def test_a_next_key_that_was_changed_on_the_way_is_seen():
    board, answer = rotation(2)
    at = answer["body"].find('"k": "') + 6
    answer["body"] = answer["body"][:at] + ("A" if answer["body"][at] != "A" else "B") + answer["body"][at + 1 :]
    assert reason_of(board.granted, answer) == "server_not_proved"


def test_a_server_that_does_not_know_the_key_gets_nothing():
    board, begin, finish = challenged_board()
    _, answer = relay_grant(begin, finish, b"\x78" * 32)
    assert reason_of(board.granted, answer) == "server_not_proved"
    assert board.state == attest.REFUSED


def test_a_body_that_was_changed_on_the_way_is_seen():
    board, begin, finish = challenged_board()
    _, answer = relay_grant(begin, finish)
    answer["body"] = answer["body"].replace("3600", "3599")
    assert reason_of(board.granted, answer) == "server_not_proved"


def test_the_boards_own_proof_sent_back_is_none_of_the_server():
    board, _, finish = challenged_board()
    body = verify.grant_body("token", 3600, 0, 0, "/", SEED)
    assert reason_of(board.granted, {"body": body, "sproof": finish["proof"]}) == "server_not_proved"


def test_a_proved_body_that_breaks_the_rules_is_refused():
    board, begin, finish = challenged_board()
    _, answer = relay_grant(begin, finish, KEY, '{"exp":3600}')
    assert reason_of(board.granted, answer) == "bad_answer"
    assert board.state == attest.REFUSED


def test_answers_that_are_none():
    for answer in (None, b"", b"{}", b"<html>", [], {"sid": "S1"}, b"\xff" * 10):
        board = attester()
        board.begin(b"d" * 16)
        assert reason_of(board.challenged, answer, 1, bytes(32)) == "bad_answer"
        assert board.state == attest.REFUSED
        board, _, _ = challenged_board()
        assert reason_of(board.granted, answer) == "bad_answer"
        assert board.state == attest.REFUSED


def test_a_refusal_by_the_relay():
    board, _, _ = challenged_board()
    error = board.refused(409, {"reason": "counter_rollback", "status": 409})
    assert error.reason == "counter_rollback" and "copied" in error.detail
    assert board.state == attest.REFUSED
    board = attester()
    board.begin(b"d" * 16)
    assert board.refused(503, b'{"reason":"unavailable"}').reason == "unavailable"
    assert board.state == attest.REFUSED


def drive(board, event):
    if event == "begin":
        board.begin(b"d" * 16)
    elif event == "challenged":
        board.challenged(verify.challenge("S1", NONCE, 30), 7, bytes(32))
    elif event == "granted":
        board.granted({})
    else:
        board.refused(500, None)


def in_state(state):
    board = attester()
    if state == attest.IDLE:
        return board
    begin = board.begin(b"d" * 16)
    if state == attest.REFUSED:
        board.refused(500, None)
    elif state != attest.ASKED:
        finish = board.challenged(verify.challenge("S1", NONCE, 30), 7, bytes(32))
        if state == attest.GRANTED:
            board.granted(relay_grant(begin, finish)[1])
    assert board.state == state
    return board


def test_every_event_in_every_state_keeps_the_table():
    for state in (attest.IDLE, attest.ASKED, attest.CHALLENGED, attest.GRANTED, attest.REFUSED):
        for event in ("begin", "challenged", "granted", "refused"):
            board = in_state(state)
            allowed = attest.TRANSITIONS.get((state, event))
            if allowed is None:
                assert state in refused(drive, board, event)
                assert board.state == state
            else:
                reason_of(drive, board, event)
                assert board.state in allowed


def test_a_new_begin_drops_the_session_before():
    board, begin, finish = challenged_board()
    _, answer = relay_grant(begin, finish)
    board.begin(b"e" * 16)
    refused(board.granted, answer)
    board.challenged(verify.challenge("S2", NONCE, 30), 8, bytes(32))
    assert reason_of(board.granted, answer) == "server_not_proved"


def test_arguments_out_of_range_change_nothing():
    board = attester()
    assert "15" in refused(board.begin, b"d" * 15)
    assert board.state == attest.IDLE
    board.begin(b"d" * 16)
    for ctr, cb in ((0, bytes(32)), (2**53, bytes(32)), (1, bytes(31))):
        refused(board.challenged, verify.challenge("S1", NONCE, 30), ctr, cb)
        assert board.state == attest.ASKED
    for size in (0, 31, 33):
        assert str(size) in refused(attest.Keys, bytes(size))


def test_nothing_shows_the_key():
    key = b"SECRET" * 5 + b"!!"
    board = attest.Attester(key, "SN-0001", "model-x", 1, b"\x01", "0.1.0")
    shown = repr(board) + str(board) + repr(attest.Keys(key)) + str(board.begin(b"d" * 16))
    assert "SECRET" not in shown and hexa(attest.Keys(key).auth) not in shown
