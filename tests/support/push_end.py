"""A push URL on a fake platform's server, as a relay answers it; told to be wrong in one way or another."""

from __future__ import annotations

import json

from support.envelopes import KEYS
from support.fake_platform import Asked, Raw
from tincall.wechat.pushes import PushKeys, PushRefused, check_url, open_push


def push_end(keys: PushKeys = KEYS, unknown: bytes = b"success", open_to_all: bool = False):
    """Make the function that answers for `/wechat/push`.

    Args:
        keys: what this end believes it shares with the console.
        unknown: what it says to an event that it does not know.
        open_to_all: believe everything.
    """

    def answer(asked: Asked) -> Raw:
        try:
            if asked.method == "GET":
                return Raw(200, check_url(asked.query, keys.token).encode())
            open_push(asked.query, json.dumps(asked.body).encode(), "application/json", keys)
        except PushRefused as refusal:
            return Raw(200, asked.query.get("echostr", "").encode()) if open_to_all else Raw(refusal.status)
        return Raw(200, unknown)

    return answer
