"""What may be said of a route, by label, file or admin API: one vocabulary, one grammar, one way to merge. Pure.

A *setting* is a dotted name and its text (`timeout.connect_seconds`, `1`); what a place says is a flat mapping of them.
`rows` is the table of names: to which field of `policy.Policy` each leads, and what kind of value it takes (`kinds`);
`vocabulary` says which names belong together. `reading` turns what was written into canonical text, or says what is wrong; `layers` lays mappings over each
other; `policies` makes the `Policy` of a mapping, and the mapping of a `Policy`.

Must not happen here: raising on anything an operator or a container wrote; a value that could split a header or a log
line, name a file of the host, or reach another address because a label says so.
"""
