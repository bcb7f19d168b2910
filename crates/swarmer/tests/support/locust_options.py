"""Lets Locust's own parser read command lines, and prints what it made of them, as JSON.

Input: {"lines": [{"args": [...], "env": {...}, "conf": text of ./locust.conf or null}, ...]}.
"""

import contextlib
import io
import json
import os
import sys
import tempfile

from locust.argument_parser import get_parser

job = json.load(sys.stdin)
os.chdir(tempfile.mkdtemp())
os.environ["HOME"] = os.getcwd()
sys.argv[0] = "locust"


def read(line):
    kept = dict(os.environ)
    os.environ.update(line["env"])
    if line["conf"] is not None:
        with open("locust.conf", "w", encoding="utf-8") as file:
            file.write(line["conf"])
    said = io.StringIO()
    code, values = 0, {}
    try:
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
            options = get_parser().parse_args(line["args"])
            # As the program does after the parser.
            if options.stats_history_enabled and options.csv_prefix is None:
                get_parser().error("'--csv-full-history' requires '--csv'.")
            values = vars(options)
    except SystemExit as end:
        code = end.code
    finally:
        os.environ.clear()
        os.environ.update(kept)
        if line["conf"] is not None:
            os.remove("locust.conf")
    return {"code": code, "said": said.getvalue(), "values": values}


actions = [
    {
        "flags": action.option_strings,
        "env": action.env_var,
        "default": None if action.default == "==SUPPRESS==" else action.default,
        "is_flag": action.nargs == 0,
        "is_hidden": action.help == "==SUPPRESS==",
    }
    for action in get_parser()._actions
]
json.dump({"actions": actions, "lines": [read(line) for line in job["lines"]]}, sys.stdout, default=str)
