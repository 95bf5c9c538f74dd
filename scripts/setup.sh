#!/bin/sh
# Sets up what `make` needs, once: Python >= 3.11 with venv, .venv with hash-locked packages, bitcoind.
# 1. Nothing is installed outside the checkout, except Debian packages when run as root.
# 2. Every downloaded file is pinned by its hash (requirements/*.txt, scripts/fetch.py).
set -eu
cd "$(dirname "$0")/.."

debian() { # debian REASON PACKAGE...: installs the packages as root, or says which are missing
    reason=$1
    shift
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "setup: $reason; installing $*"
        apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$@" >/dev/null
    else
        echo "setup: $reason. Please install the Debian packages: $*" >&2
        exit 1
    fi
}

new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

find_python() {
    for candidate in ${PYTHON:-} python3 python3.14 python3.13 python3.12 python3.11 /usr/bin/python3; do
        if command -v "$candidate" >/dev/null && new_enough "$candidate"; then
            echo "$candidate"
            return
        fi
    done
}

python=$(find_python)
if [ -z "$python" ]; then
    debian "Python 3.11 or newer is missing" python3 python3-venv
    python=$(find_python)
fi
if [ -z "$python" ]; then
    echo "setup: no Python >= 3.11 found; set PYTHON to one and run make again" >&2
    exit 1
fi

stamp=.venv/.installed
wanted=$(cat requirements/*.txt pyproject.toml | sha256sum)
if [ ! -f "$stamp" ] || [ "$(cat "$stamp")" != "$wanted" ]; then
    if ! "$python" -c 'import ensurepip' 2>/dev/null; then
        debian "Python's venv module is missing" python3-venv
    fi
    echo "setup: making .venv (a minute or two, once)"
    rm -rf .venv
    "$python" -m venv .venv
    pip=".venv/bin/python -m pip install -qq --no-build-isolation"
    $pip --only-binary :all: --require-hashes -r requirements/build.txt
    # embit is published as source only; it is built by the setuptools of build.txt
    $pip --only-binary :all: --no-binary embit --require-hashes -r requirements/test.txt
    $pip --no-deps --editable .
    printf '%s\n' "$wanted" >"$stamp"
fi

# The tests run a PostgreSQL server of their own; without one they skip, and say so.
if ! ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        debian "PostgreSQL, the other store of the journal, is missing" postgresql
    else
        echo "setup: tests of the PostgreSQL store will skip; for them install the Debian package postgresql" >&2
    fi
fi

# The tests of tokens use SoftHSM, unpacked here without being installed; without it they skip, and say so.
if [ ! -e /usr/lib/softhsm/libsofthsm2.so ] && [ ! -e .cache/softhsm/usr/lib/softhsm/libsofthsm2.so ]; then
    softhsm() { apt-get download -qq softhsm2 libsofthsm2 softhsm2-common; }
    if command -v apt-get >/dev/null && command -v dpkg >/dev/null; then
        mkdir -p .cache/softhsm/packages
        (cd .cache/softhsm/packages && { softhsm || { [ "$(id -u)" = 0 ] && apt-get update -qq && softhsm; }; }) &&
            for each in .cache/softhsm/packages/*.deb; do dpkg -x "$each" .cache/softhsm; done
    fi || echo "setup: tests of tokens will skip; for them install the Debian package softhsm2" >&2
fi

command -v ssh-keygen >/dev/null || debian "ssh-keygen, with which officers sign, is missing" openssh-client

if ! .venv/bin/python -m clients.bitcoind >/dev/null 2>&1; then
    command -v npm >/dev/null || debian "bitcoind 30.x is missing and npm, which fetches it, too" npm
    .venv/bin/python scripts/fetch.py bitcoind
fi
