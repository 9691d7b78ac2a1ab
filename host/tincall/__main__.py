"""The program: `tincall` and `python -m tincall`."""

import gc
import signal


def run() -> None:
    """Load the command line and run it; Ctrl-C just ends the program until it has a better answer."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    # what is loaded stays: looking for garbage meanwhile is a seventh of the start; `load` begins with it
    gc.disable()
    from tincall.cli import main

    main.run()


if __name__ == "__main__":
    run()
