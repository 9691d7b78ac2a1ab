"""Run test files on whichever interpreter this is: every `test_` function of each file named in argv, bare asserts.

Written in MicroPython's dialect and fit for CPython too. Prints a traceback per failure and, last, `N passed, N failed`;
exits 1 on any failure and when nothing ran.
"""

import gc
import io
import sys


def _split(path):
    folder, _, name = path.rpartition("/")
    return folder or ".", name[:-3]


def _traceback(error):
    text = io.StringIO()
    if hasattr(sys, "print_exception"):
        sys.print_exception(error, text)
    else:
        import traceback

        traceback.print_exception(type(error), error, error.__traceback__, file=text)
    return text.getvalue()


def _source_line(trace):
    """Give the source line of the innermost frame; MicroPython's own traceback has only its number."""
    frames = [line for line in trace.split("\n") if line.strip().startswith('File "')]
    if not frames:
        return ""
    parts = frames[-1].split('"')
    digits = parts[2].split("line ")[1].split(",")[0]
    try:
        with open(parts[1]) as file:
            return file.read().split("\n")[int(digits) - 1].strip()
    except OSError:
        return ""


def _report(name, error):
    trace = _traceback(error)
    print("FAILED " + name)
    print(trace.rstrip())
    if sys.implementation.name == "micropython":
        print("  > " + _source_line(trace))


def _run_one(name, function):
    try:
        result = function()
    except Exception as error:
        _report(name, error)
        return False
    if result is not None:
        # a coroutine or generator: its asserts never ran
        print("FAILED " + name + "\nit returned " + repr(result) + " instead of running to its end")
        return False
    return True


def run_file(path):
    """Run one test file.

    Args:
        path: path of a `.py` file.

    Returns:
        Counts of passed and failed tests; a file that cannot be imported counts as one failure.
    """
    folder, name = _split(path)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    try:
        module = __import__(name)
    except Exception as error:
        _report(name + " (import)", error)
        return 0, 1
    passed = failed = 0
    for key in sorted(dir(module)):
        function = getattr(module, key)
        if key.startswith("test_") and callable(function):
            gc.collect()
            if _run_one(name + "." + key, function):
                passed += 1
            else:
                failed += 1
    return passed, failed


def main(paths):
    """Run test files and give the exit status."""
    passed = failed = 0
    for path in paths:
        more_passed, more_failed = run_file(path)
        passed += more_passed
        failed += more_failed
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
