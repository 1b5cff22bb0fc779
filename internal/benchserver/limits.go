package benchserver

import (
	"context"
	"math"
	"net/http"
	"net/url"
	"path"
	"runtime/debug"
	runtimemetrics "runtime/metrics"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/wsproof/wsproof/internal/cli"
	"github.com/wsproof/wsproof/internal/engine/serve"
)

// spareFiles are the open files that are not for WebSocket connections:
// listeners, the admin address, standard streams, requests that get 503.
const spareFiles = 64

// memoryInterval is how often the memory in use is looked at.
const memoryInterval = 100 * time.Millisecond

// Limits refuse what would make the server fall over.
type limits struct {
	maxConns  int64
	maxMemory int64 // bytes, 0: none
	taken     atomic.Int64
	full      atomic.Bool // memory
}

func newLimits(c *config) *limits {
	l := &limits{maxConns: int64(c.maxConns), maxMemory: c.maxMemory}
	if l.maxConns == 0 {
		l.maxConns = max(1, cli.OpenFiles()-spareFiles)
	}
	if l.maxMemory == 0 {
		if set := debug.SetMemoryLimit(-1); set != math.MaxInt64 {
			l.maxMemory = set / 10 * 9
		}
	}
	return l
}

// take asks for room for one more connection; what it grants is given back by
// release.
func (l *limits) take() (refusal string) {
	if l.full.Load() {
		return "out of memory for more connections"
	}
	if l.taken.Add(1) > l.maxConns {
		l.taken.Add(-1)
		return "too many connections"
	}
	return ""
}

func (l *limits) release() { l.taken.Add(-1) }

// watch looks at the memory in use until ctx ends.
func (l *limits) watch(ctx context.Context) {
	if l.maxMemory == 0 {
		return
	}
	tick := time.NewTicker(memoryInterval)
	defer tick.Stop()
	for {
		l.full.Store(memoryInUse() >= l.maxMemory)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// memoryInUse is what GOMEMLIMIT bounds: all memory of the Go runtime that the
// kernel has not been given back, in bytes.
func memoryInUse() int64 {
	samples := []runtimemetrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	runtimemetrics.Read(samples)
	return int64(samples[0].Value.Uint64() - samples[1].Value.Uint64())
}

// originCheck returns a check that lets pages of our own origin connect, and
// those of hosts that match one of the patterns.
func originCheck(patterns []string) func(*http.Request) bool {
	any := slices.Contains(patterns, "*")
	return func(r *http.Request) bool {
		if any || serve.SameOrigin(r) {
			return true
		}
		u, err := url.Parse(r.Header.Get("Origin"))
		if err != nil {
			return false
		}
		host := strings.ToLower(u.Host)
		return slices.ContainsFunc(patterns, func(pattern string) bool {
			return matchLabels(pattern, host)
		})
	}
}

// matchLabels matches host by host label, so that * stays within one.
func matchLabels(pattern, host string) bool {
	patterns, labels := strings.Split(pattern, "."), strings.Split(host, ".")
	if len(patterns) != len(labels) {
		return false
	}
	for i := range patterns {
		if ok, _ := path.Match(patterns[i], labels[i]); !ok {
			return false
		}
	}
	return true
}
