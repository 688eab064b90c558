"""What of a container's configuration is its own, and what its image gave it (pure).

The engine melts both together when it creates a container, and inspect shows the mixture. What equals the image's default is
taken for the image's, so that another image brings its own: its PATH, its command, its labels, its health check. Somebody who
set a value that was the default anyway gets the new default; that cannot be told apart.
"""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

_SCALARS = ("User", "WorkingDir", "StopSignal", "Shell")
_SETS = ("ExposedPorts", "Volumes")
_KEPT = ("Domainname", "Tty", "OpenStdin", "StdinOnce", "NetworkDisabled", "StopTimeout")


def own_config(config: Json, image: Json) -> Json:
    """The part of an inspected `Config` that the image's `Config` does not explain, fit for a create call."""
    found: Json = {key: config[key] for key in _KEPT if config.get(key)}
    found.update({key: config[key] for key in _SCALARS if config.get(key) and config[key] != image.get(key)})
    for key in _SETS:
        found[key] = {name: {} for name in config.get(key) or {} if name not in (image.get(key) or {})}
    found["Env"] = [entry for entry in config.get("Env") or [] if entry not in (image.get("Env") or [])]
    given = image.get("Labels") or {}
    found["Labels"] = {name: text for name, text in (config.get("Labels") or {}).items() if given.get(name) != text}
    found.update(_command(config, image))
    found.update(_healthcheck(config.get("Healthcheck") or {}, image.get("Healthcheck") or {}))
    if config.get("StopTimeout") == 0:
        found["StopTimeout"] = 0  # kill at once: not the same as not to say
    return found


def _command(config: Json, image: Json) -> Json:
    """Entrypoint and command. An entrypoint of one's own takes the image's command away, so one may hide in the other."""
    entrypoint, command = config.get("Entrypoint") or [], config.get("Cmd") or []
    given, given_command = image.get("Entrypoint") or [], image.get("Cmd") or []
    if entrypoint == given and command == given_command:
        return {}
    if entrypoint == given and command:
        return {"Cmd": command}
    # [""] is how an engine is told to have no entrypoint at all.
    own: Json = {"Entrypoint": entrypoint or [""]}
    return own | {"Cmd": command} if command else own


def _healthcheck(config: Json, image: Json) -> Json:
    """Field by field, as the engine melts it: one left out is the image's."""
    own = {key: value for key, value in config.items() if value and value != image.get(key)}
    return {"Healthcheck": own} if own else {}
