"""The `tidegate` command: one file per verb. Verbs talk to the admin API; `serve` is the one that imports `app`."""
