"""Route filters: what is refused or changed between a client and a container, resolved when the table is taken over.

Follow one request: `chain.py` holds the steps of one route in their order and runs them; each step is one module here. All
of it is pure: `ask.py` is the request as steps see it, `answer.py` what a step answers instead of the container. What must
be asked outside (a password hash, an authority) leaves the chain as a question and comes back with its outcome.

A route without filters has no chain, and pays one test for it.
"""
