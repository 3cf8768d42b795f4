// SPDX-License-Identifier: GPL-3.0-or-later
/* http-upload.c - a new batch: files into the spool, then an import.
 *
 * libmicrohttpd cuts the multipart body; what a part is called decides where
 * its bytes go, and nothing that a client wrote is ever a path. What is wrong
 * with a part is said at the end: the rest of the body is read and dropped, so
 * that the client is listening when the answer comes.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "chanceryd/http-json.h"
#include "chanceryd/http-private.h"
#include "letter/bundle.h"
#include "letter/recipients.h"

#define FIELD_MAX 1000
#define FILES_MAX 1100
#define PIECE (64 * 1024)

enum field {
	FIELD_REFERENCE,
	FIELD_DEADLINE,
	FIELD_CHARSET,
	FIELD_SHEET,
	FIELD_TEST_TO,
	FIELD_NOT_BEFORE,
	FIELD_HOLD,
	FIELD_DRY_RUN,
	FIELD_PRIORITY,
	FIELD_PER_SECOND,
	FIELD_PER_MINUTE,
	FIELD_PER_HOUR,
	FIELD_PER_DAY,
	FIELD_CANARY,
	FIELD_CANARY_PERCENT,
	FIELD_CANARY_WAIT,
	FIELD_REMINDS,
	FIELD_CORRECTS,
	FIELD_RECALLS,
	FIELDS
};

static const char *const field_names[FIELDS] = {
	"reference", "deadline", "charset", "sheet",
	"test_to",   "not_before", "hold",  "dry_run",
	"priority",  "per_second", "per_minute", "per_hour", "per_day",
	"canary",    "canary_percent", "canary_wait_s",
	"reminds",   "corrects",  "recalls",
};

/* Part name, and the folder of the spool where its files go. */
static const struct {
	const char *part;
	const char *folder;
} folders[] = {
	{ "letter", "letter" },
	{ "recipients", "recipients" },
	{ "annex", "annexes" },
	{ "attachment", "attachments" },
};

struct ch_upload {
	struct ch_http *http; /* borrowed */
	struct MHD_PostProcessor *processor; /* owned */
	char *dir;   /* owned; NULL: given away */
	int dir_fd;  /* owned */
	int file_fd; /* owned; of the part that comes in, -1 */
	char *part;  /* owned; name of the part that comes in */
	char *file;  /* owned; its file name, "" for a field */
	uint64_t part_bytes;
	int field;         /* the field that comes in, -1 */
	unsigned int seen; /* bits: fields that came */
	struct ch_str fields[FIELDS];
	char *tables[CH_TABLES_MAX]; /* owned, each */
	size_t tables_len;
	size_t files;
	struct ch_error fault; /* the first; text "" = none */
};

/* ---- the spool -------------------------------------------------------- */

static void remove_files(int dir_fd, const char *folder)
{
	int fd = openat(dir_fd, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC |
			O_NOFOLLOW);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;

	if (!dir) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((entry = readdir(dir)) != NULL)
		if (strcmp(entry->d_name, ".") != 0 &&
		    strcmp(entry->d_name, "..") != 0)
			unlinkat(dirfd(dir), entry->d_name, 0);
	closedir(dir);
	unlinkat(dir_fd, folder, AT_REMOVEDIR);
}

static void remove_spool(struct ch_upload *upload)
{
	for (size_t i = 0; i < CH_COUNT(folders); i++)
		remove_files(upload->dir_fd, folders[i].folder);
	rmdir(upload->dir);
}

void ch_upload_free(struct ch_upload *upload)
{
	if (!upload)
		return;
	if (upload->processor)
		MHD_destroy_post_processor(upload->processor);
	if (upload->file_fd >= 0)
		close(upload->file_fd);
	if (upload->dir && upload->dir_fd >= 0)
		remove_spool(upload);
	if (upload->dir_fd >= 0)
		close(upload->dir_fd);
	for (size_t i = 0; i < FIELDS; i++)
		ch_str_release(&upload->fields[i]);
	upload->http->uploads--;
	free(upload->dir);
	free(upload->part);
	free(upload->file);
	for (size_t i = 0; i < upload->tables_len; i++)
		free(upload->tables[i]);
	free(upload);
}

static int make_folders(struct ch_upload *upload, struct ch_error *err)
{
	upload->dir_fd = open(upload->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (upload->dir_fd < 0)
		return ch_error_errno(err, errno, "the spool");
	for (size_t i = 0; i < CH_COUNT(folders); i++) {
		if (mkdirat(upload->dir_fd, folders[i].folder, 0700) < 0 &&
		    errno != EEXIST)
			return ch_error_errno(err, errno, "the spool");
	}
	return 0;
}

/* ---- the parts -------------------------------------------------------- */

static int end_file(struct ch_upload *upload, struct ch_error *err)
{
	int fd = CH_TAKE_FD(upload->file_fd);

	if (fd >= 0 && close(fd) < 0)
		return ch_error_errno(err, errno, "the spool");
	return 0;
}

static int begin_field(struct ch_upload *upload, const char *part,
		       struct ch_error *err)
{
	for (int i = 0; i < FIELDS; i++) {
		if (strcmp(part, field_names[i]) != 0)
			continue;
		if (upload->seen & 1u << i)
			return ch_error_refuse(err, "4.0.0",
					       "\"%s\" is there "
					       "twice",
					       part);
		upload->seen |= 1u << i;
		upload->field = i;
		return 0;
	}
	return ch_error_refuse(err, "4.0.0", "a field \"%.40s\" is not known",
			       part);
}

static const char *folder_of(const char *part)
{
	for (size_t i = 0; i < CH_COUNT(folders); i++) {
		if (strcmp(part, folders[i].part) == 0)
			return folders[i].folder;
	}
	return NULL;
}

static int create(struct ch_upload *upload, const char *part, const char *name,
		  struct ch_error *err)
{
	CH_AUTOCHAR path = ch_xasprintf("%s/%s", folder_of(part), name);

	upload->file_fd = openat(upload->dir_fd, path, O_WRONLY | O_CREAT |
				 O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (upload->file_fd >= 0)
		return 0;
	if (errno == EEXIST)
		return ch_error_refuse(err, "4.0.0", "two files \"%.120s\"",
				       name);
	return ch_error_errno(err, errno, "the spool");
}

static int begin_file(struct ch_upload *upload, const char *part,
		      const char *name, struct ch_error *err)
{
	if (!folder_of(part))
		return ch_error_refuse(err, "4.0.0",
				       "a file for \"%.40s\", "
				       "which takes none",
				       part);
	if (ch_bundle_name_ok(name, err) < 0) {
		snprintf(err->status, sizeof(err->status), "4.0.0");
		return -1;
	}
	if (++upload->files > FILES_MAX)
		return ch_error_refuse(err, "4.1.3", "more than %d files",
				       FILES_MAX);
	if (strcmp(part, "recipients") == 0) {
		if (upload->tables_len == CH_TABLES_MAX)
			return ch_error_refuse(err, "4.0.0",
					       "more than %d tables of "
					       "recipients", CH_TABLES_MAX);
		upload->tables[upload->tables_len++] = ch_xstrdup(name);
	}
	return create(upload, part, name, err);
}

/* A file that starts with an empty piece comes twice with offset 0. */
static bool goes_on(const struct ch_upload *upload, const char *part,
		    const char *file)
{
	return upload->part_bytes == 0 && upload->part &&
	       strcmp(upload->part, part) == 0 &&
	       strcmp(upload->file, file) == 0;
}

static int begin_part(struct ch_upload *upload, const char *part,
		      const char *file, const char *coding,
		      struct ch_error *err)
{
	if (end_file(upload, err) < 0)
		return -1;
	free(upload->part);
	free(upload->file);
	upload->part = ch_xstrdup(part);
	upload->file = ch_xstrdup(file ? file : "");
	upload->part_bytes = 0;
	upload->field = -1;
	if (coding && strcasecmp(coding, "binary") != 0 &&
	    strcasecmp(coding, "8bit") != 0 && strcasecmp(coding, "7bit") != 0)
		return ch_error_refuse(err, "4.0.0",
				       "Content-Transfer-Encoding "
				       "%.20s is not known here",
				       coding);
	return file ? begin_file(upload, part, file, err)
		    : begin_field(upload, part, err);
}

static int add_bytes(struct ch_upload *upload, const char *bytes, size_t len,
		     struct ch_error *err)
{
	upload->part_bytes += len;
	if (upload->file_fd >= 0)
		return ch_file_write_all(upload->file_fd, bytes, len, err);
	if (upload->field < 0)
		return 0;
	ch_str_add_mem(&upload->fields[upload->field], bytes, len);
	if (upload->fields[upload->field].full)
		return ch_error_refuse(err, "4.1.3",
				       "\"%s\" has more than %d "
				       "bytes",
				       field_names[upload->field], FIELD_MAX);
	return 0;
}

static enum MHD_Result on_part(void *context, enum MHD_ValueKind kind,
			       const char *part, const char *file,
			       const char *type, const char *coding,
			       const char *bytes, uint64_t at, size_t len)
{
	struct ch_upload *upload = context;

	if (upload->fault.text[0])
		return MHD_YES;
	if (!part) {
		ch_error_refuse(&upload->fault, "4.0.0", "a part has no name");
		return MHD_YES;
	}
	if (at == 0 && !goes_on(upload, part, file ? file : "") &&
	    begin_part(upload, part, file, coding, &upload->fault) < 0)
		return MHD_YES;
	if (len > 0)
		add_bytes(upload, bytes, len, &upload->fault);
	return MHD_YES;
}

/* ---- the request ------------------------------------------------------ */

int ch_upload_begin(struct ch_request *request, struct ch_error *err)
{
	struct ch_http *http = request->http;
	struct ch_upload *upload;

	if (http->uploads >= CH_UPLOADS_AT_ONCE)
		return ch_error_refuse(err, "4.2.9", "%d uploads are under way",
				       CH_UPLOADS_AT_ONCE);
	upload = ch_xzalloc(sizeof(*upload));
	request->upload = upload;
	http->uploads++;
	upload->http = http;
	upload->dir_fd = -1;
	upload->file_fd = -1;
	upload->field = -1;
	for (size_t i = 0; i < FIELDS; i++)
		ch_str_init(&upload->fields[i], FIELD_MAX);
	if (ch_mailroom_spool(http->room, &upload->dir, err) < 0 ||
	    make_folders(upload, err) < 0)
		return -1;
	upload->processor = MHD_create_post_processor(request->connection,
						      PIECE, on_part, upload);
	if (!upload->processor)
		return ch_error_refuse(err, "4.0.0",
				       "no usable boundary in the "
				       "Content-Type");
	return 0;
}

void ch_upload_read(struct ch_request *request, const char *bytes, size_t len)
{
	struct ch_upload *upload = request->upload;

	if (upload->fault.text[0])
		return;
	if (MHD_post_process(upload->processor, bytes, len) != MHD_YES &&
	    !upload->fault.text[0])
		ch_error_refuse(&upload->fault, "4.0.0",
				"the parts cannot be "
				"told apart");
}

static const char *value(const struct ch_upload *upload, enum field field)
{
	return ch_str_cstr(&upload->fields[field]);
}

static int read_flag(const struct ch_upload *upload, enum field field,
		     bool *ret, struct ch_error *err)
{
	const char *text = value(upload, field);

	if (*text && strcmp(text, "0") != 0 && strcmp(text, "1") != 0)
		return ch_error_refuse(err, "4.0.0", "\"%s\" is 0 or 1",
				       field_names[field]);
	*ret = *text == '1';
	return 0;
}

#define PACE_MAX 100000000
#define CANARY_MAX 1000 /* it is counted with each result */
#define CANARY_WAIT_MAX_S (60 * 24 * 3600)
#define CANARY_PERCENT 10 /* where nobody says */

/* A number from 0 to `max`; without the field `otherwise`. */
static int read_number(const struct ch_upload *upload, enum field field,
		       uint32_t otherwise, uint32_t max, uint32_t *ret,
		       struct ch_error *err)
{
	const char *text = value(upload, field);
	size_t digits = strspn(text, "0123456789");
	unsigned long number;

	*ret = otherwise;
	if (!*text)
		return 0;
	number = digits <= 9 ? strtoul(text, NULL, 10) : max + 1UL;
	if (digits == 0 || text[digits] || number > max)
		return ch_error_refuse(err, "4.0.0",
				       "\"%s\" is a number up to %u",
				       field_names[field], max);
	*ret = (uint32_t)number;
	return 0;
}

/* What becomes of a batch beside others, and beside itself. */
static int read_terms(const struct ch_upload *upload,
		      struct ch_store_terms *ret, struct ch_error *err)
{
	const char *priority = value(upload, FIELD_PRIORITY);
	uint32_t wait_s;

	if (*priority && ch_priority_parse(priority, &ret->priority) < 0)
		return ch_error_refuse(err, "4.0.0",
				       "\"priority\" is \"high\", "
				       "\"normal\" or \"low\"");
	if (read_number(upload, FIELD_PER_SECOND, 0, PACE_MAX,
			&ret->per_second, err) < 0 ||
	    read_number(upload, FIELD_PER_MINUTE, 0, PACE_MAX,
			&ret->per_minute, err) < 0 ||
	    read_number(upload, FIELD_PER_HOUR, 0, PACE_MAX, &ret->per_hour,
			err) < 0 ||
	    read_number(upload, FIELD_PER_DAY, 0, PACE_MAX, &ret->per_day,
			err) < 0 ||
	    read_number(upload, FIELD_CANARY, 0, CANARY_MAX, &ret->canary,
			err) < 0 ||
	    read_number(upload, FIELD_CANARY_PERCENT, CANARY_PERCENT, 100,
			&ret->canary_percent, err) < 0 ||
	    read_number(upload, FIELD_CANARY_WAIT, 0, CANARY_WAIT_MAX_S,
			&wait_s, err) < 0)
		return -1;
	ret->canary_wait_us = (int64_t)wait_s * 1000000;
	return 0;
}

/* Which batch it follows on, if any, and how. */
static int read_relation(const struct ch_upload *upload,
			 struct ch_enqueue *ret, struct ch_error *err)
{
	static const struct {
		enum field field;
		enum ch_relation relation;
	} relations[] = {
		{ FIELD_REMINDS, CH_RELATION_REMINDS },
		{ FIELD_CORRECTS, CH_RELATION_CORRECTS },
		{ FIELD_RECALLS, CH_RELATION_RECALLS },
	};

	ret->related = "";
	for (size_t i = 0; i < CH_COUNT(relations); i++) {
		const char *text = value(upload, relations[i].field);

		if (!*text)
			continue;
		if (*ret->related)
			return ch_error_refuse(err, "4.0.0",
					       "a batch follows on one other "
					       "batch, in one way");
		ret->relation = relations[i].relation;
		ret->related = text;
	}
	return 0;
}

/* The body is whole and its parts make sense. */
static int check(struct ch_upload *upload, struct ch_error *err)
{
	enum MHD_Result whole = MHD_destroy_post_processor(upload->processor);

	upload->processor = NULL;
	if (!upload->fault.text[0])
		end_file(upload, &upload->fault);
	if (upload->fault.text[0]) {
		*err = upload->fault;
		return -1;
	}
	if (whole != MHD_YES)
		return ch_error_refuse(err, "4.0.0",
				       "the last part has no end");
	for (int i = 0; i < FIELDS; i++) {
		struct ch_slice text = { ch_str_cstr(&upload->fields[i]),
					 upload->fields[i].len };

		if (ch_upload_value_ok(text, err) < 0)
			return ch_error_prefix(err, "%s", field_names[i]);
	}
	if (upload->fields[FIELD_REFERENCE].len == 0)
		return ch_error_refuse(err, "4.0.0",
				       "\"reference\" is missing");
	if (upload->tables_len == 0)
		return ch_error_refuse(err, "4.0.0",
				       "\"recipients\" is missing");
	if (faccessat(upload->dir_fd, "letter/letter.conf", F_OK, 0) < 0)
		return ch_error_refuse(err, "4.0.0",
				       "\"letter\" has no "
				       "letter.conf");
	return 0;
}

static int fill(const struct ch_request *request, struct ch_enqueue *ret,
		struct ch_error *err)
{
	const struct ch_upload *upload = request->upload;
	const char *time = value(upload, FIELD_NOT_BEFORE);

	*ret = (struct ch_enqueue){
		.spool_dir = upload->dir,
		.recipients = (const char *const *)upload->tables,
		.recipients_len = upload->tables_len,
		.reference = value(upload, FIELD_REFERENCE),
		.deadline = value(upload, FIELD_DEADLINE),
		.charset = value(upload, FIELD_CHARSET),
		.sheet = value(upload, FIELD_SHEET),
		.test_to = value(upload, FIELD_TEST_TO),
		.who = request->client->who,
	};
	if (*time && ch_clock_parse_rfc3339(time, &ret->not_before_us) < 0)
		return ch_error_refuse(err, "4.0.0",
				       "\"not_before\" is no time "
				       "such as 2026-12-07T09:30:00Z");
	if (read_terms(upload, &ret->terms, err) < 0 ||
	    read_relation(upload, ret, err) < 0 ||
	    read_flag(upload, FIELD_HOLD, &ret->hold, err) < 0)
		return -1;
	return read_flag(upload, FIELD_DRY_RUN, &ret->dry_run, err);
}

/* ---- the answer ------------------------------------------------------- */

static void put_problems(json_t *object, const struct ch_problems *problems)
{
	static const struct ch_problems none;

	if (!problems)
		problems = &none;
	json_object_set_new(object, "problems", ch_http_problems(problems));
	json_object_set_new(object, "errors",
			    json_integer((json_int_t)problems->errors));
	json_object_set_new(object, "warnings",
			    json_integer((json_int_t)problems->warnings));
}

static void answer_batch(struct ch_request *request,
			 const struct ch_store_batch *batch,
			 const struct ch_problems *problems)
{
	struct ch_store *store = ch_mailroom_store(request->http->room);
	struct ch_tally tally = { .state[CH_STATE_QUEUED] = batch->letters };
	bool kept = batch->id != 0;
	json_t *object = json_object();
	struct ch_error err;

	if (kept && ch_store_tally(store, batch->id, &tally, &err) < 0) {
		json_decref(object);
		ch_http_refuse(request, &err);
		return;
	}
	json_object_set_new(object, "batch", ch_http_batch(batch, &tally, 0));
	put_problems(object, problems);
	json_object_set_new(object, "dry_run", json_boolean(!kept));
	ch_http_json(request, kept ? 201 : 200, object);
}

/* The errors of the upload, each where it stands. */
static void answer_problems(struct ch_request *request,
			    const struct ch_problems *problems)
{
	json_t *object = ch_http_error(422, ch_http_code_of(422),
				       "the letter or its recipients have "
				       "errors: nothing was queued", "");

	put_problems(object, problems);
	ch_http_json(request, 422, object);
}

static void on_done(void *context, const struct ch_store_batch *batch,
		    const struct ch_problems *problems,
		    const struct ch_error *err)
{
	struct ch_request *request = context;
	static const struct ch_error unknown = {
		.fate = CH_RETRY, .text = "the import ended without a word",
	};

	if (batch)
		answer_batch(request, batch, problems);
	else if (problems && problems->errors > 0)
		answer_problems(request, problems);
	else
		ch_http_refuse(request, err ? err : &unknown);
	ch_http_answered(request);
}

int ch_http_post_batch(struct ch_request *request, struct ch_error *err)
{
	struct ch_enqueue enqueue;
	int failed;

	if (check(request->upload, err) < 0 ||
	    fill(request, &enqueue, err) < 0)
		return -1;
	failed = ch_mailroom_enqueue(request->http->room, &enqueue, on_done,
				     request, err);
	free(CH_TAKE(request->upload->dir)); /* the mail room's from here on */
	if (failed < 0) {
		if (err->status[0])
			return -1;
		snprintf(err->status, sizeof(err->status), "%s",
			 err->fate == CH_RETRY ? "4.2.9" : "4.0.9");
		if (err->fate != CH_RETRY)
			ch_error_hint(err, "Give it another reference; "
					   "\"chancery status BATCH\" shows "
					   "what that one is.");
		return -1;
	}
	if (request->status == 0)
		ch_http_wait(request, CH_WAIT_IMPORT);
	return 1;
}
