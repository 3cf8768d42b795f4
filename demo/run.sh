#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# run.sh BUILD - the demonstration: real servers in a namespace where that can
# be had, the tests' own otherwise. BUILD holds an installation in BUILD/root.
set -eu
cd "$(dirname "$0")/.."
build=${1:?usage: run.sh BUILD}
peers=${TRY_PEERS:-real}
tree=$build/servers
if [ "$peers" = real ] && ! sh tests/servers/fetch.sh "$tree"; then
	peers=scripted
fi
if [ "$peers" = real ] &&
	sh tests/servers/enter.sh "$tree" true 2>"$build/enter.log"; then
	exec sh tests/servers/enter.sh "$tree" \
		python3 demo/demo.py "$build" mailhost
fi
echo "Real servers cannot be run here: the tests' own servers serve instead."
if sh tests/servers/enter.sh - true 2>/dev/null; then
	exec sh tests/servers/enter.sh - python3 demo/demo.py "$build" scripted
fi
exec python3 demo/demo.py "$build" scripted
