# SPDX-License-Identifier: GPL-3.0-or-later
# Letters and tables keep their folders where they are installed. The PDFs are
# kept in the tree: making them needs a browser and fonts of three scripts.
templatesdir = $(pkgdatadir)/templates
dist_templates_DATA = templates/README.md

# Letters that need them and have none of their own get these.
dist_pkgdata_DATA = templates/countries.tsv templates/salutations.tsv

# And what a report says.
dist_pkgdata_DATA += templates/report.tsv

invitationdir = $(templatesdir)/invitation
dist_invitation_DATA = templates/invitation/letter.conf \
	templates/invitation/letterhead.svg \
	templates/invitation/en.md templates/invitation/fr.md \
	templates/invitation/es.md templates/invitation/ru.md \
	templates/invitation/zh.md templates/invitation/ar.md \
	templates/invitation/annex-1.en.pdf \
	templates/invitation/annex-1.fr.pdf \
	templates/invitation/annex-1.es.pdf \
	templates/invitation/annex-1.ru.pdf \
	templates/invitation/annex-1.zh.pdf \
	templates/invitation/annex-1.ar.pdf \
	templates/invitation/annex-2.en.pdf \
	templates/invitation/annex-2.fr.pdf \
	templates/invitation/annex-2.es.pdf \
	templates/invitation/annex-2.ru.pdf \
	templates/invitation/annex-2.zh.pdf \
	templates/invitation/annex-2.ar.pdf

noteverbaledir = $(templatesdir)/note-verbale
dist_noteverbale_DATA = templates/note-verbale/letter.conf \
	templates/note-verbale/letterhead.svg \
	templates/note-verbale/en.md templates/note-verbale/fr.md \
	templates/note-verbale/es.md templates/note-verbale/ru.md \
	templates/note-verbale/zh.md templates/note-verbale/ar.md \
	templates/note-verbale/ministry.en.md \
	templates/note-verbale/ministry.fr.md \
	templates/note-verbale/ministry.es.md

sampledir = $(templatesdir)/sample
dist_sample_DATA = templates/sample/members.csv templates/sample/faults.csv

EXTRA_DIST += templates/tools/make-members.py \
	templates/tools/compare-names.py \
	templates/tools/make-annexes.py \
	templates/tools/make-pages.py \
	templates/tools/annexes/annex-1.en.md \
	templates/tools/annexes/annex-1.fr.md \
	templates/tools/annexes/annex-1.es.md \
	templates/tools/annexes/annex-1.ru.md \
	templates/tools/annexes/annex-1.zh.md \
	templates/tools/annexes/annex-1.ar.md \
	templates/tools/annexes/annex-2.en.md \
	templates/tools/annexes/annex-2.fr.md \
	templates/tools/annexes/annex-2.es.md \
	templates/tools/annexes/annex-2.ru.md \
	templates/tools/annexes/annex-2.zh.md \
	templates/tools/annexes/annex-2.ar.md

dist_check_SCRIPTS += tests/system/test-templates.py tests/names.py
TESTS += tests/system/test-templates.py tests/names.py
