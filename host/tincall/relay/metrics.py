"""What a monitoring system reads at `/metrics`, in the text form of Prometheus (version 0.0.4); for operators alone."""

from collections.abc import Awaitable, Callable

from cryptography import x509
from fastapi import APIRouter, Depends, Request
from fastapi.responses import PlainTextResponse

from tincall.relay import standing
from tincall.relay.certificates import Certificates
from tincall.relay.events import Events
from tincall.relay.registry import Registry

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
EXPIRY = "tincall_certificate_expiry_timestamp_seconds"
EVENTS = "tincall_board_events_total"


def router(
    certificates: Certificates, events: Events, registry: Registry, operator: Callable[[Request], Awaitable[None]]
) -> APIRouter:
    """Make the route.

    Args:
        certificates: what is shown now.
        events: what boards deliver.
        registry: devices.
        operator: refuses who is none.
    """

    async def metrics() -> PlainTextResponse:
        """Give the figures."""
        shown = certificates.shown
        ends = {"server": shown.server, "ca": shown.ca, "next_ca": shown.next_ca}
        until_s = [one.cert_until_s for one in registry.list() if one.cert_until_s and one.state != standing.REVOKED]
        lines = [
            f"# HELP {EXPIRY} When a certificate ends, in seconds since 1970.",
            f"# TYPE {EXPIRY} gauge",
            *(f'{EXPIRY}{{certificate="{name}"}} {_end_s(one)}' for name, one in ends.items() if one is not None),
            # of all boards' own: the first to end; `tincall devices` tells whose
            *([f'{EXPIRY}{{certificate="boards"}} {min(until_s)}'] if until_s else []),
            f"# HELP {EVENTS} What boards delivered that happened without a link, since this relay began.",
            f"# TYPE {EVENTS} counter",
            f'{EVENTS}{{result="stored"}} {events.stored}',
            f'{EVENTS}{{result="repeated"}} {events.repeated}',
        ]
        return PlainTextResponse("\n".join(lines) + "\n", media_type=MEDIA_TYPE)

    made = APIRouter(dependencies=[Depends(operator)])
    # no part of the OpenAPI description: it answers in the words of another standard
    made.add_api_route("/metrics", metrics, methods=["GET"], include_in_schema=False)
    return made


def _end_s(certificate: x509.Certificate) -> int:
    return int(certificate.not_valid_after_utc.timestamp())
