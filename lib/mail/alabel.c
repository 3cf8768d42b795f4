// SPDX-License-Identifier: GPL-3.0-or-later
/* alabel.c - see alabel.h. */
#include "mail/alabel.h"

#include <string.h>

#include "base/utf8.h"

#define LABEL_MAX 63

/* RFC 3492 section 5 */
enum { BASE = 36, TMIN = 1, TMAX = 26, SKEW = 38, DAMP = 700, BIAS = 72,
       FIRST = 128 };

struct label {
	uint32_t cps[LABEL_MAX];
	size_t len;
};

static int read_label(struct ch_slice text, struct label *ret)
{
	ret->len = 0;
	for (size_t at = 0; at < text.len;) {
		uint32_t cp;
		size_t n = ch_utf8_decode(text.data + at, text.len - at, &cp);

		if (n == 0 || ret->len == LABEL_MAX)
			return -1;
		ret->cps[ret->len++] = cp;
		at += n;
	}
	return 0;
}

/* Section 6.1. */
static uint32_t adapt(uint32_t delta, uint32_t points, bool first)
{
	uint32_t k = 0;

	delta /= first ? DAMP : 2;
	delta += delta / points;
	for (; delta > (BASE - TMIN) * TMAX / 2; k += BASE)
		delta /= BASE - TMIN;
	return k + (BASE - TMIN + 1) * delta / (delta + SKEW);
}

static char digit(uint32_t value)
{
	return (char)(value < 26 ? 'a' + value : '0' + value - 26);
}

/* A generalised variable-length integer (section 3.3). */
static void add_delta(struct ch_str *out, uint32_t delta, uint32_t bias)
{
	for (uint32_t k = BASE;; k += BASE) {
		uint32_t t = k <= bias ? TMIN : k >= bias + TMAX ? TMAX :
							       k - bias;

		if (delta < t)
			break;
		ch_str_add_char(out, digit(t + (delta - t) % (BASE - t)));
		delta = (delta - t) / (BASE - t);
	}
	ch_str_add_char(out, digit(delta));
}

static uint32_t next_point(const struct label *label, uint32_t from)
{
	uint32_t least = UINT32_MAX;

	for (size_t i = 0; i < label->len; i++)
		if (label->cps[i] >= from && label->cps[i] < least)
			least = label->cps[i];
	return least;
}

/* Section 6.3. With 63 characters below 0x110000 no delta overflows. */
static void encode(const struct label *label, struct ch_str *out)
{
	uint32_t basic = 0, done, delta = 0, bias = BIAS, n = FIRST;

	for (size_t i = 0; i < label->len; i++)
		if (label->cps[i] < FIRST) {
			ch_str_add_char(out, (char)label->cps[i]);
			basic++;
		}
	if (basic > 0)
		ch_str_add_char(out, '-');
	for (done = basic; done < label->len; n++, delta++) {
		uint32_t point = next_point(label, n);

		delta += (point - n) * (done + 1);
		n = point;
		for (size_t i = 0; i < label->len; i++) {
			delta += label->cps[i] < n;
			if (label->cps[i] != n)
				continue;
			add_delta(out, delta, bias);
			bias = adapt(delta, done + 1, done == basic);
			delta = 0;
			done++;
		}
	}
}

int ch_alabel_domain(struct ch_slice domain, struct ch_str *out)
{
	while (domain.len > 0) {
		const char *dot = memchr(domain.data, '.', domain.len);
		struct ch_slice text = {
			domain.data,
			dot ? (size_t)(dot - domain.data) : domain.len
		};
		size_t used = text.len + (dot != NULL);
		size_t before = out->len;
		struct label label;

		if (!ch_slice_has_utf8(text)) {
			ch_str_add_mem(out, text.data, text.len);
		} else {
			if (read_label(text, &label) < 0)
				return -1;
			ch_str_add(out, "xn--");
			encode(&label, out);
		}
		if (out->len - before > LABEL_MAX || out->full)
			return -1;
		if (dot)
			ch_str_add_char(out, '.');
		domain.data += used;
		domain.len -= used;
	}
	return out->full ? -1 : 0;
}
