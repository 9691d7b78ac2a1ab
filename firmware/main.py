"""Runs on the board at power-up: start the application."""

import gc

# what loading leaves behind is swept up at once, or it lies between what stays: a call then fits into a sixth less of heap
if hasattr(gc, "threshold"):  # MicroPython
    gc.threshold(4096)

from handset import app  # noqa: E402 - the lines above have to come first

app.run()
