"""The DNS server: questions on the wire (`wire`), answers from the table (`zone`), else cache or forwarder. Hostile bytes never reach dnslib on the hot path."""
