"""`micropython` for the firmware on CPython: decorators do nothing, there is no heap to lock."""


def const(value):
    """Give the value."""
    return value


def viper(function):
    """Give the function; it runs as plain Python."""
    return function


native = viper


def opt_level(level=None):
    """Give 0, the only level."""
    return 0 if level is None else None


def heap_lock():
    """Do nothing: CPython's heap cannot be locked."""
    return 0


heap_unlock = heap_lock


def mem_info(verbose=None):
    """Print nothing: there is no such figure."""


def kbd_intr(character):
    """Leave Ctrl-C as it is."""


def schedule(function, argument):
    """Call at once; the emulated board has no interrupts."""
    function(argument)
