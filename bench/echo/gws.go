package echo

import (
	"net/http"

	"github.com/lxzan/gws"
)

type gwsEcho struct{ gws.BuiltinEventHandler }

func (gwsEcho) OnMessage(c *gws.Conn, message *gws.Message) {
	defer message.Close()
	_ = c.WriteMessage(message.Opcode, message.Bytes())
}

func gwsWith(options *gws.ServerOption) http.Handler {
	u := gws.NewUpgrader(gwsEcho{}, options)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := u.Upgrade(w, r)
		if err != nil {
			return
		}
		go c.ReadLoop()
	})
}

// gwsBest: the handler answers on the read loop; UTF-8 is checked.
func gwsBest() http.Handler {
	return gwsWith(&gws.ServerOption{ReadMaxPayloadSize: most, WriteMaxPayloadSize: most, CheckUtf8Enabled: true})
}

// gwsReadme: its "best practice" without compression and without
// ParallelEnabled, under which answers may overtake each other.
func gwsReadme() http.Handler {
	return gwsWith(&gws.ServerOption{ReadMaxPayloadSize: most, WriteMaxPayloadSize: most, Recovery: gws.Recovery})
}
