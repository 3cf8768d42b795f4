// SPDX-License-Identifier: GPL-3.0-or-later
/* fuzz-xlsx.c - a workbook in XLSX, see fuzz-sheet.h. */
#include "fuzz-sheet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_workbook(data, size);
	return 0;
}
