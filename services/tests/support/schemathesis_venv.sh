#!/bin/sh
# Makes a Python virtual environment with the Schemathesis release that the document is tried with, once, and prints the
# path of its program. Its place: $DYNACLAIMZ_VENV, else the folder given as the first argument.
set -eu

version=4.32.5
venv=${DYNACLAIMZ_VENV:-$1}

if [ ! -e "$venv/ready-$version" ]; then
    mkdir -p "$(dirname "$venv")"
    # Tests run side by side: one makes the environment, the others wait for it.
    exec 9>"$venv.lock"
    flock 9
    if [ ! -e "$venv/ready-$version" ]; then
        if ! python3 -m venv --clear "$venv" >&2; then
            echo "Python cannot make virtual environments. Run once: apt-get install -y python3-venv" >&2
            exit 3
        fi
        "$venv/bin/pip" install --quiet --disable-pip-version-check "schemathesis==$version" >&2 || {
            echo "schemathesis $version cannot be installed from the Python package index (PyPI): is it reachable?" >&2
            exit 4
        }
        : >"$venv/ready-$version"
    fi
fi
echo "$venv/bin/schemathesis"
