#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# all.sh - every test: a gcc build with warnings as errors and its tests, the
# same under ASan and UBSan, a clang build for libFuzzer with warnings as errors,
# a build without the page, and the tarball. Ends with the line "N passed, M failed".
set -u
cd "$(dirname "$0")/.." || exit 70
passed=0
failed=0
jobs=$(nproc)

# One result of our own, beside those of make check.
result() {
	if [ "$1" = 0 ]; then
		passed=$((passed + 1))
		printf 'PASS: %s\n' "$2"
	else
		failed=$((failed + 1))
		printf 'FAIL: %s\n' "$2"
	fi
}

# count FOLDER: add up the .trs files that make check left there
count() {
	p=$(find "$1" -name '*.trs' -exec grep -h '^:global-test-result: PASS' {} + | wc -l)
	f=$(find "$1" -name '*.trs' -exec grep -hE '^:global-test-result: (FAIL|ERROR|XPASS)' {} + | wc -l)
	passed=$((passed + p))
	failed=$((failed + f))
	[ "$f" = 0 ] || find "$1" -name '*.trs' \
		-exec grep -lE '^:global-test-result: (FAIL|ERROR|XPASS)' {} + |
		while read -r trs; do
			echo "---- ${trs%.trs}"
			tail -n 60 "${trs%.trs}.log"
		done
}

# checked FOLDER NAME CONFIGURE-OPTIONS...: configure, build, make check
checked() {
	folder=$1
	name=$2
	shift 2
	echo "== $name"
	mkdir -p "$folder"
	{ [ -f "$folder/Makefile" ] || (cd "$folder" && ../configure -q "$@"); } &&
		make -C "$folder" -s -j"$jobs" all >"$folder/make.log" 2>&1
	status=$?
	result "$status" "$name: builds"
	if [ "$status" != 0 ]; then
		tail -n 30 "$folder/make.log"
		return
	fi
	find "$folder" -name '*.trs' -delete
	# Tests wait more than they work: one more than there are processors.
	make -C "$folder" -s -k -j"$((jobs + 1))" check \
		>"$folder/check.log" 2>&1
	grep -E '^(PASS|FAIL|SKIP|ERROR|XPASS|XFAIL): ' "$folder/check.log"
	grep -qE '^# TOTAL: +[1-9]' "$folder/check.log" || {
		result 1 "$name: tests run"
		tail -n 30 "$folder/check.log"
	}
	count "$folder"
}

autoreconf -fi >build-autoreconf.log 2>&1
status=$?
[ "$status" = 0 ] || cat build-autoreconf.log
rm -f build-autoreconf.log
result "$status" "autoreconf"

checked build-gcc "gcc" --enable-werror
checked build-asan "ASan and UBSan" --enable-werror --enable-sanitizers

echo "== clang"
mkdir -p build-fuzz
{ [ -f build-fuzz/Makefile ] ||
	(cd build-fuzz && ../configure -q CC=clang --enable-werror \
		--enable-fuzzing --enable-sanitizers); } &&
	make -C build-fuzz -s -j"$jobs" all >build-fuzz/make.log 2>&1 &&
	make -C build-fuzz -s -j"$jobs" check TESTS=tests/fuzz/replay.py \
		>build-fuzz/check.log 2>&1
status=$?
[ "$status" = 0 ] || tail -n 30 build-fuzz/make.log build-fuzz/check.log
result "$status" "clang: builds without a warning, tests and fuzz targets too"

echo "== without the page and workbooks"
mkdir -p build-nopage
{ [ -f build-nopage/Makefile ] ||
	(cd build-nopage && ../configure -q --enable-werror --without-page \
		--without-xlsx); } &&
	make -C build-nopage -s -j"$jobs" all >build-nopage/make.log 2>&1 &&
	make -C build-nopage -s check \
		TESTS='tests/unit/test-page tests/unit/test-letter tests/system/test-page.py
			tests/unit/test-overview tests/system/test-report.py' \
		>build-nopage/check.log 2>&1
status=$?
[ "$status" = 0 ] || tail -n 30 build-nopage/make.log build-nopage/check.log
result "$status" "without the page and workbooks: builds, and says so"

echo "== distcheck"
make -C build-gcc -s distcheck TESTS= >build-gcc/distcheck.log 2>&1
status=$?
[ "$status" = 0 ] || tail -n 30 build-gcc/distcheck.log
result "$status" "make distcheck"

sh tests/tarball.sh build-gcc/chancery-*.tar.xz
status=$?
[ "$status" = 77 ] || result "$status" "the tarball is complete"

echo
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
