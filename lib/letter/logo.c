// SPDX-License-Identifier: GPL-3.0-or-later
/* logo.c - the picture above the HTML of a letter.
 *
 * In a message it is a part beside the HTML, encoded once for all letters; a
 * preview has it inside, for there is no message to take it from.
 */
#include <string.h>

#include "base/hash.h"
#include "letter/letter-private.h"
#include "mail/image.h"

#define LOGO_MAX (256 * 1024)
#define WIDTH_MAX 600 /* of the letter's column without its edges */

int ch_letter_load_logo(struct ch_letter *letter,
			const struct ch_bundle_file *file,
			struct ch_error *err)
{
	uint32_t width = (uint32_t)letter->conf.logo_width;
	struct ch_image image;

	if (file->bytes.len > LOGO_MAX)
		return ch_error_set(err, CH_GIVE_UP,
				    "a logo of %zu bytes; every letter carries "
				    "it, and %d are allowed",
				    file->bytes.len, LOGO_MAX);
	if (ch_image_read(ch_str_cstr(&file->bytes), file->bytes.len, &image,
			  err) < 0 ||
	    ch_attachment_new_logo(file->name, ch_str_cstr(&file->bytes),
				   file->bytes.len, &letter->logo, err) < 0)
		return -1;
	if (width == 0)
		width = image.width < WIDTH_MAX ? image.width : WIDTH_MAX;
	letter->logo_width = width;
	letter->logo_height = (image.height * width + image.width / 2) /
			      image.width;
	letter->logo_file = file;
	ch_str_init(&letter->logo_source, CH_BASE64_SIZE(LOGO_MAX) + 100);
	return 0;
}

void ch_letter_refer_to_logo(struct ch_letter *letter, const char *message_id)
{
	char content_id[CH_CONTENT_ID_SIZE];

	if (!letter->logo)
		return;
	ch_str_clear(&letter->logo_source);
	ch_str_add(&letter->logo_source, "cid:");
	ch_str_add(&letter->logo_source,
		   ch_content_id(message_id, content_id));
}

void ch_letter_embed_logo(struct ch_letter *letter)
{
	const struct ch_str *bytes;
	struct ch_image image;
	struct ch_error err;
	char *room;

	if (!letter->logo)
		return;
	bytes = &letter->logo_file->bytes;
	if (ch_image_read(bytes->data, bytes->len, &image, &err) < 0)
		return; /* it was read when the letter was loaded */
	ch_str_clear(&letter->logo_source);
	ch_str_addf(&letter->logo_source, "data:%s;base64,",
		    image.media_type);
	room = ch_str_room(&letter->logo_source, CH_BASE64_SIZE(bytes->len));
	if (room)
		ch_str_grew(&letter->logo_source,
			    ch_base64(bytes->data, bytes->len, room));
}

struct ch_body_logo ch_letter_logo(const struct ch_letter *letter,
				   const struct ch_letter_language *language)
{
	return (struct ch_body_logo){
		.source = { ch_str_cstr(&letter->logo_source),
			    letter->logo_source.len },
		.alt = ch_slice_of(ch_letter_label(language, "organisation")),
		.width = letter->logo_width,
		.height = letter->logo_height ? letter->logo_height : 1,
	};
}
