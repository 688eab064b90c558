# Two stages: the first compiles, the second has only Python, Tidegate and what Tidegate imports.
# BASE is any image with Python 3.11 or newer; BUILD_PACKAGES is what its apt-get must add to compile ("" for plain Python).
ARG BASE=python:3.11-slim

FROM ${BASE} AS build
ARG BUILD_PACKAGES="gcc libc6-dev"
RUN if [ -n "$BUILD_PACKAGES" ] && ! command -v gcc >/dev/null; then \
        apt-get update -qq && apt-get install -qq -y --no-install-recommends $BUILD_PACKAGES; \
    fi
WORKDIR /src
COPY setup.py pyproject.toml README.md LICENSE ./
COPY tidegate ./tidegate
# PIP_ARGS lets a build without network take its packages from a folder of wheels in the base image.
ARG PIP_ARGS=""
RUN python3 -m venv /opt/tidegate \
    && /opt/tidegate/bin/pip install --no-cache-dir --disable-pip-version-check $PIP_ARGS . \
    && /opt/tidegate/bin/pip uninstall -q -y pip setuptools

FROM ${BASE}
RUN mkdir -p /var/lib/tidegate /run/tidegate \
    && printf 'tidegate:x:900:900::/var/lib/tidegate:/usr/sbin/nologin\n' >>/etc/passwd \
    && printf 'tidegate:x:900:\n' >>/etc/group \
    && chown 900:0 /var/lib/tidegate /run/tidegate && chmod 770 /var/lib/tidegate /run/tidegate
COPY --from=build /opt/tidegate /opt/tidegate
ENV PATH=/opt/tidegate/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 TIDEGATE_STATE=/var/lib/tidegate
USER 900:900
VOLUME /var/lib/tidegate
EXPOSE 8080 8443 5353/udp 5353/tcp
STOPSIGNAL SIGTERM
# By the socket in the state folder, so that it holds whatever `--admin` says.
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
    CMD ["python3", "-c", "import os, socket; s = socket.socket(socket.AF_UNIX); s.settimeout(2); s.connect(os.environ['TIDEGATE_STATE'] + '/admin.sock'); s.send(b'GET /readyz HTTP/1.0\\r\\n\\r\\n'); raise SystemExit(b' 200 ' not in s.recv(64))"]
# Tidegate itself is not one of the services it finds.
LABEL tidegate.enable=false
ENTRYPOINT ["tidegate"]
CMD ["serve"]
