"""`tincall simulate`: the platform on this machine, for a relay that is told its address; runs until a signal.

Order of the end: no new connections; phones, pushes and bad paths; the console's file stays.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tincall.cli import output
from tincall.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence

    from tincall.simulator.credentials import Credentials
    from tincall.simulator.phone import PhoneScript
    from tincall.simulator.scenario import Scenario
    from tincall.simulator.service import Service

DEFAULT_DATA = Path("simulator")
# whose phones there are when nothing is said: pages in a browser, or nobody
PEOPLE = ("alice", "bob")


def simulate(
    data: Annotated[
        Path, typer.Option("--data", help="Folder for the console's file; made if missing.")
    ] = DEFAULT_DATA,
    scenario: Annotated[str, typer.Option("--scenario", metavar="NAME", help="What to play; see --list.")] = "",
    listing: Annotated[bool, typer.Option("--list", help="List the scenarios and end.")] = False,
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="Port to listen on; 0 takes a free one.")
    ] = 8445,
    push_url: Annotated[
        str, typer.Option("--relay-push-url", metavar="URL", help="Where the relay takes pushes.")
    ] = "",
    authority: Annotated[
        Path | None, typer.Option("--relay-ca", metavar="FILE", help="Certificate authority of the relay's push URL.")
    ] = None,
    phones: Annotated[
        Path | None, typer.Option("--phones", metavar="FILE", help="TOML file with phones, beside the scenario's.")
    ] = None,
    real_time: Annotated[
        bool, typer.Option("--real-time", help="Keep the platform's own times, where a scenario has shorter ones.")
    ] = False,
    certificate: Annotated[
        Path | None, typer.Option("--certificate", metavar="FILE", help="Serve over TLS with this certificate.")
    ] = None,
    key: Annotated[Path | None, typer.Option("--key", metavar="FILE", help="The certificate's key.")] = None,
) -> None:
    """Run the simulated platform in the foreground; Ctrl-C or SIGTERM stops it cleanly."""
    from tincall.cli import phones as phone_files
    from tincall.simulator import credentials
    from tincall.simulator import scenario as scenarios

    if listing:
        _list()
        return
    if (certificate is None) != (key is None):
        raise OperatorError("A certificate and its key belong together.", "Give --certificate and --key.", 2)
    if push_url and not push_url.startswith(("http://", "https://")):
        raise OperatorError(f"{push_url!r} is no push URL.", "Say --relay-push-url https://...", 2)
    if authority is not None and not authority.is_file():
        raise OperatorError(f"{authority} is not there.", "Name the relay's ca.pem after --relay-ca.", 2)
    chosen = scenarios.load(scenario) if scenario else None
    played = phone_files.from_file(phones) if phones is not None else []
    console = credentials.load_or_make(data / credentials.FILE_NAME)
    told = {"scenario": scenario, "console": str((data / credentials.FILE_NAME).absolute())}
    _run(_serve(console, chosen, played, real_time, push_url, authority, (host, port, certificate, key), told))


def _list() -> None:
    from tincall.simulator import scenario as scenarios

    found = {name: scenarios.load(name).about for name in scenarios.names()}

    def human(console: Any) -> None:
        from rich.table import Table

        table = Table("scenario", "what happens", box=None)
        for name, about in found.items():
            table.add_row(output.escape(name), output.escape(about))
        console.print(table)

    output.result({"scenarios": [{"name": name, "about": about} for name, about in found.items()]}, human)


def _run(work: Coroutine[Any, Any, None]) -> None:
    import asyncio

    from tincall import logs

    logs.configure()
    asyncio.run(work)


async def _serve(
    console: Credentials,
    chosen: Scenario | None,
    phones: Sequence[PhoneScript],
    real_time: bool,
    push_url: str,
    authority: Path | None,
    listen: tuple[str, int, Path | None, Path | None],
    told: dict[str, str],
) -> None:
    """Run the simulator until SIGTERM or SIGINT."""
    import asyncio
    import os
    import signal
    from contextlib import AsyncExitStack

    from tincall.logs import get
    from tincall.simulator import web
    from tincall.simulator.mini_program import MiniProgram
    from tincall.simulator.page_site import LOOPBACK
    from tincall.simulator.phone_gate import PhoneGate
    from tincall.simulator.server import SimulatorServer
    from tincall.simulator.service import Service

    log = get("simulator")
    stop = asyncio.Event()
    for one in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(one, stop.set)
    async with AsyncExitStack() as stack:
        service = Service(console=console)
        stack.push_async_callback(service.stop)
        if authority is not None:
            service.pusher.trust(str(authority))
        service.pusher.url = push_url
        people(service, chosen, phones, real_time)
        desk = MiniProgram(service)
        stack.push_async_callback(desk.close)
        gate = PhoneGate(service.rooms, desk, {*LOOPBACK, listen[0]})
        stack.callback(gate.close)
        desk.changed, desk.ask = gate.changed, gate.ask
        app = web.build(service)
        gate.mount(app)
        server = await SimulatorServer.open(app, *listen)
        stack.push_async_callback(server.close)
        ready = {"ready": True, "url": server.url, "port": server.port, "phone_page": f"{server.url}/phone/"}
        ready |= {**told, "pid": os.getpid()}
        ready |= {"appid": console.appid, "model_id": console.model_id, "phones": service.rooms.phones()}
        log.info("simulator ready", url=server.url, scenario=told["scenario"])
        output.result(ready, lambda screen: screen.print(_sentence(ready)))
        await stop.wait()
        log.info("simulator stops")
    log.info("simulator stopped")


def people(service: Service, chosen: Scenario | None, phones: Sequence[PhoneScript], real_time: bool) -> None:
    """Fill a simulator with what it plays: a scenario, or phones, or people without one."""
    from tincall.simulator import scenario as scenarios
    from tincall.simulator.accounts import ANY, User

    if chosen is not None:
        scenarios.prepare(service, chosen, phones, real_time)
        return
    appid = service.console.appid
    for openid in PEOPLE:
        # who has a page is asked for consent there
        service.cloud.accounts.add_user(User(openid, appid, openid.capitalize()))
    for script in phones:
        service.cloud.accounts.add_user(User(script.id, appid, script.name or script.id, {ANY}))
        service.add_phone(script)


def _sentence(ready: dict[str, Any]) -> str:
    plays = f", playing {ready['scenario']}" if ready["scenario"] else ""
    where = f"its console is {ready['console']}, a phone is at {ready['phone_page']}"
    return f"The platform is at {ready['url']}{plays}; {where}. Ctrl-C stops it."
