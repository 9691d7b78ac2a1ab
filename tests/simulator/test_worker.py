"""The simulated worker as a process: speech, files and failures. What every worker does is in tests/contracts."""

import asyncio
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from support.legs import OFFER, PATIENCE_S, Witness, run

from callcore import causes
from tincall import wav
from tincall.simulator import worker
from tincall.worker.supervisor import Supervisor

COMMAND = [sys.executable, "-m", "tincall.simulator.worker"]


def call(phone, scene=None):
    """Ring a phone and live the call to its end; give the witness and the leg."""

    async def main():
        supervisor = Supervisor(COMMAND, warm=0)
        await supervisor.start()
        try:
            leg = await supervisor.take(phone)
            witness = Witness(leg)
            if scene is not None:
                scene(leg, witness)
            leg.invite(OFFER)
            async with asyncio.timeout(PATIENCE_S):
                await witness.until("reported")
                assert await leg.process.exited == 0
        finally:
            await supervisor.stop()
        return witness, leg

    return run(main())


def echo(leg, witness):
    """Send back what the phone says, as a board whose microphone stands before its loudspeaker."""
    ssrc = OFFER.media.remote_ssrc.to_bytes(4, "big")

    def sink(packet):
        witness.heard.append(packet)
        leg.send_media(packet[:8] + ssrc + packet[12:])

    leg.sink = sink


def test_a_clip_is_spoken_heard_and_accounted_for(tmp_path):
    clip = np.rint(8000 * np.sin(np.arange(12000) / 8)).astype(np.int16)
    wav.save(tmp_path / "clip.wav", clip, 16000)
    script = {"speak": str(tmp_path / "clip.wav"), "speak_after_ms": 100, "hangup_after_clip_ms": 300}
    witness, leg = call({"id": "mum", "answer_after_ms": 0, "record": str(tmp_path), **script}, echo)
    assert witness.names == ["ringing", "answered", "released", "reported"]
    assert ("released", causes.NORMAL) in witness.events
    report = leg.report
    assert report["sent"] == leg.counters.received == len(witness.heard)
    assert report["received"] == leg.counters.sent
    assert (report["lost"], report["duplicates"], report["refused"]) == (0, 0, 0)
    spoke = wav.load(report["spoke"], 16000)
    timeline = json.loads(Path(report["spoke"]).with_suffix(".json").read_text())
    start = timeline["clip_at_samples"]
    assert np.array_equal(spoke[start : start + len(clip)], clip)
    heard = wav.load(report["heard"], 16000)
    # the echo is the clip again, delayed by the jitter buffer and the beat
    lag = int(np.argmax(np.correlate(heard.astype(float), clip.astype(float), "valid"))) - start
    heard_t0_ns = json.loads(Path(report["heard"]).with_suffix(".json").read_text())["t0_ns"]
    delay_ms = lag / 16 + (heard_t0_ns - timeline["t0_ns"]) / 1e6
    # one frame being said, the buffer, and what a busy machine adds
    assert 60 <= delay_ms <= 400
    again = heard[start + lag : start + lag + len(clip)].astype(int)
    if report["concealed"] == 0 and report["skipped_ticks"] == 0:
        # the step to 8 kHz rings where a clip begins and ends
        assert np.abs(again - clip)[200:-200].max() <= 320


def test_a_phone_whose_clip_is_broken_says_so(tmp_path):
    (tmp_path / "clip.wav").write_bytes(b"no sound at all")
    witness, leg = call({"id": "mum", "speak": str(tmp_path / "clip.wav")})
    assert ("released", causes.TEMPORARY_FAILURE) in witness.events
    assert "not a PCM WAV file" in leg.report["error"]


def test_a_phone_whose_settings_are_wrong_says_which(tmp_path):
    witness, leg = call({"id": "mum", "outcome": "explode"})
    assert witness.names == ["released", "reported"]
    assert "outcome" in leg.report["error"]


def test_a_phone_that_cannot_record_does_not_answer(tmp_path):
    (tmp_path / "file").write_text("")
    witness, leg = call({"id": "mum", "answer_after_ms": 0, "record": str(tmp_path / "file" / "folder")})
    assert witness.names == ["ringing", "released", "reported"]
    assert "cannot record into" in leg.report["error"]


def test_its_arguments_are_needed(capsys):
    with pytest.raises(SystemExit) as caught:
        worker.main([])
    assert caught.value.code == 2 and "--control-fd" in capsys.readouterr().err
