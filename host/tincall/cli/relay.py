"""`tincall relay`: builds the relay of its parts, runs it until a signal, and takes it apart in order.

This is the only place that knows all parts. Order of the end: no new connections; calls end with their cause and their
records are written; API, links, workers; the database last.
"""

import gc
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tincall import files
from tincall.cli import output
from tincall.cli.client import DEFAULT_DATA, READY_FILE, DataOption
from tincall.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from contextlib import AsyncExitStack
    from ssl import SSLContext

    from fastapi import APIRouter, FastAPI

    from tincall.cli.web_server import WebServer
    from tincall.clock import Clock
    from tincall.relay.anchors import Anchors
    from tincall.relay.cdr import Records
    from tincall.relay.certificates import Certificates
    from tincall.relay.events import Events
    from tincall.relay.gate import Gate
    from tincall.relay.registry import Registry
    from tincall.relay.rollover import Shown
    from tincall.relay.store.engine import Database
    from tincall.relay.switchboard import Contacts, PhoneLegs
    from tincall.relay.verifier import Verifier
    from tincall.settings import DataFolder, Settings, WechatSettings
    from tincall.simulator.phone import PhoneScript
    from tincall.wechat.adapter import Adapter
    from tincall.wechat.room_plan import RoomPlan
    from tincall.worker.leg import WorkerLeg
    from tincall.worker.supervisor import Supervisor

SIMULATED_WORKER = "tincall.simulator.worker"
DAY_S = 86_400
SPARE_S = 0.3  # beyond what a worker lets its room end take


def relay(
    data: DataOption = DEFAULT_DATA,
    phones: Annotated[
        Path | None, typer.Option("--phones", metavar="FILE", help="TOML file with more phones to play.")
    ] = None,
) -> None:
    """Run the relay in the foreground; Ctrl-C or SIGTERM stops it cleanly."""
    from tincall import logs
    from tincall.cli import phones as phone_files
    from tincall.relay import allocator, descriptors
    from tincall.settings import DataFolder, load

    folder = DataFolder(data)
    _finish_changes(folder)
    settings = load(folder.settings)
    played = phone_files.scripts(settings.phones, folder.settings)
    if phones is not None:
        more = phone_files.from_file(phones)
        played = [one for one in played if one.id not in {other.id for other in more}] + more
    logs.configure(settings.log.level, settings.log.form)
    descriptors.make_room(settings)
    allocator.keep_apart()
    gc.disable()  # until it stands, nothing that comes is garbage
    try:
        _run(_serve(folder, settings, played))
    finally:
        gc.enable()


def _finish_changes(folder: "DataFolder") -> None:
    """Go on with a restore or a change of certificates that power stopped, before anything of the folder is read."""
    if folder.root.is_dir():
        from tincall.relay import changeover
        from tincall.relay.store import restoring

        if restoring.finish(folder):
            output.note(f"tincall: a restore of {folder.root} that was interrupted is done now.")
        if changeover.finish(folder):
            output.note(f"tincall: a change of certificates in {folder.root} that was interrupted is done now.")


def _run(work: "Coroutine[Any, Any, None]") -> None:
    import asyncio

    try:
        import uvloop
    except ImportError:  # where it does not exist, the relay is slower and otherwise the same
        asyncio.run(work)
        return
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(work)


async def _serve(folder: "DataFolder", settings: "Settings", phones: "list[PhoneScript]") -> None:
    """Run the relay until SIGTERM or SIGINT."""
    import asyncio
    import os
    import signal
    from contextlib import AsyncExitStack

    from tincall.logs import get

    log = get("relay")
    stop = asyncio.Event()
    for one in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(one, stop.set)
    async with AsyncExitStack() as stack:
        ports = await _build(stack, folder, settings, phones)
        # what stands now stands until the end: no collection ever walks it again
        gc.collect()
        gc.freeze()
        gc.enable()
        ready = {"ready": True, **ports, "pid": os.getpid()}
        _announce(stack, folder, ready)
        log.info("relay ready", **ports, pid=ready["pid"])
        output.result(ready, lambda console: console.print(_sentence(settings, ports)))
        await stop.wait()
        log.info("relay stops")
    log.info("relay stopped")


async def _build(
    stack: "AsyncExitStack", folder: "DataFolder", settings: "Settings", phones: "list[PhoneScript]"
) -> dict[str, int]:
    """Build the relay; `stack` takes it apart again, also when building fails half-way.

    Returns:
        `device_port` and `web_port`.

    Raises:
        OperatorError: something is missing, broken or in use.
    """
    from tincall.clock import SystemClock
    from tincall.relay import api, api_ca, api_claims, api_devices, api_events, authority, gate, metrics
    from tincall.relay.heartbeat import Heartbeat
    from tincall.relay.limits import Limits
    from tincall.relay.switchboard import Switchboard
    from tincall.relay.verifier import Verifier
    from tincall.wechat.adapter import Adapter, Ground
    from tincall.wechat.mini import MiniLimits
    from tincall.wechat.mini_side import MiniSide
    from tincall.wechat.web import BODIES

    clock = SystemClock()
    watch = _certificates(folder, settings, clock)
    kek, token = authority.load_kek(folder), authority.load_operator_token(folder)
    database, registry, records, events = await _stored(stack, folder, settings, kek, clock)
    anchors = await _anchors(database, registry, watch)
    verifier = Verifier(registry, watch.shown.der, settings.limits, clock, bundle_for=anchors.wanted)
    supervisor = await _workers(stack, settings)
    adapter = None
    if settings.wechat.appid:
        ground = Ground(folder, database, registry, kek, supervisor.take, clock)
        adapter = await Adapter.open(ground, settings.wechat, settings.call)
    phone_leg, contacts = _phones(adapter, supervisor, phones)
    shared = phone_leg, records, contacts, clock, settings.call
    switchboard = Switchboard(*shared, plays_phones=adapter is None, events=events)
    registry.watchers.append(switchboard.device_changed)
    inside = watch.context, verifier, switchboard, Limits.of(settings.limits), clock
    door = await gate.serve(settings.device.host, settings.device.port, *inside)
    stack.push_async_callback(door.close)
    more: list[APIRouter] = []
    if adapter is not None:
        more = adapter.attach(switchboard, records)
        stack.push_async_callback(adapter.close)
        mini = MiniSide(adapter, database, registry, switchboard, records, clock, MiniLimits.of(settings.limits))
        more += mini.routers(api.operator_only(token))
        stack.push_async_callback(mini.close)
        await adapter.sweep()
    # whom boards may call by name of nobody's board: the scripted phones
    routes = api.Api(registry, records, switchboard, lambda: contacts(""))
    operator = api.operator_only(token)
    devices = api_devices.router(registry, switchboard, operator)
    claims = api_claims.router(registry, verifier.claimer, operator)
    trust = api_ca.router(anchors, operator)
    figures, told = metrics.router(watch, events, registry, operator), api_events.router(events, operator)
    more += [figures, told, devices, claims, trust]
    app = api.build(routes, token, more, BODIES)
    web = await _web(stack, folder, settings, app)
    _follow(stack, folder, watch, verifier, door, web)
    stack.push_async_callback(anchors.start(switchboard))
    stack.push_async_callback(switchboard.stop)
    heartbeat = Heartbeat(registry, records, switchboard)
    heartbeat.start()
    stack.push_async_callback(heartbeat.stop)
    stack.push_async_callback(door.drain)
    return {"device_port": door.port, "web_port": web.port}


def _certificates(folder: "DataFolder", settings: "Settings", clock: "Clock") -> "Certificates":
    """Give the certificates to show, renewed if they had to be.

    Raises:
        OperatorError: they cannot be used, or are out of their time.
    """
    from tincall.relay import authority, certificates

    watch = certificates.Certificates(folder, clock, settings.device.tls_max)
    watch.renew_if_due()
    authority.check_server(folder, watch.now())
    return watch


async def _anchors(database: "Database", registry: "Registry", watch: "Certificates") -> "Anchors":
    """Give who trusts what, and let it follow the certificates."""
    from tincall.relay.anchors import Anchors

    anchors = Anchors(database, registry, watch.shown.bundle)
    await anchors.load()
    watch.watchers.append(lambda shown, context: anchors.use(shown.bundle))
    return anchors


def _follow(
    stack: "AsyncExitStack",
    folder: "DataFolder",
    watch: "Certificates",
    verifier: "Verifier",
    door: "Gate",
    web: "WebServer",
) -> None:
    """Show new certificates at both ports from when they are there."""

    def changed(shown: "Shown", context: "SSLContext") -> None:
        verifier.shows(shown.der)
        door.context = context
        web.use(folder.server, folder.server_key)

    watch.watchers.append(changed)
    watch.start()
    stack.push_async_callback(watch.stop)


def _phones(
    adapter: "Adapter | None", supervisor: "Supervisor", scripted: "list[PhoneScript]"
) -> "tuple[PhoneLegs, Contacts]":
    """Give how a phone's leg is made and whom a board may call: people through the platform, or else scripted phones."""
    if adapter is not None:
        return adapter.phone_leg, adapter.contacts.shown
    scripts = {script.id: script.model_dump(mode="json", exclude_none=True) for script in scripted}
    contacts = [{"id": script.id, "name": script.name or script.id} for script in scripted]

    async def phone_leg(phone_id: str) -> "WorkerLeg":
        return await supervisor.take(scripts[phone_id])

    return phone_leg, lambda sn: contacts


async def _stored(
    stack: "AsyncExitStack", folder: "DataFolder", settings: "Settings", kek: bytes, clock: Any
) -> "tuple[Database, Registry, Records, Events]":
    """Open what is on disk; calls that a dead process left open are closed before the first new one."""
    import datetime

    from tincall.logs import get
    from tincall.relay import issuer
    from tincall.relay.cdr import Records
    from tincall.relay.events import Events
    from tincall.relay.registry import Registry
    from tincall.relay.store.engine import Database

    def now() -> datetime.datetime:
        return datetime.datetime.fromtimestamp(clock.unix_ms() / 1000, datetime.UTC)

    database = Database.open(folder.database, must_exist=True)
    stack.push_async_callback(database.close)
    key_life_s = settings.device.rotate_days * DAY_S
    registry = Registry(database, kek, clock, key_life_s=key_life_s, issue=lambda sn: issuer.issue(folder, sn, now()))
    await registry.load()
    records = Records(database, clock)
    stack.push_async_callback(records.close)
    left_open = await records.sweep()
    if left_open:
        get("relay").warning("calls of a relay that died are closed", calls=left_open)
    events = Events(database, clock)
    stack.push_async_callback(events.close)
    return database, registry, records, events


async def _workers(stack: "AsyncExitStack", settings: "Settings") -> "Supervisor":
    import sys

    from tincall.worker import process
    from tincall.worker.supervisor import Supervisor

    command = settings.worker.command or [sys.executable, "-m", SIMULATED_WORKER]
    ready_s, report_s = process.Limits.ready_s, process.Limits.report_s
    if settings.wechat.appid and not settings.worker.command:
        plan = room_plan(settings.wechat)
        command, room_end = plan.worker_command(), plan.limits
        ready_s = max(ready_s, room_end.ready_s + 1 + SPARE_S)  # Python's own start is in it
        report_s = max(report_s, room_end.closed_s + room_end.grace_s + SPARE_S)
    # spares beside the calls, and a few that are still ending
    workers = settings.call.max_calls + settings.worker.warm + 8
    limits = process.Limits(workers=workers, ready_s=ready_s, report_s=report_s)
    supervisor = Supervisor(command, settings.worker.warm, limits)
    stack.push_async_callback(supervisor.stop)
    await supervisor.start()
    return supervisor


def room_plan(given: "WechatSettings") -> "RoomPlan":
    """Say which room end the workers start.

    Raises:
        OperatorError: status 2; the platform is the real one, and nobody has built its room end.
    """
    from tincall.wechat.api import VERSIONS
    from tincall.wechat.room_plan import RoomPlan

    common: dict[str, Any] = {"appid": given.appid, "model_id": given.model_id, "flavor": VERSIONS[given.env_version]}
    if given.room_end:
        return RoomPlan(command=given.room_end, **common)
    if not given.base_url.startswith("http://"):
        hint = "Build host/native against your copy of the platform's server SDK, and name the program there."
        raise OperatorError("room_end of [wechat] is empty: nothing can enter the platform's rooms.", hint, 2)
    return RoomPlan(command="simulator", url=given.base_url, **common)


async def _web(stack: "AsyncExitStack", folder: "DataFolder", settings: "Settings", app: "FastAPI") -> "WebServer":
    from tincall.cli.web_server import WebServer
    from tincall.relay import tls

    context = tls.server_context(folder.server, folder.server_key)
    listen = (settings.web.host, settings.web.port, folder.server, folder.server_key, context, settings.web.proxies)
    web = await WebServer.open(app, *listen)
    stack.push_async_callback(web.close)
    return web


def _announce(stack: "AsyncExitStack", folder: "DataFolder", ready: dict[str, Any]) -> None:
    """Tell the other commands where this relay is, as long as it runs."""
    import json

    path = files.write(folder.root / READY_FILE, json.dumps(ready).encode(), 0o600)
    stack.callback(path.unlink, missing_ok=True)


def _sentence(settings: "Settings", ports: dict[str, int]) -> str:
    device = f"boards connect to {settings.device.host}:{ports['device_port']}"
    web = f"the API is at https://{settings.web.host}:{ports['web_port']}"
    return f"The relay is ready: {device}, {web}. Ctrl-C stops it."
