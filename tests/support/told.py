"""What the admin API says of a release, as the command gets it."""

from __future__ import annotations

STEPS = [
    {"candidates": 1, "share": share, "stables": 2, "hold_seconds": 60.0, "confirm": share == 100, "stop_first": False}
    for share in (5, 25, 50, 100)
]


def container(name, *, ready=True, state="running"):
    return {"id": name, "name": name, "number": 1, "node": "", "state": state, "ready": ready, "fate": ""}


def told(
    state="shifting",
    *,
    step=1,
    share=25.0,
    summary=None,
    paused=None,
    verdicts=(),
    moments=(),
    number=3,
    reason="",
    fetches=(),
):
    """One release of shop/web from v1 to v2, as `GET /v1/releases/shop/web` has it under `current`."""
    history = [
        {"when": 1790000000.0, "who": "ann", "what": "canary from v1 to v2 asked for", "why": "faster"},
        {"when": 1790000010.0, "who": "tidegate", "what": "share 5 %", "why": ""},
        *moments,
    ]
    spec = {
        "service": "shop/web",
        "strategy": "canary",
        "stable": {"service": "shop/web", "version": "v1", "image": "shop:1"},
        "candidate": {"service": "shop/web", "version": "v2", "image": "shop:2"},
        "steps": STEPS,
    }
    release = {
        "number": number,
        "spec": spec,
        "state": state,
        "step": step,
        "share": share,
        "paused": paused,
        "reason": reason,
        "history": history,
    }
    seen = {
        "stable": [container("web-1"), container("web-2")],
        "candidate": [container("web-v2-1"), container("web-v2-2", ready=False), container("gone", state="stopped")],
        "verdicts": list(verdicts),
        "fetches": list(fetches),
        "remaining_seconds": 42.0 if state == "shifting" else None,
    }
    summary = summary or f"{state}, step {step + 1} of 4, v2 has {share:g}%"
    return {
        "service": "shop/web",
        "number": number,
        "state": state,
        "summary": summary,
        "release": release,
        "seen": seen,
    }


def found(current, *earlier):
    return {"service": "shop/web", "current": current, "earlier": [each["release"] for each in earlier]}


FETCHING = {"node": "docker", "image": "shop:2", "said": "Downloading", "layers_done": 2, "layers": 5}
FETCHING |= {"done_bytes": 12_000_000, "total_bytes": 31_400_000}
SUCCESS = {"gate": "success", "outcome": "pass", "text": "99.9 % of 812 requests, stable 99.8 % of 15210"}
LATENCY = {"gate": "latency", "outcome": "fail", "text": "p99 400 ms, stable 90 ms"}
COMPLETE = told("complete", step=3, share=100.0, summary="complete")
BACK = told("rolled-back", share=0.0, summary="rolled-back: latency: p99 400 ms, stable 90 ms", verdicts=[LATENCY])
WAITING = told("awaiting-confirm", step=3, share=100.0, summary="v2 has 100% and waits for you: promote or abort")
PLAN = {
    "service": "shop/web",
    "number": 0,
    "dry_run": True,
    "revision": "abc1",
    "plan": ["1 replica of v2 started", "5 % of the traffic to v2", "the containers of v1 are removed 300 s later"],
    "spec": {},
    "warnings": [],
}
