from __future__ import annotations

from tidegate.placement.resources import NOTHING, Resources

CORE = Resources(cpu=1.0, memory=1000)


def test_amounts_add_up_and_are_taken_away_part_by_part():
    assert CORE + Resources(cpu=0.5, memory=24) == Resources(cpu=1.5, memory=1024)
    assert CORE - CORE == NOTHING


def test_what_fits_needs_both_amounts():
    assert CORE.fits(CORE)
    assert not CORE.fits(Resources(cpu=2.0, memory=999))
    assert not CORE.fits(Resources(cpu=0.9, memory=2000))


def test_sums_of_fractions_fill_a_core_whole():
    used = NOTHING
    for _ in range(9):
        used += Resources(cpu=0.1)
    assert Resources(cpu=0.1).fits(Resources(cpu=1.0) - used)
