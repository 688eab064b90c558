"""Stacks: what a Compose file says, understood; what there should be of it, and what has to be done about it.

reader         a file to a `ComposeFile` (`file`), all that is wrong with it named at its line (`findings`)
service_reader one service of it to a `StackService` (`service`), by ports, mounts, networks, limits, isolation, health, deploy, dependencies
interpolation  `${VAR}` in all its forms; envfile  files of variables; values  single values in every form people write them in
extends        what services inherit; extensions  what labels say to the stack; linking  by which names services call each other
modes          whose network, processes or memory a container shares; sharing  on which container such a replica stands
fingerprint    when a container is another one; field_changes  what of it differs; ground  networks and volumes to be made

A *stack* as it is stored is a set of *members* (`stack`), each one service of a file (`understood`); `changes` tells what putting it up
would change. For each replica the leader writes a *place* (`placement.replica.Place`), decided by `placement.planning` from one `picture` of
the store; the place's node does what `step` says and writes a *report* (`report`). Places and reports are the only way between the two, so
that it does not matter where they run, or how often they start anew. `naming` says how containers are called and found again.

Nothing here speaks to an engine or a store: files are read, values come out.
"""
