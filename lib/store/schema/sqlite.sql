-- SPDX-License-Identifier: GPL-3.0-or-later
-- The store on SQLite. Times are microseconds since 1970, states the numbers
-- of store.h.
--
-- What changes while letters go out is kept apart from what does not: a letter
-- is written once, at import; its addresses carry the state, in narrow rows;
-- so a claim, a dot and a result touch few pages however long the letters are.

CREATE TABLE setting (
	name  TEXT NOT NULL PRIMARY KEY,
	value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- One row: which store this is, and how many transactions changed it. The
-- epoch file beside the database has the same two.
CREATE TABLE epoch (
	only INTEGER NOT NULL PRIMARY KEY CHECK (only = 1),
	mark BLOB NOT NULL CHECK (length(mark) = 16),
	turn INTEGER NOT NULL
) STRICT;

CREATE TABLE batch (
	id            INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
	reference     TEXT NOT NULL UNIQUE,
	state         INTEGER NOT NULL,
	subject       TEXT NOT NULL,
	deadline      TEXT NOT NULL,
	sender        TEXT NOT NULL,
	reply_to      TEXT NOT NULL,
	test_to       TEXT NOT NULL,
	enqueued_by   TEXT NOT NULL,
	released_by   TEXT NOT NULL,
	created_us    INTEGER NOT NULL,
	not_before_us INTEGER NOT NULL,
	date_us       INTEGER NOT NULL,
	letters       INTEGER NOT NULL,
	largest_bytes INTEGER NOT NULL,
	digest        BLOB NOT NULL CHECK (length(digest) = 32),
	summary       TEXT NOT NULL
) STRICT;

-- On which terms a batch goes; a row for those that have any.
CREATE TABLE terms (
	batch_id        INTEGER NOT NULL PRIMARY KEY REFERENCES batch,
	priority        INTEGER NOT NULL,
	per_second      INTEGER NOT NULL,
	per_minute      INTEGER NOT NULL,
	per_hour        INTEGER NOT NULL,
	per_day         INTEGER NOT NULL,
	canary          INTEGER NOT NULL, -- letters that go first
	canary_percent  INTEGER NOT NULL,
	canary_wait_us  INTEGER NOT NULL,
	stage           INTEGER NOT NULL, -- of the canary
	canary_first    INTEGER NOT NULL, -- its letters
	canary_last     INTEGER NOT NULL,
	canary_until_us INTEGER NOT NULL,
	seen_decided    INTEGER NOT NULL, -- when a person let it go on
	seen_refused    INTEGER NOT NULL,
	stopped         TEXT NOT NULL -- why it has paused itself
) STRICT;

-- A batch that follows on another one: a reminder, a correction, a recall.
CREATE TABLE relation (
	batch_id   INTEGER NOT NULL PRIMARY KEY REFERENCES batch,
	related_id INTEGER NOT NULL REFERENCES batch,
	kind       INTEGER NOT NULL
) STRICT;
CREATE INDEX relation_related ON relation (related_id, batch_id);

CREATE TABLE batch_file (
	batch_id   INTEGER NOT NULL REFERENCES batch,
	place      INTEGER NOT NULL,
	role       TEXT NOT NULL,
	name       TEXT NOT NULL,
	sha256     BLOB NOT NULL CHECK (length(sha256) = 32),
	size_bytes INTEGER NOT NULL,
	PRIMARY KEY (batch_id, place)
) STRICT, WITHOUT ROWID;

CREATE TABLE letter (
	id           INTEGER NOT NULL PRIMARY KEY,
	batch_id     INTEGER NOT NULL REFERENCES batch,
	facts        INTEGER NOT NULL DEFAULT 0, -- bits: what came back
	message_mark INTEGER NOT NULL, -- 64 bits of the Message-ID's SHA-256
	key          TEXT NOT NULL,
	name         TEXT NOT NULL,
	language     TEXT NOT NULL,
	message_id   TEXT NOT NULL,
	fields       BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX letter_key ON letter (batch_id, key);
CREATE INDEX letter_message ON letter (message_mark);
CREATE INDEX letter_facts ON letter (batch_id, facts) WHERE facts <> 0;

CREATE TABLE address (
	letter_id   INTEGER NOT NULL REFERENCES letter,
	seq         INTEGER NOT NULL,
	batch_id    INTEGER NOT NULL,
	role        INTEGER NOT NULL,
	state       INTEGER NOT NULL,
	attempt     INTEGER NOT NULL,
	next_at_us  INTEGER NOT NULL,
	first_at_us INTEGER NOT NULL, -- of the first attempt, 0 = none
	changed_us  INTEGER NOT NULL,
	code        INTEGER NOT NULL,
	address     TEXT NOT NULL,
	status      TEXT NOT NULL,
	reply       BLOB NOT NULL,
	relay       TEXT NOT NULL DEFAULT '', -- it was last tried over
	PRIMARY KEY (letter_id, seq)
) STRICT, WITHOUT ROWID;
-- How often an address was refused for now: a row for those that were.
CREATE TABLE deferral (
	letter_id INTEGER NOT NULL,
	seq       INTEGER NOT NULL,
	count     INTEGER NOT NULL,
	PRIMARY KEY (letter_id, seq)
) STRICT, WITHOUT ROWID;
-- What is to send, in order: a claim costs the same whatever else is there.
-- 0 is queued.
CREATE INDEX address_queued ON address (batch_id, next_at_us, letter_id)
	WHERE state = 0;
-- What a person looks for: failed (4), in doubt (5), held (7). Not IN: for that
-- SQLite makes a table of its own at every change of a row.
CREATE INDEX address_trouble ON address (batch_id, state, letter_id)
	WHERE state = 4 OR state = 5 OR state = 7;

-- The bytes that the first dot covered; every later attempt has the same. With
-- its signatures, empty where there are none, they can be written without a key.
CREATE TABLE message (
	letter_id  INTEGER NOT NULL PRIMARY KEY REFERENCES letter,
	sha256     BLOB NOT NULL CHECK (length(sha256) = 32),
	size_bytes INTEGER NOT NULL,
	signature  BLOB NOT NULL DEFAULT x'', -- S/MIME, in DER
	dkim       TEXT NOT NULL DEFAULT '',  -- DKIM-Signature fields
	attempt    INTEGER NOT NULL, -- of that dot
	connection_id INTEGER NOT NULL,
	said       BLOB NOT NULL     -- of the letter, up to that dot
) STRICT;

-- Our own copy of a letter came while that attempt was at its dot. Of use until
-- it has its reply.
CREATE TABLE copy (
	letter_id INTEGER NOT NULL PRIMARY KEY REFERENCES letter,
	attempt   INTEGER NOT NULL
) STRICT;

-- The last attempt that was another one, or had no dot.
CREATE TABLE other_attempt (
	letter_id  INTEGER NOT NULL PRIMARY KEY REFERENCES letter,
	attempt    INTEGER NOT NULL,
	connection_id INTEGER NOT NULL,
	said       BLOB NOT NULL
) STRICT;

-- Attempts that a letter may have had when the store was away: it came back from
-- a copy, and the letter was tried since.
CREATE TABLE attempt_gap (
	letter_id INTEGER NOT NULL,
	first     INTEGER NOT NULL,
	last      INTEGER NOT NULL,
	PRIMARY KEY (letter_id, first)
) STRICT, WITHOUT ROWID;

-- Connections to relays: some letters go over each.
CREATE TABLE connection (
	id        INTEGER NOT NULL PRIMARY KEY,
	opened_us INTEGER NOT NULL,
	relay     TEXT NOT NULL,
	opening   BLOB NOT NULL -- what was said up to the login
) STRICT;

CREATE TABLE returned (
	id          INTEGER NOT NULL PRIMARY KEY,
	mailbox     TEXT NOT NULL,
	folder      TEXT NOT NULL,
	uidvalidity INTEGER NOT NULL,
	uid         INTEGER NOT NULL,
	part        INTEGER NOT NULL,
	sha256      BLOB NOT NULL CHECK (length(sha256) = 32),
	size_bytes  INTEGER NOT NULL,
	received_us INTEGER NOT NULL,
	added_us    INTEGER NOT NULL,
	kind        INTEGER NOT NULL,
	rule        TEXT NOT NULL,
	fault       TEXT NOT NULL,
	message_id  TEXT NOT NULL,
	sender      TEXT NOT NULL,
	subject     TEXT NOT NULL,
	text        TEXT NOT NULL,
	attachments INTEGER NOT NULL,
	batch_id    INTEGER NOT NULL, -- of the letter, 0 = none
	letter_id   INTEGER NOT NULL, -- 0 = none
	address_seq INTEGER NOT NULL, -- -1 = none
	attempt     INTEGER NOT NULL,
	match       INTEGER NOT NULL,
	verified    INTEGER NOT NULL,
	recipient   TEXT NOT NULL,
	status      TEXT NOT NULL,
	diagnostic  TEXT NOT NULL,
	reason      TEXT NOT NULL, -- of a report
	says        TEXT NOT NULL, -- of an answer
	away_until  TEXT NOT NULL  -- of an automatic one: 2026-12-12, or empty
) STRICT;
-- A mail that somebody moved to another folder is the same; and one that has the
-- number of another, on a server that came back from a backup, is not.
CREATE UNIQUE INDEX returned_bytes ON returned (mailbox, sha256, part);
CREATE INDEX returned_message ON returned (letter_id, message_id);
CREATE INDEX returned_letter ON returned (letter_id, id) WHERE letter_id <> 0;
CREATE INDEX returned_batch ON returned (batch_id, id) WHERE batch_id <> 0;
-- Is it known already? However much others write about the letter.
CREATE INDEX returned_proof ON returned (letter_id, address_seq, kind, attempt)
	WHERE verified = 1;

-- The mails themselves, in the object store: each once, however many rows of
-- `returned` are of it, from the day on which it first came in.
CREATE TABLE mail (
	sha256     BLOB NOT NULL PRIMARY KEY CHECK (length(sha256) = 32),
	added_us   INTEGER NOT NULL,
	answer     INTEGER NOT NULL, -- a person wrote it: kept for as long as those
	state      INTEGER NOT NULL, -- 0 kept, 1 about to be removed, 2 removed
	removed_us INTEGER NOT NULL  -- 0 = it is kept
) STRICT, WITHOUT ROWID;
CREATE INDEX mail_kept ON mail (answer, added_us) WHERE state = 0;
CREATE INDEX mail_leaving ON mail (sha256) WHERE state = 1;

-- What was attached to them: known for good.
CREATE TABLE attachment (
	mail       BLOB NOT NULL CHECK (length(mail) = 32),
	place      INTEGER NOT NULL,
	name       TEXT NOT NULL,
	type       TEXT NOT NULL,
	size_bytes INTEGER NOT NULL,
	sha256     BLOB, -- of its content; NULL: not all of it was read
	PRIMARY KEY (mail, place)
) STRICT, WITHOUT ROWID;

-- Addresses that are not written to, in small letters, and how those came to be
-- that were counted: bounces since a time.
CREATE TABLE suppressed (
	id         INTEGER NOT NULL PRIMARY KEY,
	address    TEXT NOT NULL UNIQUE,
	reason     TEXT NOT NULL,
	return_id  INTEGER NOT NULL, -- the evidence; 0 = a person
	who        TEXT NOT NULL,
	added_us   INTEGER NOT NULL,
	expires_us INTEGER NOT NULL  -- 0 = never
) STRICT;
CREATE TABLE bounce_count (
	address  TEXT NOT NULL PRIMARY KEY,
	since_us INTEGER NOT NULL,
	hard     INTEGER NOT NULL,
	soft     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE mailbox (
	name        TEXT NOT NULL,
	folder      TEXT NOT NULL,
	uidvalidity INTEGER NOT NULL,
	last_uid    INTEGER NOT NULL,
	PRIMARY KEY (name, folder)
) STRICT, WITHOUT ROWID;

CREATE TABLE event (
	id        INTEGER NOT NULL PRIMARY KEY,
	at_us     INTEGER NOT NULL,
	type      TEXT NOT NULL,
	batch_id  INTEGER NOT NULL,
	letter_id INTEGER NOT NULL,
	who       TEXT NOT NULL,
	detail    TEXT NOT NULL
) STRICT;
