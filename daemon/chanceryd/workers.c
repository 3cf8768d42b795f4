// SPDX-License-Identifier: GPL-3.0-or-later
/* workers.c - see workers.h.
 *
 * Two things end a worker's life here: its channel is read to the end, and its
 * process is waited for. The second decides, after the first: whatever it said
 * before it died is heard, since a result that lies in the socket says what
 * became of a letter.
 */
#include "chanceryd/workers.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "chanceryd/process.h"
#include "chanceryd/room.h"
#include "chanceryd/schedule.h"

#define CHANNEL_FD 3
#define LINGER_US (5 * 1000000ULL) /* a worker that closed, but lives on */

struct ch_worker {
	struct ch_mailroom *room; /* borrowed */
	const struct ch_worker_role_table *role;
	void *owner; /* borrowed */
	pid_t pid;
	int fd; /* owned */
	struct ch_channel channel;
	sd_event_source *io;     /* owned */
	sd_event_source *child;  /* owned */
	sd_event_source *linger; /* owned; NULL: its channel is open */
	int64_t started_ms;
	bool broken; /* it is being killed: nothing it says counts */
	bool dirty;  /* something is to be written at the end of the turn */
	bool blocked; /* the socket was full: wait until it is not */
	char why[240]; /* why it was killed, "" */
	struct ch_worker *next, *prev; /* all workers */
};

struct ch_workers {
	struct ch_mailroom *room; /* borrowed */
	struct ch_worker *first;
	size_t len;
	uint64_t restarts;
	char **environment; /* owned array, borrowed strings */
	char *libexecdir;   /* owned */
};

/* What a worker may send; the largest decides the memory. */
union any_message {
	struct ch_send_ready ready;
	struct ch_send_dot dot;
	struct ch_send_result result;
	struct ch_send_fault fault;
	struct ch_import_file import_file;
	struct ch_import_letter import_letter;
	struct ch_import_problem import_problem;
	struct ch_import_done import_done;
	struct ch_receive_state receive_state;
	struct ch_receive_mail receive_mail;
	struct ch_receive_copy receive_copy;
};

/* ---- all of them ------------------------------------------------------ */

int ch_workers_new(struct ch_mailroom *room, struct ch_workers **ret,
		   struct ch_error *err)
{
	const char *libexecdir = getenv("CHANCERY_LIBEXECDIR");
	struct ch_workers *workers = ch_xzalloc(sizeof(*workers));

	workers->room = room;
	workers->environment =
		ch_environment_new(CH_ENVIRONMENT_WORKER);
	workers->libexecdir = ch_xstrdup(
		libexecdir && libexecdir[0] ? libexecdir : CH_LIBEXECDIR);
	*ret = workers;
	return 0;
}

static void free_worker(struct ch_worker *worker)
{
	struct ch_workers *workers = worker->room->workers;

	if (worker->prev)
		worker->prev->next = worker->next;
	else
		workers->first = worker->next;
	if (worker->next)
		worker->next->prev = worker->prev;
	workers->len--;
	sd_event_source_disable_unref(worker->io);
	sd_event_source_disable_unref(worker->child);
	sd_event_source_disable_unref(worker->linger);
	ch_channel_release(&worker->channel);
	close(worker->fd);
	free(worker);
}

void ch_workers_free(struct ch_workers *workers)
{
	if (!workers)
		return;
	while (workers->first) {
		struct ch_worker *worker = workers->first;

		sd_event_source_disable_unref(CH_TAKE(worker->child));
		(void)kill(worker->pid, SIGKILL);
		while (waitpid(worker->pid, NULL, 0) < 0 && errno == EINTR)
			;
		free_worker(worker);
	}
	free(workers->environment);
	free(workers->libexecdir);
	free(workers);
}

size_t ch_workers_count(const struct ch_workers *workers)
{
	return workers->len;
}

void ch_workers_restarted(struct ch_workers *workers)
{
	workers->restarts++;
}

uint64_t ch_workers_restarts(const struct ch_workers *workers)
{
	return workers->restarts;
}

/* ---- what it says ----------------------------------------------------- */

__attribute__((format(printf, 2, 3))) static void
break_off(struct ch_worker *worker, const char *format, ...)
{
	va_list args;

	if (worker->broken)
		return;
	worker->broken = true;
	va_start(args, format);
	(void)vsnprintf(worker->why, sizeof(worker->why), format, args);
	va_end(args);
	(void)kill(worker->pid, SIGKILL);
	if (worker->io)
		(void)sd_event_source_set_enabled(worker->io, SD_EVENT_OFF);
}

static void hear(struct ch_worker *worker, uint16_t type,
		 struct ch_slice payload)
{
	ch_worker_handler *handler = type < CH_MSG_TYPES ?
					     worker->role->handlers[type] :
					     NULL;
	CH_AUTO(ch_arena) arena = { NULL };
	union any_message message;
	struct ch_error err;

	if (!handler)
		break_off(worker, "it may not send message %u (%s)", type,
			  ch_message_name(type));
	else if (ch_message_get(type, payload, &message, &arena, &err) < 0 ||
		 handler(worker->room, worker, &message, &err) < 0)
		break_off(worker, "%s: %s", ch_message_name(type), err.text);
}

/* All whole frames that were read. */
static void take_frames(struct ch_worker *worker)
{
	struct ch_slice payload;
	struct ch_error err;
	uint16_t type;
	int got = 0;

	while (!worker->broken &&
	       (got = ch_channel_next(&worker->channel, &type, &payload,
				      &err)) > 0)
		hear(worker, type, payload);
	if (!worker->broken && got < 0)
		break_off(worker, "%s", err.text);
}

static int on_linger(sd_event_source *source, uint64_t usec, void *context)
{
	break_off(context, "it closed its channel and went on");
	return 0;
}

/* Its end of the channel is closed: its process is about to end, or is made
 * to. */
static void closed(struct ch_worker *worker)
{
	(void)sd_event_source_set_enabled(worker->io, SD_EVENT_OFF);
	if (!worker->linger &&
	    sd_event_add_time_relative(worker->room->event, &worker->linger,
				       CLOCK_MONOTONIC, LINGER_US, 0,
				       on_linger, worker) < 0)
		break_off(worker, "it closed its channel");
}

static int on_io(sd_event_source *source, int fd, uint32_t events,
		 void *context)
{
	struct ch_worker *worker = context;
	struct ch_error err;
	int got;

	if (events & EPOLLOUT) {
		/* Not here: the turn may hold what is not on the disk yet. */
		worker->blocked = false;
		worker->dirty = true;
		ch_turn_due(worker->room);
		(void)sd_event_source_set_io_events(source, EPOLLIN);
	}
	if (!(events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
		return 0;
	got = ch_channel_fill(&worker->channel, &err);
	if (got > 0)
		take_frames(worker);
	else if (got < 0)
		closed(worker);
	return 0;
}

/* ---- its end ---------------------------------------------------------- */

static int on_child(sd_event_source *source, const siginfo_t *info,
		    void *context)
{
	struct ch_worker *worker = context;
	struct ch_mailroom *room = worker->room;
	const struct ch_worker_role_table *role = worker->role;
	struct ch_worker_end end = { 0 };
	struct ch_error err;

	take_frames(worker);
	while (!worker->broken && ch_channel_fill(&worker->channel, &err) > 0)
		take_frames(worker);
	end.lived_ms = ch_clock_mono_ms() - worker->started_ms;
	end.well = info->si_code == CLD_EXITED && info->si_status == 0 &&
		   !worker->broken;
	ch_process_say_end(info, worker->why, end.text, sizeof(end.text));
	if (!end.well)
		ch_turn_log(room, LOG_WARNING, NULL, "%s[%d]: %s",
			    role->program, (int)worker->pid, end.text);
	role->ended(room, worker, &end);
	free_worker(worker);
	/* Whoever waits for the last one looks at the end of the turn. */
	ch_turn_due(room);
	return 0;
}

/* ---- its start -------------------------------------------------------- */

/* Nothing but the channel is open there. */
static int spawn(const struct ch_workers *workers, const char *path,
		 const char *program, int fd, pid_t *ret_pid)
{
	CH_AUTOCHAR name = ch_xstrdup(program);
	char *const argv[] = { name, NULL };
	posix_spawn_file_actions_t actions;
	int r;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null",
					 O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO,
					 STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, fd, CHANNEL_FD);
	r = ch_process_spawn(path, argv, workers->environment, &actions,
			     ret_pid);
	posix_spawn_file_actions_destroy(&actions);
	return r;
}

static int start_process(struct ch_workers *workers, const char *program,
			 int *ret_fd, pid_t *ret_pid, struct ch_error *err)
{
	CH_AUTOCHAR path = ch_xasprintf("%s/%s", workers->libexecdir, program);
	CH_AUTOFD theirs = -1;
	CH_AUTOFD ours = -1;
	int pair[2];
	int r;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return ch_error_errno(err, errno, "socketpair");
	ours = pair[0];
	theirs = pair[1];
	if (fcntl(ours, F_SETFL, O_NONBLOCK) < 0)
		return ch_error_errno(err, errno, "socketpair");
	r = spawn(workers, path, program, theirs, ret_pid);
	if (r != 0)
		return ch_error_errno(err, r, "%s", path);
	*ret_fd = CH_TAKE_FD(ours);
	return 0;
}

static int watch(struct ch_worker *worker, struct ch_error *err)
{
	sd_event *event = worker->room->event;
	int r = sd_event_add_io(event, &worker->io, worker->fd, EPOLLIN, on_io,
				worker);

	if (r >= 0)
		r = sd_event_add_child(event, &worker->child, worker->pid,
				       WEXITED, on_child, worker);
	return r < 0 ? ch_error_errno(err, -r, "event loop") : 0;
}

int ch_worker_start(struct ch_mailroom *room,
		    const struct ch_worker_role_table *role, void *owner,
		    struct ch_worker **ret, struct ch_error *err)
{
	struct ch_workers *workers = room->workers;
	struct ch_worker *worker;
	pid_t pid = 0;
	int fd = -1;

	if (start_process(workers, role->program, &fd, &pid, err) < 0)
		return -1;
	worker = ch_xzalloc(sizeof(*worker));
	*worker = (struct ch_worker){
		.room = room,
		.role = role,
		.owner = owner,
		.pid = pid,
		.fd = fd,
		.started_ms = ch_clock_mono_ms(),
		.next = workers->first,
	};
	ch_channel_init(&worker->channel, fd);
	if (workers->first)
		workers->first->prev = worker;
	workers->first = worker;
	workers->len++;
	if (watch(worker, err) < 0) {
		(void)kill(pid, SIGKILL);
		(void)waitpid(pid, NULL, 0);
		free_worker(worker);
		return -1;
	}
	*ret = worker;
	return 0;
}

void *ch_worker_owner(const struct ch_worker *worker)
{
	return worker->owner;
}

/* ---- what is said to it ----------------------------------------------- */

void ch_worker_tell(struct ch_worker *worker, enum ch_message_type type,
		    const void *message)
{
	struct ch_error err;

	if (worker->broken)
		return;
	if (ch_message_put(&worker->channel, type, message, &err) < 0) {
		break_off(worker, "%s: %s", ch_message_name(type), err.text);
		return;
	}
	worker->dirty = true;
	ch_turn_due(worker->room);
}

static void flush(struct ch_worker *worker)
{
	struct ch_error err;
	int done;

	worker->dirty = false;
	if (worker->broken || worker->blocked)
		return;
	done = ch_channel_flush(&worker->channel, &err);
	/* Where it has gone its end tells, after what it had said. */
	if (done != 0)
		return;
	worker->blocked = true;
	(void)sd_event_source_set_io_events(worker->io, EPOLLIN | EPOLLOUT);
}

void ch_workers_flush(struct ch_workers *workers)
{
	for (struct ch_worker *at = workers->first; at; at = at->next)
		if (at->dirty)
			flush(at);
}

void ch_worker_kill(struct ch_worker *worker, const char *why)
{
	break_off(worker, "%s", why);
}

void ch_workers_kill(struct ch_workers *workers, const char *why)
{
	for (struct ch_worker *at = workers->first; at; at = at->next)
		break_off(at, "%s", why);
}
