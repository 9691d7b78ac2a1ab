"""What any bytes may do to the readers of bytes: each target takes bytes and raises when a reader breaks its contract.

`tools/fuzz.py` searches with them for hours, `test_corpus.py` says again what was found.
"""

import json
from collections.abc import Callable

from support.envelopes import EVENT, EVENT_TEXT, KEYS, query, sealed

from callcore import framer, messages, record
from callcore.errors import MessageError, StoreError, WireError
from tincall.relay.handshake import judge
from tincall.relay.http import HttpServer, Problem
from tincall.relay.limits import Limits
from tincall.wechat.pushes import PushRefused, open_push

QUERY = query(sealed(EVENT_TEXT.encode()))  # of a push that was seen on its way, so that its signature is good
LIMITS = Limits(head_bytes=512, body_bytes=256, headers=8)


def frames(data: bytes) -> None:
    """Read frames as relay and as board, whole and byte by byte: the same frames, or the same close code."""
    for is_server in (False, True):
        whole, cut = _frames(is_server, data, len(data) or 1), _frames(is_server, data, 1)
        assert whole == cut, (whole, cut)
        assert whole[1] in (0, 1002, 1009), whole


def _frames(is_server: bool, data: bytes, piece: int) -> tuple[list[tuple[int, bytes]], int]:
    link, found, at = framer.Framer(is_server), [], 0
    while at < len(data):
        at += link.feed(data, at, min(piece, len(data) - at))
        try:
            while (kind := link.next()) != framer.NEED_MORE:
                found.append((kind, link.payload()))
        except WireError as error:
            return found, error.code
    return found, 0


def message(data: bytes) -> None:
    """Read a message as both sides: one that can be written again and read as the same, or `MessageError`."""
    for sender in (messages.FROM_BOARD, messages.FROM_RELAY):
        try:
            found = messages.decode(data, sender)
        except MessageError:
            continue
        assert messages.decode(messages.encode(found, sender), sender) == found


def stored(data: bytes) -> None:
    """Read a record: what packing gives, or `StoreError`."""
    try:
        generation, body = record.unpack(data, 1)
    except StoreError:
        return
    assert record.pack(1, generation, body) == data


def push(data: bytes) -> None:
    """Take bytes for the body of a push whose signature is known: the authentic event, or refused with 4xx."""
    for content_type in ("application/json", "text/xml"):
        try:
            found = open_push(QUERY, data, content_type, KEYS)
        except PushRefused as refusal:
            assert 400 <= refusal.status < 500
        else:
            assert found == EVENT, found


def head(data: bytes) -> None:
    """Take bytes for requests: within the limits, or a problem and the end."""
    http = HttpServer(LIMITS, 0)
    try:
        http.receive(data, 1)
        while (request := http.next_request()) is not None:
            assert len(request.body) <= LIMITS.body_bytes and len(request.headers) <= LIMITS.headers
            try:
                judge(request)
            except Problem as problem:
                http.refuse(problem, 2)
            else:
                http.answer(b"{}", 2)
    except Problem as problem:
        assert json.loads(problem.body())["status"] == problem.status
        http.refuse(problem, 2)
        assert http.closed


TARGETS: dict[str, Callable[[bytes], None]] = {
    "frames": frames,
    "message": message,
    "stored": stored,
    "push": push,
    "head": head,
}
