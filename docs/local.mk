# SPDX-License-Identifier: GPL-3.0-or-later
EXTRA_DIST += docs/PERFORMANCE.md docs/PROMISES.md docs/pages.png \
	docs/decisions/0001-processes.md \
	docs/decisions/0003-own-smtp-opening.md \
	docs/decisions/0002-dot-record.md \
	docs/decisions/0004-recompose.md \
	docs/decisions/0005-values-after-markdown.md \
	docs/decisions/0006-http-over-unix-sockets.md \
	docs/decisions/0007-guard-before-libetpan.md \
	docs/decisions/0008-what-is-proof.md \
	docs/decisions/0009-several-connections-in-a-worker.md \
	docs/decisions/0010-decisions-make-shapes.md \
	docs/decisions/0011-names-in-the-batch.md \
	docs/decisions/0012-tables.md \
	docs/decisions/0013-page-fonts.md \
	docs/decisions/0014-smime.md \
	docs/decisions/0015-pinned-keys.md \
	docs/decisions/0016-chunks.md \
	docs/decisions/0018-paces-and-hours.md \
	docs/decisions/0017-dkim.md \
	docs/decisions/0019-domains-and-canaries.md \
	docs/decisions/0020-journal-copy.md \
	docs/decisions/0021-redo-log.md \
	docs/decisions/0022-what-comes-back.md \
	docs/decisions/0023-passwords-by-command.md \
	docs/decisions/0024-reminders.md \
	docs/decisions/0025-mails-kept.md \
	docs/decisions/0026-alarms-by-mail.md \
	docs/decisions/0027-reports.md \
	docs/decisions/0028-smtputf8.md
