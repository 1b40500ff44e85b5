-- Replays requests of a file (method, path, body on a line, tab-separated) with a bearer token.
local requests, at = {}, 0
for line in io.lines(os.getenv("BENCH_REQUESTS")) do
  local method, path, body = line:match("^(%S+)\t(%S+)\t(.*)$")
  local headers = { ["Authorization"] = "Bearer " .. os.getenv("BENCH_TOKEN"), ["Content-Type"] = "application/json" }
  requests[#requests + 1] = wrk.format(method, path, headers, body ~= "" and body or nil)
end

function request()
  at = at % #requests + 1
  return requests[at]
end

function done(summary, latency, _)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.timeout
  io.write(string.format("RESULT %d %d %d %d\n", summary.requests, summary.duration, errors.status, failed))
end
