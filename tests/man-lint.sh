#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# man-lint.sh - the manual pages have no warning and no fault of style.
set -u
man=${top_srcdir:-.}/man
command -v mandoc >/dev/null || exit 77
failed=0
for page in "$man"/*.[1-9]; do
	[ -e "$page" ] || {
		echo "no manual pages in $man"
		exit 1
	}
	mandoc -T lint -W style "$page" 2>&1 |
		while IFS= read -r line; do
			# Not installed yet: a page beside it will do.
			case $line in
			*"referenced manual not found: Xr "*)
				ref=${line##*: Xr }
				ref=${ref% (*}
				[ -e "$man/${ref% *}.${ref##* }" ] && continue
				;;
			esac
			printf '%s\n' "$line"
		done | grep . && failed=1
done
exit "$failed"
