"""The page at / of the admin listener. Reads what it is given; writes nothing."""
