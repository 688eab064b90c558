"""Many nodes as one: who is there, who leads, and what the others see. The store is the only way between nodes.

A *node* is one `tidegate serve`. It is there for as long as its *lease* is kept: `nodes/<node>/live` and what it has
published hang on it. The *leader* is whoever holds `leader`; each of its writes compares that key (*fencing*), so that one
who was frozen and does not know yet that another leads writes nothing.

`keys` names what is in the store; `lease` keeps a lease and knows until when it is sure; `membership` joins and stays;
`following` mirrors what is below a prefix; `nodes` is who is there; `leadership` leads, or waits to;
`clocks` knows whose clock is off; `straits` tells what becomes of the store itself.

What must not happen here: a call from node to node that has effects; a decision by the wall clock; an answer to a lost
store other than to go on with what is known.
"""
