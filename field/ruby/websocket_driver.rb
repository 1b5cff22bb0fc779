# Echo server on websocket-driver: the library has no sockets, so there is a thread
# a connection here. Usage: ruby websocket_driver.rb PORT
require 'socket'
require 'websocket/driver'

# What the driver wants of a connection: url, and write.
class Connection
  attr_reader :url

  def initialize(socket)
    @socket = socket
    @url = 'ws://127.0.0.1/'
  end

  def write(bytes)
    @socket.write(bytes)
  rescue SystemCallError, IOError
    # read fails next
  end
end

def serve(socket)
  driver = WebSocket::Driver.server(Connection.new(socket), max_length: 64 << 20)
  closed = false
  driver.on(:connect) { driver.start }
  driver.on(:message) { |event| event.data.is_a?(String) ? driver.text(event.data) : driver.binary(event.data) }
  driver.on(:error) { |_error| }
  driver.on(:close) { closed = true }
  driver.parse(socket.readpartial(65_536)) until closed
  socket.close_write
  loop { socket.readpartial(65_536) } # until the peer's end
rescue SystemCallError, IOError
  # the connection is over
ensure
  socket.close
end

server = TCPServer.new('127.0.0.1', Integer(ARGV[0]))
loop { Thread.new(server.accept) { |socket| serve(socket) } }
