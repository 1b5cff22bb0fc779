package core

import (
	"context"
	"net/http"

	"github.com/wsproof/wsproof/internal/engine/task"
	"github.com/wsproof/wsproof/websocket"
)

func benchAccept(r *http.Request, streams []*task.Stream) ([]*websocket.Websocket, error) {
	all := make([]*websocket.Websocket, len(streams))
	for i, s := range streams {
		ws, err := websocket.Accept(task.NewResponse(s), r, websocket.Options{
			MaxFrameSize: task.Most, MaxMessageSize: task.Most, Compression: &websocket.Compression{},
		})
		if err != nil {
			return nil, err
		}
		all[i] = ws
	}
	return all, nil
}

var benchBroadcasts = []task.Broadcast{
	{API: "prepared", Open: func(r *http.Request, streams []*task.Stream, payload []byte) (func() error, error) {
		all, err := benchAccept(r, streams)
		if err != nil {
			return nil, err
		}
		ctx := context.Background()
		return func() error {
			p, err := websocket.Prepare(&websocket.Message{Payload: payload})
			if err != nil {
				return err
			}
			for _, ws := range all {
				if err := ws.WritePrepared(ctx, p); err != nil {
					return err
				}
			}
			return nil
		}, nil
	}},
	{API: "each", Open: func(r *http.Request, streams []*task.Stream, payload []byte) (func() error, error) {
		all, err := benchAccept(r, streams)
		if err != nil {
			return nil, err
		}
		ctx := context.Background()
		return func() error {
			msg := &websocket.Message{Payload: payload}
			for _, ws := range all {
				if err := ws.WriteMessage(ctx, msg); err != nil {
					return err
				}
			}
			return nil
		}, nil
	}},
}
