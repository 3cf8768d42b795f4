// SPDX-License-Identifier: GPL-3.0-or-later
/* main.c - chanceryd: read the configuration, open the mail room, run the loop.
 */
#include <errno.h>
#include <getopt.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <sysexits.h>

#include "base/mem.h"
#include "chanceryd/config.h"
#include "chanceryd/dkim.h"
#include "chanceryd/doors.h"
#include "chanceryd/http.h"
#include "chanceryd/room.h"
#include "chanceryd/service.h"

struct options {
	const char *config_path;
	bool test;
	bool dkim;
};

static const char help[] =
	"usage: chanceryd [-t | -d] [-c FILE]\n"
	"\n"
	"The mail room of a secretariat: see chanceryd(8).\n"
	"\n"
	"  -c, --config FILE  read this instead of " CH_SYSCONFDIR
	"/chancery.conf\n"
	"  -d, --dkim         print the DNS records of the DKIM keys and exit\n"
	"  -t, --test         check the configuration and exit\n"
	"  -h, --help         print this\n"
	"  -V, --version      print the version\n";

/* -1: go on; else the exit status. */
static int read_options(int argc, char **argv, struct options *ret)
{
	static const struct option names[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "dkim", no_argument, NULL, 'd' },
		{ "test", no_argument, NULL, 't' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 }
	};
	int option;

	while ((option = getopt_long(argc, argv, "c:dthV", names, NULL)) >= 0) {
		switch (option) {
		case 'c':
			ret->config_path = optarg;
			break;
		case 'd':
			ret->dkim = true;
			break;
		case 't':
			ret->test = true;
			break;
		case 'h':
			return fputs(help, stdout) < 0 ? EX_IOERR : EX_OK;
		case 'V':
			return printf("chanceryd %s\n", PACKAGE_VERSION) < 0 ?
				       EX_IOERR : EX_OK;
		default:
			fputs(help, stderr);
			return EX_USAGE;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "chanceryd: what is \"%s\"?\n%s", argv[optind],
			help);
		return EX_USAGE;
	}
	return -1;
}

/* All mistakes at once. */
static int read_config(const char *path, struct ch_config **ret)
{
	CH_AUTO(ch_problems) problems = { 0 };
	int result = ch_config_read(path, ret, &problems);

	ch_service_print(&problems);
	return result;
}

/* What somebody has to publish, and nothing else on stdout. */
static int print_dkim(const struct ch_config *config)
{
	struct ch_error err;

	if (config->secretariat.dkim.len == 0)
		fputs("chanceryd: no key is configured: see secretariat.dkim "
		      "in chancery.conf(5)\n", stderr);
	if (ch_dkim_print(config, stdout, &err) == 0)
		return EX_OK;
	fprintf(stderr, "chanceryd: %s\n", err.text);
	return err.fate == CH_RETRY ? EX_IOERR : EX_CONFIG;
}

/* The loop waits for these; workers get them as they were (workers.c). */
static void block_signals(void)
{
	sigset_t ours;

	sigemptyset(&ours);
	sigaddset(&ours, SIGTERM);
	sigaddset(&ours, SIGINT);
	sigaddset(&ours, SIGHUP);
	sigaddset(&ours, SIGCHLD);
	sigprocmask(SIG_BLOCK, &ours, NULL);
	signal(SIGPIPE, SIG_IGN);
}

/* A turn takes some hundred kilobytes and gives them back: kept, they are not
 * asked of the kernel, page by page, for the next. */
static void keep_memory(void)
{
	mallopt(M_TRIM_THRESHOLD, 4 * 1024 * 1024);
	mallopt(M_TOP_PAD, 1024 * 1024);
}

static int open_doors(struct ch_mailroom *room, struct ch_doors *doors,
		      struct ch_error *err)
{
	const struct ch_config *config = room->config;
	const struct ch_http_options options = {
		.max_clients = (unsigned int)config->status.max_clients,
		.request_timeout_ms = (int)config->status.request_timeout_ms,
		.metrics_file = config->status.metrics_file[0] ?
					config->status.metrics_file : NULL,
		.max_upload_bytes = (uint64_t)config->import.max_upload_bytes,
		.objects_dir = room->objects_dir,
	};

	return ch_http_start(room, CH_TAKE_FD(doors->status_fd),
			     CH_TAKE_FD(doors->control_fd), &options,
			     &room->http, err);
}

/* The exit status; what could not be done now may be done in ten seconds. */
static int run(struct ch_mailroom *room, struct ch_config *config,
	       struct ch_doors *doors)
{
	struct ch_error err;
	int r;

	if (ch_room_start(room, config, &err) < 0 ||
	    ch_doors_open(config, &room->log, doors, &err) < 0 ||
	    open_doors(room, doors, &err) < 0 ||
	    ch_service_new(room, &room->service, &err) < 0) {
		ch_log(&room->log, LOG_CRIT, NULL, "cannot start: %s",
		       err.text);
		return EX_TEMPFAIL;
	}
	ch_service_ready(room);
	r = sd_event_loop(room->event);
	if (r < 0) {
		(void)ch_error_errno(&err, -r, "event loop");
		ch_log(&room->log, LOG_CRIT, NULL, "%s", err.text);
		return EX_SOFTWARE;
	}
	return r;
}

int main(int argc, char **argv)
{
	struct options options = { .config_path =
					   CH_SYSCONFDIR "/chancery.conf" };
	struct ch_mailroom room = { 0 };
	struct ch_doors doors = { .status_fd = -1, .control_fd = -1 };
	struct ch_config *config;
	int status = read_options(argc, argv, &options);

	if (status >= 0)
		return status;
	ch_log_init(&room.log);
	if (read_config(options.config_path, &config) < 0)
		return EX_CONFIG;
	if (options.test || options.dkim) {
		status = options.dkim ? print_dkim(config) : EX_OK;
		ch_config_free(config);
		return status;
	}
	keep_memory();
	block_signals();
	room.config_path = options.config_path;
	status = run(&room, config, &doors);
	ch_room_free(&room);
	ch_doors_release(&doors);
	return status;
}
