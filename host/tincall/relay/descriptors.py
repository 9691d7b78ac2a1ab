"""How many files and sockets the relay may have open at one time, against how many its settings can make it need.

A relay that runs out of them in the middle of a call cannot accept, log to a file, start a worker, or close a record. So it is
looked at once, before anything is opened: what the system gives a process by default is raised as far as the process may, and a
relay that could not keep its own bounds does not start.
"""

import resource

from tincall.errors import OperatorError
from tincall.settings import Settings

# a worker: two socket pairs of which one end stays here, and what its start needs for a moment
PER_CALL = 6
# database, its log and lock, ports, event loop, web clients, standard streams, and some to spare
BESIDES = 256


def needed(settings: Settings) -> int:
    """Say how many the settings can make a relay need."""
    return settings.limits.connections + PER_CALL * settings.call.max_calls + BESIDES


def make_room(settings: Settings) -> int:
    """Raise this process's bound if it is too low.

    Returns:
        The bound, at least `needed(settings)`; -1: there is none.

    Raises:
        OperatorError: status 2; the process may not have so many.
    """
    wanted = needed(settings)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return -1 if soft == resource.RLIM_INFINITY else soft
    if hard != resource.RLIM_INFINITY and hard < wanted:
        why = f"This process may open {hard} files and sockets, and the settings can make it need {wanted}."
        hint = "Raise the limit (ulimit -n, or LimitNOFILE of the service), or lower connections of [limits]."
        raise OperatorError(why, hint, 2)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return wanted
