/* SPDX-License-Identifier: GPL-3.0-or-later */
/* http-request.h - what of a request our own code reads: the target, the JSON
 * of a command, the names of an upload. Bytes and values, no I/O.
 *
 * An error's status is an HTTP status with dots: "4.0.0", "4.1.3".
 */
#ifndef CH_CHANCERYD_HTTP_REQUEST_H
#define CH_CHANCERYD_HTTP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"

#define CH_TARGET_MAX 4096
#define CH_TARGET_SEGMENTS 8
#define CH_TARGET_PAIRS 8
#define CH_JSON_BODY_MAX (64 * 1024)
#define CH_JSON_DEPTH_MAX 8

/* The target of a request (RFC 9112 section 3.2.1), in pieces. They are decoded
 * after they were cut, so that a reference may hold a slash: A%2F77%2F12. */
struct ch_target {
	char *segments[CH_TARGET_SEGMENTS]; /* owned; UTF-8, no controls */
	size_t segments_len;
	struct {
		char *name;  /* owned, as is the value */
		char *value;
	} pairs[CH_TARGET_PAIRS];
	size_t pairs_len;
};

/* Read "/v1/batches/A%2F77?limit=5". -1 ("4.0.0") where it is no path, has an
 * empty or too many pieces, a name twice, or bytes that are no text. */
int ch_target_parse(const char *raw, struct ch_target *ret,
		    struct ch_error *err);
void ch_target_release(struct ch_target *target);

/* Whether the path is "v1/batches/" "*" "/letters": a star stands for any one
 * segment. */
bool ch_target_matches(const struct ch_target *target, const char *pattern);
/* The n-th segment that a star stood for; NULL where there are less. Borrowed.
 */
const char *ch_target_star(const struct ch_target *target,
			   const char *pattern, size_t n);

/* The value of a pair of the query, NULL where there is none. Borrowed. */
const char *ch_target_query(const struct ch_target *target, const char *name);
/* -1 ("4.0.0") where a pair has a name that is not among `names`, a list with
 * blanks between, or ''. */
int ch_target_check_query(const struct ch_target *target, const char *names,
			  struct ch_error *err);
/* A number of the query from min to max; `initial` where there is none. */
int ch_target_int(const struct ch_target *target, const char *name,
		  int64_t min, int64_t max, int64_t initial, int64_t *ret,
		  struct ch_error *err);
/* Decimal digits and nothing else, from min to max. Returns 0, or -1. */
int ch_digits(const char *text, int64_t min, int64_t max, int64_t *ret);

/* The one member that a command takes. The body is an object with `name`, a
 * string, and nothing else; with `name` NULL it is {} or empty, and *ret is
 * NULL. *ret is the caller's. -1 ("4.0.0"): not JSON, deep, a member twice or
 * unknown or missing; ("4.1.3"): longer than CH_JSON_BODY_MAX. */
int ch_body_member(struct ch_slice body, const char *name, char **ret,
		   struct ch_error *err);

/* Whether a Host (RFC 9110 section 7.2) is one of this machine: a name without
 * a dot, or an address. A page of somebody else's can make a browser at the end
 * of ssh -L come to us under a name of its own, and read what it is told. */
bool ch_is_local_host(const char *host);

/* The boundary's presence in a Content-Type of an upload. */
bool ch_is_multipart(const char *content_type);

/* A field of an upload: UTF-8 without controls or bidi controls. */
int ch_upload_value_ok(struct ch_slice value, struct ch_error *err);

/* Whether the value of an Accept-Encoding lets an answer be encoded so
 * (RFC 9110 section 12.5.3); NULL, no such header, lets it be anything. */
bool ch_accepts_encoding(const char *value, const char *name);

#endif
