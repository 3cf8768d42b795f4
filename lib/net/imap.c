// SPDX-License-Identifier: GPL-3.0-or-later
/* imap.c - open a folder, list what is new, wait.
 *
 * libetpan sends the commands and reads the answers. Four things are done here
 * instead: the login (imap-login.c); IDLE, since mailimap_idle() waits for ever
 * where a server says "* 4 EXISTS" before its "+"; SEARCH, whose answer
 * libetpan keeps as a list of 100 bytes for each of what may be millions of
 * mails; and the bytes of a mail (imap-fetch.c). CONDSTORE and QRESYNC are not
 * asked for: they tell of flags and of what is gone, and what is new is told by
 * its UID.
 */
#include "net/imap.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/clock.h"
#include "net/imap-folder.h"
#include "net/imap-private.h"

#define FOLDER_MAX 4096

/* ---- opening ------------------------------------------------------------- */

static int refuse(enum ch_imap_fault *ret_fault, enum ch_imap_fault fault,
		  struct ch_error *err, const char *text)
{
	*ret_fault = fault;
	return ch_error_set(err, CH_GIVE_UP, "%s", text);
}

static int start_tls(struct ch_imap *imap, enum ch_imap_fault *ret_fault,
		     struct ch_error *err)
{
	if (ch_connection_start_tls(imap->conn, imap->command_timeout_ms,
				    err) == 0)
		return 0;
	*ret_fault = err->fate == CH_RETRY ? CH_IMAP_FAULT_CONNECT
					   : CH_IMAP_FAULT_TLS;
	return -1;
}

/* greeting = "*" SP (("OK" / "PREAUTH") SP text / "BYE" SP text)
 * Another than OK and PREAUTH is not given to libetpan, which would forget what
 * it says. */
static int greet(struct ch_imap *imap, bool *ret_known,
		 enum ch_imap_fault *ret_fault, struct ch_error *err)
{
	CH_AUTOCHAR line = NULL;
	int code;

	*ret_fault = CH_IMAP_FAULT_CONNECT;
	ch_imap_begin(imap, imap->command_timeout_ms, 0);
	if (ch_imap_peek(imap, &line, err) < 0)
		return ch_error_prefix(err, "greeting");
	if (strncasecmp(line, "* OK", 4) != 0 &&
	    strncasecmp(line, "* PREAUTH", 9) != 0) {
		if (strncasecmp(line, "* BYE", 5) == 0)
			*ret_fault = CH_IMAP_FAULT_GREETING;
		ch_imap_quote(line, err);
		return ch_error_prefix(err, "greeting");
	}
	code = mailimap_connect(imap->session, ch_imap_stream_new(imap));
	*ret_known = code == MAILIMAP_NO_ERROR_AUTHENTICATED;
	if (code == MAILIMAP_NO_ERROR_AUTHENTICATED ||
	    code == MAILIMAP_NO_ERROR_NON_AUTHENTICATED)
		return 0;
	return ch_imap_explain(imap, code, "greeting", err);
}

/* STARTTLS, and nothing before it that would be taken for said under it. */
static int upgrade(struct ch_imap *imap, bool known,
		   enum ch_imap_fault *ret_fault, struct ch_error *err)
{
	unsigned int dropped;
	int code;

	*ret_fault = CH_IMAP_FAULT_TLS;
	if (known)
		return refuse(ret_fault, CH_IMAP_FAULT_TLS, err,
			      "PREAUTH before TLS: refused");
	if (ch_imap_ask_capabilities(imap, err) < 0) {
		*ret_fault = CH_IMAP_FAULT_CONNECT;
		return -1;
	}
	if (!ch_imap_offers(imap, "STARTTLS"))
		return refuse(ret_fault, CH_IMAP_FAULT_TLS, err,
			      "the server does not offer STARTTLS");
	dropped = imap->guard.dropped;
	ch_imap_begin(imap, imap->command_timeout_ms, 0);
	code = mailimap_starttls(imap->session);
	if (imap->failed)
		*ret_fault = CH_IMAP_FAULT_CONNECT;
	else if (!ch_imap_all_read(imap) || imap->guard.dropped != dropped)
		return refuse(ret_fault, CH_IMAP_FAULT_TLS, err,
			      "the server sent plain bytes where TLS begins");
	if (code != MAILIMAP_NO_ERROR)
		return ch_imap_explain(imap, code, "STARTTLS", err);
	return start_tls(imap, ret_fault, err);
}

static int open_folder(struct ch_imap *imap, enum ch_imap_fault *ret_fault,
		       struct ch_error *err)
{
	CH_AUTO(ch_str) name = CH_STR_INIT(FOLDER_MAX);
	bool writes = imap->writes;
	int code;

	*ret_fault = CH_IMAP_FAULT_FOLDER;
	if (ch_imap_folder_name(imap->folder, &name) < 0 || name.full ||
	    name.len == 0)
		return ch_error_set(err, CH_GIVE_UP,
				    "that is no name of a folder");
	imap->guard.uidnext = 0;
	ch_imap_begin(imap, imap->command_timeout_ms, 0);
	code = writes ? mailimap_select(imap->session, ch_str_cstr(&name))
		      : mailimap_examine(imap->session, ch_str_cstr(&name));
	if (code != MAILIMAP_NO_ERROR) {
		ch_imap_explain(imap, code, writes ? "SELECT" : "EXAMINE",
				err);
		if (err->fate == CH_RETRY)
			*ret_fault = CH_IMAP_FAULT_CONNECT;
		else
			ch_error_prefix(err, "not opened: make it, or take it "
					     "out of `folders`");
		return -1;
	}
	if (imap->session->imap_selection_info)
		imap->uidvalidity =
			imap->session->imap_selection_info->sel_uidvalidity;
	if (imap->uidvalidity == 0)
		return ch_error_set(err, CH_GIVE_UP,
				    "the folder has no UIDVALIDITY");
	imap->uidnext = imap->guard.uidnext;
	return 0;
}

static int set_up(struct ch_imap *imap, const struct ch_imap_target *target,
		  enum ch_imap_fault *ret_fault, struct ch_error *err)
{
	bool known = false; /* logged in already */

	if (target->tls == CH_IMAP_TLS_IMPLICIT &&
	    start_tls(imap, ret_fault, err) < 0)
		return -1;
	if (greet(imap, &known, ret_fault, err) < 0)
		return -1;
	if (target->tls == CH_IMAP_TLS_STARTTLS &&
	    upgrade(imap, known, ret_fault, err) < 0)
		return -1;
	*ret_fault = CH_IMAP_FAULT_CONNECT;
	if (ch_imap_ask_capabilities(imap, err) < 0)
		return -1;
	if (!known && target->auth == CH_IMAP_AUTH_NONE)
		return refuse(ret_fault, CH_IMAP_FAULT_AUTH, err,
			      "the server wants a login");
	if (!known && (ch_imap_log_in(imap, target, ret_fault, err) < 0 ||
		       ch_imap_ask_capabilities(imap, err) < 0))
		return -1;
	imap->can_idle = ch_imap_offers(imap, "IDLE");
	return open_folder(imap, ret_fault, err);
}

int ch_imap_open(const struct ch_imap_target *target, struct ch_imap **ret,
		 enum ch_imap_fault *ret_fault, struct ch_error *err)
{
	CH_AUTOPTR(ch_imap) imap = ch_xzalloc(sizeof(*imap));

	imap->command_timeout_ms = target->command_timeout_ms;
	imap->folder = ch_xstrdup(target->folder);
	imap->writes = target->writes;
	ch_imap_guard_init(&imap->guard);
	ch_str_init(&imap->ready, 4 * CH_IMAP_LINE_MAX);
	imap->session = mailimap_new(0, NULL);
	if (!imap->session)
		abort();
	ch_imap_fetch_init(imap);
	*ret_fault = CH_IMAP_FAULT_CONNECT;
	if (ch_connection_open(&target->at, &imap->conn, err) < 0 ||
	    set_up(imap, target, ret_fault, err) < 0)
		return -1;
	*ret = CH_TAKE(imap);
	return 0;
}

uint32_t ch_imap_uidvalidity(const struct ch_imap *imap)
{
	return imap->uidvalidity;
}

uint64_t ch_imap_uidnext(const struct ch_imap *imap)
{
	return imap->uidnext;
}

const char *ch_imap_tls_name(const struct ch_imap *imap)
{
	return ch_connection_tls_name(imap->conn);
}

bool ch_imap_can_idle(const struct ch_imap *imap)
{
	return imap->can_idle;
}

bool ch_imap_woken(const struct ch_imap *imap)
{
	return ch_connection_woken(imap->conn);
}

static int numbered_anew(struct ch_imap *imap, struct ch_error *err)
{
	imap->failed = true;
	ch_error_set(&imap->failure, CH_RETRY,
		     "the server numbers the folder anew");
	*err = imap->failure;
	return -1;
}

/* A server that numbers anew does not say so twice. */
int ch_imap_check_folder(struct ch_imap *imap, struct ch_error *err)
{
	const struct mailimap_selection_info *info =
		imap->session->imap_selection_info;

	if (info && info->sel_uidvalidity == imap->uidvalidity &&
	    imap->guard.uidvalidity == imap->uidvalidity)
		return 0;
	return numbered_anew(imap, err);
}

int ch_imap_reopen(struct ch_imap *imap, uint32_t after,
		   enum ch_imap_fault *ret_fault, struct ch_error *err)
{
	uint32_t before = imap->uidvalidity;

	if (open_folder(imap, ret_fault, err) < 0)
		return -1;
	*ret_fault = CH_IMAP_FAULT_CONNECT;
	if (imap->uidvalidity != before ||
	    (imap->uidnext != 0 && imap->uidnext <= after))
		return numbered_anew(imap, err);
	return ch_imap_check_folder(imap, err);
}

/* ---- what is new ---------------------------------------------------------- */

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a;
	uint32_t y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* "n:*" means the last mail too where n is past it: the guard leaves it out. */
static int search(struct ch_imap *imap, uint32_t after, struct ch_error *err)
{
	char command[64];
	const char *text;
	bool refused;
	int result;

	snprintf(command, sizeof(command), "UID SEARCH UID %lu:*",
		 (unsigned long)after + 1);
	ch_imap_begin(imap, imap->command_timeout_ms, 0);
	result = ch_imap_command(imap, command, &text, &refused, err);
	if (result == 1)
		result = ch_error_set(err, CH_RETRY,
				      "an answer to what was not asked");
	if (result < 0)
		return ch_error_prefix(err, "UID SEARCH");
	return ch_imap_check_folder(imap, err);
}

static int ask_for_news(struct ch_imap *imap, struct ch_error *err)
{
	int code;

	ch_imap_begin(imap, imap->command_timeout_ms, 0);
	code = mailimap_noop(imap->session);
	if (code != MAILIMAP_NO_ERROR)
		return ch_imap_explain(imap, code, "NOOP", err);
	imap->news = imap->guard.news;
	return ch_imap_check_folder(imap, err);
}

/* In order, each once. */
static void put_in_order(struct ch_imap_found *found,
			 struct ch_imap_uids *ret)
{
	size_t kept = 0;

	qsort(found->uids, found->len, sizeof(*found->uids), by_number);
	for (size_t i = 0; i < found->len; i++)
		if (i == 0 || found->uids[i] != found->uids[kept - 1])
			found->uids[kept++] = found->uids[i];
	*ret = (struct ch_imap_uids){ CH_TAKE(found->uids), kept,
				      found->more };
}

int ch_imap_search(struct ch_imap *imap, uint32_t after,
		   struct ch_imap_uids *ret, struct ch_error *err)
{
	struct ch_imap_found found = { .after = after,
				       .max = CH_IMAP_UIDS_MAX };
	int result;

	*ret = (struct ch_imap_uids){ 0 };
	if (after == UINT32_MAX) /* no number is above it */
		return 0;
	if (ask_for_news(imap, err) < 0)
		return -1;
	imap->guard.found = &found;
	result = search(imap, after, err);
	imap->guard.found = NULL;
	if (result == 0 && found.len > 0)
		put_in_order(&found, ret);
	ch_imap_found_release(&found);
	return result;
}

void ch_imap_uids_release(struct ch_imap_uids *uids)
{
	free(uids->uids);
	*uids = (struct ch_imap_uids){ 0 };
}

/* ---- waiting -------------------------------------------------------------- */

/* DONE, and what the server still says before its OK. */
static int end_idle(struct ch_imap *imap, int timeout_ms, struct ch_error *err)
{
	const char *text;
	bool refused;

	imap->idling = false;
	ch_imap_begin(imap, timeout_ms, 0);
	if (ch_imap_say(imap, "DONE", err) < 0)
		return -1;
	return ch_imap_command(imap, NULL, &text, &refused, err) < 0 ? -1 : 0;
}

int ch_imap_idle(struct ch_imap *imap, int max_ms, struct ch_error *err)
{
	const char *text;
	bool refused;
	int result;

	ch_imap_begin(imap, imap->command_timeout_ms, 0);
	result = ch_imap_command(imap, "IDLE", &text, &refused, err);
	if (result != 1) {
		imap->can_idle = false; /* offered, and not so */
		if (result == 0 || refused)
			return 0;
		return ch_error_prefix(err, "IDLE");
	}
	imap->idling = true;
	/* What came with the answers to SEARCH and FETCH, or before the "+",
	 * is not said again. */
	result = 1;
	if (ch_imap_all_read(imap) && imap->news == imap->guard.news)
		result = ch_connection_poll(imap->conn, max_ms, err);
	if (result < 0) {
		if (!ch_imap_woken(imap))
			imap->failed = true;
		return -1;
	}
	if (end_idle(imap, imap->command_timeout_ms, err) < 0)
		return ch_error_prefix(err, "IDLE");
	return result;
}

/* ---- the end -------------------------------------------------------------- */

void ch_imap_logout(struct ch_imap *imap, int timeout_ms)
{
	struct ch_error ignored;

	if (imap->failed || !imap->session->imap_stream)
		return;
	if (imap->idling && end_idle(imap, timeout_ms, &ignored) < 0)
		return;
	ch_imap_begin(imap, timeout_ms, 0);
	mailimap_logout(imap->session);
	imap->failed = true; /* nothing more is said */
}

/* mailimap_free() would say LOGOUT, and wait for the answer. */
void ch_imap_free(struct ch_imap *imap)
{
	if (!imap)
		return;
	if (imap->session) {
		mailstream *stream = imap->session->imap_stream;

		imap->failed = true;
		imap->session->imap_stream = NULL;
		imap->session->imap_state = MAILIMAP_STATE_DISCONNECTED;
		if (stream)
			mailstream_close(stream);
		mailimap_free(imap->session);
	}
	ch_connection_close(imap->conn);
	ch_imap_guard_release(&imap->guard);
	ch_str_release(&imap->ready);
	ch_str_release(&imap->body);
	free(imap->pieces);
	free(imap->folder);
	free(imap);
}
