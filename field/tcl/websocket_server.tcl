# Echo server on the package websocket of Tcllib, which wants a server that has read
# the request. It reads each frame to its end before it looks at another connection,
# and takes messages up to 16 MiB. Usage: tclsh websocket_server.tcl PORT
package require Tcl 8.6
package require websocket
::websocket::loglevel critical

# accept reads the request, line by line and without waiting, and upgrades.
proc accept {listener client address port} {
	fconfigure $client -blocking 0 -translation crlf -buffering full
	fileevent $client readable [list request $listener $client]
	set ::headers($client) {}
}

proc request {listener client} {
	if {[gets $client line] < 0} {
		if {[eof $client]} { close $client; unset ::headers($client) }
		return
	}
	if {$line ne ""} {
		# The first line is the request's, and is in no need of a header's colon.
		if {[regexp {^([^:\s]+):\s*(.*?)\s*$} $line -> name value]} {
			lappend ::headers($client) $name $value
		}
		return
	}
	fileevent $client readable {}
	# The package fails where the client offers no subprotocol at all.
	if {![dict exists [string tolower $::headers($client)] sec-websocket-protocol]} {
		lappend ::headers($client) Sec-WebSocket-Protocol ""
	}
	if {[::websocket::test $listener $client / $::headers($client)]} {
		::websocket::upgrade $client
	} else {
		puts $client "HTTP/1.1 400 Bad Request\nContent-Length: 0\n"
		close $client
	}
	unset ::headers($client)
}

proc echo {client type message} {
	switch -- $type {
		text - binary { ::websocket::send $client $type $message }
	}
}

proc bgerror {message} {} ;# a connection that failed

set listener [socket -server {apply {{client address port} {
	accept $::listener $client $address $port
}}} -myaddr 127.0.0.1 [lindex $argv 0]]
::websocket::server $listener
::websocket::live $listener / echo
vwait forever
