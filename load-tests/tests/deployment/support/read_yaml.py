"""Reads YAML documents from stdin, writes them as one JSON list; merge keys and anchors are resolved."""

import json
import sys

import yaml

json.dump([document for document in yaml.safe_load_all(sys.stdin) if document is not None], sys.stdout, default=str)
