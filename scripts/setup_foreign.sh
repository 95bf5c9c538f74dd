#!/bin/sh
# Sets up what the Node and Go clients of clients/foreign need, and the browser in which the policy report is
# tested, once. `make test` runs it.
# 1. As root on Debian the packages are installed; else it says which ones are missing and goes on: the
#    tests then skip and say so (under CI=true they fail).
# 2. npm packages have exact versions and sha512 integrity (package-lock.json); none of their scripts run.
# 3. Go is built offline, from Debian's sources alone. Nothing else is downloaded.
set -eu
cd "$(dirname "$0")/.."

can_install() { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; }

wanted=""
command -v node >/dev/null || wanted="$wanted nodejs"
command -v npm >/dev/null || wanted="$wanted npm"
command -v go >/dev/null || wanted="$wanted golang-go"
command -v protoc-gen-go >/dev/null || wanted="$wanted protoc-gen-go"
command -v protoc-gen-go-grpc >/dev/null || wanted="$wanted protoc-gen-go-grpc"
sources=/usr/share/gocode/src/google.golang.org
[ -d "$sources/grpc" ] || wanted="$wanted golang-google-grpc-dev"
[ -d "$sources/protobuf" ] || wanted="$wanted golang-google-protobuf-dev"
command -v chromium >/dev/null || wanted="$wanted chromium fonts-dejavu-core"
if [ -n "$wanted" ]; then
    if can_install; then
        echo "setup: foreign clients and the report need$wanted; installing them"
        # shellcheck disable=SC2086
        { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
            --no-install-recommends $wanted >/dev/null; } ||
            echo "setup: apt-get failed; the tests that need them will say what is missing" >&2
    else
        echo "setup: for the foreign clients and the report please install the Debian packages:$wanted" >&2
    fi
fi

target=.cache/foreign/node
lock=$(cat clients/foreign/node/package*.json | sha256sum)
if command -v npm >/dev/null && { [ ! -f $target/.installed ] || [ "$(cat $target/.installed)" != "$lock" ]; }; then
    rm -rf $target
    mkdir -p $target
    cp clients/foreign/node/package.json clients/foreign/node/package-lock.json $target/
    if (cd $target && npm ci --ignore-scripts --no-audit --no-fund --silent); then
        printf '%s\n' "$lock" >$target/.installed
    else
        echo "setup: npm could not fetch the Node client's packages" >&2
    fi
fi
