"""The native room end on plain pipes: records in, records out, its words on the standard error output kept."""

import os
import select
import signal
import subprocess
import time

from tincall.worker.room import FROM_ROOM_END, FROM_WORKER, RoomReader, pack_frame, pack_message

PATIENCE_S = 20
KEY, TOKEN = "U0VDUkVUS0VZ/+", "U0VDUkVUVE9LRU4="


class NativeEnd:
    """A running room end.

    Args:
        command: program, perhaps with a tool before it.
        folder: its data folder.
        environment: variables besides those of the test.
    """

    def __init__(self, command, folder, **environment):
        self.folder = folder
        folder.mkdir(exist_ok=True)
        self.log = folder.parent / "log"
        variables = {
            **os.environ,
            "STANDIN_LOG": str(self.log),
            **{name: str(value) for name, value in environment.items()},
        }
        self.process = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=variables,
            bufsize=0,
        )
        self.messages, self.frames = [], []
        self._reader = RoomReader(FROM_ROOM_END)

    def say(self, **message):
        self.process.stdin.write(pack_message(message, FROM_WORKER))

    def send(self, pcm):
        self.process.stdin.write(pack_frame(pcm))

    def open(self, **more):
        fields = {"data_dir": str(self.folder), "appid": "wx0", "model_id": "m1", "sn": "sn-1", "flavor": 2}
        self.say(t="open", **{**fields, **more})

    def join(self, script="0@0,1@20,2@60", **more):
        fields = {
            "room_id": f"r#{script}",
            "session_key": KEY,
            "server_token": TOKEN,
            "payload": "p",
            "room_type": "voice",
        }
        self.say(t="join", **{**fields, **more})

    def until(self, word, **fields):
        """Wait for a message and give it."""
        end_s = time.monotonic() + PATIENCE_S
        while True:
            for message in self.messages:
                if message["t"] == word and fields.items() <= message.items():
                    return message
            assert select.select([self.process.stdout], [], [], max(0, end_s - time.monotonic()))[0], f"no {word}"
            data = self.process.stdout.read(65536)
            assert data, f"it ended before {word}: {self.process.stderr.read().decode()}"
            for record in self._reader.feed(data):
                (self.frames if isinstance(record, bytes) else self.messages).append(record)

    def listen(self, seconds):
        """Take in what comes for a while."""
        end_s = time.monotonic() + seconds
        while select.select([self.process.stdout], [], [], max(0, end_s - time.monotonic()))[0]:
            for record in self._reader.feed(self.process.stdout.read(65536)):
                (self.frames if isinstance(record, bytes) else self.messages).append(record)

    def end(self, how=None):
        """Close the pipe, or send a signal; gives exit status and what it wrote to its standard error output."""
        if how is None:
            self.process.stdin.close()
        else:
            self.process.send_signal(how)
        return self.wait()

    def wait(self):
        """Wait for its end; gives exit status and what it wrote to its standard error output."""
        self.process.stdin = None if self.process.stdin and self.process.stdin.closed else self.process.stdin
        try:
            rest, words = self.process.communicate(timeout=PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGKILL)
            raise
        for record in self._reader.feed(rest):
            (self.frames if isinstance(record, bytes) else self.messages).append(record)
        return self.process.returncode, words.decode()

    def calls(self):
        """Give what the library was called for, in order, by name."""
        return [line.split()[0] for line in self.log.read_text().splitlines()] if self.log.exists() else []
