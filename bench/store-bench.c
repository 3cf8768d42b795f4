// SPDX-License-Identifier: GPL-3.0-or-later
/* store-bench.c - letters a second through the store, and what memory it takes.
 *
 *   store-bench FOLDER LETTERS [SENT [PER_COMMIT]]
 *
 * Imports LETTERS letters, opens the store anew, and takes SENT of them from
 * the queue to sent: claims of 100, a dot and a result for each, and one commit
 * per PER_COMMIT letters for the dots and another for the results, as turns of
 * the daemon would. Prints one JSON object. CPU times leave out what the disk
 * takes to sync; the wall times have it.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/hash.h"
#include "store/store.h"

#define CLAIM 100

static struct ch_error err;

static void must(int64_t result)
{
	if (result >= 0)
		return;
	fprintf(stderr, "store-bench: %s\n", err.text);
	exit(1);
}

struct stopwatch {
	int64_t cpu_us;
	int64_t wall_ms;
};

static int64_t us_of(struct timeval time)
{
	return (int64_t)time.tv_sec * 1000000 + time.tv_usec;
}

static struct stopwatch now(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (struct stopwatch){
		us_of(usage.ru_utime) + us_of(usage.ru_stime),
		ch_clock_mono_ms(),
	};
}

static long resident_kib(void)
{
	char line[64] = "";
	long pages = 0;
	int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);

	if (fd >= 0 && read(fd, line, sizeof(line) - 1) > 0)
		sscanf(line, "%*d %ld", &pages);
	if (fd >= 0)
		close(fd);
	return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

/* ---- import ----------------------------------------------------------- */

static void add_letter(struct ch_store *store, int64_t batch_id, long number)
{
	static char fields[] =
		"{\"country\":\"Ruritania\",\"salutation\":\"Excellency\","
		"\"capital\":\"Streslau\",\"seat\":\"Third Committee\","
		"\"representative\":\"Her Excellency Rosa Elphberg\"}";
	char key[24];
	char address[64];
	char message_id[80];
	char language[] = "en";
	unsigned char random[15];
	char text[CH_BASE32_SIZE(sizeof(random)) + 1] = "";
	struct ch_store_address to = { .address = address };
	struct ch_store_letter letter = {
		.key = key, .name = key, .language = language,
		.message_id = message_id,
		.fields = { fields, sizeof(fields) - 1, 0, sizeof(fields),
			    false },
		.addresses = &to, .addresses_len = 1,
	};

	ch_random(random, sizeof(random));
	ch_base32(random, sizeof(random), text);
	snprintf(key, sizeof(key), "M%07ld", number);
	snprintf(address, sizeof(address), "mission-%ld@ministry%ld.example",
		 number, number % 193);
	snprintf(message_id, sizeof(message_id), "%s@mail.example", text);
	must(ch_store_letter_add(store, batch_id, &letter, &err));
}

static int64_t import(struct ch_store *store, long letters)
{
	char reference[] = "BENCH-1";
	struct ch_store_batch batch = { .reference = reference };
	int64_t batch_id;

	must(ch_store_begin(store, &err));
	must(ch_store_batch_create(store, &batch, &batch_id, &err));
	for (long i = 0; i < letters; i++) {
		if (i % 200 == 199) {
			must(ch_store_commit(store, &err));
			must(ch_store_begin(store, &err));
		}
		add_letter(store, batch_id, i);
	}
	batch.letters = (uint64_t)letters;
	must(ch_store_batch_publish(store, batch_id, &batch, CH_BATCH_OPEN,
				    &err));
	must(ch_store_commit(store, &err));
	return batch_id;
}

/* ---- send ------------------------------------------------------------- */

static void commit_and_go_on(struct ch_store *store)
{
	must(ch_store_commit(store, &err));
	must(ch_store_begin(store, &err));
}

static void dots(struct ch_store *store, const struct ch_store_letter *letters,
		 size_t len)
{
	static const uint32_t seqs[] = { 0 };

	for (size_t i = 0; i < len; i++) {
		struct ch_sha256 sum;

		ch_sha256_of(&letters[i].id, sizeof(letters[i].id), &sum);
		if (ch_store_dot(store, letters[i].id, letters[i].attempt,
				 seqs, 1, &sum, 4800, NULL, 2, &err) != 1)
			must(-1);
	}
	commit_and_go_on(store);
}

static void results(struct ch_store *store,
		    const struct ch_store_letter *letters, size_t len)
{
	const struct ch_store_result result = {
		.to = CH_STATE_SENT, .code = 250,
		.status = ch_slice_of("2.0.0"),
		.reply = ch_slice_of("250 2.0.0 Ok: queued as 4Zx8Qk2Lw7z1D"),
	};

	for (size_t i = 0; i < len; i++) {
		if (ch_store_result(store, letters[i].id, letters[i].attempt,
				    &result, 3, &err) != 1)
			must(-1);
	}
	commit_and_go_on(store);
}

static void send_all(struct ch_store *store, int64_t batch_id, long wanted,
		     size_t per_commit)
{
	must(ch_store_begin(store, &err));
	while (wanted > 0) {
		struct ch_store_letter *letters;
		size_t len;

		must(ch_store_claim(store, batch_id, 1,
				    wanted < CLAIM ? (size_t)wanted : CLAIM,
				    &letters, &len, &err));
		if (len == 0)
			break;
		commit_and_go_on(store);
		for (size_t i = 0; i < len; i += per_commit) {
			size_t part = len - i < per_commit ? len - i :
							     per_commit;

			dots(store, letters + i, part);
			results(store, letters + i, part);
		}
		wanted -= (long)len;
		ch_store_letters_free(letters, len);
	}
	must(ch_store_commit(store, &err));
}

int main(int argc, char **argv)
{
	char path[512];
	long letters = argc > 2 ? strtol(argv[2], NULL, 10) : 0;
	long sent = argc > 3 ? strtol(argv[3], NULL, 10) : letters;
	size_t per_commit = argc > 4 ? strtoul(argv[4], NULL, 10) : 16;
	struct ch_store *store;
	struct stopwatch t[5];
	struct stat st;
	int64_t batch_id;

	if (letters <= 0 || per_commit == 0) {
		fprintf(stderr, "store-bench FOLDER LETTERS [SENT "
				"[PER_COMMIT]]\n");
		return 64;
	}
	snprintf(path, sizeof(path), "%s/bench.db", argv[1]);
	t[0] = now();
	must(ch_store_open(path, &store, &err));
	batch_id = import(store, letters);
	t[1] = now();
	ch_store_close(store);
	t[2] = now();
	must(ch_store_open(path, &store, &err));
	t[3] = now();
	send_all(store, batch_id, sent, per_commit);
	t[4] = now();
	must(stat(path, &st));
	printf("{\"letters\":%ld,\"import_per_s\":%.0f,\"open_ms\":%" PRId64
	       ",\"sent\":%ld,\"cpu_us_per_letter\":%.1f,"
	       "\"per_s_without_sync\":%.0f,\"per_s_with_sync\":%.0f,"
	       "\"resident_kib\":%ld,\"bytes_per_letter\":%.0f}\n",
	       letters,
	       (double)letters * 1e6 / (double)(t[1].cpu_us - t[0].cpu_us),
	       t[3].wall_ms - t[2].wall_ms, sent,
	       (double)(t[4].cpu_us - t[3].cpu_us) / (double)sent,
	       (double)sent * 1e6 / (double)(t[4].cpu_us - t[3].cpu_us),
	       (double)sent * 1e3 / (double)(t[4].wall_ms - t[3].wall_ms + 1),
	       resident_kib(), (double)st.st_size / (double)letters);
	ch_store_close(store);
	return 0;
}
