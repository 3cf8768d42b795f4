/* SPDX-License-Identifier: GPL-3.0-or-later */
/* template-private.h - what the parser makes and the walk goes over: a flat
 * list of nodes, in which a section knows where it ends.
 *
 * Each text (the letter, and every partial) is a unit: a stretch of the list,
 * parsed once however often it is included. template-parse.c reads texts, with
 * template-scan.c for their lines and tags and template-name.c for names,
 * template-section.c what opens and closes in them, template-inherit.c parents
 * and blocks; template-walk.c goes over the nodes; template.c and
 * template-render.c say what is done on the way.
 */
#ifndef CH_LETTER_TEMPLATE_PRIVATE_H
#define CH_LETTER_TEMPLATE_PRIVATE_H

#include "letter/template.h"

#define CH_TEMPLATE_NONE ((size_t)-1)

enum ch_node_kind {
	CH_NODE_TEXT, /* of one line, or less */
	CH_NODE_VALUE,
	CH_NODE_SECTION,
	CH_NODE_INVERTED,
	CH_NODE_PARTIAL,
	CH_NODE_PARENT, /* until its end: the blocks given to it */
	CH_NODE_BLOCK,
};

struct ch_node {
	enum ch_node_kind kind;
	bool line_start; /* begins a line; PARTIAL, PARENT: and is alone there
			    */
	bool raw;        /* VALUE: not escaped */
	bool alone;      /* BLOCK: its opening stands alone on its line */
	size_t file;     /* index into `files` */
	unsigned int line;
	unsigned int column;
	size_t at;       /* where in `text`. TEXT: itself; PARTIAL, PARENT: */
	size_t len;      /* its indent; BLOCK: that of its content */
	size_t name;     /* index into `names`; BLOCK: into `blocks`; PARTIAL,
			    PARENT: NONE where it is not dynamic */
	size_t unit;     /* PARTIAL, PARENT: which text; NONE: none */
	size_t filters;  /* VALUE: index into `filters` */
	size_t filters_len;
	size_t around;   /* the innermost SECTION in the same unit, or NONE */
	size_t end;      /* SECTION, INVERTED, PARENT, BLOCK: the node behind
			    it; TEXT: the next node that is none */
};

/* "post.city": parts[0] is its root. */
struct ch_template_name {
	char *text;             /* owned */
	struct ch_slice *parts; /* owned array; into `text` */
	size_t parts_len;       /* 0: it is {{.}} */
	size_t root;            /* index into `roots` */
};

struct ch_template_unit {
	char *name; /* owned; NULL: the letter itself */
	size_t from, to; /* its nodes */
};

struct ch_template {
	enum ch_template_mode mode;
	struct ch_node *nodes; /* owned */
	size_t nodes_len, nodes_cap;
	struct ch_template_unit *units; /* owned */
	size_t units_len, units_cap;
	struct ch_template_name *names; /* owned */
	size_t names_len, names_cap;
	char **roots; /* owned, as are the strings */
	size_t roots_len, roots_cap;
	char **blocks; /* the same */
	size_t blocks_len, blocks_cap;
	char **files; /* the same */
	size_t files_len, files_cap;
	struct ch_filter **filters; /* the same */
	size_t filters_len, filters_cap;
	struct ch_str text;
};

struct ch_place ch_template_place(const struct ch_template *tpl,
				  const struct ch_node *node);
size_t ch_template_find_unit(const struct ch_template *tpl,
			     struct ch_slice name);

/* ---- the parser's insides --------------------------------------------- */

#define CH_DELIMITER_MAX 16

/* What is open while parsing. */
struct ch_open {
	size_t node;
	size_t filters;    /* how many there were before it */
	size_t lead;       /* PARENT: the node of the white space before it */
	bool clear;        /* PARENT: nothing else stands before it */
	bool dropped;      /* not printed: it stands between a parent's blocks
			    */
	unsigned int line; /* of its opening tag */
	char *name;        /* owned; what closes it, or NULL for anything */
};

struct ch_parser {
	struct ch_template *tpl;
	struct ch_problems *problems;
	const struct ch_template_options *options;
	struct ch_template_source *sources; /* owned; by unit */
	size_t sources_cap;
	struct ch_open *open; /* owned; in the unit being read */
	size_t open_len, open_cap;
	size_t bytes;  /* of all sources together */
	bool dynamic;  /* some partial's name is a field */
	bool too_much; /* said once; what is open stays open */
};

/* One source being read. */
struct ch_scan {
	struct ch_parser *parser;
	size_t unit;
	const char *text;
	size_t len;
	size_t at;
	unsigned int line;
	unsigned int column;
	size_t file;
	bool at_line; /* the source begins at the start of a line */
	bool clear;   /* nothing printed stands on this line so far */
	char open[CH_DELIMITER_MAX + 1];
	char close[CH_DELIMITER_MAX + 1];
};

struct ch_tag {
	char sigil; /* # ^ / ! > & { = < $ or 0 */
	struct ch_slice content; /* without white space around it */
	size_t start;
	size_t end; /* behind the closing delimiter */
};

#define CH_FAULT(s, hint, ...)                                       \
	ch_problems_add((s)->parser->problems, CH_PROBLEM_ERROR,     \
			ch_scan_place(s), hint, __VA_ARGS__)

struct ch_place ch_scan_place(const struct ch_scan *s);
bool ch_scan_is_lenient(const struct ch_scan *s);
bool ch_scan_is_blank(char c); /* within a line */
bool ch_scan_is_space(char c); /* and line ends */
void ch_scan_skip_to(struct ch_scan *s, size_t to);
size_t ch_scan_find(const struct ch_scan *s, const char *what, size_t from,
		    size_t to);
/* Where the line begins, if only blanks stand between, else NONE. */
size_t ch_scan_line_start(const struct ch_scan *s, size_t at);
/* Behind the blanks and the line end that follow, if nothing else does, else
 * NONE. The end of the text is one. */
size_t ch_scan_line_end(const struct ch_scan *s, size_t at);
/* Look at the tag that opens at `start`, without going there. False where it is
 * not closed before the next one opens. */
bool ch_scan_look(const struct ch_scan *s, size_t start, struct ch_tag *ret);

struct ch_node *ch_parse_node(struct ch_scan *s, enum ch_node_kind kind);
void ch_parse_text(struct ch_scan *s, size_t to);
/* Before a tag that stands first on a line: a node for that line's indent, or
 * the one that its white space has made. NONE where there is none. */
size_t ch_parse_lead(struct ch_scan *s);
/* Keep text beside the template's own; returns where. */
size_t ch_parse_keep(struct ch_scan *s, struct ch_slice text);
/* A field's number; NONE, with a problem, where it may not be one. */
size_t ch_parse_name(struct ch_scan *s, struct ch_slice text);
size_t ch_parse_intern(char ***list, size_t *len, size_t *cap,
		       struct ch_slice text);
/* Which text a partial or parent is: into node->unit, or node->name. */
void ch_parse_target(struct ch_scan *s, const struct ch_tag *tag, size_t node);

/* template-section.c */
/* Whether what is read now stands between a parent's blocks: it is dropped. */
bool ch_parse_drops(const struct ch_scan *s);
/* Say that it may not stand there (strict). */
void ch_parse_refuse_dropped(struct ch_scan *s);
struct ch_open *ch_parse_open(struct ch_scan *s, enum ch_node_kind kind,
			      struct ch_slice closed_by);
void ch_parse_section(struct ch_scan *s, const struct ch_tag *tag);
/* Which of what is open {{/name}} closes; NONE with a problem. */
size_t ch_parse_closes(struct ch_scan *s, const struct ch_tag *tag);
/* Close from the innermost to the `keep`th; all but the last one closed were
 * left open. */
void ch_parse_close(struct ch_scan *s, size_t keep, bool last_is_closed);

/* template-inherit.c: the tags of parents and blocks, line and all. */
bool ch_parse_inherits(const struct ch_scan *s, const struct ch_tag *tag);
void ch_parse_inherit(struct ch_scan *s, const struct ch_tag *tag);
/* Afterwards, in strict mode: say which blocks are given to a parent in vain.
 */
void ch_parse_check_given(struct ch_parser *p);

/* ---- the walk --------------------------------------------------------- */

/* Who decides how often a section repeats. */
enum ch_walk_by {
	CH_WALK_DATA,
	CH_WALK_TRACE, /* as it was decided before */
	CH_WALK_OPEN,  /* all once */
	CH_WALK_CLOSED,
};

enum ch_walk_stop {
	CH_WALK_ON,
	CH_WALK_TOO_DEEP,
	CH_WALK_TOO_NESTED,
	CH_WALK_TOO_LONG,
	CH_WALK_TOO_LARGE,
};

struct ch_walk_context; /* what sections around have brought */
struct ch_walk_blocks;  /* what parents around have been given */

struct ch_walk {
	const struct ch_template *tpl;
	enum ch_walk_by by;
	/* What to do with a text; NULL: texts are passed over. */
	void (*text)(struct ch_walk *walk, const struct ch_node *node,
		     struct ch_slice text);
	void (*value)(struct ch_walk *walk, const struct ch_node *node);
	/* A dynamic name that no text has; or NULL. */
	void (*missing)(struct ch_walk *walk, const struct ch_node *node,
			const struct ch_data *name);
	void *user;
	struct ch_str *trace; /* written; read by TRACE; or NULL */
	size_t trace_at;
	const struct ch_data *roots; /* by number; DATA */
	const struct ch_data *dot;   /* outside all sections, or NULL; DATA */
	size_t max_bytes; /* of texts, values not counted; 0: any number */
	/* Set by the walk: */
	const struct ch_walk_context *top;
	const struct ch_walk_blocks *given;
	struct ch_str pads; /* indents, one behind the other */
	size_t pad_at, pad_len;   /* the one in force */
	struct ch_slice strip;    /* what each line loses */
	bool joined; /* the next line goes where something stands already */
	unsigned int depth;  /* partials */
	unsigned int nested; /* all that is open */
	size_t steps;
	size_t bytes;
	enum ch_walk_stop stop;
	const struct ch_node *stopped_at;
};

/* Go over the whole template. False where it had to stop. */
bool ch_walk_run(struct ch_walk *walk);
/* The value of a field where the walk is; NULL: there is none. */
const struct ch_data *ch_walk_find(const struct ch_walk *walk, size_t name);
/* Add the problem for which it stopped. */
void ch_walk_explain(const struct ch_walk *walk, struct ch_problems *problems);
/* Nothing to see in it: empty, or white space. */
bool ch_template_blank(struct ch_slice value);

#endif
