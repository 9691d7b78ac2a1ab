"""Every frame's fate in a call, from its record: what sender, relay and receiver counted of each direction, held together.

    sent by the one end = relay's in       relay's in = out + dropped       relay's out = received by the other end
    received = played + noises + late + duplicates + skipped + refused + those that still wait at the end

`lost`, `concealed` and `quiet` are turns of the player and no packets, so they stand in no sum. While a call goes on its
counters are of different moments, and nothing is judged.
"""

from typing import Any

from tincall import quality

WAYS = ("up", "down")
ENDS = {"up": ("the board", "the phone's side"), "down": ("the phone's side", "the board")}

_SENDER = ("sent", "silent", "dropped")
# what a packet that was received has become
_PACKETS = ("played", "noises", "late", "duplicates", "skipped", "refused")
_RECEIVER = (
    *("received", *_PACKETS, "foreign", "lost", "concealed", "quiet", "underruns", "shortened_ms", "lengthened_ms"),
    *("delay_ms", "target_ms", "jitter_p95_ms", "jitter_ms", "buffer_ms"),
)
COUNTERS = frozenset((*_SENDER, *_RECEIVER))  # of an end's report, all that is told here
_SLOTS = 32  # what a jitter buffer holds at most, and so what may wait at the end


def fates(record: dict[str, Any]) -> dict[str, Any]:
    """Tell both directions of one call.

    Args:
        record: as the relay's API gives it, of a call in any state.

    Returns:
        `up` and `down`, each with the counters of its three stations (None: not told), `waiting` (received, and without a
        fate so far), `unheard` (share of the frames of speech, or None), `estimated` (`r`, `mos`; None: nothing to judge) and
        `wrong`: a sentence for each sum that does not add up, or None while that cannot be said.
    """
    ends = {"the board": record["board_stats"] or {}, "the phone's side": record["worker_report"] or {}}
    return {way: _way(way, record, *(ends[name] for name in ENDS[way])) for way in WAYS}


def _way(way: str, record: dict[str, Any], sender: dict[str, Any], receiver: dict[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = {name: sender.get(name) for name in _SENDER}
    told |= {f"relay_{name}": record[way][name] for name in ("in", "out", "dropped")}
    told |= {name: receiver.get(name) for name in _RECEIVER}
    parts = [told[name] for name in ("received", *_PACKETS)]
    told["waiting"] = None if None in parts else parts[0] - sum(parts[1:])
    told["unheard"] = _unheard(told)
    told["estimated"] = _estimated(record["codec"], told)
    told["wrong"] = _wrong(told, *ENDS[way]) if record["state"] == "ended" else None
    return told


def _unheard(told: dict[str, Any]) -> float | None:
    """Give the share of frames that were not heard as they were said.

    A frame that is lost, late or skipped is as a rule concealed in its turn; a turn may also be concealed while its frame is
    still waited for. So the greater of the two counts, and not their sum.
    """
    played = told["played"]
    if played is None or told["concealed"] is None:
        return None
    missed = max((told["lost"] or 0) + (told["late"] or 0) + (told["skipped"] or 0), told["concealed"])
    return round(missed / (played + missed), 4) if played + missed else None


def _estimated(codec: str, told: dict[str, Any]) -> dict[str, float] | None:
    """Judge by codec, frames and delay; the network's fastest way is not known and counts as nothing."""
    held_ms = told["delay_ms"] if told["delay_ms"] is not None else told["buffer_ms"]
    if told["unheard"] is None or held_ms is None:
        return None
    found = quality.estimate(codec, told["unheard"], quality.ENDS_MS + held_ms)
    return {"r": round(found.r, 1), "mos": round(found.mos, 2)}


def _wrong(told: dict[str, Any], sender: str, receiver: str) -> list[str] | None:
    """Say which sums do not add up; None: an end has not told its part."""
    if told["sent"] is None or told["received"] is None:
        return None
    came, went, dropped = (told[f"relay_{name}"] for name in ("in", "out", "dropped"))
    wrong = []
    if told["sent"] != came:
        wrong.append(f"{sender} sent {told['sent']} packets, and the relay got {came}")
    if came != went + dropped:
        wrong.append(f"the relay got {came}, forwarded {went} and dropped {dropped}")
    received = told["received"] + (told["foreign"] or 0)
    if received != went:
        wrong.append(f"the relay forwarded {went}, and {receiver} got {received}")
    if told["waiting"] is not None and not 0 <= told["waiting"] <= _SLOTS:
        fate = told["received"] - told["waiting"]
        wrong.append(f"{receiver} received {told['received']}, and tells the fate of {fate}")
    return wrong
