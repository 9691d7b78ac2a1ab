"""Golden messages: the canonical bytes of every message written out by hand, other spellings of them, and what is none.

`valid`: `hex` is what an encoder must put on the wire and what a decoder must take, `message` what it means.
`accepted`: not canonical, yet a decoder takes it as it takes `canonical_hex` (blanks, order, escapes, unknown keys).
`malformed`: `hex` is refused; `about` is the name that goes back in the `error` message.
"""

import json
from typing import Any

_HELLO = (
    '{"t":"hello","v":1,"firmware":"0.1.0","board":"EMULATED","codecs":["PCMA","PCMU"],"ptimes":[20,40],"features":[]}'
)
_WELCOME = (
    '{"t":"welcome","v":1,"now":1795165385,"heartbeat_ms":10000,'
    '"contacts":[{"id":"grandma","name":"Grandma"},{"id":"c2","name":"奶奶 👵"}],"settings":{"ring_ms":45000},"features":[]}'
)
_STATS = (
    '{"t":"stats","call":"c1","final":true,"up":{"sent":4294967295,"dropped":0},"down":{"received":250,"lost":1,"late":2,'
    '"concealed":3,"jitter_ms":7,"buffer_ms":60,"underruns":0}}'
)
_MORE_STATS = _STATS.replace('"dropped":0', '"dropped":0,"silent":40').replace(
    '"underruns":0',
    '"underruns":0,"played":246,"noises":5,"quiet":41,"duplicates":1,"skipped":0,"refused":0,"foreign":0,"shortened_ms":20,'
    '"lengthened_ms":0,"delay_ms":55,"target_ms":40,"jitter_p95_ms":30',
)
_VALID = [
    ("board", _HELLO),
    ("board", _HELLO.replace('"features":[]', '"features":[],"ca":"9f86d081884c7d65"')),
    ("relay", _WELCOME),
    ("board", '{"t":"invite","call":"b-7_Q","to":"grandma","media":{"codecs":["PCMA"],"ptimes":[20]},"ring_ms":30000}'),
    ("board", '{"t":"invite","call":"b-7_Q","to":"grandma","media":{"codecs":["PCMA"],"ptimes":[20]}}'),
    (
        "relay",
        '{"t":"invite","call":"r1","from":{"id":"c2","name":"A \\"B\\" \\\\ /"},'
        '"media":{"codec":"PCMA","ptime":20,"ssrc":4294967295,"remote_ssrc":0},"ring_ms":45000}',
    ),
    ("board", '{"t":"ringing","call":"r1"}'),
    ("relay", '{"t":"ringing","call":"r1"}'),
    ("board", '{"t":"answer","call":"r1","media":{"codec":"PCMA","ptime":20}}'),
    (
        "relay",
        '{"t":"answer","call":"r1","media":{"codec":"PCMU","ptime":40,"ssrc":2147483648,"remote_ssrc":305419896}}',
    ),
    (
        "relay",
        '{"t":"answer","call":"r1","media":{"codec":"G722","ptime":40,"ssrc":1,"remote_ssrc":2,"cn":true}}',
    ),
    ("board", '{"t":"cancel","call":"r1"}'),
    ("relay", '{"t":"cancel","call":"r1","cause":19}'),
    ("relay", '{"t":"reject","call":"b-7_Q","cause":17}'),
    ("board", '{"t":"reject","call":"r1","cause":21}'),
    ("board", '{"t":"bye","call":"r1","cause":16}'),
    ("relay", '{"t":"bye","call":"r1","cause":999}'),
    ("relay", '{"t":"ended","call":"r1","cause":690,"released_by":"device","duration_ms":536870911}'),
    ("relay", '{"t":"contacts","contacts":[]}'),
    ("board", _STATS),
    ("board", _STATS[:-1] + ',"rssi":-127}'),
    ("board", _MORE_STATS),
    (
        "board",
        '{"t":"event","log":"0a1b2c3d4e5f","n":7,"lost":2,"at":1795165385,"kind":"missed","call":"r1","cause":690,'
        '"duration_ms":0}',
    ),
    ("board", '{"t":"event","log":"L","n":1073741823,"lost":0,"at":0,"kind":"crash","text":"a|ValueError: \\"b\\""}'),
    ("relay", '{"t":"event_ok","n":7}'),
    ("board", '{"t":"ping","id":0}'),
    ("relay", '{"t":"ping","id":65536}'),
    ("board", '{"t":"pong","id":65536}'),
    ("relay", '{"t":"pong","id":1073741823}'),
    ("relay", '{"t":"error","about":"","reason":"the message is not JSON at byte 0"}'),
    ("board", '{"t":"error","about":"action","reason":"`action` is not the name of a message"}'),
]
# (sender, text, what it means in canonical text)
_ACCEPTED = [
    ("board", ' {\t"id" : 7 ,\r\n"t": "ping" } ', '{"t":"ping","id":7}'),
    ("board", '{"t":"ping","id":-0}', '{"t":"ping","id":0}'),
    ("board", '{"t":"ping","id":7,"later":[{"deep":[1.5e3,null,true]}],"name":"\\u0000"}', '{"t":"ping","id":7}'),
    ("board", '{"\\u0074":"p\\u0069ng","id":7}', '{"t":"ping","id":7}'),
    (
        "relay",
        '{"t":"contacts","contacts":[{"id":"c2","name":"\\u5976 \\ud83d\\udc75","consent":"yes"}]}',
        '{"t":"contacts","contacts":[{"id":"c2","name":"奶 👵"}]}',
    ),
]
# (sender, bytes, about)
_MALFORMED: list[tuple[str, bytes | str, str]] = [
    # not JSON, or not one object
    ("board", "", ""),
    ("board", "  ", ""),
    ("board", '{"t":"ping","id":7', ""),
    ("board", '{"t":"ping","id":7}{}', ""),
    ("board", '{"t":"ping","id":7}\x00', ""),
    ("board", '\ufeff{"t":"ping","id":7}', ""),
    ("board", '{"t":"ping" "id":7}', ""),
    ("board", '{"t":"ping","id" 7}', ""),
    ("board", '{"t":"ping",,"id":7}', ""),
    ("board", '{"t":"ping","id":7,}', ""),
    ("board", '{"t":"ping","id":07}', ""),
    ("board", '{"t":"ping","id":+7}', ""),
    ("board", '{"t":"ping","id":7.}', ""),
    ("board", '{"t":"ping","id":0x7}', ""),
    ("board", '{"t":"ping","id":NaN}', ""),
    ("board", '{"t":"ping","id":Infinity}', ""),
    ("board", "{'t':'ping','id':7}", ""),
    ("board", '{t:"ping","id":7}', ""),
    ("board", '{"t":"ping","id":7,"t":"pong"}', ""),
    ("board", '{"t":"ping","id":7,"x":{"a":1,"\\u0061":2}}', ""),
    ("board", '{"t":"ping","id":7} // a comment', ""),
    ("board", '[{"t":"ping","id":7}]', ""),
    ("board", '"ping"', ""),
    ("board", "null", ""),
    # bounds of the text
    ("board", '{"t":"ping","id":7,"x":"' + "x" * 4071 + '"}', ""),
    ("board", '{"t":"ping","id":7,"x":' + "[" * 8 + "]" * 8 + "}", ""),
    ("board", "[" * 4096, ""),
    ("board", '{"t":"ping","id":' + "9" * 25 + "}", ""),
    # bad UTF-8, surrogates, control characters
    ("board", b'{"t":"ping","id":7,"x":"\xff"}', ""),
    ("board", b'{"t":"ping","id":7,"x":"\xc0\x80"}', ""),
    ("board", b'{"t":"ping","id":7,"x":"\xed\xa0\x80"}', ""),
    ("board", b'{"t":"ping","id":7,"x":"\xf4\x90\x80\x80"}', ""),
    ("board", b'{"t":"ping","id":7,"x":"\xe4\xb8"}', ""),
    ("board", '{"t":"ping","id":7,"x":"\\ud83d"}', ""),
    ("board", '{"t":"ping","id":7,"x":"\\udc75\\ud83d"}', ""),
    ("board", '{"t":"ping","id":7,"x":"\\x41"}', ""),
    ("board", '{"t":"ping","id":7,"x":"a\nb"}', ""),
    ("relay", '{"t":"contacts","contacts":[{"id":"c2","name":"a\\u001bb"}]}', "contacts"),
    ("relay", '{"t":"contacts","contacts":[{"id":"c2","name":"a\\u0085b"}]}', "contacts"),
    # names
    ("board", '{"id":7}', ""),
    ("board", '{"t":7,"id":7}', ""),
    ("board", '{"t":"pi\\nng","id":7}', ""),
    ("board", '{"t":"' + "p" * 33 + '"}', ""),
    ("board", '{"t":"Ping","id":7}', "Ping"),
    ("relay", '{"t":"action","call":"r1"}', "action"),
    ("board", _WELCOME, "welcome"),
    ("relay", _HELLO, "hello"),
    ("board", '{"t":"ended","call":"r1","cause":16,"released_by":"device","duration_ms":0}', "ended"),
    # fields
    ("board", '{"t":"ping"}', "ping"),
    ("board", '{"t":"ping","id":null}', "ping"),
    ("board", '{"t":"ping","id":true}', "ping"),
    ("board", '{"t":"ping","id":"7"}', "ping"),
    ("board", '{"t":"ping","id":7.0}', "ping"),
    ("board", '{"t":"ping","id":7e0}', "ping"),
    ("board", '{"t":"ping","id":-1}', "ping"),
    ("board", '{"t":"ping","id":1073741824}', "ping"),
    ("board", '{"t":"ping","id":18446744073709551616}', "ping"),
    ("board", '{"t":"ringing","call":""}', "ringing"),
    ("board", '{"t":"ringing","call":"a b"}', "ringing"),
    ("board", '{"t":"ringing","call":"é"}', "ringing"),
    ("board", '{"t":"ringing","call":"' + "x" * 65 + '"}', "ringing"),
    ("board", '{"t":"bye","call":"r1","cause":0}', "bye"),
    ("board", '{"t":"bye","call":"r1","cause":1000}', "bye"),
    ("board", '{"t":"reject","call":"r1"}', "reject"),
    (
        "relay",
        '{"t":"answer","call":"r1","media":{"codec":"G722","ptime":40,"ssrc":1,"remote_ssrc":2,"cn":1}}',
        "answer",
    ),
    ("board", '{"t":"cancel","call":"r1","cause":null}', "cancel"),
    ("board", _HELLO.replace('"v":1', '"v":2'), "hello"),
    ("board", _HELLO.replace('"v":1', '"v":true'), "hello"),
    ("board", _HELLO.replace('"features":[]', '"features":[],"ca":""'), "hello"),
    ("board", _HELLO.replace('"features":[]', '"features":[],"ca":"9f86d081884c7d659"'), "hello"),
    ("board", _HELLO.replace("[20,40]", "[20,30]"), "hello"),
    ("board", _HELLO.replace("[20,40]", "[20.0]"), "hello"),
    ("board", _HELLO.replace("[20,40]", "[]"), "hello"),
    ("board", _HELLO.replace('["PCMA","PCMU"]', json.dumps(["PCMA"] * 9)), "hello"),
    ("board", _HELLO.replace('["PCMA","PCMU"]', '{"PCMA":1}'), "hello"),
    ("relay", _WELCOME.replace('{"ring_ms":45000}', "[]"), "welcome"),
    ("relay", _WELCOME.replace("10000", "999"), "welcome"),
    ("relay", '{"t":"contacts","contacts":' + json.dumps([{"id": "c", "name": "n"}] * 33) + "}", "contacts"),
    ("relay", '{"t":"contacts","contacts":[{"id":"c","name":""}]}', "contacts"),
    ("board", '{"t":"answer","call":"r1","media":{"codec":"PCMA"}}', "answer"),
    ("relay", '{"t":"answer","call":"r1","media":{"codec":"PCMA","ptime":20}}', "answer"),
    ("relay", '{"t":"ended","call":"r1","cause":16,"released_by":"nobody","duration_ms":0}', "ended"),
    ("relay", '{"t":"ended","call":"r1","cause":16,"released_by":"device","duration_ms":536870912}', "ended"),
    ("board", _STATS.replace("true", "1"), "stats"),
    ("board", _STATS[:-1] + ',"rssi":1}', "stats"),
    ("board", _STATS[:-1] + ',"rssi":-128}', "stats"),
    ("board", _MORE_STATS.replace(":41", ":-1"), "stats"),
    ("board", _STATS.replace("4294967295", "4294967296"), "stats"),
    ("board", '{"t":"event","log":"L","n":0,"lost":0,"at":0,"kind":"crash"}', "event"),
    ("board", '{"t":"event","log":"L","n":1,"lost":0,"kind":"crash"}', "event"),
    ("board", '{"t":"event","log":"L","n":1,"lost":0,"at":0,"kind":"crash","text":"' + "x" * 401 + '"}', "event"),
    ("relay", '{"t":"event","log":"L","n":1,"lost":0,"at":0,"kind":"crash"}', "event"),
    ("relay", '{"t":"event_ok"}', "event_ok"),
    ("board", '{"t":"event_ok","n":1}', "event_ok"),
    ("board", '{"t":"error","about":"ping","reason":"' + "x" * 257 + '"}', "error"),
]


def build() -> dict[str, Any]:
    """Give the three lists of the file's docstring."""
    return {
        "format": "one WebSocket text message each; hex is its payload; sender is the end it comes from",
        "valid": [{"sender": who, "hex": text.encode().hex(), "message": json.loads(text)} for who, text in _VALID],
        "accepted": [
            {"sender": who, "hex": text.encode().hex(), "canonical_hex": means.encode().hex()}
            for who, text, means in _ACCEPTED
        ],
        "malformed": [
            {"sender": who, "hex": (raw.encode() if isinstance(raw, str) else raw).hex(), "about": about}
            for who, raw, about in _MALFORMED
        ],
    }
