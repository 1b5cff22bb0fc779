// Echo server on Boost.Beast, a thread a connection. Usage: beast PORT
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/websocket.hpp>
#include <cstdlib>
#include <thread>

namespace beast = boost::beast;
namespace websocket = beast::websocket;
using tcp = boost::asio::ip::tcp;

static void serve(tcp::socket socket)
{
    try {
        websocket::stream<tcp::socket> ws(std::move(socket));
        ws.read_message_max(64 << 20); // default: 16 MiB
        ws.accept();
        for (beast::flat_buffer message;; message.clear()) {
            ws.read(message);
            ws.text(ws.got_text());
            ws.write(message.data());
        }
    } catch (const std::exception &) {
        // the connection is over
    }
}

int main(int argc, char **argv)
{
    auto port = static_cast<unsigned short>(argc > 1 ? std::atoi(argv[1]) : 9001);
    boost::asio::io_context io;
    tcp::acceptor acceptor(io, {boost::asio::ip::make_address("127.0.0.1"), port});
    for (;;) {
        tcp::socket socket(io);
        acceptor.accept(socket);
        socket.set_option(tcp::no_delay(true));
        std::thread(serve, std::move(socket)).detach();
    }
}
