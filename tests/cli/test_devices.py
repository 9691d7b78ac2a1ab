"""`tincall devices`: what is enrolled, for people and for programs, hostile names included."""

from commands import document, tincall

from tincall.cli.client import Client


def post(data, **device):
    with Client(data) as client:
        client.post("/v1/devices", device)


def test_devices_are_listed_for_programs_and_people(shared_relay):
    post(shared_relay, sn="DE-1", name="Front [red]door[/red]")
    found = document(tincall("devices", "--data", shared_relay, "--json"))["devices"]
    (device,) = [one for one in found if one["sn"] == "DE-1"]
    assert (device["state"], device["link"], "key" in device) == ("new", None, False)
    shown = tincall("devices", "--data", shared_relay).stdout
    assert "DE-1" in shown
    assert "serial number" in shown


def test_a_device_is_forgotten_once(shared_relay):
    post(shared_relay, sn="DE-2")
    result = tincall("devices", "--forget", "DE-2", "--data", shared_relay, "--json")
    assert document(result) == {"forgotten": "DE-2"}
    again = tincall("devices", "--forget", "DE-2", "--data", shared_relay)
    assert again.exit_code == 1
    assert "No device DE-2" in again.stderr


def test_a_number_cannot_climb_out_of_its_path(shared_relay):
    result = tincall("devices", "--forget", "../calls", "--data", shared_relay)
    assert result.exit_code == 1


def test_nothing_enrolled_says_what_to_do(monkeypatch):
    class Empty:
        def __init__(self, data):
            pass

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def get(self, path):
            return {"devices": []}

    monkeypatch.setattr("tincall.cli.devices.Client", Empty)
    assert "tincall enrol" in tincall("devices").stdout
