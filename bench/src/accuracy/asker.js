// Asks the scripted server: k6's side of the proof of accuracy. SCENARIO says how many users, or how many a second.
import http from "k6/http";

export const options = {
  scenarios: { ask: JSON.parse(__ENV.SCENARIO) },
  summaryTrendStats: ["p(50)", "p(75)", "p(90)", "p(95)", "p(99)", "p(99.9)", "max"],
};

export default function () {
  http.get(__ENV.TARGET);
}

export function handleSummary(data) {
  const { http_req_duration: times, http_req_failed: failed } = data.metrics;
  return { stdout: JSON.stringify({ times: times.values, failed: failed.values.passes }) };
}
