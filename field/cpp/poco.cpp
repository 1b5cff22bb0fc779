// Echo server on Poco, a thread a connection. The library hands out frames, and leaves
// fragments, ping and Close to its user: what a user must do is here, and no more.
// Usage: poco PORT
#include <Poco/Buffer.h>
#include <Poco/Exception.h>
#include <Poco/Net/HTTPRequestHandler.h>
#include <Poco/Net/HTTPRequestHandlerFactory.h>
#include <Poco/Net/HTTPServer.h>
#include <Poco/Net/HTTPServerParams.h>
#include <Poco/Net/ServerSocket.h>
#include <Poco/Net/WebSocket.h>
#include <Poco/ThreadPool.h>
#include <cstdlib>
#include <unistd.h>

using namespace Poco::Net;

static void serve(WebSocket &ws)
{
    Poco::Buffer<char> message(0);
    int opcode = 0;
    for (;;) {
        Poco::Buffer<char> frame(0); // receiveFrame appends to it
        int flags = 0;
        int n = ws.receiveFrame(frame, flags);
        if (n == 0 && flags == 0)
            return; // the end of TCP
        switch (flags & WebSocket::FRAME_OP_BITMASK) {
        case WebSocket::FRAME_OP_CLOSE:
            ws.sendFrame(frame.begin(), n, WebSocket::FRAME_FLAG_FIN | WebSocket::FRAME_OP_CLOSE);
            return;
        case WebSocket::FRAME_OP_PING:
            ws.sendFrame(frame.begin(), n, WebSocket::FRAME_FLAG_FIN | WebSocket::FRAME_OP_PONG);
            continue;
        case WebSocket::FRAME_OP_PONG:
            continue;
        case WebSocket::FRAME_OP_CONT:
            break;
        default:
            opcode = flags & WebSocket::FRAME_OP_BITMASK;
            message.resize(0);
        }
        message.append(frame.begin(), n);
        if (flags & WebSocket::FRAME_FLAG_FIN)
            ws.sendFrame(message.begin(), static_cast<int>(message.size()), WebSocket::FRAME_FLAG_FIN | opcode);
    }
}

struct Handler : HTTPRequestHandler {
    void handleRequest(HTTPServerRequest &request, HTTPServerResponse &response) override
    {
        try {
            WebSocket ws(request, response);
            ws.setMaxPayloadSize(64 << 20);
            ws.setReceiveTimeout(Poco::Timespan(60, 0));
            serve(ws);
        } catch (const Poco::Exception &) {
            // the connection is over
        }
    }
};

struct Factory : HTTPRequestHandlerFactory {
    HTTPRequestHandler *createRequestHandler(const HTTPServerRequest &) override { return new Handler; }
};

int main(int argc, char **argv)
{
    auto port = static_cast<Poco::UInt16>(argc > 1 ? std::atoi(argv[1]) : 9001);
    Poco::ThreadPool::defaultPool().addCapacity(200);
    auto *params = new HTTPServerParams;
    params->setMaxThreads(200); // connections at once
    HTTPServer server(new Factory, ServerSocket(SocketAddress("127.0.0.1", port), 200), params);
    server.start();
    pause();
}
