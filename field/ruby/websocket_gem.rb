# Echo server on the gem websocket, which has frames and the handshake, but neither
# sockets nor the rules of a connection: those are here, as its README shows them.
# Usage: ruby websocket_gem.rb PORT
require 'socket'
require 'websocket'

WebSocket.max_frame_size = 64 << 20 # default: 20 MiB

def frame(handshake, **fields)
  WebSocket::Frame::Outgoing::Server.new(version: handshake.version, **fields).to_s
end

# Answers a frame, and returns whether the connection goes on. The gem puts
# fragments together.
def answer(socket, handshake, incoming)
  case incoming.type
  when :text, :binary
    socket.write frame(handshake, data: incoming.data, type: incoming.type)
  when :ping
    socket.write frame(handshake, data: incoming.data, type: :pong)
  when :close
    socket.write frame(handshake, code: incoming.code || 1000, type: :close)
    return false
  end
  true
end

def serve(socket)
  handshake = WebSocket::Handshake::Server.new
  handshake << socket.readpartial(65_536) until handshake.finished?
  socket.write handshake.to_s
  return unless handshake.valid?

  stream = WebSocket::Frame::Incoming::Server.new(version: handshake.version)
  stream << handshake.leftovers if handshake.leftovers
  loop do
    while (incoming = stream.next)
      return unless answer(socket, handshake, incoming)
    end
    if stream.error?
      socket.write frame(handshake, code: 1002, type: :close)
      return
    end
    stream << socket.readpartial(65_536)
  end
rescue SystemCallError, IOError
  # the connection is over
ensure
  socket.close
end

server = TCPServer.new('127.0.0.1', Integer(ARGV[0]))
loop { Thread.new(server.accept) { |socket| serve(socket) } }
