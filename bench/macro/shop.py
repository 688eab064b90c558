"""The stack of `hosts`: six services, four of them with a route, as one describes them who has several hosts."""

from __future__ import annotations

import json
from typing import Any

from tests.support.containers import PYTHON, PYTHON_PATH, SERVER

NAME = "shop"
ROUTED = ("web", "api", "admin", "static")
ROAMING = {"web": 10, "api": 4, "admin": 2, "worker": 2}  # what may run on any node, and how many of it


TICK = "tick "
# Beside what it serves, for who reads logs: a line twice a second, numbered.
_TICKING = f"""
import itertools, threading, time
def tell():
    for number in itertools.count(1):
        print("{TICK}%d" % number, flush=True)
        time.sleep(0.5)
threading.Thread(target=tell, daemon=True).start()
"""
_TELLING = ("worker", "static")


def site(service: str) -> str:
    """The host of a service's route."""
    return f"{service}.{NAME}.test"


def internal(service: str) -> str:
    """The name that containers call it by."""
    return f"{service}.{NAME}.mesh.internal"


def compose(version: str = "1") -> str:
    """The file. Another `version` makes other containers of `web`."""
    renewed = {"monitor": "2s", "parallelism": 2}
    services = {
        "web": _service("web", f"VERSION={version}", "availability:az==~3", update_config=renewed),
        "api": _service("api") | {"restart": "unless-stopped"},
        "admin": _service("admin"),
        "worker": _service("worker"),
        "static": _service("static", mode="global"),
        "db": _service("db") | {"volumes": ["data:/data"]},
    }
    return json.dumps({"name": NAME, "services": services, "volumes": {"data": {}}})


def _service(name: str, *environment: str, **deploy: Any) -> dict[str, Any]:
    route = {"tidegate.probe.url": "http://container/healthz", "aliyun.routing.port_80": f"http://{site(name)}"}
    program = _TICKING + SERVER if name in _TELLING else SERVER
    count = {"replicas": ROAMING[name]} if name in ROAMING else {}
    return {
        "image": PYTHON,
        "command": [PYTHON_PATH, "-S", "-c", program.replace("$", "$$"), name, "80", "0"],
        "environment": list(environment),
        "labels": route if name in ROUTED else {},
        "deploy": {**count, **deploy},
    }
