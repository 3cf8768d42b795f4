// SPDX-License-Identifier: GPL-3.0-or-later
/* peer.c - a server of the configuration, as its worker is told of it. */
#include "chanceryd/accounts.h"
#include "chanceryd/workers.h"

struct ch_peer_setup ch_worker_peer(const struct ch_peer_config *peer,
				    const struct ch_account *account)
{
	struct ch_peer_setup setup = {
		.name = ch_slice_of(peer->name),
		.host = ch_slice_of(peer->host),
		.port = (uint32_t)peer->port,
		.tls = (uint32_t)peer->tls,
		.ca_file = ch_slice_of(peer->ca_file),
		.fingerprint = ch_slice_of(peer->fingerprint),
		.source = ch_slice_of(peer->source),
		.auth = (uint32_t)peer->auth,
		.user = ch_slice_of(peer->user),
		.password_file = ch_slice_of(peer->password),
		.connect_timeout_ms = (uint32_t)peer->connect_timeout_ms,
		.command_timeout_ms = (uint32_t)peer->command_timeout_ms,
	};

	if (account)
		setup.password = ch_account_password(account,
						     &setup.password_number);
	return setup;
}
