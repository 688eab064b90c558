"""Settings of the whole process: its workers, files, state, node and log."""

from __future__ import annotations

from tidegate.cli import address
from tidegate.cli.catalogue.row import Setting
from tidegate.cli.reading import (
    boolean,
    header_line,
    listener,
    needed,
    one_of,
    seconds_or_off,
    size,
    store_url,
    text,
    without_password,
)

PROCESS: tuple[Setting, ...] = (
    Setting(
        key="workers",
        flag="--workers",
        meta="N",
        read=size(0, 256),
        help="Worker processes; 0 keeps all in one process.",
    ),
    Setting(
        key="files",
        flag="--file",
        meta="PATH",
        many=True,
        read=needed,
        help="Static services and routes; watched for changes.",
    ),
    Setting(key="state.folder", flag="--state", meta="DIR", read=needed, help="Folder for what survives a restart."),
    Setting(
        key="state.store",
        flag="--store",
        meta="URL",
        read=store_url,
        masked=without_password,
        help="Cluster store, etcd://host:port (default: SQLite in the state folder).",
    ),
    Setting(key="node.name", flag="--node", meta="NAME", read=needed, help="Our name among the nodes."),
    Setting(key="node.zone", flag="--zone", meta="NAME", read=text, help="The zone we stand in."),
    Setting(
        key="node.address",
        flag="--advertise",
        meta="IP",
        read=address.literal,
        help="Where others reach our host's network and published ports (default: seen from the store).",
    ),
    Setting(
        key="node.labels",
        flag="--node-label",
        meta="NAME=VALUE",
        many=True,
        read=header_line,
        help="What constraints of stacks may ask of our node.",
    ),
    Setting(
        key="cluster.peers",
        flag="--peers",
        meta="ADDR:PORT",
        many=True,
        read=listener(address.ANY),
        help="Where routers of other nodes ask for our containers; 'off' for nowhere. Only with --store.",
    ),
    Setting(
        key="cluster.routable",
        flag="--routable",
        meta="NETWORK",
        many=True,
        read=needed,
        help="Networks, by name or range, whose container addresses all nodes reach.",
    ),
    Setting(
        key="log_level",
        flag="--log-level",
        meta="LEVEL",
        read=one_of("debug", "info", "warning", "error"),
        help="debug, info, warning or error.",
    ),
    Setting(
        key="processes",
        flag="--processes",
        meta="yes|no",
        read=boolean,
        help="Run stacks as local processes, without containers.",
    ),
    Setting(
        key="stack",
        flag="--stack",
        meta="FILE",
        read=text,
        help="Run this Compose-like file from start to end, on Docker where one is followed, else embedded.",
    ),
    Setting(
        key="watchdog_seconds",
        read=seconds_or_off,
        help="For a process to stand still before it is replaced; 'off' for ever.",
    ),
)
