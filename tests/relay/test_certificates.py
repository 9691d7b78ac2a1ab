"""A running relay's certificates: new ones are taken when they are whole, and what ends is renewed or told in time."""

import datetime
import socket
import ssl
import threading

import pytest
from structlog.testing import capture_logs

from tincall import files
from tincall.clock import ManualClock
from tincall.relay import authority, changeover, rollover
from tincall.relay.certificates import DAY_S, Certificates, warnings
from tincall.settings import DataFolder

DAY = datetime.timedelta(days=1)
NOW = datetime.datetime.fromtimestamp(ManualClock.UNIX_START_MS / 1000, datetime.UTC)


@pytest.fixture
def folder(tmp_path):
    made = DataFolder(tmp_path / "data")
    authority.make(made, ["box.local"], NOW)
    return made


def watching(folder, days=0):
    clock = ManualClock()
    clock.advance(days * DAY_S * 1000)
    return Certificates(folder, clock)


def seen(context, folder):
    """Give the certificate that a client sees."""
    near, far = socket.socketpair()

    def serve():
        with context.wrap_socket(far, server_side=True) as end:
            end.recv(1)

    serving = threading.Thread(target=serve)
    serving.start()
    client = ssl.create_default_context(cafile=str(folder.ca))
    with client.wrap_socket(near, server_hostname="localhost") as end:
        found = end.getpeercert(True)
    serving.join()
    return found


def test_a_new_certificate_is_taken_once_and_whoever_wants_to_hears_of_it(folder, monkeypatch):
    watch, heard = watching(folder), []
    watch.watchers.append(lambda shown, context: heard.append((shown, context)))
    assert not watch.look()
    made = rollover.renew(folder, [], NOW)
    assert watch.look() and not watch.look()
    assert [shown.server for shown, _ in heard] == [made] and watch.shown.server == made
    assert heard[0][1] is watch.context


def test_a_client_sees_the_new_one(folder):
    now = datetime.datetime.now(datetime.UTC)
    for place in (folder.ca, folder.ca_key, folder.server, folder.server_key):
        place.unlink()
    authority.make(folder, [], now)
    watch = watching(folder)
    before = seen(watch.context, folder)
    made = rollover.renew(folder, [], now)
    watch.look()
    assert before != seen(watch.context, folder) == authority.der(made)


def test_half_a_pair_is_not_taken_and_told_once(folder):
    watch = watching(folder)
    context = watch.context
    folder.server.write_bytes(authority.new_server(*authority.load_ca(folder), [], NOW)[1])
    with capture_logs() as logs:
        assert not watch.look() and not watch.look()
    assert [line["log_level"] for line in logs] == ["error"]
    assert watch.context is context
    rollover.renew(folder, [], NOW)
    assert watch.look()


def test_a_change_that_is_under_way_is_waited_for(folder):
    watch = watching(folder)
    (folder.root / changeover.NEW).mkdir()
    files.write(folder.server, authority.new_server(*authority.load_ca(folder), [], NOW)[1], 0o644)
    with capture_logs() as logs:
        assert not watch.look()
    assert logs == []


@pytest.mark.parametrize(("days", "is_renewed"), [(0, False), (364, False), (366, True), (400, True)])
def test_the_server_certificate_is_renewed_in_its_last_month_or_later(folder, days, is_renewed):
    watch = watching(folder, days)
    before = watch.shown.server
    watch.renew_if_due()
    assert (watch.shown.server != before) is is_renewed
    if is_renewed:
        authority.check_server(folder, watch.now() + 390 * DAY)


def test_without_the_cas_key_it_is_told_every_day_instead(folder):
    folder.ca_key.unlink()
    watch = watching(folder, 380)
    before = watch.shown.server
    for _ in range(2):
        with capture_logs() as logs:
            watch.daily()
        assert [line["reason"] for line in logs] == warnings(watch.shown, watch.now())
        assert "ends on" in logs[0]["reason"] and "in 15 days" in logs[0]["reason"]
        assert "tincall ca renew" in logs[0]["reason"]
    assert watch.shown.server == before


def test_what_is_told_of_each_certificate(folder):
    shown = rollover.read(folder)
    assert warnings(shown, NOW) == []
    assert "ended on" in warnings(shown, NOW + 396 * DAY)[0]
    last_year = NOW + 3300 * DAY
    rollover.renew(folder, [], last_year)
    assert ["tincall ca roll" in one for one in warnings(rollover.read(folder), last_year)] == [True]
    rollover.roll(folder, last_year)
    assert ["tincall ca switch" in one for one in warnings(rollover.read(folder), last_year)] == [True]
    rollover.switch(folder, last_year)
    assert warnings(rollover.read(folder), last_year) == []


class Enough(Exception):
    pass


async def test_the_first_day_begins_at_once_and_the_next_after_a_day(folder, loop_factory):
    folder.ca_key.unlink()
    clock = ManualClock()
    clock.advance(380 * DAY_S * 1000)
    slept = []

    async def sleep(seconds):
        slept.append(seconds)
        clock.advance(DAY_S * 1000 / 4)
        if len(slept) == 5:
            raise Enough

    watch = Certificates(folder, clock, sleep=sleep)
    with capture_logs() as logs, pytest.raises(Enough):
        await watch._run()
    assert [line["event"] for line in logs] == ["a certificate ends"] * 2
