// SPDX-License-Identifier: GPL-3.0-or-later
/* output.c - written beside its place, then moved there. */
#include "cli/output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/cli.h"

#define PIECE (256 * 1024)

static int cannot_create(const struct ch_output *output, int errnum)
{
	return ch_fail(output->cli, EX_CANTCREAT, NULL, "%s: %s",
		       output->shown, strerror(errnum));
}

static int cannot_write(const struct ch_output *output, int errnum)
{
	return ch_fail(output->cli, EX_IOERR, NULL, "%s: cannot be written%s%s",
		       output->shown, errnum ? ": " : "",
		       errnum ? strerror(errnum) : "");
}

/* ---- opening ---------------------------------------------------------- */

/* Where a link leads, for it stays one. The file need not be there. */
static char *real_place(const char *path)
{
	char *real = realpath(path, NULL);

	return real ? real : ch_xstrdup(path);
}

/* Beside its place, with the rights that it has there or will have. */
static int open_beside(struct ch_output *output, const char *path,
		       const struct stat *there)
{
	const char *slash;
	char name[64];
	int fd;

	output->place = real_place(path);
	slash = strrchr(output->place, '/');
	ch_file_temporary_name(name, sizeof(name));
	output->written = ch_xasprintf(
		"%.*s%s", slash ? (int)(slash + 1 - output->place) : 0,
		output->place, name);
	fd = open(output->written, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC,
		  0666);
	if (fd < 0) {
		free(CH_TAKE(output->written));
		return cannot_create(output, errno);
	}
	if (there)
		(void)fchmod(fd, there->st_mode & 0777);
	output->file = fdopen(fd, "w+");
	if (output->file)
		return EX_OK;
	close(fd);
	return cannot_create(output, errno);
}

/* In the folder for temporary files; it will be copied. */
static int open_apart(struct ch_output *output)
{
	const char *folder = getenv("TMPDIR");
	int fd;

	output->written = ch_xasprintf("%s/chancery-XXXXXX",
				       folder && folder[0] ? folder : "/tmp");
	fd = mkostemp(output->written, O_CLOEXEC);
	output->file = fd < 0 ? NULL : fdopen(fd, "w+");
	if (output->file)
		return EX_OK;
	output->shown = "a temporary file";
	if (fd >= 0)
		close(fd);
	else
		free(CH_TAKE(output->written));
	return cannot_create(output, errno);
}

static int open_target(struct ch_output *output, const char *path)
{
	if (path)
		output->target = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
	else
		output->target = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	return output->target < 0 ? cannot_create(output, errno) : EX_OK;
}

int ch_output_open(const struct ch_cli *cli, const char *path,
		   enum ch_output_needs needs, struct ch_output *ret)
{
	bool is_file = path && strcmp(path, "-") != 0;
	struct stat there;
	bool found = is_file && stat(path, &there) == 0;
	int code;

	*ret = (struct ch_output){ .cli = cli, .target = -1,
				   .shown = is_file ? path : "the output" };
	if (is_file && (!found || S_ISREG(there.st_mode)))
		return open_beside(ret, path, found ? &there : NULL);
	if (found && S_ISDIR(there.st_mode))
		return cannot_create(ret, EISDIR);
	if (needs == CH_OUTPUT_STREAM && !is_file) {
		ret->file = stdout;
		return EX_OK;
	}
	code = open_target(ret, is_file ? path : NULL);
	if (code != EX_OK)
		return code;
	if (needs == CH_OUTPUT_NAMED)
		return open_apart(ret);
	ret->file = fdopen(ret->target, "w");
	if (!ret->file)
		return cannot_create(ret, errno);
	ret->target = -1;
	return EX_OK;
}

/* ---- bringing it to its place ----------------------------------------- */

static int sync_folder(const char *place)
{
	CH_AUTOFD fd = ch_file_open_folder_of(place);

	return fd < 0 ? -1 : fsync(fd);
}

/* What others have written under that name, which may be another file by now.
 */
static int move(struct ch_output *output)
{
	CH_AUTOFD fd = open(output->written, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fsync(fd) < 0 ||
	    rename(output->written, output->place) < 0)
		return cannot_write(output, errno);
	free(CH_TAKE(output->written));
	if (sync_folder(output->place) < 0)
		return cannot_write(output, errno);
	return EX_OK;
}

static int copy(struct ch_output *output)
{
	CH_AUTOFD fd = open(output->written, O_RDONLY | O_CLOEXEC);
	CH_AUTOCHAR piece = ch_xmalloc(PIECE);
	struct ch_error err;
	ssize_t n = fd < 0 ? -1 : 1;

	while (n > 0) {
		n = read(fd, piece, PIECE);
		if (n > 0 && ch_file_write_all(output->target, piece,
					       (size_t)n, &err) < 0)
			return ch_fail(output->cli, EX_IOERR, NULL, "%s: %s",
				       output->shown, err.text);
	}
	return n < 0 ? cannot_write(output, errno) : EX_OK;
}

int ch_output_commit(struct ch_output *output)
{
	bool failed = ferror(output->file) != 0;

	errno = 0;
	if (output->file == stdout)
		failed |= fflush(stdout) != 0;
	else
		failed |= fclose(CH_TAKE(output->file)) != 0;
	if (failed)
		return cannot_write(output, errno);
	if (output->place)
		return move(output);
	return output->written ? copy(output) : EX_OK;
}

void ch_output_release(struct ch_output *output)
{
	if (output->file && output->file != stdout)
		fclose(output->file);
	if (output->written)
		unlink(output->written);
	free(output->written);
	free(output->place);
	ch_auto_close(&output->target);
	*output = (struct ch_output){ .target = -1 };
}
