"""What a monitoring system reads: the end of each certificate, for operators alone."""

import asyncio
import datetime
from types import SimpleNamespace

import httpx
import pytest
from fastapi import FastAPI

from tincall.clock import ManualClock
from tincall.relay import api, authority, metrics, rollover
from tincall.relay.certificates import Certificates
from tincall.relay.events import Events
from tincall.settings import DataFolder

NOW = datetime.datetime.fromtimestamp(ManualClock.UNIX_START_MS / 1000, datetime.UTC)
TOKEN = "t" * 43


@pytest.fixture
def folder(tmp_path):
    made = DataFolder(tmp_path / "data")
    authority.make(made, [], NOW)
    return made


class Devices:
    """Boards with certificates that end at these times, and one without."""

    def __init__(self, *ends):
        self._ends = ends

    def list(self):
        ends = [(0, "active"), *((end, "active") for end in self._ends), (5, "revoked")]
        return [SimpleNamespace(cert_until_s=end, state=state) for end, state in ends]


def ask(certificates, token, *ends):
    app = FastAPI()
    events = Events(None, ManualClock())
    events.stored, events.repeated = 7, 2
    app.include_router(metrics.router(certificates, events, Devices(*ends), api.operator_only(TOKEN)))

    async def go():
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://relay") as client:
            return await client.get("/metrics", headers={"Authorization": "Bearer " + token})

    return asyncio.run(go())


def test_the_end_of_each_certificate_is_a_figure(folder):
    rollover.roll(folder, NOW)
    watch = Certificates(folder, ManualClock())
    answer = ask(watch, TOKEN)
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    figures = dict(line.rsplit(" ", 1) for line in answer.text.splitlines() if not line.startswith("#"))
    ends = {"server": watch.shown.server, "ca": watch.shown.ca, "next_ca": watch.shown.next_ca}
    name = metrics.EXPIRY
    assert figures.pop('tincall_board_events_total{result="stored"}') == "7"
    assert figures.pop('tincall_board_events_total{result="repeated"}') == "2"
    assert figures == {
        f'{name}{{certificate="{n}"}}': str(int(c.not_valid_after_utc.timestamp())) for n, c in ends.items()
    }
    assert f"# TYPE {name} gauge" in answer.text and answer.text.endswith("\n")


def test_of_all_boards_the_first_certificate_to_end(folder):
    answer = ask(Certificates(folder, ManualClock()), TOKEN, 1_900_000_000, 1_800_000_000)
    assert f'{metrics.EXPIRY}{{certificate="boards"}} 1800000000' in answer.text.splitlines()


def test_it_is_for_operators(folder):
    assert ask(Certificates(folder, ManualClock()), "x" * 43).status_code == 401
