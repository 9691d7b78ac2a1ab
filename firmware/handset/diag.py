"""What the board says about itself: one JSON object a line on the console, and what a crash report needs.

Never a key, a token or a certificate. The lines are for people and for the workbench alike: `ev` names the event.
"""

import gc
import io
import json
import sys

from handset import clock


def say(event, **fields):
    """Print one event.

    Args:
        event: its name.
        fields: numbers, strings, lists and dicts of them.
    """
    fields["ev"] = event
    fields["ms"] = clock.now_ms()
    print(json.dumps(fields))


def interpreter():
    """Name the interpreter, such as `micropython 1.25.0 unix 64-bit`."""
    version = ".".join(str(part) for part in sys.implementation.version[:3])
    system = "unix" if sys.platform == "linux" else sys.platform
    bits = 64 if sys.maxsize > 0x7FFFFFFF else 32
    return "%s %s %s %d-bit" % (sys.implementation.name, version, system, bits)


def heap_free():
    """Give the free heap in bytes, or 0 where the interpreter cannot tell."""
    return gc.mem_free() if hasattr(gc, "mem_free") else 0


def failed(step, error):
    """Print an error of ours: its reason, if it has one, and its sentence."""
    say("error", step=step, reason=getattr(error, "reason", ""), detail=getattr(error, "detail", "") or str(error))


def traceback(error):
    """Give the traceback of an exception as text; of anything else, itself."""
    if not isinstance(error, BaseException):
        return str(error)
    text = io.StringIO()
    if hasattr(sys, "print_exception"):
        sys.print_exception(error, text)
    else:
        import traceback

        traceback.print_exception(error, file=text)
    return text.getvalue()


def crashed(error):
    """Print an exception that nobody expected, with its traceback."""
    say("crash", error=repr(error))
    print(traceback(error).strip())
