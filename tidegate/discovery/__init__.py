"""Who sees what: providers watch a source (an engine, a file) and publish what they see as `Inventory` values.

Words: a *provider* watches one source; a *label* is what a container says of itself; a *claim* is a route that a label
asks for; a container is *quarantined* when a label that decides about its traffic is wrong.

Files, pure first: `complaints` `values` `hosts` `routes` `probe` `attributes` `vocabulary` `labels` (the label language), `statics`
(the static file), `catalog` (what is seen, shared between inventories), `grounds` `sightings` `agenda` `endings` (what is known of
an engine, what to look at next, which lives ended); then `provider` (the interface), `docker` (follows an engine) and
`file` (watches a file).

Must not happen here: deciding what is routed (that is the reconciler's), or trusting an event (events are only hints).
"""
