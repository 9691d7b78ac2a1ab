"""The wires of both interpreters keep one contract: all or nothing out, what is there in, -1 at the end."""

QUESTIONS = """
import lines, micropython, os
say("none", [lines.reader("NOTHING"), lines.writer("NOTHING")])
spk = lines.writer("TINCALL_SPK_FD")
mic = lines.reader("TINCALL_MIC_FD")
buf = bytearray(b"0123456789")
def ask():
    micropython.heap_lock()
    empty = lines.take(mic, buf, 10)
    lines.move(buf, 0, b"abcdef", 2, 3)
    lines.move(buf, 5, b"", 0, 0)
    micropython.heap_unlock()
    return empty
say("empty", ask())
say("moved", buf.decode())
"""


def test_reading_and_moving(bench) -> None:
    assert bench.results(QUESTIONS) == {"none": [None, None], "empty": 0, "moved": "cde3456789"}


def test_a_full_wire_takes_all_or_nothing(bench) -> None:
    said = bench.results("""
import lines
wire = lines.writer("TINCALL_EVENTS_FD")
line = (json.dumps({"ev": "pin", "id": 41, "level": 1}) + " " * 3900 + "\\n").encode()
results = []
for _ in range(3000):
    done = lines.put(wire, line, len(line))
    if done not in results:
        results.append(done)
say("results", sorted(n == len(line) for n in results))
say("other", [n for n in results if n not in (0, len(line))])
""")
    assert True in said["results"] and said["other"] == []
