/* Echo server on libsoup 3, over GLib's main loop. Usage: libsoup PORT */
#include <libsoup/soup.h>
#include <stdlib.h>

static void on_message(SoupWebsocketConnection *connection, gint type, GBytes *message, gpointer data)
{
	/* A message may come behind the Close; to send then is a critical warning. */
	if (soup_websocket_connection_get_state(connection) == SOUP_WEBSOCKET_STATE_OPEN)
		soup_websocket_connection_send_message(connection, type, message);
}

static void on_closed(SoupWebsocketConnection *connection, gpointer data)
{
	g_object_unref(connection);
}

static void on_connection(SoupServer *server, SoupServerMessage *request, const char *path,
			  SoupWebsocketConnection *connection, gpointer data)
{
	g_object_ref(connection); /* the server lets it go at return */
	soup_websocket_connection_set_max_incoming_payload_size(connection, 64 << 20); /* default: 128 KiB */
	g_signal_connect(connection, "message", G_CALLBACK(on_message), NULL);
	g_signal_connect(connection, "closed", G_CALLBACK(on_closed), NULL);
}

int main(int argc, char **argv)
{
	GError *error = NULL;
	SoupServer *server = soup_server_new(NULL, NULL);
	GSocketAddress *address = g_inet_socket_address_new_from_string("127.0.0.1", argc > 1 ? atoi(argv[1]) : 9001);

	soup_server_add_websocket_handler(server, "/", NULL, NULL, on_connection, NULL, NULL);
	if (!soup_server_listen(server, address, 0, &error)) {
		g_printerr("%s\n", error->message);
		return 1;
	}
	g_main_loop_run(g_main_loop_new(NULL, FALSE));
	return 0;
}
