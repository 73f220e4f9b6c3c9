#!/bin/sh
# Pin the groups of pyproject.toml, with hashes: `lock.sh` keeps what is pinned where it can, `lock.sh --upgrade` takes the newest of all.
# A file of requirements/ holds what its group adds to the files below it: test.txt is installed with local.txt and notebooks.txt.
# The layer's file is for Lambda alone, and has the versions that are tested here.
set -eu
cd "$(dirname "$0")/.."

# No header and no address, so that the files are the same wherever they are made.
compile() {
    .venv/bin/uv pip compile --quiet --generate-hashes --no-header --no-emit-find-links --no-emit-index-url "$@"
}

# pin GROUP [file below]... -- [option]...
pin() {
    group="$1"
    shift
    below=
    while [ "$1" != -- ]; do
        # What is pinned for some platforms or versions of Python alone may be needed on more.
        there="$(sed -n '/;/d; s/^\([A-Za-z0-9._-]*\)==.*/--no-emit-package \1/p' "requirements/$1.txt")"
        below="$below --constraint requirements/$1.txt $there"
        shift
    done
    shift
    # shellcheck disable=SC2086 # a list of options
    compile "$@" --universal --python-version 3.11 --group "$group" --output-file "requirements/$group.txt" $below
}

pin local -- "$@"
pin notebooks local -- "$@"
pin test local notebooks -- "$@"
pin docs local -- "$@"
pin jupyter local notebooks -- "$@"
pin bench local -- "$@"
pin audit -- "$@"
compile "$@" --python-version 3.13 --python-platform x86_64-manylinux_2_28 --group layer \
    --constraint requirements/local.txt --output-file layers/dependencies/requirements.txt
