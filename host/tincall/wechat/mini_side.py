"""The mini program's side of one relay, built of its parts: routes for people's phones, and for operators about people."""

from __future__ import annotations

from fastapi import APIRouter

from tincall.clock import Clock
from tincall.relay.cdr import Records
from tincall.relay.registry import Registry
from tincall.relay.store.engine import Database
from tincall.relay.switchboard import Switchboard
from tincall.wechat import mini, operators
from tincall.wechat.adapter import Adapter
from tincall.wechat.call_tickets import CallTickets
from tincall.wechat.invites import Invites
from tincall.wechat.logins import Logins
from tincall.wechat.people import Parts, People
from tincall.wechat.phone_calls import LIFE_S, PhoneCalls
from tincall.wechat.tickets import SnTickets


class MiniSide:
    """The parts.

    Args:
        adapter: the rest of the platform's side.
        database: open.
        registry: the enrolled boards; a forgotten one takes its people along.
        exchange: the switchboard.
        records: call records.
        clock: the time.
        limits: how often somebody may ask.

    Attributes:
        people: who has which boards.
        calls: calls of people.
    """

    def __init__(
        self,
        adapter: Adapter,
        database: Database,
        registry: Registry,
        exchange: Switchboard,
        records: Records,
        clock: Clock,
        limits: mini.MiniLimits | None = None,
    ) -> None:
        self._clock = clock
        self._limits = limits
        self._registry = registry
        self._contacts = adapter.contacts
        self._invites = Invites(database, clock)
        self._device_tickets = SnTickets(adapter.api.get_sn_ticket, clock)
        tickets = CallTickets(database, clock, life_s=LIFE_S)
        parts = Parts(
            adapter.api,
            self._device_tickets,
            Logins(database, clock),
            adapter.contacts,
            self._invites,
            tickets,
            registry,
            exchange,
            clock,
        )
        self.people = People(parts, adapter.settings.model_id)
        self.calls = PhoneCalls(self.people, tickets, exchange, records, adapter.key)
        registry.watchers.append(self.people.board_changed)

    def routers(self, guard: operators.Guard) -> list[APIRouter]:
        """Give the routes, for `relay.api.build`.

        Args:
            guard: lets operators in and nobody else; `relay.api.operator_only`.
        """
        desk = operators.Operators(self.people, self._invites, self._contacts, self._registry)
        return [mini.router(self.people, self.calls, self._clock, self._limits), operators.router(desk, guard)]

    async def close(self) -> None:
        """Finish what is under way; before the adapter closes."""
        await self.people.stop()
        await self._device_tickets.close()
