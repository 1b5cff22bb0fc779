package bench

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"testing"

	"github.com/wsproof/wsproof/internal/engine/engines"
	"github.com/wsproof/wsproof/internal/engine/task"
	"github.com/wsproof/wsproof/internal/model"
)

// broadcastTo is how many connections a message of BenchmarkBroadcast goes to.
const broadcastTo = 1000

var offers = []struct{ name, offer string }{
	{"none", task.OfferNone}, {"no-takeover", task.OfferNoTakeover}, {"takeover", task.OfferTakeover},
}

// update is the kind of message that is broadcast: n bytes of JSON, the i-th.
func update(n, i int) []byte {
	b := fmt.Appendf(nil, `{"seq":%d,"updates":[`, i)
	for k := 0; len(b) < n-2; k++ {
		b = fmt.Appendf(b, `{"symbol":"S%03d","bid":%d.%02d,"ask":%d.%02d,"volume":%d},`, k%300, k*7%500, i*13%100, k*7%500+1, (i+k)*29%100, k*i*997%100000)
	}
	return append(b[:n-2], "]}"...)
}

func eachBroadcast(do func(name string, b *task.Broadcast, offer string, size int)) {
	for _, o := range offers {
		for _, n := range []int{512, 4 << 10} {
			for _, e := range engines.All() {
				for _, b := range e.Tasks.Broadcasts {
					do(libName(e.Name)+"/api="+b.API+"/deflate="+o.name+"/size="+size(n), &b, o.offer, n)
				}
			}
		}
	}
}

// BenchmarkBroadcast sends a message to 1,000 connections in memory; what it takes is told
// for one of them.
func BenchmarkBroadcast(b *testing.B) {
	eachBroadcast(func(name string, way *task.Broadcast, offer string, n int) {
		b.Run(name, func(b *testing.B) {
			streams := make([]*task.Stream, broadcastTo)
			for i := range streams {
				streams[i] = new(task.Stream)
			}
			payload := update(n, 0)
			send, err := way.Open(task.Offering(offer), streams, payload)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			var before, used, k, sent int64
			for b.Loop() {
				if k++; k == 2 { // the first opens windows
					before, sent = cpuTime().Nanoseconds(), streams[0].Written()
				}
				copy(payload, update(n, int(k))) // another one each time, for all that a context knows
				if err := send(); err != nil {
					b.Fatal(err)
				}
			}
			if k > 1 {
				used = cpuTime().Nanoseconds() - before
				b.ReportMetric(float64(used)/float64(k-1)/broadcastTo, "cpu-ns/conn")
				b.ReportMetric(float64(streams[0].Written()-sent)/float64(k-1), "wire-B/conn")
			}
		})
	})
}

// TestBroadcast: what goes out is the message, by the model, on every connection.
func TestBroadcast(t *testing.T) {
	eachBroadcast(func(name string, way *task.Broadcast, offer string, n int) {
		t.Run(name, func(t *testing.T) {
			streams := make([]*task.Stream, 3)
			for i := range streams {
				streams[i] = &task.Stream{Keep: true}
			}
			payload := update(n, 0)
			send, err := way.Open(task.Offering(offer), streams, payload)
			if err != nil {
				t.Fatal(err)
			}
			const rounds = 4
			var want []string
			for k := range rounds {
				copy(payload, update(n, k))
				want = append(want, string(payload))
				if err := send(); err != nil {
					t.Fatal(err)
				}
			}
			for _, s := range streams {
				got, compressed := readBroadcast(t, offer, s.Kept)
				if !slices.Equal(got, want) {
					t.Fatalf("sent were %q, want %q", got, want)
				}
				if compressed != (offer != task.OfferNone) {
					t.Errorf("compressed: %v", compressed)
				}
			}
		})
	})
}

// readBroadcast returns the messages behind the answer of a server to an offer, and
// whether they have a header that says that they are compressed.
func readBroadcast(t *testing.T, offer string, sent []byte) (messages []string, compressed bool) {
	t.Helper()
	in := bufio.NewReader(bytes.NewReader(sent))
	response, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	rest, err := io.ReadAll(in)
	if err != nil {
		t.Fatal(err)
	}
	agreed, wrong := model.ReadAnswer([]string{offer}, response.Header.Values("Sec-WebSocket-Extensions"))
	if wrong != nil {
		t.Fatal(wrong)
	}
	limits := model.Limits{Frame: task.Most, Message: task.Most}
	outcome := model.Read(model.Client, limits, rest)
	if agreed != nil {
		outcome = model.ReadCompressed(model.Client, limits, *agreed, rest)
	}
	if outcome.Rule != "" {
		t.Fatalf("what was sent: %v", outcome)
	}
	for _, m := range outcome.Messages {
		messages = append(messages, string(m.Payload))
	}
	return messages, rest[0]&0x40 != 0
}
