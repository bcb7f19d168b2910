"""Starts, polls, changes, stops and downloads through Locust's REST interface, and tells the shapes of what came back.

Usage: locust_web.py URL    The same script talks to Locust and to this engine; what it prints is compared.
"""

import json
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

BASE = sys.argv[1]
HEADERS = ["Content-Type", "Allow", "Location"]


class Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}), Stay)


def call(method, path, form=None, data=None, kind=None):
    if form is not None:
        data, kind = urllib.parse.urlencode(form, doseq=True).encode(), "application/x-www-form-urlencoded"
    request = urllib.request.Request(BASE + path, data=data, method=method)
    if kind:
        request.add_header("Content-Type", kind)
    try:
        reply = OPENER.open(request, timeout=60)
    except urllib.error.HTTPError as error:
        reply = error
    return reply.status, reply.headers, reply.read().decode()


def shape(value):
    """Keys and types; whole numbers and fractions are one type, as Locust itself mixes them."""
    if isinstance(value, dict):
        return {key: shape(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    if isinstance(value, bool) or value is None:
        return type(value).__name__
    return "number" if isinstance(value, (int, float)) else type(value).__name__


def told(reply, body=True):
    status, headers, text = reply
    seen = {name: headers[name] for name in HEADERS if headers[name]}
    seen["Content-Type"] = seen.get("Content-Type", "").split(";")[0]
    if "Allow" in seen:
        seen["Allow"] = sorted(word.strip() for word in seen["Allow"].split(","))
    result = {"status": status, "headers": seen}
    if seen["Content-Type"] == "application/json":
        result["shape"] = shape(json.loads(text))
        result["ends"] = text.endswith("}\n") and text.startswith("{\n  ")
    elif body:
        result["text"] = text
    return result


def start(**form):
    """A reply to /swarm in full: its words are part of the interface."""
    status, _, text = call("POST", "/swarm", form)
    reply = json.loads(text)
    reply["host"] = "set" if reply["host"] else reply["host"]
    return [status, reply]


def until(condition):
    for _ in range(300):
        stats = json.loads(call("GET", "/stats/requests")[2])
        if condition(stats):
            return stats
        time.sleep(0.1)
    sys.exit(f"never came true: {stats}")


out = {"before": told(call("GET", "/stats/requests"))}
out["bad starts"] = [
    start(user_count="abc", spawn_rate="1"),
    start(user_count="1", spawn_rate="x"),
    start(user_count="-1", spawn_rate="1"),
    start(user_count="1", spawn_rate="0"),
    start(user_count="1", spawn_rate="nan"),
    start(user_count="1"),
    start(spawn_rate="1"),
    start(user_count="1", spawn_rate="1", run_time="5 parsecs"),
    start(),
]
out["start"] = start(user_count="4", spawn_rate="20")
stats = until(lambda s: s["state"] == "running" and len(s["stats"]) == 4 and s["errors"])
out["running"] = shape(stats)
out["order"] = [[row["method"], row["name"]] for row in stats["stats"]]
out["users"] = stats["user_count"]
out["change"] = start(user_count="2", spawn_rate="20")
out["changed"] = until(lambda s: s["user_count"] == 2)["state"]
out["replies"] = {
    path: told(call("GET", path), body=False)
    for path in ["/", "/exceptions", "/tasks", "/logs", "/worker-count", "/stats/report", "/login"][:6]
}
csv = {}
for path in ["/stats/requests/csv", "/stats/failures/csv", "/exceptions/csv"]:
    status, headers, text = call("GET", path)
    name = headers["Content-Disposition"]
    csv[path] = [status, headers["Content-Type"].split(";")[0], name.split("filename=")[0], name.rsplit("_", 1)[1],
                 text.split("\r\n")[0]]
out["csv"] = csv
status, _, _ = call("GET", "/stats/requests_full_history/csv")
out["no history"] = status
out["reset"] = told(call("POST", "/stats/reset"))
out["stop"] = told(call("POST", "/stop"))
out["stopped"] = until(lambda s: s["state"] == "stopped")["user_count"]
out["methods"] = {
    f"{method} {path}": told(call(method, path), body=False)
    for method, path in [
        ("GET", "/swarm"), ("GET", "/stop"), ("GET", "/stats/reset"), ("DELETE", "/stats/requests"),
        ("OPTIONS", "/swarm"), ("OPTIONS", "/stats/requests"), ("HEAD", "/stats/report"), ("GET", "/nowhere"),
        ("GET", "/stats/distribution/csv"), ("GET", "/assets/none.js"),
    ]
}
out["user"] = [
    call("POST", "/user", data=json.dumps(body).encode(), kind="application/json")[0]
    for body in [{"user_class_name": "Buyer", "weight": 2}, {"user_class_name": "Nobody"}]
]
out["with a limit"] = start(user_count="1", spawn_rate="5", run_time="2s")
time.sleep(4)  # Locust shows figures up to two seconds old: so short a run may pass unseen.
until(lambda s: s["state"] == "stopped")
print(json.dumps(out, indent=1, sort_keys=True))
