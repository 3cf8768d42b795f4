// SPDX-License-Identifier: GPL-3.0-or-later
/* page-archive.c - see page-archive.h.
 *
 * Only what cairo writes is read here, never a stranger's file; what does not
 * look as expected is refused all the same and not guessed at.
 */
#include "letter/page-archive.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/escape.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/utf8.h"

#define PRODUCER "Chancery " PACKAGE_VERSION

struct object {
	unsigned long number;
	size_t start, end; /* in the old file */
};

struct archive {
	struct ch_slice pdf;
	const struct ch_page_facts *facts;
	struct ch_str *out;
	size_t base;             /* where the new file begins in `out` */
	struct object *objects;  /* owned; by where they stand */
	size_t len;
	unsigned long size;      /* of the old table */
	unsigned long root, info;
	size_t *offsets;         /* owned; in the new file, by number */
	struct ch_error *err;
};

static int strange(struct archive *a, const char *what)
{
	return ch_error_set(a->err, CH_GIVE_UP,
			    "the page: a PDF without %s as it is expected",
			    what);
}

/* ---- reading ---------------------------------------------------------- */

static const char *find_last(struct ch_slice text, const char *word)
{
	size_t len = strlen(word);

	for (size_t i = text.len >= len ? text.len - len + 1 : 0; i > 0; i--) {
		if (memcmp(text.data + i - 1, word, len) == 0)
			return text.data + i - 1;
	}
	return NULL;
}

static const char *find(struct ch_slice text, const char *word)
{
	return memmem(text.data, text.len, word, strlen(word));
}

/* The number behind a key of a dictionary. */
static int read_number(struct ch_slice text, const char *key,
		       unsigned long *ret)
{
	const char *p = find(text, key);
	const char *end = text.data + text.len;
	char digits[24];
	size_t len = 0;

	if (!p)
		return -1;
	for (p += strlen(key); p < end && (*p == ' ' || *p == '\n'); p++)
		continue;
	for (; p < end && *p >= '0' && *p <= '9' && len < 10; p++)
		digits[len++] = *p;
	digits[len] = '\0';
	if (len == 0 || len == 10)
		return -1;
	*ret = strtoul(digits, NULL, 10);
	return 0;
}

static int by_place(const void *left, const void *right)
{
	const struct object *a = left, *b = right;

	return a->start < b->start ? -1 : a->start > b->start;
}

/* xref := "xref" LF "0" SP size LF 1*( 10DIGIT SP 5DIGIT SP ("n"/"f") 2OCTET )
 */
static int read_table(struct archive *a, size_t at)
{
	struct ch_slice text = { a->pdf.data + at, a->pdf.len - at };
	const char *p = find(text, "\n0 ");
	size_t entries;

	if (strncmp(text.data, "xref", 4) != 0 || !p ||
	    read_number(text, "\n0 ", &a->size) < 0 || a->size > 1000000)
		return strange(a, "a table of objects");
	p = memchr(p + 1, '\n', (size_t)(text.data + text.len - p - 1));
	entries = p ? (size_t)(p + 1 - a->pdf.data) : a->pdf.len;
	if (a->pdf.len - entries < a->size * 20)
		return strange(a, "a whole table of objects");
	a->objects = ch_xcalloc(a->size + 1, sizeof(*a->objects));
	for (unsigned long i = 1; i < a->size; i++) {
		const char *entry = a->pdf.data + entries + i * 20;

		if (entry[17] == 'n')
			a->objects[a->len++] = (struct object){
				i, strtoul(entry, NULL, 10), at
			};
	}
	qsort(a->objects, a->len, sizeof(*a->objects), by_place);
	for (size_t i = 0; i + 1 < a->len; i++)
		a->objects[i].end = a->objects[i + 1].start;
	for (size_t i = 0; i < a->len; i++) {
		if (a->objects[i].start >= a->objects[i].end ||
		    a->objects[i].end > at)
			return strange(a, "objects in order");
	}
	return 0;
}

static int read_file(struct archive *a)
{
	const char *p = find_last(a->pdf, "startxref");
	struct ch_slice trailer;
	unsigned long at;

	if (!p)
		return strange(a, "an end");
	if (read_number((struct ch_slice){ p, (size_t)(a->pdf.data +
						       a->pdf.len - p) },
			"startxref", &at) < 0 ||
	    at >= a->pdf.len)
		return strange(a, "a place of its table");
	if (read_table(a, at) < 0)
		return -1;
	trailer = (struct ch_slice){ a->pdf.data + at, a->pdf.len - at };
	p = find(trailer, "trailer");
	if (!p)
		return strange(a, "a trailer");
	trailer = (struct ch_slice){ p,
				     (size_t)(a->pdf.data + a->pdf.len - p) };
	if (read_number(trailer, "/Root", &a->root) < 0 ||
	    read_number(trailer, "/Info", &a->info) < 0)
		return strange(a, "a catalogue");
	return 0;
}

/* ---- strings ---------------------------------------------------------- */

static void add_unit(struct ch_str *out, unsigned int unit)
{
	ch_str_addf(out, "%04X", unit);
}

/* A text string as UTF-16 (ISO 32000-1 section 7.9.2.2). */
static void add_text(struct ch_str *out, const char *text)
{
	size_t len = strlen(text);

	ch_str_add(out, "<FEFF");
	for (size_t at = 0; at < len;) {
		uint32_t cp;
		size_t n = ch_utf8_decode(text + at, len - at, &cp);

		if (n == 0)
			cp = 0xFFFD;
		if (cp >= 0x10000) {
			add_unit(out, 0xD800 + ((cp - 0x10000) >> 10));
			add_unit(out, 0xDC00 + ((cp - 0x10000) & 0x3FF));
		} else {
			add_unit(out, cp);
		}
		at += n ? n : 1;
	}
	ch_str_add(out, ">");
}

static void add_xml(struct ch_str *out, const char *text)
{
	ch_escape_html(out, text, strlen(text));
}

/* ---- what is added ---------------------------------------------------- */

static void begin_object(struct archive *a, unsigned long number)
{
	a->offsets[number] = a->out->len - a->base;
	ch_str_addf(a->out, "%lu 0 obj\n", number);
}

static void add_xmp_text(struct ch_str *xmp, const char *tag, const char *kind,
			 const char *text)
{
	if (!text[0])
		return;
	ch_str_addf(xmp, "<dc:%s><rdf:%s><rdf:li%s>", tag, kind,
		    strcmp(kind, "Alt") == 0 ? " xml:lang=\"x-default\"" : "");
	add_xml(xmp, text);
	ch_str_addf(xmp, "</rdf:li></rdf:%s></dc:%s>\n", kind, tag);
}

/* What the document information says, and that this is PDF/A-2u. */
static void add_xmp(struct archive *a, unsigned long number)
{
	CH_AUTO(ch_str) xmp = CH_STR_INIT(65536);
	char date[CH_RFC3339_SIZE];

	ch_clock_rfc3339(a->facts->date_us, date);
	ch_str_add(&xmp,
		   "<?xpacket begin=\"\xEF\xBB\xBF\" "
		   "id=\"W5M0MpCehiHzreSzNTczkc9d\"?>\n"
		   "<x:xmpmeta xmlns:x=\"adobe:ns:meta/\"><rdf:RDF "
		   "xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">"
		   "<rdf:Description rdf:about=\"\" "
		   "xmlns:dc=\"http://purl.org/dc/elements/1.1/\" "
		   "xmlns:xmp=\"http://ns.adobe.com/xap/1.0/\" "
		   "xmlns:pdf=\"http://ns.adobe.com/pdf/1.3/\" "
		   "xmlns:pdfaid=\"http://www.aiim.org/pdfa/ns/id/\">\n"
		   "<pdfaid:part>2</pdfaid:part>"
		   "<pdfaid:conformance>U</pdfaid:conformance>\n");
	add_xmp_text(&xmp, "title", "Alt", a->facts->title);
	add_xmp_text(&xmp, "creator", "Seq", a->facts->author);
	add_xmp_text(&xmp, "description", "Alt", a->facts->subject);
	add_xmp_text(&xmp, "language", "Bag", a->facts->language);
	ch_str_addf(&xmp,
		    "<xmp:CreateDate>%.19sZ</xmp:CreateDate>"
		    "<xmp:ModifyDate>%.19sZ</xmp:ModifyDate>\n"
		    "<xmp:CreatorTool>" PRODUCER "</xmp:CreatorTool>"
		    "<pdf:Producer>" PRODUCER "</pdf:Producer>\n"
		    "</rdf:Description></rdf:RDF></x:xmpmeta>\n"
		    "<?xpacket end=\"r\"?>",
		    date, date);
	begin_object(a, number);
	ch_str_addf(a->out,
		    "<< /Type /Metadata /Subtype /XML /Length %zu >>\n"
		    "stream\n%s\nendstream\nendobj\n",
		    xmp.len, ch_str_cstr(&xmp));
}

static void add_info(struct archive *a)
{
	const struct ch_page_facts *facts = a->facts;
	char d[CH_RFC3339_SIZE];

	ch_clock_rfc3339(facts->date_us, d);
	begin_object(a, a->info);
	ch_str_add(a->out, "<< /Title ");
	add_text(a->out, facts->title);
	if (facts->author[0]) {
		ch_str_add(a->out, "\n   /Author ");
		add_text(a->out, facts->author);
	}
	if (facts->subject[0]) {
		ch_str_add(a->out, "\n   /Subject ");
		add_text(a->out, facts->subject);
	}
	ch_str_add(a->out, "\n   /Creator (" PRODUCER ")"
			   "\n   /Producer (" PRODUCER ")");
	for (size_t i = 0; i < 2; i++)
		ch_str_addf(a->out,
			    "\n   /%s (D:%.4s%.2s%.2s%.2s%.2s%.2sZ)",
			    i ? "ModDate" : "CreationDate", d, d + 5, d + 8,
			    d + 11, d + 14, d + 17);
	ch_str_add(a->out, "\n>>\nendobj\n");
}

/* ---- the profile ------------------------------------------------------ */

static void add_u32(struct ch_str *out, uint32_t value)
{
	for (int shift = 24; shift >= 0; shift -= 8)
		ch_str_add_char(out, (char)(value >> shift & 0xFF));
}

static void add_s15f16(struct ch_str *out, double value)
{
	add_u32(out, (uint32_t)(int32_t)lround(value * 65536));
}

static void add_numbers(struct ch_str *out, const char *type,
			const double *numbers, size_t len)
{
	ch_str_add(out, type);
	add_u32(out, 0);
	for (size_t i = 0; i < len; i++)
		add_s15f16(out, numbers[i]);
}

/* A text in one language (ICC.1:2010 section 10.13). */
static void add_mluc(struct ch_str *out, const char *text)
{
	ch_str_add(out, "mluc");
	add_u32(out, 0);
	add_u32(out, 1);
	add_u32(out, 12);
	ch_str_add(out, "enUS");
	add_u32(out, (uint32_t)strlen(text) * 2);
	add_u32(out, 28);
	for (; *text; text++) {
		ch_str_add_char(out, '\0');
		ch_str_add_char(out, *text);
	}
	while (out->len % 4)
		ch_str_add_char(out, '\0');
}

/* The primaries adapted to D50, and the curve of IEC 61966-2-1. */
static const double white[] = { 0.9642, 1.0, 0.8249 };
static const double red[] = { 0.4360, 0.2225, 0.0139 };
static const double green[] = { 0.3851, 0.7169, 0.0971 };
static const double blue[] = { 0.1431, 0.0606, 0.7141 };
static const double adaption[] = { 1.0479,  0.0229, -0.0502, 0.0296, 0.9904,
				   -0.0171, -0.0092, 0.0151, 0.7517 };
static const double curve[] = { 2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92,
				0.04045 };

#define TAGS 10

struct profile {
	struct ch_str data; /* of the tags */
	struct {
		const char *name;
		size_t start, len;
	} tags[TAGS];
	size_t len;
};

static void end_tag(struct profile *p, const char *name, size_t start)
{
	p->tags[p->len].name = name;
	p->tags[p->len].start = start;
	p->tags[p->len++].len = p->data.len - start;
}

static void add_xyz(struct profile *p, const char *name, const double *xyz)
{
	size_t start = p->data.len;

	add_numbers(&p->data, "XYZ ", xyz, 3);
	end_tag(p, name, start);
}

static void add_tags(struct profile *p)
{
	size_t start = 0;

	add_mluc(&p->data, "sRGB");
	end_tag(p, "desc", start);
	start = p->data.len;
	add_mluc(&p->data, "No copyright");
	end_tag(p, "cprt", start);
	add_xyz(p, "wtpt", white);
	start = p->data.len;
	add_numbers(&p->data, "sf32", adaption, 9);
	end_tag(p, "chad", start);
	add_xyz(p, "rXYZ", red);
	add_xyz(p, "gXYZ", green);
	add_xyz(p, "bXYZ", blue);
	start = p->data.len;
	ch_str_add(&p->data, "para");
	add_u32(&p->data, 0);
	add_u32(&p->data, 3u << 16); /* function type 3 */
	for (size_t i = 0; i < CH_COUNT(curve); i++)
		add_s15f16(&p->data, curve[i]);
	end_tag(p, "rTRC", start);
	end_tag(p, "gTRC", start);
	end_tag(p, "bTRC", start);
}

/* ICC.1:2010 section 7.2 */
static void add_header(struct ch_str *out, size_t size)
{
	static const uint16_t made[] = { 2000, 1, 1, 0, 0, 0 };

	add_u32(out, (uint32_t)size);
	add_u32(out, 0);
	add_u32(out, 0x04200000);
	ch_str_add(out, "mntrRGB XYZ ");
	for (size_t i = 0; i < CH_COUNT(made); i++) {
		ch_str_add_char(out, (char)(made[i] >> 8));
		ch_str_add_char(out, (char)(made[i] & 0xFF));
	}
	ch_str_add(out, "acsp");
	for (size_t i = 0; i < 7; i++) /* platform … rendering intent */
		add_u32(out, 0);
	add_s15f16(out, white[0]);
	add_s15f16(out, white[1]);
	add_s15f16(out, white[2]);
	for (size_t i = 0; i < 12; i++) /* creator, id, reserved */
		add_u32(out, 0);
}

static void add_profile(struct archive *a, unsigned long number)
{
	struct profile p = { .data = CH_STR_INIT(4096) };
	CH_AUTO(ch_str) icc = CH_STR_INIT(4096);
	size_t head = 128 + 4 + TAGS * 12;

	add_tags(&p);
	add_header(&icc, head + p.data.len);
	add_u32(&icc, TAGS);
	for (size_t i = 0; i < TAGS; i++) {
		ch_str_add(&icc, p.tags[i].name);
		add_u32(&icc, (uint32_t)(head + p.tags[i].start));
		add_u32(&icc, (uint32_t)p.tags[i].len);
	}
	ch_str_add_mem(&icc, ch_str_cstr(&p.data), p.data.len);
	ch_str_release(&p.data);
	begin_object(a, number);
	ch_str_addf(a->out, "<< /N 3 /Length %zu >>\nstream\n", icc.len);
	ch_str_add_mem(a->out, ch_str_cstr(&icc), icc.len);
	ch_str_add(a->out, "\nendstream\nendobj\n");
}

/* ---- copying ---------------------------------------------------------- */

static bool begins(struct ch_slice text, const char *word)
{
	return text.len >= strlen(word) &&
	       memcmp(text.data, word, strlen(word)) == 0;
}

/* The object's dictionary, behind "N 0 obj" LF and before a stream. */
static struct ch_slice dictionary_of(struct ch_slice object)
{
	const char *line = memchr(object.data, '\n', object.len);
	const char *stream = find(object, ">>\nstream\n");
	const char *end = stream ? stream + 2 : object.data + object.len;

	if (!line)
		return (struct ch_slice){ object.data, 0 };
	line++;
	return (struct ch_slice){ line, (size_t)(end - line) };
}

static void copy_to(struct archive *a, struct ch_slice *rest, const char *to)
{
	ch_str_add_mem(a->out, rest->data, (size_t)(to - rest->data));
	*rest = (struct ch_slice){ to,
				   (size_t)(rest->data + rest->len - to) };
}

/* No transparency group: nothing on the page is transparent unless a picture
 * is, and that is allowed without one. */
static void copy_page(struct archive *a, struct ch_slice rest)
{
	const char *group = find(rest, "/Group <<");
	const char *end = group ? find((struct ch_slice){
						group,
						(size_t)(rest.data + rest.len -
							 group) },
					">>")
				: NULL;

	if (end) {
		copy_to(a, &rest, group);
		end += 2;
		rest = (struct ch_slice){ end,
					  (size_t)(rest.data + rest.len - end) };
	}
	ch_str_add_mem(a->out, rest.data, rest.len);
}

/* Printed, neither hidden nor without zoom (ISO 19005-2 section 6.3.2). */
static void copy_annotation(struct archive *a, struct ch_slice rest)
{
	const char *subtype = find(rest, "/Subtype");

	copy_to(a, &rest, subtype ? subtype : rest.data);
	ch_str_add(a->out, "/F 4 ");
	ch_str_add_mem(a->out, rest.data, rest.len);
}

/* The default, but it has to be said (ISO 19005-2 section 6.2.11.3.2). */
static void copy_font(struct archive *a, struct ch_slice rest)
{
	const char *subtype = find(rest, "/Subtype");

	copy_to(a, &rest, subtype ? subtype : rest.data);
	if (!find(rest, "/CIDToGIDMap"))
		ch_str_add(a->out, "/CIDToGIDMap /Identity ");
	ch_str_add_mem(a->out, rest.data, rest.len);
}

static void copy_image(struct archive *a, struct ch_slice dictionary,
		       struct ch_slice rest)
{
	const char *interpolate = find(dictionary, "/Interpolate true");

	if (interpolate) {
		copy_to(a, &rest, interpolate);
		ch_str_add(a->out, "/Interpolate false");
		rest.data += strlen("/Interpolate true");
		rest.len -= strlen("/Interpolate true");
	}
	ch_str_add_mem(a->out, rest.data, rest.len);
}

static void copy_catalogue(struct archive *a, struct ch_slice rest)
{
	const char *end = find_last(rest, ">>");

	copy_to(a, &rest, end ? end : rest.data);
	ch_str_addf(a->out,
		    "   /Lang (%s)\n"
		    "   /ViewerPreferences << /DisplayDocTitle true%s >>\n"
		    "   /Metadata %lu 0 R\n"
		    "   /OutputIntents [ << /Type /OutputIntent "
		    "/S /GTS_PDFA1 /OutputConditionIdentifier (sRGB) "
		    "/Info (sRGB IEC61966-2.1) /DestOutputProfile %lu 0 R "
		    ">> ]\n",
		    a->facts->language,
		    a->facts->rtl ? " /Direction /R2L" : "", a->size,
		    a->size + 1);
	ch_str_add_mem(a->out, rest.data, rest.len);
}

static void copy_object(struct archive *a, const struct object *object)
{
	struct ch_slice bytes = { a->pdf.data + object->start,
				  object->end - object->start };
	struct ch_slice dictionary = dictionary_of(bytes);

	if (object->number == a->info) {
		add_info(a);
		return;
	}
	a->offsets[object->number] = a->out->len - a->base;
	if (object->number == a->root)
		copy_catalogue(a, bytes);
	else if (begins(dictionary, "<< /Type /Page ") ||
		 begins(dictionary, "<< /Type /Page\n"))
		copy_page(a, bytes);
	else if (begins(dictionary, "<< /Type /Annot"))
		copy_annotation(a, bytes);
	else if (begins(dictionary, "<< /Type /Font\n") &&
		 find(dictionary, "/Subtype /CIDFontType2"))
		copy_font(a, bytes);
	else if (dictionary.data + dictionary.len < bytes.data + bytes.len &&
		 find(dictionary, "/Subtype /Image"))
		copy_image(a, dictionary, bytes);
	else
		ch_str_add_mem(a->out, bytes.data, bytes.len);
}

static void add_trailer(struct archive *a)
{
	size_t place = a->out->len - a->base;
	char hex[CH_SHA256_HEX_SIZE];
	struct ch_sha256 sum;

	ch_sha256_of(a->out->data + a->base, place, &sum);
	ch_sha256_hex(&sum, hex);
	ch_str_addf(a->out, "xref\n0 %lu\n0000000000 65535 f \n", a->size + 2);
	for (unsigned long i = 1; i < a->size + 2; i++)
		ch_str_addf(a->out, "%010zu 0000%d %c \n", a->offsets[i], 0,
			    a->offsets[i] ? 'n' : 'f');
	ch_str_addf(a->out,
		    "trailer\n<< /Size %lu\n   /Root %lu 0 R\n"
		    "   /Info %lu 0 R\n   /ID [ <%.32s> <%.32s> ]\n>>\n"
		    "startxref\n%zu\n%%%%EOF\n",
		    a->size + 2, a->root, a->info, hex, hex, place);
}

static int write_file(struct archive *a)
{
	size_t head = a->len ? a->objects[0].start : 0;

	a->offsets = ch_xcalloc(a->size + 2, sizeof(*a->offsets));
	ch_str_add_mem(a->out, a->pdf.data, head);
	for (size_t i = 0; i < a->len; i++)
		copy_object(a, &a->objects[i]);
	add_xmp(a, a->size);
	add_profile(a, a->size + 1);
	if (!a->out->full)
		add_trailer(a);
	if (a->out->full)
		return ch_error_set(a->err, CH_GIVE_UP,
				    "the page: a PDF larger than a message "
				    "may be");
	if (!a->offsets[a->root] || !a->offsets[a->info])
		return strange(a, "its catalogue");
	return 0;
}

int ch_page_archive(struct ch_slice pdf, const struct ch_page_facts *facts,
		    struct ch_str *out, struct ch_error *err)
{
	struct archive a = {
		.pdf = pdf,
		.facts = facts,
		.out = out,
		.base = out->len,
		.err = err,
	};
	int result = read_file(&a);

	if (result == 0 && (a.root >= a.size || a.info >= a.size))
		result = strange(&a, "its catalogue");
	if (result == 0)
		result = write_file(&a);
	free(a.objects);
	free(a.offsets);
	return result;
}
