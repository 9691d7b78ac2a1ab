"""The CA's life: renewed and replaced so that whoever trusts what he was given trusts the relay at every moment."""

import datetime
import itertools

import pytest
from cryptography import x509

from tincall.errors import OperatorError
from tincall.relay import authority, changeover, rollover
from tincall.settings import DataFolder

NOW = datetime.datetime(2026, 5, 1, 12, tzinfo=datetime.UTC)
DAY = datetime.timedelta(days=1)


@pytest.fixture
def folder(tmp_path):
    made = DataFolder(tmp_path / "data")
    authority.make(made, ["box.local"], NOW)
    return made


def certificates(pem):
    return x509.load_pem_x509_certificates(pem.encode())


def is_trusted(folder, bundle):
    """Tell whether a board with this bundle takes the certificate that the relay shows now."""
    server = authority.load_certificate(folder.server)
    return any(
        server.issuer == ca.subject and server.verify_directly_issued_by(ca) is None for ca in certificates(bundle)
    )


def test_a_renewed_certificate_starts_with_the_ca_keeps_its_names_and_has_a_new_key(folder):
    ca, old, bundle = folder.ca.read_bytes(), authority.load_certificate(folder.server), rollover.bundle(folder)
    made = rollover.renew(folder, ["new.local", "box.local"], NOW + 300 * DAY)
    assert made == authority.load_certificate(folder.server)
    assert authority.names_of(made) == ["box.local", "localhost", "127.0.0.1", "new.local"]
    assert made.not_valid_before_utc == authority.load_certificate(folder.ca).not_valid_before_utc
    assert made.not_valid_after_utc == NOW + 300 * DAY + authority.SERVER_LIFE
    assert made.public_key() != old.public_key()
    assert folder.ca.read_bytes() == ca and is_trusted(folder, bundle)


def test_a_certificate_never_ends_before_the_one_it_replaces(folder):
    """A relay's clock was years ahead for a day, its boards believed it, and then it was set right."""
    ahead = rollover.renew(folder, [], NOW + 1500 * DAY)
    assert rollover.renew(folder, [], NOW).not_valid_after_utc == ahead.not_valid_after_utc
    rollover.roll(folder, NOW)
    assert rollover.switch(folder, NOW).not_valid_after_utc == ahead.not_valid_after_utc


def test_a_certificate_from_elsewhere_is_not_ours_to_renew(folder, tmp_path):
    other = DataFolder(tmp_path / "other")
    authority.make(other, [], NOW)
    folder.server.write_bytes(other.server.read_bytes())
    with pytest.raises(OperatorError, match="another CA"):
        rollover.renew(folder, [], NOW)


def test_a_key_of_another_ca_is_refused_before_anything_changes(folder, tmp_path):
    other = DataFolder(tmp_path / "other")
    authority.make(other, [], NOW)
    folder.ca_key.write_bytes(other.ca_key.read_bytes())
    before = folder.server.read_bytes()
    with pytest.raises(OperatorError, match="not the key of"):
        rollover.renew(folder, [], NOW)
    assert folder.server.read_bytes() == before


def test_a_ca_is_replaced_in_two_steps_and_each_board_trusts_at_each_of_them(folder):
    first = rollover.bundle(folder)
    assert first == folder.ca.read_text()
    assert rollover.roll(folder, NOW + 3000 * DAY)
    assert not rollover.roll(folder, NOW + 3001 * DAY)
    both = rollover.bundle(folder)
    old, new = certificates(both)
    assert (folder.next_ca.stat().st_mode & 0o777) == 0o600
    assert is_trusted(folder, first) and is_trusted(folder, both)
    rollover.renew(folder, [], NOW + 3002 * DAY)
    assert is_trusted(folder, first) and is_trusted(folder, both)
    made = rollover.switch(folder, NOW + 3003 * DAY)
    last = rollover.bundle(folder)
    assert certificates(last) == [new] and not folder.next_ca.exists()
    assert is_trusted(folder, both) and is_trusted(folder, last) and not is_trusted(folder, first)
    assert authority.names_of(made) == ["box.local", "localhost", "127.0.0.1"]
    assert authority.load_ca(folder)[0] == new
    assert (folder.ca_key.stat().st_mode & 0o777, folder.ca.stat().st_mode & 0o777) == (0o600, 0o644)
    assert len({rollover.anchor_id(bundle) for bundle in (first, both, last)}) == 3


def test_the_next_ca_is_as_old_as_the_first_so_that_no_boards_clock_is_too_slow_for_it(folder):
    rollover.roll(folder, NOW + 3000 * DAY)
    shown = rollover.read(folder)
    assert shown.next_ca.not_valid_before_utc == shown.ca.not_valid_before_utc
    assert shown.next_ca.not_valid_after_utc == NOW + 3000 * DAY + authority.CA_LIFE


def test_there_is_nothing_to_switch_to(folder):
    with pytest.raises(OperatorError, match="no next CA"):
        rollover.switch(folder, NOW)


def test_a_switch_that_power_stops_anywhere_leaves_one_whole_state(folder, monkeypatch):
    class Stopped(BaseException):
        pass

    rollover.roll(folder, NOW)
    real = changeover.change
    for at in itertools.count(1):
        left = [at]

        def reached(step, left=left):
            left[0] -= 1
            if left[0] == 0:
                raise Stopped

        monkeypatch.setattr(changeover, "change", lambda place, files, hear=reached: real(place, files, hear))
        try:
            rollover.switch(folder, NOW)
        except Stopped:
            changeover.finish(folder)
            shown = rollover.read(folder)
            authority.load_ca(folder)
            authority.check_server(folder, NOW)
            assert shown.is_own and is_trusted(folder, rollover.bundle(folder))
            if shown.next_ca is None:  # it holds: begin anew for the next place to stop
                monkeypatch.setattr(changeover, "change", real)
                rollover.roll(folder, NOW)
        else:
            break
    assert at == 9  # made ready, decided, six files moved: each was stopped at


def test_more_than_a_grant_can_carry_is_refused_before_it_is_made(folder):
    folder.ca.write_bytes(folder.ca.read_bytes() * 3)
    with pytest.raises(OperatorError, match="too much"):
        rollover.roll(folder, NOW)
    assert not folder.next_ca.exists()
