"""What runs containers. `port.py` is the interface; `docker.py` speaks the Engine API; `process.py` is embedded.

Errors from outside become `EngineError`/`EngineUnreachable`/`NoSuchThing` here, once. Nothing above this package knows
HTTP status codes of an engine or sees an aiohttp exception.
"""
