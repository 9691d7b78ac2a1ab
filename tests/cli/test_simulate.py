"""`tincall simulate`: its list, its ready line, its scenarios, its clean end, and what it says when something is wrong."""

import json
import selectors
import signal
import subprocess
import sys
import time

import httpx
import pytest
from commands import document, tincall

from tincall.simulator import credentials, scenario


class Running:
    """A simulator in a process of its own; ready when made."""

    def __init__(self, *arguments):
        command = [sys.executable, "-m", "tincall", "simulate", "--port", "0", "--json", *map(str, arguments)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        with selectors.DefaultSelector() as waiting:
            waiting.register(self.process.stdout, selectors.EVENT_READ)
            line = self.process.stdout.readline() if waiting.select(30) else b""
        if not line:
            self.process.kill()
            raise AssertionError(self.process.communicate()[1].decode())
        self.ready = json.loads(line)

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=20)
        return self.process.returncode, out.decode(), err.decode()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()


def test_the_list_names_every_scenario():
    listed = document(tincall("simulate", "--list", "--json"))["scenarios"]
    assert [one["name"] for one in listed] == scenario.names()
    human = tincall("simulate", "--list")
    assert human.exit_code == 0 and "kicked_out" in human.stdout


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_is_ready_plays_and_stops_cleanly(tmp_path, number):
    with Running("--data", tmp_path, "--scenario", "rejected") as running:
        ready = running.ready
        assert ready["ready"] is True and ready["scenario"] == "rejected" and ready["phones"] == ["alice"]
        assert ready["pid"] == running.process.pid
        console = credentials.load_or_make(tmp_path / "platform.toml")
        assert ready["console"] == str(tmp_path / "platform.toml") and ready["appid"] == console.appid
        body = {"grant_type": "client_credential", "appid": console.appid, "secret": console.secret}
        with httpx.Client(trust_env=False) as client:
            assert client.post(f"{ready['url']}/cgi-bin/stable_token", json=body).json()["expires_in"] == 7200
            headers = {"authorization": f"Bearer {console.control_token}"}
            assert client.get(f"{ready['url']}/sim/ledger", headers=headers).json()["phones"] == ["alice"]
            assert ready["phone_page"] == f"{ready['url']}/phone/"
            assert "<html" in client.get(ready["phone_page"]).text
            people = client.get(f"{ready['url']}/phone/people").json()["people"]
            assert people == [{"openid": "alice", "name": "Alice"}]
        status, out, log = running.stop(number)
    assert (status, out) == (0, "")
    assert "Traceback" not in log
    for secret in (console.secret, console.control_token, console.aes_key, console.push_token):
        assert secret not in log + json.dumps(ready)
    assert [json.loads(line)["event"] for line in log.splitlines()][-1] == "simulator stopped"


def test_it_stops_at_once_with_a_room_end_connected(tmp_path):
    from websockets.sync.client import connect

    with (
        Running("--data", tmp_path) as running,
        connect(f"ws://127.0.0.1:{running.ready['port']}/sim/room", proxy=None),
    ):
        began_s = time.monotonic()
        assert running.stop()[0] == 0
        assert time.monotonic() - began_s < 8


def test_phones_of_a_file_play_beside_a_scenarios_own(tmp_path):
    (tmp_path / "phones.toml").write_text('[[phones]]\nid = "mum"\n')
    with Running("--data", tmp_path, "--scenario", "busy", "--phones", tmp_path / "phones.toml") as running:
        assert running.ready["phones"] == ["alice", "mum"]
    with Running("--data", tmp_path, "--phones", tmp_path / "phones.toml") as running:
        assert running.ready["phones"] == ["mum"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--scenario", "nonsense"], "no scenario 'nonsense'"),
        (["--certificate", "x.pem"], "belong together"),
        (["--relay-push-url", "ftp://x"], "is no push URL"),
        (["--relay-ca", "/no/such/ca.pem"], "is not there"),
        (["--phones", "/no/such/phones.toml"], "is not there"),
    ],
)
def test_a_mistake_is_told_in_one_sentence(tmp_path, arguments, said):
    result = tincall("simulate", "--data", tmp_path / "d", *arguments)
    assert result.exit_code == 2
    assert said in result.stderr and "Traceback" not in result.stderr
    assert result.stdout == ""
