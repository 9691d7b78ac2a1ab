"""Runs on MicroPython: cut the power at every program and erase while a board's key changes, and see that it comes in.

    micropython rotation_cuts.py once|twice hmac|mtls HISTORY...

For each HISTORY (identities that the flash has seen before), each operation of one session in which the key changes, which
writes the identity twice to two places, and each mode of cutting: the board starts anew and must be let in, and be done
with the change. With `twice` that session is cut too, everywhere. With `mtls` a certificate changes with
its key. Prints `cuts`, `rotated` (how often the relay had given
the old key up when the power failed) and `bad`.
"""

import json
import sys

sys.path.append(__file__[: __file__.rfind("/") + 1] + "../handset")
import small_relay
from flash import Flash
from nor import MODES

from callcore.errors import CallError
from handset import identity
from handset.marks import Marks

flash = Flash()
is_certified = sys.argv[2] == "mtls"
relay = small_relay.SmallRelay(is_certified)
report = {"cuts": 0, "rotated": 0, "bad": []}


def begin(history):
    """Give a flash whose identity was written so many times, and a relay that wants another key: the state of both."""

    def work(store, places):
        for n in range(history + 1):
            made = small_relay.fields(is_certified=is_certified)
            made["ca"] = "c" * (700 + n)
            identity.save(store, made)
        Marks(store).draw()

    flash.format()
    died, fault = flash.live(work)
    assert not died and fault is None
    relay.restore((1, small_relay.FIRST, None, 0))
    relay.rotate()
    return flash.image(), relay.saved()


def session(store, places):
    """Start the board and let it verify once; gives what it holds then, or why not."""
    try:
        who = identity.load(store)
        small_relay.attempt(store, who, Marks(store))
        assert not is_certified or who.cert == (small_relay.fields(key=who.key, is_certified=True)["cert"],)
        return who.kv, who.key, who.next
    except CallError as error:
        return error


def comes_in(where):
    """See that a board that starts now is let in, and that the change is over."""
    died, held = flash.live(session)
    if died or held != (relay.kv, relay.key, None) or relay.kv != 2 or relay.coming:
        report["bad"].append([where, repr(held)])


def everywhere(known, where, then):
    """Cut a session at every operation in every mode, and look what `then` finds after each."""
    for mode in MODES:
        cut_at = 0
        died = True
        while died:
            cut_at += 1
            flash.restore(known[0])
            relay.restore(known[1])
            died, _ = flash.live(session, cut_at, mode)
            if died:
                report["cuts"] += 1
                report["rotated"] += relay.kv == 2
                then(where + [mode, cut_at])


def cut_again(where):
    everywhere((flash.image(), relay.saved()), where, comes_in)


def main():
    small_relay.wire(relay)
    for history in sys.argv[3:]:
        everywhere(begin(int(history)), [history], cut_again if sys.argv[1] == "twice" else comes_in)
    report["bad"] = report["bad"][:20]
    print(json.dumps(report))


main()
