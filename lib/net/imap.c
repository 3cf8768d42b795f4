// SPDX-License-Identifier: GPL-3.0-or-later
/* imap.c - open a folder, list what is new, read one mail, wait.
 *
 * libetpan sends the commands and reads the answers. Three things are done here
 * instead: the login (imap-login.c), IDLE, since mailimap_idle() waits for ever
 * where a server says "* 4 EXISTS" before its "+", and the bytes of a mail,
 * which go past libetpan's buffers into ours: those spill into /tmp beyond
 * 8 MiB. BODYSTRUCTURE is never asked for.
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
#define PARTIAL_MAX 0x7fffffffU      /* what BODY[]<0.n> can say */
#define SLACK_BYTES (1024 * 1024)    /* sizes that servers give are not exact */

/* ---- opening ------------------------------------------------------------- */

/* The bodies come in pieces; libetpan calls this for each. */
static bool keep_piece(int type, struct mailimap_msg_att_body_section *section,
		       const char *bytes, size_t len, void *context)
{
	struct ch_imap *imap = context;
	struct imap_piece *last = imap->pieces_len
					  ? &imap->pieces[imap->pieces_len - 1]
					  : NULL;

	(void)type;
	if (!last || last->section != section) {
		CH_GROW(imap->pieces, imap->pieces_len, imap->pieces_cap);
		last = &imap->pieces[imap->pieces_len++];
		*last = (struct imap_piece){ section, imap->body.len, 0 };
	}
	ch_str_add_mem(&imap->body, bytes, len);
	last->len = imap->body.len - last->start;
	return !imap->body.full;
}

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

static int open_folder(struct ch_imap *imap, const char *folder,
		       enum ch_imap_fault *ret_fault, struct ch_error *err)
{
	CH_AUTO(ch_str) name = CH_STR_INIT(FOLDER_MAX);
	int code;

	*ret_fault = CH_IMAP_FAULT_FOLDER;
	if (ch_imap_folder_name(folder, &name) < 0 || name.full ||
	    name.len == 0)
		return ch_error_set(err, CH_GIVE_UP,
				    "that is no name of a folder");
	ch_imap_begin(imap, imap->command_timeout_ms, 0);
	code = mailimap_examine(imap->session, ch_str_cstr(&name));
	if (code != MAILIMAP_NO_ERROR) {
		ch_imap_explain(imap, code, "EXAMINE", err);
		if (err->fate == CH_RETRY)
			*ret_fault = CH_IMAP_FAULT_CONNECT;
		return -1;
	}
	if (imap->session->imap_selection_info)
		imap->uidvalidity =
			imap->session->imap_selection_info->sel_uidvalidity;
	if (imap->uidvalidity == 0)
		return ch_error_set(err, CH_GIVE_UP,
				    "the folder has no UIDVALIDITY");
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
	return open_folder(imap, target->folder, ret_fault, err);
}

int ch_imap_open(const struct ch_imap_target *target, struct ch_imap **ret,
		 enum ch_imap_fault *ret_fault, struct ch_error *err)
{
	CH_AUTOPTR(ch_imap) imap = ch_xzalloc(sizeof(*imap));

	imap->command_timeout_ms = target->command_timeout_ms;
	imap->max_message_bytes = target->max_message_bytes < PARTIAL_MAX
					  ? target->max_message_bytes
					  : PARTIAL_MAX;
	ch_imap_guard_init(&imap->guard);
	ch_str_init(&imap->ready, CH_IMAP_SEARCH_MAX + CH_IMAP_LINE_MAX);
	ch_str_init(&imap->body, imap->max_message_bytes + SLACK_BYTES);
	imap->session = mailimap_new(0, NULL);
	if (!imap->session)
		abort();
	mailimap_set_msg_body_handler(imap->session, keep_piece, imap);
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

/* A command has been answered: is it still the same folder? A server that
 * numbers anew does not say so twice. */
static int check_folder(struct ch_imap *imap, struct ch_error *err)
{
	const struct mailimap_selection_info *info =
		imap->session->imap_selection_info;

	if (info && info->sel_uidvalidity == imap->uidvalidity)
		return 0;
	imap->failed = true;
	ch_error_set(&imap->failure, CH_RETRY,
		     "the server numbers the folder anew");
	*err = imap->failure;
	return -1;
}

/* ---- what is new ---------------------------------------------------------- */

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a;
	uint32_t y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* Those above `after`: "n:*" means the last mail too where n is past it. */
static void collect(clist *found, uint32_t after, struct ch_imap_uids *ret)
{
	size_t kept = 0;

	*ret = (struct ch_imap_uids){ 0 };
	if (!found)
		return;
	ret->uids = ch_xcalloc((size_t)clist_count(found) + 1,
			       sizeof(*ret->uids));
	for (clistiter *i = clist_begin(found); i; i = clist_next(i)) {
		uint32_t uid = *(const uint32_t *)clist_content(i);

		if (uid > after)
			ret->uids[ret->len++] = uid;
	}
	qsort(ret->uids, ret->len, sizeof(*ret->uids), by_number);
	for (size_t i = 0; i < ret->len; i++)
		if (i == 0 || ret->uids[i] != ret->uids[kept - 1])
			ret->uids[kept++] = ret->uids[i];
	ret->len = kept;
}

static int search(struct ch_imap *imap, uint32_t after, clist **ret,
		  struct ch_error *err)
{
	struct mailimap_set *set;
	struct mailimap_search_key *key;
	int code;

	ch_imap_begin(imap, imap->command_timeout_ms, 0);
	code = mailimap_noop(imap->session);
	if (code != MAILIMAP_NO_ERROR)
		return ch_imap_explain(imap, code, "NOOP", err);
	if (check_folder(imap, err) < 0)
		return -1;
	imap->news = imap->guard.news;
	set = mailimap_set_new_interval(after + 1, 0); /* 0 is "*" */
	key = mailimap_search_key_new_uid(set); /* takes set */
	if (!set || !key)
		abort();
	ch_imap_begin(imap, imap->command_timeout_ms, 0);
	code = mailimap_uid_search(imap->session, NULL, key, ret);
	mailimap_search_key_free(key);
	if (code != MAILIMAP_NO_ERROR)
		return ch_imap_explain(imap, code, "UID SEARCH", err);
	return 0;
}

int ch_imap_search(struct ch_imap *imap, uint32_t after,
		   struct ch_imap_uids *ret, struct ch_error *err)
{
	clist *found = NULL;
	int result = 0;

	if (after == UINT32_MAX) { /* no number is above it */
		*ret = (struct ch_imap_uids){ 0 };
		return 0;
	}
	if (search(imap, after, &found, err) < 0)
		return -1;
	if (check_folder(imap, err) < 0)
		result = -1;
	else
		collect(found, after, ret);
	if (found)
		mailimap_search_result_free(found);
	return result;
}

void ch_imap_uids_release(struct ch_imap_uids *uids)
{
	free(uids->uids);
	*uids = (struct ch_imap_uids){ 0 };
}

/* ---- one mail ------------------------------------------------------------- */

void ch_imap_mail_release(struct ch_imap_mail *mail)
{
	ch_str_release(&mail->bytes);
}

/* What one FETCH response said. */
struct facts {
	uint32_t uid; /* 0: it did not say */
	bool has_size;
	uint32_t size_bytes;
	int64_t received_us;
	bool has_body;
	const void *section;
};

static int64_t date_us(const struct mailimap_date_time *date)
{
	struct tm tm = {
		.tm_year = date->dt_year - 1900,
		.tm_mon = date->dt_month - 1,
		.tm_mday = date->dt_day,
		.tm_hour = date->dt_hour,
		.tm_min = date->dt_min,
		.tm_sec = date->dt_sec,
	};
	int zone = date->dt_zone; /* +0130 is 130 */
	int64_t seconds;

	if (date->dt_year < 1970 || date->dt_year > 9999 ||
	    date->dt_month < 1 || date->dt_month > 12 || zone < -9999 ||
	    zone > 9999)
		return 0;
	seconds = timegm(&tm) - (zone / 100 * 60 + zone % 100) * 60;
	return seconds > 0 ? seconds * 1000000 : 0;
}

static void read_static(const struct mailimap_msg_att_static *one,
			struct facts *facts)
{
	switch (one->att_type) {
	case MAILIMAP_MSG_ATT_UID:
		facts->uid = one->att_data.att_uid;
		break;
	case MAILIMAP_MSG_ATT_RFC822_SIZE:
		facts->has_size = true;
		facts->size_bytes = one->att_data.att_rfc822_size;
		break;
	case MAILIMAP_MSG_ATT_INTERNALDATE:
		if (one->att_data.att_internal_date)
			facts->received_us =
				date_us(one->att_data.att_internal_date);
		break;
	case MAILIMAP_MSG_ATT_BODY_SECTION:
		facts->has_body = true;
		facts->section = one->att_data.att_body_section;
		break;
	default:
		break;
	}
}

static struct facts read_facts(const struct mailimap_msg_att *response)
{
	struct facts facts = { 0 };

	for (clistiter *i = clist_begin(response->att_list); i;
	     i = clist_next(i)) {
		const struct mailimap_msg_att_item *item = clist_content(i);

		if (item->att_type == MAILIMAP_MSG_ATT_ITEM_STATIC)
			read_static(item->att_data.att_static, &facts);
	}
	return facts;
}

/* UID FETCH of one mail. Returns 1 with *ret where the answer has what `wants`
 * asks for of that UID, 0 where it has not, -1. */
static int fetch(struct ch_imap *imap, uint32_t uid,
		 struct mailimap_fetch_type *what, bool wants_body,
		 struct facts *ret, struct ch_error *err)
{
	struct mailimap_set *set = mailimap_set_new_single(uid);
	clist *found = NULL;
	int code;
	int result = 0;

	if (!set)
		abort();
	ch_str_clear(&imap->body);
	imap->pieces_len = 0;
	code = mailimap_uid_fetch(imap->session, set, what, &found);
	mailimap_set_free(set);
	if (code != MAILIMAP_NO_ERROR)
		return ch_imap_explain(imap, code, "UID FETCH", err);
	for (clistiter *i = found ? clist_begin(found) : NULL; i;
	     i = clist_next(i)) {
		struct facts facts = read_facts(clist_content(i));

		if (facts.uid == uid &&
		    (wants_body ? facts.has_body : facts.has_size)) {
			*ret = facts;
			result = 1;
			break;
		}
	}
	if (found)
		mailimap_fetch_list_free(found);
	return check_folder(imap, err) < 0 ? -1 : result;
}

static void ask(struct mailimap_fetch_type *what, struct mailimap_fetch_att *att)
{
	if (!att ||
	    mailimap_fetch_type_new_fetch_att_list_add(what, att) !=
		    MAILIMAP_NO_ERROR)
		abort();
}

static int fetch_size(struct ch_imap *imap, uint32_t uid, struct facts *ret,
		      struct ch_error *err)
{
	struct mailimap_fetch_type *what =
		mailimap_fetch_type_new_fetch_att_list_empty();
	int result;

	if (!what)
		abort();
	ask(what, mailimap_fetch_att_new_uid());
	ask(what, mailimap_fetch_att_new_rfc822_size());
	ask(what, mailimap_fetch_att_new_internaldate());
	ch_imap_begin(imap, imap->command_timeout_ms, 0);
	result = fetch(imap, uid, what, false, ret, err);
	mailimap_fetch_type_free(what);
	return result;
}

/* Exchange gives sizes that are not those of the bytes: what comes near the
 * limit is asked for in part as well, and then nothing can pass it. */
static int fetch_body(struct ch_imap *imap, uint32_t uid, uint64_t size_bytes,
		      struct facts *ret, struct ch_error *err)
{
	uint64_t max = imap->max_message_bytes;
	uint64_t most = size_bytes + size_bytes / 4;
	struct mailimap_fetch_type *what =
		mailimap_fetch_type_new_fetch_att_list_empty();
	struct mailimap_section *all = mailimap_section_new(NULL);
	int result;

	if (!what || !all)
		abort();
	ask(what, mailimap_fetch_att_new_uid());
	ask(what, most <= max ? mailimap_fetch_att_new_body_peek_section(all)
			      : mailimap_fetch_att_new_body_peek_section_partial(
					all, 0, (uint32_t)max));
	if (most > max)
		most = max;
	ch_imap_begin(imap,
		      imap->command_timeout_ms +
			      (int64_t)(most / CH_IMAP_BYTES_PER_MS),
		      most + SLACK_BYTES);
	result = fetch(imap, uid, what, true, ret, err);
	mailimap_fetch_type_free(what);
	return result;
}

/* Move out the bytes that came with that FETCH response; none where it said
 * NIL. */
static void take_body(struct ch_imap *imap, const void *section,
		      struct ch_str *out)
{
	size_t max = imap->body.max;
	struct imap_piece found = { 0 };

	for (size_t i = 0; i < imap->pieces_len; i++)
		if (imap->pieces[i].section == section) {
			found = imap->pieces[i];
			break;
		}
	*out = imap->body;
	if (found.start > 0)
		memmove(out->data, out->data + found.start, found.len);
	ch_str_truncate(out, found.len);
	ch_str_init(&imap->body, max);
}

int ch_imap_fetch(struct ch_imap *imap, uint32_t uid,
		  struct ch_imap_mail *ret, struct ch_error *err)
{
	struct facts about;
	struct facts body;
	int result = fetch_size(imap, uid, &about, err);

	if (result <= 0)
		return result;
	result = fetch_body(imap, uid, about.size_bytes, &body, err);
	if (result == 0) {
		body.section = NULL;
		result = fetch_size(imap, uid, &about, err);
	}
	if (result <= 0)
		return result;
	*ret = (struct ch_imap_mail){ 0 };
	take_body(imap, body.section, &ret->bytes);
	ret->size_bytes = about.size_bytes;
	ret->received_us = about.received_us;
	if (ret->bytes.len > imap->max_message_bytes)
		ch_str_truncate(&ret->bytes, imap->max_message_bytes);
	ret->cut = ret->bytes.len == imap->max_message_bytes &&
		   about.size_bytes > ret->bytes.len;
	if (!ret->cut)
		ret->size_bytes = ret->bytes.len;
	return 1;
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
	free(imap);
}
