package bench

import (
	"bufio"
	"bytes"
	"net/http"
	"testing"

	"github.com/wsproof/wsproof/internal/engine/engines"
	"github.com/wsproof/wsproof/internal/engine/task"
	"github.com/wsproof/wsproof/internal/engine/transcript"
)

// openUpgrade makes an operation of answering a handshake: from=parsed begins
// with a request as net/http has parsed it, from=raw with the bytes, which
// http.ReadRequest parses where the library does not do so itself.
func openUpgrade(u *task.Upgrade, from string) *task.Op {
	s := &task.Stream{}
	w := task.NewResponse(s)
	answer, r := u.Prepare(), task.Request()
	return &task.Op{Stream: s, Loop: func(next func() bool) error {
		for next() {
			w.Reset()
			if from == "raw" {
				s.Pre = task.RequestBytes
				if !u.Raw {
					var err error
					if r, err = http.ReadRequest(w.Reader()); err != nil {
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

func eachUpgrade(do func(name string, u *task.Upgrade, from string)) {
	for _, from := range []string{"parsed", "raw"} {
		for _, e := range engines.All() {
			for _, u := range e.Tasks.Upgrades {
				if u.Raw && from != "raw" {
					continue
				}
				do(libName(e.Name)+"/api="+u.API+"/from="+from, &u, from)
			}
		}
	}
}

func BenchmarkHandshake(b *testing.B) {
	eachUpgrade(func(name string, u *task.Upgrade, from string) {
		b.Run(name, func(b *testing.B) {
			measure(b, 0, openUpgrade(u, from))
		})
	})
}

func TestHandshake(t *testing.T) {
	eachUpgrade(func(name string, u *task.Upgrade, from string) {
		t.Run(name, func(t *testing.T) {
			o := openUpgrade(u, from)
			o.Stream.Keep = true
			rounds := 0
			err := o.Loop(func() bool {
				// net/http sends what Handshake has set when the handler returns
				if rounds > 0 {
					checkAccepted(t, o.Stream.Kept)
				}
				o.Stream.Kept = o.Stream.Kept[:0]
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
	if got, want := resp.Header.Get("Sec-WebSocket-Accept"), transcript.AcceptKey(task.SampleKey); resp.StatusCode != 101 || got != want {
		t.Fatalf("status %d with accept key %q, want 101 with %q", resp.StatusCode, got, want)
	}
}
