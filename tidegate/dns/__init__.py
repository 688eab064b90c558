"""The DNS server: answers names of the mesh from the routing table, forwards the rest.

Words: a *question* is name + type + class as they stand in the packet; an *answer* is what we say to it, ready but for
id, flags and question; an *asker* is who asks, seen through the networks it stands on; a *view* is what such an asker
gets to see; a *zone* is what we are authoritative for.

Files, in the order of a query: `listener`, `bridges` (bound sockets) -> `datagram` / `connection` (read, batch, write; `octets`
are the calls on memory) -> `sheet` (what is asked most, written out) -> `desk`, for strangers by way of `gate` and `rate` ->
`zone` (the hot lookup in the `memo`, with `cookie` and `siphash`, then the long way) ->
`match` (a name's place), `tree` (names), `scoped` (names on a network), `view`, `access` and `host` (askers), `rrset` (what a name
says), `chain` (aliases), `record` (bytes), `special` (names the RFCs reserve) -> `wire` (parse a query, assemble a reply).
Foreign names: `cache` (what is known) -> `forward` (who waits for what) -> `inquiry` (one question on its way) -> `group`,
`standing` (whom to ask) -> `upstream`, `pipe`, `entropy` (asking) -> `message` (what came) -> `rebind` (what of it may pass)
and `failures`; `resolvconf` and `loop` tell who may be asked at all. `tally` counts where replies are made, `account`
tells the metrics, `querylog` writes lines; `explain` tells a person why an answer is what it is.

Must not happen here: a raw packet given to a DNS library; a name of our own zone sent upstream; a task per answer; a wait for an
upstream in the way of anybody who does not ask for its name.
"""
