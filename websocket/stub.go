package websocket

import (
	"context"
	"errors"
	"io"
	"net/http"
)

var errStub = errors.New("not built yet")

type Mode bool

const (
	ServerMode Mode = false
	ClientMode Mode = true
)

type MaskingKey [4]byte

var Unmasked MaskingKey

func NewMaskingKey() MaskingKey { return MaskingKey{1, 2, 3, 4} }

func ReadFrame(src io.Reader, mode Mode, maxPayloadLen int) (*Frame, error)   { return nil, errStub }
func WriteFrame(dst io.Writer, mask MaskingKey, frame *Frame) error           { return errStub }
func MarshalFrame(frame *Frame, mask MaskingKey) []byte                       { return nil }
func AppendFrame(dst []byte, frame *Frame, mask MaskingKey) []byte            { return nil }
func NewFrameReader(src io.Reader, mode Mode, maxPayloadLen int) *FrameReader { return nil }

type FrameReader struct{}

func (r *FrameReader) Next() (*Frame, error) { return nil, errStub }

type ClientKey string

func NewClientKey() ClientKey { return "" }

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

type HTTPHandler struct{}

func NewHandler(handler Handler, opts Options) *HTTPHandler             { return nil }
func (h *HTTPHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {}
func (h *HTTPHandler) Shutdown(ctx context.Context) error               { return errStub }

func Handshake(w http.ResponseWriter, r *http.Request) (ClientKey, error) { return "", errStub }
func Accept(w http.ResponseWriter, r *http.Request, opts Options) (*Websocket, error) {
	return nil, errStub
}

type DialOptions struct{ Options Options }

func Dial(ctx context.Context, url string, opts DialOptions) (*Websocket, *http.Response, error) {
	return nil, nil, errStub
}
