#!/bin/sh
# Makes a Python virtual environment with what reads and checks compose files and Kubernetes manifests, once, and prints
# the path of its Python. Its place: the folder given as the first argument.
set -eu

wanted="kubernetes-validate==1.37.0 PyYAML==6.0.2 jsonschema==4.25.1"
venv=$1
ready=$venv/ready-$(echo "$wanted" | cksum | cut -d' ' -f1)

if [ ! -e "$ready" ]; then
    mkdir -p "$(dirname "$venv")"
    # Tests run side by side: one makes the environment, the others wait for it.
    exec 9>"$venv.lock"
    flock 9
    if [ ! -e "$ready" ]; then
        if ! python3 -m venv --clear "$venv" >&2; then
            echo "Python cannot make virtual environments. Run once: apt-get install -y python3-venv" >&2
            exit 3
        fi
        # shellcheck disable=SC2086 # words on purpose
        "$venv/bin/pip" install --quiet --disable-pip-version-check $wanted >&2 || {
            echo "$wanted cannot be installed from the Python package index (PyPI): is it reachable?" >&2
            exit 4
        }
        : >"$ready"
    fi
fi
echo "$venv/bin/python"
