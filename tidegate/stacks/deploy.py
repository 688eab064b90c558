"""`deploy` of a service: how many, where, and how a new revision comes (pure). Its resources are read by `limits`."""

from __future__ import annotations

from typing import Any

from tidegate.placement.rule_text import Said, Unreadable, constraints, spread_key
from tidegate.stacks import values
from tidegate.stacks.findings import Findings
from tidegate.stacks.service import Update
from tidegate.value import Value
from tidegate.yamlfile import Path

_KEYS = frozenset({"replicas", "mode", "placement", "update_config", "restart_policy", "resources"})
_PLACEMENT = frozenset({"constraints", "preferences", "max_replicas_per_node"})
_UPDATE = frozenset({"parallelism", "delay", "monitor", "max_failure_ratio", "order", "failure_action"})
_RESTART = frozenset({"condition", "max_attempts"})
_ELSEWHERE = {
    "labels": "labels of a service mean nothing here: write those of its containers below labels:",
    "rollback_config": "a release that fails goes back by itself",
    "endpoint_mode": "say tidegate.dns: direct, proxy or one by label",
}


class Deploy(Value):
    """What is said; `replicas` and `update` None, `restart` empty where nothing is. `expressions` are constraints."""

    replicas: Any = None
    everywhere: bool = False
    expressions: tuple[str, ...] = ()
    spread: tuple[str, ...] = ()
    max_per_node: int = 0
    update: Update | None = None
    restart: str = ""


def deploy(findings: Findings, path: Path, value: Any) -> Deploy:
    """All of it but the resources. `replicas` is as written: it is one of several that say how many."""
    said = findings.mapping(path, value)
    for key in said:
        if key in _ELSEWHERE:
            findings.unsupported((*path, key), _ELSEWHERE[key])
    findings.rest(path, said, _KEYS | frozenset(_ELSEWHERE))
    placement = findings.mapping((*path, "placement"), said.get("placement"))
    findings.rest((*path, "placement"), placement, _PLACEMENT)
    most = placement.get("max_replicas_per_node", 0)
    return Deploy(
        replicas=said.get("replicas"),
        everywhere=_everywhere(findings, (*path, "mode"), said.get("mode")),
        expressions=_constraints(findings, (*path, "placement", "constraints"), placement.get("constraints")),
        spread=_spread(findings, (*path, "placement", "preferences"), placement.get("preferences")),
        max_per_node=values.whole(findings, (*path, "placement", "max_replicas_per_node"), most),
        update=_update(findings, (*path, "update_config"), said.get("update_config")),
        restart=_restart(findings, (*path, "restart_policy"), said.get("restart_policy")),
    )


def _everywhere(findings: Findings, path: Path, value: Any) -> bool:
    mode = values.scalar(value) or "replicated"
    if mode not in ("replicated", "global"):
        findings.unsupported(path, "use replicated or global")
    return mode == "global"


def _constraints(findings: Findings, path: Path, value: Any) -> tuple[str, ...]:
    found = []
    for index, item in enumerate(values.texts(findings, path, value)):
        meant: Said = constraints((item,))
        for problem in meant.problems:
            findings.adopt(problem, (*path, index))
        if not meant.problems:
            found.append(item if item.startswith("constraint:") else f"constraint:{item}")
    return tuple(found)


def _spread(findings: Findings, path: Path, value: Any) -> tuple[str, ...]:
    """`[{spread: node.labels.zone}]`."""
    found = []
    for index, item in enumerate(value if isinstance(value, list) else [value] if value is not None else []):
        here = (*path, index)
        wish = findings.mapping(here, item)
        findings.rest(here, wish, frozenset({"spread"}))
        if wish.get("spread") is None:
            continue
        try:
            found.append(spread_key(values.text(findings, (*here, "spread"), wish["spread"])))
        except Unreadable as fault:
            findings.adopt(fault.problem(str(wish["spread"])), (*here, "spread"))
    return tuple(found)


def _update(findings: Findings, path: Path, value: Any) -> Update | None:
    """`update_config`: said at all, replicas are replaced in turn, as in Swarm mode."""
    if value is None:
        return None
    said = findings.mapping(path, value)
    findings.rest(path, said, _UPDATE)
    orders = {"start-first": True, "stop-first": False, None: None}
    actions = {"rollback": True, "pause": False, "continue": None, None: None}
    order, action = said.get("order"), said.get("failure_action")
    if order not in orders:
        findings.wrong((*path, "order"), "start-first or stop-first", order)
    if action == "continue" or action not in actions:
        findings.unsupported((*path, "failure_action"), "use rollback or pause")
    return Update(
        rolling=True,
        parallelism=values.whole(findings, (*path, "parallelism"), said.get("parallelism", 1)),
        delay_seconds=values.seconds(findings, (*path, "delay"), said.get("delay", 0)),
        monitor_seconds=values.seconds(findings, (*path, "monitor"), said.get("monitor", 0)),
        failure_ratio=values.number(findings, (*path, "max_failure_ratio"), said.get("max_failure_ratio", 0)),
        start_first=orders.get(order),
        rollback=actions.get(action),
    )


def _restart(findings: Findings, path: Path, value: Any) -> str:
    """`restart_policy` as a policy of the engine; it knows no delay and no window."""
    said = findings.mapping(path, value)
    findings.rest(path, said, _RESTART)
    if not said:
        return ""
    attempts = values.whole(findings, (*path, "max_attempts"), said.get("max_attempts") or 0)
    policies = {
        "none": "no",
        "any": "unless-stopped",
        "on-failure": f"on-failure:{attempts}" if attempts else "on-failure",
    }
    condition = values.scalar(said.get("condition")) or "any"
    if condition not in policies:
        findings.wrong((*path, "condition"), "none, on-failure or any", said.get("condition"))
    return policies.get(condition, "")
