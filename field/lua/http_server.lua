-- Echo server on lua-http, a coroutine a connection. Messages have no limit.
-- Usage: lua5.2 http_server.lua PORT
local http_server = require "http.server"
local http_headers = require "http.headers"
local http_websocket = require "http.websocket"

local function serve(_, stream)
	local headers = assert(stream:get_headers())
	local ws = http_websocket.new_from_stream(stream, headers)
	if not ws then
		local answer = http_headers.new()
		answer:append(":status", "400")
		assert(stream:write_headers(answer, true))
		return
	end
	assert(ws:accept())
	for message, opcode in ws:each() do -- opcode is "text" or "binary"
		if not ws:send(message, opcode) then
			break
		end
	end
	ws:close()
end

local server = assert(http_server.listen {
	host = "127.0.0.1",
	port = tonumber(arg[1]),
	max_concurrent = 500,
	onstream = serve,
	onerror = function() end, -- a connection that failed; the default prints it
})
assert(server:listen())
assert(server:loop())
