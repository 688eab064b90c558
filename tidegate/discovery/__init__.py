"""Who sees what: providers watch a source (an engine, a file) and publish what they see as `Inventory` values.

Words: a *provider* watches one source; a *label* is what a container says of itself; a *claim* is a route that a label
asks for; a container is *quarantined* when a label that decides about its traffic is wrong.

Files, pure first: `complaints` `values` `hosts` `routes` `probe` `vocabulary` `labels` (the label language), `catalog`
(what is seen, with sharing between inventories); then `provider` (the interface), `docker` (follows an engine),
`statics` and `file` (the watched YAML file).

Must not happen here: deciding what is routed (that is the reconciler's), or trusting an event (events are only hints).
"""
