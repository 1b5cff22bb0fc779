package gorilla

import (
	"net/http"

	"github.com/gorilla/websocket"

	"github.com/wsproof/wsproof/internal/engine/task"
)

func benchAccept(r *http.Request, streams []*task.Stream) ([]*websocket.Conn, error) {
	all := make([]*websocket.Conn, len(streams))
	u := websocket.Upgrader{EnableCompression: true}
	for i, s := range streams {
		c, err := u.Upgrade(task.NewResponse(s), r, nil)
		if err != nil {
			return nil, err
		}
		all[i] = c
	}
	return all, nil
}

var benchBroadcasts = []task.Broadcast{
	{API: "prepared", Open: func(r *http.Request, streams []*task.Stream, payload []byte) (func() error, error) {
		all, err := benchAccept(r, streams)
		if err != nil {
			return nil, err
		}
		return func() error {
			p, err := websocket.NewPreparedMessage(websocket.TextMessage, payload)
			if err != nil {
				return err
			}
			for _, c := range all {
				if err := c.WritePreparedMessage(p); err != nil {
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
		return func() error {
			for _, c := range all {
				if err := c.WriteMessage(websocket.TextMessage, payload); err != nil {
					return err
				}
			}
			return nil
		}, nil
	}},
}
