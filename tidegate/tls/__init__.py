"""TLS as both sides of it need it: which certificates there are, which one a client gets, and the bytes themselves.

Words: hello (a client's first words), pair (a certificate chain with its key), shelf (all pairs that are good now), stream
(one TLS connection). Control reads the shelf to tell what is wrong with it, each worker to serve from it; neither needs
the other. Must not happen here: an answer to a client from a pair or a client CA that was not checked as a whole."""
