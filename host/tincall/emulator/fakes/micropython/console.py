"""MicroPython's console on the unix port: friendly REPL, raw REPL and raw paste, as `reference/repl` has them.

Ctrl-C reaches code that runs as SIGINT, which the runner sends; at a prompt it is a byte like any other. A soft reset ends the
process: `serve` returns, and the runner starts the interpreter anew, so that every module is fresh.
"""

import io
import sys

import fake_events
import fake_power

# the agreement with `tincall.emulator.child`
STATUS_SOFT = 77
STATUS_SOFT_RAW = 78

# how code ended
OK = 0
FAILED = 1
EXIT = 2

_CTRL_A = 1
_CTRL_B = 2
_CTRL_C = 3
_CTRL_D = 4
_CTRL_E = 5
_BACKSPACES = (8, 127)
_WINDOW_BYTES = 128
_RAW_HELLO = "raw REPL; CTRL-B to exit\n>"


class Console:
    """The console.

    Args:
        names: the names that code sees, those of `__main__`.
    """

    def __init__(self, names):
        self._names = names
        self._in = open(0, "rb")  # noqa: SIM115 - as long as the process
        self._out = open(1, "wb")  # noqa: SIM115
        self._byte = bytearray(1)
        self._end = None  # of a session: None, or whether it was a raw one
        self._raw = False

    def running(self, is_running):
        """Tell the runner whether code runs, which Ctrl-C is to stop."""
        fake_events.emit("console", running=is_running)

    def run_file(self, path):
        """Run a file of the board's flash if it is there; gives how it ended."""
        try:
            with open(path) as file:
                source = file.read()
        except OSError:
            return OK
        ended, said = self._run(source, path, "exec")
        self._put(said)
        return ended

    def serve(self, raw):
        """Serve whoever is at the console until a soft reset is wanted.

        Args:
            raw: whether to begin in the raw REPL.

        Returns:
            Whether the raw REPL was in use.
        """
        self._raw = raw
        greet = True
        while self._end is None:
            try:
                self.running(False)
                if greet:
                    self._greet()
                greet = self._raw_turn() if self._raw else self._friendly_turn()
            except KeyboardInterrupt:
                greet = False
                if not self._raw:
                    self._put("\n")
        return self._end

    def _greet(self):
        if self._raw:
            self._put(_RAW_HELLO)
            return
        implementation = sys.modules["sys"].implementation
        version = ".".join(str(part) for part in implementation.version[:3])
        self._put('MicroPython v%s; %s\nType "help()" for more information.\n' % (version, implementation._machine))

    def _raw_turn(self):
        """Take one piece of code or one command; gives whether to greet."""
        code = bytearray()
        while True:
            c = self._get()
            if c == _CTRL_A:
                if len(code) == 2 and code[0] == _CTRL_E:
                    return self._paste(code[1])
                return True
            if c == _CTRL_B:
                self._raw = False
                self._put("\n")
                return True
            if c == _CTRL_C:
                code = bytearray()
            elif c == _CTRL_D:
                break
            else:
                code.append(c)
        if code:
            self._put("OK")
            self._execute(code)
        else:
            self._put("\n")
            self._end = True
        return False

    def _paste(self, kind):
        """Take code that comes window by window."""
        if kind != ord("A"):
            self._put("R\x00")
            return True
        self._put(b"R\x01" + bytes((_WINDOW_BYTES & 255, _WINDOW_BYTES >> 8)) + b"\x01")
        code = bytearray()
        left = _WINDOW_BYTES
        while True:
            c = self._get()
            if c in (_CTRL_C, _CTRL_D):
                break
            code.append(c)
            left -= 1
            if not left:
                self._put("\x01")
                left = _WINDOW_BYTES
        self._put("\x04")
        if c == _CTRL_C:
            while self._get() != _CTRL_D:
                pass  # it has to say that it understood
            self._put("\x04\nKeyboardInterrupt: \n\x04>")
        else:
            self._execute(code)
        return False

    def _execute(self, code):
        ended, said = self._run(code, "<stdin>", "exec")
        if ended == EXIT:
            self._put("\x04\x04")
            self._end = True
        else:
            self._put("\x04" + said + "\x04>")

    def _friendly_turn(self):
        """Take one statement or one command; gives whether to greet."""
        text = ""
        while True:
            line = self._line("... " if text else ">>> ")
            if isinstance(line, int):
                return self._command(line)
            text += line + "\n"
            if not _goes_on(text, line):
                break
        if text.strip():
            self._finish(self._run(text, "<stdin>", "single"))
        return False

    def _command(self, c):
        if c == _CTRL_A:
            self._raw = True
            self._put("\n")
        elif c == _CTRL_D:
            self._put("\n")
            self._end = False
        elif c == _CTRL_E:
            self._paste_mode()
            return False
        elif c == _CTRL_C:
            self._put("\n")
            return False
        return True

    def _paste_mode(self):
        self._put("\npaste mode; Ctrl-C to cancel, Ctrl-D to finish\n=== ")
        text = ""
        while True:
            c = self._get()
            if c == _CTRL_C:
                self._put("\n")
                return
            if c == _CTRL_D:
                break
            text += "\n" if c == 13 else chr(c)
            self._put("\n=== " if c == 13 else chr(c))
        self._put("\n")
        self._finish(self._run(text, "<stdin>", "exec"))

    def _finish(self, end):
        if end[0] == EXIT:
            self._end = False
        else:
            self._put(end[1])

    def _line(self, prompt):
        """Take a line and show it; gives the number of a control character instead when one comes that counts."""
        self._put(prompt)
        line = bytearray()
        while True:
            c = self._get()
            if c in (10, 13):
                self._put("\n")
                return line.decode()
            if c == _CTRL_C or (c in (_CTRL_A, _CTRL_B, _CTRL_D, _CTRL_E) and not line):
                return c
            if c in _BACKSPACES:
                if line:
                    line = line[:-1]
                    self._put("\x08 \x08")
            elif c >= 32 or c == 9:
                line.append(c)
                self._put(bytes((c,)))

    def _run(self, source, name, kind):
        """Run code; gives how it ended and its traceback."""
        try:
            return self._try(source, name, kind)
        except KeyboardInterrupt:
            return OK, ""  # it came when the code had ended already

    def _try(self, source, name, kind):
        try:
            self.running(True)
            exec(compile(source if isinstance(source, str) else str(source, "utf8"), name, kind), self._names)
            return OK, ""
        except SystemExit:
            return EXIT, ""
        except BaseException as error:  # whatever it is, the console goes on
            return FAILED, _traceback(error)
        finally:
            self.running(False)

    def _get(self):
        """Give the next byte."""
        while True:
            try:
                if not self._in.readinto(self._byte):
                    fake_power.outside_gone()
                return self._byte[0]
            except KeyboardInterrupt:
                return _CTRL_C

    def _put(self, data):
        self._out.write(data)


def _goes_on(text, line):
    """Tell whether a statement wants another line."""
    if text.count("(") + text.count("[") + text.count("{") > text.count(")") + text.count("]") + text.count("}"):
        return True
    is_block = text.split("\n")[0].rstrip().endswith(":") or text[0] == "@"
    return line.endswith("\\") or (is_block and bool(line.strip()))


def _traceback(error):
    """Give the traceback as the port prints it, without the frames of this file."""
    text = io.StringIO()
    sys.print_exception(error, text)
    rows = [row for row in text.getvalue().split("\n") if 'File "' + __file__ not in row and "power_up.py" not in row]
    return "\n".join(rows)
