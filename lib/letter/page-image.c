// SPDX-License-Identifier: GPL-3.0-or-later
/* page-image.c - the pictures of a page: drawings as SVG, and PNG.
 *
 * A drawing stays one: librsvg draws it into the PDF. It gets no base address,
 * so nothing outside the file is read. The library is loaded when the first
 * drawing comes: with what it needs it takes 2.5 MiB of every process that
 * could make a page.
 */
#include <dlfcn.h>
#include <librsvg/rsvg.h>
#include <stdlib.h>
#include <string.h>

#include "letter/page-private.h"

struct ch_page_image {
	RsvgHandle *svg;        /* owned; or NULL */
	cairo_surface_t *pixels; /* owned; or NULL */
	double width, height;
};

#define RSVG_NAME "librsvg-2.so.2"

/* What is used of librsvg, under its own names; loaded for good. */
static struct {
	__typeof__(&rsvg_handle_new_from_data) new_from_data;
	__typeof__(&rsvg_handle_get_intrinsic_size_in_pixels) size_in_pixels;
	__typeof__(&rsvg_handle_get_intrinsic_dimensions) dimensions;
	__typeof__(&rsvg_handle_render_document) render_document;
} rsvg;

static int load_rsvg(struct ch_error *err)
{
	const struct {
		const char *name;
		void *into;
	} functions[] = {
		{ "rsvg_handle_get_intrinsic_size_in_pixels",
		  &rsvg.size_in_pixels },
		{ "rsvg_handle_get_intrinsic_dimensions", &rsvg.dimensions },
		{ "rsvg_handle_render_document", &rsvg.render_document },
		{ "rsvg_handle_new_from_data", &rsvg.new_from_data },
	};
	void *library;

	if (rsvg.new_from_data)
		return 0;
	library = dlopen(RSVG_NAME, RTLD_NOW);
	for (size_t i = 0; i < CH_COUNT(functions); i++) {
		void *found = library ? dlsym(library, functions[i].name)
				      : NULL;

		if (!found)
			return ch_error_set(err, CH_RETRY,
					    "a drawing (SVG) needs librsvg: %s",
					    dlerror());
		memcpy(functions[i].into, &found, sizeof(found));
	}
	return 0;
}

void ch_page_image_free(struct ch_page_image *image)
{
	if (!image)
		return;
	if (image->svg)
		g_object_unref(image->svg);
	if (image->pixels)
		cairo_surface_destroy(image->pixels);
	free(image);
}

static cairo_status_t read_slice(void *context, unsigned char *data,
				 unsigned int len)
{
	struct ch_slice *rest = context;

	if (rest->len < len)
		return CAIRO_STATUS_READ_ERROR;
	memcpy(data, rest->data, len);
	*rest = (struct ch_slice){ rest->data + len, rest->len - len };
	return CAIRO_STATUS_SUCCESS;
}

static int read_png(struct ch_page_image *image, struct ch_slice bytes,
		    struct ch_error *err)
{
	cairo_status_t status;

	image->pixels =
		cairo_image_surface_create_from_png_stream(read_slice, &bytes);
	status = cairo_surface_status(image->pixels);
	if (status != CAIRO_STATUS_SUCCESS)
		return ch_error_set(err, CH_GIVE_UP, "a damaged PNG: %s",
				    cairo_status_to_string(status));
	image->width = cairo_image_surface_get_width(image->pixels);
	image->height = cairo_image_surface_get_height(image->pixels);
	return 0;
}

/* Its own size, or where it has none that of its view box. */
static void measure_svg(struct ch_page_image *image)
{
	RsvgRectangle box = { 0 };
	RsvgLength width, height;
	gboolean has_width, has_height, has_box;

	if (rsvg.size_in_pixels(image->svg, &image->width, &image->height) &&
	    image->width > 0 && image->height > 0)
		return;
	rsvg.dimensions(image->svg, &has_width, &width, &has_height, &height,
			&has_box, &box);
	image->width = has_box ? box.width : 0;
	image->height = has_box ? box.height : 0;
}

/* Frees `error`, whose text may have a line end. */
static int refuse(GError *error, const char *what, struct ch_error *err)
{
	ch_error_set(err, CH_GIVE_UP, "%s: %.*s", what,
		     (int)strcspn(error->message, "\n"), error->message);
	g_error_free(error);
	return -1;
}

static int read_svg(struct ch_page_image *image, struct ch_slice bytes,
		    struct ch_error *err)
{
	GError *error = NULL;

	if (load_rsvg(err) < 0)
		return -1;
	image->svg = rsvg.new_from_data((const guint8 *)bytes.data, bytes.len,
					&error);
	if (!image->svg)
		return refuse(error, "neither PNG nor SVG", err);
	measure_svg(image);
	return 0;
}

#define PNG_MAGIC "\x89PNG\r\n\x1A\n"

int ch_page_image_new(struct ch_slice bytes, struct ch_page_image **ret,
		      struct ch_error *err)
{
	CH_AUTOPTR(ch_page_image) image = ch_xzalloc(sizeof(*image));
	bool png = bytes.len > 8 && memcmp(bytes.data, PNG_MAGIC, 8) == 0;

	if ((png ? read_png(image, bytes, err)
		 : read_svg(image, bytes, err)) < 0)
		return -1;
	if (!(image->width >= 1 && image->height >= 1 &&
	      image->width / image->height < 100 &&
	      image->height / image->width < 100))
		return ch_error_set(err, CH_GIVE_UP,
				    "a picture without a size: give it a "
				    "width and a height, or a viewBox");
	*ret = CH_TAKE(image);
	return 0;
}

void ch_page_image_size(const struct ch_page_image *image, double *ret_width,
			double *ret_height)
{
	*ret_width = image->width;
	*ret_height = image->height;
}

static void draw_pixels(const struct ch_page_image *image, cairo_t *cairo,
			double x, double y, double width, double height)
{
	cairo_save(cairo);
	cairo_translate(cairo, x, y);
	cairo_scale(cairo, width / image->width, height / image->height);
	cairo_set_source_surface(cairo, image->pixels, 0, 0);
	cairo_paint(cairo);
	cairo_restore(cairo);
}

int ch_page_image_draw(const struct ch_page_image *image, cairo_t *cairo,
		       double x, double y, double width, double height,
		       struct ch_error *err)
{
	RsvgRectangle place = { x, y, width, height };
	GError *error = NULL;

	if (image->pixels) {
		draw_pixels(image, cairo, x, y, width, height);
		return 0;
	}
	if (!rsvg.render_document(image->svg, cairo, &place, &error))
		return refuse(error, "a picture cannot be drawn", err);
	return 0;
}
