"""`python -m bench.storms`: plays the clusters named on standard input, a line `small SEED` or `full SEED` each, and tells of each one in a
line of JSON. No package is imported but what is played, so that another interpreter can run it (`bench.simulation`)."""

from __future__ import annotations

import json
import sys

from tests.support.cluster_stories import large, large_storm, small, storm

STORIES = {"small": (small, storm), "full": (large, large_storm)}


def played(size: str, seed: int) -> dict:
    """What was checked, by law, and what was `said` of one that was broken; counts of plans, writes and virtual seconds."""
    cluster, story = STORIES[size]
    world, rng = cluster(seed)
    began, said = world.now, ""
    try:
        story(world, rng)
    except AssertionError as fault:
        said = str(fault)[:500]
    counts = {"plans": world.plans, "writes": world.writes, "seconds": int(world.now - began)}
    return {"size": size, "seed": seed, "said": said, "checks": world.laws.checks, "counts": counts}


def main() -> None:
    """Until the input ends."""
    for line in sys.stdin:
        size, seed = line.split()
        json.dump(played(size, int(seed)), sys.stdout, sort_keys=True)
        sys.stdout.write("\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
