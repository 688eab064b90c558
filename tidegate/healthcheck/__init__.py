"""Is an endpoint ready? `state` decides purely; `probes` ask; `checker` follows the endpoints there are and reports changes at once."""
