"""HTTP/1 on the wire: values (`events`), bytes to head (`parser`), head to bytes (`writer`). Sans-io and compiled; knows nothing of sockets, routes or tables."""
