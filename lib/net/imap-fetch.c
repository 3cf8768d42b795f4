// SPDX-License-Identifier: GPL-3.0-or-later
/* imap-fetch.c - sizes and bytes of mails: many small ones with one command,
 * a large one in parts.
 *
 * The bytes go past libetpan's buffers into ours: those spill into /tmp beyond
 * 8 MiB. BODYSTRUCTURE is never asked for.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "net/imap-private.h"

#define SLACK_BYTES (1024 * 1024) /* sizes that servers give are not exact */
#define BODY_MAX (2 * CH_IMAP_GROUP_BYTES + SLACK_BYTES)

/* ---- what comes ----------------------------------------------------------- */

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

void ch_imap_fetch_init(struct ch_imap *imap)
{
	ch_str_init(&imap->body, BODY_MAX);
	mailimap_set_msg_body_handler(imap->session, keep_piece, imap);
}

/* What one FETCH response said. */
struct facts {
	uint32_t uid; /* 0: it did not say */
	bool has_size;
	uint32_t size_bytes;
	int64_t received_us;
	bool has_body;
	const struct mailimap_msg_att_body_section *section;
};

/* libetpan takes any number for a day, an hour or a minute. */
static bool is_date(const struct mailimap_date_time *date)
{
	return date->dt_year >= 1970 && date->dt_year <= 9999 &&
	       date->dt_month >= 1 && date->dt_month <= 12 &&
	       date->dt_day >= 1 && date->dt_day <= 31 &&
	       date->dt_hour >= 0 && date->dt_hour <= 23 &&
	       date->dt_min >= 0 && date->dt_min <= 59 &&
	       date->dt_sec >= 0 && date->dt_sec <= 60 &&
	       date->dt_zone >= -9999 && date->dt_zone <= 9999;
}

/* Of one that is_date(); 0 before 1970, which a zone can make it. */
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
		if (one->att_data.att_internal_date &&
		    is_date(one->att_data.att_internal_date))
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

/* ---- one command ---------------------------------------------------------- */

/* The mails of one command. */
struct group {
	struct ch_imap *imap;
	struct ch_imap_about *abouts;
	size_t len;
	uint32_t offset; /* that its parts must have */
};

static int by_uid(const void *key, const void *element)
{
	uint32_t uid = *(const uint32_t *)key;
	const struct ch_imap_about *about = element;

	return (uid > about->uid) - (uid < about->uid);
}

/* The bytes that came with that FETCH response; none where it said NIL. */
static void take_body(const struct group *group, const struct facts *facts,
		      struct ch_imap_about *about)
{
	const struct ch_imap *imap = group->imap;

	if (facts->section && facts->section->sec_origin_octet != group->offset)
		return;
	about->given = true;
	for (size_t i = 0; i < imap->pieces_len; i++)
		if (imap->pieces[i].section == facts->section) {
			about->bytes = imap->body.data + imap->pieces[i].start;
			about->len = imap->pieces[i].len;
			break;
		}
}

static void take_response(const struct group *group, const struct facts *facts,
			  bool wants_body)
{
	struct ch_imap_about *about = bsearch(&facts->uid, group->abouts,
					      group->len,
					      sizeof(*group->abouts), by_uid);

	if (!about)
		return;
	if (wants_body && facts->has_body && !about->given)
		take_body(group, facts, about);
	if (!wants_body && facts->has_size && !about->there) {
		about->there = true;
		about->size_bytes = facts->size_bytes;
		about->received_us = facts->received_us;
	}
}

/* Runs of numbers are said as "1:9". */
static struct mailimap_set *set_of(const struct group *group)
{
	struct mailimap_set *set = mailimap_set_new_empty();

	if (!set)
		abort();
	for (size_t i = 0; i < group->len;) {
		uint32_t first = group->abouts[i].uid;
		uint32_t last = first;

		while (++i < group->len && group->abouts[i].uid == last + 1)
			last++;
		if (mailimap_set_add_interval(set, first, last) !=
		    MAILIMAP_NO_ERROR)
			abort();
	}
	return set;
}

static int fetch(const struct group *group, struct mailimap_fetch_type *what,
		 bool wants_body, struct ch_error *err)
{
	struct ch_imap *imap = group->imap;
	struct mailimap_set *set = set_of(group);
	clist *found = NULL;
	int code;

	ch_str_clear(&imap->body);
	imap->pieces_len = 0;
	code = mailimap_uid_fetch(imap->session, set, what, &found);
	mailimap_set_free(set);
	if (code != MAILIMAP_NO_ERROR)
		return ch_imap_explain(imap, code, "UID FETCH", err);
	for (clistiter *i = found ? clist_begin(found) : NULL; i;
	     i = clist_next(i)) {
		struct facts facts = read_facts(clist_content(i));

		take_response(group, &facts, wants_body);
	}
	if (found)
		mailimap_fetch_list_free(found);
	return ch_imap_check_folder(imap, err);
}

static struct mailimap_fetch_type *
ask_for(struct mailimap_fetch_type *what, struct mailimap_fetch_att *att)
{
	if (!what)
		what = mailimap_fetch_type_new_fetch_att_list_empty();
	if (!what || !att ||
	    mailimap_fetch_type_new_fetch_att_list_add(what, att) !=
		    MAILIMAP_NO_ERROR)
		abort();
	return what;
}

static void forget_bodies(struct ch_imap_about *abouts, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		abouts[i].given = false;
		abouts[i].bytes = "";
		abouts[i].len = 0;
	}
}

int ch_imap_ask(struct ch_imap *imap, struct ch_imap_about *abouts, size_t len,
		struct ch_error *err)
{
	const struct group group = { imap, abouts, len, 0 };
	struct mailimap_fetch_type *what =
		ask_for(NULL, mailimap_fetch_att_new_uid());
	int result;

	ask_for(what, mailimap_fetch_att_new_rfc822_size());
	ask_for(what, mailimap_fetch_att_new_internaldate());
	for (size_t i = 0; i < len; i++)
		abouts[i].there = false;
	forget_bodies(abouts, len);
	ch_imap_begin(imap, imap->command_timeout_ms, 0);
	result = fetch(&group, what, false, err);
	mailimap_fetch_type_free(what);
	return result;
}

/* Their answer may hold `most` bytes. */
static int fetch_bodies(const struct group *group, uint64_t most,
			struct mailimap_fetch_att *att, struct ch_error *err)
{
	struct ch_imap *imap = group->imap;
	struct mailimap_fetch_type *what =
		ask_for(NULL, mailimap_fetch_att_new_uid());
	int result;

	ask_for(what, att);
	forget_bodies(group->abouts, group->len);
	ch_imap_begin(imap,
		      imap->command_timeout_ms +
			      (int64_t)(most / CH_IMAP_BYTES_PER_MS),
		      most);
	result = fetch(group, what, true, err);
	mailimap_fetch_type_free(what);
	return result;
}

static struct mailimap_section *all_of_it(void)
{
	struct mailimap_section *all = mailimap_section_new(NULL);

	if (!all)
		abort();
	return all;
}

int ch_imap_read(struct ch_imap *imap, struct ch_imap_about *abouts,
		 size_t len, struct ch_error *err)
{
	const struct group group = { imap, abouts, len, 0 };
	uint64_t most = SLACK_BYTES;

	for (size_t i = 0; i < len; i++)
		most += abouts[i].size_bytes + abouts[i].size_bytes / 4;
	return fetch_bodies(&group, most < BODY_MAX ? most : BODY_MAX,
			    mailimap_fetch_att_new_body_peek_section(
				    all_of_it()), err);
}

int ch_imap_read_part(struct ch_imap *imap, struct ch_imap_about *about,
		      uint64_t offset, struct ch_error *err)
{
	const struct group group = { imap, about, 1, (uint32_t)offset };

	if (fetch_bodies(&group, CH_IMAP_PART_BYTES + SLACK_BYTES,
			 mailimap_fetch_att_new_body_peek_section_partial(
				 all_of_it(), (uint32_t)offset,
				 CH_IMAP_PART_BYTES), err) < 0)
		return -1;
	if (about->len > CH_IMAP_PART_BYTES)
		about->len = CH_IMAP_PART_BYTES;
	return 0;
}
