"""Checks a JSON document against a JSON schema.

Input: {"schema": ..., "documents": [...]}. Prints a line for each document: nothing when it is valid, else what is wrong.
"""

import json
import sys

from jsonschema import Draft202012Validator

job = json.load(sys.stdin)
Draft202012Validator.check_schema(job["schema"])
validator = Draft202012Validator(job["schema"])
for document in job["documents"]:
    errors = sorted(validator.iter_errors(document), key=str)
    print("; ".join(f"{error.json_path}: {error.message[:200]}" for error in errors))
