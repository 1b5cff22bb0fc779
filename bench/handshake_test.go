package bench

import (
	"bufio"
	"bytes"
	"net/http"
	"testing"

	coder "github.com/coder/websocket"
	"github.com/gobwas/ws"
	gorilla "github.com/gorilla/websocket"
	"github.com/lxzan/gws"

	core "github.com/wsproof/wsproof/websocket"
)

// An upgrade answers one handshake: of the parsed request r with the
// ResponseWriter w, on the connection s behind it.
type upgrade struct {
	lib, api string
	prepare  func() func(w *response, r *http.Request, s *stream) error
	raw      bool // parses the bytes from s by itself
}

var upgrades = []upgrade{
	{lib: "core", api: "best", prepare: func() func(w *response, r *http.Request, s *stream) error {
		return func(w *response, r *http.Request, _ *stream) error {
			_, err := core.Accept(w, r, core.Options{})
			return err
		}
	}},
	{lib: "core", api: "handshake", prepare: func() func(w *response, r *http.Request, s *stream) error {
		return func(w *response, r *http.Request, _ *stream) error {
			_, err := core.Handshake(w, r)
			return err
		}
	}},
	{lib: "gobwas", api: "best", prepare: func() func(w *response, r *http.Request, s *stream) error {
		return func(w *response, r *http.Request, _ *stream) error {
			_, _, _, err := ws.UpgradeHTTP(r, w)
			return err
		}
	}},
	{lib: "gobwas", api: "zerocopy", raw: true, prepare: func() func(w *response, r *http.Request, s *stream) error {
		return func(_ *response, _ *http.Request, s *stream) error {
			_, err := ws.Upgrade(s)
			return err
		}
	}},
	{lib: "gorilla", api: "best", prepare: func() func(w *response, r *http.Request, s *stream) error {
		var u gorilla.Upgrader
		return func(w *response, r *http.Request, _ *stream) error {
			_, err := u.Upgrade(w, r, nil)
			return err
		}
	}},
	{lib: "coder", api: "best", prepare: func() func(w *response, r *http.Request, s *stream) error {
		return func(w *response, r *http.Request, _ *stream) error {
			_, err := coder.Accept(w, r, nil)
			return err
		}
	}},
	{lib: "gws", api: "best", prepare: func() func(w *response, r *http.Request, s *stream) error {
		u := gws.NewUpgrader(&gwsEvents{}, nil)
		return func(w *response, r *http.Request, s *stream) error {
			_, err := u.UpgradeFromConn(s, w.brw.Reader, r)
			return err
		}
	}},
	{lib: "gws", api: "readme", prepare: func() func(w *response, r *http.Request, s *stream) error {
		u := gws.NewUpgrader(&gwsEvents{}, nil)
		return func(w *response, r *http.Request, _ *stream) error {
			_, err := u.Upgrade(w, r)
			return err
		}
	}},
}

// openUpgrade makes an operation of answering a handshake: from=parsed begins
// with a request as net/http has parsed it, from=raw with the bytes, which
// http.ReadRequest parses where the library does not do so itself.
func (u *upgrade) open(from string) *op {
	s := &stream{}
	w := newResponse(s)
	answer, r := u.prepare(), parsedRequest()
	return &op{s: s, loop: func(next func() bool) error {
		for next() {
			w.reset()
			if from == "raw" {
				s.pre = requestBytes
				if !u.raw {
					var err error
					if r, err = http.ReadRequest(w.brw.Reader); err != nil {
						return err
					}
				}
			}
			if err := answer(w, r, s); err != nil {
				return err
			}
		}
		return nil
	}}
}

func eachUpgrade(do func(name string, u *upgrade, from string)) {
	for _, from := range []string{"parsed", "raw"} {
		for i := range upgrades {
			u := &upgrades[i]
			if u.raw && from != "raw" {
				continue
			}
			do("lib="+u.lib+build+"/api="+u.api+"/from="+from, u, from)
		}
	}
}

func BenchmarkHandshake(b *testing.B) {
	eachUpgrade(func(name string, u *upgrade, from string) {
		b.Run(name, func(b *testing.B) {
			measure(b, 0, u.open(from))
		})
	})
}

func TestHandshake(t *testing.T) {
	eachUpgrade(func(name string, u *upgrade, from string) {
		t.Run(name, func(t *testing.T) {
			o := u.open(from)
			o.s.keep = true
			rounds := 0
			err := o.loop(func() bool {
				// net/http sends what Handshake has set when the handler returns
				if rounds > 0 {
					checkAccepted(t, o.s.kept)
				}
				o.s.kept = o.s.kept[:0]
				rounds++
				return rounds <= 3
			})
			if err != nil {
				t.Fatal(err)
			}
		})
	})
}

func checkAccepted(t *testing.T, sent []byte) {
	t.Helper()
	resp, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(sent)), nil)
	if err != nil {
		t.Fatalf("no response in %q: %v", sent, err)
	}
	if got, want := resp.Header.Get("Sec-WebSocket-Accept"), acceptKey(sampleKey); resp.StatusCode != 101 || got != want {
		t.Fatalf("status %d with accept key %q, want 101 with %q", resp.StatusCode, got, want)
	}
}
