// SPDX-License-Identifier: GPL-3.0-or-later
/* near.c - the edit distance, a row of its table at a time. */
#include "base/near.h"

#include <string.h>

#define NAME_MAX_BYTES 64

size_t ch_near_distance(const char *a, const char *b)
{
	size_t la = strlen(a);
	size_t lb = strlen(b);
	size_t row[NAME_MAX_BYTES + 1];

	if (la > NAME_MAX_BYTES || lb > NAME_MAX_BYTES)
		return 99;
	for (size_t j = 0; j <= lb; j++)
		row[j] = j;
	for (size_t i = 1; i <= la; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= lb; j++) {
			size_t change = diagonal + (a[i - 1] != b[j - 1]);
			size_t edit = 1 + (row[j] < row[j - 1] ? row[j]
							       : row[j - 1]);

			diagonal = row[j];
			row[j] = change < edit ? change : edit;
		}
	}
	return row[lb];
}
