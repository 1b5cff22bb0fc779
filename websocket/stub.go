package websocket

import (
	"context"
	"errors"
	"net/http"
)

var errStub = errors.New("not built yet")

type DialOptions struct{ Options Options }

func Dial(ctx context.Context, url string, opts DialOptions) (*Websocket, *http.Response, error) {
	return nil, nil, errStub
}
