"""A relay for the tests that only talk to one."""

import pytest
from commands import PHONES, RunningRelay, tincall


@pytest.fixture(scope="session")
def shared_relay(tmp_path_factory):
    """A running relay with a phone named alice; gives its data folder. Tests use serial numbers of their own."""
    data = tmp_path_factory.mktemp("relay") / "data"
    assert tincall("init", "--data", data).exit_code == 0
    with (data / "tincall.toml").open("a") as settings:
        settings.write(PHONES)
    with RunningRelay(data) as relay:
        yield data
        assert relay.stop()[0] == 0
