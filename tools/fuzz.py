#!/usr/bin/env python3
"""Search for bytes that a reader of bytes cannot bear, guided by the code that they reach (atheris, which is libFuzzer).

    tools/fuzz.py TARGET [--seconds N]    targets: frames, message, stored, push, head (tests/fuzz/targets.py)

Needs the extra `fuzz`: pip install -e .[fuzz]. It starts from tests/fuzz/corpus/TARGET and keeps what reached new code in
.cache/fuzz/TARGET, from where the next search goes on. Bytes that broke a reader are left as
tests/fuzz/corpus/TARGET/crash-...: give the file a name and leave it there, since tests/fuzz/test_corpus.py says all of them
again in every run of the tests. If power fails, a reader finds some files fewer.
"""

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NAMES = ("frames", "message", "stored", "push", "head")
INPUT_MAX_BYTES = 8192
STATUS_NOT_THERE = 3


def main(arguments: list[str]) -> int:
    """Search; ends this process with libFuzzer's status, 0 when nothing was found, or gives one when it cannot begin."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", choices=NAMES, metavar="TARGET")
    parser.add_argument("--seconds", type=int, default=60, metavar="N")
    given = parser.parse_args(arguments)
    try:
        import atheris
    except ImportError:
        print("fuzz: there is no atheris; pip install -e .[fuzz]", file=sys.stderr)
        return STATUS_NOT_THERE
    sys.path[:0] = [str(ROOT / part) for part in ("host", "firmware", "tests", "tests/fuzz")]
    with atheris.instrument_imports(
        include=["callcore", "tincall.relay.http", "tincall.relay.handshake", "tincall.wechat"]
    ):
        import targets
    kept, seeds = ROOT / ".cache/fuzz" / given.target, ROOT / "tests/fuzz/corpus" / given.target
    kept.mkdir(parents=True, exist_ok=True)
    options = [f"-max_total_time={given.seconds}", f"-max_len={INPUT_MAX_BYTES}", "-timeout=10", "-verbosity=0"]
    options += [f"-artifact_prefix={seeds}/", "-print_final_stats=1", str(kept), str(seeds)]
    atheris.Setup([sys.argv[0], *options], targets.TARGETS[given.target])
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
