"""A stack as the admin API tells it, for the verbs that show it."""

from __future__ import annotations

from tests.support.cli import RECORDED

COMPOSE = """
name: shop
services:
  web:
    image: image:2
    labels: {aliyun.scale: "2"}
  db:
    image: image:1
"""
PATH = "/v1/stacks/shop"


def replica(name, state="ready", why="", **more):
    slot = int(name.rpartition("-")[2])
    known = {"key": f"shop/{name}", "slot": slot, "generation": 1, "node": "node-a", "container": "c0ffee" * 4}
    return (
        known | {"name": f"shop-{name}", "state": state, "why": why, "since": 1.0, "ended": 0, "current": True} | more
    )


def told(state="settled", *replicas, leftover=()):
    web = list(replicas) or [replica("web-1"), replica("web-2")]
    ready = sum(each["state"] == "ready" for each in web)
    members = [
        {"name": "web", "image": "image:2", "wanted": 2, "ready": ready, "everywhere": False, "replicas": web},
        {"name": "db", "image": "image:1", "wanted": 1, "ready": 1, "everywhere": False, "replicas": [replica("db-1")]},
    ]
    members = [{**each, "refused": ""} for each in members]
    return brief(state, ready + 1) | {
        "number": 1,
        "why": "",
        "networks": ["shop_default"],
        "volumes": ["shop_data"],
        "members": members,
        "leftover": list(leftover),
    }


def brief(state="settled", ready=3):
    known = {"name": "shop", "services": 2, "names": ["web", "db"], "wanted": 3, "ready": ready, "state": state}
    return known | {"who": "uid 0", "when": 1_700_000_000.0}


def answers(state="settled", *replicas, **more):
    """What an admin API with this stack answers."""
    return RECORDED | {"GET /v1/stacks": {"stacks": [brief(state)]}, f"GET {PATH}": told(state, *replicas)} | more
