package websocket

import (
	"context"
	"errors"
	"io"
	"net/http"
)

var errStub = errors.New("not built yet")

type Handler func(ctx context.Context, msg *Message) (*Message, error)

var EchoHandler Handler = func(_ context.Context, msg *Message) (*Message, error) { return msg, nil }

type Websocket struct{}

func New(src io.ReadWriteCloser, clientKey ClientKey, mode Mode, opts Options) *Websocket { return nil }

func newConn(src io.ReadWriteCloser, key ClientKey, mode Mode, opts *Options, unread []byte, subprotocol string) *Websocket {
	return nil
}
func (c *Websocket) ClientKey() ClientKey                                   { return "" }
func (c *Websocket) Subprotocol() string                                    { return "" }
func (c *Websocket) Close() error                                           { return errStub }
func (c *Websocket) CloseWithStatus(code StatusCode, reason string) error   { return errStub }
func (c *Websocket) Ping(ctx context.Context) error                         { return errStub }
func (c *Websocket) ReadMessage(ctx context.Context) (*Message, error)      { return nil, errStub }
func (c *Websocket) WriteMessage(ctx context.Context, msg *Message) error   { return errStub }
func (c *Websocket) Serve(ctx context.Context, handler Handler)             {}
func (c *Websocket) abort(cause error)                                      {}
func (c *Websocket) serve(ctx context.Context, handler Handler, watch bool) {}

type DialOptions struct{ Options Options }

func Dial(ctx context.Context, url string, opts DialOptions) (*Websocket, *http.Response, error) {
	return nil, nil, errStub
}
