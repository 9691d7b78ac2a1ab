"""The steps by which a board gets number, key, relay and network: brings together what relay and board say, and has it done.

Nothing is remembered: each step is found out from the relay and from the board. What is found if power, cable or this program
go: between the relay's answer and the board's store, a device that was never verified and a board without its key, which the
next run enrols anew; at any other moment, what was there before a step or after it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tincall.cli import paths
from tincall.cli.client import Client
from tincall.cli.enrol import Profile, address, fields_of, handed_over
from tincall.errors import OperatorError
from tincall.settings import DataFolder
from tincall.workbench import enrolment, provision
from tincall.workbench.journey import DONE, FAILED, MADE, OPEN, Journey

if TYPE_CHECKING:
    from tincall.workbench.serial_board import SerialBoard

FIRMWARE, FLASH, ENROLLED, IDENTITY = "firmware", "flash", "enrolled", "identity"
WIFI, VERIFIED, LABEL = "WiFi", "verified", "setup page"
# how often a person is asked for a network that does not work
_TRIES = 3

Network = tuple[str, str]
AskNetwork = Callable[[list[tuple[str, int, bool]], str], Network]


@dataclass(frozen=True)
class Wanted:
    """What the board shall be.

    Args:
        sn: its serial number; empty: the one it has, else one made of its kind and its chip.
        name, model: for a new enrolment; empty: as it was, else the relay's own choice.
        host: how it reaches the relay; empty: as it does, else as the settings say.
        again: it shall have a new key, whatever there is.
        network: name and password of one that it shall use; None: any will do.
    """

    sn: str
    name: str = ""
    model: str = ""
    host: str = ""
    again: bool = False
    network: Network | None = None


class Provisioning:
    """Provisions one board.

    Args:
        board: on its port.
        client: of the relay.
        folder: the relay's.
        wanted: what it shall be.
        journey: takes the steps.
        ask: asks a person for a network, given those that the board hears and why the last one was none.
        looks: change nothing.

    Raises:
        OperatorError: from each of its methods, when a step fails; the journey has it, too.
    """

    def __init__(
        self, board: SerialBoard, client: Client, folder: DataFolder, wanted: Wanted, journey: Journey, ask: AskNetwork,
        looks: bool = False,
    ) -> None:  # fmt: skip
        self._board = board
        self._client = client
        self._folder = folder
        self._wanted = wanted
        self._journey = journey
        self._ask = ask
        self._looks = looks
        self._has_asked = 0
        self._tried = ""
        self.verified: provision.Verified | None = None
        self.uid = ""
        self.kind = ""
        self.setup_word = ""
        self.sn = wanted.sn

    def run(self) -> None:
        """Take all steps."""
        held = self._ground()
        with self._journey.at(ENROLLED):
            self._key(held)
        with self._journey.at(WIFI):
            self._network(held)
        with self._journey.at(VERIFIED):
            self._verify(held)
        with self._journey.at(LABEL):
            self._label(held)

    def _label(self, held: provision.Standing) -> None:
        """See that a board with a radio has a password for its setup page, which goes onto its label."""
        if not held.radio:
            return
        if not self._looks:
            self.setup_word = provision.setup_word(self._board)
        made = OPEN if self._looks else MADE
        self._journey.add(LABEL, DONE if held.has_word else made, "its password is for the label")

    def _ground(self) -> provision.Standing:
        """See what board it is and that it can take an identity."""
        facts = self._board.facts()
        self.uid, self.kind = facts.uid, facts.board
        with self._journey.at(FIRMWARE):
            provision.judge(facts, self._board.path)
            held = provision.standing(self._board)
        self.sn = self.sn or (held.identity["sn"] if held.identity else f"{facts.board[:64]}-{facts.uid[-6:]}")
        self._journey.add(FIRMWARE, DONE, f"{facts.firmware} for {facts.board}, MicroPython {facts.micropython}")
        with self._journey.at(FLASH):
            provision.judge_flash(facts, self._board.path)
        self._journey.add(FLASH, DONE, facts.file_system or "its firmware takes it")
        return held

    def _device(self) -> enrolment.Device | None:
        """Ask the relay how it stands."""
        known = {one["sn"] for one in self._client.get("/v1/devices")["devices"]}
        if self.sn not in known:
            return None
        return enrolment.Device.of(self._client.get(paths.device(self.sn, "standing")))

    def _key(self, held: provision.Standing) -> None:
        """See that relay and board have a key in common, as far as can be told without proving it."""
        sn = self.sn
        device = self._device()
        todo = enrolment.decide(sn, device, held.identity, self.uid, self._wanted.again)
        if todo == enrolment.KEEP:
            assert device is not None and held.identity is not None
            self._journey.add(ENROLLED, DONE, f"{sn}, key number {device.kv}")
            with self._journey.at(IDENTITY):
                self._address(held.identity)
        elif self._looks:
            self._journey.add(
                ENROLLED, OPEN, "not yet" if todo == enrolment.ENROL else f"{sn}, without a key on the board"
            )
            self._journey.add(IDENTITY, OPEN, "none that is good")
        else:
            self._enrol(todo, held)

    def _enrol(self, todo: str, held: provision.Standing) -> None:
        """Get a key from the relay and write it to the board, or neither."""
        sn, name, model = self.sn, self._wanted.name, self._wanted.model or "tincall"
        where = address(self._folder, self._host(held.identity))
        profile = Profile.HMAC
        if todo == enrolment.RENEW:
            before = self._client.get(paths.device(sn))
            name, model = name or before["name"], self._wanted.model or before["model_id"]
            profile = Profile(before["profile"])
            self._client.delete(paths.device(sn))
        with handed_over(self._client, sn, model, name, profile) as answer, self._journey.at(IDENTITY):
            try:
                provision.write_identity(self._board, fields_of(answer, where, self._folder))
            except OperatorError as problem:
                raise OperatorError(problem.message, f"{problem.hint} {sn} is not enrolled.") from None
        self._journey.add(ENROLLED, MADE, f"{sn}, key number {answer['kv']}")
        self._journey.add(IDENTITY, MADE, f"both copies; relay {where['host']}:{where['port']}")

    def _address(self, identity: dict[str, Any]) -> None:
        """See that the board connects to where the relay is, and trusts what it shows."""
        from tincall.relay import rollover

        where = address(self._folder, self._host(identity))
        anchors = rollover.bundle(self._folder)
        now = {**where, "name": where["host"], "ca": hashlib.sha256(anchors.encode()).hexdigest()}
        said = f"relay {where['host']}:{where['port']}"
        if all(identity[key] == now[key] for key in now):
            self._journey.add(IDENTITY, DONE, said)
        elif self._looks:
            self._journey.add(
                IDENTITY, OPEN, f"it looks for the relay at {identity['host']}:{identity['port']}; {said}"
            )
        else:
            provision.write_identity(self._board, {**now, "ca": anchors})
            self._journey.add(IDENTITY, MADE, said)

    def _host(self, identity: dict[str, Any] | None) -> str:
        """Choose how the board names the relay: as it does, if the relay's certificate is for that."""
        from tincall.relay import authority

        if self._wanted.host or identity is None or identity["sn"] != self.sn:
            return self._wanted.host
        known = authority.names_of(authority.load_certificate(self._folder.server))
        return str(identity["host"]) if identity["host"] in known else ""

    def _network(self, held: provision.Standing) -> None:
        """See that the board has a network, or one to try."""
        wanted = self._wanted.network
        if wanted is not None and self._looks:
            state = DONE if wanted[0] in held.known else OPEN
            self._journey.add(WIFI, state, wanted[0])
        elif wanted is not None:
            self._try(wanted)
        elif held.needs_network and self._looks:
            self._journey.add(WIFI, OPEN, "it knows no network")
        elif held.needs_network:
            self._try(self._asked(""))
        elif held.trial:
            self._tried = held.trial
            self._journey.add(WIFI, OPEN if self._looks else DONE, f"{held.trial}, to be tried")
        else:
            self._journey.add(WIFI, DONE, ", ".join(held.known) or "it has a network")

    def _asked(self, why: str) -> Network:
        self._has_asked += 1
        return self._ask(provision.scan(self._board), why)

    def _try(self, network: Network) -> None:
        is_new = provision.write_network(self._board, *network)
        self._tried = network[0] if is_new else ""
        self._journey.add(WIFI, MADE if is_new else DONE, f"{network[0]}, to be tried" if is_new else network[0])

    def _verify(self, held: provision.Standing) -> None:
        """Let the board prove itself, unless the relay knows that it did and nothing is new since."""
        device = self._device()
        is_known = enrolment.is_verified(device, held.identity, self.uid)
        if is_known and not self._journey.has_changed and not self._tried:
            self._journey.add(VERIFIED, DONE, "as the relay knows")
        elif self._looks:
            self._journey.add(VERIFIED, OPEN, "not with what it holds now")
        else:
            self._proved(self._verified(device, held))

    def _verified(self, device: enrolment.Device | None, held: provision.Standing) -> provision.Verified:
        """Let the board verify itself; a network that was asked for is asked for anew, a key that nobody used is replaced."""
        found = provision.verify(self._board)
        while found.reason in ("wrong_password", "not_found") and 0 < self._has_asked < _TRIES:
            self._try(self._asked(found.detail))
            found = provision.verify(self._board)
        is_unused = device is not None and device.epoch == 0
        if found.is_about_key and is_unused and not self._has_made(ENROLLED):
            self._enrol(enrolment.RENEW, held)
            found = provision.verify(self._board)
        return found

    def _has_made(self, name: str) -> bool:
        return any(step.name == name and step.state == MADE for step in self._journey.steps)

    def _proved(self, found: provision.Verified) -> None:
        """Judge how it went."""
        if not found.ok:
            raise provision.trouble(found)
        self.verified = found
        self._journey.add(VERIFIED, MADE, f"in {found.verify_ms} ms, with key number {found.kv}")
        if self._tried and found.ssid != self._tried:
            over = f" The board is in {found.ssid}." if found.ssid else ""
            why = f"the WiFi {self._tried} did not work.{over}"
            self._journey.add(WIFI, FAILED, why)
            raise OperatorError(why, f"Is its password right? Give it anew: tincall provision --wifi {self._tried}")
        if self._tried:
            self._journey.add(WIFI, MADE, f"{found.ssid}, after {found.wifi_ms} ms")
