"""`tincall stream`: play a WAV as an emulated board's microphone, record its speaker, or send a call's RTP to a player."""

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from tincall.cli import output
from tincall.cli.client import DEFAULT_DATA, Client, DataOption
from tincall.emulator.control import BoardControl
from tincall.errors import STATUS_USAGE, OperatorError

# how much longer than a clip its end may take
_GRACE_S = 5.0


def stream(
    folder: Annotated[
        Path | None, typer.Argument(help="Folder of a running board, for --play and --record.", show_default=False)
    ] = None,
    play: Annotated[Path | None, typer.Option(help="WAV file to play into its microphone.")] = None,
    record: Annotated[Path | None, typer.Option(help="WAV file to write what its speaker plays to.")] = None,
    rtp: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="UDP port to send a live call's RTP packets to.")
    ] = None,
    sdp: Annotated[Path | None, typer.Option(help="With --rtp: SDP file to write, for a player to open.")] = None,
    call: Annotated[str, typer.Option("--call", metavar="ID", help="With --rtp: which call, if several go on.")] = "",
    party: Annotated[str, typer.Option(help="With --rtp: whose voice, device or phone.")] = "device",
    seconds: Annotated[
        float,
        typer.Option(min=0.1, max=3600, help="How long to record or to send, or to wait for the microphone to open."),
    ] = 10.0,
    data: DataOption = DEFAULT_DATA,
) -> None:
    """Play a WAV as the microphone of a running board, record its speaker, or send a call's RTP to a player."""
    if [play, record, rtp].count(None) != 2:
        raise OperatorError(
            "say what to do", "Give one of --play FILE, --record FILE and --rtp HOST:PORT.", STATUS_USAGE
        )
    if rtp is not None:
        _send(rtp, sdp, call, party, seconds, data)
        return
    if folder is None:
        raise OperatorError("say which board", "Give the folder of a running one.", STATUS_USAGE)
    if play is not None:
        done = _play(folder, play, seconds)
        sentence = f"{play} was played into the microphone ({done['samples'] / done['rate_hz']:.1f} s)."
    else:
        assert record is not None
        done = _record(folder, record, seconds)
        sentence = f"{record} holds {done['samples'] / done['rate_hz']:.1f} s of what the speaker played."
    output.result(done, lambda console: console.print(output.escape(sentence)))


def _send(rtp: str, sdp: Path | None, call_id: str, party: str, seconds: float, data: Path) -> None:
    """Send what one party of a call says to a player."""
    from tincall.cli import stream_rtp

    to = stream_rtp.address(rtp)
    if party not in ("device", "phone"):
        raise OperatorError(f"{party!r} is no party of a call", "Say --party device or --party phone.", STATUS_USAGE)
    with Client(data) as client:
        call = stream_rtp.live_call(client, call_id)
        if sdp is not None:
            stream_rtp.write_sdp(sdp, call["codec"], to)
            output.note(f"A player opens {sdp}, such as: ffplay -protocol_whitelist file,udp,rtp {sdp}")
        done = stream_rtp.send(client, call, party, to, seconds)
    sentence = f"{done['packets']} packets of {done['codec']} went to {rtp}."
    output.result(done, lambda console: console.print(output.escape(sentence)))


def _play(folder: Path, file: Path, seconds: float) -> dict[str, Any]:
    """Play a file and wait for its end; wait at most `seconds` for its beginning."""
    with BoardControl(folder) as watch, BoardControl(folder) as control:
        events = watch.events(timeout_s=seconds)
        answer = control.play(file)
        if not answer["started"]:
            output.note("The microphone is closed; waiting for a call to open it.")
        begun = _await(events, "mic_play", time.monotonic() + seconds, file)
        if begun is None:
            control.silence()
            raise OperatorError(f"no call opened the microphone within {seconds:g} s", "Make a call, or wait longer.")
        until_s = time.monotonic() + answer["seconds"] + _GRACE_S
        if _await(events, "mic_played", until_s, file) is None:
            raise OperatorError("the microphone closed before the clip ended", "Hang up later, or play less.")
        return begun


def _await(events: Any, name: str, until_s: float, file: Path) -> dict[str, Any] | None:
    """Give the event `name` about `file`; None when it is too late, the microphone closed, or the board is gone."""
    try:
        for event in events:
            if event["ev"] == name and event["file"] == str(file.absolute()):
                return dict(event)
            if event["ev"] == "mic_close" and name == "mic_played":
                return None
            if time.monotonic() > until_s:
                return None
    except OperatorError:
        return None  # silent for too long
    return None


def _record(folder: Path, file: Path, seconds: float) -> dict[str, Any]:
    """Record for `seconds`."""
    with BoardControl(folder) as control:
        control.record(file)
        time.sleep(seconds)
        done = control.stop_recording()
    if not done["samples"]:
        raise OperatorError(f"the speaker played nothing in {seconds:g} s", "Make a call first.")
    return done
