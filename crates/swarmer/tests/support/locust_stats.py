"""Feeds recorded samples to Locust's own statistics classes and prints what Locust makes of them, as JSON.

Input: {"start": epoch seconds, "events": [...]}; an event is a sample ({"at", "method", "name", "ms" or null, "bytes",
"error" or null, "reason" or null}) or a tick ({"tick": epoch seconds}).
"""

import csv
import io
import json
import sys
import tempfile
import time
from types import SimpleNamespace

import locust.stats as stats
from locust.exception import CatchResponseError

job = json.load(sys.stdin)
clock = job["start"]
stats.time = SimpleNamespace(**{**vars(time), "time": lambda: clock})

recorded = stats.RequestStats(use_response_times_cache=True)
runner = SimpleNamespace(user_count=3, exceptions=job["exceptions"], stats=recorded)
environment = SimpleNamespace(stats=recorded, runner=runner)

histories = {}
writers = {}
for full in (False, True):
    folder = tempfile.mkdtemp()
    writers[full] = stats.StatsCSVFileWriter(environment, stats.PERCENTILES_TO_REPORT, folder + "/x", full)
    histories[full] = io.StringIO(newline="")
    csv.writer(histories[full]).writerow(writers[full].stats_history_csv_columns)

for event in job["events"]:
    if "tick" in event:
        clock = event["tick"]
        for full, writer in writers.items():
            writer._stats_history_data_rows(csv.writer(histories[full]), clock)
        continue
    clock = event["at"]
    recorded.log_request(event["method"], event["name"], event["ms"], event["bytes"])
    if event["reason"] is not None:
        recorded.log_error(event["method"], event["name"], CatchResponseError(event["reason"]))
    elif event["error"] is not None:
        recorded.log_error(event["method"], event["name"], event["error"])


def table(write):
    out = io.StringIO(newline="")
    write(csv.writer(out))
    return out.getvalue()


files = stats.StatsCSV(environment, stats.PERCENTILES_TO_REPORT)
lines = [stats.get_stats_summary(recorded, current=current) for current in (True, False)]
lines += [stats.get_percentile_stats_summary(recorded), stats.get_error_report_summary(recorded)]
json.dump(
    {
        "stats": table(files.requests_csv),
        "failures": table(files.failures_csv),
        "exceptions": table(files.exceptions_csv),
        "history": histories[False].getvalue(),
        "full_history": histories[True].getvalue(),
        "tables": ["\n".join(table) for table in lines],
        "quoted": [repr(text) for text in job["texts"]],
        "floats": [repr(number) for number in job["floats"]],
        # The last, because Locust takes the figures out while it writes them.
        "json": recorded.serialize_stats(),
    },
    sys.stdout,
)
