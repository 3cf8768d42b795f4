// SPDX-License-Identifier: GPL-3.0-or-later
/* test-fiber.c - who runs when, and that each keeps what it holds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/fiber.h"
#include "base/mem.h"
#include "base/str.h"

#define STACK (64 * 1024)

struct say {
	struct ch_str *log;
	char name;
	int times;
	struct ch_fiber *other; /* resumed in the middle, or NULL */
};

static void say(void *context)
{
	struct say *s = context;
	char own[512]; /* on its stack, to be there after the others ran */

	memset(own, s->name, sizeof(own));
	assert_non_null(ch_fiber_current());
	for (int i = 0; i < s->times; i++) {
		ch_str_addf(s->log, "%c%d", own[i % (int)sizeof(own)], i);
		if (s->other && !ch_fiber_ended(s->other))
			ch_fiber_resume(s->other);
		ch_fiber_yield();
	}
	for (size_t i = 0; i < sizeof(own); i++)
		assert_int_equal(own[i], s->name);
	ch_str_addf(s->log, "%c.", s->name);
}

static void test_turns(void **state)
{
	CH_AUTO(ch_str) log = CH_STR_INIT(1000);
	struct say sayers[3] = {
		{ &log, 'a', 1, NULL }, { &log, 'b', 3, NULL },
		{ &log, 'c', 0, NULL },
	};
	struct ch_fiber *fibers[3];

	for (size_t i = 0; i < 3; i++)
		fibers[i] = ch_fiber_new(say, &sayers[i], STACK);
	for (int round = 0; round < 4; round++) {
		for (size_t i = 0; i < 3; i++) {
			if (!ch_fiber_ended(fibers[i]))
				ch_fiber_resume(fibers[i]);
			assert_null(ch_fiber_current());
		}
	}
	assert_string_equal(ch_str_cstr(&log), "a0b0c.a.b1b2b.");
	for (size_t i = 0; i < 3; i++) {
		assert_true(ch_fiber_ended(fibers[i]));
		ch_fiber_free(fibers[i]);
	}
}

/* One fiber may resume another, and is where that one's yield comes back to. */
static void test_nested(void **state)
{
	CH_AUTO(ch_str) log = CH_STR_INIT(1000);
	struct say inner = { &log, 'i', 2, NULL };
	struct say outer = { &log, 'o', 2, NULL };
	struct ch_fiber *fiber;

	outer.other = ch_fiber_new(say, &inner, STACK);
	fiber = ch_fiber_new(say, &outer, STACK);
	while (!ch_fiber_ended(fiber))
		ch_fiber_resume(fiber);
	assert_string_equal(ch_str_cstr(&log), "o0i0o1i1o.");
	ch_fiber_resume(outer.other);
	assert_string_equal(ch_str_cstr(&log), "o0i0o1i1o.i.");
	ch_fiber_free(outer.other);
	ch_fiber_free(fiber);
}

static void test_never_run(void **state)
{
	CH_AUTO(ch_str) log = CH_STR_INIT(1000);
	struct say one = { &log, 'x', 1, NULL };

	ch_fiber_free(ch_fiber_new(say, &one, 1));
	ch_fiber_free(NULL);
	assert_int_equal(log.len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_turns),
		cmocka_unit_test(test_nested),
		cmocka_unit_test(test_never_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
