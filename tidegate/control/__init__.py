"""Decides and acts: the reconciler builds and publishes tables, and everything that asks or tells it.

Words: an *override* is what an operator set at run time (`overrides`); the *journal* is what happened, newest kept
(`journal`); the *memory* is the last table and health on disk (`snapshot`); a *document* is a value as JSON
(`document`). `plane` puts the parts together; `admin` holds the handlers of the API, `api` the layer they stand on,
`guard` who may ask, `stream` server-sent events; `explain` says why, purely; `metrics` counts and renders.

Releases: `releasebook` has the records, `releases` all that are open, `runner` one of them (look: `sighting`, `lookout`; ask: `gating`; do:
`executor`); `planning` makes a spec of what was asked, `automatic` of what labels say. What one is asked: `windows` are both sides' requests over the same time, `gatekeeper` asks all gates of a step (`asking`),
`promql` and `hooks` those that others answer; `webhooks` tells what happened. All requests to others go by `outgoing`.

Only the reconciler publishes tables. Must not happen here: per-request work; talking to engines.
"""
