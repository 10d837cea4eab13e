-- Repeats one POST and prints its figures as a line of JSON. CALL_BODY and CALL_AUTHORIZATION say what to send.
wrk.method = "POST"
wrk.headers["content-type"] = "application/json"
wrk.headers["authorization"] = os.getenv("CALL_AUTHORIZATION")
wrk.body = os.getenv("CALL_BODY")

function done(summary, latency, requests)
  local failed = summary.errors.status + summary.errors.read + summary.errors.write
    + summary.errors.timeout + summary.errors.connect
  io.write(string.format(
    'FIGURES {"answered":%d,"failed":%d,"duration_us":%d,"p50_us":%.0f,"p99_us":%.0f}\n',
    summary.requests, failed, summary.duration, latency:percentile(50), latency:percentile(99)))
end
