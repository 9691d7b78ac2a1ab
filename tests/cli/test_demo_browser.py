"""What `tincall demo --browser` tells: of a call with figures, and of one that nobody answered."""

from tincall.cli import demo_browser

RECORD = {
    "call_id": "c1",
    "direction": "in",
    "state": "ended",
    "cause": 16,
    "released_by": "phone",
    "duration_ms": 3456,
}


class Api:
    def __init__(self, record):
        self.record = record

    def get(self, path):
        assert path == "/v1/calls/c1"
        return self.record


def test_the_figures_are_those_of_the_two_ends(tmp_path):
    heard = tmp_path / "heard.wav"
    heard.write_bytes(bytes(100))
    stats = {"sent": 170, "received": 171, "lost": 1, "late": 2, "concealed": 3}
    worker = {"sent": 172, "received": 170, "lost": 4, "late": 5, "concealed": 6}
    told = demo_browser._report("http://x/", {**RECORD, "board_stats": stats, "worker_report": worker}, heard)
    assert told["call"]["talk_s"] == 3.46 and told["call"]["cause_name"] == "NORMAL"
    assert told["uplink"] == {"sent": 170, "received": 170, "lost": 4, "late": 5, "concealed": 6}
    assert told["downlink"] == {"sent": 172, "received": 171, "lost": 1, "late": 2, "concealed": 3}
    assert told["files"]["downlink_wav"] == str(heard)


def test_a_call_that_nobody_answered_is_whole_without_figures(tmp_path):
    record = {**RECORD, "answered_ms": None, "board_stats": None, "worker_report": None, "duration_ms": 0}
    found = demo_browser._get(Api(record), "c1")
    told = demo_browser._report("http://x/", found, tmp_path / "none.wav")
    assert told["uplink"]["received"] == 0 and told["files"]["downlink_wav"] is None


def test_a_call_with_an_answer_waits_for_its_figures():
    record = {**RECORD, "answered_ms": 5, "board_stats": None, "worker_report": None}
    assert demo_browser._get(Api(record), "c1") is record
