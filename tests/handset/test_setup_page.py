"""The setup page on each interpreter, by real HTTP and DNS over loopback: it joins, it is bounded, it comes to an end."""

import contextlib
import json
import random
import re
import socket
import subprocess
import time
import urllib.parse

import pytest
from support import boards

HOME = {"ssid": "home <1>", "key": "home-word", "rssi": -61}
WORLD = [HOME, {"ssid": "far", "rssi": -80}, {"ssid": "deaf", "key": "password", "address": False}]
PATIENCE_S = 30


def test_cases(check, board):
    check(board, "setup_cases.py")


def free(kind):
    with socket.socket(socket.AF_INET, kind) as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Shown:
    """A board that shows its page, and a person with a phone."""

    def __init__(self, process, port, names_port):
        self.process = process
        self.port = port
        self.names_port = names_port
        self.said = []

    def until(self, event):
        """Read what the board says, up to an event."""
        for text in self.process.stdout:
            self.said.append(json.loads(text))
            if self.said[-1]["ev"] == event:
                return self.said[-1]
        raise AssertionError(self.said)

    def raw(self, data, wait=True):
        """Say something to the page; gives its answer."""
        with socket.create_connection(("127.0.0.1", self.port), PATIENCE_S) as one:
            one.settimeout(PATIENCE_S)
            with contextlib.suppress(ConnectionError):
                one.sendall(data)
                parts = []
                while wait and (part := one.recv(4096)):
                    parts.append(part)
                return b"".join(parts).decode()
        return ""

    def get(self, path="/"):
        return self.raw(f"GET {path} HTTP/1.1\r\nHost: captive.apple.com\r\n\r\n".encode())

    def post(self, number=None, **fields):
        if number is None:
            (number,) = re.findall(r"name=n value=(\w+)", self.get())
        body = urllib.parse.urlencode({**fields, "n": number}).encode()
        head = f"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        return self.raw(head + body)

    def told(self, *words):
        """Look at the page until it says one of some things."""
        until_s = time.monotonic() + PATIENCE_S
        while time.monotonic() < until_s:
            page = self.get()
            if any(word in page for word in words):
                return page
        raise AssertionError(page)


@pytest.fixture
def shown(board, tmp_path):
    return showing(board, tmp_path)


@contextlib.contextmanager
def showing(board, folder, page_ms=60000):
    port, names_port = free(socket.SOCK_STREAM), free(socket.SOCK_DGRAM)
    world = {"networks": WORLD, "setup_ports": [port, names_port]}
    (folder / "wifi.json").write_text(json.dumps(world))
    command, environment = boards.command_of(board, boards.CHECKOUT / "tests/handset/setup_try.py", page_ms)
    if board != "cpython":
        command[1:1] = ["-X", "heapsize=128k"]
    process = subprocess.Popen(
        command, env=environment, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    page = Shown(process, port, names_port)
    try:
        page.until("setup")
        yield page
    finally:
        process.kill()
        process.stdout.close()
        process.wait(10)


def test_a_person_names_a_network_and_the_board_joins_it(shown):
    with shown as page:
        setup = page.said[-1]
        assert setup["ssid"].startswith("Tincall-") and len(setup["ssid"]) == 12 and setup["address"] == "127.0.0.1"
        form = page.get("/hotspot-detect.html")
        assert form.startswith("HTTP/1.0 200") and "<option>deaf<option>home &lt;1&gt;<option>far" in form
        assert "Refresh: 9" in page.post(s=HOME["ssid"], k=HOME["key"])
        assert "Joined home &lt;1&gt;" in page.told("Joined")
        done = page.until("done")
        assert done["done"] and done["box"] == {
            "known": [],
            "word": page.said[0]["word"],
            "trial": [HOME["ssid"], HOME["key"]],
        }
        assert HOME["key"] not in json.dumps(page.said[:-1]) and page.said[0]["word"] not in json.dumps(page.said[1:-1])


def test_a_wrong_password_is_told_and_another_try_is_free(shown):
    with shown as page:
        page.post(s=HOME["ssid"], k="not-its-word")
        assert "does not take our password" in page.told("password</p>")
        page.post(s=HOME["ssid"], k="short")
        assert "8 to 63" in page.told("8 to 63")
        page.post(s="", o="nobody", k="")
        assert "does not answer" in page.told("does not answer")
        page.post(o="far")
        assert "Joined far" in page.told("Joined")
        assert page.until("done")["box"]["trial"] == ["far", ""]


def test_a_form_that_was_not_in_the_page_does_nothing(shown):
    with shown as page:
        for number in ("", "0" * 16):
            assert "Which network" in page.post(number, s=HOME["ssid"], k=HOME["key"])
        assert "Which network" in page.get()


def test_names_lead_to_the_page(shown):
    with shown as page, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone:
        phone.settimeout(PATIENCE_S)
        phone.sendto(b"rubbish", ("127.0.0.1", page.names_port))
        phone.sendto(b"\x12\x34\1\0\0\1\0\0\0\0\0\0\x01a\0\0\1\0\1", ("127.0.0.1", page.names_port))
        assert phone.recv(512)[-4:] == bytes((127, 0, 0, 1))


def test_what_is_no_request_takes_neither_the_page_nor_its_memory(shown):
    chance = random.Random(7)
    with shown as page:
        for data in (
            b"\r\n\r\n",
            b"GET",
            b"x" * 5000,
            b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 1000,
            b"POST / HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n" + b"y" * 3000,
            b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\nn=1",
            b"POST / HTTP/1.1\r\n\r\n" + b"z" * 3000,
            b"PUT / HTTP/1.1\r\n\r\n",
            b"\xff\xfe\x00" * 900,
            *(chance.randbytes(chance.randrange(1, 3000)) for _ in range(30)),
        ):
            with socket.create_connection(("127.0.0.1", page.port), PATIENCE_S) as one, contextlib.suppress(OSError):
                one.sendall(data)
                one.shutdown(socket.SHUT_WR)
                one.settimeout(PATIENCE_S)
                while one.recv(4096):
                    pass
        assert "Which network" in page.get()


def test_one_who_drips_and_many_who_only_connect_are_got_rid_of(board, tmp_path):
    with showing(board, tmp_path) as page, contextlib.ExitStack() as stack:
        idle = [stack.enter_context(socket.create_connection(("127.0.0.1", page.port), PATIENCE_S))]
        idle[0].sendall(b"GET / HT")
        with contextlib.suppress(OSError):  # as many as the system queues
            for _ in range(3):
                idle.append(stack.enter_context(socket.create_connection(("127.0.0.1", page.port), 1)))
        for one in idle[1:]:
            one.close()
        assert "Which network" in page.get()


@pytest.mark.parametrize("board", ["unix32"])
def test_it_comes_to_an_end_though_nobody_came(board, tmp_path):
    with showing(board, tmp_path, 300) as page:
        done = page.until("done")
        assert not done["done"] and "trial" not in done["box"] and page.said[-2]["ev"] == "setup_over"
