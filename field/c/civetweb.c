/* Echo server on CivetWeb, a thread a connection. The library hands out frames, not
 * messages, checks no UTF-8, and answers neither ping nor Close: what a user must do
 * is here, and no more. Usage: civetweb PORT */
#include <civetweb.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct message { /* fragments that came */
	char *bytes;
	size_t len;
	int opcode;
};

static void on_ready(struct mg_connection *connection, void *data)
{
	mg_set_user_connection_data(connection, calloc(1, sizeof(struct message)));
}

/* on_frame returns whether the connection goes on. bits is the frame's first byte. */
static int on_frame(struct mg_connection *connection, int bits, char *payload, size_t len, void *data)
{
	struct message *m = mg_get_user_connection_data(connection);
	int opcode = bits & 0xf;
	switch (opcode) {
	case MG_WEBSOCKET_OPCODE_PING:
		return mg_websocket_write(connection, MG_WEBSOCKET_OPCODE_PONG, payload, len) > 0;
	case MG_WEBSOCKET_OPCODE_PONG:
		return 1;
	case MG_WEBSOCKET_OPCODE_CONNECTION_CLOSE:
		mg_websocket_write(connection, MG_WEBSOCKET_OPCODE_CONNECTION_CLOSE, payload, len);
		return 0;
	}
	if (!m)
		return 0;
	if (opcode != MG_WEBSOCKET_OPCODE_CONTINUATION) {
		m->opcode = opcode;
		m->len = 0;
	}
	char *bigger = realloc(m->bytes, m->len + len + 1);
	if (!bigger)
		return 0;
	m->bytes = bigger;
	memcpy(m->bytes + m->len, payload, len);
	m->len += len;
	if (!(bits & 0x80)) /* FIN */
		return 1;
	return mg_websocket_write(connection, m->opcode, m->bytes, m->len) > 0;
}

static void on_close(const struct mg_connection *connection, void *data)
{
	struct message *m = mg_get_user_connection_data(connection);
	if (m)
		free(m->bytes);
	free(m);
}

int main(int argc, char **argv)
{
	char address[32] = "127.0.0.1:";
	strncat(address, argc > 1 ? argv[1] : "9001", 5);
	const char *options[] = {
		"listening_ports", address,
		"num_threads", "64", /* connections at once */
		"tcp_nodelay", "1",
		"websocket_timeout_ms", "60000",
		NULL,
	};
	signal(SIGPIPE, SIG_IGN);
	mg_init_library(0);
	struct mg_context *context = mg_start(NULL, NULL, options);
	if (!context)
		return 1;
	mg_set_websocket_handler(context, "/", NULL, on_ready, on_frame, on_close, NULL);
	for (;;)
		pause();
}
