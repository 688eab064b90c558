#!/bin/sh
# The demo's service inside its image: busybox httpd and one CGI script. The twin of tidegate/example/service.py.
mkdir -p /www/cgi-bin
echo ok > /www/healthz
cat > /www/cgi-bin/index.cgi <<'CGI'
#!/bin/sh
body="$GREETING. This is $SERVICE${VERSION:+ $VERSION} on $(hostname)."
status="200 OK"
if [ -n "$CALLS" ]; then
  # Tidegate stands on this network's gateway: ask it for the name, then go where its answer points.
  gateway=$(ip route | sed -n 's/^default via \([^ ]*\).*/\1/p')
  address=$(nslookup -type=a "$CALLS" "$gateway:$DEMO_DNS_PORT" 2>/dev/null | sed -n 's/^Address: *\([0-9.]*\)$/\1/p' | tail -n 1)
  # (wget -T crashes in a static busybox, hence timeout)
  heard=$(timeout 3 wget -q -O - --header "Host: $CALLS" "http://${address:-unknown}:$DEMO_HTTP_PORT/" 2>&1) || status="502 Bad Gateway"
  body="$GREETING: $heard"
fi
printf 'Status: %s\r\nContent-Type: text/plain; charset=utf-8\r\nX-Demo-Service: %s\r\nContent-Length: %s\r\n\r\n%s\n' \
  "$status" "$SERVICE${VERSION:+ $VERSION}" "$((${#body} + 1))" "$body"
CGI
chmod +x /www/cgi-bin/index.cgi
httpd -f -p "${PORT:-7070}" -h /www &
server=$!
# As process 1 we must say ourselves that SIGTERM ends us; a request being answered gets its moment.
trap 'sleep 1; kill $server; exit 0' TERM INT
wait $server
