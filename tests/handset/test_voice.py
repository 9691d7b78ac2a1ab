"""The voice loops: every sample both ways, and on a real TLS link not one byte of heap per frame."""

import pytest
from support.peer import Connection, Peer

from callcore import framer

LONG = pytest.mark.long


def echo(connection: Connection) -> None:
    """Send every media packet back until the board leaves."""
    connection.upgrade()
    while True:
        kind, payload = connection.frame()
        if kind == framer.BINARY:
            connection.send(kind, payload)


def figures(line: str) -> dict[str, int]:
    """Read a line of names and numbers."""
    words = line.replace("alive True", "").split()
    return {name: int(number) for name, number in zip(words[::2], words[1::2], strict=True)}


def test_cases(check, board):
    check(board, "voice_cases.py")


@pytest.mark.paced
@pytest.mark.parametrize(
    ("board", "codec", "tls_1_2"),
    [
        ("unix32", "G722", False),
        ("unix", "G722", True),
        ("unix32", "PCMA", False),
        # tools/measure.py, which house/test_measure.py runs, makes this call too
        pytest.param("unix", "G722", False, marks=LONG),
        pytest.param("unix32", "G722", True, marks=LONG),
        pytest.param("unix", "PCMA", False, marks=LONG),
        pytest.param("unix", "PCMU", False, marks=LONG),
        pytest.param("unix32", "PCMU", False, marks=LONG),
    ],
)
def test_call_takes_no_heap_per_frame(run, authority, board, codec, tls_1_2):
    with Peer(authority.server(), echo, tls_1_2) as peer:
        done = run(board, "voice_heap.py", peer.port, authority.anchor, codec)
    assert done.returncode == 0, done.stdout + done.stderr
    fates = figures(done.stdout)
    assert fates["grown"] == fates["silent"] == fates["quiet"] == 0
    assert fates["lost"] > 0 and fates["concealed"] > 0


@pytest.mark.paced
@pytest.mark.parametrize("board", ["unix", "unix32"])
def test_a_call_that_saves_silence_takes_none_either(run, authority, board):
    with Peer(authority.server(), echo) as peer:
        done = run(board, "voice_heap.py", peer.port, authority.anchor, "G722", "silence")
    assert done.returncode == 0, done.stdout + done.stderr
    fates = figures(done.stdout)
    assert fates["grown"] == 0
    assert min(fates["silent"], fates["quiet"], fates["noises"], fates["lost"]) > 0


@pytest.mark.paced
@pytest.mark.parametrize("board", [pytest.param("unix", marks=LONG), "unix32"])
def test_no_sweep_of_the_heap_falls_into_a_call(run, authority, board):
    with Peer(authority.server(), echo) as peer:
        done = run(board, "voice_heap.py", peer.port, authority.anchor, "G722", "open")
    assert done.returncode == 0, done.stdout + done.stderr
    with Peer(authority.server(), echo) as peer:
        done = run(board, "voice_heap.py", peer.port, authority.anchor, "G722", "open", "sweep")
    assert done.returncode == 1 and figures(done.stdout)["grown"] <= -20000, done.stdout + done.stderr


@pytest.mark.paced
@pytest.mark.parametrize("board", ["unix", pytest.param("unix32", marks=LONG)])
def test_one_allocation_per_frame_is_found(run, authority, board):
    with Peer(authority.server(), echo) as peer:
        done = run(board, "voice_heap.py", peer.port, authority.anchor, "G722", "allocate")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "alive False" in done.stdout
