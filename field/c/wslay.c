/* Echo server on wslay, which has the protocol, but neither sockets nor the opening
 * handshake: those are here, with a thread a connection. Usage: wslay PORT */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <nettle/base64.h>
#include <nettle/sha1.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <wslay/wslay.h>

/* read_request reads up to the empty line, byte by byte, so that nothing of the
 * first frame is taken. */
static int read_request(int fd, char *buffer, size_t size)
{
	for (size_t n = 0; n + 1 < size; n++) {
		if (recv(fd, buffer + n, 1, 0) != 1)
			return -1;
		buffer[n + 1] = 0;
		if (n >= 3 && !memcmp(buffer + n - 3, "\r\n\r\n", 4))
			return 0;
	}
	return -1;
}

/* handshake answers the request with 101. It checks the key's presence only. */
static int handshake(int fd)
{
	static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
	char request[8192];
	if (read_request(fd, request, sizeof request))
		return -1;
	char *key = strcasestr(request, "\r\nsec-websocket-key:");
	if (!key)
		return -1;
	key += strlen("\r\nsec-websocket-key:");
	key += strspn(key, " \t");

	struct sha1_ctx sha1;
	uint8_t digest[SHA1_DIGEST_SIZE];
	char accept[BASE64_ENCODE_RAW_LENGTH(SHA1_DIGEST_SIZE) + 1] = {0};
	sha1_init(&sha1);
	sha1_update(&sha1, strcspn(key, " \t\r"), (const uint8_t *)key);
	sha1_update(&sha1, strlen(guid), (const uint8_t *)guid);
	sha1_digest(&sha1, sizeof digest, digest);
	base64_encode_raw(accept, sizeof digest, digest);

	char response[256];
	int n = snprintf(response, sizeof response,
			 "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
			 "Sec-WebSocket-Accept: %s\r\n\r\n", accept);
	return send(fd, response, n, MSG_NOSIGNAL) == n ? 0 : -1;
}

static ssize_t on_send(wslay_event_context_ptr ctx, const uint8_t *data, size_t len, int flags, void *fd)
{
	ssize_t n;
	do
		n = send(*(int *)fd, data, len, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		wslay_event_set_error(ctx, errno == EAGAIN ? WSLAY_ERR_WOULDBLOCK : WSLAY_ERR_CALLBACK_FAILURE);
	return n;
}

static ssize_t on_recv(wslay_event_context_ptr ctx, uint8_t *buffer, size_t len, int flags, void *fd)
{
	ssize_t n;
	do
		n = recv(*(int *)fd, buffer, len, 0);
	while (n < 0 && errno == EINTR);
	if (n > 0)
		return n;
	wslay_event_set_error(ctx, n < 0 && errno == EAGAIN ? WSLAY_ERR_WOULDBLOCK : WSLAY_ERR_CALLBACK_FAILURE);
	return -1;
}

static void on_message(wslay_event_context_ptr ctx, const struct wslay_event_on_msg_recv_arg *arg, void *fd)
{
	if (wslay_is_ctrl_frame(arg->opcode))
		return; /* wslay answers by itself */
	struct wslay_event_msg echo = {arg->opcode, arg->msg, arg->msg_length};
	wslay_event_queue_msg(ctx, &echo); /* copies the payload */
}

static void serve(int fd)
{
	struct wslay_event_callbacks callbacks = {
		.recv_callback = on_recv, .send_callback = on_send, .on_msg_recv_callback = on_message,
	};
	wslay_event_context_ptr ctx;
	if (wslay_event_context_server_init(&ctx, &callbacks, &fd))
		return;
	wslay_event_config_set_max_recv_msg_length(ctx, 64 << 20);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	while (wslay_event_want_read(ctx) || wslay_event_want_write(ctx)) {
		struct pollfd p = {.fd = fd};
		if (wslay_event_want_read(ctx))
			p.events |= POLLIN;
		if (wslay_event_want_write(ctx))
			p.events |= POLLOUT;
		if (poll(&p, 1, -1) < 0)
			break;
		if (p.revents & POLLOUT && wslay_event_send(ctx))
			break;
		if (p.revents & (POLLIN | POLLHUP | POLLERR) && wslay_event_recv(ctx))
			break;
	}
	wslay_event_context_free(ctx);
	/* A socket closed with input unread is reset, and the Close may be lost. */
	char rest[4096];
	fcntl(fd, F_SETFL, 0);
	shutdown(fd, SHUT_WR);
	while (recv(fd, rest, sizeof rest, 0) > 0)
		;
}

static void *connection(void *arg)
{
	int fd = (int)(long)arg, on = 1;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	if (!handshake(fd))
		serve(fd);
	close(fd);
	return NULL;
}

int main(int argc, char **argv)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons(argc > 1 ? atoi(argv[1]) : 9001),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int on = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 512)) {
		perror("wslay");
		return 1;
	}
	for (;;) {
		int fd = accept(listener, NULL, NULL);
		pthread_t thread;
		if (fd < 0)
			continue;
		if (pthread_create(&thread, NULL, connection, (void *)(long)fd))
			close(fd);
		else
			pthread_detach(thread);
	}
}
