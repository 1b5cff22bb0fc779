package gws

import (
	"bytes"
	"net/http"
	"unicode/utf8"

	"github.com/lxzan/gws"

	"github.com/wsproof/wsproof/internal/engine/task"
)

type echoEvents struct{ gws.BuiltinEventHandler }

func (echoEvents) OnMessage(c *gws.Conn, message *gws.Message) {
	defer message.Close()
	_ = c.WriteMessage(message.Opcode, message.Bytes())
}

// echoChecked is echoEvents with the check of text. The library's own option checks
// answers, too, which nobody else has to pay for here.
type echoChecked struct{ gws.BuiltinEventHandler }

func (echoChecked) OnMessage(c *gws.Conn, message *gws.Message) {
	defer message.Close()
	if message.Opcode == gws.OpcodeText && !utf8.Valid(message.Bytes()) {
		c.WriteClose(1007, nil)
		return
	}
	_ = c.WriteMessage(message.Opcode, message.Bytes())
}

// echoKept is echoEvents with messages that are the handler's own, as those of the other
// libraries are by their READMEs: gws's are gone with Close.
type echoKept struct{ gws.BuiltinEventHandler }

func (echoKept) OnMessage(c *gws.Conn, message *gws.Message) {
	defer message.Close()
	_ = c.WriteMessage(message.Opcode, bytes.Clone(message.Bytes()))
}

func echoWith(events gws.Event, options *gws.ServerOption) http.Handler {
	u := gws.NewUpgrader(events, options)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := u.Upgrade(w, r)
		if err != nil {
			return
		}
		go c.ReadLoop()
	})
}

// echoBest: the handler answers on the read loop; UTF-8 is checked.
func echoBest() http.Handler {
	return echoWith(echoChecked{}, &gws.ServerOption{ReadMaxPayloadSize: task.Most, WriteMaxPayloadSize: task.Most, ReadBufferSize: task.EchoReadBuffer})
}

// echoReadme: its "best practice" without compression and without
// ParallelEnabled, under which answers may overtake each other.
func echoReadme() http.Handler {
	return echoWith(echoEvents{}, &gws.ServerOption{ReadMaxPayloadSize: task.Most, WriteMaxPayloadSize: task.Most, Recovery: gws.Recovery})
}

// echoOwn: echoReadme with messages of the handler's own.
func echoOwn() http.Handler {
	return echoWith(echoKept{}, &gws.ServerOption{ReadMaxPayloadSize: task.Most, WriteMaxPayloadSize: task.Most, Recovery: gws.Recovery})
}
