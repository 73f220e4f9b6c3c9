#!/bin/sh
# Make what the commands of the Makefile need: .venv with the packages of one of pyproject.toml's groups, and MariaDB's programs.
#   setup.sh local|test|docs|notebooks|jupyter|bench   the packages that requirements/ pins for it, the project's own, and MariaDB
#   setup.sh containers                           what `make sam-local` needs beside: a Docker engine, and what makes its image
#   setup.sh browser                              a browser, for the tests that look at the report
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

# uv installs: .venv's own, else one that is here already, else the one that requirements/local.txt pins, brought by pip.
find_uv() {
    if [ -x .venv/bin/uv ]; then
        uv=.venv/bin/uv
    elif command -v uv >/dev/null 2>&1; then
        uv=uv
    else
        say "bringing uv, which installs the rest"
        locked="$(mktemp)"
        sed -n '/^uv==/,/^    #/p' requirements/local.txt >"$locked"
        pip="$python -m pip --python .venv/bin/python"
        if ! $pip --version >/dev/null 2>&1; then
            # Debian keeps ensurepip in a package of its own.
            "$python" -c 'import ensurepip' 2>/dev/null ||
                install_packages "$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')"
            .venv/bin/python -m ensurepip >/dev/null || give_up "$python could not make a pip in .venv"
            pip=".venv/bin/python -m pip"
        fi
        $pip install --quiet --disable-pip-version-check --no-deps --no-compile --require-hashes --only-binary=:all: \
            --requirement "$locked" </dev/null || give_up "pip could not install uv; is there a network?"
        rm "$locked"
        uv=.venv/bin/uv
    fi
}

# uv does not read pip's settings: an index that this machine's pip uses instead of the public one is uv's too, unless uv has its own.
# Like pip, it trusts whom the system trusts: many a company's network puts certificates of its own between.
use_index_of_pip() {
    export UV_SYSTEM_CERTS="${UV_SYSTEM_CERTS:-true}"
    [ -z "${UV_DEFAULT_INDEX:-}${UV_INDEX_URL:-}${UV_CONFIG_FILE:-}" ] || return 0
    index="${PIP_INDEX_URL:-$("$python" -m pip config get global.index-url 2>/dev/null || true)}"
    [ -z "$index" ] || export UV_DEFAULT_INDEX="$index"
}

make_environment() {
    case "$1" in
    local) groups=local ;;
    notebooks | bench | docs) groups="local $1" ;;
    test | jupyter) groups="local notebooks $1" ;;
    *) give_up "there is no group $1 (local, test, docs, notebooks, jupyter, bench)" ;;
    esac
    if [ -L .venv ]; then
        return # it is somebody else's
    fi
    here="$(pwd -P)"
    files="$(printf 'requirements/%s.txt ' $groups)"
    # With the folder: neither an environment nor the links to the project's own packages in it can be moved.
    wanted="$here $(cat $files pyproject.toml packages/*/pyproject.toml | sha256sum | cut -d' ' -f1)"
    if [ -x .venv/bin/python ] && [ "$(cat ".venv/groups/$1" 2>/dev/null)" = "$wanted" ]; then
        return
    fi
    python="$(find_python)"
    if [ ! -x .venv/bin/python ] || ! grep -qsF "$here " .venv/groups/*; then
        say "making .venv with $("$python" --version)"
        rm -rf .venv
        "$python" -m venv --without-pip .venv || give_up "$python could not make .venv"
        mkdir .venv/groups
        echo "$here nothing yet" >.venv/groups/local
    fi
    find_uv
    use_index_of_pip
    say "installing the packages of $files(a minute where they have to be fetched)"
    # The files are whole, so nothing is to be resolved; every package is checked against its hash.
    $uv pip install --quiet --python .venv/bin/python --no-deps --require-hashes --only-binary :all: \
        $(printf -- '--requirement %s ' $files) </dev/null || give_up "uv could not install $files; is there a network?"
    # The project's own packages stay where they are: a change of their code needs no new installation.
    $uv pip install --quiet --python .venv/bin/python --no-deps --editable . --editable packages/mysql_arrow \
        --editable packages/local_redshift </dev/null || give_up "uv could not install the project's own packages"
    echo "$wanted" >".venv/groups/$1"
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
    command -v chromium >/dev/null 2>&1 || command -v google-chrome >/dev/null 2>&1 || command -v chromium-browser >/dev/null 2>&1 || (install_packages chromium) ||
        say "going on without a browser: the tests that look at the report will be skipped"
}

case "${1:-local}" in
containers) find_containers ;;
browser) find_browser ;;
*)
    make_environment "${1:-local}"
    find_mariadb || install_packages mariadb-server-core mariadb-client-core
    find_mariadb || give_up "MariaDB's server is still missing: please install it (Debian, Ubuntu: mariadb-server-core)"
    ;;
esac
