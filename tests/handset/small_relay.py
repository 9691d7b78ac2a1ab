"""A relay as small as a test on a board can have it: its half of a verification, a key that changes, and a line that fails.

It stands in the place of the network: `wire` puts it under `handset.attestor`. Where its board has a certificate, it
knows a key by the certificate that is shown, too, which is made of the key alone here. It counts messages, requests and answers
alike; a message that is `lost` by its number (from 1 on) ends the connection, and a request that is lost never reaches the
relay.
"""

import binascii
import json

from callcore import attest, verify
from callcore.errors import LinkError
from handset import attestor, certified, rekey

SN = "SN-1"
MODEL = "model-x"
CERTIFICATE = b"certificate"
FIRST = b"\x11" * 32
# of one attempt by a board with a certificate: the next one refused, its own, and no more than one change
MOST_CONNECTIONS = 3


class Answer:
    def __init__(self, status, body):
        self.status = status
        self.body = json.dumps(body).encode()


class Stream:
    """What a verification needs of a connection."""

    where = "h:1"
    answered = False

    def certificate(self):
        return CERTIFICATE


class SmallRelay:
    """A relay that knows one board.

    Attributes:
        kv, key, coming: the key, its version, and the one that follows, or None.
        counter: the highest that was granted.
        lost: numbers of the messages that do not arrive.
        refuse: {number of a finish request: reason to refuse it with}, counted from 1 on.
        granted: how many sessions were granted.
        shown: the certificate that its board has shown last; empty: none.
    """

    def __init__(self, certified=False):
        self.certified = certified
        self.shown = b""
        self.kv = 1
        self.key = FIRST
        self.coming = None
        self.counter = self.granted = self.messages = self.finishes = 0
        self.lost = ()
        self.refuse = {}
        self.forge = False
        self._begin = None

    def rotate(self, salt=0):
        """Make the next key, if there is none."""
        self.coming = self.coming or bytes([0x80 + self.kv + salt]) * 32

    def saved(self):
        """Copy what a relay stores."""
        return self.kv, self.key, self.coming, self.counter

    def restore(self, saved):
        """Put it back to such a copy."""
        self.kv, self.key, self.coming, self.counter = saved
        self._begin = None

    def _arrives(self):
        self.messages += 1
        if self.messages in self.lost:
            raise LinkError("link_lost", "lost by the test")

    async def post(self, stream, who, path, message):
        """Stand in the place of `attestor._post`."""
        self._arrives()
        data = json.dumps(message).encode()
        answer = self._begun(data) if path.endswith("begin") else self._finished(data)
        self._arrives()
        return answer

    def _begun(self, data):
        self._begin = verify.parse_begin(data)
        return Answer(200, verify.challenge("S1", b"n" * 32, 30))

    def _finished(self, data):
        self.finishes += 1
        asked, finish = self._begin, verify.parse_finish(data)
        is_next = self.coming is not None and asked.kv == self.kv + 1
        held = self.coming if is_next else self.key
        keys = attest.Keys(verify.certified_key(held) if self.certified else held)
        th = attest.transcript(asked, b"n" * 32, finish.sid, finish.ctr, finish.cb)
        known = certificate(held) if self.certified else b""
        if not verify.check_proof(keys.auth, th, finish.proof) or self.shown != known:
            return self._refused("auth_failed")
        if self.finishes in self.refuse:
            return self._refused(self.refuse[self.finishes])
        if asked.kv != self.kv and not is_next:
            return self._refused("kv_retired")
        if finish.ctr <= self.counter:
            return self._refused("counter_rollback")
        self.counter = finish.ctr
        self.granted += 1
        if is_next:
            self.kv, self.key, self.coming = asked.kv, self.coming, None
        rotate = None
        if self.coming:
            rotate = (self.kv + 1, attest.masked_key(keys.wrap, th, self.coming))
            if self.certified:
                rotate += (certificate(self.coming),)
        body = verify.grant_body("t%d" % self.granted, 3600, 0, self.granted, "/v1/link", bytes(32), rotate)
        return Answer(200, verify.grant(attest.Keys(bytes(32)).auth if self.forge else keys.auth, th, body))

    def _refused(self, reason):
        return Answer(verify.status_of(reason), {"reason": reason})


def certificate(key):
    """Give what stands for a certificate of that key here, as long as a real one."""
    return b"\x30" + key * 14 + certified._POINT + key * 2


def wire(relay):
    """Let every verification of this process reach that relay; what the board would say on its console is kept."""
    said = []
    attestor._post = relay.post
    certified.tls.context = lambda anchor, pair: None  # no certificate here is one
    _wired[:] = [relay]
    rekey.diag.failed = lambda step, error: said.append((step, getattr(error, "reason", None)))
    return said


_wired = []


def fields(kv=1, key=FIRST, is_certified=False):
    """Give the fields of the board's identity."""
    made = {"sn": SN, "model_id": MODEL, "kv": kv, "key": binascii.hexlify(key).decode()}
    made.update({"host": "h", "port": 1, "name": "n", "ca": "c"})
    if is_certified:
        made["cert"] = binascii.b2a_base64(certificate(key)).decode().strip()
    return made


def attempt(store, who, marks):
    """Verify once; the transport of this relay never waits, so no loop is needed. Gives the grant."""
    prover = certified if who.cert else attestor
    for _ in range(MOST_CONNECTIONS):
        _wired[0].shown = certified.show(who)[0] if who.cert else b""
        work = prover.verify(Stream(), store, who, marks, b"\x02", "1.2.3")
        try:
            work.send(None)
        except StopIteration as done:
            if done.value:
                return done.value
            continue
        raise AssertionError("it waits for something")
    raise AssertionError("it begins anew without end")
