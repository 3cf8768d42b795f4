// SPDX-License-Identifier: GPL-3.0-or-later
/* replay.c - run a fuzz target over files: what `make check` links where
 * --enable-fuzzing would link libFuzzer.
 *
 *   fuzz-X FILE|FOLDER...   each regular file once; prints how many
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned long replayed;

static void replay_file(const char *path)
{
	CH_AUTO(ch_str) bytes = CH_STR_INIT(64 * 1024 * 1024);
	struct ch_error err;
	uint8_t *exact;

	if (ch_file_read(path, &bytes, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		exit(1);
	}
	/* A copy of the exact size, so that ASan sees the first byte past it. */
	exact = ch_xmemdup(ch_str_cstr(&bytes), bytes.len);
	LLVMFuzzerTestOneInput(exact, bytes.len);
	free(exact);
	replayed++;
}

static void replay(const char *path)
{
	struct stat st;
	DIR *dir;
	const struct dirent *entry;

	if (stat(path, &st) < 0) {
		perror(path);
		exit(1);
	}
	if (!S_ISDIR(st.st_mode)) {
		replay_file(path);
		return;
	}
	dir = opendir(path);
	if (!dir) {
		perror(path);
		exit(1);
	}
	while ((entry = readdir(dir))) {
		CH_AUTOCHAR child = NULL;

		if (entry->d_name[0] == '.')
			continue;
		child = ch_xasprintf("%s/%s", path, entry->d_name);
		replay(child);
	}
	closedir(dir);
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		replay(argv[i]);
	printf("%lu inputs\n", replayed);
	return replayed == 0;
}
