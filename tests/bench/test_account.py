from __future__ import annotations

from bench.micro.account import main


def test_every_cost_of_a_finished_request_is_measured(capsys):
    main(rounds=1, repeats=1)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 8
    assert all(" ns  (" in line for line in lines)
