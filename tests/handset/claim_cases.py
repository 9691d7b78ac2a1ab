"""Runs on a board: who a board with a claim is, by what its store holds; the claim itself is in test_claim.py."""

from callcore.errors import AttestError, StoreError
from handset import claim, diag, identity
from handset.places import Folder, Nvs
from handset.store import Store

PLACES = (Nvs("claims"), Folder("."))
FIELDS = {
    "sn": "SN-1",
    "model_id": "m",
    "kv": 1,
    "key": "5a" * 32,
    "host": "relay.example",
    "port": 8443,
    "name": "relay.example",
    "ca": "anchor",
}


def who(answer):
    """Ask who the board is, with an answer or an error of the relay; gives the identity and the claims that were used."""
    took = []

    async def take(body, made):
        assert made is identity.Identity
        took.append(body)
        if isinstance(answer, Exception):
            raise answer
        return dict(answer)

    real, claim.take = claim.take, take
    diag.print = lambda text: took.append(text)
    try:
        claim.who(Store(PLACES), identity).send(None)
    except StopIteration as done:
        return done.value, took
    finally:
        claim.take = real


def cleared(with_claim=True):
    store = Store(PLACES)
    store.forget(identity.IDENTITY)
    claim.over(store)
    if with_claim:
        store.save(claim.CLAIM, b"ticket")
    return store


def reason_of(act):
    try:
        act()
    except (StoreError, AttestError) as error:
        return error.reason
    return ""


def test_a_board_without_identity_claims_one_and_stores_it():
    cleared()
    found, took = who(FIELDS)
    assert found.sn == "SN-1" and took[0] == b"ticket" and '"claimed"' in took[1] and "5a5a" not in took[1]
    assert identity.load(Store(PLACES)).key == b"\x5a" * 32
    assert Store(PLACES).load(claim.CLAIM) == b"ticket", "until it is verified"


def test_a_board_with_an_identity_claims_nothing():
    store = cleared()
    identity.save(store, dict(FIELDS, sn="SN-2"))
    found, took = who(FIELDS)
    assert found.sn == "SN-2" and took == []


def test_an_identity_that_a_power_cut_spoilt_is_claimed_anew():
    store = cleared()
    identity.save(store, FIELDS)
    for place in PLACES:
        place.write("identity", b"T?")
    found, took = who(dict(FIELDS, sn="SN-3"))
    assert (found.sn, took[0]) == ("SN-3", b"ticket")


def test_what_fails_changes_nothing():
    cleared()
    assert reason_of(lambda: who(AttestError("claim_refused", "no"))) == "claim_refused"
    assert reason_of(lambda: identity.load(Store(PLACES))) == "record_missing"
    assert reason_of(lambda: who(dict(FIELDS, key="5a"))) == "record_damaged"
    assert reason_of(lambda: identity.load(Store(PLACES))) == "record_missing"


def test_an_identity_of_later_firmware_is_left_alone():
    cleared()
    blob = bytearray(b"TinC\x02\xfd") + bytes(40)
    for place in PLACES:
        place.write("identity", bytes(blob))
    assert reason_of(lambda: who(FIELDS)) == "record_newer"
    assert all(place.read("identity") == bytes(blob) for place in PLACES)
    for place in PLACES:
        place.remove("identity")


def test_a_board_without_both_says_so():
    cleared(with_claim=False)
    assert reason_of(lambda: who(FIELDS)) == "record_missing"
