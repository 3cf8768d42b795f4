// SPDX-License-Identifier: GPL-3.0-or-later
/* group.c - mails that are received together.
 *
 * One command asks for the sizes of all of them, one for the bytes of as many
 * as have some room together, one wait for the disk makes those durable, and while
 * chanceryd puts the first of them into the store the next is looked into. A
 * mail that has no such room comes in parts and goes to the disk as it comes, as
 * the object that stays and as a file without a name in which it is looked into:
 * it takes no more memory than a small one.
 */
#include <errno.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/types.h>

#include "base/crash.h"
#include "base/mem.h"
#include "base/objects.h"
#include "base/spill.h"
#include "receive-private.h"
#include "receive.h"
#include "report.h"
#include "watch.h"

/* Of the processor it may take so much, many times what the worst of the largest
 * has taken so far: a mail with which the reader comes to no end ends the reader,
 * and is passed by when it does so again. */
#define LOOK_CPU_S 20
/* Of the disk so much at most, or a fiftieth of it, is left for others. */
#define RESERVE_MOST ((uint64_t)512 * 1024 * 1024)
#define OFFSET_MAX 0x7fffffffU /* what BODY[]<n> can say */

/* A mail that is in the object store. */
struct mail {
	const struct ch_imap_about *about; /* borrowed */
	struct ch_sha256 sum;
	const char *bytes; /* borrowed: what is looked into */
	size_t len;
	bool mapped; /* they are in a file */
	uint64_t size_bytes; /* of all of it */
	uint32_t kind;       /* what it was found to be */
};

struct group {
	struct receiver *receiver;
	struct ch_objects objects;
	struct mail mails[CH_IMAP_GROUP_MAX];
	size_t len;
	struct ch_spill spill; /* a large one */
};

/* ---- room --------------------------------------------------------------- */

/* The letters are on the same disk, as a rule: what strangers send may not take
 * the last of it. What is not read stays in the mailbox. */
static int check_room(const struct receiver *receiver)
{
	struct statvfs disk;
	uint64_t room;
	uint64_t reserve;

	if (fstatvfs(receiver->objects_fd, &disk) < 0)
		return ch_error_errno(receiver->err, errno, "objects: statvfs");
	room = (uint64_t)disk.f_bavail * disk.f_frsize;
	reserve = (uint64_t)disk.f_blocks * disk.f_frsize / 50;
	if (reserve > RESERVE_MOST)
		reserve = RESERVE_MOST;
	if (room >= reserve)
		return 0;
	return ch_error_set(receiver->err, CH_RETRY,
			    "the disk is nearly full: mail is left in the "
			    "mailbox until %llu MiB are free",
			    (unsigned long long)(reserve >> 20) + 1);
}

/* ---- telling ------------------------------------------------------------ */

static enum step wait_for_ack(struct receiver *receiver, uint32_t uid,
			      struct ch_receive_ack *ret)
{
	struct ch_slice payload;
	uint16_t type;
	enum step step = ch_receive_wait(receiver, CH_RECEIVE_ACK_MS,
					 CH_MSG_RECEIVE_ACK, &type, &payload);

	if (step != GO_ON)
		return step;
	if (type == 0) {
		ch_error_set(receiver->err, CH_RETRY,
			     "chanceryd does not take the mail");
		return ch_receive_tell_fault(receiver, CH_FAULT_SETUP);
	}
	if (ch_message_get(CH_MSG_RECEIVE_ACK, payload, ret, &receiver->arena,
			   receiver->err) < 0)
		return NONSENSE;
	if (ret->uid != uid ||
	    ret->uidvalidity != ch_imap_uidvalidity(receiver->imap)) {
		ch_error_set(receiver->err, CH_GIVE_UP,
			     "an acknowledgement for another mail");
		return NONSENSE;
	}
	ch_crash_point("receive-acked");
	return GO_ON;
}

static struct ch_report_source source_of(const struct receiver *receiver,
					 const struct mail *mail)
{
	return (struct ch_report_source){
		.rules = receiver->rules,
		.bytes = mail->bytes,
		.len = mail->len,
		.mapped = mail->mapped,
		.cut = mail->len < mail->size_bytes,
		.size_bytes = mail->size_bytes,
		.token_prefix = receiver->setup.token_prefix,
		.token_domain = receiver->setup.token_domain,
		.journal_prefix = receiver->setup.journal_prefix,
		.journal_domain = receiver->setup.journal_domain,
	};
}

/* What seems to be our own copy of a letter: chanceryd is asked. If it is one,
 * *ret_known, and all is done with it. It goes past all mails before this one,
 * so those are with it. */
static enum step offer_copy(struct receiver *receiver, uint32_t uid,
			    struct ch_receive_copy *copy, bool *ret_known)
{
	struct ch_receive_ack ack = { 0 };
	enum step step;

	copy->uidvalidity = ch_imap_uidvalidity(receiver->imap);
	copy->uid = uid;
	step = ch_receive_tell(receiver, CH_MSG_RECEIVE_COPY, copy);
	if (step == GO_ON)
		step = wait_for_ack(receiver, uid, &ack);
	*ret_known = step == GO_ON && !ack.unknown;
	return step;
}

/* Look into it, and tell chanceryd what is found. */
static enum step report_mail(struct receiver *receiver, struct mail *mail)
{
	struct ch_report_source source = source_of(receiver, mail);
	CH_AUTO(ch_report) report = { 0 };
	uint32_t uid = mail->about->uid;
	enum step step = ch_receive_tell_state(receiver, uid, uid);

	if (step != GO_ON)
		return step;
	ch_crash_point("receive-looking");
	ch_watch_cpu(LOOK_CPU_S);
	ch_report_make(&source, &report);
	ch_watch_cpu(0);
	report.mail.uidvalidity = ch_imap_uidvalidity(receiver->imap);
	report.mail.uid = uid;
	report.mail.sha256 = mail->sum;
	report.mail.received_us = mail->about->received_us;
	mail->kind = report.mail.kind;
	step = ch_receive_tell(receiver, CH_MSG_RECEIVE_MAIL, &report.mail);
	if (step == GO_ON)
		ch_crash_point("receive-told");
	return step;
}

static enum step file_mails(const struct group *group,
			    const struct ch_receive_ack *acks)
{
	struct ch_receive_handled handled[CH_IMAP_GROUP_MAX];

	for (size_t i = 0; i < group->len; i++)
		handled[i] = (struct ch_receive_handled){
			group->mails[i].about->uid, group->mails[i].kind,
			acks[i].seen
		};
	return ch_receive_file(group->receiver, handled, group->len);
}

static enum step tell_mails(struct group *group)
{
	struct receiver *receiver = group->receiver;
	enum step step = GO_ON;
	struct ch_receive_ack acks[CH_IMAP_GROUP_MAX];

	if (ch_objects_keep(&group->objects, receiver->err) < 0)
		return ch_receive_tell_fault(receiver, CH_FAULT_SETUP);
	ch_crash_point("receive-stored");
	for (size_t i = 0; i < group->len && step == GO_ON; i++)
		step = report_mail(receiver, &group->mails[i]);
	for (size_t i = 0; i < group->len && step == GO_ON; i++)
		step = wait_for_ack(receiver, group->mails[i].about->uid,
				    &acks[i]);
	if (step == GO_ON)
		step = file_mails(group, acks);
	group->len = 0;
	return step;
}

/* ---- small ones, many at a time ----------------------------------------- */

static struct mail *add_mail(struct group *group,
			     const struct ch_imap_about *about)
{
	struct mail *mail = &group->mails[group->len++];

	*mail = (struct mail){ .about = about, .bytes = "" };
	return mail;
}

static int store_bytes(struct group *group, const struct ch_imap_about *about,
		       struct ch_error *err)
{
	uint64_t max = group->receiver->setup.max_message_bytes;
	struct mail *mail = add_mail(group, about);

	mail->bytes = about->bytes;
	mail->size_bytes = about->len;
	mail->len = about->len < max ? about->len : max;
	if (ch_objects_begin(&group->objects, err) < 0 ||
	    ch_objects_write(&group->objects, mail->bytes, mail->len, err) < 0)
		return -1;
	ch_crash_point("receive-writing");
	return ch_objects_end(&group->objects, &mail->sum, err);
}

/* Returns how many were given, from the first on: they are told in order. */
static ssize_t read_small(struct receiver *receiver,
			  struct ch_imap_about *abouts, size_t len)
{
	size_t given = 0;

	if (ch_imap_read(receiver->imap, abouts, len, receiver->err) < 0)
		return -1;
	while (given < len && abouts[given].given)
		given++;
	return (ssize_t)given;
}

/* *ret_known: it was our own copy of a letter, and is stored nowhere. `told` is
 * what comes before it. */
static enum step look_for_copy(struct group *told, uint32_t uid,
			       const struct ch_report_source *source,
			       bool *ret_known)
{
	struct receiver *receiver = told->receiver;
	CH_AUTO(ch_report) report = { 0 };
	enum step step;
	bool seems;

	*ret_known = false;
	if (source->journal_prefix.len == 0)
		return GO_ON;
	step = ch_receive_tell_state(receiver, uid, uid);
	if (step != GO_ON)
		return step;
	ch_watch_cpu(LOOK_CPU_S);
	seems = ch_report_copy(source, &report);
	ch_watch_cpu(0);
	if (!seems)
		return GO_ON;
	if (told->len > 0)
		step = tell_mails(told);
	return step == GO_ON ? offer_copy(receiver, uid, &report.copy,
					  ret_known)
			     : step;
}

static enum step take_small(struct group *group,
			    const struct ch_imap_about *abouts, size_t len)
{
	struct receiver *receiver = group->receiver;
	enum step step = GO_ON;

	for (size_t i = 0; i < len && step == GO_ON; i++) {
		const struct mail mail = { .bytes = abouts[i].bytes,
					   .len = abouts[i].len,
					   .size_bytes = abouts[i].len };
		struct ch_report_source source = source_of(receiver, &mail);
		bool known;

		step = look_for_copy(group, abouts[i].uid, &source, &known);
		if (step == GO_ON && !known &&
		    store_bytes(group, &abouts[i], receiver->err) < 0)
			step = ch_receive_tell_fault(receiver,
						     CH_FAULT_SETUP);
	}
	return step == GO_ON && group->len > 0 ? tell_mails(group) : step;
}

/* ---- a large one, in parts ---------------------------------------------- */

/* What the server did not give may have been deleted since. Returns 1 where it
 * is still there, 0, -1. */
static int is_there(struct receiver *receiver,
		    const struct ch_imap_about *about)
{
	struct ch_imap_about again = { .uid = about->uid };

	if (ch_imap_ask(receiver->imap, &again, 1, receiver->err) < 0)
		return -1;
	return again.there;
}

/* What came of a mail so far. */
struct parts {
	uint64_t offset;
	bool whole;
	bool full; /* of our disk: not the server's fault */
};

/* It goes to the disk as it comes. */
static int take_part(struct group *group, const char *bytes, size_t len,
		     struct ch_error *err)
{
	if (ch_spill_write(&group->spill, bytes, len, err) < 0)
		return -1;
	return ch_objects_write(&group->objects, bytes, len, err);
}

/* Returns 0, also where the server stops to give. */
static int read_parts(struct group *group, struct ch_imap_about *about,
		      struct parts *ret)
{
	struct receiver *receiver = group->receiver;
	uint64_t max = receiver->setup.max_message_bytes;

	*ret = (struct parts){ 0 };
	while (!ret->whole && ret->offset < max && ret->offset < OFFSET_MAX) {
		uint64_t len;

		if (ch_imap_read_part(receiver->imap, about, ret->offset,
				      receiver->err) < 0)
			return -1;
		if (!about->given)
			return 0;
		ret->whole = about->len < CH_IMAP_PART_BYTES;
		len = about->len < max - ret->offset ? about->len
						     : max - ret->offset;
		ret->full = take_part(group, about->bytes, len,
				      receiver->err) < 0;
		if (ret->full)
			return -1;
		ret->offset += len;
	}
	return 0;
}

/* It is on the disk, as far as it came. */
static enum step end_large(struct group *group, struct ch_imap_about *about,
			   const struct parts *parts)
{
	struct group none = { .receiver = group->receiver };
	struct mail *mail = add_mail(group, about);
	struct ch_report_source source;
	bool known;
	enum step step;

	if (ch_objects_end(&group->objects, &mail->sum,
			   group->receiver->err) < 0 ||
	    ch_spill_map(&group->spill, group->receiver->err) < 0)
		return ch_receive_tell_fault(group->receiver, CH_FAULT_SETUP);
	mail->bytes = group->spill.bytes;
	mail->len = group->spill.len;
	mail->mapped = true;
	mail->size_bytes = parts->offset;
	if (!parts->whole && about->size_bytes > parts->offset)
		mail->size_bytes = about->size_bytes;
	source = source_of(group->receiver, mail);
	step = look_for_copy(&none, about->uid, &source, &known);
	return step == GO_ON && !known ? tell_mails(group) : step;
}

/* A mail that the server knows, and of which it gives nothing, is told all the
 * same: a person can look at it. */
static enum step read_large(struct group *group, struct ch_imap_about *about)
{
	struct receiver *receiver = group->receiver;
	struct parts parts;
	int there = 1;

	if (ch_objects_begin(&group->objects, receiver->err) < 0 ||
	    ch_spill_open(&group->spill, receiver->objects_fd, receiver->err) <
		    0)
		return ch_receive_tell_fault(receiver, CH_FAULT_SETUP);
	if (read_parts(group, about, &parts) < 0)
		return parts.full ? ch_receive_tell_fault(receiver,
							  CH_FAULT_SETUP)
				  : ch_receive_lost(receiver);
	if (!about->given)
		there = is_there(receiver, about);
	if (there < 0)
		return ch_receive_lost(receiver);
	return there ? end_large(group, about, &parts) : GO_ON;
}

/* ---- a group ------------------------------------------------------------ */

/* How many, from the first on, have room together; 0: it alone has too much. */
static size_t small_ones(const struct receiver *receiver,
			 const struct ch_imap_about *abouts, size_t len)
{
	uint64_t bytes = 0;
	size_t i = 0;

	if (ch_receive_is_suspect(receiver, abouts[0].uid))
		return 0;
	while (i < len && abouts[i].size_bytes <= CH_IMAP_GROUP_BYTES - bytes)
		bytes += abouts[i++].size_bytes;
	return i;
}

/* Some of them, from the first on. *ret_took is how many are done with. */
static enum step receive_some(struct group *group,
			      struct ch_imap_about *abouts, size_t len,
			      size_t *ret_took)
{
	struct receiver *receiver = group->receiver;
	size_t small = small_ones(receiver, abouts, len);
	size_t last = small ? small - 1 : 0;
	ssize_t given;
	enum step step = ch_receive_tell_state(receiver, abouts[0].uid,
					       abouts[last].uid);

	*ret_took = 1;
	if (step != GO_ON)
		return step;
	if (check_room(receiver) < 0)
		return ch_receive_tell_fault(receiver, CH_FAULT_SETUP);
	ch_crash_point("receive-reading");
	if (small == 0)
		return read_large(group, &abouts[0]);
	given = read_small(receiver, abouts, small);
	if (given < 0)
		return ch_receive_lost(receiver);
	if (given == 0)
		return read_large(group, &abouts[0]);
	*ret_took = (size_t)given;
	return take_small(group, abouts, (size_t)given);
}

static void begin_group(struct group *group, struct receiver *receiver)
{
	group->receiver = receiver;
	group->len = 0;
	group->spill = (struct ch_spill)CH_SPILL_INIT;
	ch_objects_init(&group->objects, receiver->objects_fd,
			receiver->owner, receiver->compress);
}

static void end_group(struct group *group)
{
	ch_spill_release(&group->spill);
	ch_objects_release(&group->objects);
}

/* Those that are there. */
static size_t drop_gone(struct ch_imap_about *abouts, size_t len)
{
	size_t kept = 0;

	for (size_t i = 0; i < len; i++)
		if (abouts[i].there)
			abouts[kept++] = abouts[i];
	return kept;
}

/* Where the answer has some of them only, the others are asked for once more,
 * each alone: what is passed over here is never looked at again. */
static int ask_for_all(struct receiver *receiver, struct ch_imap_about *abouts,
		       size_t len)
{
	size_t there = 0;

	if (ch_imap_ask(receiver->imap, abouts, len, receiver->err) < 0)
		return -1;
	for (size_t i = 0; i < len; i++)
		there += abouts[i].there;
	for (size_t i = 0; i < len && there > 0; i++)
		if (!abouts[i].there &&
		    ch_imap_ask(receiver->imap, &abouts[i], 1, receiver->err) <
			    0)
			return -1;
	return 0;
}

enum step ch_receive_group(struct receiver *receiver, const uint32_t *uids,
			   size_t len)
{
	struct ch_imap_about abouts[CH_IMAP_GROUP_MAX] = { 0 };
	enum step step = ch_receive_tell_state(receiver, uids[0],
					       uids[len - 1]);

	for (size_t i = 0; i < len; i++)
		abouts[i].uid = uids[i];
	if (step != GO_ON)
		return step;
	if (ask_for_all(receiver, abouts, len) < 0)
		return ch_receive_lost(receiver);
	len = drop_gone(abouts, len);
	for (size_t i = 0, took; i < len && step == GO_ON; i += took) {
		struct group group;

		begin_group(&group, receiver);
		step = receive_some(&group, &abouts[i], len - i, &took);
		end_group(&group);
		if (step == GO_ON) {
			receiver->after = abouts[i + took - 1].uid;
			receiver->found = true;
		}
	}
	return step;
}
