"""Runs `tincall provision` for tests, and asks the relay how a board stands."""

from commands import document, tincall

from tincall.cli.client import Client


def provisioned(data, live, sn, *more, typed=None):
    """Run the command; gives exit status and document."""
    words = ["provision", "--data", data, "--port", live.port, "--sn", sn, "--json", *more]
    done = tincall(*words, typed=typed)
    return done.exit_code, document(done)


def states(found):
    return {step["name"]: step["state"] for step in found["steps"]}


def standing(data, sn):
    with Client(data) as client:
        return client.get(f"/v1/devices/{sn}/standing")
