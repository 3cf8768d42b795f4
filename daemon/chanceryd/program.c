// SPDX-License-Identifier: GPL-3.0-or-later
/* program.c - see program.h.
 *
 * Its end decides, not the end of its output: who keeps that open after the
 * program has exited (a child of it) is not waited for.
 */
#include "chanceryd/program.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "chanceryd/process.h"

/* Its output, or its complaints: in a place that never moves, since a copy of a
 * secret would stay behind. */
struct stream {
	struct ch_program *program;
	int fd;              /* owned; -1: ended */
	sd_event_source *io; /* owned */
	char *bytes;         /* owned */
	size_t len, max;
};

struct ch_program {
	ch_program_done *done;
	void *owner; /* borrowed */
	pid_t pid;
	struct stream out, err;
	sd_event_source *child;    /* owned */
	sd_event_source *deadline; /* owned */
	char why[240];             /* why it was killed, "" */
};

/* ---- what it prints --------------------------------------------------- */

__attribute__((format(printf, 2, 3))) static void
break_off(struct ch_program *program, const char *format, ...)
{
	va_list args;

	if (program->why[0])
		return;
	va_start(args, format);
	(void)vsnprintf(program->why, sizeof(program->why), format, args);
	va_end(args);
	(void)kill(-program->pid, SIGKILL);
}

/* Take what has come; 1 where more may come at once. */
static int take(struct stream *stream)
{
	struct ch_program *program = stream->program;
	char beyond[512];
	size_t room = stream->max - stream->len;
	ssize_t got;

	if (stream->fd < 0)
		return 0;
	got = read(stream->fd, room ? stream->bytes + stream->len : beyond,
		   room ? room : sizeof(beyond));
	if (got < 0)
		return errno == EINTR;
	if (got == 0) {
		stream->io = sd_event_source_disable_unref(stream->io);
		close(stream->fd);
		stream->fd = -1;
		return 0;
	}
	if (room)
		stream->len += (size_t)got;
	else
		explicit_bzero(beyond, sizeof(beyond));
	if (!room && stream == &program->out)
		break_off(program, "it prints more than %d bytes",
			  CH_PROGRAM_OUT_MAX);
	return !program->why[0];
}

static int on_io(sd_event_source *source, int fd, uint32_t events,
		 void *context)
{
	(void)take(context);
	return 0;
}

/* ---- its end ---------------------------------------------------------- */

static int on_deadline(sd_event_source *source, uint64_t usec, void *context)
{
	break_off(context, "it did not end in time");
	return 0;
}

static void release_stream(struct stream *stream)
{
	sd_event_source_disable_unref(stream->io);
	if (stream->fd >= 0)
		close(stream->fd);
	explicit_bzero(stream->bytes, stream->max);
	free(stream->bytes);
}

static void release(struct ch_program *program)
{
	sd_event_source_disable_unref(program->child);
	sd_event_source_disable_unref(program->deadline);
	release_stream(&program->out);
	release_stream(&program->err);
	free(program);
}

static int on_child(sd_event_source *source, const siginfo_t *info,
		    void *context)
{
	struct ch_program *program = context;
	struct ch_program_end end = { 0 };

	/* It is a zombie still, so its group is nobody else's; whoever is left
	 * there could write for ever. */
	(void)kill(-program->pid, SIGKILL);
	while (take(&program->out))
		;
	while (take(&program->err))
		;
	end.well = info->si_code == CLD_EXITED && info->si_status == 0 &&
		   !program->why[0];
	ch_process_say_end(info, program->why, end.text, sizeof(end.text));
	end.out = (struct ch_slice){ program->out.bytes, program->out.len };
	end.err = (struct ch_slice){ program->err.bytes, program->err.len };
	program->done(program->owner, &end);
	release(program);
	return 0;
}

void ch_program_free(struct ch_program *program)
{
	if (!program)
		return;
	sd_event_source_disable_unref(CH_TAKE(program->child));
	(void)kill(-program->pid, SIGKILL);
	while (waitpid(program->pid, NULL, 0) < 0 && errno == EINTR)
		;
	release(program);
}

/* ---- its start -------------------------------------------------------- */

static int spawn(char *const *words, int in, int out, int err,
		 pid_t *ret_pid)
{
	char **environment = ch_environment_new(CH_ENVIRONMENT_PROGRAM);
	posix_spawn_file_actions_t actions;
	int r;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, err, STDERR_FILENO);
	posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
	r = ch_process_spawn(words[0], words, environment, &actions, ret_pid);
	posix_spawn_file_actions_destroy(&actions);
	free(environment);
	return r;
}

/* What it reads: as a file, so that nobody waits for it to be read. */
static int input_of(struct ch_slice input, struct ch_error *err)
{
	int fd = input.len == 0 ? open("/dev/null", O_RDONLY | O_CLOEXEC) :
				  memfd_create("input", MFD_CLOEXEC);

	if (fd < 0)
		return ch_error_errno(err, errno, "its input");
	if (input.len > 0 &&
	    (ch_file_write_all(fd, input.data, input.len, err) < 0 ||
	     lseek(fd, 0, SEEK_SET) < 0)) {
		close(fd);
		return ch_error_set(err, CH_RETRY, "its input: no memory");
	}
	return fd;
}

static int start_process(struct ch_program *program, char *const *words,
			 struct ch_slice input, struct ch_error *err)
{
	CH_AUTOFD theirs_in = input_of(input, err);
	CH_AUTOFD theirs_out = -1;
	CH_AUTOFD theirs_err = -1;
	int pair[2];
	int r;

	if (theirs_in < 0)
		return -1;
	if (pipe2(pair, O_CLOEXEC) < 0)
		return ch_error_errno(err, errno, "pipe");
	program->out.fd = pair[0];
	theirs_out = pair[1];
	if (pipe2(pair, O_CLOEXEC) < 0)
		return ch_error_errno(err, errno, "pipe");
	program->err.fd = pair[0];
	theirs_err = pair[1];
	if (fcntl(program->out.fd, F_SETFL, O_NONBLOCK) < 0 ||
	    fcntl(program->err.fd, F_SETFL, O_NONBLOCK) < 0)
		return ch_error_errno(err, errno, "pipe");
	r = spawn(words, theirs_in, theirs_out, theirs_err, &program->pid);
	return r ? ch_error_errno(err, r, "it cannot be run") : 0;
}

static int watch(struct ch_program *program, sd_event *event,
		 int64_t timeout_ms, struct ch_error *err)
{
	int r = sd_event_add_io(event, &program->out.io, program->out.fd,
				EPOLLIN, on_io, &program->out);

	if (r >= 0)
		r = sd_event_add_io(event, &program->err.io, program->err.fd,
				    EPOLLIN, on_io, &program->err);
	if (r >= 0)
		r = sd_event_add_time_relative(event, &program->deadline,
					       CLOCK_MONOTONIC,
					       (uint64_t)timeout_ms * 1000, 0,
					       on_deadline, program);
	if (r >= 0)
		r = sd_event_add_child(event, &program->child, program->pid,
				       WEXITED, on_child, program);
	return r < 0 ? ch_error_errno(err, -r, "event loop") : 0;
}

static void init_stream(struct ch_program *program, struct stream *stream,
			size_t max)
{
	*stream = (struct stream){
		.program = program,
		.fd = -1,
		.bytes = ch_xzalloc(max),
		.max = max,
	};
}

int ch_program_start(sd_event *event, char *const *words,
		     struct ch_slice input, int64_t timeout_ms,
		     ch_program_done *done, void *owner,
		     struct ch_program **ret, struct ch_error *err)
{
	struct ch_program *program = ch_xzalloc(sizeof(*program));

	program->done = done;
	program->owner = owner;
	init_stream(program, &program->out, CH_PROGRAM_OUT_MAX);
	init_stream(program, &program->err, CH_PROGRAM_ERR_KEPT);
	if (start_process(program, words, input, err) < 0) {
		release(program);
		return -1;
	}
	if (watch(program, event, timeout_ms, err) < 0) {
		ch_program_free(program);
		return -1;
	}
	*ret = program;
	return 0;
}
