#!/bin/sh
# Make what `make run` and `make test` need: .venv from requirements.lock, and MariaDB's programs.
# `setup.sh containers` finds what `make sam-local` needs beside: a Docker engine, or one to start and what its image is made with.
# `setup.sh browser` finds a browser for the tests that look at the report.
# Does nothing where all is there. Installs system packages only where it must, and only as root or with sudo.
set -eu
cd "$(dirname "$0")/.."

say() { echo "setup: $*"; }
give_up() { echo "setup: $*" >&2; exit 1; }

# Installs packages of a Debian-like system; the list of packages is fetched only if the one there is not good enough.
install_packages() {
    command -v apt-get >/dev/null 2>&1 || give_up "please install $* with this system's package manager, then run this again"
    if [ "$(id -u)" = 0 ]; then
        as_root=
    elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
        as_root="sudo -n"
    else
        give_up "a system package is missing. Please run this, then try again: sudo apt-get install $*"
    fi
    say "installing $*"
    install="$as_root env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends --quiet"
    # MariaDB's packages would take the place of a MySQL server: on a person's machine that may be somebody's database.
    [ "${CI:-}" = true ] || install="$install --no-remove"
    $install "$@" </dev/null >/dev/null 2>&1 && return
    $as_root apt-get update --quiet </dev/null >/dev/null || give_up "apt-get update failed; is there a network?"
    $install "$@" </dev/null >/dev/null || give_up "apt-get could not install $* (it may remove nothing for them, such as a MySQL server)"
}

# The first Python that is new enough; PYTHON=… chooses another.
find_python() {
    for candidate in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do
        if "$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    give_up "Python 3.11 to 3.14 is needed (Debian 12, Ubuntu 24.04 and later have one as python3); PYTHON=path names another"
}

make_environment() {
    wanted="$(sha256sum requirements.lock | cut -d' ' -f1)"
    if [ -x .venv/bin/python ] && [ "$(cat .venv/made-from 2>/dev/null)" = "$wanted" ]; then
        return
    fi
    python="$(find_python)"
    if [ ! -x .venv/bin/python ] || ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
        # Debian keeps ensurepip in a package of its own.
        if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
            install_packages "$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')"
        fi
        say "making .venv with $("$python" --version)"
        rm -rf .venv
        "$python" -m venv .venv || give_up "$python could not make .venv"
    fi
    say "installing the packages of requirements.lock (a minute or two)"
    # The lock is whole, so nothing is to be resolved; every file is checked against its hash.
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --only-binary=:all: \
        --requirement requirements.lock </dev/null || give_up "pip could not install requirements.lock; is there a network?"
    echo "$wanted" >.venv/made-from
}

# Only the server's programs: no service is set up, and none that exists is touched.
find_mariadb() {
    PATH="$PATH:/usr/sbin:/usr/local/sbin:/usr/libexec"
    (command -v mariadbd || command -v mysqld) >/dev/null 2>&1 &&
        (command -v mariadb-install-db || command -v mysql_install_db) >/dev/null 2>&1
}

# As a test that cannot run says why by itself, what cannot be installed here is no failure.
find_containers() {
    PATH="$PATH:/usr/sbin:/sbin"
    if docker version >/dev/null 2>&1; then
        return
    elif ! command -v dockerd >/dev/null 2>&1 || ! command -v mmdebstrap >/dev/null 2>&1 || ! command -v ip >/dev/null 2>&1; then
        (install_packages docker.io iproute2 mmdebstrap debian-archive-keyring) || say "going on without containers"
    fi
}

find_browser() {
    command -v chromium >/dev/null 2>&1 || command -v google-chrome >/dev/null 2>&1 || (install_packages chromium) ||
        say "going on without a browser: the tests that look at the report will be skipped"
}

case "${1:-}" in
containers)
    find_containers
    exit
    ;;
browser)
    find_browser
    exit
    ;;
esac
make_environment
find_mariadb || install_packages mariadb-server-core mariadb-client-core
find_mariadb || give_up "MariaDB's server is still missing: please install it (Debian, Ubuntu: mariadb-server-core)"
