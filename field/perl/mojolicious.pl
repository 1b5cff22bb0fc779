# Echo server on Mojolicious. Usage: perl mojolicious.pl PORT
use Mojolicious::Lite -signatures;

app->log->level('fatal');

websocket '/' => sub ($c) {
    $c->tx->max_websocket_size(64 * 1024 * 1024);    # default: 256 KiB
    $c->inactivity_timeout(60);

    # The events text and binary have whole messages, as bytes.
    $c->on(text   => sub ($c, $bytes) { $c->send({text   => $bytes}) });
    $c->on(binary => sub ($c, $bytes) { $c->send({binary => $bytes}) });
};

app->start('daemon', '-l', "http://127.0.0.1:$ARGV[0]");
