"""`machine` has every name the firmware uses."""


def test_the_module_is_whole(bench) -> None:
    said = bench.results("""
import machine
names = "I2S Pin WDT reset reset_cause unique_id soft_reset freq PWRON_RESET HARD_RESET WDT_RESET"
say("missing", [name for name in names.split() if not hasattr(machine, name)])
say("freq", machine.freq() > 0)
""")
    assert said == {"missing": [], "freq": True}


def test_soft_reset_is_a_reset(bench) -> None:
    bench.run("""
import machine
if machine.reset_cause() == machine.PWRON_RESET:
    machine.soft_reset()
""")
    assert bench.outcome.lives == 2
