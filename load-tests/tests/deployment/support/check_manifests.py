"""Checks Kubernetes manifests (YAML on stdin) against the schemas of the version given as the first argument, unknown
fields included; prints how many there were, or one line for each mistake."""

import json
import sys

import kubernetes_validate
import yaml

manifests = [manifest for manifest in yaml.safe_load_all(sys.stdin) if manifest is not None]
mistakes = 0
for manifest in manifests:
    try:
        kubernetes_validate.validate(manifest, sys.argv[1], strict=True)
    except (kubernetes_validate.ValidationError, kubernetes_validate.SchemaNotFoundError) as error:
        mistakes += 1
        print(f"{manifest['kind']} {manifest['metadata']['name']}: {error}", file=sys.stderr)
json.dump(len(manifests), sys.stdout)
sys.exit(1 if mistakes else 0)
