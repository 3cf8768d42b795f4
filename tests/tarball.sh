#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# tarball.sh TARBALL - every file that git has is in the tarball too, so that
# one can build, test and run the demonstration from it. Exit 1 and their names
# otherwise; 77 where the tree is no clone.
set -eu
tarball=${1:?usage: tarball.sh TARBALL}
cd "$(dirname "$0")/.."
git rev-parse --git-dir >/dev/null 2>&1 || exit 77
have=$(mktemp)
trap 'rm -f "$have"' EXIT
tar -tf "$tarball" | sed 's|^[^/]*/||' >"$have"
missing=$(git ls-files | grep -Fxv -f "$have" || true)
[ -z "$missing" ] || {
	echo "not in the tarball:" >&2
	printf '%s\n' "$missing" >&2
	exit 1
}
