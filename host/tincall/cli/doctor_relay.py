"""`tincall doctor` at the relay: its data folder, its database, and the ports of the process that runs.

Nothing is written: the database is opened for reading alone, whether a relay runs or not.
"""

from __future__ import annotations

import datetime
import shutil
import socket
import sqlite3
import ssl
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tincall.cli.client import Client, running
from tincall.settings import DataFolder, Settings, load, read_secret
from tincall.workbench.findings import NOTE, OK, WRONG, Check, Finding, sentence

if TYPE_CHECKING:
    from tincall.relay.device_rows import Device
    from tincall.relay.rollover import Shown
    from tincall.relay.second_board import SecondBoard

GROUP = "relay"
LEAST_BYTES = 64 << 20
FEW_BYTES = 512 << 20
_CONNECT_S = 5.0
_LATELY_S = 7 * 86_400
_LOCAL = ("localhost", "127.0.0.1", "::1")


class RelayDoctor:
    """The checks of a relay.

    Args:
        data: its data folder.

    Attributes:
        folder: the data folder.
        settings: once they were read, else None.
    """

    def __init__(self, data: Path) -> None:
        self.folder = DataFolder(data)
        self.settings: Settings | None = None
        self._shown: Shown | None = None
        self._devices: dict[str, Device] = {}
        self._seconds: dict[str, SecondBoard] = {}
        self._port = 0

    def checks(self) -> list[Check]:
        """Give all checks in order; where there is no data folder, one that says so."""
        if not self.folder.root.exists():
            return [Check("settings", self._none)]
        return [
            Check("settings", self._settings),
            Check("files", self._files),
            Check("certificates", self._certificates, ("files",)),
            Check("disk room", self._room),
            Check("database", self._database),
            Check("device keys", self._keys, ("files", "database")),
            Check("names", self._names, ("settings", "certificates")),
            Check("running", self._running, ("settings", "files", "certificates")),
            Check("device port", self._device_port, ("running",)),
            Check("refusals", self._refusals, ("database",)),
        ]

    def _none(self) -> Finding:
        said = f"There is no data folder {self.folder.root}, so the relay is not looked at."
        return Finding(NOTE, said, "Name that of a relay on this computer: --data DIR")

    def _settings(self) -> Finding:
        self.settings = load(self.folder.settings)
        return Finding(OK, f"{self.folder.settings} can be read.")

    def _files(self) -> Finding:
        from tincall.relay import authority

        mode = stat.S_IMODE(self.folder.root.stat().st_mode)
        authority.load_kek(self.folder)
        authority.load_operator_token(self.folder)
        read_secret(self.folder.server_key)
        for path in (self.folder.ca, self.folder.server, self.folder.database):
            if not path.is_file():
                return Finding(WRONG, f"{path} is not there.", "Put a backup in its place: tincall restore")
        private = stat.S_IMODE(self.folder.database.stat().st_mode)
        if private & 0o077:
            said = f"Others may read or write {self.folder.database} (mode {private:04o})."
            return Finding(WRONG, said, f"chmod 600 {self.folder.database}")
        if self.folder.ca_key.exists():
            read_secret(self.folder.ca_key)
        if mode & 0o077:
            said = f"Others may look into {self.folder.root} (mode {mode:04o})."
            return Finding(NOTE, said, f"chmod 700 {self.folder.root}")
        if not self.folder.ca_key.exists():
            said = "The CA's key is not here, so nothing is renewed by itself."
            return Finding(
                NOTE, said, "That is as it should be where it is kept elsewhere; mind the ends of the certificates."
            )
        return Finding(OK, "All files are there, and the secret ones are their owner's alone.")

    def _certificates(self) -> Finding:
        from tincall.relay import authority, certificates, rollover, tls

        now = datetime.datetime.now(datetime.UTC)
        authority.check_server(self.folder, now)
        tls.server_context(self.folder.server, self.folder.server_key)
        shown = rollover.read(self.folder)
        ends = {
            "server": f"{shown.server.not_valid_after_utc:%Y-%m-%d}",
            "ca": f"{shown.ca.not_valid_after_utc:%Y-%m-%d}",
        }
        if shown.ca.not_valid_after_utc < now:
            todo = "Make another and enrol the boards anew: tincall ca roll"
            return Finding(WRONG, f"The CA that boards trust ended on {ends['ca']}.", todo, ends)
        self._shown = shown
        if shown.next_ca is not None:
            ends["next_ca"] = f"{shown.next_ca.not_valid_after_utc:%Y-%m-%d}"
        told = certificates.warnings(shown, now)
        if told:
            return Finding(NOTE, " ".join(told), "", ends)
        said = f"The server certificate is good until {ends['server']}, the CA until {ends['ca']}."
        return Finding(OK, said, "", ends)

    def _room(self) -> Finding:
        free = shutil.disk_usage(self.folder.root).free
        figures = {"free_bytes": free}
        said = f"{free / 1e9:,.1f} GB are free where the data folder is."
        if free < LEAST_BYTES:
            return Finding(WRONG, said, "Make room: the relay stops taking calls when it cannot write.", figures)
        if free < FEW_BYTES:
            return Finding(NOTE, said, "Make room in time.", figures)
        return Finding(OK, said, "", figures)

    def _database(self) -> Finding:
        from tincall.relay import device_rows, second_board
        from tincall.relay.store import engine, faults, integrity

        path = self.folder.database
        newest = engine.newest_schema()
        try:
            with _reading(path) as (raw, connection):
                found = integrity.problems(raw)
                if found:
                    raise faults.damaged(path, found)
                schema = raw.execute("SELECT version_num FROM alembic_version").fetchone()[0]
                if schema == newest:
                    self._devices = device_rows.read(connection)
                    self._seconds = second_board.read(connection)
        except sqlite3.Error as error:
            raise faults.of_driver(path, error) from None
        figures = {"schema": schema, "devices": len(self._devices), "bytes": path.stat().st_size}
        if schema > newest:
            todo = "Install that version, or restore the backup that it made beside the file."
            return Finding(WRONG, f"{path} was written by a newer Tincall (schema {schema}).", todo, figures)
        if schema < newest:
            said = f"The database has schema {schema}; the relay brings it to {newest} when it starts next."
            return Finding(NOTE, said, "", figures)
        return Finding(
            OK, f"The database is sound; schema {schema}, boards enrolled: {len(self._devices)}.", "", figures
        )

    def _keys(self) -> Finding:
        from tincall.relay import authority
        from tincall.relay.key_box import KeyBox

        box = KeyBox(authority.load_kek(self.folder))
        shut = []
        for device in self._devices.values():
            sealed = (device.sn, device.kv, device.wrapped_key)
            if box.open(*sealed) is None and box.reseal(*sealed) is None:
                shut.append(device.sn)
        if shut:
            said = f"{len(shut)} of {len(self._devices)} device keys cannot be opened with {self.folder.kek}, as of {shut[0]}."
            return Finding(
                WRONG, said, "Restore kek.bin and database from the same backup: tincall restore", {"shut": shut}
            )
        return Finding(OK, f"The key-encryption key opens every device key ({len(self._devices)}).")

    def _names(self) -> Finding:
        from tincall.relay import authority

        assert self.settings is not None and self._shown is not None
        names, host = self.settings.device.server_names, self.settings.device.host
        shown = authority.names_of(self._shown.server)
        figures = {"server_names": names, "certificate": shown, "host": host}
        absent = [name for name in names if name not in shown]
        if absent:
            todo = f"tincall ca renew --data {self.folder.root} --host {absent[0]}"
            return Finding(
                WRONG, f"The server certificate is not for {absent[0]}, which server_names has.", todo, figures
            )
        if host in _LOCAL:
            said = f"The device port listens on {host} alone: no board but an emulated one reaches it."
            return Finding(NOTE, said, "For boards set host of [device] to 0.0.0.0.", figures)
        if all(name in _LOCAL for name in names):
            said = (
                "Certificate and settings name this computer for itself alone: no board but an emulated one can use it."
            )
            todo = f"tincall ca renew --data {self.folder.root} --host NAME, and put NAME into server_names of [device]"
            return Finding(NOTE, said, todo, figures)
        return Finding(OK, f"Boards know the relay as {', '.join(names)}.", "", figures)

    def _running(self) -> Finding:
        with Client(self.folder.root) as client:
            client.get("/readyz")
            url = client.url
        ready = running(self.folder)
        assert self.settings is not None
        self._port = int(ready.get("device_port", self.settings.device.port))
        return Finding(OK, f"The relay runs and is ready; its API is at {url}.", "", {"device_port": self._port})

    def _device_port(self) -> Finding:
        assert self.settings is not None and self._shown is not None
        names = self.settings.device.server_names or ["localhost"]
        for name in names:
            problem = _connect(name, self._port, self._shown.bundle)
            if problem is not None:
                return problem
        said = f"Port {self._port} shows the right certificate under {', '.join(names)}."
        return Finding(OK, said, "", {"names": names, "port": self._port})

    def _refusals(self) -> Finding:
        states = {sn: device.state for sn, device in self._devices.items() if device.state not in ("new", "active")}
        lately = {sn: one for sn, one in self._seconds.items() if time.time() - one.seen_s < _LATELY_S}
        figures: dict[str, Any] = {"states": states, "second_boards": {sn: one.why for sn, one in lately.items()}}
        doubled = [sn for sn, state in states.items() if state == "conflict"]
        if doubled:
            said = f"Two boards come as {doubled[0]} by turns, so neither is let in."
            todo = f"See which: tincall devices show {doubled[0]}; then tincall devices resume, or forget and enrol it anew."
            return Finding(WRONG, said, todo, figures)
        if lately:
            sn, one = next(iter(lately.items()))
            said = f"Another board came as {sn} from {one.address} and was refused ({one.why})."
            return Finding(NOTE, said, f"See tincall devices show {sn}.", figures)
        if states:
            sn, state = next(iter(states.items()))
            said = f"Boards that are switched off: {len(states)}, {sn} ({state}) first."
            return Finding(NOTE, said, f"To let it in again: tincall devices resume {sn}", figures)
        return Finding(OK, "No board was refused for good.", "", figures)


@contextmanager
def _reading(path: Path) -> Iterator[tuple[sqlite3.Connection, Any]]:
    """Open a database for reading alone; gives the driver's connection, and SQLAlchemy's on it."""
    from sqlalchemy import create_engine
    from sqlalchemy.pool import StaticPool

    raw = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=_CONNECT_S)
    made = create_engine("sqlite://", creator=lambda: raw, poolclass=StaticPool)
    try:
        with made.connect() as connection:
            yield raw, connection
    finally:
        made.dispose()
        raw.close()


def _connect(name: str, port: int, bundle: str) -> Finding | None:
    """Connect as a board would; gives what is wrong."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=bundle)
    where, figures = f"{name}:{port}", {"name": name, "port": port}
    try:
        with socket.create_connection((name, port), _CONNECT_S) as raw:
            context.wrap_socket(raw, server_hostname=name).close()
    except ssl.SSLCertVerificationError as error:
        said = f"{where} shows a certificate that a board does not take: {error.verify_message}."
        todo = "Something else listens there, or the relay was started with another folder; start it anew."
        return Finding(WRONG, sentence(said), todo, figures)
    except ssl.SSLError as error:
        return Finding(WRONG, f"{where} does not speak TLS: {error.reason}.", "Something else listens there.", figures)
    except socket.gaierror:
        todo = "Let the network's name server know it, or take it out of server_names."
        return Finding(WRONG, f"The name {name} does not resolve here.", todo, figures)
    except OSError as error:
        todo = "See host of [device] and the firewall of this computer."
        return Finding(WRONG, f"{where} takes no connection: {error.strerror or error}.", todo, figures)
    return None
