"""Enrolled devices and their keys: in the database for good, in memory for every question of a hot path.

A key is 32 random bytes, told once at enrolment and stored only sealed (`key_box`). How a device stands, and what changes that,
is `standing`'s table. Whoever must act at once on a change (calls to end, links to close, tokens to forget) puts a function
into `watchers`; they are told in the turn of the loop in which the commit is known.

It stays one thing although it is long: whoever writes a row holds one lock, and keeps one memory to what was committed.
"""

import os
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

from callcore.verify import is_published_test_key
from tincall.clock import Clock
from tincall.errors import OperatorError
from tincall.ids import Random
from tincall.logs import get
from tincall.relay import device_rows, rejected, rotation, second_board, standing
from tincall.relay.claims import Claims
from tincall.relay.commits import Commits
from tincall.relay.device_rows import Device as Device
from tincall.relay.issuer import Issue, Issued
from tincall.relay.key_box import KEY_BYTES, KeyBox
from tincall.relay.rejected import Rejected as Rejected
from tincall.relay.second_board import SecondBoard
from tincall.relay.store.engine import Database

FORGOTTEN = "forgotten"

R = TypeVar("R")

log = get("relay.registry")


class Registry:
    """The enrolled devices of this relay; `load` before use.

    Args:
        database: open, with this version's schema.
        kek: key-encryption key, 32 bytes.
        clock: the time.
        random: source of key bytes.
        key_life_s: after how many seconds a board gets another key at its next verification; 0: never by itself.
        issue: makes a certificate for a serial number; None: there is nobody to sign one.

    Attributes:
        claims: the devices' claims in the field.
        watchers: functions that hear a serial number and its new state.
    """

    def __init__(
        self,
        database: Database,
        kek: bytes,
        clock: Clock,
        random: Random = os.urandom,
        key_life_s: int = 0,
        issue: Issue | None = None,
    ) -> None:
        self._database = database
        self._box = KeyBox(kek)
        self._clock = clock
        self._random = random
        self._key_life_s = key_life_s
        self._issue = issue
        self._devices: dict[str, Device] = {}
        self._second_boards: dict[str, SecondBoard] = {}
        self._commits = Commits()
        # for serial numbers that nobody enrolled: the same work is done with this, and it proves nothing
        decoy = self._box.seal("", 1, random(KEY_BYTES))
        self._decoy = Device("", "", "", standing.REVOKED, 1, decoy, "", 0, 0, "", "", 0, 0)
        self.claims = Claims(database, self._box, random)
        self.watchers: list[Callable[[str, str], None]] = []

    async def load(self) -> None:
        """Read all devices, and open their keys to see that the key-encryption key is theirs.

        A single key that does not open is told in the log, and its board is refused until it is enrolled anew; a next key that
        does not open is dropped, and its board stays with the one it has. Keys that an older version sealed are sealed anew,
        all in one transaction.

        Raises:
            OperatorError: not one key opens: the key-encryption key is another one's.
        """
        self._second_boards = await self._database.read(second_board.read)
        self._devices = await self._database.read(device_rows.read)
        await self.claims.load()
        resealed: dict[str, dict[str, Any]] = {}
        lost = []
        for device in self._devices.values():
            if self._box.open(device.sn, device.kv, device.wrapped_key) is None:
                anew = self._box.reseal(device.sn, device.kv, device.wrapped_key)
                if anew is None:
                    lost.append(device.sn)
                    log.error("a device's key cannot be opened", sn=device.sn)
                else:
                    resealed[device.sn] = {"wrapped_key": anew}
            if device.next_key is not None and self._offer(device) is None:
                log.error("a device's next key cannot be opened", sn=device.sn)
                resealed.setdefault(device.sn, {}).update(rotation.DROPPED)
        if lost and len(lost) == len(self._devices):
            why = f"No device's key can be opened, that of {lost[0]} for one: kek.bin is not the one they were sealed with."
            raise OperatorError(why, "Restore kek.bin and tincall.db from the same backup.", 2)
        await self._update_all(resealed)

    def get(self, sn: str) -> Device | None:
        """Find a device; None: nobody enrolled it."""
        return self._devices.get(sn)

    def list(self) -> list[Device]:
        """Give all devices, in the order of their serial numbers."""
        return sorted(self._devices.values(), key=lambda device: device.sn)

    def candidate(self, sn: str) -> Device:
        """Find a device to hold a proof against; for a serial number that nobody enrolled, one that nothing can prove."""
        return self._devices.get(sn, self._decoy)

    def key(self, sn: str, kv: int) -> bytes:
        """Give the key of `candidate`, at the same cost for each; a random one where the device's cannot be opened.

        Args:
            sn: serial number, of an enrolled device or not.
            kv: version that the board says it has: of the next key, if that is the one, else the current one is given.

        Returns:
            32 bytes; the caller keeps them no longer than it needs them.
        """
        device = self._devices.get(sn, self._decoy)
        version, sealed = rotation.sealed(device, kv)
        return self._box.open(device.sn, version, sealed) or self._random(KEY_BYTES)

    def offer(self, device: Device) -> tuple[bytes, bytes] | None:
        """Give what follows a device's current key; None: no rotation is pending.

        Returns:
            The next key, or the private key of the next certificate, and that certificate (DER); empty: it has none.
        """
        return None if device.next_key is None else self._offer(device)

    def _offer(self, device: Device) -> tuple[bytes, bytes] | None:
        kv = device.kv + 1
        key = self._box.open(device.sn, kv, device.next_key or b"")
        if key is None or device.next_fingerprint is None:
            return None if key is None else (key, b"")
        secret = self._box.open_certificate(device.sn, kv, device.next_cert or b"")
        return None if secret is None else (secret[:KEY_BYTES], secret[KEY_BYTES:])

    def second_board(self, sn: str) -> SecondBoard | None:
        """Give the newest right proof that cannot have come from the device's own board; None: there is none."""
        return self._second_boards.get(sn)

    async def enrol(self, sn: str, model_id: str, name: str = "", key: bytes | None = None) -> bytes:
        """Enrol a device.

        If power fails, the device is enrolled whole or not at all.

        Args:
            sn: serial number, 1 to 128 of the characters `0-9 A-Z a-z _ -`.
            model_id: 1 to 64 of the same characters.
            name: for people, at most 64 characters; the serial number if empty.
            key: 32 bytes that the device already has; made here if not given.

        Returns:
            The key, for this one time.

        Raises:
            Rejected: a value is wrong, the key is the published test key, or the serial number is enrolled.
        """
        secret = self._random(KEY_BYTES) if key is None else key
        if len(secret) != KEY_BYTES or is_published_test_key(secret):
            why = "A key has 32 bytes and is not the test key of the documentation, which everybody knows."
            raise Rejected("bad_value", why)
        await self._add(sn, model_id, name, secret, {})
        return secret

    async def enrol_certified(self, sn: str, model_id: str, name: str = "") -> Issued:
        """Enrol a device whose board shows a certificate; as `enrol`.

        Returns:
            The certificate and its private key, for this one time.

        Raises:
            Rejected: as `enrol`.
            OperatorError: the CA's key is not there to sign with.
        """
        rejected.check(sn, model_id, name)
        issued = self._issued(sn)
        shown = {"fingerprint": issued.fingerprint, "cert_until_s": issued.until_s}
        await self._add(sn, model_id, name, issued.key, shown)
        return issued

    async def _add(self, sn: str, model_id: str, name: str, key: bytes, shown: dict[str, Any]) -> None:
        rejected.check(sn, model_id, name)
        device = Device(
            sn=sn, model_id=model_id, name=name or sn, state="new", kv=1, wrapped_key=self._box.seal(sn, 1, key), uid="",
            counter=0, epoch=0, board="", firmware="", last_seen_s=0, created_s=self._now_s(), key_s=self._now_s(), **shown,
        )  # fmt: skip
        async with self._commits.writing:
            if sn in self._devices:
                raise Rejected(
                    "exists", f"{sn} is already enrolled.", f"`tincall devices --forget {sn}` ends it first."
                )
            await self._database.run(device_rows.add, device)
            self._devices[sn] = device
        log.info("device enrolled", sn=sn, model=model_id, profile=device.profile)

    async def renew(self, sn: str) -> None:
        """Give a device that was never verified another key, which nobody has heard; what was handed out before opens nothing.

        If power fails, the device has the old key or the new one.

        Raises:
            Rejected: no such device, or it is not `new` any more.
        """

        def anew(device: Device) -> dict[str, Any]:
            if device.state != standing.NEW:
                return {}
            if device.fingerprint is not None:
                why = f"{sn} is enrolled with a certificate, which a claim cannot hand over."
                raise Rejected("exists", why, f"`tincall devices --forget {sn}` ends that first.")
            kv = device.kv + 1
            wrapped = self._box.seal(sn, kv, self._random(KEY_BYTES))
            return {"kv": kv, "wrapped_key": wrapped, "key_s": self._now_s(), **rotation.DROPPED}

        if await self._commits.whole(self._change(sn, anew)) is None:
            why = f"{sn} is {self.known(sn).state}; only a board that was never verified can be claimed."
            raise Rejected("exists", why, f"`tincall devices --forget {sn}` ends its enrolment first.")

    async def decide(self, sn: str, word: str) -> tuple[str, str]:
        """Let an operator suspend, resume or revoke a device, and tell the watchers if that changes its state.

        If power fails, a reader finds the old state or the new one.

        Args:
            sn: serial number.
            word: one of `standing.OPERATORS_WORDS`.

        Returns:
            The state before and the state now, which are the same if it was done already.

        Raises:
            Rejected: no such device, no such word, or the device is revoked.
        """
        if word not in standing.OPERATORS_WORDS:
            raise Rejected("bad_value", f"A device is told {', '.join(standing.OPERATORS_WORDS)}; not `{word}`.")
        before, now = await self._commits.whole(self._decide(sn, word))
        log.warning("operator decided", sn=sn, word=word, before=before, state=now)
        if now != before:
            self._tell(sn, now)
        return before, now

    async def rotate(self, sn: str) -> tuple[Device, bool]:
        """Begin to change a device's key, which its next verification carries on; see `rotation`.

        If power fails, a reader finds the rotation pending or not.

        Returns:
            The device as it is now, and whether this began it; it may have been pending before.

        Raises:
            Rejected: no such device, or it is revoked.
            OperatorError: its next certificate cannot be signed.
        """

        def begin(device: Device) -> dict[str, Any]:
            if device.state == standing.REVOKED:
                raise rejected.over(device)
            return {} if device.next_key is not None else self._begun(device)

        changed = await self._commits.whole(self._change(sn, begin))
        if changed is not None:
            log.warning("operator rotates a key", sn=sn, kv=changed.kv)
        return changed or self.known(sn), changed is not None

    async def doubt(self, found: SecondBoard) -> bool:
        """Keep a right proof that cannot come from the device's own board, and judge whether two boards come by turns.

        If power fails, the proof is kept with what follows from it, or neither.

        Args:
            found: the proof; `epoch`, `times` and `seen_s` are filled in here.

        Returns:
            Whether the device is in `conflict` now.

        Raises:
            Rejected: the device was forgotten meanwhile.
        """
        before, now = await self._commits.whole(self._doubt(found))
        if now != before:
            self._tell(found.sn, now)
        return now == standing.CONFLICT

    async def forget(self, sn: str) -> None:
        """End an enrolment: row and key are gone, and the watchers hear `forgotten`; call records stay.

        If power fails, the device is there as it was or not at all.

        Raises:
            Rejected: no such device.
        """
        await self._commits.whole(self._remove(sn))
        self._tell(sn, FORGOTTEN)

    async def accept(self, sn: str, counter: int, uid: str, firmware: str, kv: int) -> Device | None:
        """Store a verified session: the counter, one epoch more, and at the first time the chip's id, in one transaction.

        The same transaction ends a rotation, if it was the next key that proved the session, or begins one that is due.

        If power fails, all of it is stored or nothing; a proof whose counter was stored can never be accepted again.

        Args:
            sn: serial number whose proof was right.
            counter: the session counter in the proof.
            uid: the chip's id in hex, as proved.
            firmware: what the board says it runs.
            kv: version of the key that proved it.

        Returns:
            The device as it is now; None: the counter is not above the stored one, the chip is another one, that key is
            good no more, or the device is no longer welcome; nothing is changed.

        Raises:
            Rejected: the device was forgotten meanwhile.
        """

        def session(device: Device) -> dict[str, Any]:
            if counter <= device.counter or device.state not in standing.WELCOME or device.uid not in ("", uid):
                return {}
            if kv not in rotation.versions(device):
                return {}
            now_s = self._now_s()
            keys = rotation.proved(device, kv, now_s)
            if not keys:
                keys = self._begun_if_due(device, now_s)
            return {
                **keys,
                "counter": counter,
                "epoch": device.epoch + 1,
                "uid": device.uid or uid,
                "state": standing.after(device.state, standing.VERIFIED, device.epoch > 0),
                "firmware": firmware[:64],
                "last_seen_s": now_s,
            }

        before = self.known(sn).kv
        accepted = await self._commits.whole(self._change(sn, session))
        if accepted is not None and accepted.kv != before:
            log.info("a device's key is changed", sn=sn, kv=accepted.kv)
        return accepted

    async def seen(self, boards: dict[str, str]) -> None:
        """Note that devices were there just now, in one transaction; those that are not enrolled any more are passed over.

        Args:
            boards: which kind of board each said it is, by serial number.
        """
        if boards:
            await self._commits.whole(self._note(boards))

    async def _remove(self, sn: str) -> None:
        async with self._commits.writing:
            self.known(sn)
            await self._database.run(device_rows.remove, sn)
            del self._devices[sn]
            self._second_boards.pop(sn, None)
            self.claims.forget(sn)

    async def _note(self, boards: dict[str, str]) -> None:
        now_s = self._now_s()
        async with self._commits.writing:
            known: dict[str, dict[str, Any]] = {
                sn: {"board": board[:64], "last_seen_s": now_s} for sn, board in boards.items() if sn in self._devices
            }
            await self._update_all(known)

    async def _update_all(self, changes: dict[str, dict[str, Any]]) -> None:
        if changes:
            await self._database.run(device_rows.change, changes)
            for sn, values in changes.items():
                self._devices[sn] = replace(self._devices[sn], **values)

    async def _decide(self, sn: str, word: str) -> tuple[str, str]:
        async with self._commits.writing:
            device = self.known(sn)
            now = standing.after(device.state, word, device.epoch > 0)
            if now is None:
                raise rejected.over(device)
            if now != device.state:
                await self._database.run(device_rows.stand, sn, now, is_cleared=word == standing.RESUME)
                self._devices[sn] = replace(device, state=now)
                if word == standing.RESUME:
                    self._second_boards.pop(sn, None)
            return device.state, now

    async def _doubt(self, found: SecondBoard) -> tuple[str, str]:
        async with self._commits.writing:
            device = self.known(found.sn)
            last = self._second_boards.get(found.sn)
            now_s = self._now_s()
            times = 1 if last is None else last.times + 1
            kept = replace(found, firmware=found.firmware[:64], epoch=device.epoch, times=times, seen_s=now_s)
            now = device.state
            if second_board.is_by_turns(last, kept):
                now = standing.after(now, standing.DOUBLED, device.epoch > 0) or now
            await self._database.run(device_rows.doubt, kept, now)
            self._second_boards[found.sn] = kept
            self._devices[found.sn] = replace(device, state=now)
            log.warning("a second board", sn=found.sn, why=found.why, address=found.address, times=times, state=now)
            return device.state, now

    async def _change(self, sn: str, decide: Callable[[Device], dict[str, Any]]) -> Device | None:
        """Store what `decide` says of the device as it is now; None: it says that nothing changes."""
        async with self._commits.writing:
            device = self.known(sn)
            changes = decide(device)
            if not changes:
                return None
            await self._database.run(device_rows.change, {sn: changes})
            self._devices[sn] = replace(device, **changes)
            return self._devices[sn]

    def known(self, sn: str) -> Device:
        """Find a device.

        Raises:
            Rejected: nobody enrolled it.
        """
        device = self._devices.get(sn)
        if device is None:
            raise Rejected("unknown", f"No device {sn} is enrolled.", "`tincall devices` lists them.")
        return device

    def _begun(self, device: Device) -> dict[str, Any]:
        """Make the next key of a device, with its certificate if it has one; see `rotation.begun`.

        Raises:
            OperatorError: the certificate cannot be signed.
        """
        sn, kv = device.sn, device.kv + 1
        if device.fingerprint is None:
            return rotation.begun(self._box.seal(sn, kv, self._random(KEY_BYTES)), self._now_s())
        issued = self._issued(sn)
        return {
            **rotation.begun(self._box.seal(sn, kv, issued.key), self._now_s()),
            "next_fingerprint": issued.fingerprint,
            "next_until_s": issued.until_s,
            "next_cert": self._box.seal_certificate(sn, kv, issued.secret + issued.certificate),
        }

    def _begun_if_due(self, device: Device, now_s: int) -> dict[str, Any]:
        is_due = rotation.is_due(device, now_s, self._key_life_s)
        if not is_due and not rotation.ends(device, now_s):
            return {}
        try:
            begun = self._begun(device)
        except OperatorError as error:  # the board is let in all the same
            log.error("no certificate can be made for a board", sn=device.sn, reason=error.message)
            return {}
        return begun if is_due or rotation.is_longer(device, begun["next_until_s"]) else {}

    def _issued(self, sn: str) -> Issued:
        if self._issue is None:
            raise OperatorError("There is no CA to sign a board's certificate.", "Run a relay with a data folder.", 2)
        return self._issue(sn)

    def _now_s(self) -> int:
        return self._clock.unix_ms() // 1000

    def _tell(self, sn: str, state: str) -> None:
        log.info("device state", sn=sn, state=state)
        for watcher in self.watchers:
            watcher(sn, state)
