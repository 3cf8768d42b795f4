// SPDX-License-Identifier: GPL-3.0-or-later
/* same.c - see same.h.
 *
 * GLib's tables and not ICU's: the daemon compares addresses too, and ICU takes
 * more memory than it has. They know no rules of IDNA, and none are needed: what
 * is no domain is equal to none that a letter was sent to.
 */
#include "mail/same.h"

#include <string.h>
#include <strings.h>

#include <glib.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "mail/alabel.h"

static void add_small(struct ch_str *out, struct ch_slice text)
{
	for (size_t i = 0; i < text.len; i++)
		ch_str_add_char(out, g_ascii_tolower(text.data[i]));
}

static bool may_fold(struct ch_slice text)
{
	return text.len <= CH_FOLD_MAX && ch_slice_has_utf8(text) &&
	       ch_utf8_valid(text.data, text.len, NULL);
}

static void add_nfc(struct ch_str *out, struct ch_slice text)
{
	char *nfc = g_utf8_normalize(text.data, (gssize)text.len,
				     G_NORMALIZE_NFC);

	ch_str_add(out, nfc ? nfc : "");
	g_free(nfc);
}

/* Small letters first: "w" and a ring are one character in NFC, "W" and a ring
 * are not. And behind it again, for some signs are letters in NFC. */
static void fold_local(struct ch_slice local, struct ch_str *out)
{
	CH_AUTO(ch_str) small = CH_STR_INIT(4 * CH_FOLD_MAX);
	CH_AUTO(ch_str) nfc = CH_STR_INIT(4 * CH_FOLD_MAX);

	add_small(may_fold(local) ? &small : out, local);
	if (!may_fold(local))
		return;
	add_nfc(&nfc, (struct ch_slice){ ch_str_cstr(&small), small.len });
	ch_str_clear(&small);
	add_small(&small, (struct ch_slice){ ch_str_cstr(&nfc), nfc.len });
	add_nfc(out, (struct ch_slice){ ch_str_cstr(&small), small.len });
}

/* As UTS #46 does where it comes to letters of either case, and to the dots of
 * East Asian writing. */
static void map_domain(struct ch_slice domain, struct ch_str *out)
{
	for (size_t at = 0; at < domain.len;) {
		uint32_t cp;

		at += ch_utf8_decode(domain.data + at, domain.len - at, &cp);
		if (cp == 0x130) /* I with a dot: two characters */
			ch_str_add(out, "i\u0307");
		else if (cp == 0x3002 || cp == 0xFF0E || cp == 0xFF61)
			ch_str_add_char(out, '.');
		else
			ch_str_add_utf8(out, g_unichar_tolower(cp));
	}
}

static void fold_domain(struct ch_slice domain, struct ch_str *out)
{
	CH_AUTO(ch_str) mapped = CH_STR_INIT(4 * CH_FOLD_MAX);
	CH_AUTO(ch_str) nfc = CH_STR_INIT(4 * CH_FOLD_MAX);
	CH_AUTO(ch_str) labels = CH_STR_INIT(16 * CH_FOLD_MAX);

	if (!may_fold(domain)) {
		add_small(out, domain);
		return;
	}
	map_domain(domain, &mapped);
	add_nfc(&nfc, (struct ch_slice){ ch_str_cstr(&mapped), mapped.len });
	if (ch_alabel_domain((struct ch_slice){ ch_str_cstr(&nfc), nfc.len },
			     &labels) < 0)
		add_small(out, domain);
	else
		add_small(out, (struct ch_slice){ ch_str_cstr(&labels),
						  labels.len });
}

/* A dot at the end says that nothing follows, and is of no mail domain. */
void ch_domain_fold(struct ch_slice domain, struct ch_str *out)
{
	size_t begin = out->len;

	fold_domain(domain, out);
	while (out->len > begin && out->data[out->len - 1] == '.')
		ch_str_truncate(out, out->len - 1);
}

void ch_address_fold(struct ch_slice address, struct ch_str *out)
{
	const char *at = memrchr(address.data, '@', address.len);
	struct ch_slice local = address;

	if (!at) {
		fold_local(address, out);
		return;
	}
	local.len = (size_t)(at - address.data);
	fold_local(local, out);
	ch_str_add_char(out, '@');
	ch_domain_fold((struct ch_slice){ at + 1, address.len - local.len - 1 },
		       out);
}

static bool same_letters(struct ch_slice a, struct ch_slice b)
{
	return a.len == b.len && strncasecmp(a.data, b.data, a.len) == 0;
}

bool ch_address_same(struct ch_slice a, struct ch_slice b)
{
	CH_AUTO(ch_str) one = CH_STR_INIT(20 * CH_FOLD_MAX);
	CH_AUTO(ch_str) other = CH_STR_INIT(20 * CH_FOLD_MAX);

	if (same_letters(a, b))
		return true;
	if (a.len > CH_FOLD_MAX || b.len > CH_FOLD_MAX)
		return false;
	ch_address_fold(a, &one);
	ch_address_fold(b, &other);
	return one.len == other.len &&
	       memcmp(ch_str_cstr(&one), ch_str_cstr(&other), one.len) == 0;
}
