/* Echo server on libwebsockets: one thread, callbacks, and no write but in
 * LWS_CALLBACK_SERVER_WRITEABLE, so that answers wait in a queue. Messages come in
 * pieces and have no limit. Usage: libwebsockets PORT */
#include <libwebsockets.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

struct message {
	struct message *next;
	enum lws_write_protocol type;
	size_t len;
	unsigned char bytes[]; /* LWS_PRE of room for the header, then the payload */
};

struct session { /* libwebsockets allocates one a connection, zeroed */
	unsigned char *partial;
	size_t len, cap;
	struct message *first, *last;
};

static int receive(struct session *s, struct lws *wsi, const void *in, size_t len)
{
	if (lws_is_first_fragment(wsi))
		s->len = 0;
	if (s->len + len > s->cap) {
		size_t cap = 2 * (s->len + len);
		unsigned char *bigger = realloc(s->partial, cap);
		if (!bigger)
			return -1;
		s->partial = bigger;
		s->cap = cap;
	}
	if (len)
		memcpy(s->partial + s->len, in, len);
	s->len += len;
	if (!lws_is_final_fragment(wsi))
		return 0;

	struct message *m = malloc(sizeof *m + LWS_PRE + s->len);
	if (!m)
		return -1;
	m->next = NULL;
	m->type = lws_frame_is_binary(wsi) ? LWS_WRITE_BINARY : LWS_WRITE_TEXT;
	m->len = s->len;
	if (s->len)
		memcpy(m->bytes + LWS_PRE, s->partial, s->len);
	if (s->last)
		s->last->next = m;
	else
		s->first = m;
	s->last = m;
	lws_callback_on_writable(wsi);
	return 0;
}

static int send_first(struct session *s, struct lws *wsi)
{
	struct message *m = s->first;
	if (!m)
		return 0;
	s->first = m->next;
	if (!s->first)
		s->last = NULL;
	int n = lws_write(wsi, m->bytes + LWS_PRE, m->len, m->type);
	free(m);
	if (s->first)
		lws_callback_on_writable(wsi);
	return n < 0 ? -1 : 0;
}

static int callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
	struct session *s = user;
	switch (reason) {
	case LWS_CALLBACK_RECEIVE:
		return receive(s, wsi, in, len);
	case LWS_CALLBACK_SERVER_WRITEABLE:
		return send_first(s, wsi);
	case LWS_CALLBACK_CLOSED:
		while (s->first) {
			struct message *next = s->first->next;
			free(s->first);
			s->first = next;
		}
		free(s->partial);
		return 0;
	default:
		return 0;
	}
}

int main(int argc, char **argv)
{
	static const struct lws_protocols protocols[] = {
		{.name = "echo", .callback = callback, .per_session_data_size = sizeof(struct session), .rx_buffer_size = 64 << 10},
		{0},
	};
	struct lws_context_creation_info info = {
		.port = argc > 1 ? atoi(argv[1]) : 9001,
		.iface = "lo",
		.protocols = protocols,
		.gid = -1, /* stay who we are */
		.uid = -1,
		.options = LWS_SERVER_OPTION_VALIDATE_UTF8, /* off by default */
	};
	signal(SIGPIPE, SIG_IGN);
	lws_set_log_level(LLL_ERR, NULL);
	struct lws_context *context = lws_create_context(&info);
	if (!context)
		return 1;
	while (lws_service(context, 0) >= 0)
		;
	lws_context_destroy(context);
	return 0;
}
