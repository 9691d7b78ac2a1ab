"""What is counted: a row for each thing that is done to 20 ms of sound, and what it may take.

A row makes its objects when it is called and gives a function that does the thing once; that function is counted, with every
viper function it comes to. Rows of a whole call run the firmware's own loops (tools/board_call.py) and are divided by frames.
"""

import struct
from array import array
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import board_call
from shadow import Shadow

RV32, XTENSA = "rv32imc", "xtensawin"
SAMPLES = 320

Do = Callable[[], object]
Counts = dict[str, Counter[str]]


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Args:
        make: makes the objects; gives what is counted.
        budgets: what may not be passed, by architecture.
        frames: of 20 ms in what is counted.
    """

    make: Callable[[], Do]
    budgets: dict[str, int] | None = None
    frames: int = 1


def noise(samples: int, amplitude: int = 9000) -> bytearray:
    """Make noise, 16-bit, the same each time."""
    state, made = 1, []
    for _ in range(samples):
        state = (state * 1103515245 + 12345) & 0x7FFFFFFF
        made.append(((state >> 8 & 0xFFFF) - 32768) * amplitude >> 15)
    return bytearray(struct.pack(f"<{samples}h", *made))


def voice(samples: int) -> bytearray:
    """Make a vowel, 16-bit at 16 kHz, the same each time."""
    return bytearray(board_call.voice(samples))


# --- codecs and filters


def _g722(decodes: bool) -> Do:
    from callcore import g722

    sound, codes, words = noise(SAMPLES), bytearray(160), g722.state(SAMPLES)
    g722.encode(g722.state(SAMPLES), sound, 0, codes, 0, SAMPLES)
    if decodes:
        return lambda: g722.decode(words, codes, 0, bytearray(640), 0, SAMPLES)
    return lambda: g722.encode(words, sound, 0, bytearray(160), 0, SAMPLES)


def _law(name: str) -> Do:
    from callcore import g711

    g711.prepare_ulaw()
    source = noise(160) if name.endswith("encode") else bytearray(range(160))
    return lambda: getattr(g711, name)(source, 0, bytearray(320), 0, 160)


def _dvi4(decodes: bool) -> Do:
    from callcore.dvi4 import Dvi4

    sound, codes, coder = noise(160), bytearray(84), Dvi4()
    Dvi4().encode(sound, 0, codes, 0, 160)
    if decodes:
        return lambda: coder.decode(codes, 0, bytearray(320), 0, 160)
    return lambda: coder.encode(sound, 0, bytearray(84), 0, 160)


def _down() -> Do:
    from callcore import pcm

    words, sound = pcm.down_state(SAMPLES), noise(SAMPLES)
    return lambda: pcm.resample(0, 0, pcm.UNITY, words, sound, bytearray(320), SAMPLES, 0)


def _up() -> Do:
    from callcore import pcm

    words, sound = pcm.up_state(), noise(160)
    return lambda: pcm.resample(0, 0, 0, words, sound, bytearray(640), 160, 0)


# --- what is done about loss, silence and loudness


def _concealer(what: str, is_in_gap: bool = False) -> Do:
    from callcore.plc import Concealer

    sound, concealer = voice(SAMPLES * 3), Concealer(SAMPLES)
    for frame in range(2):
        concealer.heard(sound, frame * SAMPLES * 2)
    if is_in_gap:
        concealer.lost(bytearray(SAMPLES * 2), 0)
    frame = sound[SAMPLES * 4 :] + bytearray(SAMPLES * 2)
    if what == "quiet":
        return lambda: concealer.quiet(frame, 0, 60)
    if what in ("shorten", "lengthen"):
        return lambda: getattr(concealer, what)(frame, 0, SAMPLES)
    return lambda: getattr(concealer, what)(frame, 0)


def _comfort() -> Do:
    from callcore.comfort import Comfort

    return lambda: Comfort(1).fill(bytearray(SAMPLES * 2), 0, SAMPLES, 60)


def _vad() -> Do:
    from callcore.vad import Vad

    vad, sound = Vad(SAMPLES), voice(SAMPLES)
    return lambda: vad.frame(sound, 0)


def _fader(gain_mdb: int) -> Do:
    from callcore.level import Fader

    fader, sound = Fader(SAMPLES), voice(SAMPLES)
    return lambda: fader.frame(sound, 0, gain_mdb)


def _agc() -> Do:
    from callcore.level import Agc
    from callcore.vad import Vad

    agc, vad, sound = Agc(20), Vad(SAMPLES), voice(SAMPLES)
    vad.frame(sound, 0)
    # the limiter looks at a frame once there is some gain
    agc.frame(vad, False)
    return lambda: agc.frame(vad, False)


# --- paths


def _core() -> Do:
    """Take one frame of 8 kHz up and down without filters: ring, A-law, header, mask; frame, unmask, jitter buffer, A-law."""
    from callcore import framer, g711, wire
    from callcore.jitter import JitterBuffer
    from callcore.mask import mask, move
    from callcore.packetizer import Packetizer

    taken, pcm, packets, ring = noise(160), bytearray(320), Packetizer(8, 160, 7, 1, 160), JitterBuffer(160, 20, 160, 0)
    out, frames, codes, key = bytearray(180), framer.Framer(True), bytearray(160), b"\x5a\x13\xc7\x08"
    state = array("I", [0, 0, 7])

    def frame() -> None:
        move(pcm, 0, taken, 0, 320)
        at = packets.header(out, 8, 0)
        g711.alaw_encode(pcm, 0, out, at, 160)
        framer.write_header(out, 0, framer.BINARY, 172, True)
        out[4:8] = key
        mask(out, 8, 172, key, 0)
        frames.feed(out, 0, 180)
        assert frames.next() == framer.BINARY and not wire.check(frames.buf, frames.start, frames.length)
        assert wire.ssrc_equal(frames.buf, frames.start, state)
        ring.put(frames.buf, frames.start, frames.length, 1000)
        assert ring.get(codes, 0, 1000) == 1
        g711.alaw_decode(codes, 0, pcm, 0, 160)

    return frame


def _call(codec: str, frames: int) -> Do:
    call = board_call.Call(codec)
    # until both ends talk, and all that learns has learnt
    call.run(1400)
    return lambda: call.run(frames * board_call.FRAME_MS)


WHOLE = "all of a frame, G.711"
WHOLE_WIDE = "all of a frame, G.722"

ROWS: dict[str, Row] = {
    "G.722 encode": Row(lambda: _g722(False), {RV32: 400_000, XTENSA: 420_000}),
    "G.722 decode": Row(lambda: _g722(True), {RV32: 380_000, XTENSA: 400_000}),
    "A-law encode": Row(lambda: _law("alaw_encode"), {RV32: 11_000}),
    "A-law decode": Row(lambda: _law("alaw_decode")),
    "mu-law encode": Row(lambda: _law("ulaw_encode")),
    "mu-law decode": Row(lambda: _law("ulaw_decode")),
    "DVI4 encode": Row(lambda: _dvi4(False)),
    "DVI4 decode": Row(lambda: _dvi4(True)),
    "16 to 8 kHz": Row(_down),
    "8 to 16 kHz": Row(_up),
    "speech or not (VAD)": Row(_vad),
    "gain by itself (AGC)": Row(_agc),
    "gain, +6 dB": Row(lambda: _fader(6000)),
    "gain, -6 dB": Row(lambda: _fader(-6000)),
    "a frame that is here, remembered": Row(lambda: _concealer("heard")),
    "the same after a gap, cross-faded": Row(lambda: _concealer("heard", True)),
    "a lost frame, the first": Row(lambda: _concealer("lost")),
    "a lost frame, a later one": Row(lambda: _concealer("lost", True)),
    "a silent frame, comfort noise": Row(lambda: _concealer("quiet")),
    "comfort noise alone": Row(_comfort),
    "a frame made shorter": Row(lambda: _concealer("shorten")),
    "a frame made longer": Row(lambda: _concealer("lengthen")),
    "A-law core path, up and down": Row(_core, {RV32: 35_000}),
    WHOLE: Row(lambda: _call("PCMA", 10), {RV32: 110_000}, 10),
    WHOLE_WIDE: Row(lambda: _call("G722", 4), None, 4),
}


def count(shadow: Shadow) -> dict[str, dict[str, int]]:
    """Count every row: gives instructions by row and architecture."""
    found: dict[str, dict[str, int]] = {}
    for name, row in ROWS.items():
        do = row.make()
        with shadow.counting() as counts:
            do()
        found[name] = {arch: -(-sum(of.values()) // row.frames) for arch, of in counts.items()}
    return found


def passed(found: dict[str, dict[str, int]]) -> list[str]:
    """Name the budgets that are passed."""
    return [
        f"{name} ({arch})"
        for name, row in ROWS.items()
        for arch, most in (row.budgets or {}).items()
        if found[name][arch] > most
    ]
