"""How many replicas a service is to have, from what is measured and what its labels say. Pure.

    seen.py     what is known now: replicas with their figures, the service's traffic, what could not be had
    record.py   what is remembered between looks, and stored: the open period, streaks, advice given, changes made
    stepping.py the original system's way: means over periods, so many more or fewer
    periods.py  its periods and streaks
    targets.py  Kubernetes' way: as many as bring the mean to its target; one proposal per metric
    steady.py   which of them is followed: what was right a while ago, and how fast it may go
    decide.py   both behind one door: bounds, zero, releases under way
    victims.py  which copies leave
    words.py    figures in words
    stored.py   the record as JSON

A *look* is one call of `decide`: (policy, sight, record, now) -> (record, decision). It never waits and never acts; what it
gives is stored and then carried out by others, so whoever reads the record goes on from there. Every decision, also that
nothing is done, says why with its numbers.
"""
