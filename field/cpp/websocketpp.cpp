// Echo server on WebSocket++ over Boost.Asio, one thread. Usage: websocketpp PORT
#include <cstdlib>
#include <websocketpp/config/asio_no_tls.hpp>
#include <websocketpp/server.hpp>

using server = websocketpp::server<websocketpp::config::asio>;

int main(int argc, char **argv)
{
    auto port = static_cast<unsigned short>(argc > 1 ? std::atoi(argv[1]) : 9001);
    server s;
    s.clear_access_channels(websocketpp::log::alevel::all);
    s.clear_error_channels(websocketpp::log::elevel::all);
    s.set_max_message_size(64 << 20); // default: 32 MB
    s.init_asio();
    s.set_reuse_addr(true);
    s.set_message_handler([&s](websocketpp::connection_hdl connection, server::message_ptr message) {
        websocketpp::lib::error_code ignored; // the connection may be over
        s.send(connection, message->get_payload(), message->get_opcode(), ignored);
    });
    s.listen(boost::asio::ip::tcp::endpoint(boost::asio::ip::make_address("127.0.0.1"), port));
    s.start_accept();
    s.run();
}
