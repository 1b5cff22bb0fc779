package echo

import (
	"net/http"
	"unicode/utf8"

	"github.com/lxzan/gws"
)

type gwsEcho struct{ gws.BuiltinEventHandler }

func (gwsEcho) OnMessage(c *gws.Conn, message *gws.Message) {
	defer message.Close()
	_ = c.WriteMessage(message.Opcode, message.Bytes())
}

// gwsChecked is gwsEcho with the check of text. The library's own option checks
// answers, too, which nobody else has to pay for here.
type gwsChecked struct{ gws.BuiltinEventHandler }

func (gwsChecked) OnMessage(c *gws.Conn, message *gws.Message) {
	defer message.Close()
	if message.Opcode == gws.OpcodeText && !utf8.Valid(message.Bytes()) {
		c.WriteClose(1007, nil)
		return
	}
	_ = c.WriteMessage(message.Opcode, message.Bytes())
}

func gwsWith(events gws.Event, options *gws.ServerOption) http.Handler {
	u := gws.NewUpgrader(events, options)
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
	return gwsWith(gwsChecked{}, &gws.ServerOption{ReadMaxPayloadSize: most, WriteMaxPayloadSize: most, ReadBufferSize: readBuffer})
}

// gwsReadme: its "best practice" without compression and without
// ParallelEnabled, under which answers may overtake each other.
func gwsReadme() http.Handler {
	return gwsWith(gwsEcho{}, &gws.ServerOption{ReadMaxPayloadSize: most, WriteMaxPayloadSize: most, Recovery: gws.Recovery})
}
