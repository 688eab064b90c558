"""Revisioned key-value store for what must survive: overrides, releases, last known state.

`port` is the interface (get, list, transaction with compare, watch that resumes, lease); `bounds` says what fits into a transaction
on any store; `opening` opens the one that the settings name. A write is durable before its effect is visible.

*Embedded*, one host: `sqlite` on `database` on `datafile`, with `watch` to tell of changes.

*Cluster*, etcd v3: `etcd` is the store; `session` asks its members, one after the other, in the words of `gateway`; `commit` has a transaction
happen once though its answer is lost; `etcd_watch` goes on where another stream stopped; `ground` says where keys lie; `faults` names what goes wrong.
`filling` puts a whole store in force at once, and `moving` fills it from the embedded one. `upkeep` keeps the history short, by the leader;
`recall` keeps what it said last, for a start while it is away (`sealed`: a file that is whole or not believed).
"""
