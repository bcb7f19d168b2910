#!/bin/sh
# Both Dockerfiles compile with this: for the platform the build runs on, or across to another one.
#
#   compile.sh prepare BUILDARCH TARGETARCH              installs what crossing over needs
#   compile.sh build BUILDARCH TARGETARCH PACKAGE OUT    compiles PACKAGE's binary into OUT
#
# The names of platforms are Docker's: amd64, arm64. An empty TARGETARCH is the build's own.
set -eu

triple() {
  case $1 in
    amd64) echo x86_64-unknown-linux-gnu ;;
    arm64) echo aarch64-unknown-linux-gnu ;;
    *) echo "compile.sh: the platform is \`$1\`, it must be amd64 or arm64" >&2 && exit 2 ;;
  esac
}

step=$1
from=$2
to=${3:-$2}
triple "$from" >/dev/null
target=$(triple "$to")
crossing=$([ "$from" = "$to" ] && echo no || echo yes)

case $step in
  prepare)
    [ "$crossing" = yes ] || exit 0
    case $to in
      arm64) packages="gcc-aarch64-linux-gnu libc6-dev-arm64-cross" ;;
      amd64) packages="gcc-x86-64-linux-gnu libc6-dev-amd64-cross" ;;
    esac
    rustup target add "$target"
    apt-get update
    # shellcheck disable=SC2086 # two words on purpose
    apt-get install --yes --no-install-recommends $packages
    rm -rf /var/lib/apt/lists/*
    ;;
  build)
    package=$4
    out=$5
    if [ "$crossing" = yes ]; then
      compiler=${target%%-*}-linux-gnu-gcc
      variable=$(echo "$target" | tr a-z- A-Z_)
      export "CC_$(echo "$target" | tr - _)=$compiler" "CARGO_TARGET_${variable}_LINKER=$compiler"
    fi
    export CARGO_PROFILE_DIST_STRIP=debuginfo
    cargo build --profile dist --locked --target "$target" --package "$package"
    install -D --mode=0755 --target-directory="$out" "target/$target/dist/$package"
    ;;
  *)
    echo "compile.sh: the step is \`$step\`, it must be prepare or build" >&2
    exit 2
    ;;
esac
