from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tidegate.router.admission import (
    CALM_SECONDS,
    CALM_SHARE,
    FRUGAL,
    NORMAL,
    SHEDDING,
    SMALLEST_DESCRIPTORS,
    SOFT_SHARE,
    Admission,
    Figures,
    bounds_of,
    descriptors_for,
    may_accept,
    to_evict,
)

LIMIT = 1000 << 20
BOUNDS = bounds_of(4096, 1000, LIMIT)
memory = st.integers(0, 2 * LIMIT)
figures = st.builds(Figures, connections=st.integers(0, 1200), memory_bytes=memory)


def fresh():
    return Admission(BOUNDS)


@given(st.integers(SMALLEST_DESCRIPTORS, 1 << 22), st.integers(0, 1 << 22))
def test_what_is_allowed_fits_into_the_descriptors_with_some_to_spare(descriptors, wanted):
    bounds = bounds_of(descriptors, wanted)
    assert bounds.connections >= 1
    assert bounds.surplus >= 1
    assert bounds.connections + bounds.surplus + bounds.upstream_connections <= descriptors - 16
    assert not wanted or bounds.connections <= wanted


@given(st.integers(1, 1 << 20))
def test_the_descriptors_that_are_demanded_are_enough(connections):
    needed = descriptors_for(connections)
    assert bounds_of(needed, connections).connections == connections
    assert bounds_of(needed + 1000, connections).connections == connections


@given(memory)
def test_the_level_follows_the_memory(held):
    level = fresh().look(0.0, Figures(connections=0, memory_bytes=held))
    assert level == (SHEDDING if held > LIMIT else FRUGAL if held > LIMIT * SOFT_SHARE else NORMAL)


@given(figures, figures)
def test_more_of_everything_is_never_treated_more_kindly(one, other):
    more = Figures(
        connections=max(one.connections, other.connections), memory_bytes=max(one.memory_bytes, other.memory_bytes)
    )
    assert fresh().look(0.0, more) >= fresh().look(0.0, one)


@given(st.lists(figures, min_size=1, max_size=40), st.floats(0.1, 5.0))
def test_a_level_rises_at_once_and_falls_by_one_after_a_while(seen, pace):
    admission, before, fell = fresh(), NORMAL, float("-inf")
    for turn, each in enumerate(seen):
        now = turn * pace
        level = admission.look(now, each)
        assert level >= fresh().look(now, each)
        if level < before:
            assert before - level == 1
            assert now - fell >= CALM_SECONDS
            fell = now
        before = level


@given(st.lists(figures, max_size=20))
def test_calm_ends_every_pressure(seen):
    admission = fresh()
    for turn, each in enumerate(seen):
        admission.look(float(turn), each)
    calm = Figures(connections=0, memory_bytes=int(LIMIT * (SOFT_SHARE - CALM_SHARE)) - 1)
    assert [admission.look(len(seen) + CALM_SECONDS * turn, calm) for turn in range(4)][-1] == NORMAL


@given(st.integers(0, 1 << 40))
def test_without_a_limit_memory_is_nobodys_business(held):
    assert Admission(bounds_of(4096)).look(0.0, Figures(connections=0, memory_bytes=held)) == NORMAL


def test_figures_about_the_mark_do_not_make_it_flutter():
    admission = fresh()
    mark = LIMIT * SOFT_SHARE
    seen = [Figures(connections=0, memory_bytes=int(mark + step)) for step in (1, -1) * 50]
    assert {admission.look(turn * 1.0, each) for turn, each in enumerate(seen)} == {FRUGAL}


def test_beyond_the_bound_idle_ones_go_in_batches_and_beyond_the_surplus_nobody_comes():
    assert to_evict(BOUNDS.connections + 1, BOUNDS) > 1
    assert may_accept(Figures(connections=BOUNDS.connections), BOUNDS)
    assert not may_accept(Figures(connections=BOUNDS.connections + BOUNDS.surplus), BOUNDS)
