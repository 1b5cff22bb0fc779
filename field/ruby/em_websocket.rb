# Echo server on em-websocket, over EventMachine. Usage: ruby em_websocket.rb PORT
require 'em-websocket'

EM::WebSocket.max_frame_size = 64 << 20 # default: 10 MiB

EM.run do
  EM::WebSocket.run(host: '127.0.0.1', port: Integer(ARGV[0])) do |ws|
    ws.onmessage { |text| ws.send_text(text) }
    ws.onbinary { |data| ws.send_binary(data) }
    ws.onerror { |_error| }
  end
end
