"""What a board pretends is what its interpreter is given."""

import json

from tincall.emulator.troubles import Troubles


def test_only_what_is_pretended_is_told():
    assert Troubles().pretended() == "{}"
    said = json.loads(Troubles(version="1.20.0", mpy=1, machine="toaster").pretended())
    assert said == {"version": [1, 20, 0, ""], "mpy": 1, "machine": "toaster"}
