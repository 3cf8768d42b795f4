// SPDX-License-Identifier: GPL-3.0-or-later
/* recipients.c - several tables become one.
 *
 * A row of a table is taken over as its fields; what is more of an addressee is
 * read from them again, once they are put together, by the code that reads
 * them from the store (addressee.c). So there is one way only from fields to
 * addresses.
 */
#include "letter/recipients.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "letter/addressee-private.h"
#include "letter/seen.h"
#include "letter/sort.h"

#define SORT_MEMORY (8 * 1024 * 1024)
#define FIELDS_MAX (800 * 1024) /* of an addressee */
#define ADDRESSES_MAX 50

struct table {
	struct ch_table *table; /* owned */
	char *name;             /* owned; without folder and extension */
};

/* What one table says of an addressee. */
struct member {
	size_t table;
	unsigned int line;
	struct ch_fields fields;
};

struct ch_recipients {
	struct table *tables; /* owned */
	size_t len;
	bool capacities;
	uint64_t max_recipients;
	uint64_t given;
	const char **columns; /* owned array, borrowed from the tables */
	const char **files; /* owned array, by columns; likewise borrowed */
	size_t columns_len;
	size_t columns_cap;
	size_t files_cap;
	struct ch_seen addresses; /* of several tables */
	struct ch_sort *rows;     /* owned; NULL until they are read */
	struct ch_str encoded;    /* scratch */
	struct ch_str folded;     /* scratch */
	/* those of one key, then perhaps the first of the next */
	struct member *members; /* owned */
	size_t members_len;
	size_t members_cap;
	bool read; /* all tables were */
	bool ended;
	struct ch_problems *problems; /* borrowed for a call */
};

static void member_release(struct member *member)
{
	ch_fields_release(&member->fields);
}

void ch_recipients_free(struct ch_recipients *r)
{
	for (size_t i = 0; i < r->len; i++) {
		if (r->tables[i].table)
			ch_table_free(r->tables[i].table);
		free(r->tables[i].name);
	}
	free(r->tables);
	free(r->columns);
	free(r->files);
	ch_seen_release(&r->addresses);
	if (r->rows)
		ch_sort_free(r->rows);
	for (size_t i = 0; i < r->members_len; i++)
		member_release(&r->members[i]);
	free(r->members);
	ch_str_release(&r->encoded);
	ch_str_release(&r->folded);
	free(r);
}

/* As messages call it, with its sheet. */
static const char *file_of(const struct ch_recipients *r, size_t table)
{
	return ch_table_file(r->tables[table].table);
}

/* ---- opening ---------------------------------------------------------- */

static bool has_column(const struct ch_recipients *r, const char *name)
{
	for (size_t i = 0; i < r->columns_len; i++) {
		if (strcmp(r->columns[i], name) == 0)
			return true;
	}
	return false;
}

static void add_column(struct ch_recipients *r, const char *name,
		       const char *file)
{
	if (has_column(r, name))
		return;
	CH_GROW(r->files, r->columns_len, r->files_cap);
	CH_GROW(r->columns, r->columns_len, r->columns_cap);
	r->files[r->columns_len] = file;
	r->columns[r->columns_len++] = name;
}

/* "lists/members.csv" gives "members". */
static char *name_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	const char *dot = strrchr(name, '.');

	return ch_xstrndup(name, dot && dot != name ? (size_t)(dot - name)
						    : strlen(name));
}

static int open_table(struct ch_recipients *r,
		      const struct ch_recipients_table *from,
		      const struct ch_recipients_options *options,
		      struct ch_problems *problems)
{
	struct ch_table_options table = {
		.shown = from->shown,
		.charset = options->charset,
		.sheet = options->sheet,
		.max_recipients = options->max_recipients,
		.scratch_dir = options->scratch_dir,
		.utf8 = options->utf8,
		.joined = r->rows != NULL,
	};
	struct table *to = &r->tables[r->len++];
	const char *const *columns;
	size_t len;

	to->name = name_of(from->shown);
	if (ch_table_open(from->path, &table, &to->table, problems) < 0)
		return -1;
	columns = ch_table_columns(to->table, &len);
	for (size_t i = 0; i < len; i++)
		add_column(r, columns[i], ch_table_file(to->table));
	return 0;
}

int ch_recipients_open(const struct ch_recipients_table *tables, size_t len,
		       const struct ch_recipients_options *options,
		       struct ch_recipients **ret,
		       struct ch_problems *problems)
{
	CH_AUTOPTR(ch_recipients) r = ch_xzalloc(sizeof(*r));
	size_t errors = problems->errors;

	r->tables = ch_xcalloc(len, sizeof(*r->tables));
	r->max_recipients = options->max_recipients;
	r->capacities = options->capacities || len > 1;
	ch_str_init(&r->encoded, FIELDS_MAX);
	ch_str_init(&r->folded, FIELDS_MAX);
	ch_seen_init(&r->addresses, options->scratch_dir);
	if (len > 1)
		r->rows = ch_sort_new(options->scratch_dir, SORT_MEMORY);
	for (size_t i = 0; i < len; i++)
		open_table(r, &tables[i], options, problems);
	if (problems->errors > errors)
		return -1;
	*ret = CH_TAKE(r);
	return 0;
}

const char *const *ch_recipients_columns(const struct ch_recipients *r,
					 size_t *ret_len)
{
	*ret_len = r->columns_len;
	return (const char *const *)r->columns;
}

const char *const *
ch_recipients_column_files(const struct ch_recipients *r)
{
	return (const char *const *)r->files;
}

const char *ch_recipients_form(const struct ch_recipients *r, size_t table)
{
	return ch_table_form(r->tables[table].table);
}

/* ---- capacities ------------------------------------------------------- */

/* What one table says, as item `number` of the list. Every item has all
 * columns: one that it lacked would be looked for outside the list. */
static void add_capacity(const struct ch_recipients *r,
			 const struct member *member, size_t number,
			 struct ch_fields *ret)
{
	const char *capacity = ch_fields_get(&member->fields, "capacity");
	CH_AUTOCHAR of = ch_xasprintf(CH_FIELD_CAPACITIES ".%zu.table",
				      number);

	for (size_t i = 0; i < r->columns_len; i++) {
		const char *column = r->columns[i];
		CH_AUTOCHAR name = ch_xasprintf(CH_FIELD_CAPACITIES ".%zu.%s",
						number, column);

		ch_fields_set(ret, name,
			      ch_slice_of(ch_fields_get(&member->fields,
							column)));
	}
	ch_fields_set(ret, of,
		      ch_slice_of(capacity && capacity[0]
					  ? capacity
					  : r->tables[member->table].name));
}

static void fault(struct ch_recipients *r, const struct member *at,
		  const char *field, const char *hint, const char *text,
		  struct ch_problems *problems)
{
	struct ch_place place = { file_of(r, at->table), at->line, 0,
				  field };

	ch_problems_add(problems, CH_PROBLEM_ERROR, place, hint, "%s", text);
}

/* Whether all that is known of an addressee can be kept: the list says each
 * value again. */
static int check_size(struct ch_recipients *r, const struct member *first,
		      const struct ch_fields *fields,
		      struct ch_problems *problems)
{
	ch_str_clear(&r->encoded);
	ch_fields_encode(fields, &r->encoded);
	if (!r->encoded.full)
		return 0;
	fault(r, first, NULL, NULL,
	      r->len > 1 ? "what the tables say of it is too long together"
			 : "what the table says of it is too long to stand in "
			   "the list of capacities too",
	      problems);
	return -1;
}

/* ---- one table -------------------------------------------------------- */

static int next_of_one(struct ch_recipients *r, struct ch_addressee *ret,
		       struct ch_problems *problems)
{
	int got;

	while ((got = ch_table_next(r->tables[0].table, ret, problems)) > 0 &&
	       r->capacities) {
		struct member member = { 0, ret->line, ret->fields };
		struct ch_fields list = { 0 };

		add_capacity(r, &member, 1, &list);
		ch_fields_append(&ret->fields, &list);
		if (check_size(r, &member, &ret->fields, problems) == 0)
			break;
		ch_addressee_release(ret);
	}
	return got;
}

/* ---- reading several -------------------------------------------------- */

/* A record: table, line, then the fields; its key in small letters. */
struct head {
	size_t table;
	unsigned int line;
};

static int keep_row(struct ch_recipients *r, size_t table,
		    const struct ch_addressee *a, struct ch_error *err)
{
	struct head head = { table, a->line };

	ch_str_clear(&r->encoded);
	ch_str_clear(&r->folded);
	ch_str_add_mem(&r->encoded, &head, sizeof(head));
	ch_fields_encode(&a->fields, &r->encoded);
	for (const char *c = a->key; *c; c++)
		ch_str_add_char(&r->folded, (char)tolower((unsigned char)*c));
	return ch_sort_add(r->rows,
			   (struct ch_slice){ ch_str_cstr(&r->folded),
					      r->folded.len },
			   (struct ch_slice){ ch_str_cstr(&r->encoded),
					      r->encoded.len },
			   err);
}

static int read_tables(struct ch_recipients *r, struct ch_error *err)
{
	for (size_t i = 0; i < r->len; i++) {
		struct ch_addressee a;
		int rc = 0;

		while (rc == 0 && ch_table_next(r->tables[i].table, &a,
						r->problems) > 0) {
			rc = keep_row(r, i, &a, err);
			ch_addressee_release(&a);
		}
		if (rc < 0)
			return -1;
	}
	return 0;
}

/* ---- putting rows together -------------------------------------------- */

/* How the values of a column become one. */
enum rule {
	RULE_FIRST,     /* the key */
	RULE_ADDRESSES, /* all of them */
	RULE_LIST,      /* all of them, divided by semicolons */
	RULE_SAME,      /* they may not differ */
	RULE_CODE,      /* the same, in small letters or capitals */
	RULE_PLAIN,     /* where they differ, there is none */
};

static enum rule rule_of(const char *column)
{
	static const struct {
		const char *column;
		enum rule rule;
	} rules[] = {
		{ "key", RULE_FIRST },
		{ "to", RULE_ADDRESSES },
		{ "cc", RULE_ADDRESSES },
		{ CH_FIELD_ATTACHMENTS, RULE_LIST },
		{ CH_FIELD_COPIES, RULE_LIST },
		{ "language", RULE_CODE },
		{ "second_language", RULE_CODE },
		{ "name", RULE_SAME },
	};

	for (size_t i = 0; i < CH_COUNT(rules); i++) {
		if (strcmp(rules[i].column, column) == 0)
			return rules[i].rule;
	}
	if (ch_addressee_is_role(column, CH_ROLE_TO) ||
	    ch_addressee_is_role(column, CH_ROLE_CC))
		return RULE_ADDRESSES;
	return RULE_PLAIN;
}

static const char *value_in(const struct ch_recipients *r, size_t member,
			    const char *column)
{
	const char *value =
		ch_fields_get(&r->members[member].fields, column);

	return value ? value : "";
}

/* Whether a member before has the same value. */
static bool is_repeated(const struct ch_recipients *r, size_t member,
			const char *column)
{
	for (size_t i = 0; i < member; i++) {
		if (strcmp(value_in(r, i, column),
			   value_in(r, member, column)) == 0)
			return true;
	}
	return false;
}

static void join_addresses(const struct ch_recipients *r, size_t len,
			   const char *column, struct ch_fields *ret)
{
	CH_AUTO(ch_str) all = CH_STR_INIT(FIELDS_MAX);

	for (size_t i = 0; i < len; i++) {
		const char *value = value_in(r, i, column);

		if (!*value || is_repeated(r, i, column))
			continue;
		if (all.len > 0)
			ch_str_add(&all, ", ");
		ch_str_add(&all, value);
	}
	ch_fields_set(ret, column, (struct ch_slice){ ch_str_cstr(&all),
						      all.len });
}

static bool list_has(const struct ch_str *list, struct ch_slice item)
{
	struct ch_slice rest = { ch_str_cstr(list), list->len };
	struct ch_slice other;

	while (ch_list_next(&rest, &other)) {
		if (other.len == item.len &&
		    memcmp(other.data, item.data, item.len) == 0)
			return true;
	}
	return false;
}

/* What one table has twice stays so, to be told; what two have is there once.
 */
static void join_lists(const struct ch_recipients *r, size_t len,
		       const char *column, struct ch_fields *ret)
{
	CH_AUTO(ch_str) all = CH_STR_INIT(FIELDS_MAX);
	CH_AUTO(ch_str) before = CH_STR_INIT(FIELDS_MAX);

	for (size_t i = 0; i < len; i++) {
		struct ch_slice rest = ch_slice_of(value_in(r, i, column));
		struct ch_slice item;

		ch_str_clear(&before);
		ch_str_add_mem(&before, ch_str_cstr(&all), all.len);
		while (ch_list_next(&rest, &item)) {
			if (list_has(&before, item))
				continue;
			if (all.len > 0)
				ch_str_add(&all, "; ");
			ch_str_add_mem(&all, item.data, item.len);
		}
	}
	ch_fields_set(ret, column, (struct ch_slice){ ch_str_cstr(&all),
						      all.len });
}

/* The members whose values differ: the first that has one, and another one's;
 * false where all agree. */
static bool find_difference(const struct ch_recipients *r, size_t len,
			    const char *column, bool any_case, size_t *ret_one,
			    size_t *ret_other)
{
	*ret_one = len;
	for (size_t i = 0; i < len; i++) {
		const char *value = value_in(r, i, column);
		const char *one;

		if (!*value)
			continue;
		if (*ret_one == len) {
			*ret_one = i;
			continue;
		}
		one = value_in(r, *ret_one, column);
		if (any_case ? strcasecmp(one, value) : strcmp(one, value)) {
			*ret_other = i;
			return true;
		}
	}
	return false;
}

/* "\"fr\" in members.csv:7", cut to what a person reads. */
static void add_value(const struct ch_recipients *r, size_t member,
		      const char *column, struct ch_str *out)
{
	CH_AUTOCHAR value = ch_xstrdup(value_in(r, member, column));
	size_t len = strlen(value);

	if (len > 60) {
		len = 60;
		while (len > 0 && ((unsigned char)value[len] & 0xC0) == 0x80)
			len--;
	}
	ch_str_addf(out, "\"%.*s\"%s", (int)len, value,
		    value[len] ? " ..." : "");
	ch_str_addf(out, " in %s:%u",
		    file_of(r, r->members[member].table),
		    r->members[member].line);
}

static void merge_column(struct ch_recipients *r, size_t len,
			 const char *column, struct ch_addressee *ret,
			 struct ch_problems *problems)
{
	CH_AUTO(ch_str) text = CH_STR_INIT(4096);
	enum rule rule = rule_of(column);
	size_t one, other;

	if (rule == RULE_ADDRESSES) {
		join_addresses(r, len, column, &ret->fields);
		return;
	}
	if (rule == RULE_LIST) {
		join_lists(r, len, column, &ret->fields);
		return;
	}
	if (rule == RULE_FIRST ||
	    !find_difference(r, len, column, rule == RULE_CODE, &one,
			     &other)) {
		if (rule == RULE_FIRST || one == len)
			one = 0;
		ch_fields_set(&ret->fields, column,
			      ch_slice_of(value_in(r, one, column)));
		return;
	}
	add_value(r, one, column, &text);
	ch_str_add(&text, ", ");
	add_value(r, other, column, &text);
	if (rule == RULE_SAME || rule == RULE_CODE)
		fault(r, &r->members[other], column,
		      "It is one addressee, with one of these: write the "
		      "same in both, or leave one empty.",
		      ch_str_cstr(&text), problems);
	else
		ch_fields_set(&ret->differing, column,
			      (struct ch_slice){ ch_str_cstr(&text),
						 text.len });
}

/* What an addressee is, from its fields. */
static void complete(struct ch_recipients *r, struct ch_addressee *ret,
		     struct ch_problems *problems)
{
	const struct member *first = &r->members[0];
	const char *name = ch_fields_get(&ret->fields, "name");
	const char *printed = ch_fields_get(&ret->fields, CH_FIELD_COPIES);
	struct ch_error err;

	ret->key = ch_xstrdup(ch_fields_get(&ret->fields, "key"));
	ret->name = ch_xstrdup(name && *name ? name : ret->key);
	ret->language = ch_addressee_code(&ret->fields, "language");
	ret->second_language =
		ch_addressee_code(&ret->fields, "second_language");
	ret->file = file_of(r, first->table);
	ret->line = first->line;
	if (ch_addressee_read_addresses(ret, &err) < 0) {
		fault(r, first, NULL, NULL, err.text, problems);
		return;
	}
	if (ret->addresses_len > ADDRESSES_MAX)
		fault(r, first, "to", NULL,
		      "the tables together have more than 50 addresses for it",
		      problems);
	if (printed && ch_addressee_check_copies(ret, ch_slice_of(printed),
						 &err) < 0)
		fault(r, first, CH_FIELD_COPIES, CH_HINT_COPIES, err.text,
		      problems);
}

/* The first `len` members are one addressee; -1 with problems. */
static int merge_members(struct ch_recipients *r, size_t len,
			 struct ch_addressee *ret,
			 struct ch_problems *problems)
{
	size_t errors = problems->errors;

	for (size_t i = 0; i < r->columns_len; i++)
		merge_column(r, len, r->columns[i], ret, problems);
	complete(r, ret, problems);
	for (size_t i = 0; i < len; i++)
		add_capacity(r, &r->members[i], i + 1, &ret->fields);
	check_size(r, &r->members[0], &ret->fields, problems);
	return problems->errors > errors ? -1 : 0;
}

/* ---- addresses of two addressees -------------------------------------- */

static void warn_of_other(struct ch_recipients *r, struct ch_slice spec,
			  const struct ch_seen_where *first,
			  const struct ch_seen_where *again,
			  struct ch_problems *problems)
{
	struct ch_place place = { file_of(r, again->column), again->line,
				  0, "to" };

	if (again->owner.len == first->owner.len &&
	    strncasecmp(again->owner.data, first->owner.data,
			first->owner.len) == 0)
		return;
	ch_problems_add(problems, CH_PROBLEM_WARNING, place,
			"Both letters go there.",
			"%.*s has the address %.*s, and so has %.*s in %s:%u",
			(int)again->owner.len, again->owner.data,
			(int)spec.len, spec.data, (int)first->owner.len,
			first->owner.data, file_of(r, first->column),
			first->line);
}

static void look_for_others(struct ch_recipients *r,
			    const struct ch_addressee *a,
			    struct ch_problems *problems)
{
	for (size_t i = 0; i < a->addresses_len; i++) {
		struct ch_slice spec =
			ch_slice_of(a->addresses[i].address.spec);
		struct ch_seen_where first;
		struct ch_seen_where where = {
			a->line, (unsigned int)r->members[0].table,
			ch_slice_of(a->key)
		};
		struct ch_error err;
		int seen = 0;

		if (a->addresses[i].role == CH_ROLE_TO)
			seen = ch_seen_add(&r->addresses, spec, &where, &first,
					   &err);
		if (seen < 0)
			fault(r, &r->members[0], NULL, NULL, err.text,
			      problems);
		if (seen > 0)
			warn_of_other(r, spec, &first, &where, problems);
	}
}

static void on_address_twice(void *context, struct ch_slice spec,
			     const struct ch_seen_where *first,
			     const struct ch_seen_where *again)
{
	struct ch_recipients *r = context;

	warn_of_other(r, spec, first, again, r->problems);
}

/* ---- one after the other ---------------------------------------------- */

/* The next row of the sort as a further member: 1, or 0 at the end. */
static int take_member(struct ch_recipients *r, struct ch_error *err)
{
	struct ch_slice key, value;
	struct member member = { 0 };
	struct head head;
	int got = ch_sort_next(r->rows, &key, &value, err);

	if (got <= 0)
		return got;
	memcpy(&head, value.data, sizeof(head));
	value.data += sizeof(head);
	value.len -= sizeof(head);
	if (ch_fields_decode(value, &member.fields, err) < 0)
		return -1;
	member.table = head.table;
	member.line = head.line;
	CH_GROW(r->members, r->members_len, r->members_cap);
	r->members[r->members_len++] = member;
	return 1;
}

/* Forget the first `len` members. */
static void drop_members(struct ch_recipients *r, size_t len)
{
	for (size_t i = 0; i < len; i++)
		member_release(&r->members[i]);
	memmove(r->members, r->members + len,
		(r->members_len - len) * sizeof(*r->members));
	r->members_len -= len;
}

static bool is_same_key(const struct ch_recipients *r, size_t member)
{
	return strcasecmp(value_in(r, 0, "key"), value_in(r, member, "key")) ==
	       0;
}

/* Gather all members of the next key; how many they are, 0 at the end. A key
 * twice in one table was told already: the first row stands for both. */
static int gather(struct ch_recipients *r, struct ch_error *err)
{
	int got = 1;

	if (r->members_len == 0)
		got = take_member(r, err);
	while (got > 0 && is_same_key(r, r->members_len - 1)) {
		size_t last = r->members_len - 1;

		if (last > 0 && r->members[last].table ==
					r->members[last - 1].table) {
			member_release(&r->members[last]);
			r->members_len--;
		}
		got = take_member(r, err);
	}
	if (got < 0)
		return -1;
	return (int)r->members_len - (got > 0);
}

static int next_of_several(struct ch_recipients *r, struct ch_addressee *ret,
			   struct ch_error *err)
{
	struct ch_problems *problems = r->problems;
	int len;

	while ((len = gather(r, err)) > 0) {
		int rc;

		*ret = (struct ch_addressee){ 0 };
		rc = merge_members(r, (size_t)len, ret, problems);
		if (rc == 0)
			look_for_others(r, ret, problems);
		drop_members(r, (size_t)len);
		if (rc == 0)
			return 1;
		ch_addressee_release(ret);
	}
	if (len == 0)
		len = ch_seen_end(&r->addresses, on_address_twice, r, err);
	return len;
}

int ch_recipients_next(struct ch_recipients *r, struct ch_addressee *ret,
		       struct ch_problems *problems)
{
	struct ch_error err;
	int got = 0;

	if (!r->rows)
		return next_of_one(r, ret, problems);
	r->problems = problems;
	if (!r->read) {
		r->read = true;
		got = read_tables(r, &err);
	}
	if (got == 0 && !r->ended)
		got = next_of_several(r, ret, &err);
	if (got > 0 && (!r->max_recipients || r->given < r->max_recipients)) {
		r->given++;
		return 1;
	}
	if (got > 0) {
		ch_addressee_release(ret);
		got = ch_error_set(&err, CH_GIVE_UP,
				   "more than %llu addressees in the tables "
				   "together",
				   (unsigned long long)r->max_recipients);
	}
	r->ended = true;
	if (got < 0)
		ch_problems_add(problems, CH_PROBLEM_ERROR,
				(struct ch_place){ file_of(r, 0), 0, 0,
						   NULL },
				NULL, "%s", err.text);
	return 0;
}
