"""`tincall invite`: a code for one person, over a running relay that has a mini program."""

from commands import document, tincall

from tincall.cli.client import Client


def enrolled(data, sn):
    with Client(data) as client:
        client.post("/v1/devices", {"sn": sn})


def test_a_code_is_made(mini_relay):
    enrolled(mini_relay, "IN-1")
    made = document(tincall("invite", "IN-1", "--name", "Mum", "--hours", "2", "--data", mini_relay, "--json"))
    assert len(made["invite"]) == 14 and (made["sn"], made["name"]) == ("IN-1", "Mum")
    shown = tincall("invite", "IN-1", "--name", "[red]Mum[/red]", "--data", mini_relay).stdout
    assert "[red]Mum[/red]" in shown and "IN-1" in shown


def test_a_board_must_be_enrolled(mini_relay):
    result = tincall("invite", "IN-9", "--data", mini_relay)
    assert result.exit_code == 1 and "No device IN-9" in result.stderr
    assert tincall("invite", "../calls", "--data", mini_relay).exit_code == 2
    assert tincall("invite", "IN-1", "--hours", "0", "--data", mini_relay).exit_code == 2


def test_a_relay_without_a_mini_program_says_so(shared_relay):
    result = tincall("invite", "IN-1", "--data", shared_relay)
    assert result.exit_code == 2 and "appid of [wechat]" in result.stderr
