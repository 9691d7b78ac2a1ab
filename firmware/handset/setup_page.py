"""Setup page, seldom in a board's life: an access point of its own on which a person names a WiFi network with a browser.

Rules of this file:

- The access point is never open: it takes the board's `word`, a password drawn at random when the board is provisioned and
  printed then. A board without one does not open the page.
- It lasts `_PAGE_MS` at most and takes one browser at a time, which has `_CLIENT_MS` for a request of `_REQUEST_BYTES`.
- A form counts only with the number that was in the page: a site that the phone had open before cannot post.
- A network is stored, to be tried, once the board has joined it; what was known stays until the relay was reached over it.
- Names all lead here, so that phones show the page by themselves.
"""

import binascii
import os
import socket

import machine
import network

from callcore.compat import const, ticks_add, ticks_diff
from callcore.errors import StoreError
from handset import clock, diag, wlan

_PAGE_MS = const(600000)
_CLIENT_MS = const(5000)
_LINGER_MS = const(20000)  # for the browser to see that it worked
_POLL_MS = const(20)
_REQUEST_BYTES = const(2048)
_NETWORKS = const(12)
_LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"  # 32 that are not taken for each other

_HEAD = """HTTP/1.0 %s\r\nContent-Type: text/html; charset=utf-8\r\nCache-Control: no-store\r\n%sConnection: close\r\n\r\n"""
_PAGE = (
    """<!doctype html><meta name=viewport content="width=device-width"><title>Tincall</title><h1>WiFi</h1><p>%s</p>"""
)
_FORM = """<form method=post action=/><p><select name=s>%s<option value="">another one:</select>
<p><input name=o maxlength=32 placeholder="its name"><p><input name=k type=password maxlength=64 placeholder="its password">
<input type=hidden name=n value=%s><p><button>Join</button></form>"""


def word(store):
    """Give the password of the board's access point, drawn and stored when there is none.

    Raises:
        StoreError: it cannot be stored.
    """
    box = wlan.read(store)
    if "word" not in box:
        box["word"] = "".join(
            _LETTERS[byte & 31] for byte in os.urandom(10)
        )  # 50 bits: they resist for the life of a label
        wlan.save(store, box)
    return box["word"]


async def run(way, store, ports, page_ms=_PAGE_MS):
    """Show the page until a network was joined and stored, or the time is over.

    Args:
        way: a Wlan.
        store: a Store.
        ports: of the page and of the name server.
        page_ms: how long it lasts at most.

    Returns:
        Whether there is a network to be tried.
    """
    point = network.WLAN(network.AP_IF)
    sockets = []
    try:
        box = wlan.read(store)
        if "word" not in box:
            diag.failed("setup", "no password was drawn for the setup page; `tincall provision` does it")
            return False
        station = network.WLAN(network.STA_IF)
        station.active(True)
        names = _names(station)
        ssid = "Tincall-" + binascii.hexlify(machine.unique_id()[-2:]).decode().upper()
        point.active(True)
        point.config(ssid=ssid, key=box["word"], security=network.AUTH_WPA2_PSK, max_clients=2)
        address = point.ifconfig()[0]
        sockets.append(_listen(address, ports[0], socket.SOCK_STREAM))
        sockets.append(_listen(address, ports[1], socket.SOCK_DGRAM))
        diag.say("setup", ssid=ssid, address=address)
        return await Page(way, store, station, names, address).serve(sockets[0], sockets[1], page_ms)
    except (OSError, RuntimeError, StoreError, ValueError) as error:
        diag.failed("setup", error)
        return False
    finally:
        for one in sockets:
            one.close()
        point.active(False)
        diag.say("setup_over")


class Page:
    """The page and who looks at it.

    Args:
        way: a Wlan.
        store: a Store.
        station: the interface that joins.
        names: of the networks that are heard.
        address: of the access point, text.
    """

    def __init__(self, way, store, station, names, address):
        self._way = way
        self._store = store
        self._station = station
        self._names = names
        self._ip = bytes(int(part) for part in address.split("."))
        self._number = binascii.hexlify(os.urandom(8)).decode()
        self._note = "Which network shall this telephone use?"
        self._wanted = []  # name and password, to be tried next
        self._is_done = False

    async def serve(self, web, names, page_ms):
        """Answer browsers and askers for names; gives whether a network was joined."""
        end_ms = ticks_add(clock.now_ms(), page_ms)
        while ticks_diff(end_ms, clock.now_ms()) > 0:
            self._resolve(names)
            try:
                client = web.accept()[0]
            except OSError:
                await clock.sleep_ms(_POLL_MS)
                continue
            try:
                client.setblocking(False)
                await self._answer(client)
            except OSError:
                pass  # it went away
            finally:
                client.close()
            if self._is_done:
                return True
            if self._wanted:
                await self._try()
                if self._is_done:
                    end_ms = ticks_add(clock.now_ms(), _LINGER_MS)
        return self._is_done

    def _resolve(self, names):
        try:
            asked, who = names.recvfrom(512)
            answer = resolved(asked, self._ip)
            if answer:
                names.sendto(answer, who)
        except OSError:
            pass  # nobody asks, or cannot be answered

    async def _answer(self, client):
        """Read one request and answer it."""
        end_ms = ticks_add(clock.now_ms(), _CLIENT_MS)
        method, body = await _request(client, end_ms)
        if method == b"POST":
            fields = form(body)
            if fields.get("n") == self._number:
                self._wanted = [fields.get("s") or fields.get("o", ""), fields.get("k", "")]
        if self._wanted:
            note = "Trying %s. This page tells in some seconds; if it does not, the lamp does." % escaped(
                self._wanted[0]
            )
            text = _HEAD % ("200 OK", "Refresh: 9; url=/\r\n") + _PAGE % note
        elif method in (b"GET", b"POST"):
            text = _HEAD % ("200 OK", "") + _PAGE % self._note
            if not self._is_done:
                names = "".join("<option>" + escaped(name) for name in self._names)
                text += _FORM % (names, self._number)
        else:
            text = _HEAD % ("400 Bad Request", "")
        await _write(client, text.encode(), end_ms)

    async def _try(self):
        """Join what was wanted, and store it when that worked."""
        wanted, self._wanted = self._wanted, []
        try:
            wlan.check(wanted[0], wanted[1])
            fault = await self._way.attempt(self._station, wanted)
            if fault is None:
                wlan.store_trial(self._store, wanted[0], wanted[1])
                self._is_done = True
                self._note = "Joined %s. The telephone starts anew and goes on by itself." % escaped(wanted[0])
                return
            self._note = escaped(fault.detail)
        except (OSError, RuntimeError, StoreError, ValueError) as error:
            self._note = escaped(str(error))


def resolved(asked, ip):
    """Answer a question for a name (RFC 1035 section 4) with our address, whatever the name is.

    Args:
        asked: the datagram.
        ip: 4 bytes.

    Returns:
        The answer, or None for what is no question.
    """
    if len(asked) < 17 or asked[2] & 0xF8 or asked[4:6] != b"\0\1":
        return None
    at = 12
    while at < len(asked) and asked[at]:
        if asked[at] > 63:
            return None
        at += asked[at] + 1
    at += 5
    if at > len(asked):
        return None
    has = asked[at - 4 : at] == b"\0\1\0\1"  # an address of IPv4; there is no other
    head = asked[:2] + b"\x85\x80\0\1\0" + (b"\1" if has else b"\0") + b"\0\0\0\0"
    return head + asked[12:at] + (b"\xc0\x0c\0\1\0\1\0\0\0\0\0\4" + ip if has else b"")


def form(body):
    """Read the fields of a posted form; what is none gives none."""
    fields = {}
    for pair in body.split(b"&"):
        name, _, value = pair.replace(b"+", b" ").partition(b"=")
        parts = value.split(b"%")
        try:
            data = parts[0] + b"".join(binascii.unhexlify(part[:2]) + part[2:] for part in parts[1:])
            fields[name.decode()] = data.decode()
        except ValueError:
            return {}
    return fields


def escaped(text):
    """Make text of it that HTML takes for text."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")


def _names(station):
    """Give the names that are heard, the strongest first."""
    heard = []
    for seen in sorted(station.scan(), key=lambda one: -one[3]):
        try:
            name = seen[0].decode()
        except ValueError:
            continue
        if name and name not in heard:
            heard.append(name)
    return heard[:_NETWORKS]


def _listen(address, port, kind):
    info = socket.getaddrinfo(address, port, 0, kind)[0]
    made = socket.socket(info[0], info[1], info[2])
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind(info[-1])
    if kind == socket.SOCK_STREAM:
        made.listen(1)
    made.setblocking(False)
    return made


async def _request(client, end_ms):
    """Read one request: gives method and body, both empty for what is none, or not in time, or too long."""
    data = b""
    while ticks_diff(end_ms, clock.now_ms()) > 0 and len(data) <= _REQUEST_BYTES:
        head, mark, body = data.partition(b"\r\n\r\n")
        if mark:
            method = head[: head.find(b" ")]
            if method != b"POST" or len(body) >= _length(head):
                return method, body
        try:
            more = client.recv(256)
            if not more:
                break
            data += more
        except OSError:
            await clock.sleep_ms(_POLL_MS)
    return b"", b""


def _length(head):
    """Give the length of the body that a head announces; without one, more than is taken."""
    for line in head.lower().split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name == b"content-length" and len(value) < 8 and value.strip().isdigit():
            return int(value)
    return _REQUEST_BYTES + 1


async def _write(client, data, end_ms):
    done = 0
    while done < len(data) and ticks_diff(end_ms, clock.now_ms()) > 0:
        try:
            done += client.send(data[done : done + 512])
        except OSError:
            await clock.sleep_ms(_POLL_MS)
