#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# valgrind.sh SOURCE FOLDER - a whole room under memcheck, chanceryd and each of
# its workers, then the send worker alone, through every outcome that scripted
# relays can give a letter: no error and no definite leak, or its exit status is
# not the one that the tests want. In a build of its own in FOLDER, without the
# limits that valgrind cannot live with. Exit 77 where there is no valgrind.
set -eu
source=$1
folder=$2
[ -x /usr/bin/valgrind ] || exit 77
mkdir -p "$folder"
cd "$folder"
[ -f Makefile ] ||
	"$source/configure" -q --disable-worker-limits CFLAGS='-O1 -g'
make -s -j"$(nproc)" all bench/sink
top_srcdir=$source
top_builddir=$PWD
CHANCERY_DATADIR=$source/templates
CHANCERY_RUNS=${CHANCERY_RUNS:-40}
export top_srcdir top_builddir
python3 "$source/tests/soak-valgrind.py"
# A limit that it is above already stays as it is: valgrind keeps descriptors
# for itself.
CHANCERY_UNDER="/usr/bin/prlimit --nofile=250:250 /usr/bin/valgrind -q \
--error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite \
--num-callers=30"
export CHANCERY_DATADIR CHANCERY_RUNS CHANCERY_UNDER
for test in test-send test-send-lines test-send-recall test-send-random; do
	python3 "$source/tests/system/$test.py"
done
