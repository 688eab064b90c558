-- wrk script. Arguments: number of extra request headers, host, and optionally a file with one host per line to cycle through.
local names = {
  {"User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"},
  {"Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"},
  {"Accept-Language", "en-US,en;q=0.5"},
  {"Accept-Encoding", "gzip, deflate, br, zstd"},
  {"Referer", "http://www.bench.test/catalogue/page?number=17"},
  {"Cookie", "session=4f1c9a7e5b3d4c2f8a6e0b1d; theme=dark; consent=yes"},
  {"Cache-Control", "no-cache"},
  {"Pragma", "no-cache"},
  {"Sec-Fetch-Dest", "document"},
  {"Sec-Fetch-Mode", "navigate"},
  {"Sec-Fetch-Site", "same-origin"},
  {"X-Request-Id", "0b8a3b0e-5c3e-4c58-9a3c-2f8a9be3d6a1"},
}
local requests = {}
local turn = 0

init = function(args)
  for index = 1, tonumber(args[1]) do
    wrk.headers[names[index][1]] = names[index][2]
  end
  wrk.headers["Host"] = args[2]
  if args[3] then
    for host in io.lines(args[3]) do
      wrk.headers["Host"] = host
      requests[#requests + 1] = wrk.format()
    end
    request = function()
      turn = turn % #requests + 1
      return requests[turn]
    end
  end
end

done = function(summary, latency, _)
  local errors = summary.errors
  io.write(string.format(
    "RESULT requests=%d seconds=%.6f bytes=%d p50_ms=%.4f p99_ms=%.4f bad_status=%d broken=%d\n",
    summary.requests, summary.duration / 1e6, summary.bytes, latency:percentile(50) / 1e3,
    latency:percentile(99) / 1e3, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout))
end
