// SPDX-License-Identifier: GPL-3.0-or-later
/* doors.c - see doors.h. */
#include "chanceryd/doors.h"

#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>

#include "base/mem.h"

#define BACKLOG 128

/* ---- handed over ------------------------------------------------------ */

static void take(int *slot, int fd)
{
	if (*slot >= 0)
		close(fd);
	else
		*slot = fd;
}

static int take_from_systemd(const struct ch_log *log, struct ch_doors *doors,
			     struct ch_error *err)
{
	char **names = NULL;
	int len = sd_listen_fds_with_names(1, &names);

	if (len < 0)
		return ch_error_errno(err, -len, "sockets of systemd");
	for (int i = 0; i < len; i++) {
		int fd = SD_LISTEN_FDS_START + i;
		bool listens = sd_is_socket(fd, AF_UNIX, SOCK_STREAM, 1) > 0;

		if (listens && strcmp(names[i], "status") == 0) {
			take(&doors->status_fd, fd);
		} else if (listens && strcmp(names[i], "control") == 0) {
			take(&doors->control_fd, fd);
		} else {
			ch_log(log, LOG_WARNING, NULL,
			       "a socket called \"%s\" was handed over, which "
			       "is neither of ours", names[i]);
			close(fd);
		}
		free(names[i]);
	}
	free(names);
	return 0;
}

/* ---- our own ---------------------------------------------------------- */

static int fill_address(const char *path, struct sockaddr_un *ret,
			struct ch_error *err)
{
	size_t len = strlen(path);

	*ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (len >= sizeof(ret->sun_path))
		return ch_error_set(err, CH_GIVE_UP, "%s: too long", path);
	memcpy(ret->sun_path, path, len + 1);
	return 0;
}

/* 1 somebody does, 0 nobody, -1 error. */
static int somebody_listens(const struct sockaddr_un *address,
			    struct ch_error *err)
{
	CH_AUTOFD fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return ch_error_errno(err, errno, "socket");
	if (connect(fd, (const struct sockaddr *)address,
		    sizeof(*address)) == 0)
		return 1;
	return errno == ECONNREFUSED || errno == ENOENT ? 0 : 1;
}

/* Make way for our socket: only a dead one is removed. */
static int clear_path(const char *path, const struct sockaddr_un *address,
		      struct ch_error *err)
{
	struct stat st;
	int alive;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : ch_error_errno(err, errno, "%s",
							    path);
	if (!S_ISSOCK(st.st_mode))
		return ch_error_set(err, CH_GIVE_UP,
				    "%s is there and is no socket: remove it",
				    path);
	alive = somebody_listens(address, err);
	if (alive < 0)
		return -1;
	if (alive)
		return ch_error_set(err, CH_RETRY,
				    "%s: somebody listens there already", path);
	if (unlink(path) < 0)
		return ch_error_errno(err, errno, "%s", path);
	return 0;
}

/* Nobody else's until it has its group. */
static int set_owner(const char *path, const char *group, struct ch_error *err)
{
	const struct group *entry = NULL;

	if (group[0]) {
		errno = 0;
		entry = getgrnam(group);
		if (!entry)
			return ch_error_set(err, CH_GIVE_UP,
					    "there is no group \"%s\"", group);
	}
	if (entry && lchown(path, (uid_t)-1, entry->gr_gid) < 0)
		return ch_error_errno(err, errno, "%s: group %s", path, group);
	if (chmod(path, 0660) < 0)
		return ch_error_errno(err, errno, "%s", path);
	return 0;
}

static int bind_alone(int fd, const struct sockaddr_un *address)
{
	mode_t before = umask(0177);
	int r = bind(fd, (const struct sockaddr *)address, sizeof(*address));

	(void)umask(before);
	return r;
}

static int make(const char *path, const char *group, int *ret_fd,
		char **ret_made, struct ch_error *err)
{
	CH_AUTOFD fd = socket(AF_UNIX,
			      SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un address;

	if (fd < 0)
		return ch_error_errno(err, errno, "socket");
	if (fill_address(path, &address, err) < 0 ||
	    clear_path(path, &address, err) < 0)
		return -1;
	if (bind_alone(fd, &address) < 0)
		return ch_error_errno(err, errno, "%s", path);
	*ret_made = ch_xstrdup(path);
	if (set_owner(path, group, err) < 0)
		return -1;
	if (listen(fd, BACKLOG) < 0)
		return ch_error_errno(err, errno, "%s", path);
	*ret_fd = CH_TAKE_FD(fd);
	return 0;
}

/* ---- both ------------------------------------------------------------- */

int ch_doors_open(const struct ch_config *config, const struct ch_log *log,
		  struct ch_doors *ret, struct ch_error *err)
{
	struct ch_doors doors = { .status_fd = -1, .control_fd = -1 };

	if (take_from_systemd(log, &doors, err) < 0 ||
	    (doors.status_fd < 0 &&
	     make(config->status.socket, config->status.group,
		  &doors.status_fd, &doors.made[0], err) < 0) ||
	    (doors.control_fd < 0 &&
	     make(config->status.control_socket, config->status.control_group,
		  &doors.control_fd, &doors.made[1], err) < 0)) {
		ch_doors_release(&doors);
		return -1;
	}
	*ret = doors;
	return 0;
}

void ch_doors_release(struct ch_doors *doors)
{
	if (doors->status_fd >= 0)
		close(CH_TAKE_FD(doors->status_fd));
	if (doors->control_fd >= 0)
		close(CH_TAKE_FD(doors->control_fd));
	for (size_t i = 0; i < CH_COUNT(doors->made); i++) {
		if (doors->made[i])
			(void)unlink(doors->made[i]);
		free(CH_TAKE(doors->made[i]));
	}
}
