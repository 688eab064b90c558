"""Placement, decided: which node runs which replica, and what happens when a node goes. Pure.

A *demand* is what one revision of a stack's service wants (`demand`), a *node* is facts about one host (`node`), a *place* is the
stored order to run one replica on one node, and a *replica* is a place with what its node says of it (`replica`). All of them together
are a `scene`; what the leader remembers besides is the `memory`.

* `planning.plan(scene, memory, now, seed, leader_since) -> Plan` is the leader's whole round: everything that is to be written.
* `place.place(pending, scene, now, seed) -> Decision` decides nodes for slots: `filters`, `neighbours`, `zones` say which nodes may take a
  replica, `scores` which one is best, `tally` keeps count.
* `explain.explained(slot, scene, seed) -> Explanation` says why, in values and in words (`saying`).
* `rules` are the conditions that people put on nodes and neighbours, `rule_text` reads them.
* Parts of a round, which work on one `round.Round`: `handover` (a slot with two places), `slots` (how many), `recovery` (nodes that are gone,
  by the rules of `reschedule`), `renewal` (another revision), `drain`, `victims`, `rebalance`. What is remembered: `standing` of nodes, `brake`, `failures`.

Must not happen here: I/O, clocks, randomness. Everything is a function of (state, now, seed); timers are stored as deadlines.
"""
