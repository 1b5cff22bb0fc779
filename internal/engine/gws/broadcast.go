package gws

import (
	"net/http"
	"sync"

	"github.com/lxzan/gws"

	"github.com/wsproof/wsproof/internal/engine/task"
)

func benchAccept(r *http.Request, streams []*task.Stream) ([]*gws.Conn, error) {
	all := make([]*gws.Conn, len(streams))
	u := gws.NewUpgrader(&benchEvents{}, &gws.ServerOption{
		ReadMaxPayloadSize: task.Most, WriteMaxPayloadSize: task.Most, CheckUtf8Enabled: true,
		PermessageDeflate: gws.PermessageDeflate{Enabled: true, ServerContextTakeover: true, ClientContextTakeover: true, Threshold: 1},
	})
	for i, s := range streams {
		c, err := u.UpgradeFromConn(s, task.NewResponse(s).Reader(), r)
		if err != nil {
			return nil, err
		}
		all[i] = c
	}
	return all, nil
}

var benchBroadcasts = []task.Broadcast{
	// The library writes on goroutines, one a connection that has something to write;
	// what comes behind the message in a connection's queue tells when it is written.
	{API: "prepared", Open: func(r *http.Request, streams []*task.Stream, payload []byte) (func() error, error) {
		all, err := benchAccept(r, streams)
		if err != nil {
			return nil, err
		}
		return func() error {
			b := gws.NewBroadcaster(gws.OpcodeText, payload)
			var written sync.WaitGroup
			written.Add(len(all))
			for _, c := range all {
				if err := b.Broadcast(c); err != nil {
					return err
				}
				c.Async(written.Done)
			}
			written.Wait()
			return b.Close()
		}, nil
	}},
	{API: "each", Open: func(r *http.Request, streams []*task.Stream, payload []byte) (func() error, error) {
		all, err := benchAccept(r, streams)
		if err != nil {
			return nil, err
		}
		return func() error {
			for _, c := range all {
				if err := c.WriteMessage(gws.OpcodeText, payload); err != nil {
					return err
				}
			}
			return nil
		}, nil
	}},
}
