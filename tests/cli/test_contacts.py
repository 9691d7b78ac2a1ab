"""`tincall contacts`: who a board's people are, over a running relay that has a mini program, and hostile names."""

from commands import document, tincall

from tincall.cli import contacts
from tincall.cli.client import Client


def test_a_board_without_people_says_what_to_do(mini_relay):
    with Client(mini_relay) as client:
        client.post("/v1/devices", {"sn": "CO-1"})
    assert document(tincall("contacts", "CO-1", "--data", mini_relay, "--json")) == {"contacts": []}
    assert "tincall invite CO-1" in tincall("contacts", "CO-1", "--data", mini_relay).stdout
    gone = tincall("contacts", "CO-1", "--remove", "nobody", "--data", mini_relay)
    assert gone.exit_code == 1 and "no contact nobody" in gone.stderr
    assert "No device CO-9" in tincall("contacts", "CO-9", "--data", mini_relay).stderr


def test_a_relay_without_a_mini_program_says_so(shared_relay):
    result = tincall("contacts", "CO-1", "--data", shared_relay)
    assert result.exit_code == 2 and "appid of [wechat]" in result.stderr


def test_people_are_listed_and_removed(monkeypatch):
    asked = []

    class Relay:
        def __init__(self, data):
            pass

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def get(self, path):
            asked.append(("GET", path))
            names = [("Mum [bold]", "granted"), ("Dad", "refused"), ("Eve", "withdrawn"), ("Zoe", "new word")]
            return {
                "contacts": [
                    {"id": f"c{i}", "name": name, "consent": consent, "shown": True, "updated_s": 1_790_000_000}
                    for i, (name, consent) in enumerate(names)
                ]
            }

        def delete(self, path):
            asked.append(("DELETE", path))
            return {"removed": "c1"}

    monkeypatch.setattr(contacts, "Client", Relay)
    monkeypatch.setattr(contacts, "check_in_use", lambda data: None)
    shown = tincall("contacts", "SN-1").stdout
    for word in ("Mum [bold]", "agreed", "refused;", "not any more;", "new word"):
        assert word in shown
    assert document(tincall("contacts", "SN-1", "--remove", "c/1", "--json")) == {"removed": "c1"}
    assert asked == [("GET", "/v1/devices/SN-1/contacts"), ("DELETE", "/v1/devices/SN-1/contacts/c%2F1")]
