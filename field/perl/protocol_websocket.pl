# Echo server on Protocol::WebSocket, which has the handshake and frames, but neither
# sockets nor the rules of a connection: those are here, with a process a connection.
# Usage: perl protocol_websocket.pl PORT
use strict;
use warnings;
use IO::Socket::INET;
use Protocol::WebSocket::Frame;
use Protocol::WebSocket::Handshake::Server;

$SIG{CHLD} = 'IGNORE';

sub frame { Protocol::WebSocket::Frame->new(@_)->to_bytes }

sub serve {
    my ($socket) = @_;
    my $handshake = Protocol::WebSocket::Handshake::Server->new;
    while (!$handshake->is_done) {
        sysread($socket, my $bytes, 65536) or return;
        $handshake->parse($bytes) or return;
    }
    print {$socket} $handshake->to_string;

    # The limits are 64 KiB and 128 fragments by default. next_bytes puts
    # fragments together and leaves UTF-8 alone.
    my $frame = Protocol::WebSocket::Frame->new(max_payload_size => 64 << 20, max_fragments_amount => 1 << 20);
    while (sysread($socket, my $bytes, 65536)) {
        $frame->append($bytes);
        while (defined(my $payload = $frame->next_bytes)) {
            if    ($frame->is_close) { print {$socket} frame(buffer => $payload, type => 'close'); return }
            elsif ($frame->is_ping)  { print {$socket} frame(buffer => $payload, type => 'pong') }
            elsif ($frame->is_pong)  { }
            else {
                my $type = $frame->is_binary ? 'binary' : 'text';
                print {$socket} frame(buffer => $payload, type => $type, max_payload_size => 64 << 20);
            }
        }
    }
}

my $server = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $ARGV[0], Listen => 512, ReuseAddr => 1)
    or die "listen: $!";
while (1) {
    my $socket = $server->accept or next;
    if (!fork) {
        close $server;
        $socket->autoflush(1);
        eval { serve($socket) };    # the library dies where a rule is broken
        exit;
    }
    close $socket;
}
