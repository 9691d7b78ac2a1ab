"""What CPython is lent behaves as it does on MicroPython: one program, one answer."""


def test_time_and_its_ring(bench) -> None:
    assert bench.results("""
a = time.ticks_ms()
time.sleep_ms(20)
time.sleep_us(10)
say("ms", 19 <= time.ticks_diff(time.ticks_ms(), a) < 5000)
a = time.ticks_us()
time.sleep_ms(5)
say("us", 4000 <= time.ticks_diff(time.ticks_us(), a) < 5000000)
say("add", time.ticks_diff(time.ticks_add(a, -1000), a))
""") == {"ms": True, "us": True, "add": -1000}


def test_tasks(bench) -> None:
    assert bench.results("""
import asyncio
heard = []
async def worker(flag):
    await flag.wait()
    heard.append("flag")
    await flag.wait()
async def main():
    flag = asyncio.ThreadSafeFlag()
    task = asyncio.create_task(worker(flag))
    await asyncio.sleep_ms(10)
    flag.set()
    await asyncio.sleep_ms(10)
    try:
        await asyncio.wait_for_ms(task, 20)
    except asyncio.TimeoutError:
        heard.append("late")
asyncio.run(main())
say("heard", heard)
""") == {"heard": ["flag", "late"]}


def test_collections_and_files(bench) -> None:
    assert bench.results("""
import gc, os, sys
from collections import deque
strict = deque((), 2, 1)
strict.append(1); strict.append(2)
say("strict", kind_of(strict.append, 3))
loose = deque((), 2)
for n in range(4): loose.append(n)
say("loose", [loose.popleft(), loose.popleft(), len(loose)])
with open("a.txt", "w") as file:
    file.write("four")
os.mkdir("inner")
say("list", sorted([entry[0], entry[1]] for entry in os.ilistdir(".")))
gc.collect()
say("gc", [gc.mem_free() >= 0, gc.mem_alloc() >= 0])
gc.threshold(10000)
try:
    raise KeyError("lost")
except KeyError as error:
    sys.print_exception(error)
""") == {"strict": "IndexError", "loose": [2, 3, 0], "list": [["a.txt", 0x8000], ["inner", 0x4000]], "gc": [True, True]}
    assert any("lost" in line["line"] for line in bench.events if line["ev"] == "text")


def test_polling_gives_the_objects_themselves(bench) -> None:
    assert bench.results("""
import select, socket
import machine
server = socket.socket()
server.bind(socket.getaddrinfo("127.0.0.1", 0, 0, socket.SOCK_STREAM)[0][-1])
server.listen(1)
poll = select.poll()
poll.register(server, select.POLLIN)
say("quiet", len(list(poll.poll(10))))
pin = machine.I2S(1, sck=None, ws=None, sd=None, mode=machine.I2S.TX, bits=16, format=machine.I2S.MONO, rate=8000, ibuf=320)
poll.register(pin, select.POLLOUT)
ready = list(poll.poll(1000))
say("ready", [len(ready), ready[0][0] is pin, ready[0][1] == select.POLLOUT])
poll.unregister(pin)
poll.unregister(server)
""") == {"quiet": 0, "ready": [1, True, True]}


def test_an_uncaught_error_ends_the_board_with_its_traceback(bench) -> None:
    from tincall.emulator.runner import emulate

    outcome = emulate(bench.options("def f():\n    raise ValueError('on purpose')\nf()"))
    assert (outcome.reason, outcome.status) == ("crashed", 1)
    assert any("ValueError: on purpose" in line for line in outcome.text)
