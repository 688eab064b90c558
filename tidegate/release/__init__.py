"""Releases, decided: what a release is, which steps it takes, what it is asked to prove. Pure.

A *release* puts one version of a service (the *candidate*) in the place of another (the *stable* one). `spec` is what was asked
and is never edited; `record` is where it stands, the only thing that is stored (`stored`); `seen` is what the edge observed.

* `strategies` turn a strategy and its options into steps.
* `advance.advance(release, seen, now) -> Release` makes at most one transition, from the record and what is seen: the same object if
  there is none. The edge commits the result, then asks again. All timers are times in the record.
* `acts.acts(release, seen) -> tuple[Act, ...]` is what there is to do, by the stored record only: intent goes before the deed, so
  a crash between any two writes or deeds resumes to the same end.
* `overlay.overlay(overrides, releases) -> Overrides` is what the builder takes: both sides move in one table.
* `verbs`: promote, pause, resume, abort, weights: (release, seen, ..., by) -> Release, or Conflict. `succession`: which release
  may follow which, rollback of a finished one, and what of the history is kept.
* `story` tells people what a release is going to do and what it waits for.
* `capacity` says what covers a share, `failures` what speaks against a candidate, `retreat` how the old side takes over again.

`gates` are what may be asked and the verdicts; `gate_text` reads them; `samples` are both sides' requests over the same time and
what follows from them; `judge` makes verdicts of both. Who asks whom, and when, is the edge's (`control`).

Must not happen here: I/O, clocks, randomness; a transition backwards; a weight raised for a side that nobody of is ready.
"""
