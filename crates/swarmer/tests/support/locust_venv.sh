#!/bin/sh
# Makes a Python virtual environment with the Locust release we compare with, once, and prints the path of its python.
# Its place: $SWARMER_VENV, else the folder given as the first argument. Exit code 3: Python cannot make environments
# (Debian: apt-get install python3-venv).
set -eu

version=2.47.0
# Checks our own JSON documents against their schema.
jsonschema=4.26.0
ready=ready-$version-$jsonschema
venv=${SWARMER_VENV:-$1}

if [ ! -e "$venv/$ready" ]; then
    mkdir -p "$(dirname "$venv")"
    # Tests run side by side: one makes the environment, the others wait for it.
    exec 9>"$venv.lock"
    flock 9
    if [ ! -e "$venv/$ready" ]; then
        python3 -m venv --clear "$venv" >&2 || exit 3
        "$venv/bin/pip" install --quiet --disable-pip-version-check "locust==$version" "jsonschema==$jsonschema" >&2
        : >"$venv/$ready"
    fi
fi
echo "$venv/bin/python"
