"""The data plane: a downstream connection's bytes become exchanges, an exchange claims an upstream, bytes flow back.

Words: listener (bound socket), downstream (client side), upstream (container side: an endpoint and its idle links), connection (one HTTP/1.1 link to it), sink (who takes its response), exchange (one request/response pair), balancer (who is next), tunnel (after an upgrade). No await between reading the table and claiming an upstream."""
