"""Checks a compose file (YAML on stdin) against the schema given as the first argument; one line for each mistake."""

import json
import sys

import jsonschema
import yaml

with open(sys.argv[1], encoding="utf-8") as file:
    schema = json.load(file)
mistakes = list(jsonschema.Draft201909Validator(schema).iter_errors(yaml.safe_load(sys.stdin)))
for mistake in mistakes:
    print(f"{mistake.json_path}: {mistake.message}", file=sys.stderr)
sys.exit(1 if mistakes else 0)
