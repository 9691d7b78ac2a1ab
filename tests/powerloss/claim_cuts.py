"""Runs on MicroPython: cut the power at every program and erase of a board's first life, from its claim to its first link.

    micropython claim_cuts.py HISTORY...

The application itself runs, against a relay of callcore's own half that knows no network. For each HISTORY (claims that were
written before), each operation and each mode of cutting: the first life with the cut, then one without. The second has to end
linked, with the key that the relay gave, verified by a number that it never used, and without the claim. Prints one JSON
object: `cuts`, `claimed_twice`, `ready_at_once`, `misused`, and `bad`, the list of what went wrong.
"""

import json
import sys

from flash import FOLDER, Flash
from nor import MODES

from callcore import claim as claiming
from callcore import handover, refusals
from callcore.errors import AttestError, LinkError
from callcore.evidence import Begin
from handset import app, attestor, claim, diag, identity

SECRET = bytes(range(16))
KEY = bytes(range(100, 132))
TICKET = {"sn": "SN-1", "model_id": "m", "host": "h", "port": 1, "name": "n", "ca": "c" * 700, "claim_id": "C1"}


class Relay:
    """The relay as far as a claim and a verification go."""

    def __init__(self):
        self.claims = 0
        self.last = 0

    async def connect(self, *where):
        return self

    def certificate(self):
        return b"certificate"

    def close(self):
        pass

    async def exchange(self, stream, method, path, host, headers, body, timeout_ms):
        """Answer a claim."""
        asked = handover.parse(body)
        said = asked.begin
        th = claiming.transcript(Begin(said.sn, "m", 1, said.uid, said.dn, ""), "C1", asked.cb)
        assert path == "/v1/claim" and handover.check_proof(SECRET, th, asked.proof)
        if self.last:
            raise refusals.refusal("claim_refused")
        self.claims += 1
        return Answer(json.dumps(handover.answer(SECRET, th, 1, KEY)).encode())

    async def verify(self, stream, store, who, marks, uid, firmware):
        """Grant a session, which ends the claim."""
        number = marks.draw()
        if who.key != KEY or number <= self.last:
            raise refusals.refusal("auth_failed")
        self.last = number
        return {"ws": "/", "token": "t", "now": 0}

    async def upgrade(self, *what):
        raise LinkError("linked", "so far it goes here")


class Answer:
    status = 200

    def __init__(self, body):
        self.body = body


class Chip:
    def unique_id(self):
        return b"\1\2\3\4\5\6"


def ticket():
    return json.dumps(dict(TICKET, secret="000102030405060708090a0b0c0d0e0f")).encode()


def lived(relay, store):
    """Do what a board does from its start to its link; gives the reason that ended it.

    Raises:
        OSError, StoreError: the power failed.
    """
    app.tls = claim.tls = app.link = claim.https = relay
    attestor.verify = relay.verify
    app.heap.forget = lambda modules: None  # the one above stays
    known = None if app.places.has_file(FOLDER + "/claim.bin") else identity.load(store)
    session = app.App(store, known)._session()
    try:
        while True:
            session.send(None)
    except (LinkError, AttestError) as error:
        return error.reason


def judged(relay, store):
    """Live once more with all power; gives what is wrong, or nothing."""
    reason = lived(relay, store)
    if reason != "linked":
        return "it ended with " + reason
    left = app.places.has_file(FOLDER + "/claim.bin")
    if identity.load(store).key != KEY or left or not relay.last:
        return f"another key, or a claim is left: {left}"
    return ""


class Cuts:
    """Everything that can be cut in one first life, and what was found."""

    def __init__(self):
        self.flash = Flash()
        self.said = {"cuts": 0, "claimed_twice": 0, "ready_at_once": 0, "misused": 0, "bad": []}

    def run(self, history):
        """Cut a board's first life everywhere, on a flash whose claim was written so many times before."""
        self.flash.format()
        for _ in range(history + 1):
            self.flash.live(lambda store, places: store.save(claim.CLAIM, ticket()))
        image = self.flash.image()
        for mode in MODES:
            cut_at, cut = 0, True
            while cut:
                cut_at += 1
                self.flash.restore(image)
                relay = Relay()
                cut, _ = self.flash.live(lambda store, places, r=relay: lived(r, store), cut_at, mode)
                self.said["cuts"] += cut
                self.said["ready_at_once"] += relay.last > 0
                _, wrong = self.flash.live(lambda store, places, r=relay: judged(r, store))
                self.said["claimed_twice"] += relay.claims > 1
                if wrong and len(self.said["bad"]) < 20:
                    self.said["bad"].append([history, mode, cut_at, str(wrong)])
        self.said["misused"] = self.flash.misused


def main():
    diag.print = lambda text: None
    claim.machine = Chip()
    cuts = Cuts()
    for history in sys.argv[1:]:
        cuts.run(int(history))
    print(json.dumps(cuts.said))


main()
