// SPDX-License-Identifier: GPL-3.0-or-later
/* pace.c - see pace.h. */
#include "chanceryd/pace.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* Credit of one letter: the pace a millisecond fills it. */
#define SECOND 1000
#define MINUTE 60000

#define RING (CH_PACE_PARTS + 1)
#define HOUR_PART_MS (3600000LL / CH_PACE_PARTS)
#define DAY_PART_MS (86400000LL / CH_PACE_PARTS)

static int64_t smaller(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* Rounded down, below 0 too. */
static int64_t divide(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

bool ch_pace_is_set(const struct ch_pace *pace)
{
	return pace->per_second || pace->per_minute || pace->per_hour ||
	       pace->per_day;
}

/* ---- second and minute ------------------------------------------------ */

static int64_t full_second(const struct ch_pace *pace)
{
	return SECOND * smaller(pace->burst, pace->per_second);
}

static int64_t full_minute(const struct ch_pace *pace)
{
	return MINUTE * (int64_t)pace->burst;
}

/* `credit` after `passed_ms`, of which more than fills it adds nothing. */
static int64_t filled(int64_t credit, int64_t full, uint32_t rate,
		      int64_t passed_ms)
{
	if (rate == 0)
		return credit;
	if (credit > full)
		credit = full;
	if (passed_ms > (full - credit) / rate)
		return full;
	return credit + passed_ms * rate;
}

static void fill(const struct ch_pace *pace, struct ch_pace_state *state,
		 int64_t now_ms)
{
	int64_t passed_ms = now_ms - state->at_ms;

	if (passed_ms <= 0)
		return;
	state->second = filled(state->second, full_second(pace),
			       pace->per_second, passed_ms);
	state->minute = filled(state->minute, full_minute(pace),
			       pace->per_minute, passed_ms);
	state->at_ms = now_ms;
}

/* At most what fits: the pace may be another one. */
static int64_t whole(int64_t credit, int64_t full, int64_t one)
{
	return smaller(credit, full) / one;
}

/* ---- hour and day ----------------------------------------------------- */

static size_t place_of(int64_t part)
{
	return (size_t)((part % RING + RING) % RING);
}

static uint32_t *letters_of(struct ch_pace_used *used, int64_t part)
{
	return &used->letters[place_of(part)];
}

/* The newest part is `part` now: what is a period older comes back. */
static void pass(struct ch_pace_used *used, int64_t part)
{
	if (part - used->part >= RING) {
		memset(used->letters, 0, sizeof(used->letters));
		used->sum = 0;
		used->part = part;
	}
	while (used->part < part) {
		uint32_t *oldest = letters_of(used, ++used->part);

		used->sum -= *oldest;
		*oldest = 0;
	}
}

static uint32_t left(const struct ch_pace_used *used, uint32_t limit)
{
	if (limit == 0)
		return UINT32_MAX;
	return used->sum < limit ? (uint32_t)(limit - used->sum) : 0;
}

static void use(struct ch_pace_used *used, uint32_t letters)
{
	uint32_t *newest = letters_of(used, used->part);

	if (letters > UINT32_MAX - *newest)
		letters = UINT32_MAX - *newest;
	*newest += letters;
	used->sum += letters;
}

/* The oldest first: what then stays counts for longer, not for less. */
static void unuse(struct ch_pace_used *used, uint32_t letters)
{
	for (int64_t age = RING - 1; age >= 0 && letters > 0; age--) {
		uint32_t *part = letters_of(used, used->part - age);
		uint32_t some = letters < *part ? letters : *part;

		*part -= some;
		used->sum -= some;
		letters -= some;
	}
}

/* When fewer than `limit` count. */
static int64_t less_at_ms(const struct ch_pace_used *used, uint32_t limit,
			  int64_t part_ms)
{
	uint64_t sum = used->sum;
	int64_t part = used->part - RING;

	while (sum >= limit && part < used->part) {
		part++;
		sum -= used->letters[place_of(part)];
	}
	return (part + RING) * part_ms;
}

/* ---- the whole -------------------------------------------------------- */

void ch_pace_start(const struct ch_pace *pace, int64_t now_ms,
		   struct ch_pace_state *ret)
{
	*ret = (struct ch_pace_state){
		.at_ms = now_ms,
		.second = full_second(pace),
		.minute = full_minute(pace),
		.hour.part = divide(now_ms, HOUR_PART_MS),
		.day.part = divide(now_ms, DAY_PART_MS),
	};
}

uint32_t ch_pace_may(const struct ch_pace *pace, struct ch_pace_state *state,
		     int64_t now_ms)
{
	int64_t may;

	fill(pace, state, now_ms);
	pass(&state->hour, divide(now_ms, HOUR_PART_MS));
	pass(&state->day, divide(now_ms, DAY_PART_MS));
	may = smaller(left(&state->hour, pace->per_hour),
		      left(&state->day, pace->per_day));
	if (pace->per_second > 0)
		may = smaller(may, whole(state->second, full_second(pace),
					 SECOND));
	if (pace->per_minute > 0)
		may = smaller(may, whole(state->minute, full_minute(pace),
					 MINUTE));
	return may > 0 ? (uint32_t)may : 0;
}

void ch_pace_took(const struct ch_pace *pace, struct ch_pace_state *state,
		  uint32_t letters)
{
	if (pace->per_second > 0)
		state->second -= (int64_t)letters * SECOND;
	if (pace->per_minute > 0)
		state->minute -= (int64_t)letters * MINUTE;
	/* Counted without a limit too: there may be one later. */
	use(&state->hour, letters);
	use(&state->day, letters);
}

void ch_pace_back(const struct ch_pace *pace, struct ch_pace_state *state,
		  uint32_t letters)
{
	if (pace->per_second > 0)
		state->second += (int64_t)letters * SECOND;
	if (pace->per_minute > 0)
		state->minute += (int64_t)letters * MINUTE;
	unuse(&state->hour, letters);
	unuse(&state->day, letters);
}

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* When a whole letter is there; `at_ms` is when the credit was so. */
static int64_t whole_at_ms(int64_t credit, int64_t one, uint32_t rate,
			   int64_t at_ms)
{
	if (rate == 0 || credit >= one)
		return at_ms;
	return at_ms + (one - credit + rate - 1) / rate;
}

int64_t ch_pace_next_ms(const struct ch_pace *pace,
			const struct ch_pace_state *state, int64_t now_ms)
{
	int64_t next_ms = now_ms;

	next_ms = later(next_ms, whole_at_ms(state->second, SECOND,
					     pace->per_second, state->at_ms));
	next_ms = later(next_ms, whole_at_ms(state->minute, MINUTE,
					     pace->per_minute, state->at_ms));
	if (left(&state->hour, pace->per_hour) == 0)
		next_ms = later(next_ms, less_at_ms(&state->hour,
						    pace->per_hour,
						    HOUR_PART_MS));
	if (left(&state->day, pace->per_day) == 0)
		next_ms = later(next_ms, less_at_ms(&state->day, pace->per_day,
						    DAY_PART_MS));
	return next_ms;
}

/* ---- kept in the store ------------------------------------------------ */

static void put(struct ch_str *out, int64_t number)
{
	ch_str_add_char(out, ' ');
	ch_str_add_int(out, number);
}

/* The newest part first. */
static void put_used(struct ch_str *out, const struct ch_pace_used *used)
{
	put(out, used->part);
	for (int64_t age = 0; age < RING; age++)
		put(out, used->letters[place_of(used->part - age)]);
}

void ch_pace_encode(const struct ch_pace_state *state,
		    const struct ch_pace_moment *now, struct ch_str *out)
{
	ch_str_add_int(out, now->mono_ms);
	put(out, now->wall_us);
	put(out, state->at_ms);
	put(out, state->second);
	put(out, state->minute);
	put_used(out, &state->hour);
	put_used(out, &state->day);
}

/* A text that is read word by word. */
struct words {
	const char *at;
	bool wrong;
};

/* Each behind a space, but the first. No number in it leads to one that does
 * not fit, whatever is done below. */
static int64_t number(struct words *words, int64_t least, int64_t most)
{
	char *end;
	long long value;

	errno = 0;
	value = strtoll(words->at, &end, 10);
	if (words->wrong || end == words->at || *words->at == ' ' ||
	    errno != 0 || value < least || value > most ||
	    (*end != ' ' && *end != '\0')) {
		words->wrong = true;
		return least;
	}
	words->at = end + (*end == ' ');
	return value;
}

#define TIME_MAX (INT64_MAX / 4)
#define PART_MAX (TIME_MAX / DAY_PART_MS)
#define CREDIT_MAX (INT64_MAX / 4 / 1000)

static void get_used(struct words *words, struct ch_pace_used *ret)
{
	ret->part = number(words, -PART_MAX, PART_MAX);
	ret->sum = 0;
	for (int64_t age = 0; age < RING; age++) {
		uint32_t letters = (uint32_t)number(words, 0, UINT32_MAX);

		*letters_of(ret, ret->part - age) = letters;
		ret->sum += letters;
	}
}

/* The clock shows `by_ms` more than the one by which it was counted. Parts move
 * as a whole, and rather too far than not far enough. */
static void move_used(struct ch_pace_used *used, int64_t by_ms, int64_t part_ms)
{
	struct ch_pace_used moved = *used;

	moved.part = used->part - divide(-by_ms, part_ms);
	for (int64_t age = 0; age < RING; age++)
		*letters_of(&moved, moved.part - age) =
			*letters_of(used, used->part - age);
	*used = moved;
}

static void move(struct ch_pace_state *state, int64_t by_ms)
{
	state->at_ms += by_ms;
	move_used(&state->hour, by_ms, HOUR_PART_MS);
	move_used(&state->day, by_ms, DAY_PART_MS);
}

/* How much time has passed since then, as far as can be known. */
static int64_t passed(const struct ch_pace_moment *then,
		      const struct ch_pace_moment *now)
{
	int64_t wall_ms = (now->wall_us - then->wall_us) / 1000;

	if (now->mono_ms >= then->mono_ms)
		return now->mono_ms - then->mono_ms;
	return wall_ms > now->mono_ms ? wall_ms : now->mono_ms;
}

int ch_pace_decode(struct ch_slice text, const struct ch_pace_moment *now,
		   struct ch_pace_state *ret)
{
	CH_AUTOCHAR copy = ch_slice_dup(text);
	struct words words = { .at = copy };
	struct ch_pace_state state;
	struct ch_pace_moment then;

	then.mono_ms = number(&words, 0, TIME_MAX);
	then.wall_us = number(&words, -TIME_MAX, TIME_MAX);
	state.at_ms = number(&words, -TIME_MAX, TIME_MAX);
	state.second = number(&words, -CREDIT_MAX, CREDIT_MAX);
	state.minute = number(&words, -CREDIT_MAX, CREDIT_MAX);
	get_used(&words, &state.hour);
	get_used(&words, &state.day);
	if (words.wrong || *words.at || strlen(copy) != text.len)
		return -1;
	move(&state, now->mono_ms - passed(&then, now) - then.mono_ms);
	*ret = state;
	return 0;
}
