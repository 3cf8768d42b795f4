// SPDX-License-Identifier: GPL-3.0-or-later
/* http-client.c - one connection: who is at the other end, and how long a
 * request of theirs may take to come in. */
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "chanceryd/http-private.h"

#define UPLOAD_LEAST_PER_MS 16 /* bytes: a slower upload is dropped */

void ch_client_phase(struct ch_client *client, int now)
{
	client->phase = now;
	client->since_ms = ch_clock_mono_ms();
}

static bool admitted(const struct ch_http *http, uid_t uid)
{
	if (uid == 0 || uid == geteuid() ||
	    http->options.control_uids_len == 0)
		return true;
	for (size_t i = 0; i < http->options.control_uids_len; i++) {
		if (http->control_uids[i] == uid)
			return true;
	}
	return false;
}

static void name_asker(struct ch_asker *who)
{
	char buffer[4096];
	struct passwd entry;
	struct passwd *found = NULL;

	getpwuid_r(who->uid, &entry, buffer, sizeof(buffer), &found);
	if (found)
		snprintf(who->name, sizeof(who->name), "%.40s (uid %u)",
			 found->pw_name, (unsigned int)who->uid);
	else
		snprintf(who->name, sizeof(who->name), "uid %u",
			 (unsigned int)who->uid);
}

/* Who is at the other end; nobody where the kernel does not say. */
static void look_at_peer(struct ch_client *client)
{
	struct ucred peer = { .uid = (uid_t)-1, .gid = (gid_t)-1 };
	socklen_t len = sizeof(peer);

	client->admitted = client->door->door == CH_DOOR_STATUS;
	if (getsockopt(client->fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		return;
	client->who.uid = peer.uid;
	client->who.gid = peer.gid;
	client->who.pid = peer.pid;
	if (client->door->door == CH_DOOR_CONTROL) {
		name_asker(&client->who);
		client->admitted = admitted(client->door->http, peer.uid);
	}
}

static void client_new(struct ch_http_door *door,
		       struct MHD_Connection *connection, void **context)
{
	struct ch_http *http = door->http;
	struct ch_client *client = ch_xzalloc(sizeof(*client));
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		connection, MHD_CONNECTION_INFO_CONNECTION_FD);

	client->door = door;
	client->fd = info ? info->connect_fd : -1;
	look_at_peer(client);
	ch_client_phase(client, CH_CLIENT_READING);
	client->next = http->clients;
	if (client->next)
		client->next->previous = client;
	else
		ch_http_tick(http);
	http->clients = client;
	door->clients++;
	*context = client;
}

static void client_free(struct ch_client *client)
{
	struct ch_http *http = client->door->http;

	if (client->previous)
		client->previous->next = client->next;
	else
		http->clients = client->next;
	if (client->next)
		client->next->previous = client->previous;
	client->door->clients--;
	free(client);
}

void ch_client_connected(void *context, struct MHD_Connection *connection,
			 void **socket_context,
			 enum MHD_ConnectionNotificationCode code)
{
	if (code == MHD_CONNECTION_NOTIFY_STARTED)
		client_new(context, connection, socket_context);
	else if (*socket_context)
		client_free(*socket_context);
}

/* Whether a request takes too long to come in. */
static bool is_late(const struct ch_http *http, const struct ch_client *client,
		    int64_t now_ms)
{
	int64_t allowed = http->options.request_timeout_ms;

	if (client->phase == CH_CLIENT_ANSWERING)
		return false;
	if (client->phase == CH_CLIENT_UPLOADING)
		allowed += (int64_t)(client->body_bytes / UPLOAD_LEAST_PER_MS);
	return now_ms - client->since_ms > allowed;
}

void ch_clients_drop_late(struct ch_http *http)
{
	int64_t now_ms = ch_clock_mono_ms();

	for (struct ch_client *client = http->clients; client;
	     client = client->next) {
		if (is_late(http, client, now_ms))
			shutdown(client->fd, SHUT_RDWR);
	}
}
