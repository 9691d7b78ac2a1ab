"""What an operator sees of a call's sound: figures while it lasts, and at its end sums that add up."""

from chain import with_phones

from tincall.measure.stage import wait_until

TOLD_S = 15.0  # a board tells its figures each 5 s


@with_phones("answers")
def test_figures_come_during_a_call_and_add_up_after_it(relay, tone):
    with relay.board("unix", "--mic", tone) as board:
        board.press("call")
        call_id = board.wait_call("ANSWERED")["call"]

        def look():
            record = relay.record(call_id)
            return record if record["board_stats"] else None

        live = wait_until(relay.stage, "the board's first figures", TOLD_S, look)
        assert (live["state"], live["worker_report"]) == ("answered", None)
        up, down = live["frames"]["up"], live["frames"]["down"]
        assert 200 < up["sent"] <= up["relay_in"] and up["received"] is None
        assert 200 < down["received"] <= down["relay_out"]
        assert down["estimated"]["mos"] > 3
        assert up["wrong"] is None and down["wrong"] is None
        assert "not yet to be said" in relay.run("calls", call_id).out
        board.press("end")
        board.wait("figures")
        record = relay.settled(board.sn)
    for way in record["frames"].values():
        assert way["wrong"] == []
        assert way["sent"] == way["relay_in"] and way["received"] == way["relay_out"]
        assert way["estimated"]["mos"] > 3
    assert record["frames"]["up"]["sent"] > up["sent"]
    assert relay.run("calls", call_id).out.count("every frame is accounted for") == 2
