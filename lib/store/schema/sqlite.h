/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sqlite.h - the text of sqlite.sql, which the build turns into a string. */
#ifndef CH_STORE_SCHEMA_SQLITE_H
#define CH_STORE_SCHEMA_SQLITE_H

extern const char ch_schema_sqlite[];

#endif
