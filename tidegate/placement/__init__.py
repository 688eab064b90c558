"""Placement, decided: which node runs which replica, and what happens when a node goes. Pure.

A *demand* is what one revision of a stack's service wants (`demand`), a *node* is facts about one host (`node`), a *place* is the
stored order to run one replica on one node, and a *replica* is a place with what its node says of it (`replica`).

* `rules` are the conditions that people put on nodes and neighbours, `rule_text` reads them.

Must not happen here: I/O, clocks, randomness. Everything is a function of (state, now, seed); timers are stored as deadlines.
"""
