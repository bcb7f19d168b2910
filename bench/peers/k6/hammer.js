// The journey of `hammer`, written for k6: users who ask for one page again and again.
import http from "k6/http";

export default function () {
  http.get(__ENV.TARGET);
}

export function handleSummary(data) {
  const { http_reqs: requests, http_req_failed: failed } = data.metrics;
  return { stdout: JSON.stringify({ requests: requests.values, failed: failed.values }) };
}
